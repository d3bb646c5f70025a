/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"
#include "uri.h"

#include "../../common/base/text.h"

#include <event2/event.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

/* A decoded value that was asked for; owned by the request. */
struct http_query_value {
	struct http_query_value *next;
	char text[];
};

const char *request_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
	    {200, "OK"},
	    {201, "Created"},
	    {202, "Accepted"},
	    {204, "No Content"},
	    {206, "Partial Content"},
	    {304, "Not Modified"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {409, "Conflict"},
	    {410, "Gone"},
	    {411, "Length Required"},
	    {412, "Precondition Failed"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {415, "Unsupported Media Type"},
	    {416, "Range Not Satisfiable"},
	    {417, "Expectation Failed"},
	    {422, "Unprocessable Content"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (rows[i].status == status)
			return rows[i].reason;
	}
	return "Other";
}

static const char *refusal_code(int status)
{
	switch (status) {
	case 404:
		return err_slug(ERR_NOT_FOUND);
	case 405:
		return "method-not-allowed";
	case 411:
		return "length-required";
	case 413:
	case 414:
	case 431:
		return err_slug(ERR_LIMIT);
	case 417:
	case 501:
	case 505:
		return err_slug(ERR_UNSUPPORTED);
	case 503:
		return err_slug(ERR_BUSY);
	default:
		return err_slug(ERR_FORMAT);
	}
}

void request_free(struct http_request *r)
{
	if (r->ctx_fini != NULL)
		r->ctx_fini(r->ctx);
	for (struct http_query_value *q = r->queries, *next; q != NULL; q = next) {
		next = q->next;
		free(q);
	}
	for (size_t i = 0; i < r->match.n_params; i++) {
		free(r->params[i]);
		free(r->names[i]);
	}
	free(r->path);
	free(r);
}

/* The answer went out whole; evhttp frees its request after this. */
static void on_complete(struct evhttp_request *ev, void *ctx)
{
	struct http_request *r = ctx;
	struct conn *c = r->conn;

	(void)ev;
	c->request = NULL;
	if (r->closes)
		(void)SSL_shutdown(c->ssl);
	request_free(r);
	gate_next(c);
}

/*
 * The connection ends under a request. evhttp has let go of its own request if it was
 * still waiting for us (then it has no connection any more and is ours to free); else
 * it frees it.
 */
static void on_conn_closed(struct evhttp_connection *evcon, void *ctx)
{
	struct conn *c = ctx;
	struct http_request *r = c->request;

	(void)evcon;
	if (r == NULL)
		return;
	c->request = NULL;
	if (evhttp_request_get_connection(r->ev) == NULL)
		evhttp_request_free(r->ev);
	r->ev = NULL;
	r->conn = NULL;
	if (r->file != NULL)
		file_sender_gone(r->file);
	else if (r->stream != NULL)
		stream_gone(r->stream);
	else if (r->answered)
		request_free(r);
	/* else the handler still owes an answer, which will go nowhere and free it */
}

/* Decodes a parameter; a rest is decoded segment by segment. NULL if it is malformed.
 */
static char *decode_param(const char *value, size_t len)
{
	char *text = calloc(1, len + 1), *at = text;
	const char *end = value + len;

	while (text != NULL && value < end) {
		const char *slash = memchr(value, '/', (size_t)(end - value));
		size_t n =
		    slash != NULL ? (size_t)(slash - value) : (size_t)(end - value);

		if (!uri_decode_segment(value, n, at) ||
		    (slash != NULL && slash + 1 == end)) {
			free(text);
			return NULL;
		}
		at += strlen(at);
		value += n;
		if (slash != NULL) {
			*at++ = '/';
			value++;
		}
	}
	return text;
}

static bool decode_params(struct http_request *r)
{
	struct route_match *m = &r->match;

	for (size_t i = 0; i < m->n_params; i++) {
		r->names[i] = strndup(m->names[i], m->name_lens[i]);
		r->params[i] = decode_param(m->values[i], m->value_lens[i]);
		if (r->names[i] == NULL || r->params[i] == NULL)
			return false;
	}
	return true;
}

static void note_peer(struct http_request *r)
{
	char *address = NULL;
	ev_uint16_t port;

	evhttp_connection_get_peer(evhttp_request_get_connection(r->ev), &address,
				   &port);
	if (address == NULL ||
	    text_copy(r->peer, sizeof(r->peer), address, "address", NULL) < 0)
		r->peer[0] = '\0';
	if (!tls_peer_name(r->conn->ssl, r->client_cn, sizeof(r->client_cn)))
		r->client_cn[0] = '\0';
}

static const char *method_name(struct evhttp_request *ev)
{
	switch ((int)evhttp_request_get_command(ev)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	case EVHTTP_REQ_PATCH:
		return "PATCH";
	default:
		return "OPTIONS";
	}
}

static struct http_request *request_new(struct conn *c, struct evhttp_request *ev)
{
	struct http_request *r = calloc(1, sizeof(*r));
	const char *target = evhttp_request_get_uri(ev);
	const char *question = strchr(target, '?');

	if (r == NULL)
		return NULL;
	r->path = question != NULL ? strndup(target, (size_t)(question - target))
				   : strdup(target);
	if (r->path == NULL) {
		free(r);
		return NULL;
	}
	r->query = question != NULL ? question + 1 : "";
	r->conn = c;
	r->ev = ev;
	r->worker = c->worker;
	r->began_us = metrics_now_us();
	memcpy(r->method, method_name(ev), strlen(method_name(ev)) + 1);
	note_peer(r);
	return r;
}

/* From here on evhttp shall not read: it would take further bytes for a fault in its
 * state. We still want to learn of the connection's end. */
static void stop_reading(struct conn *c)
{
	bufferevent_data_cb read_cb, write_cb;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(c->bev, &read_cb, &write_cb, &event_cb, &arg);
	bufferevent_setcb(c->bev, NULL, write_cb, event_cb, arg);
	/* A client has nothing to say while it waits; only one that does not read is
	 * timed out. */
	(void)bufferevent_set_timeouts(c->bev, NULL, &c->worker->server->write_timeout);
	(void)bufferevent_enable(c->bev, EV_READ);
}

static void dispatch(struct http_request *r)
{
	struct http_server *s = r->worker->server;
	const struct refusal *why = &r->conn->refusal;

	if (why->status != 0) {
		http_add_header(r, "Connection", "close");
		log_debug(s->log, "http", "request refused", "peer", r->peer, "why",
			  why->detail, NULL);
		http_refuse(r, why->status, refusal_code(why->status), why->detail);
		return;
	}
	router_find(s->router, r->method, r->path, strlen(r->path), &r->match);
	if (r->match.route == NULL && r->match.allow[0] != '\0') {
		http_add_header(r, "Allow", r->match.allow);
		http_refuse(r, 405, refusal_code(405),
			    "this path does not take that method");
	} else if (r->match.route == NULL) {
		http_refuse(r, 404, refusal_code(404), "there is nothing at this path");
	} else if (!decode_params(r) || !uri_query_is_good(r->query)) {
		http_refuse(r, 400, refusal_code(400),
			    "the path or the query is not well formed");
	} else {
		r->match.route->handle(r, s->app);
	}
}

void request_on_arrival(struct evhttp_request *ev, void *worker)
{
	struct worker *w = worker;
	struct evhttp_connection *evcon = evhttp_request_get_connection(ev);
	struct conn *c = gate_conn(evhttp_connection_get_bufferevent(evcon), w->server);
	struct http_request *r = c != NULL ? request_new(c, ev) : NULL;

	if (r == NULL) {
		evhttp_send_error(ev, 503, NULL);
		return;
	}
	c->request = r;
	stop_reading(c);
	evhttp_connection_set_closecb(evcon, on_conn_closed, c);
	evhttp_request_set_on_complete_cb(ev, on_complete, r);
	dispatch(r);
}

const char *http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_param(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->match.n_params; i++) {
		if (strcmp(r->names[i], name) == 0)
			return r->params[i];
	}
	return NULL;
}

