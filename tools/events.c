/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota events: what happens, as it happens, a line an event, until interrupted. The
 * server's stream (Server-Sent Events) is cut into lines as it comes; with --json each
 * event is one line of JSON: {"event":..,"data":..}.
 */
#include "../common/base/text.h"
#include "view.h"

#include <string.h>

#define LINE_MAX_BYTES (1u << 20)

const struct option events_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

struct follower {
	const struct ota *o;
	struct loop *loop;
	struct buf line; /* begun, not ended */
	char kind[32];	 /* of the event that is coming in */
	int status;
	int result;
	struct err *e;
};

static void follower_fini(struct follower *f)
{
	buf_fini(&f->line);
}

static const char *text_of(const struct json *j, const char *key,
			   char room[SAFE_TEXT_LEN])
{
	return safe_text(json_text(json_get(j, key)), room);
}

/* Devices call themselves id, all else names its device. */
static void print_event(const char *kind, const struct json *data)
{
	char who[SAFE_TEXT_LEN];
	char what[SAFE_TEXT_LEN];
	char version[SAFE_TEXT_LEN];
	char detail[SAFE_TEXT_LEN];
	bool names_device = json_get(data, "device") != NULL;

	(void)printf("%-11s %-16s %-12s %-12s %s\n", kind,
		     text_of(data, names_device ? "device" : "id", who),
		     text_of(data, "state", what), text_of(data, "version", version),
		     text_of(data, "detail", detail));
}

static int print_event_json(const char *kind, const char *text, struct err *e)
{
	AUTO(buf) struct buf line = BUF_INIT(2 * LINE_MAX_BYTES);
	AUTO_PTR(json) struct json *all = json_new_object();
	struct json *data = json_parse(text, strlen(text), e);

	if (data == NULL || json_set(all, "event", json_new_text(kind), e) < 0) {
		json_free(data);
		return -1;
	}
	if (json_set(all, "data", data, e) < 0 || json_write(all, &line, e) < 0)
		return -1;
	(void)puts(buf_str(&line));
	return 0;
}

static int take_data(struct follower *f, const char *text, struct err *e)
{
	AUTO_PTR(json) struct json *data = NULL;

	if (f->o->json) {
		if (print_event_json(f->kind, text, e) < 0)
			return -1;
	} else {
		data = json_parse(text, strlen(text), e);
		if (data == NULL)
			return -1;
		print_event(f->kind, data);
	}
	return fflush(stdout) == 0 ? 0 : err_sys(e, "standard output");
}

/* "event: x", "data: {..}"; ids and comments (the server's heartbeat) are passed
 * over. */
static int take_line(struct follower *f, const char *line, struct err *e)
{
	char safe[SAFE_TEXT_LEN];

	if (strncmp(line, "event: ", 7) == 0)
		(void)snprintf(f->kind, sizeof(f->kind), "%.31s",
			       safe_text(line + 7, safe));
	else if (strncmp(line, "data: ", 6) == 0)
		return take_data(f, line + 6, e);
	return 0;
}

static int on_head(void *ctx, const struct net_head *h, struct err *e)
{
	struct follower *f = ctx;

	f->status = h->status;
	if (h->status == 200)
		return 0;
	return err_set(e, h->status == 401 ? ERR_AUTH : ERR_IO, "the server answers %d",
		       h->status);
}

static int on_data(void *ctx, const void *data, size_t len, struct err *e)
{
	struct follower *f = ctx;
	char *end;

	if (buf_add(&f->line, data, len, e) < 0)
		return -1;
	while ((end = memchr(f->line.data, '\n', f->line.len)) != NULL) {
		size_t n = (size_t)(end - (char *)f->line.data);

		*end = '\0';
		if (n > 0 && end[-1] == '\r')
			end[-1] = '\0';
		if (take_line(f, buf_str(&f->line), e) < 0)
			return -1;
		buf_drop(&f->line, n + 1);
		if (f->line.len == 0)
			break;
	}
	return 0;
}

/* The stream has no end of its own: that the server closes it is a failure to tell. */
static void on_end(void *ctx, const struct net_head *h, const struct err *e)
{
	struct follower *f = ctx;

	(void)h;
	f->result = -1;
	if (e->code != ERR_NONE && f->e != NULL)
		*f->e = *e;
	else
		(void)err_set(f->e, ERR_UNREACHABLE,
			      "the server has closed the stream");
	loop_stop(f->loop);
}

RUN(events_follow)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(loop) struct loop *l = loop_new(e);
	AUTO_PTR(net) struct net *n = NULL;
	AUTO(follower)
	struct follower f = {
	    .o = values, .loop = l, .line = BUF_INIT(LINE_MAX_BYTES), .e = e};
	AUTO(buf) struct buf url = BUF_INIT(4096);
	const char *headers[] = {NULL, "Accept: text/event-stream", NULL};
	struct net_request r = {.method = "GET",
				.headers = headers,
				.range_start = -1,
				.range_end = -1,
				.stream = true,
				.on_head = on_head,
				.on_data = on_data,
				.on_end = on_end,
				.ctx = &f};
	struct net_call *call;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (l == NULL || api_init(&a, values, true, e) < 0 ||
	    buf_printf(&url, e, "%s/api/v1/events", buf_str(&a.base)) < 0)
		return -1;
	n = net_new(l, &a.net, e);
	headers[0] = buf_str(&a.auth);
	r.url = buf_str(&url);
	if (n == NULL || net_start(n, &r, &call, e) < 0 || loop_run(l, e) < 0)
		return -1;
	return f.result;
}
