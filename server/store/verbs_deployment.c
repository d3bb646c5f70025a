/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of deployments. A move changes deployment, status rows and device at once.
 */
#include "filter_sql.h"
#include "scope.h"
#include "verbs.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"

#include <string.h>

static void load_proof(const struct query *q, int first, struct proof *p)
{
	char slot[2];

	*p = (struct proof){.present = !query_is_null(q, first)};
	if (!p->present)
		return;
	query_bytes(q, first, p->root_hash, sizeof(p->root_hash));
	query_bytes(q, first + 1, p->boot_id, sizeof(p->boot_id));
	query_text(q, first + 2, slot, sizeof(slot));
	p->slot = slot[0];
	p->counter = (uint64_t)query_int(q, first + 3);
}

static int load_deployment(struct conn *db, const char *tenant, const struct query *q,
			   void *ret, struct err *e)
{
	struct deployment *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	d->id = (uint64_t)query_int(q, 0);
	query_text(q, 1, d->device, sizeof(d->device));
	query_text(q, 2, d->release, sizeof(d->release));
	query_text(q, 3, d->product, sizeof(d->product));
	query_text(q, 4, d->version, sizeof(d->version));
	d->state = (enum deployment_state)query_int(q, 5);
	query_text(q, 6, d->detail, sizeof(d->detail));
	d->grade = (enum grade)query_int(q, 7);
	d->kind = (enum deployment_kind)query_int(q, 8);
	d->force_at = query_int(q, 9);
	d->not_before = query_int(q, 10);
	d->consent = (enum consent)query_int(q, 11);
	d->offered = query_int(q, 12) != 0;
	d->progress = (unsigned)query_int(q, 13);
	d->created_at = query_int(q, 14);
	d->updated_at = query_int(q, 15);
	load_proof(q, 16, &d->proof);
	d->n_statuses = (uint64_t)query_int(q, 20);
	d->content = (uint64_t)query_int(q, 21);
	d->revision = (uint64_t)query_int(q, 22);
	d->frozen = query_int(q, 23) != 0;
	d->rollout = (uint64_t)query_int(q, 24);
	d->wave = (unsigned)query_int(q, 25);
	return 0;
}

int deployment_load_by_id(struct conn *db, const char *tenant, uint64_t id,
			  struct deployment *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (query_open(db, SQL_DEPLOYMENT_GET, &q, e, ARGS(ARG_T(tenant), ARG_I(id))) <
		0 ||
	    step_one(&q, "deployment", text, e) < 0)
		return -1;
	return load_deployment(db, tenant, &q, ret, e);
}

int verb_DEPLOYMENT_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return deployment_load_by_id(db, c->tenant, c->in.deployment_id,
				     &c->out.deployment, e);
}

int verb_DEPLOYMENT_MANY(struct conn *db, struct store_call *c, struct err *e)
{
	size_t n_ids = c->n_items;
	AUTO_FREE uint64_t *ids = TAKE(c->items);
	struct deployment *d = store_call_items(c, n_ids, sizeof(*d), e);
	struct err skipped = ERR_INIT;

	if (d == NULL)
		return -1;
	c->n_items = 0;
	for (size_t i = 0; i < n_ids; i++) {
		if (ids[i] == 0)
			continue;
		if (deployment_load_by_id(db, c->tenant, ids[i], &d[c->n_items],
					  &skipped) == 0 &&
		    scope_check_device(db, c, d[c->n_items].device, &skipped) == 0)
			c->n_items++;
		else if (skipped.code != ERR_NOT_FOUND) {
			*e = skipped;
			return -1;
		}
	}
	return 0;
}

/*
 * Of the devices that a scope or a filter lets through, which no prepared statement knows.
 * Who matches may be rare, and no index has it: deployments are asked a window of ids after
 * the other, newest first, until the page is full or the time is up. Such a page may be
 * short; out.list_after says where the next one goes on.
 */
