/* SPDX-License-Identifier: Apache-2.0 */
#include "runner.h"

#include "../fleet/policy.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 100
#define BUDGET_MS 2000
#define LOOK_AGAIN_MS 10000

struct job_runner {
	struct store *store;
	struct hub *hub;
	struct loop *loop;
	const struct log *log;
	struct loop_timer *timer;
	bool busy;
	bool again; /* woken while busy */
	struct fleet_job job;
	struct release release; /* of an ASSIGN: what is assigned */
	struct filter filter;	/* the store reads it while it selects */
};

static void look(struct job_runner *r);

static void rest(struct job_runner *r)
{
	bool again = r->again;

	r->busy = r->again = false;
	if (again)
		look(r);
	else
		loop_timer_set(r->timer, LOOK_AGAIN_MS);
}

static void trouble(struct job_runner *r, const struct err *e)
{
	if (e->code != ERR_PRECONDITION) /* somebody cancelled it, or took the batch */
		log_failure(r->log, LOG_WARN, "job", "a batch is tried again", e);
	rest(r);
}

/* A call within the job's tenant; NULL: resting. */
static struct store_call *job_call(struct job_runner *r, enum store_verb v,
				   void (*done)(struct store_call *c))
{
	struct err e = ERR_INIT;
	struct store_call *c = store_call_new(v, r->loop, done, r, &e);

	if (c == NULL)
		trouble(r, &e);
	else
		memcpy(c->tenant, r->job.tenant, sizeof(c->tenant));
	return c;
}

/* ---- a batch ---- */

static void poke_all(struct job_runner *r, const struct store_call *c)
{
	const struct device_id *ids = c->items;

	if (r->job.action != JOB_ASSIGN && r->job.action != JOB_CANCEL)
		return;
	for (size_t i = 0; i < c->n_items; i++)
		hub_poke(r->hub, c->tenant, ids[i].id);
}

static void give_up(struct job_runner *r, const struct err *why);

static void stepped(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct job_runner *r = c->ctx;

	if (c->err.code == ERR_NONE) {
		poke_all(r, c);
		look(r);
	} else if (c->err.code == ERR_FROZEN && c->in.job_step.state != JOB_FAILED) {
		give_up(r, &c->err);
	} else {
		trouble(r, &c->err);
	}
}

/* What no trying again will mend: the job says so and ends. */
static void give_up(struct job_runner *r, const struct err *why)
{
	struct store_call *c = job_call(r, STORE_JOB_STEP, stepped);
	struct job_step *s;

	if (c == NULL)
		return;
	s = &c->in.job_step;
	s->id = r->job.id;
	s->expect_revision = r->job.revision;
	s->state = JOB_FAILED;
	memcpy(s->last_id, r->job.last_id, sizeof(s->last_id));
	(void)snprintf(s->detail, sizeof(s->detail), "%s", why->text);
	store_submit(r->store, c);
}

/* Whether the device may be changed as the job says; why not is in e. */
static int may_change(const struct job_runner *r, const struct device *d, struct err *e)
{
	if (r->job.action != JOB_ASSIGN)
		return 0;
	if (policy_fits(d, &r->release, e) < 0 || policy_floor(d, &r->release, e) < 0)
		return -1;
	return policy_pinned(d, r->release.id, e);
}

static int fill_step(struct job_runner *r, const struct store_call *found,
		     struct store_call *c, struct err *e)
{
	const struct device *d = found->items;
	struct job_step *s = &c->in.job_step;
	struct device_id *ids = store_call_items(c, found->n_items, sizeof(*ids), e);
	struct err why = ERR_INIT;

