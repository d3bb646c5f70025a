/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of a rollout's members.
 *
 * A member is in one status, and rollout_count says per wave how many are in each: both
 * change in one transaction, the one that moves the member's deployment, so a decision
 * reads a few rows however many members there are.
 *
 * Membership is chosen in batches: FILL_CLEAR until nothing is left of an attempt that
 * was cut, FILL_ADD, FILL_END. Nothing is assigned before the end, so a crash on the way
 * costs only the attempt. Assigning is idempotent: who has a deployment is passed over.
 */
#include "verbs.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

static void read_member(const struct query *q, struct rollout_member *m)
{
	query_text(q, 0, m->device, sizeof(m->device));
	m->wave = (unsigned)query_int(q, 1);
	m->status = (enum member_status)query_int(q, 2);
	m->place = query_int(q, 3);
	m->deployment = (uint64_t)query_int(q, 4);
	m->offered_at = query_int(q, 5);
	query_text(q, 6, m->site, sizeof(m->site));
}

static int load_member(struct conn *db, const char *tenant, const struct query *q,
		       void *ret, struct err *e)
{
	(void)db;
	(void)tenant;
	(void)e;
	read_member(q, ret);
	return 0;
}

int member_load(struct conn *db, const char *tenant, uint64_t rollout,
		const char *device, struct rollout_member *ret, bool *ret_found,
		struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_MEMBER_GET, &q, e,
		       ARGS(ARG_T(tenant), ARG_I(rollout), ARG_T(device))) < 0 ||
	    query_step(&q, ret_found, e) < 0)
		return -1;
	if (*ret_found)
		read_member(&q, ret);
	return 0;
}

static int count(struct conn *db, const char *tenant, uint64_t rollout, unsigned wave,
		 enum member_status s, int by, struct err *e)
{
	return query_run(
	    db, SQL_COUNT_ADD, e,
	    ARGS(ARG_T(tenant), ARG_I(rollout), ARG_I(wave), ARG_I(s), ARG_I(by)));
}

/* The one way in which a status changes. */
static int move_member(struct conn *db, const char *tenant, uint64_t rollout,
		       const struct rollout_member *m, enum member_status to,
		       int64_t offered_at, struct err *e)
{
	if (m->status == to && m->offered_at == offered_at)
		return 0;
	if (query_run(db, SQL_MEMBER_MOVE, e,
		      ARGS(ARG_T(tenant), ARG_I(rollout), ARG_T(m->device), ARG_I(to),
			   ARG_I(offered_at))) < 0)
		return -1;
	if (m->status == to)
		return 0;
	if (count(db, tenant, rollout, m->wave, m->status, -1, e) < 0)
		return -1;
	return count(db, tenant, rollout, m->wave, to, 1, e);
}

/* ---- following a deployment ---- */

static const enum member_status ends_as[N_DEPLOYMENT_STATES] = {
    [DEPLOYMENT_CONFIRMED] = MEMBER_REPORTED,
    [DEPLOYMENT_FAILED] = MEMBER_FAILED,
    [DEPLOYMENT_ROLLED_BACK] = MEMBER_ROLLED_BACK,
    [DEPLOYMENT_CANCELLED] = MEMBER_CANCELLED,
    [DEPLOYMENT_DOWNLOADED] = MEMBER_DOWNLOADED,
};

/* Who was silent stays so until it ends, who was absent until it is offered. Whose user
 * refused has left, until that user thinks better of it. */
static enum member_status status_of(const struct deployment *d,
				    enum member_status before, bool was_shown)
{
	if (d->state == DEPLOYMENT_CONFIRMED && d->grade == GRADE_PROVEN)
		return MEMBER_PROVEN;
	if (!deployment_is_open(d->state))
		return ends_as[d->state];
	if (d->consent == CONSENT_DENIED && d->state != DEPLOYMENT_CANCELLING)
		return MEMBER_CANCELLED;
	if (!was_shown)
		return before == MEMBER_ABSENT ? MEMBER_ABSENT : MEMBER_WAITING;
	return before == MEMBER_SILENT ? MEMBER_SILENT : MEMBER_IN_FLIGHT;
}

