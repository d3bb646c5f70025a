/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management API: what people do with a rollout.
 *
 * Each action reads the rollout, asks the policy whether its state allows it, and stores
 * the move with who and why by compare-and-set; if somebody else moved it in between it
 * is read and asked again. The engine carries it out.
 */
#include "rollout.h"

#include "../../common/base/text.h"
#include "../../common/format/version.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8
#define ROLLBACK_PRIORITY 100

struct action {
	enum rollout_event event;
	const char *done; /* "paused" */
	bool goes_on;	  /* devices would be offered its release */
};

static const struct action start_action = {ROLLOUT_EVENT_SUBMIT, "started", true};
static const struct action pause_action = {ROLLOUT_EVENT_PAUSE, "paused", false};
static const struct action resume_action = {ROLLOUT_EVENT_RESUME, "resumed", true};
static const struct action stop_action = {ROLLOUT_EVENT_STOP, "stopped", false};

/* What one request has in hand; in a->handler_state. */
struct acting {
	const struct action *action;
	uint64_t id;
	char reason[DETAIL_MAX_LEN / 2 + 1];
	bool cancel_running;
	uint64_t wave; /* of an approval, 1..; 0: of the rollout */
	void (*after_cancel)(struct api_call *a);
	/* of a roll back */
	char release[RELEASE_ID_LEN + 1];
	bool below_security_version;
	struct release from, to;
};

static void act(struct api_call *a);

static struct acting *begin(struct api_call *a, const char *const *names, struct err *e)
{
	struct acting *m = calloc(1, sizeof(*m));
	const char *reason = "";
	size_t len;

	a->handler_state = m;
	if (m == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (rollout_id_param(a, &m->id, e) < 0)
		return NULL;
	(void)http_body(a->http, &len);
	if (len == 0)
		return m;
	if (api_body(a, names, e) < 0 ||
	    json_opt_text(a->body, "reason", &reason, e) < 0 ||
	    text_copy(m->reason, sizeof(m->reason), reason, "reason", e) < 0)
		return NULL;
	return m;
}

/* "paused by ann: a reason" */
static void say(const struct api_call *a, const char *done, char *ret, size_t room)
{
	const struct acting *m = a->handler_state;

	(void)snprintf(ret, room, "%s by %s%s%s", done, a->user,
		       m->reason[0] == '\0' ? "" : ": ", m->reason);
}

static void poke_engine(struct api_call *a)
{
	engine_wake(a->api->engine);
}

/* ---- stopping what runs ---- */

static void cancel_shown(struct api_call *a);

static void answer_as_it_is(struct api_call *a)
{
	const struct acting *m = a->handler_state;

	answer_rollout(a, 200, m->id);
}

static void cancelled(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct acting *m = a->handler_state;
	const struct frozen_out *o = c->items;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++)
		hub_poke(a->api->hub, a->tenant, o[i].device);
	api_audit_enough(a);
	if (c->more)
		cancel_shown(a);
	else
		m->after_cancel(a);
}

static void cancel_shown(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_CANCEL, cancelled);
	const struct acting *m = a->handler_state;

	if (c == NULL)
		return;
	c->in.rollout_cancel.id = m->id;
	c->in.rollout_cancel.shown = true;
	say(a, "rollout stopped", c->in.rollout_cancel.detail,
	    sizeof(c->in.rollout_cancel.detail));
	api_submit(a, c);
}

/* ---- moves ---- */

static void moved(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct acting *m = a->handler_state;

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		act(a);
		return;
	}
	if (api_failed(a, c))
		return;
	poke_engine(a);
	api_audit_enough(a);
	if (m->cancel_running)
		cancel_shown(a);
	else
		answer_rollout(a, 200, m->id);
}

static void store_move(struct api_call *a, const struct rollout_view *v, int wave,
		       const char *done, void (*then)(struct store_call *c))
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_APPLY, then);
	char text[DETAIL_MAX_LEN + 1], id[24];
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	say(a, done, text, sizeof(text));
	if (rollout_view_apply(v, c, a->user, -1, wave, text, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)v->row.id);
	store_call_event_of(c, EVENT_ROLLOUT, id);
	api_submit(a, c);
}

