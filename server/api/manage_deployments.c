/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: lists of deployments and a device's history, as pages or as CSV. */
#include "export.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct store_page page;
	struct filter filter;
	struct export csv;
};

static void listing_fail(struct api_call *a, const struct err *e)
{
	struct listing *l = a->handler_state;

	if (l != NULL)
		export_end(&l->csv);
	api_fail(a, e);
}

static void submit(struct api_call *a, void (*done)(struct store_call *c))
{
	struct listing *l = a->handler_state;
	struct err e = ERR_INIT;
	struct store_call *c =
	    store_call_new(STORE_DEPLOYMENT_LIST, http_loop(a->http), done, a, &e);

	if (c == NULL) {
		listing_fail(a, &e);
		return;
	}
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	memcpy(c->scope, a->scope, sizeof(c->scope));
	c->in.page = l->page;
	api_submit(a, c);
}

/* ---- pages ---- */

static void got_page(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct deployment *d = c->items;
	struct err e = ERR_INIT;
	char next[24];

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_deployment(&d[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	(void)snprintf(next, sizeof(next), "%" PRIu64, c->out.list_after);
	api_reply_page(a, TAKE(list), c->more ? next : NULL);
}

/* ---- CSV ---- */

static const char titles[] = "id,device,product,version,state,kind,grade,consent,"
			     "progress,detail,not_before,created_at,updated_at\r\n";

static int add_row(struct buf *b, const struct deployment *d, struct err *e)
{
	char id[24], progress[8];
	const char *const cells[] = {
	    id,
	    d->device,
	    d->product,
	    d->version,
	    deployment_state_name(d->state),
	    deployment_kind_name(d->kind),
	    grade_name(d->grade),
	    consent_name(d->consent),
	    progress,
	    d->detail,
	};

	(void)snprintf(id, sizeof(id), "%" PRIu64, d->id);
	(void)snprintf(progress, sizeof(progress), "%u", (unsigned)d->progress);
	for (size_t i = 0; i < N_ELEMS(cells); i++) {
		if (export_cell(b, cells[i], ",", e) < 0)
			return -1;
	}
	if (export_time(b, d->not_before, ",", e) < 0 ||
	    export_time(b, d->created_at, ",", e) < 0)
		return -1;
	return export_time(b, d->updated_at, "\r\n", e);
}

#define ROWS_MAX_BYTES (STORE_LIST_MAX * 4096u)

static int add_rows(struct listing *l, const struct store_call *page, struct err *e)
{
	const struct deployment *d = page->items;
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
	if (e.code != ERR_NONE || add_rows(l, c, &e) < 0) {
		listing_fail(a, &e);
		return;
	}
	l->page.after_id = c->out.list_after;
	if (c->more)
		submit(a, got_rows);
	else
		export_send(a, &l->csv, "deployments.csv");
}

/* ---- the query ---- */

static int read_state(struct api_call *a, struct store_page *p, struct err *e)
{
	const char *state = http_query(a->http, "state");
	enum deployment_state s;

	if (state == NULL)
		return 0;
	if (strcmp(state, "open") == 0) {
		p->state = STORE_STATE_OPEN;
		return 0;
	}
	if (deployment_state_parse(state, &s, e) < 0)
		return -1;
	p->state = (int)s;
	return 0;
}

static int read_query(struct api_call *a, struct listing *l, const char *device,
		      struct err *e)
{
	const char *filter = http_query(a->http, "filter");

	if (api_page(a, &l->page, true, e) < 0 || read_state(a, &l->page, e) < 0)
		return -1;
	if (device != NULL &&
	    text_copy(l->page.device, sizeof(l->page.device), device, "device", e) < 0)
		return -1;
	if (filter == NULL || filter[0] == '\0')
		return 0;
	if (filter_parse(filter, &l->filter, e) < 0)
		return err_wrap(e, "filter");
	l->page.filter = &l->filter;
	return 0;
}

static void list_of(struct api_call *a, const char *device)
{
	struct listing *l = calloc(1, sizeof(*l));
	struct err e = ERR_INIT;

	if (l == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	l->csv = (struct export)EXPORT_INIT;
	a->handler_state = l;
	if (read_query(a, l, device, &e) < 0) {
		listing_fail(a, &e);
	} else if (!export_wanted(a)) {
		submit(a, got_page);
	} else {
		l->page.limit = STORE_LIST_MAX;
		if (export_open(a, titles, &l->csv, &e) < 0)
			listing_fail(a, &e);
		else
			submit(a, got_rows);
	}
}

void handle_deployments_list(struct api_call *a)
{
	list_of(a, http_query(a->http, "device"));
}

static void history_of_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		list_of(a, http_param(a->http, "id"));
}

void handle_devices_history(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_DEVICE_GET, history_of_device);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (text_copy(c->in.device_id, sizeof(c->in.device_id),
		      http_param(a->http, "id"), "id", &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
