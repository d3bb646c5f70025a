/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: lists of devices, as pages or as one CSV file. */
#include "export.h"
#include "rollout.h"
#include "select.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

/* A store that answers at once makes of their chain one stack. */
#define WHY_MAX_DEVICES 100

struct listing {
	struct filter filter;
	struct device_select select;
	bool wants_count, wants_why;
	size_t n_why;			       /* of so many of the page it is said */
	struct store_call *page, *deployments; /* owned while the answer is made */
	struct export csv;
	char why[][DETAIL_MAX_LEN + 1]; /* wants_why: WHY_MAX_DEVICES of them */
};

/* Frees what a->handler_state owns; the thing itself goes with the call. */
static void listing_end(struct api_call *a)
{
	struct listing *l = a->handler_state;

	store_call_free(TAKE(l->page));
	store_call_free(TAKE(l->deployments));
	export_end(&l->csv);
}

static void listing_fail(struct api_call *a, const struct err *e)
{
	listing_end(a);
	api_fail(a, e);
}

static bool says_true(struct api_call *a, const char *key)
{
	const char *text = http_query(a->http, key);

	return text != NULL && strcmp(text, "true") == 0;
}

/* NULL: a was answered. */
static struct listing *listing_new(struct api_call *a)
{
	bool wants_why = says_true(a, "why");
	struct listing *l = calloc(
	    1, sizeof(*l) + (wants_why ? WHY_MAX_DEVICES * sizeof(l->why[0]) : 0));
	struct err e = ERR_INIT;

	if (l == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return NULL;
	}
	l->csv = (struct export)EXPORT_INIT;
	l->wants_count = says_true(a, "count");
	l->wants_why = wants_why;
	a->handler_state = l;
	if (api_select(a, &l->select, &l->filter, &e) < 0) {
		api_fail(a, &e);
		return NULL;
	}
	return l;
}

static void submit_select(struct api_call *a, enum store_verb v,
			  void (*done)(struct store_call *c))
{
	struct listing *l = a->handler_state;
	struct err e = ERR_INIT;
	struct store_call *c = store_call_new(v, http_loop(a->http), done, a, &e);

	if (c == NULL) {
		listing_fail(a, &e);
		return;
	}
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	memcpy(c->scope, a->scope, sizeof(c->scope));
	c->in.select = l->select;
	api_submit(a, c);
}

/* ---- pages ---- */

static const struct deployment *find_deployment(const struct store_call *c, uint64_t id)
{
	const struct deployment *d = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (d[i].id == id)
			return &d[i];
	}
	return NULL;
}

