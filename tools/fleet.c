/* SPDX-License-Identifier: Apache-2.0 */
/* ota fleet: which versions run, now and over time, who is behind, and what went wrong. */
#include "../common/base/clock.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

const struct option fleet_versions_options[] = {
    {NULL, "behind", OPT_FLAG, AT(behind), NULL, NULL,
     "Show per product how many devices are below its newest release, which filter "
     "lists them, and of each why"},
    {NULL, "product", OPT_TEXT, AT(product), NULL, "NAME", "Of this product only"},
    {NULL, "most", OPT_U64, AT(most), "50", "N",
     "With --behind: say why of so many devices of a product"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option fleet_history_options[] = {
    {NULL, "product", OPT_TEXT, AT(product), NULL, "NAME", "Of this product only"},
    {NULL, "since", OPT_DURATION, AT(since_ms), "30d", "TIME", "So far back"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option fleet_failures_options[] = {
    {NULL, "release", OPT_TEXT, AT(release), NULL, "ID", "Only of this release"},
    OPTIONS_SERVER,
    OPTION_END,
};

static bool is_of(const struct json *item, const char *product)
{
	const char *name = json_text(json_get(item, "product"));

	return product == NULL || (name != NULL && strcmp(name, product) == 0);
}

static int keep_product(const struct json *all, const char *product,
			struct json *ret_some, struct err *e)
{
	for (size_t i = 0; i < json_len(all); i++) {
		if (is_of(json_at(all, i), product) &&
		    json_append(ret_some, json_clone(json_at(all, i)), e) < 0)
			return -1;
	}
	return 0;
}

/* ---- who is behind, and why ---- */

/* As many as a page with why may have. */
#define BEHIND_PAGE 100

static int add_device(const struct json *from, struct json *list, struct err *e)
{
	static const char *const members[] = {"id", "version", "state", "seen_at",
					      "why"};
	AUTO_PTR(json) struct json *d = json_new_object();

	for (size_t i = 0; i < N_ELEMS(members); i++) {
		if (json_set(d, members[i], json_clone(json_get(from, members[i])), e) <
		    0)
			return -1;
	}
	if (json_text(json_get(d, "id")) == NULL)
		return err_set(e, ERR_FORMAT, "a device without an id");
	return json_append(list, TAKE(d), e);
}

/* Until `most` are found or the list ends; a page may be short, even empty. */
static struct json *list_behind(const struct api *a, const char *filter, uint64_t most,
				struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	AUTO_PTR(json) struct json *page = NULL;
	const char *next = "";

	while (next != NULL && json_len(list) < most) {
		AUTO(buf) struct buf path = BUF_INIT(16384);
		const struct json *items;

		if (buf_printf(&path, e, "/api/v1/devices?why=true&limit=%" PRIu64,
			       most < BEHIND_PAGE ? most : BEHIND_PAGE) < 0 ||
		    api_add_query(&path, "filter", filter, e) < 0 ||
		    api_add_query(&path, "after", *next == '\0' ? NULL : next, e) < 0)
			return NULL;
		json_free(TAKE(page));
		if (api_call(a, "GET", buf_str(&path), NULL, &page, e) < 0)
			return NULL;
		next = json_text(json_get(page, "next"));
		items = json_get(page, "items");
		for (size_t i = 0; i < json_len(items) && json_len(list) < most; i++) {
			if (add_device(json_at(items, i), list, e) < 0)
				return NULL;
		}
	}
	return TAKE(list);
}

/* To each product its "devices": who is behind, with why. */
static struct json *find_behind(const struct api *a, const struct ota *o,
				const struct json *newest, struct err *e)
{
	AUTO_PTR(json) struct json *products = json_new_array();

	for (size_t i = 0; i < json_len(newest); i++) {
		AUTO_PTR(json) struct json *p = json_clone(json_at(newest, i));
		const char *filter = json_text(json_get(p, "behind_filter"));
		struct json *devices;

		if (!is_of(p, o->product))
			continue;
		devices = json_int(json_get(p, "behind")) > 0 && filter != NULL
			      ? list_behind(a, filter, o->most, e)
			      : json_new_array();
		if (devices == NULL || json_set(p, "devices", devices, e) < 0 ||
		    json_append(products, TAKE(p), e) < 0)
			return NULL;
	}
	return TAKE(products);
}

static int show_devices(const struct ota *o, const struct json *product, struct err *e)
{
	static const struct view_column columns[] = {
	    {"DEVICE", "id", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT},
	    {"SEEN", "seen_at", VIEW_TIME},
	    {"WHY", "why", VIEW_TEXT},
	};
	const struct json *devices = json_get(product, "devices");
	int64_t more =
	    json_int(json_get(product, "behind")) - (int64_t)json_len(devices);

	if (json_len(devices) == 0)
		return 0;
	(void)puts("");
	if (view_list(o, devices, columns, N_ELEMS(columns), "", e) < 0)
		return -1;
	if (more > 0)
		(void)printf("And %" PRId64
			     " more: --most, or ota device list --filter "
			     "'%s'.\n",
			     more, json_text(json_get(product, "behind_filter")));
	return 0;
}

static int show_behind(const struct api *a, const struct ota *o,
		       const struct json *newest, struct err *e)
{
	static const struct view_column columns[] = {
	    {"PRODUCT", "product", VIEW_TEXT},
	    {"NEWEST", "version", VIEW_TEXT},
	    {"RELEASE", "release", VIEW_TEXT},
	    {"BEHIND", "behind", VIEW_TEXT},
	    {"LISTED BY --filter", "behind_filter", VIEW_TEXT},
	};
	AUTO_PTR(json) struct json *products = find_behind(a, o, newest, e);

	if (products == NULL)
		return -1;
	if (view_list(o, products, columns, N_ELEMS(columns), "No releases.", e) < 0)
		return -1;
	for (size_t i = 0; !o->json && i < json_len(products); i++) {
		if (show_devices(o, json_at(products, i), e) < 0)
			return -1;
	}
	return 0;
}

RUN(fleet_versions)
{
	static const struct view_column columns[] = {
	    {"PRODUCT", "product", VIEW_TEXT}, {"VERSION", "version", VIEW_TEXT},
	    {"GRADE", "grade", VIEW_TEXT},     {"STATE", "state", VIEW_TEXT},
	    {"DEVICES", "devices", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *answer = NULL;
	AUTO_PTR(json) struct json *some = json_new_array();

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "GET", "/api/v1/versions", NULL, &answer, e) < 0)
		return -1;
	if (o->behind)
		return show_behind(&a, o, json_get(answer, "newest"), e);
	if (keep_product(json_get(answer, "items"), o->product, some, e) < 0)
		return -1;
	return view_list(o, some, columns, N_ELEMS(columns), "No devices.", e);
}

/* ---- over time ---- */

RUN(fleet_history)
{
	static const struct view_column columns[] = {
	    {"AT", "at", VIEW_TIME},	       {"PRODUCT", "product", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT}, {"GRADE", "grade", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},     {"DEVICES", "devices", VIEW_TEXT},
	};
	const struct ota *o = values;
	int64_t from = clock_utc_ms(&clock_system) - (int64_t)o->since_ms;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (buf_printf(&query, e, "&from_at=%" PRId64, from > 0 ? from : 0) < 0 ||
	    api_add_query(&query, "product", o->product, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/versions/history", buf_str(&query), columns,
			     N_ELEMS(columns), "No points yet: one is made each hour.",
			     e);
}

/* ---- what went wrong ---- */

RUN(fleet_failures)
{
	static const struct view_column columns[] = {
	    {"DEVICES", "devices", VIEW_TEXT},
	    {"PRODUCT", "product", VIEW_TEXT},
	    {"HARDWARE", "hardware", VIEW_TEXT},
	    {"FROM", "from", VIEW_TEXT},
	    {"TO", "version", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},
	    {"LAST", "last_at", VIEW_TIME},
	    {"WHAT THEY SAY", "words", VIEW_TEXT},
	    {"LISTED BY --filter", "filter", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_add_query(&query, "release", o->release, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/failures", buf_str(&query), columns,
			     N_ELEMS(columns), "No failures.", e);
}
