/* SPDX-License-Identifier: Apache-2.0 */
/* ota group, ota product, ota fleet: what devices belong to, and which versions run. */
#include "../common/base/text.h"
#include "view.h"

#include <string.h>

const struct option group_create_options[] = {
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Its members are the devices that match; without it they are listed by ota group "
     "add"},
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is for"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option group_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option product_set_options[] = {
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is"},
    {NULL, "hardware", OPT_LIST, AT(hardware), NULL, "ID",
     "A hardware id that it is compatible with; once each"},
    {NULL, "support-ends", OPT_TEXT, AT(support_ends), NULL, "DATE",
     "The day on which support ends, as 2030-12-31"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option fleet_versions_options[] = {
    {NULL, "behind", OPT_FLAG, AT(behind), NULL, NULL,
     "Show per product how many devices are below its newest release, and the filter "
     "that lists them"},
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct view_column group_rows[] = {
    {"group", "name", VIEW_TEXT},	  {"about", "about", VIEW_TEXT},
    {"filter", "filter", VIEW_TEXT},	  {"devices", "devices", VIEW_TEXT},
    {"updated", "updated_at", VIEW_TIME},
};

static const struct view_column product_rows[] = {
    {"product", "name", VIEW_TEXT},
    {"about", "about", VIEW_TEXT},
    {"hardware", "hardware", VIEW_LIST},
    {"support ends", "support_ends_at", VIEW_DAY},
};

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return text == NULL ? 0 : json_set(o, key, json_new_text(text), e);
}

/* base + NAME + end */
static int call_named(const struct ota *o, const char *method, const char *base,
		      const char *name, const char *end, const struct json *body,
		      struct json **ret, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(1024);

	if (api_init(&a, o, true, e) < 0 || buf_add_str(&path, base, e) < 0 ||
	    api_escape(&path, name, e) < 0 || buf_add_str(&path, end, e) < 0)
		return -1;
	return api_call(&a, method, buf_str(&path), body, ret, e);
}

/* ---- groups ---- */

#define GROUPS "/api/v1/groups/"

RUN(group_create)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *group = NULL;

	(void)n_operands;
	(void)log;
	if (body == NULL || set_text(body, "name", operands[0], e) < 0 ||
	    set_text(body, "filter", o->filter, e) < 0 ||
	    set_text(body, "about", o->about, e) < 0 || api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "POST", "/api/v1/groups", body, &group, e) < 0)
		return -1;
	return view_one(o, group, group_rows, N_ELEMS(group_rows), e);
}

RUN(group_list)
{
	static const struct view_column columns[] = {
	    {"GROUP", "name", VIEW_TEXT},
	    {"ABOUT", "about", VIEW_TEXT},
	    {"FILTER", "filter", VIEW_TEXT},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/groups", "", columns, N_ELEMS(columns),
			     "No groups.", e);
}

RUN(group_show)
{
	AUTO_PTR(json) struct json *group = NULL;

	(void)n_operands;
	(void)log;
	if (call_named(values, "GET", GROUPS, operands[0], "", NULL, &group, e) < 0)
		return -1;
	return view_one(values, group, group_rows, N_ELEMS(group_rows), e);
}

RUN(group_delete)
{
	(void)n_operands;
	(void)log;
	return call_named(values, "DELETE", GROUPS, operands[0], "", NULL, NULL, e);
}

static int change_members(const struct ota *o, const char *how, int n_operands,
			  char **operands, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *ids = json_new_array();
	AUTO_PTR(json) struct json *group = NULL;

	for (int i = 1; i < n_operands; i++) {
		if (json_append(ids, json_new_text(operands[i]), e) < 0)
			return -1;
	}
	if (json_set(body, how, TAKE(ids), e) < 0 ||
	    call_named(o, "POST", GROUPS, operands[0], "/members", body, &group, e) < 0)
		return -1;
	return view_one(o, group, group_rows, N_ELEMS(group_rows), e);
}

RUN(group_add)
{
	(void)log;
	return change_members(values, "add", n_operands, operands, e);
}

RUN(group_remove)
{
	(void)log;
	return change_members(values, "remove", n_operands, operands, e);
}

/* ---- products ---- */

RUN(product_list)
{
	static const struct view_column columns[] = {
	    {"PRODUCT", "name", VIEW_TEXT},
	    {"ABOUT", "about", VIEW_TEXT},
	    {"HARDWARE", "hardware", VIEW_LIST},
	    {"SUPPORT ENDS", "support_ends_at", VIEW_DAY},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/products", "", columns, N_ELEMS(columns),
			     "No products.", e);
}

static int set_end(struct json *body, const char *date, struct err *e)
{
	char text[TIME_TEXT_LEN + 1];
	int64_t at;

	if (date == NULL)
		return 0;
	if (text_format(text, sizeof(text), NULL, "%sT00:00:00Z", date) < 0 ||
	    time_parse(text, &at, NULL) < 0)
		return err_set(e, ERR_USAGE,
			       "--support-ends: \"%.40s\" is no day like "
			       "2030-12-31",
			       date);
	return json_set(body, "support_ends_at", json_new_int(at), e);
}

RUN(product_set)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *hardware = json_new_array();
	AUTO_PTR(json) struct json *product = NULL;

	(void)n_operands;
	(void)log;
	for (size_t i = 0; i < o->hardware.n_items; i++) {
		if (json_append(hardware, json_new_text(o->hardware.items[i]), e) < 0)
			return -1;
	}
	if (json_set(body, "hardware", TAKE(hardware), e) < 0 ||
	    set_text(body, "about", o->about, e) < 0 ||
	    set_end(body, o->support_ends, e) < 0 ||
	    call_named(o, "PUT", "/api/v1/products/", operands[0], "", body, &product,
		       e) < 0)
		return -1;
	return view_one(o, product, product_rows, N_ELEMS(product_rows), e);
}

/* ---- versions ---- */

RUN(fleet_versions)
{
	static const struct view_column versions[] = {
	    {"PRODUCT", "product", VIEW_TEXT}, {"VERSION", "version", VIEW_TEXT},
	    {"GRADE", "grade", VIEW_TEXT},     {"STATE", "state", VIEW_TEXT},
	    {"DEVICES", "devices", VIEW_TEXT},
	};
	static const struct view_column behind[] = {
	    {"PRODUCT", "product", VIEW_TEXT},
	    {"NEWEST", "version", VIEW_TEXT},
	    {"RELEASE", "release", VIEW_TEXT},
	    {"BEHIND", "behind", VIEW_TEXT},
	    {"LISTED BY --filter", "behind_filter", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "GET", "/api/v1/versions", NULL, &answer, e) < 0)
		return -1;
	if (o->behind)
		return view_list(o, json_get(answer, "newest"), behind, N_ELEMS(behind),
				 "No releases.", e);
	return view_list(o, json_get(answer, "items"), versions, N_ELEMS(versions),
			 "No devices.", e);
}
