/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate between TLS and evhttp.
 *
 * What a client sends goes through an evbuffer callback before evhttp sees it. The gate
 * holds bytes back until a head is complete, judges it (head.h), finds its route and
 * compares the body's length with the route's cap; then exactly that one request
 * passes, and no byte more until it is answered. So evhttp never sees a malformed head,
 * never half of one, never a second request, and a body too large is refused before it
 * is buffered.
 *
 * A request that is turned away is replaced by a harmless one, so that evhttp answers
 * in its own order and request.c puts the refusal into the answer. The connection then
 * lingers for a moment and drops what still comes: closing at once would reset it under
 * the answer.
 *
 * Deadlines are absolute where evhttp's own are of inactivity: a head dripped byte by
 * byte ends at head_deadline_ms, a body has that and body_time_ms() more.
 */
#include "conn.h"

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_PIPELINED 65536u
#define LINGER_MS 2000
#define SMALL_BODY 16384u

static void conn_move(struct conn *c, enum conn_state to, int64_t deadline_ms)
{
	c->state = to;
	loop_timer_set(c->timer, deadline_ms); /* below zero: none */
}

/* Shutting the socket down is not enough: a client that goes on sending would be read
 * on and on. So evhttp is told, from the loop, that the other side is gone, and frees
 * the connection. */
void conn_cut(struct conn *c)
{
	evutil_socket_t fd = bufferevent_getfd(c->bev);
	bufferevent_event_cb event_cb;

	/* Without callbacks it was freed a moment ago, and is only waiting for the
	 * loop. */
	bufferevent_getcb(c->bev, NULL, NULL, &event_cb, NULL);
	if (c->state == CONN_CUT || event_cb == NULL)
		return;
	conn_move(c, CONN_CUT, -1);
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	(void)bufferevent_disable(c->bev, EV_READ);
	bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_EOF,
				  BEV_TRIG_DEFER_CALLBACKS);
}

void conn_close(struct conn *c)
{
	if (SSL_is_init_finished(c->ssl))
		(void)SSL_shutdown(c->ssl);
	conn_cut(c);
}

static void on_deadline(void *ctx)
{
	struct conn *c = ctx;

	if (c->state == CONN_IDLE || c->state == CONN_REFUSED) {
		conn_close(c);
		return;
	}
	counts_refusal(&c->worker->server->counts, REFUSED_DEADLINE);
	conn_cut(c);
}

void conn_linger(struct conn *c)
{
	loop_timer_set(c->timer, LINGER_MS);
}

static bool try_share(struct conn *c, size_t len)
{
	atomic_size_t *all = &c->worker->server->n_body_bytes;

	if (atomic_fetch_add(all, len) + len > HTTP_MAX_BODIES) {
		atomic_fetch_sub(all, len);
		return false;
	}
	c->body_share = len;
	c->body_began_us = metrics_now_us();
	return true;
}

static void body_give_share(struct conn *c)
{
	atomic_fetch_sub(&c->worker->server->n_body_bytes, c->body_share);
	c->body_share = 0;
}

/* Bytes a millisecond so far; beyond what is slow for one that has just begun. */
static uint64_t body_pace(const struct conn *c)
{
	uint64_t ms = (metrics_now_us() - c->body_began_us) / 1000;

	return ms < HTTP_SLOW_MS ? HTTP_SLOW_BYTES_PER_MS
				 : (c->body_share - c->body_left) / ms;
}

/* Room for somebody who sends: who drips holds as much of it as who does not. */
static bool cut_slowest(struct worker *w)
{
	uint64_t pace, slowest = HTTP_SLOW_BYTES_PER_MS;
	struct conn *found = NULL;

	for (struct conn *c = w->conns; c != NULL; c = c->next) {
		if (c->state != CONN_BODY || c->body_share == 0)
			continue;
		pace = body_pace(c);
		if (pace < slowest) {
			slowest = pace;
			found = c;
		}
	}
	if (found == NULL)
		return false;
	counts_refusal(&w->server->counts, REFUSED_SLOW);
	body_give_share(found);
	conn_cut(found);
	return true;
}

static bool body_take_share(struct conn *c, uint64_t len)
{
	if (len <= SMALL_BODY)
		return true;
	do {
		if (try_share(c, (size_t)len))
			return true;
	} while (cut_slowest(c->worker));
	return false;
}

/* A millisecond a byte of a small body; of what is beyond, which operators upload, one
 * for eight. */
static uint64_t body_time_ms(uint64_t len)
{
	return len <= SMALL_BODY ? len : SMALL_BODY + (len - SMALL_BODY) / 8;
}

