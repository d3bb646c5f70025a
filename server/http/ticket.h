/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session ticket keys (RFC 8446 section 4.6.1, RFC 5077): with them a device that was
 * here before comes back with a resumed handshake, also after a restart of the server.
 * They live in a file, mode 0600: magic "OTATKEY1", then newest first 88 bytes a key:
 *
 *	name (16) | AES-256 key (32) | HMAC-SHA-256 key (32) |
 *	made at, UTC ms (8, little-endian)
 *
 * A key seals new tickets for a day and opens old ones for two more.
 */
#ifndef OTA_HTTP_TICKET_H
#define OTA_HTTP_TICKET_H

#include "../../common/base/clock.h"
#include "../../common/base/err.h"

#include <openssl/ssl.h>

#define TICKET_KEY_LIFE_MS ((int64_t)24 * 3600 * 1000)
#define TICKET_MAX_KEYS 3u
#define TICKET_LIFE_S (2 * 24 * 3600)

struct tickets;

/* path NULL: the keys live in memory alone. A damaged file is replaced: that costs each
 * device one full handshake. */
struct tickets *tickets_open(const char *path, const struct clock *clock,
			     struct err *e) MUST_USE;
void tickets_free(struct tickets *t);
/* Makes a new key and stores it, if the newest is older than a day. Blocks on the file.
 */
int tickets_rotate(struct tickets *t, struct err *e) MUST_USE;
/* The context uses t from now on; t must outlive it. */
void tickets_attach(struct tickets *t, SSL_CTX *ctx);

#endif
