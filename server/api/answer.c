/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON, RFC 9457 problems, and the device API's own form of errors. */
#include "api.h"

#include <string.h>

#define ANSWER_MAX (8u * 1024 * 1024)
#define INNER_DETAIL "the server could not do it; its log says why"

void api_reply_text(struct api_call *a, int status, const char *type, const void *text,
		    size_t len)
{
	http_reply(a->http, status, type, text, len);
}

void api_reply_empty(struct api_call *a, int status)
{
	http_reply(a->http, status, NULL, NULL, 0);
}

static int set_pair(struct json *o, const char *key, const char *text)
{
	return json_set(o, key, json_new_text(text), NULL);
}

/* {"exceptionClass","errorCode","message"}: what hawkBit's clients look for. */
static struct json *device_error(const char *code, const char *detail)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_pair(o, "exceptionClass", "ota.Error") < 0 ||
	    set_pair(o, "errorCode", code) < 0 || set_pair(o, "message", detail) < 0)
		return NULL;
	return TAKE(o);
}

/* RFC 9457's members in o, which may have others. */
static int set_problem(struct json *o, int status, const char *code, const char *title,
		       const char *detail)
{
	return o == NULL || set_pair(o, "type", "about:blank") < 0 ||
		       set_pair(o, "title", title) < 0 ||
		       json_set(o, "status", json_new_int(status), NULL) < 0 ||
		       set_pair(o, "code", code) < 0 ||
		       set_pair(o, "detail", detail) < 0
		   ? -1
		   : 0;
}

static struct json *problem(int status, const char *code, const char *title,
			    const char *detail)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	return set_problem(o, status, code, title, detail) < 0 ? NULL : TAKE(o);
}

static void send_error(struct http_request *r, bool device_side, int status,
		       const char *code, const char *title, const char *detail)
{
	AUTO_PTR(json)
	struct json *o = device_side ? device_error(code, detail)
				     : problem(status, code, title, detail);
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX);

	if (o == NULL || json_write(o, &text, NULL) < 0)
		buf_clear(&text);
	if (status == 503 || status == 429)
		http_add_header(r, "Retry-After", "5");
	if (status == 401)
		http_add_header(r, "WWW-Authenticate",
				device_side ? "TargetToken" : "Bearer");
	http_reply(r, status,
		   device_side ? "application/json" : "application/problem+json",
		   buf_str(&text), text.len);
}

/* What HTTP refuses before a route is known is judged by its path. */
void api_refuse(struct http_request *r, int status, const char *code,
		const char *detail, void *app)
{
	const char *path = http_path(r);
	bool device_side = path != NULL && strstr(path, "/controller/") != NULL;

	(void)app;
	send_error(r, device_side, status, code, code, detail);
}

/* What is the caller's business, told as it is; all else is ours. */
static bool is_for_clients(enum err_code code)
{
	return code != ERR_INTERNAL && code != ERR_CONFIG && code != ERR_IO &&
	       code != ERR_NO_MEMORY && code != ERR_NONE;
}

void api_fail(struct api_call *a, const struct err *e)
{
	enum err_code code = e->code == ERR_NONE ? ERR_INTERNAL : e->code;
	int status = err_http_status(code);

	if (status >= 500)
		log_failure(a->api->log, LOG_ERROR, "api", a->row->pattern, e);
	send_error(a->http, a->row->device_side, status, err_slug(code),
		   err_meaning(code), is_for_clients(code) ? e->text : INNER_DETAIL);
}

static void reply_as(struct api_call *a, int status, const char *type,
		     const struct json *o)
{
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX);
	struct err e = ERR_INIT;

	if (o == NULL)
		(void)err_nomem(&e);
	if (o == NULL || json_write(o, &text, &e) < 0)
		api_fail(a, &e);
	else
		http_reply(a->http, status, type, buf_str(&text), text.len);
}

void api_reply_json(struct api_call *a, int status, struct json *taken)
{
	AUTO_PTR(json) struct json *o = taken;

	reply_as(a, status, "application/json", o);
}

void api_reply_problem(struct api_call *a, const struct err *e, struct json *taken)
{
	AUTO_PTR(json) struct json *o = taken;
	int status = err_http_status(e->code);

	if (set_problem(o, status, err_slug(e->code), err_meaning(e->code), e->text) <
	    0)
		api_fail(a, e);
	else
		reply_as(a, status, "application/problem+json", o);
}

void api_reply_page(struct api_call *a, struct json *items, const char *next)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	struct err e = ERR_INIT;

	if (o == NULL || json_set(o, "items", items, &e) < 0 ||
	    (next != NULL && json_set(o, "next", json_new_text(next), &e) < 0))
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

struct store_call *api_store(struct api_call *a, enum store_verb v,
			     void (*done)(struct store_call *c))
{
	struct err e = ERR_INIT;
	struct store_call *c = store_call_new(v, http_loop(a->http), done, a, &e);

	if (c == NULL) {
		api_fail(a, &e);
		return NULL;
	}
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	memcpy(c->scope, a->scope, sizeof(c->scope));
	return c;
}

struct home *api_home(struct api_call *a)
{
	struct home *h = homes_find(a->api->homes, a->tenant);
	struct err e = ERR_INIT;

	if (h == NULL) {
		(void)err_set(&e, ERR_BUSY, "tenant \"%s\" is being set up", a->tenant);
		api_fail(a, &e);
	}
	return h;
}

void api_submit(struct api_call *a, struct store_call *c)
{
	api_audit(a, c);
	store_submit(a->api->store, c);
}

bool api_failed(struct api_call *a, const struct store_call *c)
{
	if (c->err.code == ERR_NONE)
		return false;
	api_fail(a, &c->err);
	return true;
}
