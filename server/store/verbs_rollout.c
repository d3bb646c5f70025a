/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of rollouts: the row, its waves, its counters and decisions, and who leads. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

static int load_rollout(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct rollout *o = ret;

	(void)db;
	(void)tenant;
	(void)e;
	o->id = (uint64_t)query_int(q, 0);
	query_text(q, 1, o->name, sizeof(o->name));
	query_text(q, 2, o->release, sizeof(o->release));
	o->priority = (unsigned)query_int(q, 3);
	o->state = (int)query_int(q, 4);
	o->reason = (int)query_int(q, 5);
	query_text(q, 6, o->detail, sizeof(o->detail));
	query_text(q, 7, o->author, sizeof(o->author));
	o->n_waves = (unsigned)query_int(q, 8);
	o->approvals = (unsigned)query_int(q, 9);
	o->created_at = query_int(q, 10);
	o->submitted_at = query_int(q, 11);
	o->started_at = query_int(q, 12);
	o->ended_at = query_int(q, 13);
	o->updated_at = query_int(q, 14);
	o->membership = (enum membership)query_int(q, 15);
	o->left_out.incompatible = (uint64_t)query_int(q, 16);
	o->left_out.up_to_date = (uint64_t)query_int(q, 17);
	o->left_out.pinned = (uint64_t)query_int(q, 18);
	o->left_out.no_wave = (uint64_t)query_int(q, 19);
	o->members_of = (uint64_t)query_int(q, 20);
	o->max_in_flight = (uint64_t)query_int(q, 21);
	o->max_per_site = (uint64_t)query_int(q, 22);
	o->max_bytes_per_s = (uint64_t)query_int(q, 23);
	o->payload_bytes = (uint64_t)query_int(q, 24);
	o->egress_free_at = query_int(q, 25);
	o->revision = (uint64_t)query_int(q, 26);
	o->offers = query_int(q, 27) != 0;
	o->n_members = (uint64_t)query_int(q, 28);
	o->n_ended = (uint64_t)query_int(q, 29);
	o->n_succeeded = (uint64_t)query_int(q, 30);
	o->withdrawn = query_int(q, 31) != 0;
	o->n_to_come = (uint64_t)query_int(q, 32);
	return 0;
}

int rollout_load_by_id(struct conn *db, const char *tenant, uint64_t id,
		       struct rollout *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (query_open(db, SQL_ROLLOUT_GET, &q, e, ARGS(ARG_T(tenant), ARG_I(id))) <
		0 ||
	    step_one(&q, "rollout", text, e) < 0)
		return -1;
	return load_rollout(db, tenant, &q, ret, e);
}

int rollout_load_plan(struct conn *db, struct store_call *c, uint64_t id, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ROLLOUT_PLAN, &q, e, ARGS(ARG_T(c->tenant), ARG_I(id))) <
		0 ||
	    step_one(&q, "rollout", "", e) < 0)
		return -1;
	buf_clear(&c->blob);
	return query_blob(&q, 0, &c->blob, e);
}

/* ---- waves ---- */

static int load_wave(struct conn *db, const char *tenant, const struct query *q,
		     void *ret, struct err *e)
{
	struct rollout_wave *w = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*w = (struct rollout_wave){
	    .wave = (unsigned)query_int(q, 0),
	    .state = (int)query_int(q, 1),
	    .approved = query_int(q, 2) != 0,
	    .started_at = query_int(q, 3),
	    .clock_at = query_int(q, 4),
	    .soaking_at = query_int(q, 5),
	    .passed_at = query_int(q, 6),
	    .oldest_offer_at = query_int(q, 7),
	};
	return 0;
}