static void add_device_condition(struct sql_make *m, struct conn *db,
				 const struct store_call *c)
{
	const struct filter_scope scope = {
	    .db = db, .tenant = c->tenant, .now_ms = c->now_ms};

	if (c->in.page.filter != NULL) {
		sql_make_add(m, " AND ");
		filter_sql_add(m, c->in.page.filter, &scope);
	}
	scope_add(m, db, c);
}

static void add_state(struct sql_make *m, int state)
{
	if (state == STORE_STATE_OPEN) {
		sql_make_add(m, " AND p.state < 5");
	} else if (state >= 0) {
		sql_make_add(m, " AND p.state = ");
		sql_make_int(m, state);
	}
}

/* Those of c's list with from <= id < to, `limit` at most. */
static void make_window(struct sql_make *m, struct conn *db, const struct store_call *c,
			uint64_t from, uint64_t to, size_t limit)
{
	const struct store_page *p = &c->in.page;

	sql_make_add(m, "SELECT " DEPLOYMENT_COLUMNS "JOIN device d ON d.tenant = "
			"p.tenant AND d.id = p.device WHERE p.tenant = ");
	sql_make_text(m, c->tenant);
	if (p->device[0] != '\0') {
		sql_make_add(m, " AND p.device = ");
		sql_make_text(m, p->device);
	}
	sql_make_add(m, " AND p.id >= ");
	sql_make_int(m, (int64_t)from);
	sql_make_add(m, " AND p.id < ");
	sql_make_int(m, (int64_t)to);
	add_state(m, p->state);
	add_device_condition(m, db, c);
	sql_make_add(m, " ORDER BY p.id DESC LIMIT ");
	sql_make_int(m, (int64_t)limit);
}

/* 0, 0: there are none. */
static int find_ends(struct conn *db, uint64_t *ret_oldest, uint64_t *ret_newest,
		     struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	*ret_oldest = *ret_newest = 0;
	if (query_open(db, SQL_DEPLOYMENT_ENDS, &q, e, NULL, 0) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return 0;
	*ret_oldest = (uint64_t)query_int(&q, 0);
	*ret_newest = (uint64_t)query_int(&q, 1);
	return 0;
}

/* Adds the window's to c's items; one more than `limit` is not added: c->more. */
static int take_window(struct conn *db, struct store_call *c, uint64_t from,
		       uint64_t to, unsigned limit, struct err *e)
{
	AUTO(sql_make) struct sql_make m; /* has the texts that q is asked for */
	AUTO(query) struct query q = QUERY_INIT;
	struct deployment *d = c->items;
	bool row;

	sql_make_init(&m);
	make_window(&m, db, c, from, to, limit + 1 - c->n_items);
	if (sql_make_open(&m, db, &q, e) < 0)
		return -1;
	for (;;) {
		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		if (c->n_items == limit) {
			c->more = true;
			c->out.list_after = d[limit - 1].id;
			return 0;
		}
		if (load_deployment(db, c->tenant, &q, &d[c->n_items], e) < 0)
			return -1;
		c->n_items++;
	}
}

static int list_by_device(struct conn *db, struct store_call *c, unsigned limit,
			  struct err *e)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + SELECT_BUDGET_MS;
	const struct store_page *p = &c->in.page;
	uint64_t width = p->window_ids == 0 ? LIST_WINDOW_IDS : p->window_ids;
	uint64_t oldest, newest, to, from;

	if (store_call_items(c, limit, sizeof(struct deployment), e) == NULL ||
	    find_ends(db, &oldest, &newest, e) < 0)
		return -1;
	c->n_items = 0;
	c->more = false;
	to = p->after_id == 0 || p->after_id > newest ? newest + 1 : p->after_id;
	if (p->device[0] != '\0')
		width = to; /* an index has all of them */
	for (; to > oldest && !c->more; to = from) {
		from = to > oldest + width ? to - width : oldest;
		if (take_window(db, c, from, to, limit, e) < 0)
			return -1;
		if (!c->more && from > oldest &&
		    clock_mono_ms(&clock_system) >= until_ms) {
			c->more = true;
			c->out.list_after = from;
		}
	}
	return 0;
}