static void refuse_withdrawn(struct api_call *a, const struct rollout_view *v)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_CONFLICT,
		      "release %s was withdrawn: rollout %llu can be stopped or rolled "
		      "back, not go on",
		      v->row.release, (unsigned long long)v->row.id);
	api_fail(a, &e);
}

static void try_action(struct api_call *a, struct rollout_view *v,
		       const struct store_call *got)
{
	const struct acting *m = a->handler_state;
	struct err e = ERR_INIT;

	if (m->cancel_running && v->progress.state == ROLLOUT_STOPPED)
		cancel_shown(a);
	else if (v->row.withdrawn && m->action->goes_on)
		refuse_withdrawn(a, v);
	else if (rollout_command(&v->plan, &v->progress, m->action->event, got->now_ms,
				 &e) < 0)
		api_fail(a, &e);
	else
		store_move(a, v, -1, m->action->done, moved);
}

static void act(struct api_call *a)
{
	const struct acting *m = a->handler_state;

	with_rollout(a, m->id, try_action);
}

static void do_action(struct api_call *a, const struct action *action)
{
	static const char *const names[] = {"reason", NULL};
	struct err e = ERR_INIT;
	struct acting *m = begin(a, names, &e);

	if (m == NULL) {
		api_fail(a, &e);
		return;
	}
	m->action = action;
	act(a);
}

void handle_rollouts_start(struct api_call *a)
{
	do_action(a, &start_action);
}

void handle_rollouts_pause(struct api_call *a)
{
	do_action(a, &pause_action);
}

void handle_rollouts_resume(struct api_call *a)
{
	do_action(a, &resume_action);
}

void handle_rollouts_stop(struct api_call *a)
{
	static const char *const names[] = {"reason", "cancel_running", NULL};
	struct err e = ERR_INIT;
	struct acting *m = begin(a, names, &e);

	if (m == NULL ||
	    (a->body != NULL &&
	     json_opt_bool(a->body, "cancel_running", &m->cancel_running, &e) < 0)) {
		api_fail(a, &e);
		return;
	}
	m->action = &stop_action;
	m->after_cancel = answer_as_it_is;
	act(a);
}

/* ---- approving ---- */

static void approved(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct acting *m = a->handler_state;

	if (api_failed(a, c))
		return;
	poke_engine(a);
	answer_rollout(a, 200, m->id);
}

static void approve_rollout(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_APPROVE, approved);
	const struct acting *m = a->handler_state;

	if (c == NULL)
		return;
	c->in.rollout_approve.id = m->id;
	(void)snprintf(c->in.rollout_approve.by, sizeof(c->in.rollout_approve.by), "%s",
		       a->user);
	store_call_event_of(c, EVENT_ROLLOUT, http_param(a->http, "id"));
	api_submit(a, c);
}

static void approve_wave(struct api_call *a, struct rollout_view *v)
{
	const struct acting *m = a->handler_state;
	struct err e = ERR_INIT;
	char done[48];

	(void)snprintf(done, sizeof(done), "wave %llu approved",
		       (unsigned long long)m->wave);
	if (m->wave > v->plan.n_waves)
		(void)err_set(&e, ERR_NOT_FOUND, "this rollout has %zu waves",
			      v->plan.n_waves);
	else
		(void)!rollout_approve_wave(&v->plan, &v->progress,
					    (unsigned)m->wave - 1, &e);
	if (e.code != ERR_NONE)
		api_fail(a, &e);
	else
		store_move(a, v, (int)m->wave - 1, done, approved);
}

static void try_approval(struct api_call *a, struct rollout_view *v,
			 const struct store_call *got)
{
	const struct acting *m = a->handler_state;
	struct err e = ERR_INIT;

	(void)got;
	if (m->wave != 0) {
		approve_wave(a, v);
		return;
	}
	if (v->progress.state == ROLLOUT_AWAITING_APPROVAL) {
		approve_rollout(a);
		return;
	}
	(void)err_set(&e, ERR_CONFLICT, "rollout %llu is %s: it awaits no approval",
		      (unsigned long long)m->id, rollout_state_name(v->progress.state));
	api_fail(a, &e);
}

