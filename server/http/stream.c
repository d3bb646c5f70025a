/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events (WHATWG HTML, section 9.2). */
#include "conn.h"

#include <string.h>

#define MAX_WAITING ((size_t)256 * 1024)
#define HEARTBEAT_MS 15000u

struct http_stream {
	struct http_request *r;
	struct http_stream *next, **link; /* in the worker's list */
	struct loop_timer *heartbeat;
	void (*on_close)(void *ctx);
	void *ctx;
};

static void stream_free(struct http_stream *s)
{
	metric_move(s->r->worker->server->counts.streams, 0, 0, -1);
	*s->link = s->next;
	if (s->next != NULL)
		s->next->link = s->link;
	loop_timer_free(s->heartbeat);
	if (s->on_close != NULL)
		s->on_close(s->ctx);
	free(s);
}

void stream_gone(struct http_stream *s)
{
	struct http_request *r = s->r;

	r->stream = NULL;
	stream_free(s);
	request_free(r);
}

static int send_text(struct http_stream *s, struct evbuffer *text)
{
	struct evbuffer *output = bufferevent_get_output(s->r->conn->bev);

	if (evbuffer_get_length(output) > MAX_WAITING)
		return -1;
	evhttp_send_reply_chunk(s->r->ev, text);
	return 0;
}

/* No later than any connection would be taken for dead. */
static void arm_heartbeat(struct http_stream *s)
{
	uint64_t idle_ms = s->r->worker->server->config.idle_timeout_ms;

	loop_timer_set(s->heartbeat,
		       (int64_t)(idle_ms < HEARTBEAT_MS ? idle_ms : HEARTBEAT_MS));
}

/* Tells proxies that we live, and us that the client does. */
static void on_heartbeat(void *ctx)
{
	struct http_stream *s = ctx;
	struct evbuffer *text = evbuffer_new();

	if (text != NULL && evbuffer_add(text, ":\n\n", 3) == 0)
		(void)send_text(s, text);
	if (text != NULL)
		evbuffer_free(text);
	arm_heartbeat(s);
}

static struct http_stream *stream_new(struct http_request *r)
{
	struct http_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->r = r;
	s->heartbeat = loop_timer_new(r->worker->loop, on_heartbeat, s, NULL);
	if (s->heartbeat == NULL) {
		free(s);
		return NULL;
	}
	s->next = r->worker->streams;
	s->link = &r->worker->streams;
	if (s->next != NULL)
		s->next->link = &s->next;
	r->worker->streams = s;
	arm_heartbeat(s);
	return s;
}

struct http_stream *http_stream_begin(struct http_request *r,
				      void (*on_close)(void *ctx), void *ctx)
{
	struct http_stream *s;

	if (r->ev == NULL || strcmp(r->method, "GET") != 0) {
		request_reply_empty(r, 200, "text/event-stream", -1);
		return NULL;
	}
	if (r->worker->stopping || (s = stream_new(r)) == NULL) {
		http_refuse(r, 503, err_slug(ERR_BUSY), "the server is stopping");
		return NULL;
	}
	s->on_close = on_close;
	s->ctx = ctx;
	r->stream = s;
	metric_move(r->worker->server->counts.streams, 0, 0, 1);
	http_add_header(r, "X-Accel-Buffering", "no");
	request_set_headers(r, 200, "text/event-stream", -1);
	evhttp_send_reply_start(r->ev, 200, request_reason(200));
	return s;
}

/* "name: value" for each line of the value. */
static int add_field(struct evbuffer *text, const char *name, const char *value)
{
	while (value != NULL) {
		size_t len = strcspn(value, "\n");

		if (evbuffer_add_printf(text, "%s: %.*s\n", name, (int)len, value) < 0)
			return -1;
		value = value[len] == '\n' ? value + len + 1 : NULL;
	}
	return 0;
}

int http_stream_send(struct http_stream *s, const char *id, const char *event,
		     const char *data)
{
	struct evbuffer *text = evbuffer_new();
	int rc = -1;

	if (text == NULL)
		return -1;
	if (add_field(text, "id", id) == 0 && add_field(text, "event", event) == 0 &&
	    add_field(text, "data", data) == 0 && evbuffer_add(text, "\n", 1) == 0)
		rc = send_text(s, text);
	evbuffer_free(text);
	return rc;
}

void http_stream_end(struct http_stream *s)
{
	struct http_request *r = s->r;

	r->stream = NULL;
	r->answered = true;
	stream_free(s);
	evhttp_send_reply_end(r->ev);
}