const char *http_query(struct http_request *r, const char *name)
{
	struct http_query_value *q;

	if (r->ev == NULL)
		return NULL;
	q = calloc(1, sizeof(*q) + strlen(r->query) + 1);
	if (q == NULL || uri_query_get(r->query, name, q->text) != 1) {
		free(q);
		return NULL;
	}
	q->next = r->queries;
	r->queries = q;
	return q->text;
}

const char *http_query_text(const struct http_request *r)
{
	return r->ev == NULL ? "" : r->query;
}

const char *http_header(const struct http_request *r, const char *name)
{
	if (r->ev == NULL)
		return NULL;
	return evhttp_find_header(evhttp_request_get_input_headers(r->ev), name);
}

const char *http_host(const struct http_request *r)
{
	const char *host = http_header(r, "Host");

	return host != NULL ? host : "";
}

const char *http_peer(const struct http_request *r)
{
	return r->peer;
}

const char *http_client_cn(const struct http_request *r)
{
	return r->client_cn[0] != '\0' ? r->client_cn : NULL;
}

const void *http_body(struct http_request *r, size_t *ret_len)
{
	struct evbuffer *body =
	    r->ev != NULL ? evhttp_request_get_input_buffer(r->ev) : NULL;

	*ret_len = body != NULL ? evbuffer_get_length(body) : 0;
	return *ret_len > 0 ? evbuffer_pullup(body, -1) : (const unsigned char *)"";
}

struct loop *http_loop(struct http_request *r)
{
	return r->worker->loop;
}

void http_set_ctx(struct http_request *r, void *ctx, void (*fini)(void *ctx))
{
	r->ctx = ctx;
	r->ctx_fini = fini;
}