static int load_counts(struct conn *db, struct store_call *c, uint64_t id,
		       struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	struct rollout_wave *waves = c->items;
	bool row;

	if (query_open(db, SQL_COUNT_LIST, &q, e, ARGS(ARG_T(c->tenant), ARG_I(id))) <
	    0)
		return -1;
	for (;;) {
		uint64_t wave, status;

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		wave = (uint64_t)query_int(&q, 0);
		status = (uint64_t)query_int(&q, 1);
		if (wave >= c->n_items || status >= N_MEMBER_STATUSES)
			return err_set(e, ERR_IO, "a counter of wave %llu, status %llu",
				       (unsigned long long)wave,
				       (unsigned long long)status);
		waves[wave].counts[status] = (uint64_t)query_int(&q, 2);
		waves[wave].forgiven[status] = (uint64_t)query_int(&q, 3);
	}
}

static int load_wave_rows(struct conn *db, struct store_call *c, uint64_t id,
			  struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_WAVE_LIST, &q, e, ARGS(ARG_T(c->tenant), ARG_I(id))) < 0)
		return -1;
	return load_items(&q, c, ROLLOUT_MAX_WAVES, sizeof(struct rollout_wave),
			  load_wave, e);
}

int rollout_load_waves(struct conn *db, struct store_call *c, uint64_t id,
		       struct err *e)
{
	if (load_wave_rows(db, c, id, e) < 0)
		return -1;
	return load_counts(db, c, id, e);
}

static int insert_waves(struct conn *db, const struct store_call *c, uint64_t id,
			unsigned n_waves, struct err *e)
{
	if (query_run(db, SQL_WAVE_CLEAR, e, ARGS(ARG_T(c->tenant), ARG_I(id))) < 0 ||
	    query_run(db, SQL_COUNT_CLEAR, e, ARGS(ARG_T(c->tenant), ARG_I(id))) < 0)
		return -1;
	for (unsigned w = 0; w < n_waves; w++) {
		if (query_run(db, SQL_WAVE_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(w))) < 0)
			return -1;
		for (int s = 0; s < N_MEMBER_STATUSES; s++) {
			if (query_run(db, SQL_COUNT_INSERT, e,
				      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(w),
					   ARG_I(s))) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- the row ---- */

static int check_limits(const struct store_call *c, const struct rollout *o,
			struct err *e)
{
	if (o->n_waves == 0 || o->n_waves > ROLLOUT_MAX_WAVES || c->blob.len == 0 ||
	    c->blob.len > ROLLOUT_PLAN_MAX_BYTES)
		return err_set(e, ERR_LIMIT,
			       "a rollout has 1 to %d waves and a plan "
			       "of at most %u bytes",
			       ROLLOUT_MAX_WAVES, ROLLOUT_PLAN_MAX_BYTES);
	return 0;
}

/* Events of rollouts without a subject are of the one that this call makes. */
static void complete_events(struct store_call *c, uint64_t id)
{
	for (size_t i = 0; i < c->n_events; i++) {
		struct event *v = &c->events[i];

		if (v->type == EVENT_ROLLOUT && v->subject[0] == '\0')
			(void)snprintf(v->subject, sizeof(v->subject), "%llu",
				       (unsigned long long)id);
	}
	audit_complete_number(c, id);
}

static int no_release(const char *release, struct err *e)
{
	if (e->code == ERR_CONFLICT)
		(void)err_set(e, ERR_NOT_FOUND, "there is no release \"%s\"", release);
	return -1;
}

int verb_ROLLOUT_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout *o = &c->in.rollout;
	int64_t id = 0;

	if (check_limits(c, o, e) < 0 ||
	    release_check_offered(db, c->tenant, o->release, e) < 0)
		return -1;
	if (query_run_int(db, SQL_ROLLOUT_INSERT, &id, e,
			  ARGS(ARG_T(c->tenant), ARG_T(o->name), ARG_T(o->release),
			       ARG_I(o->priority), ARG_I(o->state), ARG_T(o->author),
			       ARG_I(o->n_waves), ARG_I(o->members_of),
			       ARG_I(o->max_in_flight), ARG_I(o->max_per_site),
			       ARG_I(o->max_bytes_per_s), ARG_I(o->payload_bytes),
			       ARG_B(c->blob.data, c->blob.len), ARG_I(c->now_ms))) < 0)
		return no_release(o->release, e);
	if (insert_waves(db, c, (uint64_t)id, o->n_waves, e) < 0)
		return -1;
	complete_events(c, (uint64_t)id);
	return rollout_load_by_id(db, c->tenant, (uint64_t)id, &c->out.rollout, e);
}

/* Why a write that names a revision changed nothing. */
static int explain_unchanged(struct conn *db, struct store_call *c, uint64_t id,
			     uint64_t revision, struct err *e)
{
	if (rollout_load_by_id(db, c->tenant, id, &c->out.rollout, e) < 0)
		return -1;
	if (c->out.rollout.revision != revision)
		return err_set(e, ERR_PRECONDITION, "rollout %llu changed in between",
			       (unsigned long long)id);
	return err_set(e, ERR_CONFLICT, "rollout %llu is no draft any more",
		       (unsigned long long)id);
}

int verb_ROLLOUT_UPDATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout *o = &c->in.rollout;

	if (check_limits(c, o, e) < 0 ||
	    release_check_offered(db, c->tenant, o->release, e) < 0)
		return -1;
	if (query_run(db, SQL_ROLLOUT_UPDATE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(o->id), ARG_I(o->revision),
			   ARG_T(o->name), ARG_T(o->release), ARG_I(o->priority),
			   ARG_I(o->n_waves), ARG_I(o->max_in_flight),
			   ARG_I(o->max_per_site), ARG_I(o->max_bytes_per_s),
			   ARG_I(o->payload_bytes), ARG_B(c->blob.data, c->blob.len),
			   ARG_I(c->now_ms))) < 0)
		return no_release(o->release, e);
	if (conn_changes(db) == 0)
		return explain_unchanged(db, c, o->id, o->revision, e);
	if (insert_waves(db, c, o->id, o->n_waves, e) < 0)
		return -1;
	return rollout_load_by_id(db, c->tenant, o->id, &c->out.rollout, e);
}