static struct json *render_list(const struct listing *l, struct err *e)
{
	const struct device *d = l->page->items;
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < l->page->n_items; i++) {
		const struct deployment *p =
		    find_deployment(l->deployments, d[i].latest_deployment);

		if (json_append(list, render_device(&d[i], p, false, e), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *render_page(const struct listing *l, const struct device_count *n,
				struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char next[CURSOR_TEXT_MAX_LEN + 1];

	if (o == NULL || json_set(o, "items", render_list(l, e), e) < 0)
		return NULL;
	if (l->page->more &&
	    (cursor_write(l->select.sort, &l->page->out.cursor, next, e) < 0 ||
	     json_set(o, "next", json_new_text(next), e) < 0))
		return NULL;
	if (n != NULL && (json_set(o, "total", json_new_int((int64_t)n->n), e) < 0 ||
			  json_set(o, "total_exact", json_new_bool(n->exact), e) < 0))
		return NULL;
	return TAKE(o);
}

/* ---- why, of each of a page ----
 *
 * The page waits in a->body, while the devices on it are asked about one after the other as
 * the route about one does.
 */

static const struct json *nth_device(const struct api_call *a, size_t i)
{
	return json_at(json_get(a->body, "items"), i);
}

static void ask_why(struct api_call *a);

static void got_why(struct api_call *a, const struct why *w)
{
	struct listing *l = a->handler_state;

	memcpy(l->why[l->n_why++], w->reasons[0].text, sizeof(l->why[0]));
	ask_why(a);
}

/* One that was deleted in between has no why. */
static void got_asked(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct listing *l = a->handler_state;

	if (c->err.code == ERR_NOT_FOUND) {
		l->n_why++;
		ask_why(a);
	} else if (!api_failed(a, c)) {
		a->device = c->out.device;
		with_why(a, 0, got_why);
	}
}

static void send_with_why(struct api_call *a)
{
	const struct listing *l = a->handler_state;
	AUTO_PTR(json) struct json *list = json_new_array();
	struct err e = ERR_INIT;

	for (size_t i = 0; i < l->n_why; i++) {
		AUTO_PTR(json) struct json *d = json_clone(nth_device(a, i));

		if (d == NULL || json_set(d, "why", json_new_text(l->why[i]), &e) < 0 ||
		    json_append(list, TAKE(d), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	if (json_set(a->body, "items", TAKE(list), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(a->body));
}

static void ask_why(struct api_call *a)
{
	struct listing *l = a->handler_state;
	const struct json *d = nth_device(a, l->n_why);
	struct store_call *c;

	if (d == NULL) {
		send_with_why(a);
		return;
	}
	c = api_store(a, STORE_DEVICE_GET, got_asked);
	if (c == NULL)
		return;
	(void)snprintf(c->in.device_id, sizeof(c->in.device_id), "%s",
		       json_text(json_get(d, "id")));
	api_submit(a, c);
}

static void send_page(struct api_call *a, const struct device_count *n)
{
	struct listing *l = a->handler_state;
	struct err e = ERR_INIT;
	struct json *o = render_page(l, n, &e);

	listing_end(a);
	if (o == NULL) {
		api_fail(a, &e);
	} else if (!l->wants_why) {
		api_reply_json(a, 200, o);
	} else {
		a->body = o;
		ask_why(a);
	}
}

static void got_count(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;

	if (c->err.code != ERR_NONE)
		listing_fail(c->ctx, &c->err);
	else
		send_page(c->ctx, &c->out.count);
}

static void got_deployments(struct store_call *c)
{
	struct api_call *a = c->ctx;
	struct listing *l = a->handler_state;

	l->deployments = c;
	if (c->err.code != ERR_NONE) {
		struct err e = c->err;

		listing_fail(a, &e);
	} else if (l->wants_count) {
		submit_select(a, STORE_DEVICE_COUNT, got_count);
	} else {
		send_page(a, NULL);
	}
}

static void got_page(struct store_call *page)
{
	struct api_call *a = page->ctx;
	struct listing *l = a->handler_state;
	const struct device *d = page->items;
	struct err e = page->err;
	struct store_call *c;
	uint64_t *ids;

	l->page = page;
	if (e.code != ERR_NONE) {
		listing_fail(a, &e);
		return;
	}
	c = store_call_new(STORE_DEPLOYMENT_MANY, http_loop(a->http), got_deployments,
			   a, &e);
	ids = c == NULL ? NULL : store_call_items(c, page->n_items, sizeof(*ids), &e);
	if (ids == NULL) {
		store_call_free(c);
		listing_fail(a, &e);
		return;
	}
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	for (size_t i = 0; i < page->n_items; i++)
		ids[i] = d[i].latest_deployment;
	api_submit(a, c);
}

/* ---- CSV ---- */

static const char head[] = "id,name,product,hardware,version,grade,state,site,tags,pin,"
			   "agent_version,address,created_at,seen_at\r\n";

static int add_row(struct buf *b, const struct device *d, struct err *e)
{
	const char *const cells[] = {
	    d->id,
	    d->name,
	    d->product,
	    d->hardware,
	    d->version,
	    grade_name(d->grade),
	    device_state_name(d->state),
	    d->site,
	    d->tags,
	    d->pin == PIN_NONE ? "" : pin_name(d->pin),
	    d->agent_version,
	    d->address,
	};

	for (size_t i = 0; i < N_ELEMS(cells); i++) {
		if (export_cell(b, cells[i], ",", e) < 0)
			return -1;
	}
	if (export_time(b, d->created_at, ",", e) < 0)
		return -1;
	return export_time(b, d->seen_at, "\r\n", e);
}

#define ROWS_MAX_BYTES (STORE_LIST_MAX * 4096u)

static int write_rows(struct listing *l, const struct store_call *page, struct err *e)
{
	const struct device *d = page->items;
	AUTO(buf) struct buf text = BUF_INIT(ROWS_MAX_BYTES);

	for (size_t i = 0; i < page->n_items; i++) {
		if (add_row(&text, &d[i], e) < 0)
			return -1;
	}
	return export_add(&l->csv, &text, e);
}

static void got_rows(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct listing *l = a->handler_state;
	struct err e = c->err;

	if (e.code == ERR_NONE && http_gone(a->http))
		(void)err_set(&e, ERR_CANCELLED, "nobody waits for it");
	if (e.code != ERR_NONE || write_rows(l, c, &e) < 0) {
		listing_fail(a, &e);
		return;
	}
	l->select.after = c->out.cursor;
	if (c->more)
		submit_select(a, STORE_DEVICE_SELECT, got_rows);
	else
		export_send(a, &l->csv, "devices.csv");
}

static void begin_csv(struct api_call *a)
{
	struct listing *l = a->handler_state;
	struct err e = ERR_INIT;

	l->select.limit = STORE_LIST_MAX;
	if (export_open(a, head, &l->csv, &e) < 0)
		listing_fail(a, &e);
	else
		submit_select(a, STORE_DEVICE_SELECT, got_rows);
}

void handle_devices_list(struct api_call *a)
{
	struct listing *l = listing_new(a);

	if (l == NULL)
		return;
	if (l->wants_why && l->select.limit > WHY_MAX_DEVICES)
		l->select.limit = WHY_MAX_DEVICES;
	if (export_wanted(a))
		begin_csv(a);
	else
		submit_select(a, STORE_DEVICE_SELECT, got_page);
}
