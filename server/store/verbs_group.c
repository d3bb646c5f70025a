/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of groups. A rule that is stored always compiles: the groups that it names
 * exist, and none leads back to it. Deleting a group that a rule names is refused, so
 * this stays so.
 */
#include "verbs.h"

#include "filter_sql.h"

#include <stdlib.h>
#include <string.h>

static int load_group(struct conn *db, const char *tenant, const struct query *q,
		      void *ret, struct err *e)
{
	struct fleet_group *g = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, g->name, sizeof(g->name));
	query_text(q, 1, g->about, sizeof(g->about));
	g->is_rule = query_int(q, 2) != 0;
	query_text(q, 3, g->rule, sizeof(g->rule));
	g->created_at = query_int(q, 4);
	g->updated_at = query_int(q, 5);
	g->revision = (uint64_t)query_int(q, 6);
	return 0;
}

int verb_GROUP_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(
		db, SQL_GROUP_LIST, &q, e,
		ARGS(ARG_T(c->tenant), ARG_T(c->in.page.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct fleet_group), load_group, e);
}

static int get_group(struct conn *db, struct store_call *c, const char *name,
		     struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_GROUP_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_T(name))) <
		0 ||
	    step_one(&q, "group", name, e) < 0)
		return -1;
	return load_group(db, c->tenant, &q, &c->out.group, e);
}

int verb_GROUP_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return get_group(db, c, c->in.name, e);
}

/* ---- writing ---- */

/* Compiling the rule follows every group in it: what is missing, or leads back to itself,
 * is found by that. It is stored already, so its own name leads somewhere. */
static int check_rule(struct conn *db, struct store_call *c, const char *rule,
		      struct err *e)
{
	AUTO_FREE struct filter *f = malloc(sizeof(*f));
	AUTO(sql_make) struct sql_make m;
	const struct filter_scope scope = {
	    .db = db, .tenant = c->tenant, .now_ms = c->now_ms, .depth = 1};