int verb_ROLLOUT_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	struct rollout o;

	if (rollout_load_by_id(db, c->tenant, c->in.rollout_id, &o, e) < 0 ||
	    query_run(db, SQL_ROLLOUT_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->in.rollout_id))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_CONFLICT,
			       "rollout %llu is no draft any more: stop it instead",
			       (unsigned long long)c->in.rollout_id);
	return 0;
}

int verb_ROLLOUT_GET(struct conn *db, struct store_call *c, struct err *e)
{
	uint64_t id = c->in.rollout_id;

	if (rollout_load_by_id(db, c->tenant, id, &c->out.rollout, e) < 0 ||
	    rollout_load_waves(db, c, id, e) < 0)
		return -1;
	return rollout_load_plan(db, c, id, e);
}

int verb_ROLLOUT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct store_page *p = &c->in.page;
	unsigned limit = page_limit(p);

	if (query_open(db, SQL_ROLLOUT_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(p->after_id), ARG_I(p->state),
			    ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout), load_rollout, e);
}

static int load_ref(struct conn *db, const char *tenant, const struct query *q,
		    void *ret, struct err *e)
{
	struct rollout_ref *r = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, r->tenant, sizeof(r->tenant));
	r->id = (uint64_t)query_int(q, 1);
	return 0;
}

#define MAX_ACTIVE 10000

int verb_ROLLOUT_ACTIVE(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ROLLOUT_ACTIVE, &q, e, NO_ARGS) < 0)
		return -1;
	return load_items(&q, c, MAX_ACTIVE, sizeof(struct rollout_ref), load_ref, e);
}

/* ---- moves ---- */

