/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of events, tokens, sessions, settings, and of the database itself. */
#include "verbs.h"

#include <string.h>

/* So long an API token that expired is still listed as such. */
#define SHOW_EXPIRED_MS ((int64_t)30 * 24 * 60 * 60 * 1000)

/* ---- events ---- */

int event_insert(struct conn *db, const struct store_call *c, const struct event *v,
		 struct err *e)
{
	return query_run(db, SQL_EVENT_INSERT, e,
			 ARGS(ARG_T(c->tenant), ARG_I(c->now_ms), ARG_I(v->type),
			      ARG_T(v->device), ARG_I(v->deployment), ARG_T(v->release),
			      ARG_T(v->subject)));
}

static int load_event(struct conn *db, const char *tenant, const struct query *q,
		      void *ret, struct err *e)
{
	struct event *v = ret;

	(void)db;
	(void)tenant;
	(void)e;
	v->id = (uint64_t)query_int(q, 0);
	v->at = query_int(q, 1);
	v->type = (enum event_type)query_int(q, 2);
	query_text(q, 3, v->device, sizeof(v->device));
	v->deployment = (uint64_t)query_int(q, 4);
	query_text(q, 5, v->release, sizeof(v->release));
	query_text(q, 6, v->subject, sizeof(v->subject));
	return 0;
}

int verb_EVENT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(db, SQL_EVENT_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.page.after_id),
			    ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct event), load_event, e);
}

int verb_EVENT_BOUNDS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_EVENT_BOUNDS, &q, e, ARGS(ARG_T(c->tenant))) < 0 ||
	    step_one(&q, "event", "bounds", e) < 0)
		return -1;
	c->out.bounds.oldest = (uint64_t)query_int(&q, 0);
	c->out.bounds.newest = (uint64_t)query_int(&q, 1);
	return 0;
}

/* A write that takes long holds up all others. */
#define PRUNE_AT_ONCE 1000

int verb_EVENT_PRUNE(struct conn *db, struct store_call *c, struct err *e)
{
	unsigned limit = c->in.prune.limit == 0 ? PRUNE_AT_ONCE : c->in.prune.limit;

	if (query_run(db, SQL_EVENT_PRUNE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->in.prune.before_id),
			   ARG_I(c->in.prune.before_ms), ARG_I(limit))) < 0)
		return -1;
	c->more = conn_changes(db) == (int64_t)limit;
	return 0;
}

/* ---- tokens ---- */

static int load_api_token(struct conn *db, const char *tenant, const struct query *q,
			  void *ret, struct err *e)
{
	struct api_token *t = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, t->tenant, sizeof(t->tenant));
	query_bytes(q, 1, t->hash, SHA256_LEN);
	query_text(q, 2, t->prefix, sizeof(t->prefix));
	query_text(q, 3, t->name, sizeof(t->name));
	t->role = (enum role)query_int(q, 4);
	query_text(q, 5, t->scope, sizeof(t->scope));
	query_text(q, 6, t->made_by, sizeof(t->made_by));
	t->created_at = query_int(q, 7);
	t->expires_at = query_int(q, 8);
	return 0;
}

int verb_API_TOKEN_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct api_token *t = &c->in.api_token;

	if (query_run(db, SQL_API_TOKEN_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_B(t->hash, SHA256_LEN),
			   ARG_T(t->prefix), ARG_T(t->name), ARG_I(t->role),
			   ARG_T(t->scope), ARG_T(t->made_by), ARG_I(c->now_ms),
			   ARG_I(t->expires_at), ARG_I(TENANT_MAX_TOKENS))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_LIMIT,
			       "there are %d API tokens already: revoke some first",
			       TENANT_MAX_TOKENS);
	return 0;
}

int verb_API_TOKEN_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_API_TOKEN_GET, &q, e,
		       ARGS(ARG_B(c->in.hash, SHA256_LEN), ARG_I(c->now_ms))) < 0 ||
	    step_one(&q, "API", "token", e) < 0)
		return -1;
	return load_api_token(db, c->tenant, &q, &c->out.api_token, e);
}

int verb_API_TOKEN_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_API_TOKEN_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(TENANT_MAX_TOKENS))) < 0)
		return -1;
	return load_items(&q, c, TENANT_MAX_TOKENS, sizeof(struct api_token),
			  load_api_token, e);
}

int verb_API_TOKEN_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	if (query_run(db, SQL_API_TOKEN_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_B(c->in.hash, SHA256_LEN))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no such API token");
	return 0;
}

int verb_ADMINS_END(struct conn *db, struct store_call *c, struct err *e)
{
	const struct arg args[] = {ARG_T(c->tenant), ARG_I(ROLE_ADMIN)};

	if (query_run(db, SQL_API_TOKEN_END_ROLE, e, args, N_ELEMS(args)) < 0 ||
	    query_run(db, SQL_LOGIN_END_ROLE, e, args, N_ELEMS(args)) < 0)
		return -1;
	return query_run(db, SQL_SESSION_END_ROLE, e, args, N_ELEMS(args));
}

/* ---- sessions ---- */

static int load_session(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct session *s = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, s->tenant, sizeof(s->tenant));
	query_bytes(q, 1, s->hash, SHA256_LEN);
	query_text(q, 2, s->user, sizeof(s->user));
	s->role = (enum role)query_int(q, 3);
	query_text(q, 4, s->scope, sizeof(s->scope));
	s->of_person = query_int(q, 5) != 0;
	query_text(q, 6, s->address, sizeof(s->address));
	s->created_at = query_int(q, 7);
	s->expires_at = query_int(q, 8);
	s->seen_at = query_int(q, 9);
	s->proved_at = query_int(q, 10);
	return 0;
}

