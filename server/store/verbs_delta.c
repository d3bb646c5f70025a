/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of deltas and of the online roles that list them. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

static int load_delta(struct conn *db, const char *tenant, const struct query *q,
		      void *ret, struct err *e)
{
	struct fleet_delta *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*d = (struct fleet_delta){.id = (uint64_t)query_int(q, 0)};
	query_text(q, 1, d->product, sizeof(d->product));
	query_text(q, 2, d->from, sizeof(d->from));
	query_text(q, 3, d->from_version, sizeof(d->from_version));
	query_text(q, 4, d->to, sizeof(d->to));
	query_text(q, 5, d->to_version, sizeof(d->to_version));
	d->state = (enum delta_progress)query_int(q, 6);
	query_text(q, 7, d->detail, sizeof(d->detail));
	d->withdrawn = query_int(q, 8) != 0;
	d->n_tries = (unsigned)query_int(q, 9);
	query_bytes(q, 10, d->head_sha256, SHA256_LEN);
	query_bytes(q, 11, d->body_sha256, SHA256_LEN);
	d->head_size = (uint64_t)query_int(q, 12);
	d->body_size = (uint64_t)query_int(q, 13);
	d->full_size = (uint64_t)query_int(q, 14);
	d->cpu_ms = (uint64_t)query_int(q, 15);
	d->created_at = query_int(q, 16);
	d->made_at = query_int(q, 17);
	d->n_used = (uint64_t)query_int(q, 18);
	d->unwraps = query_int(q, 19) != 0;
	query_text(q, 20, d->needs, sizeof(d->needs));
	return 0;
}

static int load_by_id(struct conn *db, const struct store_call *c, uint64_t id,
		      struct fleet_delta *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (query_open(db, SQL_DELTA_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_I(id))) <
		0 ||
	    step_one(&q, "delta", text, e) < 0)
		return -1;
	return load_delta(db, c->tenant, &q, ret, e);
}

/* ---- what is wanted ---- */

static int load_pair(struct conn *db, const char *tenant, const struct query *q,
		     void *ret, struct err *e)
{
	struct delta_pair *p = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, p->from, sizeof(p->from));
	query_text(q, 1, p->to, sizeof(p->to));
	p->n_devices = (uint64_t)query_int(q, 2);
	p->unwraps = query_int(q, 3) != 0;
	return 0;
}

int verb_DELTA_PAIRS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DELTA_PAIRS, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(GRADE_PROVEN),
			    ARG_I(DELTA_WANTED_AT_ONCE + 1))) < 0)
		return -1;
	return load_items(&q, c, DELTA_WANTED_AT_ONCE, sizeof(struct delta_pair),
			  load_pair, e);
}

int verb_DELTA_ADD(struct conn *db, struct store_call *c, struct err *e)
{
	const struct delta_pair *p = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_DELTA_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_T(p[i].from), ARG_T(p[i].to),
				   ARG_I(p[i].unwraps), ARG_I(p[i].n_devices),
				   ARG_I(c->now_ms))) < 0)
			return -1;
	}
	return 0;
}

/* ---- making ---- */

static int find_next(struct conn *db, const struct store_call *c,
		     struct fleet_delta *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DELTA_NEXT, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->now_ms))) < 0 ||
	    step_one(&q, "delta to make", "", e) < 0)
		return -1;
	return load_delta(db, c->tenant, &q, ret, e);
}