	if (ids == NULL)
		return -1;
	c->n_items = 0;
	s->id = r->job.id;
	s->expect_revision = r->job.revision;
	s->state = found->more ? JOB_RUNNING : JOB_DONE;
	memcpy(s->last_id,
	       found->out.cursor.set ? found->out.cursor.id : r->job.last_id,
	       sizeof(s->last_id));
	for (size_t i = 0; i < found->n_items; i++) {
		if (may_change(r, &d[i], &why) == 0) {
			memcpy(ids[c->n_items++].id, d[i].id, sizeof(d[i].id));
			continue;
		}
		s->n_skipped++;
		(void)snprintf(s->detail, sizeof(s->detail), "%s", why.text);
	}
	return 0;
}

static void selected(struct store_call *found)
{
	AUTO_PTR(store_call) struct store_call *owned = found;
	struct job_runner *r = found->ctx;
	struct err e = found->err;
	struct store_call *c;

	if (e.code == ERR_USAGE) { /* a group that it names was deleted */
		give_up(r, &e);
		return;
	}
	if (e.code != ERR_NONE) {
		trouble(r, &e);
		return;
	}
	c = job_call(r, STORE_JOB_STEP, stepped);
	if (c == NULL)
		return;
	if (fill_step(r, found, c, &e) < 0) {
		store_call_free(c);
		trouble(r, &e);
		return;
	}
	store_submit(r->store, c);
}

static void select_batch(struct job_runner *r)
{
	struct store_call *c = job_call(r, STORE_DEVICE_SELECT, selected);
	struct device_select *s;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	s = &c->in.select;
	if (filter_parse(r->job.filter, &r->filter, &e) < 0) {
		store_call_free(c);
		give_up(r, &e);
		return;
	}
	c->now_ms = r->job.created_at;
	s->filter = &r->filter;
	s->limit = BATCH;
	s->budget_ms = BUDGET_MS;
	s->after.set = r->job.last_id[0] != '\0';
	memcpy(s->after.id, r->job.last_id, sizeof(s->after.id));
	store_submit(r->store, c);
}

static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct job_runner *r = c->ctx;

	if (c->err.code == ERR_NOT_FOUND) {
		give_up(r, &c->err);
	} else if (c->err.code != ERR_NONE) {
		trouble(r, &c->err);
	} else {
		r->release = c->out.release;
		select_batch(r);
	}
}

static void got_job(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct job_runner *r = c->ctx;
	struct store_call *next;

	if (c->err.code == ERR_NOT_FOUND) {
		rest(r);
		return;
	}
	if (c->err.code != ERR_NONE) {
		trouble(r, &c->err);
		return;
	}
	r->job = c->out.job;
	if (r->job.action != JOB_ASSIGN) {
		select_batch(r);
		return;
	}
	next = job_call(r, STORE_RELEASE_GET, got_release);
	if (next == NULL)
		return;
	memcpy(next->in.release_id, r->job.release, sizeof(next->in.release_id));
	store_submit(r->store, next);
}

static void look(struct job_runner *r)
{
	struct err e = ERR_INIT;
	struct store_call *c = store_call_new(STORE_JOB_NEXT, r->loop, got_job, r, &e);

	r->busy = true;
	if (c == NULL)
		trouble(r, &e);
	else
		store_submit(r->store, c);
}

static void on_time(void *ctx)
{
	struct job_runner *r = ctx;

	if (r->busy)
		r->again = true;
	else
		look(r);
}

struct job_runner *job_runner_new(struct store *store, struct hub *hub, struct loop *l,
				  const struct log *log, struct err *e)
{
	struct job_runner *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	r->store = store;
	r->hub = hub;
	r->loop = l;
	r->log = log;
	r->timer = loop_timer_new(l, on_time, r, e);
	if (r->timer == NULL) {
		free(r);
		return NULL;
	}
	loop_timer_set(r->timer, 0);
	return r;
}

void job_runner_free(struct job_runner *r)
{
	if (r == NULL)
		return;
	loop_timer_free(r->timer);
	free(r);
}

void job_runner_wake(struct job_runner *r)
{
	/* Without memory the timer finds the job a little later. */
	(void)!loop_wake(r->loop, on_time, r, NULL);
}
