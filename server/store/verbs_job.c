/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of jobs. A batch runs other verbs, each within a savepoint of its own: what is
 * the device's matter (deleted in between, its release open already) leaves that device
 * as it was and is counted; what is ours, and a freeze, undoes the batch.
 */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

static int load_job(struct conn *db, const char *tenant, const struct query *q,
		    void *ret, struct err *e)
{
	struct fleet_job *j = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*j = (struct fleet_job){.id = (uint64_t)query_int(q, 0)};
	query_text(q, 1, j->tenant, sizeof(j->tenant));
	j->action = (enum job_action)query_int(q, 2);
	j->state = (enum job_state)query_int(q, 3);
	query_text(q, 4, j->filter, sizeof(j->filter));
	query_text(q, 5, j->tag, sizeof(j->tag));
	query_text(q, 6, j->release, sizeof(j->release));
	j->forced = query_int(q, 7) != 0;
	query_text(q, 8, j->reason, sizeof(j->reason));
	query_text(q, 9, j->who, sizeof(j->who));
	query_text(q, 10, j->last_id, sizeof(j->last_id));
	j->n_done = (uint64_t)query_int(q, 11);
	j->n_skipped = (uint64_t)query_int(q, 12);
	query_text(q, 13, j->detail, sizeof(j->detail));
	j->created_at = query_int(q, 14);
	j->updated_at = query_int(q, 15);
	j->revision = (uint64_t)query_int(q, 16);
	query_text(q, 17, j->group, sizeof(j->group));
	return 0;
}

static int get_job(struct conn *db, struct store_call *c, uint64_t id, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (query_open(db, SQL_JOB_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_I(id))) < 0 ||
	    step_one(&q, "job", text, e) < 0)
		return -1;
	return load_job(db, c->tenant, &q, &c->out.job, e);
}

/* It was made, went on or ended: whoever shows jobs reads it anew. */
static int tell(struct conn *db, struct store_call *c, uint64_t id, struct err *e)
{
	struct event v = {.type = EVENT_JOB};

	(void)snprintf(v.subject, sizeof(v.subject), "%llu", (unsigned long long)id);
	c->more_events = true;
	return event_insert(db, c, &v, e);
}

int verb_JOB_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct fleet_job *j = &c->in.job;
	int64_t n, id;

	if (query_run_int(db, SQL_JOB_COUNT, &n, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	if (n >= JOBS_MAX_RUNNING)
		return err_set(e, ERR_RATE, "%d jobs run already", JOBS_MAX_RUNNING);
	if (j->group[0] != '\0' && group_check_listed(db, c, j->group, e) < 0)
		return -1;
	if (query_run_int(db, SQL_JOB_INSERT, &id, e,
			  ARGS(ARG_T(c->tenant), ARG_I(j->action), ARG_T(j->filter),
			       ARG_T(j->tag), ARG_T(j->release), ARG_I(j->forced),
			       ARG_T(j->reason), ARG_T(j->who), ARG_I(c->now_ms),
			       ARG_T(j->group))) < 0)
		return -1;
	audit_complete_number(c, (uint64_t)id);
	if (tell(db, c, (uint64_t)id, e) < 0)
		return -1;
	return get_job(db, c, (uint64_t)id, e);
}

int verb_JOB_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return get_job(db, c, c->in.job_id, e);
}

int verb_JOB_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(db, SQL_JOB_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.page.after_id),
			    ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct fleet_job), load_job, e);
}

int verb_JOB_NEXT(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_JOB_NEXT, &q, e, NO_ARGS) < 0 ||
	    step_one(&q, "job", "running", e) < 0)
		return -1;
	return load_job(db, "", &q, &c->out.job, e);
}

/* ---- a batch ---- */

static int fill_membership(struct store_call *sub, const struct fleet_job *j,
			   const char *id, struct err *e)
{
	struct device_id *one = store_call_items(sub, 1, sizeof(*one), e);

	if (one == NULL)
		return -1;
	sub->verb = STORE_GROUP_MEMBERS;
	sub->in.members.remove = j->action == JOB_LEAVE;
	memcpy(sub->in.members.group, j->group, sizeof(j->group));
	return text_copy(one->id, sizeof(one->id), id, "id", e);
}

/* One change as the verb that makes it. */
static int fill_change(struct conn *db, struct store_call *sub,
		       const struct fleet_job *j, const char *id, struct err *e)
{
	struct device_patch *p = &sub->in.patch;
	struct device d;

	if (j->action == JOB_DELETE) {
		sub->verb = STORE_DEVICE_DELETE;
		return text_copy(sub->in.device_id, sizeof(sub->in.device_id), id, "id",
				 e);
	}
	if (j->action == JOB_ASSIGN) {
		sub->verb = STORE_DEPLOYMENT_ASSIGN;
		sub->in.assign.kind = j->forced ? KIND_FORCED : KIND_SOFT;
		memcpy(sub->in.assign.release, j->release, sizeof(j->release));
		store_call_event(sub, EVENT_DEPLOYMENT, id, 0, NULL);
		return text_copy(sub->in.assign.device, sizeof(sub->in.assign.device),
				 id, "id", e);
	}
	if (j->action == JOB_JOIN || j->action == JOB_LEAVE)
		return fill_membership(sub, j, id, e);
	if (device_load_by_id(db, sub->tenant, id, &d, e) < 0)
		return -1;
	sub->verb = STORE_DEVICE_PATCH;
	memcpy(p->id, d.id, sizeof(p->id));
	memcpy(p->tags, d.tags, sizeof(p->tags));
	p->set_tags = j->action == JOB_TAG || j->action == JOB_UNTAG;
	p->set_pin = !p->set_tags;
	if (j->action == JOB_PIN)
		p->pin = j->release[0] == '\0' ? PIN_AS_IT_IS : PIN_RELEASE;
	memcpy(p->pin_release, j->release, sizeof(p->pin_release));
	memcpy(p->pin_reason, j->reason, sizeof(p->pin_reason));
	if (j->action == JOB_UNTAG)
		tags_remove(p->tags, j->tag);
	return j->action == JOB_TAG ? tags_add(p->tags, j->tag, e) : 0;
}