void handle_rollouts_approve(struct api_call *a)
{
	static const char *const names[] = {"reason", "wave", NULL};
	struct err e = ERR_INIT;
	struct acting *m = begin(a, names, &e);

	if (m == NULL ||
	    (a->body != NULL && json_opt_u64(a->body, "wave", &m->wave, &e) < 0))
		api_fail(a, &e);
	else
		with_rollout(a, m->id, try_approval);
}

/* ---- rolling back ---- */

static void start_rollback(struct api_call *a, struct rollout_view *v,
			   const struct store_call *got)
{
	struct err e = ERR_INIT;

	if (rollout_command(&v->plan, &v->progress, ROLLOUT_EVENT_SUBMIT, got->now_ms,
			    &e) < 0)
		api_fail(a, &e);
	else
		store_move(a, v, -1, "roll back started", moved);
}

static void rollback_made(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct acting *m = a->handler_state;

	if (api_failed(a, c))
		return;
	m->id = c->out.rollout.id;
	m->cancel_running = false;
	with_rollout(a, m->id, start_rollback);
}

/* Those of its members that run the bad release, all at once: the selection is by the
 * version, the rest by members_of. Whom the cancelling does not reach in time arrives at
 * it later, and is taken in then: the roll back does not finish before. */
static int plan_rollback(const struct acting *m, struct rollout_plan *p, struct err *e)
{
	struct wave_plan w = p->waves[0];

	w.by = WAVE_BY_PERCENT;
	w.percent_bp = PLAN_ALL_BP;
	w.soak_ms = 0;
	w.needs_approval = false;
	p->waves[0] = w;
	p->n_waves = 1;
	p->type = KIND_FORCED;
	p->start_at = p->force_at = 0;
	p->late_joiners = LATE_LAST_WAVE; /* who is at it, and arrives there yet */
	p->priority = ROLLBACK_PRIORITY;
	p->windows.n_windows = 0;
	p->needs_consent = false;
	p->approvals = 0;
	p->gate.on = false;
	p->seed[0] = '\0';
	memcpy(p->release, m->to.id, sizeof(p->release));
	if (text_format(p->name, sizeof(p->name), e, "roll back of %llu",
			(unsigned long long)m->id) < 0)
		return -1;
	return text_format(p->selection, sizeof(p->selection), e, "version=='%s'",
			   m->from.version);
}

