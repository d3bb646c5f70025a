/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of people and tenants, and what tenants may use. */
#include "verbs.h"

#include <string.h>

/* ---- people ---- */

static int load_person(struct conn *db, const char *tenant, const struct query *q,
		       void *ret, struct err *e)
{
	struct person *p = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, p->name, sizeof(p->name));
	query_text(q, 1, p->password, sizeof(p->password));
	p->role = (enum role)query_int(q, 2);
	query_text(q, 3, p->scope, sizeof(p->scope));
	p->disabled = query_int(q, 4) != 0;
	p->created_at = query_int(q, 5);
	p->password_at = query_int(q, 6);
	p->login_at = query_int(q, 7);
	p->revision = (uint64_t)query_int(q, 8);
	return 0;
}

static int person_load(struct conn *db, const char *tenant, const char *name,
		       struct person *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_PERSON_GET, &q, e, ARGS(ARG_T(tenant), ARG_T(name))) <
		0 ||
	    step_one(&q, "user", name, e) < 0)
		return -1;
	return load_person(db, tenant, &q, ret, e);
}

int verb_PERSON_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct person p = c->in.person;

	if (query_run(db, SQL_PERSON_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(p.name), ARG_T(p.password),
			   ARG_I(p.role), ARG_T(p.scope), ARG_I(p.disabled),
			   ARG_I(c->now_ms))) < 0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_CONFLICT, "there is a user \"%s\" already",
				      p.name);
		return -1;
	}
	return person_load(db, c->tenant, p.name, &c->out.person, e);
}

int verb_PERSON_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return person_load(db, c->tenant, c->in.person_name, &c->out.person, e);
}

int verb_PERSON_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(
		db, SQL_PERSON_LIST, &q, e,
		ARGS(ARG_T(c->tenant), ARG_T(c->in.page.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct person), load_person, e);
}

static int end_sessions(struct conn *db, const struct store_call *c, const char *name,
			struct err *e)
{
	return query_run(db, SQL_SESSION_END_PERSON, e,
			 ARGS(ARG_T(c->tenant), ARG_T(name)));
}

static int change(struct conn *db, const struct store_call *c,
		  const struct person_change *p, struct err *e)
{
	if (p->set_role && query_run(db, SQL_PERSON_ROLE, e,
				     ARGS(ARG_T(c->tenant), ARG_T(p->name),
					  ARG_I(p->role), ARG_T(p->scope))) < 0)
		return -1;
	if (p->set_disabled &&
	    query_run(db, SQL_PERSON_DISABLED, e,
		      ARGS(ARG_T(c->tenant), ARG_T(p->name), ARG_I(p->disabled))) < 0)
		return -1;
	if (!p->set_password)
		return 0;
	return query_run(db, SQL_PERSON_PASSWORD, e,
			 ARGS(ARG_T(c->tenant), ARG_T(p->name), ARG_T(p->password),
			      ARG_I(c->now_ms)));
}

int verb_PERSON_SET(struct conn *db, struct store_call *c, struct err *e)
{
	const struct person_change p = c->in.person_change;
	struct person was;

	if (person_load(db, c->tenant, p.name, &was, e) < 0)
		return -1;
	if (p.expect_revision != 0 && p.expect_revision != was.revision)
		return err_set(e, ERR_PRECONDITION,
			       "the user \"%s\" was changed in between", p.name);
	if (change(db, c, &p, e) < 0 || end_sessions(db, c, p.name, e) < 0)
		return -1;
	return person_load(db, c->tenant, p.name, &c->out.person, e);
}

int verb_PERSON_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	const char *name = c->in.person_name;

	if (query_run(db, SQL_PERSON_DELETE, e, ARGS(ARG_T(c->tenant), ARG_T(name))) <
	    0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no user \"%s\"", name);
	return end_sessions(db, c, name, e);
}

/* What the password was checked against must still hold: between the two a user may
 * have been disabled or given another password. */
int verb_SESSION_OPEN(struct conn *db, struct store_call *c, struct err *e)
{
	const struct session_open *o = &c->in.session_open;
	struct session *s = &c->out.session;
	struct person p;

	if (person_load(db, c->tenant, o->name, &p, e) < 0 || p.disabled ||
	    p.revision != o->revision)
		return err_set(e, ERR_AUTH, "the user was changed just now");
	*s = (struct session){.role = p.role,
			      .of_person = true,
			      .created_at = c->now_ms,
			      .seen_at = c->now_ms,
			      .proved_at = c->now_ms,
			      .expires_at = o->expires_at};
	memcpy(s->tenant, c->tenant, sizeof(s->tenant));
	memcpy(s->user, p.name, sizeof(s->user));
	memcpy(s->scope, p.scope, sizeof(s->scope));
	memcpy(s->hash, o->hash, SHA256_LEN);
	memcpy(s->address, o->address, sizeof(s->address));
	if (query_run(db, SQL_PERSON_LOGIN, e,
		      ARGS(ARG_T(c->tenant), ARG_T(p.name), ARG_I(c->now_ms))) < 0)
		return -1;
	return session_insert(db, s, o->old_hash, e);
}

