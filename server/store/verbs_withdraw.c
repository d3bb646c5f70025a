/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of releases that were taken back. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

int release_check_offered(struct conn *db, const char *tenant, const char *release,
			  struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char version[VERSION_MAX_LEN + 1], by[USER_MAX_LEN + 1];
	char reason[WITHDRAW_REASON_MAX_LEN + 1];
	bool row;

	if (query_open(db, SQL_WITHDRAW_GET, &q, e,
		       ARGS(ARG_T(tenant), ARG_T(release))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return 0;
	query_text(&q, 0, version, sizeof(version));
	query_text(&q, 1, by, sizeof(by));
	query_text(&q, 2, reason, sizeof(reason));
	return err_set(e, ERR_CONFLICT, "release %s (%s) was withdrawn by %s: %s",
		       release, version, by, reason);
}

/* ---- its rollouts ---- */

/* The first one behind `after` that is under way; 0: there is none. */
static int next_rollout(struct conn *db, const struct store_call *c, int64_t after,
			int64_t *ret, struct err *e)
{
	return query_run_int(
	    db, SQL_WITHDRAW_ROLLOUTS, ret, e,
	    ARGS(ARG_T(c->tenant), ARG_T(c->in.withdrawal.release), ARG_I(after)));
}

static int halt_rollout(struct conn *db, const struct store_call *c, int64_t id,
			const char *detail, struct err *e)
{
	const struct release_withdrawal *w = &c->in.withdrawal;
	struct event v = {.type = EVENT_ROLLOUT};

	(void)snprintf(v.subject, sizeof(v.subject), "%lld", (long long)id);
	if (query_run(db, SQL_WITHDRAW_ROLLOUT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(w->rollout_reason),
			   ARG_T(detail), ARG_I(c->now_ms))) < 0 ||
	    query_run(db, SQL_DECISION_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(id), ARG_I(c->now_ms), ARG_I(-1),
			   ARG_I(-1), ARG_I(w->rollout_reason), ARG_T(w->by),
			   ARG_T(detail))) < 0)
		return -1;
	return event_insert(db, c, &v, e);
}

static int halt_rollouts(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct release_withdrawal *w = &c->in.withdrawal;
	char detail[DETAIL_MAX_LEN + 1];
	int64_t id = 0;

	if (text_format(detail, sizeof(detail), e,
			"its release was withdrawn by %s: %s", w->by, w->reason) < 0 ||
	    next_rollout(db, c, id, &id, e) < 0)
		return -1;
	while (id != 0) {
		if (halt_rollout(db, c, id, detail, e) < 0 ||
		    next_rollout(db, c, id, &id, e) < 0)
			return -1;
	}
	return query_run(db, SQL_WITHDRAW_OFFERS, e,
			 ARGS(ARG_T(c->tenant), ARG_T(w->release)));
}

int verb_RELEASE_WITHDRAW(struct conn *db, struct store_call *c, struct err *e)
{
	const struct release_withdrawal *w = &c->in.withdrawal;

	if (query_run(db, SQL_WITHDRAW, e,
		      ARGS(ARG_T(c->tenant), ARG_T(w->release), ARG_I(c->now_ms),
			   ARG_T(w->by), ARG_T(w->reason))) < 0)
		return -1;
	if (conn_changes(db) > 0 && halt_rollouts(db, c, e) < 0)
		return -1;
	return release_load_by_id(db, c, w->release, &c->out.release, e);
}

/* ---- its deployments ---- */

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

static int find_open(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct release_cancel *r = &c->in.release_cancel;

	if (query_open(db, SQL_WITHDRAW_OPEN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(r->release), ARG_I(r->shown),
			    ARG_T(r->after_device), ARG_I(r->after_deployment),
			    ARG_I(WITHDRAW_BATCH + 1))) < 0)
		return -1;
	return load_items(&q, c, WITHDRAW_BATCH, sizeof(struct frozen_out), load_open,
			  e);
}

int verb_RELEASE_CANCEL(struct conn *db, struct store_call *c, struct err *e)
{
	const char *release = c->in.release_cancel.release;
	const struct frozen_out *o;
	struct err why = ERR_INIT;

	if (release_check_offered(db, c->tenant, release, &why) == 0)
		return err_set(e, ERR_CONFLICT, "release %s is not withdrawn", release);
	if (why.code != ERR_CONFLICT) {
		*e = why;
		return -1;
	}
	if (find_open(db, c, e) < 0)
		return -1;
	o = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (deployment_supersede(db, c, o[i].deployment, why.text, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- all of them ---- */

static int load_withdrawn(struct conn *db, const char *tenant, const struct query *q,
			  void *ret, struct err *e)
{
	struct withdrawn_release *r = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, r->id, sizeof(r->id));
	query_text(q, 1, r->product, sizeof(r->product));
	query_text(q, 2, r->version, sizeof(r->version));
	return 0;
}

int verb_RELEASE_WITHDRAWN(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_WITHDRAW_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(MAX_WITHDRAWN + 1))) < 0 ||
	    load_items(&q, c, MAX_WITHDRAWN, sizeof(struct withdrawn_release),
		       load_withdrawn, e) < 0)
		return -1;
	if (c->more)
		return err_set(e, ERR_LIMIT, "more than %d withdrawn releases",
			       MAX_WITHDRAWN);
	return 0;
}

int withdrawn_unlist(struct conn *db, const struct store_call *c, struct err *e)
{
	int64_t n = 0;

	if (query_run_int(db, SQL_WITHDRAW_COUNT, &n, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	if ((uint64_t)n != c->in.publish.n_withdrawn)
		return err_set(e, ERR_PRECONDITION,
			       "a release was withdrawn in between");
	return query_run(db, SQL_WITHDRAW_UNLIST, e,
			 ARGS(ARG_T(c->tenant), ARG_I(c->now_ms)));
}