void *http_ctx(const struct http_request *r)
{
	return r->ctx;
}

bool http_gone(const struct http_request *r)
{
	return r->ev == NULL;
}

static bool is_clean_value(const char *value)
{
	for (; *value != '\0'; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	}
	return true;
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
	struct evkeyvalq *headers;

	if (r->ev == NULL || !is_clean_value(value))
		return;
	headers = evhttp_request_get_output_headers(r->ev);
	(void)evhttp_add_header(headers, name, value);
}

/* Does evhttp close behind this answer? A client older than 1.1 must ask to go on. */
static bool says_close(struct evhttp_request *ev)
{
	const char *in =
	    evhttp_find_header(evhttp_request_get_input_headers(ev), "Connection");
	const char *out =
	    evhttp_find_header(evhttp_request_get_output_headers(ev), "Connection");

	if (ev->major == 1 && ev->minor == 0 &&
	    (in == NULL || strncasecmp(in, "keep-alive", 10) != 0))
		return true;
	return (in != NULL && strcasecmp(in, "close") == 0) ||
	       (out != NULL && strcasecmp(out, "close") == 0);
}

static void count(struct http_request *r, int status)
{
	struct counts *c = &r->worker->server->counts;
	const struct http_route *route = r->match.route;

	counts_answer(c,
		      route == NULL ? c->n_routes
				    : (size_t)(route - r->worker->server->routes),
		      status, r->began_us);
}

void request_set_headers(struct http_request *r, int status, const char *content_type,
			 int64_t content_length)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(r->ev);
	char number[24];

	count(r, status);
	if (r->worker->stopping)
		(void)evhttp_add_header(headers, "Connection", "close");
	r->closes = says_close(r->ev);
	if (content_type != NULL)
		(void)evhttp_add_header(headers, "Content-Type", content_type);
	if (content_length >= 0 && text_format(number, sizeof(number), NULL, "%lld",
					       (long long)content_length) == 0)
		(void)evhttp_add_header(headers, "Content-Length", number);
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (evhttp_find_header(headers, "Cache-Control") == NULL)
		(void)evhttp_add_header(headers, "Cache-Control", "no-store");
}

/* A refused request's answer is out, but its connection must stay a moment: see gate.c.
 */
static void linger(struct http_request *r, int status, struct evbuffer *body)
{
	evhttp_send_reply_start(r->ev, status, request_reason(status));
	evhttp_send_reply_chunk(r->ev, body);
	conn_linger(r->conn);
}

void request_reply_empty(struct http_request *r, int status, const char *content_type,
			 int64_t content_length)
{
	r->answered = true;
	if (r->ev == NULL) {
		request_free(r);
		return;
	}
	request_set_headers(r, status, content_type, content_length);
	evhttp_send_reply(r->ev, status, request_reason(status), NULL);
}

/* Head and body of a small answer in one piece: one TLS record, one system call.
 * libevent writes from the loop, so this comes before the first byte has left. */
static void join_small_answer(struct conn *c)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(output) <= 16384)
		(void)evbuffer_pullup(output, -1);
}

void http_reply(struct http_request *r, int status, const char *content_type,
		const void *body, size_t len)
{
	struct conn *c = r->conn;
	struct evbuffer *out;

	if (status == 204 || status == 304 || r->ev == NULL) {
		request_reply_empty(r, status, NULL, -1);
		return;
	}
	if (strcmp(r->method, "HEAD") == 0) {
		request_reply_empty(r, status, content_type, (int64_t)len);
		return;
	}
	r->answered = true;
	out = evbuffer_new();
	if (out == NULL || evbuffer_add(out, body, len) < 0) {
		if (out != NULL)
			evbuffer_free(out);
		conn_cut(r->conn);
		return;
	}
	request_set_headers(r, status, content_type, (int64_t)len);
	if (c->state == CONN_REFUSED)
		linger(r, status, out);
	else
		evhttp_send_reply(r->ev, status, request_reason(status), out);
	join_small_answer(c);
	evbuffer_free(out);
}

/* detail is ours and static: it needs no escapes. */
static void reply_problem(struct http_request *r, int status, const char *code,
			  const char *detail)
{
	char body[512];

	if (text_format(body, sizeof(body), NULL,
			"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
			"\"code\":\"%s\",\"detail\":\"%s\"}",
			request_reason(status), status, code, detail) < 0)
		body[0] = '\0';
	if (status == 503)
		http_add_header(r, "Retry-After", "30");
	http_reply(r, status, "application/problem+json", body, strlen(body));
}

void http_refuse(struct http_request *r, int status, const char *code,
		 const char *detail)
{
	const struct http_server *s = r->worker->server;

	if (s->config.refuse != NULL)
		s->config.refuse(r, status, code, detail, s->app);
	else
		reply_problem(r, status, code, detail);
}
