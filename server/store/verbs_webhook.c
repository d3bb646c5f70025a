/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of webhooks. A delivery and the cursor's move are one transaction. */
#include "verbs.h"

#include <string.h>

#define ACTIVE_MAX 10000

/* ---- webhooks ---- */

static int load_secret(const struct query *q, int column, struct webhook *ret,
		       struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(sizeof(ret->sealed));

	if (query_blob(q, column, &bytes, e) < 0)
		return -1;
	ret->sealed_len = bytes.len;
	if (bytes.len > 0)
		memcpy(ret->sealed, bytes.data, bytes.len);
	return 0;
}

static int load_webhook(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct webhook *w = ret;

	(void)db;
	(void)tenant;
	query_text(q, 0, w->id, sizeof(w->id));
	query_text(q, 1, w->tenant, sizeof(w->tenant));
	query_text(q, 2, w->url, sizeof(w->url));
	w->events = (uint64_t)query_int(q, 3);
	w->active = query_int(q, 4) != 0;
	query_text(q, 5, w->reason, sizeof(w->reason));
	w->cursor = (uint64_t)query_int(q, 7);
	w->attempts = (unsigned)query_int(q, 8);
	w->next_at = query_int(q, 9);
	w->created_at = query_int(q, 10);
	w->delivered_at = query_int(q, 11);
	return load_secret(q, 6, w, e);
}

static int load_by_id(struct conn *db, struct store_call *c, const char *id,
		      struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_WEBHOOK_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_T(id))) <
		0 ||
	    step_one(&q, "webhook", id, e) < 0)
		return -1;
	return load_webhook(db, c->tenant, &q, &c->out.webhook, e);
}

int verb_WEBHOOK_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook *w = &c->in.webhook;

	if (query_run(db, SQL_WEBHOOK_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(w->id), ARG_T(w->url),
			   ARG_I(w->events), ARG_I(w->active ? 1 : 0),
			   ARG_B(w->sealed, w->sealed_len), ARG_I(c->now_ms),
			   ARG_I(WEBHOOK_MAX_PER_TENANT))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_LIMIT, "there are %d webhooks already",
			       WEBHOOK_MAX_PER_TENANT);
	return load_by_id(db, c, w->id, e);
}

int verb_WEBHOOK_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return load_by_id(db, c, c->in.webhook_page.id, e);
}

int verb_WEBHOOK_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_WEBHOOK_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(WEBHOOK_MAX_PER_TENANT))) < 0)
		return -1;
	return load_items(&q, c, WEBHOOK_MAX_PER_TENANT, sizeof(struct webhook),
			  load_webhook, e);
}

int verb_WEBHOOK_ACTIVE(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_WEBHOOK_ACTIVE, &q, e, ARGS(ARG_I(ACTIVE_MAX))) < 0)
		return -1;
	return load_items(&q, c, ACTIVE_MAX, sizeof(struct webhook), load_webhook, e);
}

int verb_WEBHOOK_UPDATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook_change *w = &c->in.webhook_change;

	if (w->set_url &&
	    query_run(db, SQL_WEBHOOK_SET_URL, e,
		      ARGS(ARG_T(c->tenant), ARG_T(w->id), ARG_T(w->url))) < 0)
		return -1;
	if (w->set_events &&
	    query_run(db, SQL_WEBHOOK_SET_EVENTS, e,
		      ARGS(ARG_T(c->tenant), ARG_T(w->id), ARG_I(w->events))) < 0)
		return -1;
	if (w->set_active && query_run(db, SQL_WEBHOOK_SET_ACTIVE, e,
				       ARGS(ARG_T(c->tenant), ARG_T(w->id),
					    ARG_I(w->active ? 1 : 0))) < 0)
		return -1;
	return load_by_id(db, c, w->id, e);
}

int verb_WEBHOOK_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	const char *id = c->in.webhook_page.id;

	if (query_run(db, SQL_WEBHOOK_DELETE, e, ARGS(ARG_T(c->tenant), ARG_T(id))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no webhook \"%s\"", id);
	return 0;
}

/* ---- deliveries ---- */

static int load_delivery(struct conn *db, const char *tenant, const struct query *q,
			 void *ret, struct err *e)
{
	struct webhook_delivery *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	d->id = (uint64_t)query_int(q, 0);
	d->event = (uint64_t)query_int(q, 1);
	d->type = (enum event_type)query_int(q, 2);
	d->at = query_int(q, 3);
	d->attempt = (unsigned)query_int(q, 4);
	d->replay = query_int(q, 5) != 0;
	d->status = (int)query_int(q, 6);
	d->duration_ms = (unsigned)query_int(q, 7);
	d->delivered = query_int(q, 8) != 0;
	query_text(q, 9, d->error, sizeof(d->error));
	query_text(q, 10, d->excerpt, sizeof(d->excerpt));
	return 0;
}

static int insert_delivery(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook_result *r = &c->in.webhook_result;
	const struct webhook_delivery *d = &r->delivery;

	if (query_run(db, SQL_WEBHOOK_DELIVERY_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_I(d->event),
			   ARG_I(d->type), ARG_I(c->now_ms), ARG_I(d->attempt),
			   ARG_I(d->replay ? 1 : 0), ARG_I(d->status),
			   ARG_I(d->duration_ms), ARG_I(d->delivered ? 1 : 0),
			   ARG_T(d->error), ARG_T(d->excerpt))) < 0)
		return -1;
	return query_run(
	    db, SQL_WEBHOOK_DELIVERY_PRUNE, e,
	    ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_I(WEBHOOK_KEEP_DELIVERIES)));
}

int verb_WEBHOOK_RESULT(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook_result *r = &c->in.webhook_result;
	bool delivered = r->has_delivery && r->delivery.delivered;

	if (query_run(db, SQL_WEBHOOK_MOVE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_I(r->expect_cursor),
			   ARG_I(r->cursor), ARG_I(r->attempts), ARG_I(r->next_at),
			   ARG_I(r->give_up ? 1 : 0), ARG_T(r->reason),
			   ARG_I(delivered ? c->now_ms : 0))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_PRECONDITION, "webhook %s changed in between",
			       r->id);
	if (r->has_delivery && insert_delivery(db, c, e) < 0)
		return -1;
	return load_by_id(db, c, r->id, e);
}

int verb_WEBHOOK_REPLAYED(struct conn *db, struct store_call *c, struct err *e)
{
	if (load_by_id(db, c, c->in.webhook_result.id, e) < 0)
		return -1;
	return insert_delivery(db, c, e);
}

int verb_WEBHOOK_DELIVERIES(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook_page *p = &c->in.webhook_page;
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit =
	    p->limit == 0 || p->limit > STORE_LIST_MAX ? STORE_LIST_MAX : p->limit;

	if (load_by_id(db, c, p->id, e) < 0 ||
	    query_open(db, SQL_WEBHOOK_DELIVERIES, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(p->id), ARG_I(p->delivery),
			    ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct webhook_delivery), load_delivery,
			  e);
}

int verb_WEBHOOK_DELIVERY_GET(struct conn *db, struct store_call *c, struct err *e)
{
	const struct webhook_page *p = &c->in.webhook_page;
	AUTO(query) struct query q = QUERY_INIT;
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)p->delivery);
	if (query_open(db, SQL_WEBHOOK_DELIVERY_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(p->id), ARG_I(p->delivery))) < 0 ||
	    step_one(&q, "delivery", id, e) < 0)
		return -1;
	return load_delivery(db, c->tenant, &q, &c->out.webhook_delivery, e);
}
