/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: jobs, which change all devices that match. */
#include "select.h"

#include "../../common/base/text.h"
#include "../fleet/render_fleet.h"
#include "../job/runner.h"

#include <stdlib.h>
#include <string.h>

static void answer_job(struct store_call *c, int status)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;
	struct json *o;

	if (api_failed(a, c))
		return;
	o = render_job(&c->out.job, &e);
	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

static void got_job(struct store_call *c)
{
	answer_job(c, 200);
}

static void created(struct store_call *c)
{
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NONE)
		job_runner_wake(a->api->jobs);
	answer_job(c, 202);
}

/* ---- making one ---- */

struct want {
	const char *field;
	bool needed;
};

/* What an action needs and takes, besides the filter. */
static const struct {
	struct want tag, release, reason, group;
	bool force;
} wants[N_JOB_ACTIONS] = {
    [JOB_TAG] = {.tag = {"tag", true}},
    [JOB_UNTAG] = {.tag = {"tag", true}},
    [JOB_ASSIGN] = {.release = {"release", true}, .force = true},
    [JOB_PIN] = {.release = {"release", false}, .reason = {"reason", true}},
    [JOB_JOIN] = {.group = {"group", true}},
    [JOB_LEAVE] = {.group = {"group", true}},
};

static int read_wanted(struct api_call *a, const char *key, const struct want *w,
		       char *ret, size_t room, struct err *e)
{
	bool there;

	if (body_text(a, key, ret, room, &there, e) < 0)
		return -1;
	if (w->field == NULL && there)
		return err_set(e, ERR_FORMAT, "field \"%s\": not for this action", key);
	if (w->needed && ret[0] == '\0')
		return err_set(e, ERR_FORMAT, "field \"%s\": missing", key);
	return 0;
}

static int read_filter(struct api_call *a, struct fleet_job *j, struct err *e)
{
	AUTO_FREE struct filter *f = malloc(sizeof(*f));
	const char *text;

	if (f == NULL)
		return err_nomem(e);
	if (json_get_text(a->body, "filter", &text, e) < 0)
		return -1;
	if (filter_parse(text, f, e) < 0)
		return err_wrap(e, "filter");
	if (f->root == FILTER_NONE)
		return err_set(e, ERR_FORMAT,
			       "filter: empty; for all devices say id==*");
	return text_copy(j->filter, sizeof(j->filter), text, "filter", e);
}

static int read_job(struct api_call *a, struct fleet_job *j, struct err *e)
{
	static const char *const names[] = {"action", "filter", "tag",	 "release",
					    "reason", "group",	"force", NULL};
	const char *action;

	if (api_body(a, names, e) < 0 ||
	    json_get_text(a->body, "action", &action, e) < 0 ||
	    job_action_parse(action, &j->action, e) < 0 || read_filter(a, j, e) < 0 ||
	    read_wanted(a, "tag", &wants[j->action].tag, j->tag, sizeof(j->tag), e) <
		0 ||
	    read_wanted(a, "release", &wants[j->action].release, j->release,
			sizeof(j->release), e) < 0 ||
	    read_wanted(a, "reason", &wants[j->action].reason, j->reason,
			sizeof(j->reason), e) < 0 ||
	    read_wanted(a, "group", &wants[j->action].group, j->group, sizeof(j->group),
			e) < 0 ||
	    json_opt_bool(a->body, "force", &j->forced, e) < 0)
		return -1;
	if (j->forced && !wants[j->action].force)
		return err_set(e, ERR_FORMAT, "field \"force\": not for this action");
	if (j->tag[0] != '\0' && tag_check(j->tag, e) < 0)
		return err_wrap(e, "field \"tag\"");
	return text_copy(j->who, sizeof(j->who), a->user, "user", e);
}

static void submit_job(struct api_call *a, struct store_call *c)
{
	api_audit_detail(a, "%s: %.400s", job_action_name(c->in.job.action),
			 c->in.job.filter);
	api_submit(a, c);
}

/* The release of an assignment or a pin is there. */
static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct fleet_job *j = a->handler_state;
	struct store_call *next;

	if (api_failed(a, c) ||
	    (next = api_store(a, STORE_JOB_CREATE, created)) == NULL)
		return;
	next->in.job = *j;
	submit_job(a, next);
}

void handle_jobs_create(struct api_call *a)
{
	struct fleet_job *j = calloc(1, sizeof(*j));
	struct err e = ERR_INIT;
	bool has_release;
	struct store_call *c;

	a->handler_state = j;
	if (j == NULL)
		(void)err_nomem(&e);
	if (j == NULL || read_job(a, j, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	has_release = j->release[0] != '\0';
	c = api_store(a, has_release ? STORE_RELEASE_GET : STORE_JOB_CREATE,
		      has_release ? got_release : created);
	if (c == NULL)
		return;
	if (has_release) {
		memcpy(c->in.release_id, j->release, sizeof(c->in.release_id));
		api_submit(a, c);
	} else {
		c->in.job = *j;
		submit_job(a, c);
	}
}

/* ---- looking ---- */

static void about_job(struct api_call *a, enum store_verb v)
{
	struct store_call *c = api_store(a, v, got_job);
	const char *id = http_param(a->http, "id");
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (parse_u64(id, &c->in.job_id, NULL) < 0 || c->in.job_id > INT64_MAX) {
		(void)err_set(&e, ERR_NOT_FOUND, "there is no job \"%.40s\"", id);
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

void handle_jobs_get(struct api_call *a)
{
	about_job(a, STORE_JOB_GET);
}

void handle_jobs_cancel(struct api_call *a)
{
	about_job(a, STORE_JOB_CANCEL);
}

static struct json *render_one(const void *item, uint64_t *ret_key, struct err *e)
{
	const struct fleet_job *j = item;

	*ret_key = j->id;
	return render_job(j, e);
}

static void got_jobs(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_items(a, c, sizeof(struct fleet_job), render_one);
}

void handle_jobs_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_JOB_LIST, got_jobs);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, true, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