/* ---- tenants ---- */

static int load_tenant(struct conn *db, const char *tenant, const struct query *q,
		       void *ret, struct err *e)
{
	struct tenant *t = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, t->name, sizeof(t->name));
	t->created_at = query_int(q, 1);
	t->max_devices = (uint64_t)query_int(q, 2);
	t->max_bytes = (uint64_t)query_int(q, 3);
	t->max_uploads = (uint64_t)query_int(q, 4);
	t->max_streams = (uint64_t)query_int(q, 5);
	t->n_devices = (uint64_t)query_int(q, 6);
	t->settings.poll_interval_ms = (uint64_t)query_int(q, 7);
	t->settings.target_tokens = (enum choice)query_int(q, 8);
	t->settings.gateway_tokens = (enum choice)query_int(q, 9);
	t->settings.plain_links = (enum choice)query_int(q, 10);
	t->settings.revision = (uint64_t)query_int(q, 11);
	return 0;
}

int tenant_load(struct conn *db, const char *name, struct tenant *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_TENANT_GET, &q, e, ARGS(ARG_T(name))) < 0 ||
	    step_one(&q, "tenant", name, e) < 0)
		return -1;
	return load_tenant(db, name, &q, ret, e);
}

int verb_TENANT_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct tenant t = c->in.tenant_row;

	if (query_run(db, SQL_TENANT_INSERT, e,
		      ARGS(ARG_T(t.name), ARG_I(c->now_ms), ARG_I(t.max_devices),
			   ARG_I(t.max_bytes), ARG_I(t.max_uploads),
			   ARG_I(t.max_streams))) < 0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_CONFLICT,
				      "there is a tenant \"%s\" already", t.name);
		return -1;
	}
	return tenant_load(db, t.name, &c->out.tenant_row, e);
}

int verb_TENANT_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return tenant_load(db, c->tenant, &c->out.tenant_row, e);
}

int verb_TENANT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_TENANT_LIST, &q, e, ARGS(ARG_I(MAX_TENANTS + 1))) < 0)
		return -1;
	return load_items(&q, c, MAX_TENANTS, sizeof(struct tenant), load_tenant, e);
}

int verb_TENANT_SET(struct conn *db, struct store_call *c, struct err *e)
{
	const struct tenant t = c->in.tenant_row;

	if (query_run(db, SQL_TENANT_SET, e,
		      ARGS(ARG_T(t.name), ARG_I(t.max_devices), ARG_I(t.max_bytes),
			   ARG_I(t.max_uploads), ARG_I(t.max_streams))) < 0)
		return -1;
	return tenant_load(db, t.name, &c->out.tenant_row, e);
}

/* ---- what a tenant may use ---- */

int tenant_take_device(struct conn *db, const struct store_call *c, struct err *e)
{
	struct tenant t;

	if (query_run(db, SQL_TENANT_TAKE_DEVICE, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	if (conn_changes(db) > 0)
		return 0;
	if (tenant_load(db, c->tenant, &t, e) < 0)
		return -1;
	return err_set(e, ERR_QUOTA, "this tenant has its %llu devices already",
		       (unsigned long long)t.max_devices);
}

int tenant_give_device(struct conn *db, const struct store_call *c, struct err *e)
{
	return query_run(db, SQL_TENANT_GIVE_DEVICE, e, ARGS(ARG_T(c->tenant)));
}

int tenant_check_upload(struct conn *db, const struct store_call *c, uint64_t size,
			struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	uint64_t used;
	struct tenant t;

	if (tenant_load(db, c->tenant, &t, e) < 0)
		return -1;
	if (t.max_bytes == 0 && t.max_uploads == 0)
		return 0;
	if (query_open(db, SQL_TENANT_USED, &q, e, ARGS(ARG_T(c->tenant))) < 0 ||
	    step_one(&q, "tenant", c->tenant, e) < 0)
		return -1;
	used = (uint64_t)query_int(&q, 0) + (uint64_t)query_int(&q, 1);
	if (t.max_uploads != 0 && (uint64_t)query_int(&q, 2) >= t.max_uploads)
		return err_set(e, ERR_QUOTA,
			       "this tenant has its %llu uploads in flight already",
			       (unsigned long long)t.max_uploads);
	if (t.max_bytes != 0 && (size > t.max_bytes || used > t.max_bytes - size))
		return err_set(e, ERR_QUOTA,
			       "this tenant uses %llu of its %llu bytes: %llu more do "
			       "not fit",
			       (unsigned long long)used,
			       (unsigned long long)t.max_bytes,
			       (unsigned long long)size);
	return 0;
}
