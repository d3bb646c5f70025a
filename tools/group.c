/* SPDX-License-Identifier: Apache-2.0 */
/* ota group: what devices belong to. */
#include "job.h"

const struct option group_set_options[] = {
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Its members are the devices that match"},
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is for"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option group_create_options[] = {
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Its members are the devices that match; without it they are listed by ota group "
     "add"},
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is for"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option group_members_options[] = {
    OPTIONS_MATCHING,
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct view_column group_rows[] = {
    {"group", "name", VIEW_TEXT},	  {"about", "about", VIEW_TEXT},
    {"filter", "filter", VIEW_TEXT},	  {"devices", "devices", VIEW_TEXT},
    {"updated", "updated_at", VIEW_TIME},
};

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return text == NULL ? 0 : json_set(o, key, json_new_text(text), e);
}

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
	if (api_about(values, "GET", GROUPS, operands[0], "", NULL, &group, e) < 0)
		return -1;
	return view_one(values, group, group_rows, N_ELEMS(group_rows), e);
}

RUN(group_delete)
{
	(void)n_operands;
	(void)log;
	return api_about(values, "DELETE", GROUPS, operands[0], "", NULL, NULL, e);
}

/* All that match: a job of the server, which takes them a batch at a time. */
static int change_matching(const struct ota *o, const char *action, const char *group,
			   struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (body == NULL || set_text(body, "group", group, e) < 0)
		return -1;
	return job_run(o, action, NULL, TAKE(body), e);
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
	    api_about(o, "POST", GROUPS, operands[0], "/members", body, &group, e) < 0)
		return -1;
	return view_one(o, group, group_rows, N_ELEMS(group_rows), e);
}

RUN(group_add)
{
	const struct ota *o = values;

	(void)log;
	if ((n_operands > 1) == (o->filter != NULL))
		return err_set(e, ERR_USAGE, "give either devices' ids or --filter");
	return o->filter != NULL ? change_matching(o, "join", operands[0], e)
				 : change_members(o, "add", n_operands, operands, e);
}

RUN(group_remove)
{
	const struct ota *o = values;

	(void)log;
	if ((n_operands > 1) == (o->filter != NULL))
		return err_set(e, ERR_USAGE, "give either devices' ids or --filter");
	return o->filter != NULL ? change_matching(o, "leave", operands[0], e)
				 : change_members(o, "remove", n_operands, operands, e);
}

RUN(group_set)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *group = NULL;

	(void)n_operands;
	(void)log;
	if (o->filter == NULL && o->about == NULL)
		return err_set(e, ERR_USAGE, "give --filter or --about");
	if (set_text(body, "filter", o->filter, e) < 0 ||
	    set_text(body, "about", o->about, e) < 0 ||
	    api_about(o, "PUT", GROUPS, operands[0], "", body, &group, e) < 0)
		return -1;
	return view_one(o, group, group_rows, N_ELEMS(group_rows), e);
}
