/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include "../../common/base/clock.h"
#include "ticket.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

struct tls {
	char *cert_file;
	char *key_file;
	char *client_ca_file;
	struct tickets *tickets;
	pthread_mutex_t lock; /* guards ctx */
	SSL_CTX *ctx;
};

/* The reason of the first queued OpenSSL error, which is the cause. */
static int tls_err(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return err_set(e, ERR_CONFIG, "%s: %s", what,
		       why != NULL ? why : "OpenSSL refused");
}

static int load_pair(const struct tls *t, SSL_CTX *ctx, struct err *e)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_file) != 1) {
		(void)tls_err(e, "no certificate can be read");
		return err_wrap(e, "%s", t->cert_file);
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1) {
		(void)tls_err(e, "it holds no key for the certificate");
		return err_wrap(e, "%s", t->key_file);
	}
	if (SSL_CTX_check_private_key(ctx) != 1)
		return tls_err(e, "the key does not belong to the certificate");
	return 0;
}

static int trust_clients(const struct tls *t, SSL_CTX *ctx, struct err *e)
{
	STACK_OF(X509_NAME) * names;

	if (t->client_ca_file == NULL)
		return 0;
	names = SSL_load_client_CA_file(t->client_ca_file);
	if (names == NULL || SSL_CTX_load_verify_file(ctx, t->client_ca_file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		(void)tls_err(e, "no CA can be read");
		return err_wrap(e, "%s", t->client_ca_file);
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	/* Without FAIL_IF_NO_PEER_CERT: who shows none is identified by a token, or not
	 * at all. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

/* Cheapest good choice first: AES-128-GCM and X25519 halve what a poll costs. */
static int choose_algorithms(SSL_CTX *ctx, struct err *e)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx,
				     "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				     "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
		return tls_err(e, "choose TLS algorithms");
	return 0;
}

static int configure(const struct tls *t, SSL_CTX *ctx, struct err *e)
{
	static const unsigned char id[] = "ota-server";

	(void)SSL_CTX_set_options(
	    ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
		     SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	/* Without it resumption fails as soon as client certificates are asked for. */
	if (SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 1) != 1)
		return tls_err(e, "configure TLS sessions");
	tickets_attach(t->tickets, ctx);
	return choose_algorithms(ctx, e);
}

static SSL_CTX *make_ctx(const struct tls *t, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (configure(t, ctx, e) < 0 || load_pair(t, ctx, e) < 0 ||
	    trust_clients(t, ctx, e) < 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

struct tls *tls_new(const struct tls_config *c, struct err *e)
{
	AUTO_PTR(tls) struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	t->cert_file = copy(c->cert_file);
	t->key_file = copy(c->key_file);
	t->client_ca_file = copy(c->client_ca_file);
	if (t->cert_file == NULL || t->key_file == NULL) {
		(void)err_set(e, ERR_CONFIG, "TLS needs a certificate and a key");
		return NULL;
	}
	t->tickets = tickets_open(c->ticket_key_file, &clock_system, e);
	if (t->tickets == NULL)
		return NULL;
	t->ctx = make_ctx(t, e);
	return t->ctx != NULL ? TAKE(t) : NULL;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	tickets_free(t->tickets);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->cert_file);
	free(t->key_file);
	free(t->client_ca_file);
	free(t);
}

int tls_reload(struct tls *t, struct err *e)
{
	SSL_CTX *fresh = make_ctx(t, e), *old;

	if (fresh == NULL)
		return err_wrap(e, "the old certificate stays in use");
	if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(fresh))) <
	    0) {
		SSL_CTX_free(fresh);
		return err_set(
		    e, ERR_EXPIRED,
		    "the old certificate stays in use: the one in %s has expired",
		    t->cert_file);
	}
	(void)pthread_mutex_lock(&t->lock);
	old = t->ctx;
	t->ctx = fresh;
	(void)pthread_mutex_unlock(&t->lock);
	SSL_CTX_free(old); /* connections hold references of their own */
	return 0;
}

SSL *tls_accept(struct tls *t)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&t->lock);
	ssl = SSL_new(t->ctx);
	(void)pthread_mutex_unlock(&t->lock);
	return ssl;
}

int tls_rotate_tickets(struct tls *t, struct err *e)
{
	return tickets_rotate(t->tickets, e);
}

bool tls_peer_name(SSL *ssl, char *ret_name, size_t room)
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	int len;

	if (cert == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
		return false;
	len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
					ret_name, (int)room);
	/* Cut, empty or with a NUL inside: not a name to rely on. */
	return len > 0 && (size_t)len < room - 1 && strlen(ret_name) == (size_t)len;
}
