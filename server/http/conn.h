/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of server/http: a server, its workers, their connections and requests.
 *
 *	http_server --- n worker (thread, loop, evhttp, listeners)
 *	                    `-- n conn (bufferevent, TLS, gate, one timer)
 *	                            `-- 0..1 http_request
 *	                                    `-- http_stream, or a file being sent
 *
 * A conn lives as long as its SSL object (ex_data), which libevent frees with the
 * bufferevent. All of a conn is touched by its worker's thread only.
 */
#ifndef OTA_HTTP_CONN_H
#define OTA_HTTP_CONN_H

#include "count.h"
#include "head.h"
#include "http.h"
#include "pool.h"
#include "router.h"
#include "tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <pthread.h>
#include <stdatomic.h>

#define MAX_WORKERS 64u
#define MAX_LISTENERS 8u

/*
 * Where a connection stands. Every state but ANSWERING and CUT has a deadline, kept by
 * conn.timer:
 *
 *	HEAD --> BODY --> ANSWERING --> IDLE --> HEAD ...
 *	  `--------------> REFUSED (answers, lingers, closes)
 *	any --> CUT (about to be freed)
 */
enum conn_state {
	CONN_HEAD,
	CONN_BODY,
	CONN_ANSWERING,
	CONN_IDLE,
	CONN_REFUSED,
	CONN_CUT
};

struct conn {
	struct worker *worker;
	struct conn *next, **link; /* in the worker's list */
	SSL *ssl;
	struct bufferevent *bev;
	struct loop_timer *timer;
	enum conn_state state;
	struct evbuffer *held; /* came in, not yet shown to evhttp */
	size_t scanned;	       /* bytes of a head looked at */
	uint64_t body_left;    /* BODY: bytes still to come */
	size_t body_share;     /* of HTTP_MAX_BODIES */
	uint64_t body_began_us;
	bool greeted; /* its handshake was counted */
	bool moving;  /* the gate itself changes the input buffer */
	bool overloaded;
	/* status != 0: the next request is answered with this */
	struct refusal refusal;
	struct http_request *request;
};

struct worker {
	struct http_server *server;
	struct loop *loop;
	struct evhttp *http;
	struct conn *conns;
	struct http_stream *streams;
	struct evhttp_bound_socket *bound[MAX_LISTENERS];
	size_t n_bound;
	struct loop_timer *accept_timer; /* accepts again after a lack of descriptors */
	struct loop_timer *rotate_timer; /* of the first worker: ticket keys */
	struct loop_timer *stop_timer;
	uint64_t stop_within_ms;
	bool stopping;
	bool started;
	atomic_bool asked; /* for a sign of life, and has not answered */
	pthread_t thread;
};

struct http_server {
	struct http_config config;
	struct router *router;
	const struct http_route *routes; /* the table that it was made of */
	struct tls *tls;
	struct pool *pool;
	const struct log *log;
	void *app;
	/* a client that reads nothing for so long is cut */
	struct timeval write_timeout;
	int ssl_index; /* ex_data of an SSL: its conn */
	struct counts counts;
	atomic_size_t n_conns;
	atomic_size_t n_body_bytes; /* shares of all connections */
	struct pool_job rotate;
	unsigned ports[MAX_LISTENERS];
	size_t n_listeners;
	struct worker workers[MAX_WORKERS];
	unsigned n_workers;
};

struct http_request {
	struct conn *conn;	   /* NULL: the client is gone */
	struct evhttp_request *ev; /* NULL: gone */
	struct worker *worker;
	struct route_match match;
	char *params[ROUTER_MAX_PARAMS];
	char *names[ROUTER_MAX_PARAMS];
	struct http_query_value *queries;
	const char *query; /* raw, "" if none */
	char method[8];
	char *path;
	char peer[64];
	char client_cn[256];
	uint64_t began_us;
	bool answered;
	bool closes; /* the connection ends with this answer */
	struct http_stream *stream;
	struct file_sender *file;
	void *ctx;
	void (*ctx_fini)(void *ctx);
};

/* gate.c: makes the connection's bufferevent with the gate in front (evhttp's
 * callback). */
struct bufferevent *gate_open(struct event_base *base, void *worker);
/* The answer is out: the next request may pass; when the server stops and none is here
 * the connection ends. */
void gate_next(struct conn *c);
/* Not one byte of a request has come since the last answer: nobody misses it. */
bool gate_is_quiet(const struct conn *c);
/* What evhttp holds for a bufferevent of ours; NULL if it is none. */
struct conn *gate_conn(struct bufferevent *bev, const struct http_server *s);
/* Ends the connection, cleanly (close_notify) or at once; evhttp frees it from the
 * loop. */
void conn_close(struct conn *c);
void conn_cut(struct conn *c);
/* A refused request's answer is out: drop what comes for a moment, then close. */
void conn_linger(struct conn *c);
void conn_free_hook(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
		    void *argp);

/* request.c: evhttp's callback for every request. */
void request_on_arrival(struct evhttp_request *ev, void *worker);
/* The answer's head: default headers; content_length < 0: unknown. It is counted. */
void request_set_headers(struct http_request *r, int status, const char *content_type,
			 int64_t content_length);
/* An answer without body; content_length as request_set_headers(). */
void request_reply_empty(struct http_request *r, int status, const char *content_type,
			 int64_t content_length);
const char *request_reason(int status);
/* Frees it; r->ev must have been handed over or freed. */
void request_free(struct http_request *r);

/* file.c, stream.c: the client is gone. */
void file_sender_gone(struct file_sender *f);
void stream_gone(struct http_stream *s);

#endif