int member_follow(struct conn *db, struct store_call *c, const struct deployment *d,
		  bool shown_now, struct err *e)
{
	struct rollout_member m;
	enum member_status to;
	int64_t offered_at;
	bool found;

	if (d->rollout == 0)
		return 0;
	if (member_load(db, c->tenant, d->rollout, d->device, &m, &found, e) < 0)
		return -1;
	if (!found || m.deployment != d->id)
		return 0;
	offered_at =
	    shown_now || (m.offered_at == 0 && d->offered) ? c->now_ms : m.offered_at;
	to = status_of(d, m.status, offered_at != 0);
	return move_member(db, c->tenant, d->rollout, &m, to, offered_at, e);
}

static bool has_not_ended(enum member_status s)
{
	return s == MEMBER_WAITING || s == MEMBER_IN_FLIGHT || s == MEMBER_SILENT ||
	       s == MEMBER_ABSENT;
}

struct membership_ref {
	uint64_t rollout;
	struct rollout_member member;
};

#define MAX_MEMBERSHIPS 1000

/* One query at a time: its rows are read before anything is changed. */
static int find_memberships(struct conn *db, struct store_call *c, const char *device,
			    struct membership_ref *ret, size_t *ret_n, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_MEMBER_OF_DEVICE, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(device))) < 0)
		return -1;
	for (*ret_n = 0; *ret_n < MAX_MEMBERSHIPS;) {
		struct membership_ref *r = &ret[*ret_n];

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		r->rollout = (uint64_t)query_int(&q, 0);
		r->member = (struct rollout_member){
		    .wave = (unsigned)query_int(&q, 1),
		    .status = (enum member_status)query_int(&q, 2)};
		(void)snprintf(r->member.device, sizeof(r->member.device), "%s",
			       device);
		*ret_n += has_not_ended(r->member.status);
	}
	return 0;
}

int member_forget(struct conn *db, struct store_call *c, const char *device,
		  struct err *e)
{
	AUTO_FREE struct membership_ref *all = calloc(MAX_MEMBERSHIPS, sizeof(*all));
	size_t n;