static int session_end(struct conn *db, const uint8_t hash[SHA256_LEN], struct err *e)
{
	return query_run(db, SQL_SESSION_DELETE, e, ARGS(ARG_B(hash, SHA256_LEN)));
}

/* Its user's oldest ones make room for it. */
int session_insert(struct conn *db, const struct session *s,
		   const uint8_t old_hash[SHA256_LEN], struct err *e)
{
	if (session_end(db, old_hash, e) < 0)
		return -1;
	if (query_run(db, SQL_SESSION_CROWD, e,
		      ARGS(ARG_T(s->tenant), ARG_T(s->user),
			   ARG_I(PERSON_MAX_SESSIONS - 1))) < 0)
		return -1;
	return query_run(db, SQL_SESSION_INSERT, e,
			 ARGS(ARG_T(s->tenant), ARG_B(s->hash, SHA256_LEN),
			      ARG_T(s->user), ARG_I(s->role), ARG_T(s->scope),
			      ARG_I(s->of_person), ARG_T(s->address),
			      ARG_I(s->created_at), ARG_I(s->expires_at)));
}

int verb_LOGIN_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct login_token *t = &c->in.login;

	return query_run(db, SQL_LOGIN_INSERT, e,
			 ARGS(ARG_T(c->tenant), ARG_B(t->hash, SHA256_LEN),
			      ARG_T(t->user), ARG_I(t->role), ARG_I(t->expires_at)));
}

/* Deletes the token and says whose it was: it serves once. */
static int take_login(struct conn *db, struct store_call *c, struct session *ret,
		      struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_LOGIN_TAKE, &q, e,
		       ARGS(ARG_B(c->in.exchange.token_hash, SHA256_LEN),
			    ARG_I(c->now_ms))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return err_set(e, ERR_AUTH,
			       "this login link was used or is no longer valid");
	query_text(&q, 0, ret->tenant, sizeof(ret->tenant));
	query_text(&q, 1, ret->user, sizeof(ret->user));
	ret->role = (enum role)query_int(&q, 2);
	return 0;
}

int verb_LOGIN_EXCHANGE(struct conn *db, struct store_call *c, struct err *e)
{
	struct session *s = &c->out.session;

	*s = (struct session){.created_at = c->now_ms,
			      .seen_at = c->now_ms,
			      .proved_at = c->now_ms,
			      .expires_at = c->in.exchange.expires_at};
	memcpy(s->hash, c->in.exchange.session_hash, SHA256_LEN);
	memcpy(s->address, c->in.exchange.address, sizeof(s->address));
	if (take_login(db, c, s, e) < 0)
		return -1;
	/* only now is it known whose doing it is, and in which tenant's log it belongs */
	memcpy(c->tenant, s->tenant, sizeof(c->tenant));
	memcpy(c->audit.by.who, s->user, sizeof(s->user));
	c->audit.by.role = s->role;
	audit_complete_object(c, s->user);
	return session_insert(db, s, c->in.exchange.old_hash, e);
}

int verb_SESSION_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_SESSION_GET, &q, e,
		       ARGS(ARG_B(c->in.session_get.hash, SHA256_LEN), ARG_I(c->now_ms),
			    ARG_I(c->in.session_get.seen_since),
			    ARG_I(c->now_ms + PERSON_CLOCK_STEP_MS))) < 0 ||
	    step_one(&q, "such", "session", e) < 0)
		return -1;
	return load_session(db, c->tenant, &q, &c->out.session, e);
}

int verb_SESSION_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_SESSION_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.person_name),
			    ARG_I(c->now_ms), ARG_I(PERSON_MAX_SESSIONS))) < 0)
		return -1;
	return load_items(&q, c, PERSON_MAX_SESSIONS, sizeof(struct session),
			  load_session, e);
}

int verb_SESSION_TOUCH(struct conn *db, struct store_call *c, struct err *e)
{
	return query_run(db, SQL_SESSION_TOUCH, e,
			 ARGS(ARG_T(c->tenant),
			      ARG_B(c->in.session_touch.hash, SHA256_LEN),
			      ARG_I(c->now_ms), ARG_I(c->in.session_touch.proved)));
}

int verb_SESSION_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	return session_end(db, c->in.hash, e);
}

/* ---- settings ---- */

int verb_SETTING_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_SETTING_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.setting))) < 0 ||
	    step_one(&q, "setting", c->in.setting, e) < 0)
		return -1;
	return query_blob(&q, 0, &c->blob, e);
}

int verb_SETTING_PUT(struct conn *db, struct store_call *c, struct err *e)
{
	return query_run(db, SQL_SETTING_PUT, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.setting),
			      ARG_B(buf_str(&c->blob), c->blob.len)));
}

/* ---- the database itself ---- */

int verb_CHECK(struct conn *db, struct store_call *c, struct err *e)
{
	if (conn_get_schema(db, &c->out.check.schema, e) < 0 ||
	    conn_get_size(db, &c->out.check.size_bytes, e) < 0)
		return -1;
	if (conn_check(db, e) == 0)
		return 0;
	if (e->code == ERR_FORMAT)
		(void)err_wrap(e, "the database is damaged");
	return -1;
}

int verb_EXPIRE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct arg args[] = {ARG_T(c->tenant), ARG_I(c->now_ms)};

	if (query_run(db, SQL_EXPIRE_SESSIONS, e, args, N_ELEMS(args)) < 0 ||
	    query_run(db, SQL_API_TOKEN_EXPIRE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->now_ms - SHOW_EXPIRED_MS))) < 0)
		return -1;
	return query_run(db, SQL_EXPIRE_LOGINS, e, args, N_ELEMS(args));
}