static void conn_free(struct conn *c)
{
	body_give_share(c);
	if (c->request != NULL) {
		c->request->conn = NULL;
		c->request->ev = NULL;
	}
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	atomic_fetch_sub(&c->worker->server->n_conns, 1);
	loop_timer_free(c->timer);
	if (c->held != NULL)
		evbuffer_free(c->held);
	if (c->worker->stopping && c->worker->conns == NULL)
		loop_stop(c->worker->loop);
	free(c);
}

/* OpenSSL calls this when an SSL is freed, which libevent does with its bufferevent. */
void conn_free_hook(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
		    void *argp)
{
	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	if (ptr != NULL)
		conn_free(ptr);
}

struct conn *gate_conn(struct bufferevent *bev, const struct http_server *s)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	return ssl != NULL ? SSL_get_ex_data(ssl, s->ssl_index) : NULL;
}

/* Puts a request in the bad one's place that evhttp will find nothing wrong with; its
 * path is the same if that much was understood. */
static void refuse(struct conn *c, const char *path, size_t len)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);

	conn_move(c, CONN_REFUSED, (int64_t)c->worker->server->config.head_deadline_ms);
	c->moving = true;
	(void)evbuffer_add_printf(
	    input, "GET %.*s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	    (int)len, path);
	c->moving = false;
	(void)evbuffer_drain(c->held, evbuffer_get_length(c->held));
}

/* The route's cap; for a path without a route enough that a small body is read and the
 * 404 leaves the connection alive. */
static size_t body_cap(const struct conn *c, const struct head *h, size_t path_len)
{
	struct route_match m;

	router_find(c->worker->server->router, h->method, h->target, path_len, &m);
	if (m.route == NULL)
		return 65536;
	return m.route->max_body < HTTP_MAX_BODY ? m.route->max_body : HTTP_MAX_BODY;
}

/* Judges the held head. 0, or -1 after refusing it. */
static int judge(struct conn *c, const uint8_t *data, size_t head_len)
{
	const char *question;
	size_t path_len;
	struct head h;

	if (c->overloaded)
		c->refusal =
		    (struct refusal){503, "the server has too many connections"};
	if (c->overloaded || head_check(data, head_len, &h, &c->refusal) < 0) {
		counts_refusal(&c->worker->server->counts,
			       c->overloaded ? REFUSED_OVERLOAD : REFUSED_FORM);
		refuse(c, "/", 1);
		return -1;
	}
	question = memchr(h.target, '?', h.target_len);
	path_len = question != NULL ? (size_t)(question - h.target) : h.target_len;
	c->body_left = h.content_length;
	if (c->body_left > body_cap(c, &h, path_len))
		c->refusal =
		    (struct refusal){413, "the body is larger than this path takes"};
	else if (!body_take_share(c, c->body_left))
		c->refusal = (struct refusal){
		    503, "too many large bodies are under way: come back"};
	else
		return 0;
	counts_refusal(&c->worker->server->counts,
		       c->refusal.status == 503 ? REFUSED_BODIES : REFUSED_FORM);
	refuse(c, h.target, path_len);
	return -1;
}

/* Moves up to n bytes from the held ones to where evhttp reads. */
static void let_through(struct conn *c, size_t n)
{
	c->moving = true;
	(void)evbuffer_remove_buffer(c->held, bufferevent_get_input(c->bev), n);
	c->moving = false;
}

static void pass_body(struct conn *c)
{
	size_t n = evbuffer_get_length(c->held);

	if (n > c->body_left)
		n = (size_t)c->body_left;
	let_through(c, n);
	c->body_left -= n;
	if (c->body_left == 0)
		conn_move(c, CONN_ANSWERING, -1);
}

static void pass_head(struct conn *c)
{
	size_t have = evbuffer_get_length(c->held), head_len = 0;
	size_t look = have < HEAD_MAX_LEN ? have : HEAD_MAX_LEN;
	const uint8_t *data = evbuffer_pullup(c->held, (ev_ssize_t)look);
	enum head_state found;

	if (data == NULL) { /* for want of memory */
		conn_cut(c);
		return;
	}
	found = head_scan(data, look, &c->scanned, &head_len, &c->refusal);
	if (found == HEAD_MORE)
		return;
	c->scanned = 0;
	if (found == HEAD_BAD) {
		counts_refusal(&c->worker->server->counts, REFUSED_FORM);
		refuse(c, "/", 1);
		return;
	}
	if (judge(c, data, head_len) < 0)
		return;
	let_through(c, head_len);
	conn_move(c, CONN_BODY,
		  (int64_t)(c->worker->server->config.head_deadline_ms +
			    body_time_ms(c->body_left)));
	pass_body(c);
}

