/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

const struct option deployment_list_options[] = {
    {NULL, "device", OPT_TEXT, AT(device), NULL, "ID", "Only this device's"},
    {NULL, "state", OPT_TEXT, AT(state), NULL, "STATE",
     "Only those in this state: assigned, downloading, installing, confirmed, .."},
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Only those of devices that match, e.g. tag==lab;version=lt=2.0"},
    {NULL, "csv", OPT_FLAG, AT(csv), NULL, NULL, "Print CSV for spreadsheets"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option deployment_cancel_options[] = {
    {NULL, "force", OPT_FLAG, AT(force), NULL, NULL,
     "End one that is being cancelled already without the device's word"},
    OPTIONS_SERVER,
    OPTION_END,
};

#define DEPLOYMENTS "/api/v1/deployments/"

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
	AUTO(buf) struct buf query = BUF_INIT(16384);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_add_query(&query, "device", o->device, e) < 0 ||
	    api_add_query(&query, "state", o->state, e) < 0 ||
	    api_add_query(&query, "filter", o->filter, e) < 0)
		return -1;
	if (o->csv)
		return view_print_csv(o, "/api/v1/deployments", buf_str(&query), e);
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

RUN(deployment_show)
{
	AUTO_PTR(json) struct json *deployment = NULL;

	(void)n_operands;
	(void)log;
	if (api_about(values, "GET", DEPLOYMENTS, operands[0], "", NULL, &deployment,
		      e) < 0 ||
	    view_one(values, deployment, one, N_ELEMS(one), e) < 0)
		return -1;
	return show_statuses(values, deployment, e);
}

RUN(deployment_cancel)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *deployment = NULL;

	(void)n_operands;
	(void)log;
	if (api_about(o, "DELETE", DEPLOYMENTS, operands[0],
		      o->force ? "?force=true" : "", NULL, &deployment, e) < 0)
		return -1;
	return view_one(values, deployment, one, N_ELEMS(one), e);
}
