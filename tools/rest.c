/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns with one verb or two that only show, end or rename: release show, rollout
 * members and delete, group set, product show and delete, session list and end, fleet
 * history. */
#include "view.h"

#include <string.h>

const struct option rest_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_members_options[] = {
    {NULL, "wave", OPT_U64, AT(wave), "0", "N", "Of this wave only"},
    {NULL, "state", OPT_TEXT, AT(state), NULL, "STATE",
     "In this state only: waiting, in-flight, proven, reported, failed, .."},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option group_set_options[] = {
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Its members are the devices that match"},
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is for"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option session_list_options[] = {
    {NULL, "user", OPT_TEXT, AT(user), NULL, "NAME", "Of this user, not one's own"},
    OPTIONS_SERVER,
    OPTION_END,
};

/* base + NAME + end, asked by method. */
static int call_named(const struct ota *o, const char *method, const char *base,
		      const char *name, const struct json *body, struct json **ret,
		      struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(1024);

	if (api_init(&a, o, true, e) < 0 || buf_add_str(&path, base, e) < 0 ||
	    api_escape(&path, name, e) < 0)
		return -1;
	return api_call(&a, method, buf_str(&path), body, ret, e);
}

static int show_named(const struct ota *o, const char *base, const char *name,
		      const struct view_column *rows, size_t n_rows, struct err *e)
{
	AUTO_PTR(json) struct json *item = NULL;

	if (call_named(o, "GET", base, name, NULL, &item, e) < 0)
		return -1;
	return view_one(o, item, rows, n_rows, e);
}

RUN(release_show)
{
	static const struct view_column rows[] = {
	    {"release", "id", VIEW_TEXT},
	    {"product", "product", VIEW_TEXT},
	    {"version", "version", VIEW_TEXT},
	    {"security version", "security_version", VIEW_TEXT},
	    {"security only", "security_only", VIEW_TEXT},
	    {"hardware", "hardware", VIEW_LIST},
	    {"size", "size", VIEW_SIZE},
	    {"published", "created_at", VIEW_TIME},
	    {"notes", "notes", VIEW_TEXT},
	};

	(void)n_operands;
	(void)log;
	return show_named(values, "/api/v1/releases/", operands[0], rows, N_ELEMS(rows),
			  e);
}

RUN(product_show)
{
	static const struct view_column rows[] = {
	    {"product", "name", VIEW_TEXT},
	    {"about", "about", VIEW_TEXT},
	    {"hardware", "hardware", VIEW_LIST},
	    {"support ends", "support_ends_at", VIEW_DAY},
	};

	(void)n_operands;
	(void)log;
	return show_named(values, "/api/v1/products/", operands[0], rows, N_ELEMS(rows),
			  e);
}

RUN(product_delete)
{
	(void)n_operands;
	(void)log;
	return call_named(values, "DELETE", "/api/v1/products/", operands[0], NULL,
			  NULL, e);
}

RUN(group_set)
{
	static const struct view_column rows[] = {
	    {"group", "name", VIEW_TEXT},
	    {"about", "about", VIEW_TEXT},
	    {"filter", "filter", VIEW_TEXT},
	    {"devices", "devices", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *group = NULL;

	(void)n_operands;
	(void)log;
	if (o->filter == NULL && o->about == NULL)
		return err_set(e, ERR_USAGE, "give --filter or --about");
	if ((o->filter != NULL &&
	     json_set(body, "filter", json_new_text(o->filter), e) < 0) ||
	    (o->about != NULL &&
	     json_set(body, "about", json_new_text(o->about), e) < 0) ||
	    call_named(o, "PUT", "/api/v1/groups/", operands[0], body, &group, e) < 0)
		return -1;
	return view_one(o, group, rows, N_ELEMS(rows), e);
}

RUN(rollout_members)
{
	static const struct view_column columns[] = {
	    {"DEVICE", "device", VIEW_TEXT},	  {"WAVE", "wave", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},	  {"SITE", "site", VIEW_TEXT},
	    {"OFFERED", "offered_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)log;
	if (buf_add_str(&path, "/api/v1/rollouts/", e) < 0 ||
	    api_escape(&path, operands[0], e) < 0 ||
	    buf_add_str(&path, "/members", e) < 0 ||
	    (o->wave != 0 &&
	     buf_printf(&query, e, "&wave=%llu", (unsigned long long)o->wave) < 0) ||
	    (o->state != NULL && (buf_add_str(&query, "&state=", e) < 0 ||
				  api_escape(&query, o->state, e) < 0)))
		return -1;
	return view_get_list(o, buf_str(&path), buf_str(&query), columns,
			     N_ELEMS(columns), "No members.", e);
}

RUN(rollout_delete)
{
	(void)n_operands;
	(void)log;
	return call_named(values, "DELETE", "/api/v1/rollouts/", operands[0], NULL,
			  NULL, e);
}

RUN(session_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"USER", "user", VIEW_TEXT},
	    {"ADDRESS", "address", VIEW_TEXT}, {"CURRENT", "current", VIEW_TEXT},
	    {"SEEN", "seen_at", VIEW_TIME},    {"ENDS", "expires_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (o->user != NULL && (buf_add_str(&query, "&user=", e) < 0 ||
				api_escape(&query, o->user, e) < 0))
		return -1;
	return view_get_list(o, "/api/v1/sessions", buf_str(&query), columns,
			     N_ELEMS(columns), "No sessions.", e);
}

RUN(session_revoke)
{
	(void)n_operands;
	(void)log;
	return call_named(values, "DELETE", "/api/v1/sessions/", operands[0], NULL,
			  NULL, e);
}