static int apply_wave(struct conn *db, const struct store_call *c, uint64_t id,
		      const struct rollout_wave *w, struct err *e)
{
	if (query_run(db, SQL_WAVE_APPLY, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(w->wave), ARG_I(w->state),
			   ARG_I(w->approved), ARG_I(w->started_at), ARG_I(w->clock_at),
			   ARG_I(w->soaking_at), ARG_I(w->passed_at))) < 0)
		return -1;
	for (int s = 0; s < N_MEMBER_STATUSES; s++) {
		if (query_run(db, SQL_COUNT_FORGIVE, e,
			      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(w->wave),
				   ARG_I(s), ARG_I(w->forgiven[s]))) < 0)
			return -1;
	}
	return 0;
}

int rollout_insert_decision(struct conn *db, const struct store_call *c, uint64_t id,
			    const struct rollout_decision *d, struct err *e)
{
	return query_run(db, SQL_DECISION_INSERT, e,
			 ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(c->now_ms),
			      ARG_I(d->kind), ARG_I(d->wave), ARG_I(d->reason),
			      ARG_T(d->by), ARG_T(d->detail)));
}

int verb_ROLLOUT_APPLY(struct conn *db, struct store_call *c, struct err *e)
{
	const struct rollout_apply *a = &c->in.rollout_apply;
	const struct rollout_wave *w = c->items;

	if (lead_check(db, a->epoch, e) < 0 ||
	    query_run(db, SQL_ROLLOUT_APPLY, e,
		      ARGS(ARG_T(c->tenant), ARG_I(a->id), ARG_I(a->expect_revision),
			   ARG_I(a->state), ARG_I(a->reason), ARG_T(a->decision.detail),
			   ARG_I(a->submitted_at), ARG_I(a->started_at),
			   ARG_I(a->ended_at), ARG_I(c->now_ms), ARG_I(a->active),
			   ARG_I(a->offers))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return explain_unchanged(db, c, a->id, a->expect_revision, e);
	for (size_t i = 0; i < c->n_items; i++) {
		if (apply_wave(db, c, a->id, &w[i], e) < 0)
			return -1;
	}
	if (rollout_insert_decision(db, c, a->id, &a->decision, e) < 0)
		return -1;
	return rollout_load_by_id(db, c->tenant, a->id, &c->out.rollout, e);
}

int verb_ROLLOUT_APPROVE(struct conn *db, struct store_call *c, struct err *e)
{
	uint64_t id = c->in.rollout_approve.id;
	const char *by = c->in.rollout_approve.by;
	struct rollout_decision d = {.kind = -1, .wave = -1};

	if (rollout_load_by_id(db, c->tenant, id, &c->out.rollout, e) < 0)
		return -1;
	if (strcmp(c->out.rollout.author, by) == 0)
		return err_set(e, ERR_FORBIDDEN,
			       "you made this rollout: somebody else must approve it");
	if (query_run(db, SQL_ROLLOUT_APPROVE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_T(by), ARG_I(c->now_ms))) <
	    0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_CONFLICT,
				      "you have approved rollout %llu already",
				      (unsigned long long)id);
		return -1;
	}
	(void)snprintf(d.by, sizeof(d.by), "%s", by);
	(void)snprintf(d.detail, sizeof(d.detail), "approved by %s", by);
	if (query_run(db, SQL_ROLLOUT_APPROVED, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(c->now_ms))) < 0 ||
	    rollout_insert_decision(db, c, id, &d, e) < 0)
		return -1;
	return rollout_load_by_id(db, c->tenant, id, &c->out.rollout, e);
}

static int load_decision(struct conn *db, const char *tenant, const struct query *q,
			 void *ret, struct err *e)
{
	struct rollout_decision *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	d->n = (uint64_t)query_int(q, 0);
	d->at = query_int(q, 1);
	d->kind = (int)query_int(q, 2);
	d->wave = (int)query_int(q, 3);
	d->reason = (int)query_int(q, 4);
	query_text(q, 5, d->by, sizeof(d->by));
	query_text(q, 6, d->detail, sizeof(d->detail));
	return 0;
}