static int cancel_open(struct conn *db, struct store_call *sub,
		       const struct fleet_job *j, const char *id, struct err *e)
{
	struct device d;
	char why[64];

	(void)snprintf(why, sizeof(why), "cancelled by job %llu",
		       (unsigned long long)j->id);
	if (device_load_by_id(db, sub->tenant, id, &d, e) < 0)
		return -1;
	if (d.open_deployment == 0)
		return err_set(e, ERR_CONFLICT, "device \"%s\" has no open deployment",
			       id);
	return deployment_supersede(db, sub, d.open_deployment, why, e);
}

static int change_device(struct conn *db, const struct store_call *c,
			 const struct fleet_job *j, const char *id, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *sub = store_call_new(c->verb, NULL, NULL, NULL, e);

	if (sub == NULL)
		return -1;
	memcpy(sub->tenant, c->tenant, sizeof(sub->tenant));
	sub->now_ms = c->now_ms;
	if (j->action == JOB_CANCEL)
		return cancel_open(db, sub, j, id, e);
	store_call_event(sub, EVENT_DEVICE, id, 0, NULL);
	if (fill_change(db, sub, j, id, e) < 0)
		return -1;
	return store_run_write(db, sub, e);
}

static bool is_the_devices_matter(enum err_code code)
{
	return code == ERR_NOT_FOUND || code == ERR_CONFLICT || code == ERR_LIMIT ||
	       code == ERR_RATE || code == ERR_INCOMPATIBLE;
}

static int change_or_skip(struct conn *db, const struct store_call *c,
			  struct fleet_job *j, const char *id, struct err *e)
{
	struct err why = ERR_INIT;

	if (query_run(db, SQL_SAVEPOINT, e, NO_ARGS) < 0)
		return -1;
	if (change_device(db, c, j, id, &why) == 0) {
		j->n_done++;
	} else if (is_the_devices_matter(why.code)) {
		j->n_skipped++;
		(void)snprintf(j->detail, sizeof(j->detail), "%s", why.text);
		if (query_run(db, SQL_UNDO_SAVEPOINT, e, NO_ARGS) < 0)
			return -1;
	} else { /* ends ours first: who called has one of the same name */
		query_try(db, SQL_UNDO_SAVEPOINT);
		query_try(db, SQL_RELEASE_SAVEPOINT);
		*e = why;
		return -1;
	}
	return query_run(db, SQL_RELEASE_SAVEPOINT, e, NO_ARGS);
}

static int put_progress(struct conn *db, struct store_call *c,
			const struct fleet_job *j, struct err *e)
{
	if (query_run(db, SQL_JOB_PROGRESS, e,
		      ARGS(ARG_T(c->tenant), ARG_I(j->id), ARG_I(j->state),
			   ARG_T(j->last_id), ARG_I(j->n_done), ARG_I(j->n_skipped),
			   ARG_T(j->detail), ARG_I(c->now_ms))) < 0 ||
	    tell(db, c, j->id, e) < 0)
		return -1;
	return get_job(db, c, j->id, e);
}

int verb_JOB_STEP(struct conn *db, struct store_call *c, struct err *e)
{
	const struct job_step *s = &c->in.job_step;
	const struct device_id *ids = c->items;
	struct fleet_job j;

	if (get_job(db, c, s->id, e) < 0)
		return -1;
	j = c->out.job;
	if (j.revision != s->expect_revision || j.state != JOB_RUNNING)
		return err_set(e, ERR_PRECONDITION, "job %llu changed in between",
			       (unsigned long long)j.id);
	j.n_skipped += s->n_skipped;
	j.state = s->state;
	memcpy(j.last_id, s->last_id, sizeof(j.last_id));
	if (s->detail[0] != '\0')
		memcpy(j.detail, s->detail, sizeof(j.detail));
	for (size_t i = 0; i < c->n_items; i++) {
		if (change_or_skip(db, c, &j, ids[i].id, e) < 0)
			return -1;
	}
	return put_progress(db, c, &j, e);
}

int verb_JOB_CANCEL(struct conn *db, struct store_call *c, struct err *e)
{
	struct fleet_job j;

	if (get_job(db, c, c->in.job_id, e) < 0)
		return -1;
	j = c->out.job;
	if (j.state != JOB_RUNNING)
		return err_set(e, ERR_CONFLICT, "job %llu is %s",
			       (unsigned long long)j.id, job_state_name(j.state));
	j.state = JOB_CANCELLED;
	return put_progress(db, c, &j, e);
}
