/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include "../../common/base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096u

struct talk_world {
	struct talk_config config;
	struct loop *loop;
	SSL_CTX *ctx;
	struct talk_counts counts;
};

enum phase { IDLE, CONNECTING, SHAKING, WRITING, READING };

struct talk {
	struct talk_world *world;
	unsigned source;
	void (*done)(void *ctx, const struct talk_answer *a);
	void *ctx;
	enum phase phase;
	int fd;
	struct loop_io *io;
	SSL *ssl;
	SSL_SESSION *session; /* of the last connection */
	bool resume;
	bool reused; /* the connection served a question before this one */
	struct buf out;
	size_t sent;
	struct buf in;
};

/* ---- the world ---- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct talk *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1; /* ours now */
}

static int load_trust(const struct talk_config *c, SSL_CTX *ctx, struct err *e)
{
	if (SSL_CTX_load_verify_file(ctx, c->ca) != 1)
		return err_set(e, ERR_CONFIG, "%s: no CA can be read", c->ca);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (c->cert == NULL)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, c->cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, c->key, SSL_FILETYPE_PEM) != 1)
		return err_set(e, ERR_CONFIG, "%s, %s: no certificate and its key",
			       c->cert, c->key);
	return 0;
}

struct talk_world *talk_world_new(const struct talk_config *c, struct loop *l,
				  struct err *e)
{
	struct talk_world *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	w->config = *c;
	w->loop = l;
	w->ctx = SSL_CTX_new(TLS_client_method());
	if (w->ctx == NULL || load_trust(c, w->ctx, e) < 0) {
		talk_world_free(w);
		return NULL;
	}
	SSL_CTX_set_mode(w->ctx, SSL_MODE_RELEASE_BUFFERS |
				     SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(w->ctx, SSL_SESS_CACHE_CLIENT |
						   SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(w->ctx, keep_session);
	return w;
}

void talk_world_free(struct talk_world *w)
{
	if (w == NULL)
		return;
	SSL_CTX_free(w->ctx);
	free(w);
}

const struct talk_counts *talk_world_counts(const struct talk_world *w)
{
	return &w->counts;
}

/* ---- a talk's ends ---- */

struct talk *talk_new(struct talk_world *w, unsigned source,
		      void (*done)(void *ctx, const struct talk_answer *a), void *ctx,
		      struct err *e)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	t->world = w;
	t->source = source;
	t->done = done;
	t->ctx = ctx;
	t->fd = -1;
	buf_init(&t->out, REQUEST_MAX);
	buf_init(&t->in, TALK_ANSWER_MAX);
	return t;
}

void talk_hang_up(struct talk *t)
{
	loop_io_free(t->io);
	t->io = NULL;
	if (t->ssl != NULL) {
		/* Says goodbye without waiting: the ticket stays good. */
		(void)SSL_shutdown(t->ssl);
		SSL_free(t->ssl);
		t->ssl = NULL;
	}
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
	t->phase = IDLE;
	ERR_clear_error();
}

void talk_free(struct talk *t)
{
	if (t == NULL)
		return;
	talk_hang_up(t);
	SSL_SESSION_free(t->session);
	buf_fini(&t->out);
	buf_fini(&t->in);
	free(t);
}

static void fail(struct talk *t, const char *why)
{
	struct talk_answer a = {.error = why};

	talk_hang_up(t);
	t->done(t->ctx, &a);
}

/* ---- opening ---- */

static int wait_for(struct talk *t, int what, struct err *e)
{
	return loop_io_set(t->io, what, e);
}

static int bind_source(struct talk *t, struct err *e)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int yes = 1;

	if (t->source == 0)
		return 0;
	from.sin_addr.s_addr = htonl(0x7f000000u + t->source);
	if (setsockopt(t->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) <
		0 ||
	    bind(t->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return err_sys(e, "call from 127.0.0.%u", t->source);
	return 0;
}

static void on_io(void *ctx, int what);

static int dial(struct talk *t, struct err *e)
{
	const struct sockaddr_in *to = &t->world->config.to;
	int yes = 1;

	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return err_sys(e, "open a socket");
	(void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (bind_source(t, e) < 0)
		return -1;
	if (connect(t->fd, (const struct sockaddr *)to, sizeof(*to)) < 0 &&
	    errno != EINPROGRESS)
		return err_sys(e, "connect");
	t->io = loop_io_new(t->world->loop, t->fd, on_io, t, e);
	return t->io == NULL ? -1 : wait_for(t, LOOP_WRITE, e);
}

static int open_tls(struct talk *t, struct err *e)
{
	const struct talk_config *c = &t->world->config;

	t->ssl = SSL_new(t->world->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, t->fd) != 1)
		return err_nomem(e);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), c->host);
	if (t->resume && t->session != NULL)
		(void)SSL_set_session(t->ssl, t->session);
	return 0;
}

