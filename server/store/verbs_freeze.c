/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the freeze. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

int freeze_load(struct conn *db, const char *tenant, struct freeze *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	*ret = (struct freeze){.on = false};
	if (query_open(db, SQL_FREEZE_GET, &q, e, ARGS(ARG_T(tenant))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return 0;
	ret->on = query_int(&q, 0) != 0;
	ret->since = query_int(&q, 1);
	ret->ended_at = query_int(&q, 2);
	query_text(&q, 3, ret->by, sizeof(ret->by));
	query_text(&q, 4, ret->reason, sizeof(ret->reason));
	ret->cancel_running = query_int(&q, 5) != 0;
	return 0;
}

int freeze_check(struct conn *db, const char *tenant, struct err *e)
{
	struct freeze f;

	if (freeze_load(db, tenant, &f, e) < 0)
		return -1;
	if (f.on)
		return err_set(e, ERR_FROZEN,
			       "updates are frozen by %s until ota thaw: %s", f.by,
			       f.reason);
	return 0;
}

int verb_FREEZE_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return freeze_load(db, c->tenant, &c->out.freeze, e);
}

int verb_FREEZE_PUT(struct conn *db, struct store_call *c, struct err *e)
{
	const struct freeze *f = &c->in.freeze;

	if (query_run(db, SQL_FREEZE_PUT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->now_ms), ARG_T(f->by),
			   ARG_T(f->reason), ARG_I(f->cancel_running))) < 0)
		return -1;
	return freeze_load(db, c->tenant, &c->out.freeze, e);
}

int verb_FREEZE_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	if (query_run(db, SQL_FREEZE_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->now_ms))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "nothing is frozen");
	return 0;
}

/* ---- cancelling what was shown ---- */

static int load_shown(struct conn *db, const char *tenant, const struct query *q,
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

static int find_shown(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DEPLOYMENT_SHOWN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.device_id),
			    ARG_I(FREEZE_CANCEL_BATCH + 1))) < 0)
		return -1;
	return load_items(&q, c, FREEZE_CANCEL_BATCH, sizeof(struct frozen_out),
			  load_shown, e);
}

static int cancel_shown(struct conn *db, struct store_call *c,
			const struct frozen_out *o, const char *why, struct err *e)
{
	struct event v = {.type = EVENT_DEPLOYMENT, .deployment = o->deployment};

	memcpy(v.device, o->device, sizeof(v.device));
	if (query_run(db, SQL_DEPLOYMENT_SUPERSEDE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(o->deployment),
			   ARG_I(DEPLOYMENT_CANCELLING), ARG_T(why),
			   ARG_I(c->now_ms))) < 0)
		return -1;
	return event_insert(db, c, &v, e);
}

int verb_FREEZE_CANCEL(struct conn *db, struct store_call *c, struct err *e)
{
	char why[DETAIL_MAX_LEN + 1];
	struct freeze f;

	if (freeze_load(db, c->tenant, &f, e) < 0)
		return -1;
	if (!f.on || !f.cancel_running)
		return err_set(e, ERR_CONFLICT, "the freeze was ended in between");
	if (find_shown(db, c, e) < 0 ||
	    text_format(why, sizeof(why), e, "frozen: %s", f.reason) < 0)
		return -1;
	for (size_t i = 0; i < c->n_items; i++) {
		const struct frozen_out *o = c->items;

		if (cancel_shown(db, c, &o[i], why, e) < 0)
			return -1;
	}
	return 0;
}
