/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: which versions run, now and over time, and who is behind. */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/render_fleet.h"

#include <string.h>

static struct json *render_count(const void *item, struct err *e)
{
	return render_version_count(item, e);
}

static struct json *render_point(const void *item, struct err *e)
{
	return render_version_point(item, e);
}

static struct json *render_release_newest(const void *item, struct err *e)
{
	return render_newest(item, e);
}

static int append_all(struct json *list, const struct store_call *c, size_t size,
		      struct json *(*render)(const void *item, struct err *e),
		      struct err *e)
{
	for (size_t i = 0; i < c->n_items; i++) {
		const void *item = (const char *)c->items + i * size;

		if (json_append(list, render(item, e), e) < 0)
			return -1;
	}
	return 0;
}

static void got_newest(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(store_call) struct store_call *counts = TAKE(a->handler_state);
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *items = json_new_array();
	AUTO_PTR(json) struct json *newest = json_new_array();
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (append_all(items, counts, sizeof(struct version_count), render_count, &e) <
		0 ||
	    append_all(newest, c, sizeof(struct newest_release), render_release_newest,
		       &e) < 0 ||
	    json_set(o, "items", TAKE(items), &e) < 0 ||
	    json_set(o, "newest", TAKE(newest), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static void got_counts(struct store_call *counts)
{
	struct api_call *a = counts->ctx;
	struct store_call *c;

	if (api_failed(a, counts) ||
	    (c = api_store(a, STORE_RELEASE_NEWEST, got_newest)) == NULL) {
		store_call_free(counts);
		return;
	}
	a->handler_state = counts;
	api_submit(a, c);
}

void handle_versions_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_VERSION_COUNTS, got_counts);

	if (c != NULL)
		api_submit(a, c);
}

/* ---- over time ---- */

static void got_history(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (append_all(list, c, sizeof(struct version_point), render_point, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_page(a, TAKE(list), NULL);
}

#define HISTORY_MAX_POINTS 20000u
#define HISTORY_DEFAULT_MS (INT64_C(30) * 24 * SAMPLE_HOUR_MS)

static int read_history(struct api_call *a, struct store_call *c, struct err *e)
{
	const char *product = http_query(a->http, "product");
	const char *from = http_query(a->http, "from_at");
	uint64_t from_at = 0;

	c->in.history.limit = HISTORY_MAX_POINTS;
	c->in.history.after = c->now_ms - HISTORY_DEFAULT_MS;
	if (from != NULL) {
		if (parse_u64(from, &from_at, e) < 0 || from_at > INT64_MAX)
			return err_set(e, ERR_FORMAT,
				       "from_at: milliseconds since 1970");
		c->in.history.after = (int64_t)from_at - 1;
	}
	if (product == NULL)
		return 0;
	return text_copy(c->in.history.product, sizeof(c->in.history.product), product,
			 "product", e);
}

void handle_versions_history(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_VERSION_HISTORY, got_history);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_history(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