	if (all == NULL)
		return err_nomem(e);
	if (find_memberships(db, c, device, all, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (move_member(db, c->tenant, all[i].rollout, &all[i].member,
				MEMBER_CANCELLED, 0, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- choosing the members ---- */

static int set_membership(struct conn *db, const struct store_call *c,
			  enum membership to, struct err *e)
{
	const struct rollout_fill *f = &c->in.rollout_fill;
	const struct rollout_left_out *l = &f->left_out;

	return query_run(db, SQL_FILL_STATE, e,
			 ARGS(ARG_T(c->tenant), ARG_I(f->id), ARG_I(to),
			      ARG_I(l->incompatible), ARG_I(l->up_to_date),
			      ARG_I(l->pinned), ARG_I(l->no_wave)));
}

static int clear_members(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout_fill *f = &c->in.rollout_fill;

	if (query_run(db, SQL_MEMBER_CLEAR, e,
		      ARGS(ARG_T(c->tenant), ARG_I(f->id), ARG_I(ROLLOUT_BATCH))) < 0)
		return -1;
	c->more = conn_changes(db) > 0;
	if (query_run(db, SQL_COUNT_ZERO, e, ARGS(ARG_T(c->tenant), ARG_I(f->id))) < 0)
		return -1;
	return set_membership(db, c, MEMBERSHIP_FILLING, e);
}

static int add_members(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout_fill *f = &c->in.rollout_fill;
	const struct rollout_member *m = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_MEMBER_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_I(f->id), ARG_T(m[i].device),
				   ARG_I(m[i].wave), ARG_I(m[i].place),
				   ARG_T(m[i].site))) < 0)
			return -1;
		if (conn_changes(db) == 1 &&
		    count(db, c->tenant, f->id, m[i].wave, MEMBER_WAITING, 1, e) < 0)
			return -1;
	}
	return 0;
}

/* Which step fits which state of the membership. */
static int check_fill(const struct rollout *o, enum fill_step step, struct err *e)
{
	enum membership want =
	    step == FILL_JOIN ? MEMBERSHIP_COMPLETE : MEMBERSHIP_FILLING;

	if (step == FILL_CLEAR ? o->membership == MEMBERSHIP_COMPLETE
			       : o->membership != want)
		return err_set(e, ERR_PRECONDITION,
			       "the members of rollout %llu are chosen already, or not "
			       "yet",
			       (unsigned long long)o->id);
	return 0;
}

int verb_ROLLOUT_FILL(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout_fill *f = &c->in.rollout_fill;
	struct rollout o;

	c->more = false;
	if (lead_check(db, f->epoch, e) < 0 ||
	    rollout_load_by_id(db, c->tenant, f->id, &o, e) < 0 ||
	    check_fill(&o, f->step, e) < 0)
		return -1;
	switch (f->step) {
	case FILL_CLEAR:
		return clear_members(db, c, e);
	case FILL_END:
		return set_membership(db, c, MEMBERSHIP_COMPLETE, e);
	case FILL_JOIN:
		if (add_members(db, c, e) < 0)
			return -1;
		return rollout_insert_decision(db, c, f->id, &f->decision, e);
	case FILL_ADD:
	default:
		return add_members(db, c, e);
	}
}

/* ---- reading ---- */

static unsigned bounded(unsigned limit)
{
	return limit == 0 || limit > ROLLOUT_BATCH ? ROLLOUT_BATCH : limit;
}

int verb_ROLLOUT_MEMBERS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = bounded(c->in.rollout_members.limit);
	struct rollout o;

	if (rollout_load_by_id(db, c->tenant, c->in.rollout_members.id, &o, e) < 0 ||
	    query_open(db, SQL_MEMBER_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(o.id),
			    ARG_T(c->in.rollout_members.after),
			    ARG_I(c->in.rollout_members.wave),
			    ARG_I(c->in.rollout_members.status), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout_member), load_member, e);
}

static int load_waiting(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct rollout_candidate *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*d = (struct rollout_candidate){.pin = (enum pin)query_int(q, 5),
					.place = query_int(q, 8),
					.deployment = (uint64_t)query_int(q, 9),
					.security_floor = (uint32_t)query_int(q, 10)};
	query_text(q, 0, d->id, sizeof(d->id));
	query_text(q, 1, d->product, sizeof(d->product));
	query_text(q, 2, d->hardware, sizeof(d->hardware));
	query_text(q, 3, d->version, sizeof(d->version));
	query_text(q, 4, d->site, sizeof(d->site));
	query_text(q, 6, d->pin_release, sizeof(d->pin_release));
	query_text(q, 7, d->agent_version, sizeof(d->agent_version));
	return 0;
}

int verb_ROLLOUT_WAITING(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = bounded(c->in.rollout_waiting.limit);

	if (query_open(db, SQL_MEMBER_WAITING, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.rollout_waiting.id),
			    ARG_I(c->in.rollout_waiting.wave),
			    ARG_I(c->in.rollout_waiting.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout_candidate), load_waiting,
			  e);
}

int verb_ROLLOUT_UNSHOWN(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = bounded(c->in.rollout_unshown.limit);

	if (query_open(db, SQL_MEMBER_UNSHOWN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.rollout_unshown.id),
			    ARG_I(c->in.rollout_unshown.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout_candidate), load_waiting,
			  e);
}

/* ---- assigning ---- */

struct open_one {
	uint64_t id, rollout;
	int64_t priority; /* of its rollout; above all if a person assigned it */
	enum deployment_state state;
	bool same_release;
};
#define MAX_OPEN 8

