/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of idempotency keys. */
#include "verbs.h"

#include <string.h>

static int load_once(struct conn *db, struct store_call *c, struct once *ret,
		     struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_ONCE_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_B(c->in.once.key, SHA256_LEN))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row) {
		ret->state = ONCE_NEW;
		return 0;
	}
	query_bytes(&q, 0, ret->request, SHA256_LEN);
	ret->at = query_int(&q, 1);
	ret->status = (int)query_int(&q, 2);
	query_text(&q, 3, ret->type, sizeof(ret->type));
	ret->state = ret->status == 0 ? ONCE_OPEN : ONCE_DONE;
	return ret->state == ONCE_DONE && !query_is_null(&q, 4)
		   ? query_blob(&q, 4, &c->blob, e)
		   : 0;
}

/* A key that is too old but not yet swept is as good as none. */
static int forget_old(struct conn *db, struct store_call *c, struct once *found,
		      struct err *e)
{
	if (found->state == ONCE_NEW || found->at >= c->in.once.since)
		return 0;
	found->state = ONCE_NEW;
	buf_clear(&c->blob);
	return query_run(db, SQL_ONCE_FORGET, e,
			 ARGS(ARG_T(c->tenant), ARG_B(c->in.once.key, SHA256_LEN)));
}

static int insert_once(struct conn *db, const struct store_call *c, struct err *e)
{
	int64_t n;

	if (query_run_int(db, SQL_ONCE_SPAN, &n, e,
			  ARGS(ARG_T(c->tenant), ARG_B(c->in.once.owner, SHA256_LEN))) <
	    0)
		return -1;
	if (n >= c->in.once.max_keys)
		return err_set(e, ERR_RATE,
			       "you used %u idempotency keys within a day, no more are "
			       "kept: come back, or send it without one",
			       c->in.once.max_keys);
	return query_run(db, SQL_ONCE_INSERT, e,
			 ARGS(ARG_T(c->tenant), ARG_B(c->in.once.key, SHA256_LEN),
			      ARG_B(c->in.once.request, SHA256_LEN), ARG_I(c->now_ms),
			      ARG_B(c->in.once.owner, SHA256_LEN)));
}

int verb_ONCE_BEGIN(struct conn *db, struct store_call *c, struct err *e)
{
	struct once *found = &c->out.once;

	*found = c->in.once;
	buf_clear(&c->blob);
	if (query_run(db, SQL_ONCE_EXPIRE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->in.once.since))) < 0 ||
	    load_once(db, c, found, e) < 0 || forget_old(db, c, found, e) < 0)
		return -1;
	return found->state == ONCE_NEW ? insert_once(db, c, e) : 0;
}

int verb_ONCE_END(struct conn *db, struct store_call *c, struct err *e)
{
	const struct once *o = &c->in.once;

	return query_run(db, SQL_ONCE_ANSWER, e,
			 ARGS(ARG_T(c->tenant), ARG_B(o->key, SHA256_LEN),
			      ARG_I(o->status), ARG_T(o->type),
			      ARG_B(c->blob.data, c->blob.len)));
}

int verb_ONCE_DROP(struct conn *db, struct store_call *c, struct err *e)
{
	return query_run(db, SQL_ONCE_DROP, e,
			 ARGS(ARG_T(c->tenant), ARG_B(c->in.once.key, SHA256_LEN)));
}
