/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS: one context for all threads, exchanged as a whole on
 * reload. */
#ifndef OTA_HTTP_TLS_H
#define OTA_HTTP_TLS_H

#include "../../common/base/err.h"

#include <openssl/ssl.h>

struct tls;

struct tls_config {
	const char *cert_file;	     /* PEM: leaf, then chain */
	const char *key_file;	     /* PEM */
	const char *client_ca_file;  /* PEM list, or NULL */
	const char *ticket_key_file; /* or NULL */
};

/* Strings are copied. */
struct tls *tls_new(const struct tls_config *c, struct err *e) MUST_USE;
void tls_free(struct tls *t);
AUTO_PTR_DEFINE(tls)

/* Reads the files anew. On failure (unreadable, not a pair, expired) the old ones stay
 * in use. Any thread. */
int tls_reload(struct tls *t, struct err *e) MUST_USE;

/* A new connection's half, or NULL for want of memory. Any thread. */
SSL *tls_accept(struct tls *t);

/* Renews the ticket keys when due. Blocks on a file. */
int tls_rotate_tickets(struct tls *t, struct err *e) MUST_USE;

/* The common name of a peer certificate that was verified, or false. */
bool tls_peer_name(SSL *ssl, char *ret_name, size_t room);

#endif
