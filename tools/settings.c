/* SPDX-License-Identifier: Apache-2.0 */
/* ota settings show, ota settings set: what a tenant says for itself. */
#include "../common/base/text.h"
#include "view.h"

#include <string.h>

static const struct {
	const char *word, *member;
	bool is_time;
} settings[] = {
    {"poll-interval", "poll_interval_ms", true},
    {"target-tokens", "target_tokens", false},
    {"gateway-tokens", "gateway_tokens", false},
    {"plain-links", "plain_links", false},
};

static bool is_own(const struct json *answer, const char *member)
{
	const struct json *own = json_get(answer, "own");

	for (size_t i = 0; i < json_len(own); i++) {
		const char *name = json_text(json_at(own, i));

		if (name != NULL && strcmp(name, member) == 0)
			return true;
	}
	return false;
}

static void show(const struct json *answer)
{
	for (size_t i = 0; i < N_ELEMS(settings); i++) {
		const struct json *v = json_get(answer, settings[i].member);
		const char *whose = is_own(answer, settings[i].member)
					? ""
					: "  (the server's default)";

		if (settings[i].is_time)
			(void)printf("%-15s %.0f s%s\n", settings[i].word,
				     (double)json_int(v) / 1000, whose);
		else
			(void)printf("%-15s %s%s\n", settings[i].word,
				     json_is_true(v) ? "yes" : "no", whose);
	}
}

static struct json *read_value(const char *text, bool is_time, struct err *e)
{
	uint64_t ms;

	if (strcmp(text, "default") == 0)
		return json_new_null();
	if (is_time)
		return parse_duration(text, &ms, e) < 0 ? NULL
							: json_new_int((int64_t)ms);
	if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
		return json_new_bool(text[0] == 'y');
	(void)err_set(e, ERR_USAGE, "\"%s\": yes, no or default", text);
	return NULL;
}

/* "poll-interval=10m" */
static int read_setting(const char *text, struct json *body, struct err *e)
{
	const char *value = strchr(text, '=');

	for (size_t i = 0; value != NULL && i < N_ELEMS(settings); i++) {
		struct json *v;

		if (strlen(settings[i].word) != (size_t)(value - text) ||
		    strncmp(settings[i].word, text, (size_t)(value - text)) != 0)
			continue;
		v = read_value(value + 1, settings[i].is_time, e);
		if (v == NULL) {
			e->code = ERR_USAGE;
			return err_wrap(e, "%s", settings[i].word);
		}
		return json_set(body, settings[i].member, v, e);
	}
	return err_set(e, ERR_USAGE,
		       "\"%s\": poll-interval, target-tokens, gateway-tokens or "
		       "plain-links, = and a value",
		       text);
}

static int ask(const struct ota *o, const char *method, const struct json *body,
	       struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *answer = NULL;

	if (api_init(&a, o, true, e) < 0 ||
	    api_call(&a, method, "/api/v1/settings", body, &answer, e) < 0)
		return -1;
	if (o->json)
		return print_json(answer, e);
	show(answer);
	return 0;
}

RUN(settings_show)
{
	(void)n_operands;
	(void)operands;
	(void)log;
	return ask(values, "GET", NULL, e);
}

RUN(settings_set)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	(void)log;
	for (int i = 0; i < n_operands; i++) {
		if (read_setting(operands[i], body, e) < 0)
			return -1;
	}
	return ask(values, "PATCH", body, e);
}