int verb_ROLLOUT_DECISIONS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct store_page *p = &c->in.page;
	unsigned limit = page_limit(p);

	if (query_open(db, SQL_DECISION_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(p->rollout), ARG_I(p->after_id),
			    ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout_decision), load_decision,
			  e);
}

/* ---- offers ---- */

static int count_status(struct conn *db, const char *tenant, uint64_t id,
			enum member_status s, uint64_t *ret, struct err *e)
{
	int64_t n = 0;

	if (query_run_int(db, SQL_COUNT_STATUS, &n, e,
			  ARGS(ARG_T(tenant), ARG_I(id), ARG_I(s))) < 0)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

static int count_at_site(struct conn *db, const char *tenant, uint64_t id,
			 const char *site, uint64_t *ret, struct err *e)
{
	int64_t n = 0;

	if (query_run_int(db, SQL_MEMBER_AT_SITE, &n, e,
			  ARGS(ARG_T(tenant), ARG_I(id), ARG_T(site))) < 0)
		return -1;
	*ret = (uint64_t)n;
	return 0;
}

static int check_room(struct conn *db, const struct store_call *c,
		      const struct rollout *o, const struct rollout_member *m,
		      struct err *e)
{
	uint64_t n = 0;

	if (o->max_in_flight != 0) {
		if (count_status(db, c->tenant, o->id, MEMBER_IN_FLIGHT, &n, e) < 0)
			return -1;
		if (n >= o->max_in_flight)
			return err_set(e, ERR_RATE,
				       "rollout %llu has %llu devices in flight, which "
				       "is its limit",
				       (unsigned long long)o->id,
				       (unsigned long long)n);
	}
	if (o->max_per_site != 0 && m->site[0] != '\0') {
		if (count_at_site(db, c->tenant, o->id, m->site, &n, e) < 0)
			return -1;
		if (n >= o->max_per_site)
			return err_set(e, ERR_RATE,
				       "%llu devices of site \"%.64s\" are in flight, "
				       "which is the limit",
				       (unsigned long long)n, m->site);
	}
	return 0;
}

/* The next offer may go out when this one's bytes have had their time. */
static int take_egress(struct conn *db, const struct store_call *c,
		       const struct rollout *o, struct err *e)
{
	int64_t from = o->egress_free_at > c->now_ms ? o->egress_free_at : c->now_ms;
	double ms;

	if (o->max_bytes_per_s == 0)
		return 0;
	if (o->egress_free_at > c->now_ms)
		return err_set(e, ERR_RATE, "the egress of rollout %llu is used up",
			       (unsigned long long)o->id);
	ms = (double)o->payload_bytes * 1000.0 / (double)o->max_bytes_per_s;
	return query_run(
	    db, SQL_ROLLOUT_OFFERED, e,
	    ARGS(ARG_T(c->tenant), ARG_I(o->id), ARG_I(from + (int64_t)ms)));
}

static int load_member(struct conn *db, const char *tenant, uint64_t id,
		       const char *device, struct rollout_member *ret, struct err *e)
{
	bool found;

	if (member_load(db, tenant, id, device, ret, &found, e) < 0)
		return -1;
	if (!found)
		return err_set(e, ERR_CONFLICT, "\"%.128s\" has left rollout %llu",
			       device, (unsigned long long)id);
	return 0;
}

int rollout_take_offer(struct conn *db, struct store_call *c,
		       const struct deployment *d, bool asking, struct err *e)
{
	struct rollout_member m;
	struct rollout o;

	if (d->rollout == 0)
		return 0;
	if (rollout_load_by_id(db, c->tenant, d->rollout, &o, e) < 0 ||
	    load_member(db, c->tenant, d->rollout, d->device, &m, e) < 0)
		return -1;
	if (!o.offers)
		return err_set(e, ERR_CONFLICT, "rollout %llu offers nothing now: %s",
			       (unsigned long long)o.id, o.detail);
	/* Whose user was asked has a place already. */
	if (m.status != MEMBER_IN_FLIGHT && check_room(db, c, &o, &m, e) < 0)
		return -1;
	return asking ? 0 : take_egress(db, c, &o, e);
}

/* The rollout that concerns a device most: one that it takes part in before those that
 * it has left, the higher priority, the newer. */
static int choose_rollout(struct conn *db, struct store_call *c, uint64_t *ret,
			  struct err *e)
{
	int64_t id = 0;

