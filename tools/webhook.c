/* SPDX-License-Identifier: Apache-2.0 */
/* ota webhook: who else is told of what happens. */
#include "view.h"

const struct option webhook_add_options[] = {
    {NULL, "event", OPT_LIST, AT(events), NULL, "NAME",
     "Tell it of these: device, deployment, release, rollout, freeze, .."},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option webhook_set_options[] = {
    {NULL, "url", OPT_TEXT, AT(url), NULL, "URL", "Another https:// address"},
    {NULL, "event", OPT_LIST, AT(events), NULL, "NAME", "Tell it of these instead"},
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct view_column rows[] = {
    {"id", "id", VIEW_TEXT},	       {"url", "url", VIEW_TEXT},
    {"events", "events", VIEW_LIST},   {"active", "active", VIEW_TEXT},
    {"given up", "reason", VIEW_TEXT}, {"attempts", "attempts", VIEW_TEXT},
    {"next", "next_at", VIEW_TIME},    {"delivered", "delivered_at", VIEW_TIME},
    {"secret", "secret", VIEW_TEXT},
};

#define WEBHOOKS "/api/v1/webhooks/"

/* url NULL, no events: what is not named stays as it is. */
static struct json *webhook_body(const struct ota *o, const char *url, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *events = json_new_array();

	for (size_t i = 0; i < o->events.n_items; i++) {
		if (json_append(events, json_new_text(o->events.items[i]), e) < 0)
			return NULL;
	}
	if (body == NULL ||
	    (url != NULL && json_set(body, "url", json_new_text(url), e) < 0) ||
	    (o->events.n_items > 0 && json_set(body, "events", TAKE(events), e) < 0))
		return NULL;
	return TAKE(body);
}

RUN(webhook_add)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = NULL;
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)log;
	if (o->events.n_items == 0)
		return err_set(e, ERR_USAGE, "name at least one --event");
	body = webhook_body(o, operands[0], e);
	if (body == NULL || api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "POST", "/api/v1/webhooks", body, &answer, e) < 0)
		return -1;
	if (!o->json)
		(void)puts("Give the secret to the receiver; it is not shown again.");
	return view_one(o, answer, rows, N_ELEMS(rows), e);
}

RUN(webhook_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"URL", "url", VIEW_TEXT},
	    {"EVENTS", "events", VIEW_LIST},   {"ACTIVE", "active", VIEW_TEXT},
	    {"GIVEN UP", "reason", VIEW_TEXT}, {"DELIVERED", "delivered_at", VIEW_TIME},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/webhooks", "", columns, N_ELEMS(columns),
			     "No webhooks.", e);
}

RUN(webhook_show)
{
	(void)n_operands;
	(void)log;
	return view_get_one(values, WEBHOOKS, operands[0], rows, N_ELEMS(rows) - 1, e);
}

RUN(webhook_deliveries)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"AT", "at", VIEW_TIME},
	    {"EVENT", "event", VIEW_TEXT},     {"TYPE", "type", VIEW_TEXT},
	    {"ATTEMPT", "attempt", VIEW_TEXT}, {"STATUS", "status", VIEW_TEXT},
	    {"MS", "duration_ms", VIEW_TEXT},  {"DELIVERED", "delivered", VIEW_TEXT},
	    {"ERROR", "error", VIEW_TEXT},
	};

	(void)n_operands;
	(void)log;
	return view_get_list_of(values, WEBHOOKS, operands[0], "/deliveries", "",
				columns, N_ELEMS(columns), "No deliveries.", e);
}

RUN(webhook_replay)
{
	const struct ota *o = values;
	AUTO(buf) struct buf end = BUF_INIT(256);

	(void)n_operands;
	(void)log;
	if (api_path(&end, "/deliveries/", operands[1], "/replay", e) < 0 ||
	    api_about(o, "POST", WEBHOOKS, operands[0], buf_str(&end), NULL, NULL, e) <
		0)
		return -1;
	if (!o->json)
		(void)puts("It is being sent; see the deliveries.");
	return 0;
}

RUN(webhook_set)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = NULL;
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)log;
	if (o->url == NULL && o->events.n_items == 0)
		return err_set(e, ERR_USAGE, "give --url or --event");
	body = webhook_body(o, o->url, e);
	if (body == NULL ||
	    api_about(o, "PATCH", WEBHOOKS, operands[0], "", body, &answer, e) < 0)
		return -1;
	return view_one(o, answer, rows, N_ELEMS(rows), e);
}

static int set_active(const struct ota *o, const char *id, bool active,
		      const char *said, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (body == NULL || json_set(body, "active", json_new_bool(active), e) < 0 ||
	    api_about(o, "PATCH", WEBHOOKS, id, "", body, NULL, e) < 0)
		return -1;
	if (!o->json)
		(void)puts(said);
	return 0;
}

RUN(webhook_resume)
{
	(void)n_operands;
	(void)log;
	return set_active(values, operands[0], true,
			  "It goes on after the last event that was delivered.", e);
}

RUN(webhook_pause)
{
	(void)n_operands;
	(void)log;
	return set_active(values, operands[0], false,
			  "It is sent nothing; its events wait.", e);
}

RUN(webhook_delete)
{
	const struct ota *o = values;

	(void)n_operands;
	(void)log;
	if (api_about(o, "DELETE", WEBHOOKS, operands[0], "", NULL, NULL, e) < 0)
		return -1;
	if (!o->json)
		(void)puts("Deleted.");
	return 0;
}
