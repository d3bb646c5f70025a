/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

const struct option deployment_list_options[] = {
    {NULL, "device", OPT_TEXT, AT(device), NULL, "ID", "Only this device's"},
    {NULL, "state", OPT_TEXT, AT(state), NULL, "STATE",
     "Only those in this state: assigned, downloading, installing, confirmed, .."},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option deployment_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

static int add_filter(struct buf *query, const char *key, const char *value,
		      struct err *e)
{
	if (value == NULL)
		return 0;
	if (buf_printf(query, e, "&%s=", key) < 0)
		return -1;
	return api_escape(query, value, e);
}

RUN(deployment_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},
	    {"DEVICE", "device", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},
	    {"DONE", "progress", VIEW_PERCENT},
	    {"DETAIL", "detail", VIEW_TEXT},
	    {"CHANGED", "updated_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (add_filter(&query, "device", o->device, e) < 0 ||
	    add_filter(&query, "state", o->state, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/deployments", buf_str(&query), columns,
			     N_ELEMS(columns), "No deployments.", e);
}

static const struct view_column one[] = {
    {"id", "id", VIEW_TEXT},
    {"device", "device", VIEW_TEXT},
    {"product", "product", VIEW_TEXT},
    {"version", "version", VIEW_TEXT},
    {"state", "state", VIEW_TEXT},
    {"progress", "progress", VIEW_PERCENT},
    {"kind", "kind", VIEW_TEXT},
    {"consent", "consent", VIEW_TEXT},
    {"not before", "not_before", VIEW_TIME},
    {"detail", "detail", VIEW_TEXT},
    {"changed", "updated_at", VIEW_TIME},
};

static int show_statuses(const struct ota *o, const struct json *deployment,
			 struct err *e)
{
	static const struct view_column columns[] = {
	    {"AT", "at", VIEW_TIME},
	    {"EXECUTION", "execution", VIEW_TEXT},
	    {"FINISHED", "finished", VIEW_TEXT},
	    {"DETAILS", "details", VIEW_LIST},
	};
	const struct json *statuses = json_get(deployment, "statuses");

	if (o->json || json_len(statuses) == 0)
		return 0;
	(void)puts("");
	return view_list(o, statuses, columns, N_ELEMS(columns), "", e);
}

static int call_one(const struct ota *o, const char *method, const char *id,
		    struct json **ret, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(1024);

	if (api_init(&a, o, true, e) < 0 ||
	    buf_add_str(&path, "/api/v1/deployments/", e) < 0 ||
	    api_escape(&path, id, e) < 0)
		return -1;
	return api_call(&a, method, buf_str(&path), NULL, ret, e);
}

RUN(deployment_show)
{
	AUTO_PTR(json) struct json *deployment = NULL;

	(void)n_operands;
	(void)log;
	if (call_one(values, "GET", operands[0], &deployment, e) < 0 ||
	    view_one(values, deployment, one, N_ELEMS(one), e) < 0)
		return -1;
	return show_statuses(values, deployment, e);
}

RUN(deployment_cancel)
{
	AUTO_PTR(json) struct json *deployment = NULL;

	(void)n_operands;
	(void)log;
	if (call_one(values, "DELETE", operands[0], &deployment, e) < 0)
		return -1;
	return view_one(values, deployment, one, N_ELEMS(one), e);
}