static void gate_pass(struct conn *c)
{
	if (evbuffer_get_length(c->held) == 0)
		return;
	switch (c->state) {
	case CONN_IDLE:
		conn_move(c, CONN_HEAD,
			  (int64_t)c->worker->server->config.head_deadline_ms);
		pass_head(c);
		break;
	case CONN_HEAD:
		pass_head(c);
		break;
	case CONN_BODY:
		pass_body(c);
		break;
	case CONN_REFUSED:
	case CONN_CUT:
		(void)evbuffer_drain(c->held, evbuffer_get_length(c->held));
		break;
	case CONN_ANSWERING:
	default:
		if (evbuffer_get_length(c->held) > MAX_PIPELINED)
			conn_cut(c);
		break;
	}
}

/* Takes what is behind the first `keep` bytes of the input out of evhttp's sight. */
static void hold_back(struct conn *c, struct evbuffer *input, size_t keep)
{
	struct evbuffer *front = keep > 0 ? evbuffer_new() : NULL;

	if (keep > 0 && front == NULL) {
		conn_cut(c);
		return;
	}
	c->moving = true;
	if (front != NULL)
		(void)evbuffer_remove_buffer(input, front, keep);
	(void)evbuffer_add_buffer(c->held, input);
	if (front != NULL) {
		(void)evbuffer_add_buffer(input, front);
		evbuffer_free(front);
	}
	c->moving = false;
}

/* What is read is decrypted, so the handshake is over. */
static void note_arrival(struct conn *c, size_t n)
{
	struct counts *counts = &c->worker->server->counts;

	metric_count(counts->received, 0, 0, n);
	if (c->greeted)
		return;
	c->greeted = true;
	counts_handshake(counts, SSL_session_reused(c->ssl) == 1);
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info,
		      void *ctx)
{
	const struct conn *c = ctx;

	(void)output;
	metric_count(c->worker->server->counts.sent, 0, 0, info->n_deleted);
}

/*
 * Called by libevent within its reading, before it tells evhttp, which leaves a body in
 * the input until it is whole.
 */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info,
		     void *ctx)
{
	struct conn *c = ctx;

	if (c->moving || info->n_added == 0)
		return;
	note_arrival(c, info->n_added);
	if (c->state == CONN_BODY && info->n_added < c->body_left) {
		c->body_left -=
		    info->n_added; /* the usual case: it may stay where it is */
		return;
	}
	hold_back(c, input, info->orig_size);
	gate_pass(c);
}

bool gate_is_quiet(const struct conn *c)
{
	return c->state == CONN_IDLE ||
	       (c->state == CONN_HEAD && evbuffer_get_length(c->held) == 0);
}

void gate_next(struct conn *c)
{
	body_give_share(c);
	if (c->state == CONN_REFUSED || c->state == CONN_CUT)
		return;
	/* The head of this answer may be from before the stop and not say "close". */
	if (c->worker->stopping && evbuffer_get_length(c->held) == 0 &&
	    (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) == 0) {
		conn_close(c);
		return;
	}
	conn_move(c, CONN_IDLE, (int64_t)c->worker->server->config.idle_timeout_ms);
	gate_pass(c);
}

static struct conn *conn_new(struct worker *w, SSL *ssl)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->worker = w;
		c->ssl = ssl;
		c->held = evbuffer_new();
		c->timer = loop_timer_new(w->loop, on_deadline, c, NULL);
	}
	if (c == NULL || c->held == NULL || c->timer == NULL ||
	    SSL_set_ex_data(ssl, w->server->ssl_index, c) != 1) {
		if (c != NULL && c->held != NULL)
			evbuffer_free(c->held);
		if (c != NULL)
			loop_timer_free(c->timer);
		free(c);
		return NULL;
	}
	c->next = w->conns;
	c->link = &w->conns;
	if (c->next != NULL)
		c->next->link = &c->next;
	w->conns = c;
	return c;
}

/*
 * evhttp takes NULL for "make a plain connection", so for want of memory we must not
 * return it: the process ends instead of speaking in the clear. Any other allocation of
 * libevent's that fails at this point would be fatal as well.
 */
struct bufferevent *gate_open(struct event_base *base, void *worker)
{
	struct worker *w = worker;
	struct http_server *s = w->server;
	SSL *ssl = tls_accept(s->tls);
	struct conn *c = ssl != NULL ? conn_new(w, ssl) : NULL;
	size_t n = atomic_fetch_add(&s->n_conns, 1);

	if (c != NULL)
		c->bev = bufferevent_openssl_socket_new(
		    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->bev == NULL ||
	    evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c) == NULL ||
	    evbuffer_add_cb(bufferevent_get_output(c->bev), on_output, c) == NULL) {
		log_error(s->log, "http", "out of memory for a connection", NULL);
		abort();
	}
	/* Devices vanish without a close_notify; that is the end of a connection, not
	 * an error. */
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	c->overloaded = n >= s->config.max_connections;
	conn_move(c, CONN_HEAD,
		  n >= 2 * s->config.max_connections
		      ? 0
		      : (int64_t)s->config.head_deadline_ms);
	return c->bev;
}