static int find_open(struct conn *db, struct store_call *c, const struct rollout *o,
		     const char *device, struct open_one *ret, size_t *ret_n,
		     struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char release[RELEASE_ID_LEN + 1];
	bool row;

	if (query_open(db, SQL_MEMBER_DEPLOYMENT_OPEN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(device))) < 0)
		return -1;
	for (*ret_n = 0; *ret_n < MAX_OPEN; (*ret_n)++) {
		struct open_one *p = &ret[*ret_n];

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		p->id = (uint64_t)query_int(&q, 0);
		query_text(&q, 1, release, sizeof(release));
		p->state = (enum deployment_state)query_int(&q, 2);
		p->rollout = (uint64_t)query_int(&q, 4);
		p->priority = query_int(&q, 5);
		p->same_release = strcmp(release, o->release) == 0;
	}
	return err_set(e, ERR_CONFLICT, "\"%.128s\" has too many open deployments",
		       device);
}

/* Of two for one device the higher priority wins; of equals who came first. */
static bool goes_before(const struct open_one *p, const struct rollout *o)
{
	return p->state != DEPLOYMENT_CANCELLING &&
	       (p->same_release || p->priority >= (int64_t)o->priority);
}

static int deploy(struct conn *db, struct store_call *c, const struct rollout *o,
		  const struct rollout_member *m, uint64_t *ret_id, struct err *e)
{
	struct event v = {.type = EVENT_DEPLOYMENT};
	enum consent consent;
	int64_t id = 0;

	if (deployment_ask_consent(db, c->tenant, m->device,
				   c->in.rollout_assign.needs_consent, &consent,
				   e) < 0 ||
	    query_run_int(db, SQL_MEMBER_DEPLOY, &id, e,
			  ARGS(ARG_T(c->tenant), ARG_I(o->id), ARG_T(m->device),
			       ARG_I(c->in.rollout_assign.kind), ARG_I(m->wave),
			       ARG_I(c->now_ms), ARG_I(c->in.rollout_assign.force_at),
			       ARG_I(consent))) < 0)
		return -1;
	if ((uint64_t)id > ACTION_ID_LAST)
		return err_set(e, ERR_LIMIT, "action ids are used up");
	*ret_id = (uint64_t)id;
	v.deployment = *ret_id;
	memcpy(v.device, m->device, sizeof(v.device));
	if (query_run(
		db, SQL_MEMBER_ASSIGNED, e,
		ARGS(ARG_T(c->tenant), ARG_I(o->id), ARG_T(m->device), ARG_I(id))) < 0)
		return -1;
	return event_insert(db, c, &v, e);
}

static int supersede_all(struct conn *db, struct store_call *c,
			 const struct open_one *open, size_t n, uint64_t by,
			 struct err *e)
{
	char why[64];

	(void)snprintf(why, sizeof(why), "superseded by %llu", (unsigned long long)by);
	for (size_t i = 0; i < n; i++) {
		if (deployment_supersede(db, c, open[i].id, why, e) < 0)
			return -1;
	}
	return 0;
}

/* What it was shown goes on; what it was not is cancelled, and the member follows. */
static int leave(struct conn *db, struct store_call *c, const struct rollout *o,
		 const struct rollout_member *m, const struct rollout_task *t,
		 struct err *e)
{
	struct deployment d;

	if (m->deployment == 0)
		return move_member(db, c->tenant, o->id, m, MEMBER_CANCELLED, 0, e);
	if (deployment_load_by_id(db, c->tenant, m->deployment, &d, e) < 0)
		return -1;
	return d.offered ? 0 : deployment_supersede(db, c, d.id, t->why, e);
}

static int assign_one(struct conn *db, struct store_call *c, const struct rollout *o,
		      struct rollout_task *t, struct err *e)
{
	struct open_one open[MAX_OPEN];
	struct rollout_member m;
	uint64_t id = 0;
	size_t n;
	bool found;

