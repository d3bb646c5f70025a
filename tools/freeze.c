/* SPDX-License-Identifier: Apache-2.0 */
/* ota freeze, ota thaw: the brake of the whole fleet. */
#include "view.h"

const struct option freeze_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT",
     "Freeze, and tell everybody this as the reason"},
    {NULL, "cancel-running", OPT_FLAG, AT(cancel_running), NULL, NULL,
     "Also cancel what devices have been shown; otherwise they finish it"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option thaw_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct view_column rows[] = {
    {"reason", "reason", VIEW_TEXT},
    {"by", "by", VIEW_TEXT},
    {"since", "since_at", VIEW_TIME},
};

static struct json *make_body(const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (body == NULL || json_set(body, "reason", json_new_text(o->reason), e) < 0 ||
	    json_set(body, "cancel_running", json_new_bool(o->cancel_running), e) < 0)
		return NULL;
	return TAKE(body);
}

static int ask_server(const struct ota *o, struct json **ret, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = NULL;

	if (api_init(&a, o, true, e) < 0)
		return -1;
	if (o->reason == NULL)
		return api_call(&a, "GET", "/api/v1/freeze", NULL, ret, e);
	body = make_body(o, e);
	if (body == NULL)
		return -1;
	return api_call(&a, "PUT", "/api/v1/freeze", body, ret, e);
}

RUN(freeze)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *answer = NULL;
	const struct json *cancelled;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (o->reason == NULL && o->cancel_running)
		return err_set(e, ERR_USAGE, "--cancel-running goes with --reason");
	if (ask_server(o, &answer, e) < 0)
		return -1;
	if (o->json)
		return print_json(answer, e);
	if (!json_is_true(json_get(answer, "frozen"))) {
		(void)puts("Nothing is frozen.");
		return 0;
	}
	(void)puts("Frozen: no device is shown anything new.");
	cancelled = json_get(answer, "cancelled");
	if (o->cancel_running)
		(void)printf("%lld running deployments are being cancelled.\n",
			     (long long)json_int(cancelled));
	return view_one(o, answer, rows, N_ELEMS(rows), e);
}

RUN(thaw)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "DELETE", "/api/v1/freeze", NULL, NULL, e) < 0)
		return -1;
	if (!o->json)
		(void)puts("Thawed: deployments are shown to devices again.");
	return 0;
}
