/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS for the server: the one module that knows libevent's HTTP.
 *
 * Handlers run in a worker loop's thread and never wait. A handler answers at once or
 * later, from the same loop (struct http_request stays valid until it is answered; if
 * the client went away, the answer goes nowhere). Requests arrive with their body whole
 * (<= the route's cap); bodies of artifacts and event streams are sent in pieces under
 * a high-water mark.
 */
#ifndef OTA_SERVER_HTTP_H
#define OTA_SERVER_HTTP_H

#include "../../common/base/buf.h"
#include "../../common/base/log.h"
#include "../../common/loop/loop.h"

struct http_server;
struct metrics;
struct http_request;
struct http_stream;

#define HTTP_MAX_BODY ((size_t)4 << 20)
/* Bodies are held in memory before anybody knows who sends them: all those beyond 16
 * KiB together are at most this. For one more the slowest of the same thread is cut, if
 * it takes its time (HTTP_SLOW_MS, HTTP_SLOW_BYTES_PER_MS); else it is 503. */
#define HTTP_MAX_BODIES ((size_t)256 << 20)
#define HTTP_SLOW_MS 2000u
#define HTTP_SLOW_BYTES_PER_MS 64u

struct http_config {
	const char *const *listen; /* "127.0.0.1:8443", "[::1]:0" (0: any free port) */
	size_t n_listen;
	const char *cert_file; /* PEM chain and key, read at start and on reload */
	const char *key_file;
	const char *client_ca_file; /* or NULL: client certificates are not asked for */
	const char *ticket_key_file; /* made if absent, rotated; survives restarts */
	uint64_t head_deadline_ms;   /* absolute, from connection to the head's end */
	uint64_t idle_timeout_ms;
	unsigned n_threads;
	size_t max_connections; /* beyond: 503 with Retry-After; beyond twice: closed */
	/* Renders what is refused before a handler runs (400, 404, 405, 411, 413, 431,
	 * 503 ..) with http_reply(); `code` is a stable slug. NULL: RFC 9457
	 * problem+json. */
	void (*refuse)(struct http_request *r, int status, const char *code,
		       const char *detail, void *app);
	struct metrics *metrics; /* where it counts; NULL: nowhere */
};

struct http_route {
	const char *method;  /* "GET"; HEAD is answered by GET's handler */
	const char *pattern; /* "/api/v1/devices/{id}": {x} takes one path segment, and
			      * {x*} at the end the rest, "a/b" or "" */
	size_t max_body;     /* bytes, at most HTTP_MAX_BODY; more is 413, unread */
	void (*handle)(struct http_request *r, void *app);
};

/* Strings and tables of the configuration must outlive the server. */
struct http_server *http_server_new(const struct http_config *c,
				    const struct http_route *routes, size_t n_routes,
				    void *app, const struct log *log,
				    struct err *e) MUST_USE;
/* Starts threads and listens; returns once bound. */
int http_server_start(struct http_server *s, struct err *e) MUST_USE;
unsigned http_server_port(const struct http_server *s, size_t listener);
int http_server_reload(struct http_server *s, struct err *e) MUST_USE; /* certificate */
/* For a watchdog, called now and then from one thread: asks each serving thread for a sign
 * of life. False if one has not answered the call before this one. */
bool http_server_beat(struct http_server *s);
/* Closes listeners, ends streams, gives requests deadline_ms, joins. */
void http_server_stop(struct http_server *s, uint64_t deadline_ms);
void http_server_free(struct http_server *s);
AUTO_PTR_DEFINE(http_server)

/* What came in. Strings live as long as the request. */
const char *http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);
const char *http_param(const struct http_request *r,
		       const char *name); /* of the pattern, decoded */
const char *http_query(struct http_request *r, const char *name); /* decoded, or NULL */
const char *http_query_text(const struct http_request *r); /* all of it, as sent; "" */
const char *http_header(const struct http_request *r, const char *name); /* or NULL */
const char *
http_host(const struct http_request *r); /* the Host header, checked: "h:port" */
const char *http_peer(const struct http_request *r); /* address */
const char *
http_client_cn(const struct http_request *r); /* of a verified certificate, or NULL */
const void *http_body(struct http_request *r, size_t *ret_len);
struct loop *http_loop(struct http_request *r); /* of this request's thread */

/* Ctx for the handler's own use; `fini` (or NULL) is called when the request ends,
 * answered or not. */
void http_set_ctx(struct http_request *r, void *ctx, void (*fini)(void *ctx));
void *http_ctx(const struct http_request *r);
bool http_gone(
    const struct http_request *r); /* the client went away; answering is still due */

/* Answers. Exactly one of these ends the request. Content-Length is always set; `body`
 * is copied. Unless added before, "Cache-Control: no-store" is sent. */
void http_add_header(struct http_request *r, const char *name, const char *value);
void http_reply(struct http_request *r, int status, const char *content_type,
		const void *body, size_t len);
/* The refusal hook's way, for handlers: {"status","code","detail"} as the hook renders
 * it. */
void http_refuse(struct http_request *r, int status, const char *code,
		 const char *detail);
/* File body with Range, HEAD, If-None-Match, If-Match, If-Range; etag is given bare and
 * quoted here. fd is taken, also on failure. Read in slices by threads of its own; if
 * the file turns out shorter than size, the connection is cut, so that no client takes
 * it for whole. */
void http_reply_file(struct http_request *r, int fd, uint64_t size,
		     const char *content_type, const char *etag);

/* Server-sent events. The stream lives until the client goes, the server stops or it is
 * ended; on_close comes exactly once in each of these cases (from within
 * http_stream_end() too), in the loop's thread, and the stream is gone when it returns:
 * clean up there. A comment is sent every 15 s, or idle_timeout_ms if that is less.
 * http_stream_send() is for the loop's own thread (use loop_wake from others); id and
 * event may be NULL; returns -1 when the client reads too slowly (> 256 KiB waiting):
 * end it, it will resume. http_stream_begin() returns NULL if the client is gone
 * already (on_close then never comes). */
struct http_stream *http_stream_begin(struct http_request *r,
				      void (*on_close)(void *ctx), void *ctx);
int http_stream_send(struct http_stream *s, const char *id, const char *event,
		     const char *data);
void http_stream_end(struct http_stream *s);

#endif