	sql_make_init(&m);
	if (f == NULL)
		return err_nomem(e);
	if (filter_parse(rule, f, e) < 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	filter_sql_add(&m, f, &scope);
	if (m.err.code == ERR_NONE)
		return 0;
	*e = m.err;
	return -1;
}

static int insert_group(struct conn *db, struct store_call *c,
			const struct fleet_group *g, struct err *e)
{
	int64_t n;

	if (query_run_int(db, SQL_GROUP_COUNT, &n, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	if (n >= GROUPS_MAX)
		return err_set(e, ERR_RATE, "there are %d groups already", GROUPS_MAX);
	return query_run(db, SQL_GROUP_INSERT, e,
			 ARGS(ARG_T(c->tenant), ARG_T(g->name), ARG_T(g->about),
			      ARG_I(g->is_rule), ARG_T(g->rule), ARG_I(c->now_ms)));
}

static int update_group(struct conn *db, struct store_call *c,
			const struct fleet_group *g, struct err *e)
{
	if (g->is_rule && query_run(db, SQL_GROUP_MEMBER_CLEAR, e,
				    ARGS(ARG_T(c->tenant), ARG_T(g->name))) < 0)
		return -1;
	return query_run(db, SQL_GROUP_UPDATE, e,
			 ARGS(ARG_T(c->tenant), ARG_T(g->name), ARG_T(g->about),
			      ARG_I(g->is_rule), ARG_T(g->rule), ARG_I(c->now_ms)));
}

int verb_GROUP_PUT(struct conn *db, struct store_call *c, struct err *e)
{
	const struct fleet_group *g = &c->in.group_put.group;
	uint64_t expect = c->in.group_put.expect_revision;
	struct err why = ERR_INIT;
	bool there = get_group(db, c, g->name, &why) == 0;

	if (!there && why.code != ERR_NOT_FOUND) {
		*e = why;
		return -1;
	}
	if (there && c->in.group_put.create)
		return err_set(e, ERR_CONFLICT, "there is a group \"%s\" already",
			       g->name);
	if (expect != 0 && (!there || c->out.group.revision != expect))
		return err_set(e, ERR_PRECONDITION, "group \"%s\" changed in between",
			       g->name);
	if ((there ? update_group(db, c, g, e) : insert_group(db, c, g, e)) < 0 ||
	    (g->is_rule && check_rule(db, c, g->rule, e) < 0))
		return -1;
	return get_group(db, c, g->name, e);
}

struct naming {
	const char *group;
	bool found;
};

static int is_named(const char *group, uint16_t column, void *ctx)
{
	struct naming *n = ctx;

	(void)column;
	n->found |= strcmp(group, n->group) == 0;
	return 0;
}

/* ERR_CONFLICT if a rule names the group. */
static int check_unnamed(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO_FREE struct filter *f = malloc(sizeof(*f));
	AUTO(query) struct query q = QUERY_INIT;
	char name[GROUP_NAME_MAX_LEN + 1], rule[FILTER_TEXT_MAX_LEN + 1];
	struct naming n = {.group = c->in.name};
	bool row;

	if (f == NULL)
		return err_nomem(e);
	if (query_open(db, SQL_GROUP_RULES, &q, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	for (;;) {
		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_text(&q, 0, name, sizeof(name));
		query_text(&q, 1, rule, sizeof(rule));
		if (filter_parse(rule, f, NULL) == 0)
			(void)filter_each_group(f, is_named, &n);
		if (n.found)
			return err_set(e, ERR_CONFLICT,
				       "the rule of group \"%s\" names group \"%s\"",
				       name, c->in.name);
	}
}

/* A role for the group is no role for the next one of that name. */
static int unscope(struct conn *db, const struct store_call *c, struct err *e)
{
	static const enum sql all[] = {SQL_PERSON_UNSCOPE, SQL_SESSION_UNSCOPE,
				       SQL_API_TOKEN_UNSCOPE};

	for (size_t i = 0; i < N_ELEMS(all); i++) {
		if (query_run(db, all[i], e,
			      ARGS(ARG_T(c->tenant), ARG_T(c->in.name))) < 0)
			return -1;
	}
	return 0;
}

int verb_GROUP_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	if (check_unnamed(db, c, e) < 0 ||
	    query_run(db, SQL_GROUP_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(c->in.name))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no group \"%s\"",
			       c->in.name);
	return unscope(db, c, e);
}

/* ---- members ---- */

static int add_member(struct conn *db, const struct store_call *c, const char *id,
		      struct err *e)
{
	int64_t n;

	if (query_run_int(db, SQL_DEVICE_EXISTS, &n, e,
			  ARGS(ARG_T(c->tenant), ARG_T(id))) < 0)
		return -1;
	if (n == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no device \"%s\"", id);
	return query_run(db, SQL_GROUP_MEMBER_ADD, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.members.group), ARG_T(id)));
}

int group_check_listed(struct conn *db, struct store_call *c, const char *name,
		       struct err *e)
{
	if (get_group(db, c, name, e) < 0)
		return -1;
	if (c->out.group.is_rule)
		return err_set(e, ERR_CONFLICT,
			       "group \"%s\" has a rule: its members follow from it",
			       name);
	return 0;
}

int verb_GROUP_MEMBERS(struct conn *db, struct store_call *c, struct err *e)
{
	const struct device_id *ids = c->items;
	const char *group = c->in.members.group;

	if (group_check_listed(db, c, group, e) < 0)
		return -1;
	if (c->in.members.replace &&
	    query_run(db, SQL_GROUP_MEMBER_CLEAR, e,
		      ARGS(ARG_T(c->tenant), ARG_T(group))) < 0)
		return -1;
	for (size_t i = 0; i < c->n_items; i++) {
		if (!c->in.members.remove && add_member(db, c, ids[i].id, e) < 0)
			return -1;
		if (c->in.members.remove &&
		    query_run(db, SQL_GROUP_MEMBER_REMOVE, e,
			      ARGS(ARG_T(c->tenant), ARG_T(group), ARG_T(ids[i].id))) <
			0)
			return -1;
	}
	return 0;
}

/* ---- the groups of a device ---- */

/* Asked through the group itself, so that its rule is read in one place. */
static int rule_holds(struct conn *db, struct store_call *c, const char *name,
		      bool *ret, struct err *e)
{
	AUTO_FREE struct filter *f = malloc(sizeof(*f));
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	char text[GROUP_NAME_MAX_LEN + 16];
	const struct filter_scope scope = {
	    .db = db, .tenant = c->tenant, .now_ms = c->now_ms};
	bool row;

	sql_make_init(&m);
	(void)snprintf(text, sizeof(text), "group==%s", name);
	if (f == NULL)
		return err_nomem(e);
	if (filter_parse(text, f, e) < 0)
		return -1;
	sql_make_add(&m, "SELECT count(*) FROM device d WHERE d.tenant = ");
	sql_make_text(&m, c->tenant);
	sql_make_add(&m, " AND d.id = ");
	sql_make_text(&m, c->in.device_id);
	sql_make_add(&m, " AND ");
	filter_sql_add(&m, f, &scope);
	if (sql_make_open(&m, db, &q, e) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	*ret = query_int(&q, 0) != 0;
	return 0;
}

static int load_name(struct conn *db, const char *tenant, const struct query *q,
		     void *ret, struct err *e)
{
	struct group_name *g = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, g->name, sizeof(g->name));
	return 0;
}

static int load_names(struct conn *db, struct store_call *c, enum sql which,
		      const struct arg *args, size_t n_args, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, which, &q, e, args, n_args) < 0)
		return -1;
	return load_items(&q, c, GROUPS_MAX, sizeof(struct group_name), load_name, e);
}

static int compare_names(const void *a, const void *b)
{
	const struct group_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int verb_DEVICE_GROUPS(struct conn *db, struct store_call *c, struct err *e)
{
	const struct arg args[] = {ARG_T(c->tenant), ARG_T(c->in.device_id)};
	AUTO_FREE struct group_name *rules = NULL;
	struct group_name *names;
	size_t n_rules, n_static;
	bool holds;

	if (load_names(db, c, SQL_GROUP_RULES, args, 1, e) < 0)
		return -1;
	rules = TAKE(c->items);
	n_rules = c->n_items;
	if (load_names(db, c, SQL_GROUP_STATIC_OF, args, 2, e) < 0)
		return -1;
	n_static = c->n_items;
	names = reallocarray(c->items, n_static + n_rules + 1, sizeof(*names));
	if (names == NULL)
		return err_nomem(e);
	c->items = names;
	for (size_t i = 0; i < n_rules; i++) {
		if (rule_holds(db, c, rules[i].name, &holds, e) < 0)
			return -1;
		if (holds)
			names[c->n_items++] = rules[i];
	}
	qsort(names, c->n_items, sizeof(*names), compare_names);
	return 0;
}