	*ret = c->in.rollout_look.rollout;
	if (*ret != 0)
		return 0;
	if (query_run_int(db, SQL_MEMBER_CONCERN, &id, e,
			  ARGS(ARG_T(c->tenant), ARG_T(c->in.rollout_look.device))) < 0)
		return -1;
	*ret = (uint64_t)id;
	return 0;
}

int verb_ROLLOUT_LOOK(struct conn *db, struct store_call *c, struct err *e)
{
	struct rollout_look l = {.found = false};
	const char *device = c->in.rollout_look.device;
	uint64_t id;

	if (freeze_load(db, c->tenant, &l.freeze, e) < 0 ||
	    choose_rollout(db, c, &id, e) < 0 ||
	    (id != 0 &&
	     member_load(db, c->tenant, id, device, &l.member, &l.found, e) < 0))
		return -1;
	if (l.found &&
	    (rollout_load_by_id(db, c->tenant, id, &l.rollout, e) < 0 ||
	     count_status(db, c->tenant, id, MEMBER_IN_FLIGHT, &l.in_flight, e) < 0 ||
	     count_at_site(db, c->tenant, id, l.member.site, &l.in_flight_at_site, e) <
		 0 ||
	     rollout_load_waves(db, c, id, e) < 0 ||
	     rollout_load_plan(db, c, id, e) < 0))
		return -1;
	c->out.rollout_look = l;
	return 0;
}

/* ---- who leads ---- */

#define LEAD_NAME "rollout"

struct lead {
	uint64_t epoch;
	char holder[33];
	int64_t ends_at;
};

static int load_lead(struct conn *db, struct lead *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	*ret = (struct lead){.epoch = 0};
	if (query_open(db, SQL_LEAD_GET, &q, e, ARGS(ARG_T(LEAD_NAME))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return 0;
	ret->epoch = (uint64_t)query_int(&q, 0);
	query_text(&q, 1, ret->holder, sizeof(ret->holder));
	ret->ends_at = query_int(&q, 2);
	return 0;
}

int lead_check(struct conn *db, uint64_t epoch, struct err *e)
{
	struct lead l;

	if (epoch == 0)
		return 0;
	if (load_lead(db, &l, e) < 0)
		return -1;
	if (l.epoch != epoch)
		return err_set(e, ERR_PRECONDITION,
			       "another engine leads since epoch %llu",
			       (unsigned long long)l.epoch);
	return 0;
}

/* A lease that ends further off than any was ever given was taken by a clock that was
 * ahead and is not any more: it would hold up all engines until that time comes. Twice,
 * since clocks of two nodes differ a little. */
static bool lease_holds(const struct lead *l, const struct store_call *c)
{
	return l->ends_at > c->now_ms &&
	       l->ends_at - c->now_ms <= 2 * c->in.lead.lease_ms;
}

int verb_LEAD_TAKE(struct conn *db, struct store_call *c, struct err *e)
{
	bool mine;
	struct lead l;

	if (load_lead(db, &l, e) < 0)
		return -1;
	mine = strcmp(l.holder, c->in.lead.holder) == 0;
	if (!mine && !c->in.lead.force && lease_holds(&l, c))
		return err_set(e, ERR_CONFLICT, "another engine leads");
	c->out.epoch = mine ? l.epoch : l.epoch + 1;
	return query_run(db, SQL_LEAD_PUT, e,
			 ARGS(ARG_T(LEAD_NAME), ARG_I(c->out.epoch),
			      ARG_T(c->in.lead.holder),
			      ARG_I(c->now_ms + c->in.lead.lease_ms)));
}