static int end_delta(struct conn *db, const struct store_call *c,
		     const struct fleet_delta *d, struct err *e)
{
	bool made = d->state == DELTA_MADE;
	size_t len = made ? SHA256_LEN : 0;

	if (query_run(db, SQL_DELTA_END, e,
		      ARGS(ARG_T(c->tenant), ARG_I(d->id), ARG_I(d->state),
			   ARG_T(d->detail), ARG_B(d->head_sha256, len),
			   ARG_B(d->body_sha256, len), ARG_I(made ? d->head_size : 0),
			   ARG_I(made ? d->body_size : 0), ARG_I(d->cpu_ms),
			   ARG_I(c->now_ms), ARG_T(made ? d->needs : ""))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_PRECONDITION, "the delta is not being made");
	return 0;
}

/* One that was begun so often and never ended takes its maker down with it. */
static int give_up(struct conn *db, const struct store_call *c, struct fleet_delta *d,
		   struct err *e)
{
	d->state = DELTA_FAILED;
	(void)snprintf(d->detail, sizeof(d->detail),
		       "given up: begun %u times and never ended", d->n_tries);
	return end_delta(db, c, d, e);
}

int verb_DELTA_TAKE(struct conn *db, struct store_call *c, struct err *e)
{
	struct fleet_delta *d = &c->out.delta;

	for (;;) {
		if (find_next(db, c, d, e) < 0)
			return -1;
		if (d->n_tries < DELTA_MAX_TRIES)
			break;
		if (give_up(db, c, d, e) < 0)
			return -1;
	}
	if (query_run(db, SQL_DELTA_BEGIN, e,
		      ARGS(ARG_T(c->tenant), ARG_I(d->id),
			   ARG_I(c->now_ms + c->in.delta_lease_ms))) < 0)
		return -1;
	return load_by_id(db, c, d->id, d, e);
}

int verb_DELTA_END(struct conn *db, struct store_call *c, struct err *e)
{
	if (end_delta(db, c, &c->in.delta, e) < 0)
		return -1;
	return load_by_id(db, c, c->in.delta.id, &c->out.delta, e);
}

/* ---- reading ---- */

int verb_DELTA_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(db, SQL_DELTA_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.page.text),
			    ARG_I(c->in.page.after_id), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct fleet_delta), load_delta, e);
}

int verb_DELTA_LINES(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DELTA_LINES, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.page.text),
			    ARG_I(DELTA_MAX_LISTED))) < 0)
		return -1;
	return load_items(&q, c, DELTA_MAX_LISTED, sizeof(struct fleet_delta),
			  load_delta, e);
}

static int load_product(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct fleet_delta *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*d = (struct fleet_delta){.state = (enum delta_progress)query_int(q, 1)};
	query_text(q, 0, d->product, sizeof(d->product));
	return 0;
}

int verb_DELTA_PRODUCTS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DELTA_PRODUCTS, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(DELTA_MAX_PRODUCTS))) < 0)
		return -1;
	return load_items(&q, c, DELTA_MAX_PRODUCTS, sizeof(struct fleet_delta),
			  load_product, e);
}

int verb_DELTA_FIND(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct delta_find *f = &c->in.delta_find;

	if (query_open(db, SQL_DELTA_FIND, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(f->to), ARG_T(f->product),
			    ARG_T(f->version), ARG_I(DELTA_KINDS + 1))) < 0)
		return -1;
	return load_items(&q, c, DELTA_KINDS, sizeof(struct fleet_delta), load_delta,
			  e);
}

/* ---- the online roles ---- */

int verb_ONLINE_ROLE_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct online_role *r = &c->in.online_role;

	if (query_open(db, SQL_ONLINE_ROLE_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(r->name), ARG_I(r->version))) < 0 ||
	    step_one(&q, "metadata", r->name, e) < 0)
		return -1;
	return query_blob(&q, 0, &c->blob, e);
}

static int load_role(struct conn *db, const char *tenant, const struct query *q,
		     void *ret, struct err *e)
{
	struct online_role *r = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*r = (struct online_role){.version = (uint64_t)query_int(q, 1)};
	query_text(q, 0, r->name, sizeof(r->name));
	return 0;
}

int verb_ONLINE_ROLE_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ONLINE_ROLE_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(DELTA_MAX_PRODUCTS + 1))) < 0)
		return -1;
	return load_items(&q, c, DELTA_MAX_PRODUCTS + 1, sizeof(struct online_role),
			  load_role, e);
}

int online_roles_publish(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct online_role *r = c->in.publish.roles;

	for (size_t i = 0; i < c->in.publish.n_roles; i++) {
		if (query_run(db, SQL_ONLINE_ROLE_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_T(r[i].name),
				   ARG_I(r[i].version), ARG_B(r[i].data, r[i].len))) <
			0 ||
		    query_run(db, SQL_ONLINE_ROLE_PRUNE, e,
			      ARGS(ARG_T(c->tenant), ARG_T(r[i].name))) < 0)
			return -1;
	}
	for (size_t i = 0; i < c->in.publish.n_deltas; i++) {
		if (query_run(db, SQL_DELTA_PUBLISHED, e,
			      ARGS(ARG_T(c->tenant), ARG_I(c->in.publish.deltas[i]))) <
		    0)
			return -1;
	}
	return 0;
}