int verb_DEPLOYMENT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct store_page *p = &c->in.page;
	enum sql which =
	    p->device[0] == '\0' ? SQL_DEPLOYMENT_LIST : SQL_DEPLOYMENT_OF_DEVICE;
	unsigned limit = page_limit(p);
	const struct arg args[] = {ARG_T(c->tenant), ARG_I(p->after_id),
				   ARG_I(p->state), ARG_I(limit + 1), ARG_T(p->device)};

	if (c->scope[0] != '\0' || p->filter != NULL)
		return list_by_device(db, c, limit, e);
	if (query_open(db, which, &q, e, args, p->device[0] == '\0' ? 4 : 5) < 0 ||
	    load_items(&q, c, limit, sizeof(struct deployment), load_deployment, e) < 0)
		return -1;
	if (c->more)
		c->out.list_after =
		    ((const struct deployment *)c->items)[c->n_items - 1].id;
	return 0;
}

static int load_status(struct conn *db, const char *tenant, const struct query *q,
		       void *ret, struct err *e)
{
	struct status *s = ret;

	(void)db;
	(void)tenant;
	(void)e;
	s->at = query_int(q, 0);
	query_text(q, 1, s->execution, sizeof(s->execution));
	query_text(q, 2, s->finished, sizeof(s->finished));
	query_text(q, 3, s->details, sizeof(s->details));
	return 0;
}

int verb_DEPLOYMENT_STATUSES(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_STATUS_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.deployment_id),
			    ARG_I(DEPLOYMENT_MAX_STATUSES))) < 0)
		return -1;
	return load_items(&q, c, DEPLOYMENT_MAX_STATUSES, sizeof(struct status),
			  load_status, e);
}

/* ---- assigning ---- */

struct open_one {
	uint64_t id;
	enum deployment_state state;
};

/* At most two are ever open: one being cancelled and the one that waits for that. More
 * is refused rather than forgotten. */
#define MAX_OPEN 4

static int find_open(struct conn *db, const struct store_call *c, struct open_one *ret,
		     size_t *ret_n, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char release[RELEASE_ID_LEN + 1];
	bool row;

	if (query_open(db, SQL_DEPLOYMENT_OPEN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.assign.device))) < 0)
		return -1;
	for (*ret_n = 0;; (*ret_n)++) {
		struct open_one *o = &ret[*ret_n];

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		if (*ret_n == MAX_OPEN)
			return err_set(e, ERR_CONFLICT, "too many open deployments");
		o->id = (uint64_t)query_int(&q, 0);
		query_text(&q, 1, release, sizeof(release));
		o->state = (enum deployment_state)query_int(&q, 2);
		if (o->state != DEPLOYMENT_CANCELLING &&
		    strcmp(release, c->in.assign.release) == 0)
			return err_set(
			    e, ERR_CONFLICT,
			    "deployment %llu of this release to \"%.128s\" is open",
			    (unsigned long long)o->id, c->in.assign.device);
	}
}

/* One that the device has never seen needs no talk with it. */
int deployment_supersede(struct conn *db, struct store_call *c, uint64_t id,
			 const char *why, struct err *e)
{
	struct event v = {.type = EVENT_DEPLOYMENT, .deployment = id};
	struct deployment d;

	if (deployment_load_by_id(db, c->tenant, id, &d, e) < 0)
		return -1;
	if (!deployment_is_open(d.state) || d.state == DEPLOYMENT_CANCELLING)
		return 0;
	d.state = d.offered ? DEPLOYMENT_CANCELLING : DEPLOYMENT_CANCELLED;
	memcpy(v.device, d.device, sizeof(v.device));
	if (query_run(db, SQL_DEPLOYMENT_SUPERSEDE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(d.state), ARG_T(why),
			   ARG_I(c->now_ms))) < 0 ||
	    member_follow(db, c, &d, false, e) < 0)
		return -1;
	return event_insert(db, c, &v, e);
}