	t->assigned = false;
	if (member_load(db, c->tenant, o->id, t->device, &m, &found, e) < 0)
		return -1;
	if (!found || !has_not_ended(m.status))
		return 0;
	if (t->leave)
		return leave(db, c, o, &m, t, e);
	if (m.deployment != 0)
		return 0;
	if (find_open(db, c, o, t->device, open, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (goes_before(&open[i], o))
			return 0;
	}
	if (deploy(db, c, o, &m, &id, e) < 0)
		return -1;
	t->assigned = true;
	return supersede_all(db, c, open, n, id, e);
}

int verb_ROLLOUT_ASSIGN(struct conn *db, struct store_call *c, struct err *e)
{
	struct rollout_task *t = c->items;
	struct rollout o;

	if (lead_check(db, c->in.rollout_assign.epoch, e) < 0 ||
	    freeze_check(db, c->tenant, e) < 0 ||
	    rollout_load_by_id(db, c->tenant, c->in.rollout_assign.id, &o, e) < 0)
		return -1;
	if (!o.offers)
		return err_set(e, ERR_PRECONDITION, "rollout %llu offers nothing now",
			       (unsigned long long)o.id);
	for (size_t i = 0; i < c->n_items; i++) {
		if (assign_one(db, c, &o, &t[i], e) < 0)
			return -1;
	}
	return 0;
}

/* ---- deadlines ---- */

static int find_due(struct conn *db, struct store_call *c, enum sql which, int64_t when,
		    struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct rollout_sweep *s = &c->in.rollout_sweep;

	if (query_open(db, which, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(s->id), ARG_I(s->wave), ARG_I(when),
			    ARG_I(ROLLOUT_BATCH + 1))) < 0)
		return -1;
	return load_items(&q, c, ROLLOUT_BATCH, sizeof(struct rollout_member),
			  load_member, e);
}

static int mark(struct conn *db, struct store_call *c, enum sql which, int64_t when,
		enum member_status to, struct err *e)
{
	const struct rollout_member *m;

	c->more = false;
	if (when == INT64_MIN)
		return 0;
	if (find_due(db, c, which, when, e) < 0)
		return -1;
	m = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (move_member(db, c->tenant, c->in.rollout_sweep.id, &m[i], to,
				m[i].offered_at, e) < 0)
			return -1;
	}
	return 0;
}

int verb_ROLLOUT_SWEEP(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout_sweep *s = &c->in.rollout_sweep;
	bool more;

	if (lead_check(db, s->epoch, e) < 0 ||
	    mark(db, c, SQL_MEMBER_SILENT, s->offered_until, MEMBER_SILENT, e) < 0)
		return -1;
	more = c->more;
	if (mark(db, c, SQL_MEMBER_ABSENT, s->seen_before, MEMBER_ABSENT, e) < 0)
		return -1;
	c->more |= more;
	return 0;
}

/* ---- ending ---- */

static int load_open(struct conn *db, const char *tenant, const struct query *q,
		     void *ret, struct err *e)
{
	struct frozen_out *o = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, o->device, sizeof(o->device));
	o->deployment = (uint64_t)query_int(q, 1);
	return 0;
}

static int find_member_deployments(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_MEMBER_OPEN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.rollout_cancel.id),
			    ARG_I(c->in.rollout_cancel.shown),
			    ARG_I(ROLLOUT_BATCH + 1))) < 0)
		return -1;
	return load_items(&q, c, ROLLOUT_BATCH, sizeof(struct frozen_out), load_open,
			  e);
}

int verb_ROLLOUT_CANCEL(struct conn *db, struct store_call *c, struct err *e)
{
	const struct frozen_out *o;

	if (lead_check(db, c->in.rollout_cancel.epoch, e) < 0 ||
	    find_member_deployments(db, c, e) < 0)
		return -1;
	o = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (deployment_supersede(db, c, o[i].deployment,
					 c->in.rollout_cancel.detail, e) < 0)
			return -1;
	}
	if (c->more)
		return 0;
	return query_run(db, SQL_ROLLOUT_REST, e,
			 ARGS(ARG_T(c->tenant), ARG_I(c->in.rollout_cancel.id)));
}