int talk_ask(struct talk *t, const char *request, size_t len, bool resume,
	     struct err *e)
{
	buf_clear(&t->out);
	buf_clear(&t->in);
	t->sent = 0;
	t->resume = resume;
	if (buf_add(&t->out, request, len, e) < 0)
		return -1;
	t->reused = t->fd >= 0;
	if (t->reused) {
		t->phase = WRITING;
		return wait_for(t, LOOP_WRITE, e);
	}
	t->phase = CONNECTING;
	if (dial(t, e) == 0 && open_tls(t, e) == 0)
		return 0;
	talk_hang_up(t);
	return -1;
}

/* ---- reading an answer ---- */

/* Bytes of head and body together, or 0 while the head is not whole. */
static size_t answer_size(const struct talk *t, size_t *ret_head)
{
	const char *text = buf_str(&t->in);
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = end == NULL ? NULL : strcasestr(text, "\ncontent-length:");

	if (end == NULL)
		return 0;
	*ret_head = (size_t)(end - text) + 4u;
	if (length == NULL || length > end)
		return *ret_head;
	return *ret_head + strtoul(length + 16, NULL, 10);
}

static bool says_close(const struct talk *t, size_t head)
{
	const char *text = buf_str(&t->in);
	const char *field = strcasestr(text, "\nconnection: close");

	return field != NULL && field < text + head;
}

/* True when the answer was whole and has been handed over. */
static bool try_finish(struct talk *t)
{
	struct err e = ERR_INIT;
	size_t head = 0, size = answer_size(t, &head);
	struct talk_answer a = {0};

	if (size == 0 || t->in.len < size)
		return false;
	a.status = atoi(buf_str(&t->in) + sizeof("HTTP/1.1"));
	a.body = buf_str(&t->in) + head;
	a.len = size - head;
	t->phase = IDLE;
	if (says_close(t, head))
		talk_hang_up(t);
	else if (wait_for(t, LOOP_READ, &e) < 0) /* to see the server close */
		talk_hang_up(t);
	t->done(t->ctx, &a);
	return true;
}

/* ---- moving on ---- */

/* What OpenSSL waits for; false: the connection is over. */
static bool wait_as_told(struct talk *t, int result)
{
	struct err e = ERR_INIT;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(t, LOOP_READ, &e) == 0;
	case SSL_ERROR_WANT_WRITE:
		return wait_for(t, LOOP_WRITE, &e) == 0;
	default:
		return false;
	}
}

/* A server may close a kept connection at any time: ask once more on a new one. */
static void lost(struct talk *t, const char *why)
{
	struct err e = ERR_INIT;

	if (t->phase == IDLE || !t->reused || t->in.len > 0) {
		bool asked = t->phase != IDLE;

		talk_hang_up(t);
		if (asked)
			fail(t, why);
		return;
	}
	talk_hang_up(t);
	t->reused = false;
	t->sent = 0;
	t->phase = CONNECTING;
	if (dial(t, &e) < 0 || open_tls(t, &e) < 0)
		fail(t, why);
}

static bool shake(struct talk *t)
{
	int n = SSL_do_handshake(t->ssl);

	if (n != 1) {
		if (!wait_as_told(t, n))
			lost(t, "handshake");
		return false;
	}
	if (SSL_session_reused(t->ssl))
		t->world->counts.resumed++;
	else
		t->world->counts.full++;
	t->phase = WRITING;
	return true;
}

static bool write_out(struct talk *t)
{
	while (t->sent < t->out.len) {
		int n = SSL_write(t->ssl, t->out.data + t->sent,
				  (int)(t->out.len - t->sent));

		if (n <= 0) {
			if (!wait_as_told(t, n))
				lost(t, "write");
			return false;
		}
		t->sent += (size_t)n;
	}
	t->phase = READING;
	return true;
}

static void read_in(struct talk *t)
{
	struct err e = ERR_INIT;
	char piece[16384];
	int n;

	while ((n = SSL_read(t->ssl, piece, sizeof(piece))) > 0) {
		t->world->counts.bytes_in += (uint64_t)n;
		if (buf_add(&t->in, piece, (size_t)n, &e) < 0) {
			fail(t, "answer too long");
			return;
		}
		if (try_finish(t))
			return;
	}
	if (!wait_as_told(t, n))
		lost(t, "closed");
}

static void on_io(void *ctx, int what)
{
	struct talk *t = ctx;

	(void)what;
	if (t->phase == CONNECTING)
		t->phase = SHAKING;
	if (t->phase == SHAKING && !shake(t))
		return;
	if (t->phase == WRITING && !write_out(t))
		return;
	read_in(t);
}
