/* SPDX-License-Identifier: Apache-2.0 */
/* ota device assign, cancel, delete: to one device at once, to all that match as a job. */
#include "../common/base/text.h"
#include "job.h"

const struct option device_assign_options[] = {
    {NULL, "force", OPT_FLAG, AT(force), NULL, NULL,
     "Tell the device not to wait for a convenient time"},
    {NULL, "kind", OPT_TEXT, AT(kind), NULL, "KIND",
     "How much the device may choose: soft, forced, time-forced or download-only"},
    {NULL, "force-at", OPT_TEXT, AT(force_at), NULL, "TIME",
     "When a time-forced one stops being soft: 2026-11-23T14:41:07Z"},
    {NULL, "not-before", OPT_TEXT, AT(not_before), NULL, "TIME",
     "When the maintenance window opens: nothing is installed before"},
    {NULL, "consent", OPT_FLAG, AT(consent), NULL, NULL, "Ask the device's user first"},
    OPTIONS_MATCHING,
    OPTION_YES,
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option device_end_options[] = {
    OPTIONS_MATCHING,
    OPTION_YES,
    OPTIONS_SERVER,
    OPTION_END,
};

/* ---- assign ---- */

static int add_time(struct json *body, const char *key, const char *text, struct err *e)
{
	int64_t at;

	if (text == NULL)
		return 0;
	if (time_parse(text, &at, e) < 0)
		return err_wrap(e, "%s", key);
	return json_set(body, key, json_new_int(at), e);
}

static int add_terms(const struct ota *o, struct json *body, struct err *e)
{
	if ((o->force && json_set(body, "force", json_new_bool(true), e) < 0) ||
	    (o->kind != NULL &&
	     json_set(body, "kind", json_new_text(o->kind), e) < 0) ||
	    (o->consent && json_set(body, "consent", json_new_bool(true), e) < 0) ||
	    add_time(body, "force_at", o->force_at, e) < 0)
		return -1;
	return add_time(body, "not_before", o->not_before, e);
}

static int assign_one(const struct ota *o, const char *device, const char *release,
		      struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;
	const char *id = "?";
	char safe[SAFE_TEXT_LEN];

	if (api_init(&a, o, true, e) < 0 ||
	    json_set(body, "device", json_new_text(device), e) < 0 ||
	    json_set(body, "release", json_new_text(release), e) < 0 ||
	    add_terms(o, body, e) < 0 ||
	    api_call(&a, "POST", "/api/v1/deployments", body, &answer, e) < 0)
		return -1;
	if (o->json)
		return print_json(answer, e);
	if (json_opt_text(answer, "id", &id, e) < 0)
		return -1;
	(void)printf("Assigned as deployment %s.\n", safe_text(id, safe));
	return 0;
}

static int assign_matching(const struct ota *o, const char *release, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (o->kind != NULL || o->force_at != NULL || o->not_before != NULL ||
	    o->consent)
		return err_set(e, ERR_USAGE,
			       "with --filter there is only --force; for kinds, times "
			       "and consent see ota rollout create");
	if (job_confirm(o, "assigns it to them", e) < 0 ||
	    json_set(body, "release", json_new_text(release), e) < 0 ||
	    (o->force && json_set(body, "force", json_new_bool(true), e) < 0))
		return -1;
	return job_run(o, "assign", NULL, TAKE(body), e);
}

RUN(device_assign)
{
	const struct ota *o = values;

	(void)log;
	if ((n_operands == 2) == (o->filter != NULL))
		return err_set(
		    e, ERR_USAGE,
		    "give a device and a release, or --filter and a release");
	if (n_operands == 1)
		return assign_matching(o, operands[0], e);
	return assign_one(o, operands[0], operands[1], e);
}

/* ---- cancel, delete ---- */

/* A device by its name needs no --yes. */
static int end_all(const struct ota *o, const char *action, const char *device,
		   const char *what, struct err *e)
{
	if ((device == NULL) == (o->filter == NULL))
		return err_set(e, ERR_USAGE, "give either a device's id or --filter");
	if (device == NULL && job_confirm(o, what, e) < 0)
		return -1;
	return job_run(o, action, device, json_new_object(), e);
}

RUN(device_cancel)
{
	(void)log;
	return end_all(values, "cancel", n_operands > 0 ? operands[0] : NULL,
		       "asks them to give up what they are at", e);
}

RUN(device_delete)
{
	(void)log;
	return end_all(values, "delete", n_operands > 0 ? operands[0] : NULL,
		       "deletes them", e);
}