/* Who consented to everything need not be asked. */
int deployment_ask_consent(struct conn *db, const char *tenant, const char *device,
			   bool needed, enum consent *ret, struct err *e)
{
	struct auto_confirm known;
	struct err why = ERR_INIT;

	*ret = CONSENT_NONE;
	if (!needed)
		return 0;
	*ret = CONSENT_GIVEN;
	if (auto_confirm_load(db, tenant, device, &known, &why) == 0)
		return 0;
	*ret = CONSENT_ASKED;
	if (why.code == ERR_NOT_FOUND)
		return 0;
	*e = why;
	return -1;
}

static int insert_deployment(struct conn *db, struct store_call *c, uint64_t *ret_id,
			     struct err *e)
{
	enum consent consent;
	int64_t id;

	if (deployment_ask_consent(db, c->tenant, c->in.assign.device,
				   c->in.assign.needs_consent, &consent, e) < 0)
		return -1;
	if (query_run_int(db, SQL_DEPLOYMENT_INSERT, &id, e,
			  ARGS(ARG_T(c->tenant), ARG_T(c->in.assign.device),
			       ARG_T(c->in.assign.release), ARG_I(c->in.assign.kind),
			       ARG_I(c->in.assign.force_at),
			       ARG_I(c->in.assign.not_before), ARG_I(consent),
			       ARG_I(c->now_ms))) < 0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_NOT_FOUND, "there is no release \"%s\"",
				      c->in.assign.release);
		return -1;
	}
	*ret_id = (uint64_t)id;
	if (*ret_id > ACTION_ID_LAST)
		return err_set(e, ERR_LIMIT, "action ids are used up");
	return 0;
}

int verb_DEPLOYMENT_ASSIGN(struct conn *db, struct store_call *c, struct err *e)
{
	struct open_one open[MAX_OPEN];
	struct device device;
	char why[64];
	size_t n_open;
	uint64_t id;

	if (freeze_check(db, c->tenant, e) < 0 ||
	    release_check_offered(db, c->tenant, c->in.assign.release, e) < 0 ||
	    device_load_by_id(db, c->tenant, c->in.assign.device, &device, e) < 0 ||
	    find_open(db, c, open, &n_open, e) < 0 ||
	    insert_deployment(db, c, &id, e) < 0)
		return -1;
	(void)snprintf(why, sizeof(why), "superseded by %llu", (unsigned long long)id);
	for (size_t i = 0; i < n_open; i++) {
		if (deployment_supersede(db, c, open[i].id, why, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < c->n_events; i++) {
		if (c->events[i].type == EVENT_DEPLOYMENT &&
		    c->events[i].deployment == 0)
			c->events[i].deployment = id;
	}
	audit_complete_number(c, id);
	return deployment_load_by_id(db, c->tenant, id, &c->out.deployment, e);
}

/* ---- moving ---- */

static int store_proof(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct proof *p = &c->in.move.proof;
	char slot[2] = {p->slot, '\0'};

	if (!p->present)
		return 0;
	return query_run(db, SQL_DEPLOYMENT_PROOF, e,
			 ARGS(ARG_T(c->tenant), ARG_I(c->in.move.id),
			      ARG_B(p->root_hash, sizeof(p->root_hash)),
			      ARG_B(p->boot_id, sizeof(p->boot_id)), ARG_T(slot),
			      ARG_I(p->counter)));
}

/* Beyond the quota a report still moves the deployment, but is no longer kept. */
static int store_status(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct status *s = &c->in.move.status;

	if (!c->in.move.add_status)
		return 0;
	if (query_run(db, SQL_STATUS_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->in.move.id), ARG_I(c->now_ms),
			   ARG_T(s->execution), ARG_T(s->finished), ARG_T(s->details),
			   ARG_I(DEPLOYMENT_MAX_STATUSES))) < 0)
		return -1;
	return query_run(db, SQL_DEPLOYMENT_COUNT_STATUS, e,
			 ARGS(ARG_T(c->tenant), ARG_I(c->in.move.id)));
}

