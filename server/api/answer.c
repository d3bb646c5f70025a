/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON, RFC 9457 problems, and the device API's own form of errors. */
#include "api.h"

#include "../../common/base/text.h"
#include "../http/range.h"

#include <stdarg.h>
#include <string.h>

#define ANSWER_MAX (8u * 1024 * 1024)
#define RETRY_AFTER_S 5u
#define INNER_DETAIL "the server could not do it; its log says why"

/* ---- entity tags (RFC 9110, section 8.8.3) ---- */

void api_tag(struct api_call *a, const char *fmt, ...)
{
	char tag[sizeof(a->etag) - 2];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(tag, sizeof(tag), fmt, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(tag))
		(void)snprintf(a->etag, sizeof(a->etag), "\"%s\"", tag);
}

static int judge(const struct api_call *a, bool if_match, bool if_none_match)
{
	const struct conditions c = {
	    .if_match = if_match ? http_header(a->http, "If-Match") : NULL,
	    .if_none_match =
		if_none_match ? http_header(a->http, "If-None-Match") : NULL,
	};
	struct range ignored;

	return conditions_judge(&c, a->etag, 0, &ignored);
}

int api_if_match(const struct api_call *a, struct err *e)
{
	if (judge(a, true, false) == 412)
		return err_set(e, ERR_PRECONDITION,
			       "it is not as If-Match says any more: its tag is %s",
			       a->etag);
	return 0;
}

int api_matched_revision(const struct api_call *a, uint64_t *ret, struct err *e)
{
	const char *field = http_header(a->http, "If-Match");
	size_t len = field == NULL ? 0 : strlen(field), digits;
	char number[24];

	*ret = 0;
	if (field == NULL || strcmp(field, "*") == 0)
		return 0;
	digits = len > 2 && field[0] == '"' ? strspn(field + 1, "0123456789") : 0;
	if (digits == 0 || digits >= sizeof(number) ||
	    (field[1 + digits] != '"' && field[1 + digits] != '.') ||
	    strchr(field + 1, '"') != field + len - 1)
		return err_set(e, ERR_PRECONDITION,
			       "If-Match: not the ETag that its GET answers with");
	memcpy(number, field + 1, digits);
	number[digits] = '\0';
	if (parse_u64(number, ret, NULL) < 0 || *ret == 0)
		return err_set(e, ERR_PRECONDITION, "If-Match: it never had this tag");
	return 0;
}

static void tag_by_content(struct api_call *a, const void *text, size_t len)
{
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	if (sha256(text, len, digest, NULL) < 0)
		return;
	hex_encode(digest, SHA256_LEN / 2, hex);
	api_tag(a, "%s", hex);
}

/* The status to send: 304 where the client has what it asks for. */
static int settle_tag(struct api_call *a, int status, const char *type,
		      const void *text, size_t len)
{
	bool is_get = strcmp(a->row->method, "GET") == 0;

	if (a->row->device_side || status != 200 || type == NULL)
		return status;
	if (a->etag[0] == '\0' && is_get)
		tag_by_content(a, text, len);
	if (a->etag[0] == '\0')
		return status;
	http_add_header(a->http, "ETag", a->etag);
	return is_get ? judge(a, false, true) : status;
}

/* Every answer of a handler, but for files and streams, leaves here. */
static void finish(struct api_call *a, int status, const char *type, const void *text,
		   size_t len)
{
	if (api_once_takes(a, status, type, text, len))
		return;
	status = settle_tag(a, status, type, text, len);
	http_reply(a->http, status, type, text, len);
}

void api_reply_text(struct api_call *a, int status, const char *type, const void *text,
		    size_t len)
{
	finish(a, status, type, text, len);
}

void api_reply_empty(struct api_call *a, int status)
{
	finish(a, status, NULL, NULL, 0);
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

static const char *error_type(bool device_side)
{
	return device_side ? "application/json" : "application/problem+json";
}

/* "" for want of memory: the status says enough. */
static void write_error(bool device_side, int status, const char *code,
			const char *title, const char *detail, struct buf *ret_text)
{
	AUTO_PTR(json)
	struct json *o = device_side ? device_error(code, detail)
				     : problem(status, code, title, detail);

	if (o == NULL || json_write(o, ret_text, NULL) < 0)
		buf_clear(ret_text);
}

static void add_error_headers(struct http_request *r, bool device_side, int status,
			      unsigned retry_after_s)
{
	char seconds[16];

	if ((status == 503 || status == 429) &&
	    text_format(seconds, sizeof(seconds), NULL, "%u",
			retry_after_s == 0 ? RETRY_AFTER_S : retry_after_s) == 0)
		http_add_header(r, "Retry-After", seconds);
	if (status == 401)
		http_add_header(r, "WWW-Authenticate",
				device_side ? "TargetToken" : "Bearer");
}

/* What HTTP refuses before a route is known is judged by its path. */
void api_refuse(struct http_request *r, int status, const char *code,
		const char *detail, void *app)
{
	const char *path = http_path(r);
	bool device_side = path != NULL && strstr(path, "/controller/") != NULL;
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX);

	(void)app;
	write_error(device_side, status, code, code, detail, &text);
	add_error_headers(r, device_side, status, 0);
	http_reply(r, status, error_type(device_side), buf_str(&text), text.len);
}

/* What is the caller's business, told as it is; all else is ours. */
static bool is_for_clients(enum err_code code)
{
	return code != ERR_INTERNAL && code != ERR_CONFIG && code != ERR_IO &&
	       code != ERR_NO_MEMORY && code != ERR_NONE;
}

/* Load that is shed is counted, not logged: a flood must not fill the disk. */
static bool is_worth_a_line(enum err_code code)
{
	return err_http_status(code) >= 500 && code != ERR_BUSY && code != ERR_TIMEOUT;
}

void api_fail(struct api_call *a, const struct err *e)
{
	enum err_code code = e->code == ERR_NONE ? ERR_INTERNAL : e->code;
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX);
	int status = err_http_status(code);

	if (is_worth_a_line(code))
		log_failure(a->api->log, LOG_ERROR, "api", a->row->pattern, e);
	write_error(a->row->device_side, status, err_slug(code), err_meaning(code),
		    is_for_clients(code) ? e->text : INNER_DETAIL, &text);
	add_error_headers(a->http, a->row->device_side, status, a->retry_after_s);
	finish(a, status, error_type(a->row->device_side), buf_str(&text), text.len);
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
		finish(a, status, type, buf_str(&text), text.len);
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

void api_reply_items(struct api_call *a, const struct store_call *c, size_t item_size,
		     struct json *(*render)(const void *item, uint64_t *ret_key,
					    struct err *e))
{
	AUTO_PTR(json) struct json *list = json_new_array();
	const char *items = c->items;
	struct err e = ERR_INIT;
	uint64_t key = 0;
	char next[24];

	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render(items + i * item_size, &key, &e), &e) <
		    0) {
			api_fail(a, &e);
			return;
		}
	}
	(void)snprintf(next, sizeof(next), "%llu", (unsigned long long)key);
	api_reply_page(a, TAKE(list), c->more ? next : NULL);
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
	struct err e = c->err;

	if (e.code == ERR_NONE)
		return false;
	if (e.code == ERR_TIMEOUT) /* in the store's queue: nothing was done */
		e.code = ERR_BUSY;
	api_fail(a, &e);
	return true;
}