static void make_rollback(struct api_call *a, struct rollout_view *v,
			  const struct store_call *got)
{
	struct acting *m = a->handler_state;
	struct store_call *c = api_store(a, STORE_ROLLOUT_CREATE, rollback_made);
	struct err e = ERR_INIT;

	(void)got;
	if (c == NULL)
		return;
	if (plan_rollback(m, &v->plan, &e) < 0 ||
	    rollout_row_fill(c, &v->plan, &m->to, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	c->in.rollout.members_of = m->id;
	(void)snprintf(c->in.rollout.author, sizeof(c->in.rollout.author), "%s",
		       a->user);
	store_call_event_of(c, EVENT_ROLLOUT, NULL);
	api_submit(a, c);
}

/* Behind the cancelling: who installed it in the meantime is among the members then. */
static void replace_bad_one(struct api_call *a)
{
	const struct acting *m = a->handler_state;

	with_rollout(a, m->id, make_rollback);
}

static void bad_one_stopped(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	poke_engine(a);
	api_audit_enough(a);
	cancel_shown(a);
}

static void stop_bad_one(struct api_call *a, struct rollout_view *v,
			 const struct store_call *got)
{
	struct acting *m = a->handler_state;
	struct err e = ERR_INIT;

	m->after_cancel = replace_bad_one;
	if (v->progress.state == ROLLOUT_STOPPED)
		cancel_shown(a);
	else if (rollout_command(&v->plan, &v->progress, ROLLOUT_EVENT_STOP,
				 got->now_ms, &e) < 0)
		api_fail(a, &e);
	else
		store_move(a, v, -1, "rolled back", bad_one_stopped);
}

/* Who runs the bad release has at least the floor that it raises: nobody would take what
 * is below it. What is below its security version alone somebody may. */
static int check_floor(const struct acting *m, struct err *e)
{
	if (m->to.security_version < m->from.raise_floor_to)
		return err_set(e, ERR_ROLLBACK,
			       "release %s has security version %u, and every device "
			       "that runs %s refuses what is below %u",
			       m->to.version, m->to.security_version, m->from.version,
			       m->from.raise_floor_to);
	if (m->to.security_version >= m->from.security_version ||
	    m->below_security_version)
		return 0;
	return err_set(e, ERR_ROLLBACK,
		       "release %s has security version %u and %s has %u: devices may "
		       "refuse it (below_security_version tries all the same)",
		       m->to.version, m->to.security_version, m->from.version,
		       m->from.security_version);
}

static void go_back(struct api_call *a)
{
	const struct acting *m = a->handler_state;
	struct err e = ERR_INIT;

	if (strcmp(m->to.product, m->from.product) != 0 ||
	    strcmp(m->to.id, m->from.id) == 0)
		(void)err_set(&e, ERR_INCOMPATIBLE,
			      "release %s is no other release of product %s", m->to.id,
			      m->from.product);
	if (e.code != ERR_NONE || check_floor(m, &e) < 0)
		api_fail(a, &e);
	else
		with_rollout(a, m->id, stop_bad_one);
}

/* The newest version below the bad one. */
static void choose_previous(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct acting *m = a->handler_state;
	const struct release *r = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (strcmp(r[i].product, m->from.product) == 0 &&
		    version_compare(r[i].version, m->from.version) < 0 &&
		    (m->to.id[0] == '\0' ||
		     version_compare(r[i].version, m->to.version) > 0))
			m->to = r[i];
	}
	if (m->to.id[0] != '\0') {
		go_back(a);
		return;
	}
	(void)err_set(&e, ERR_CONFLICT,
		      "there is no release of product %s before %s: name one",
		      m->from.product, m->from.version);
	api_fail(a, &e);
}

static void got_named(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct acting *m = a->handler_state;

	if (api_failed(a, c))
		return;
	m->to = c->out.release;
	go_back(a);
}

static void got_bad(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct acting *m = a->handler_state;
	bool named = m->release[0] != '\0';
	struct store_call *next;

	if (api_failed(a, c))
		return;
	m->from = c->out.release;
	next = api_store(a, named ? STORE_RELEASE_GET : STORE_RELEASE_LIST,
			 named ? got_named : choose_previous);
	if (next == NULL)
		return;
	if (named)
		memcpy(next->in.release_id, m->release, sizeof(next->in.release_id));
	else
		next->in.page.limit = STORE_LIST_MAX;
	api_submit(a, next);
}

static void look_at_bad(struct api_call *a, struct rollout_view *v,
			const struct store_call *got)
{
	struct store_call *c;
	struct err e = ERR_INIT;

	(void)got;
	if (v->row.started_at == 0) {
		(void)err_set(&e, ERR_CONFLICT,
			      "rollout %llu has not started: stop it instead",
			      (unsigned long long)v->row.id);
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_RELEASE_GET, got_bad);
	if (c == NULL)
		return;
	memcpy(c->in.release_id, v->row.release, sizeof(c->in.release_id));
	api_submit(a, c);
}

void handle_rollouts_rollback(struct api_call *a)
{
	static const char *const names[] = {"reason", "release",
					    "below_security_version", NULL};
	struct err e = ERR_INIT;
	struct acting *m = begin(a, names, &e);
	const char *release = "";

	if (m == NULL ||
	    (a->body != NULL &&
	     (json_opt_text(a->body, "release", &release, &e) < 0 ||
	      text_copy(m->release, sizeof(m->release), release, "release", &e) < 0 ||
	      json_opt_bool(a->body, "below_security_version",
			    &m->below_security_version, &e) < 0)))
		api_fail(a, &e);
	else
		with_rollout(a, m->id, look_at_bad);
}