static int store_device_change(struct conn *db, const struct store_call *c,
			       const char *id, struct err *e)
{
	const struct device_change *d = &c->in.move.device;
	char key[VERSION_KEY_MAX_LEN + 1];

	if (d->set_version &&
	    query_run(db, SQL_DEVICE_VERSION, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(d->version),
			   ARG_I(d->grade),
			   ARG_T(version_key_or_none(d->version, key)))) < 0)
		return -1;
	if (d->set_state &&
	    query_run(db, SQL_DEVICE_STATE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id), ARG_I(d->state))) < 0)
		return -1;
	if ((d->agent_version[0] != '\0' || d->capabilities[0] != '\0') &&
	    query_run(db, SQL_DEVICE_AGENT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(d->agent_version),
			   ARG_T(d->capabilities),
			   ARG_T(version_key_or_none(d->agent_version, key)))) < 0)
		return -1;
	if (c->in.move.state != DEPLOYMENT_CONFIRMED)
		return 0;
	if (c->in.move.grade == GRADE_PROVEN &&
	    query_run(db, SQL_DEVICE_RAISE_FLOOR, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id), ARG_I(c->in.move.id))) < 0)
		return -1;
	if (component_take_installed(db, c, id, e) < 0)
		return -1;
	return query_run(db, SQL_DEVICE_INSTALLED, e,
			 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_I(c->in.move.id)));
}

/* Somebody else moved it, or the device was pinned since it was read. */
static int refuse_move(struct conn *db, struct store_call *c, struct err *e)
{
	const struct deployment_move *m = &c->in.move;
	unsigned long long id = m->id;

	if (deployment_load_by_id(db, c->tenant, m->id, &c->out.deployment, e) < 0)
		return -1;
	if (c->out.deployment.revision == m->expect_revision)
		return err_set(e, ERR_NOT_FOUND,
			       "deployment %llu is not shown: its device is pinned",
			       id);
	return err_set(e, ERR_PRECONDITION, "deployment %llu changed in between", id);
}

/* Whether it may be shown to its device for the first time. */
static int check_offer(struct conn *db, struct store_call *c,
		       const struct deployment *d, bool asking, struct err *e)
{
	if (release_check_offered(db, c->tenant, d->release, e) < 0) {
		if (e->code == ERR_CONFLICT) /* for the device it never was there */
			e->code = ERR_NOT_FOUND;
		return -1;
	}
	return rollout_take_offer(db, c, d, asking, e);
}

int verb_DEPLOYMENT_MOVE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct deployment_move *m = &c->in.move;
	bool shows = m->offering || m->asking;

	if (shows && freeze_check(db, c->tenant, e) < 0)
		return -1;
	if (query_run(db, SQL_DEPLOYMENT_MOVE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(m->id), ARG_I(m->expect_revision),
			   ARG_I(m->state), ARG_I(m->progress), ARG_I(m->grade),
			   ARG_I(m->offered), ARG_I(m->touch_content), ARG_T(m->detail),
			   ARG_I(c->now_ms), ARG_I(shows))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return refuse_move(db, c, e);
	if (m->set_consent &&
	    query_run(db, SQL_DEPLOYMENT_CONSENT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(m->id), ARG_I(m->consent))) < 0)
		return -1;
	if (store_proof(db, c, e) < 0 || store_status(db, c, e) < 0 ||
	    deployment_load_by_id(db, c->tenant, m->id, &c->out.deployment, e) < 0 ||
	    (m->delta_from[0] != '\0' &&
	     query_run(db, SQL_DELTA_USED, e,
		       ARGS(ARG_T(c->tenant), ARG_I(m->id), ARG_T(m->delta_from),
			    ARG_I(m->delta_unwraps))) < 0) ||
	    (shows && check_offer(db, c, &c->out.deployment, m->asking, e) < 0) ||
	    member_follow(db, c, &c->out.deployment, shows, e) < 0)
		return -1;
	return store_device_change(db, c, c->out.deployment.device, e);
}
