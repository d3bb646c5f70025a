/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absence needs no NULLs: a text that is not known is '', a time that never was 0, and a
 * version without a key has '' there, so each test is two-valued and NOT is safe.
 *
 * LIKE is the same in both databases: letter case counts (sqlite_conn.c sees to that), the
 * escape is '!', which stands before % and _ and itself.
 */
#include "filter_sql.h"

#include "model_fleet.h"
#include "model_people.h"

#include "../../common/format/version.h"

#include <stdlib.h>
#include <string.h>

/* ---- where the fields are ---- */

#define NEWEST_DEPLOYMENT(column, absent)                                              \
	"coalesce((SELECT p." column " FROM deployment p WHERE p.tenant = d.tenant "   \
	"AND p.device = d.id ORDER BY p.id DESC LIMIT 1), " absent ")"

struct place {
	const char *column;
	const char *key;   /* what orders it, where that is another column */
	const char *owner; /* of several values: the EXISTS that they stand in */
	const char *name;  /* of a keyed field: where its key is */
};

static const struct place places[N_FIELDS] = {
    [FIELD_ID] = {"d.id", NULL, NULL, NULL},
    [FIELD_NAME] = {"d.name", NULL, NULL, NULL},
    [FIELD_PRODUCT] = {"d.product", NULL, NULL, NULL},
    [FIELD_HARDWARE] = {"d.hardware", NULL, NULL, NULL},
    [FIELD_VERSION] = {"d.version", "d.version_key", NULL, NULL},
    [FIELD_GRADE] = {"d.grade", NULL, NULL, NULL},
    [FIELD_STATE] = {"d.state", NULL, NULL, NULL},
    [FIELD_TAG] = {"t.tag", NULL,
		   "EXISTS (SELECT 1 FROM device_tag t WHERE t.tenant = d.tenant "
		   "AND t.device = d.id AND ",
		   NULL},
    [FIELD_SITE] = {"d.site", NULL, NULL, NULL},
    [FIELD_GROUP] = {NULL, NULL, NULL, NULL},
    [FIELD_PINNED] = {"CASE WHEN d.pin <> 0 THEN 1 ELSE 0 END", NULL, NULL, NULL},
    [FIELD_ADDRESS] = {"d.address", NULL, NULL, NULL},
    [FIELD_AGENT_VERSION] = {"d.agent_version", "d.agent_version_key", NULL, NULL},
    [FIELD_CREATED] = {"d.created_at", NULL, NULL, NULL},
    [FIELD_LAST_SEEN] = {"d.seen_at", NULL, NULL, NULL},
    [FIELD_ATTRIBUTE] = {"a.value", "a.value_key",
			 "EXISTS (SELECT 1 FROM attribute a WHERE a.tenant = d.tenant "
			 "AND a.device = d.id AND ",
			 "a.key"},
    [FIELD_COMPONENT] = {"c.version", "c.version_key",
			 "EXISTS (SELECT 1 FROM device_component c WHERE c.tenant = "
			 "d.tenant AND c.device = d.id AND ",
			 "c.name"},
    [FIELD_DEPLOYMENT_STATE] = {NEWEST_DEPLOYMENT("state", "-1"), NULL, NULL, NULL},
    [FIELD_DEPLOYMENT_RELEASE] = {NEWEST_DEPLOYMENT("release", "''"), NULL, NULL, NULL},
    [FIELD_DEPLOYMENT_DETAIL] = {NEWEST_DEPLOYMENT("detail", "''"), NULL, NULL, NULL},
};

/* ---- one test ---- */

struct test {
	struct sql_make *m;
	const struct filter *f;
	const struct filter_node *n;
	const struct filter_scope *scope;
};

static const struct filter_value *value_at(const struct test *t, uint16_t i)
{
	return &t->f->values[t->n->value + i];
}

static const char *text_at(const struct test *t, uint16_t i)
{
	return filter_text(t->f, value_at(t, i)->text);
}

static bool is_numeric(const struct test *t)
{
	enum filter_kind k = filter_field_kind(t->n->field);

	return k == FILTER_WORD || k == FILTER_RANKED || k == FILTER_TIME;
}

static void add_like(const struct test *t, const char *column, const char *pattern)
{
	char like[2 * ATTRIBUTE_MAX_LEN + 1];
	size_t n = 0;

	for (; *pattern != '\0' && n + 2 < sizeof(like); pattern++) {
		if (*pattern == '%' || *pattern == '_' || *pattern == '!')
			like[n++] = '!';
		like[n++] = *pattern == FILTER_STAR ? '%' : *pattern;
	}
	like[n] = '\0';
	sql_make_add(t->m, column);
	sql_make_add(t->m, " LIKE ");
	sql_make_text(t->m, like);
	sql_make_add(t->m, " ESCAPE '!'");
}

static void add_value(const struct test *t, uint16_t i)
{
	if (is_numeric(t))
		sql_make_int(t->m, value_at(t, i)->number);
	else
		sql_make_text(t->m, text_at(t, i));
}

/* "(column IN (?, ?) OR column LIKE ? OR ..)" */
static void add_equals(const struct test *t, const char *column)
{
	bool first = true;

	sql_make_add(t->m, "(");
	for (uint16_t i = 0; i < t->n->n_values; i++) {
		if (value_at(t, i)->wild)
			continue;
		sql_make_add(t->m, first ? column : ", ");
		if (first)
			sql_make_add(t->m, " IN (");
		first = false;
		add_value(t, i);
	}
	if (!first)
		sql_make_add(t->m, ")");
	for (uint16_t i = 0; i < t->n->n_values; i++) {
		if (!value_at(t, i)->wild)
			continue;
		if (!first)
			sql_make_add(t->m, " OR ");
		first = false;
		add_like(t, column, text_at(t, i));
	}
	sql_make_add(t->m, ")");
}

/* "(column <> '' AND column < ?)": what is absent has no order. */
static void add_order(const struct test *t, const struct place *p)
{
	static const char *const signs[] = {[FILTER_LT] = " < ",
					    [FILTER_LE] = " <= ",
					    [FILTER_GT] = " > ",
					    [FILTER_GE] = " >= "};
	enum filter_kind kind = filter_field_kind(t->n->field);
	const struct filter_value *v = value_at(t, 0);
	const char *column = p->key != NULL ? p->key : p->column;
	char key[VERSION_KEY_MAX_LEN + 1];
	struct err e = ERR_INIT;

	sql_make_add(t->m, "(");
	if (kind != FILTER_RANKED) {
		sql_make_add(t->m, column);
		sql_make_add(t->m, kind == FILTER_TIME ? " <> 0 AND " : " <> '' AND ");
	}
	sql_make_add(t->m, column);
	sql_make_add(t->m, signs[t->n->op]);
	if (kind == FILTER_TIME)
		sql_make_int(t->m, v->number + (v->relative ? t->scope->now_ms : 0));
	else if (p->key == NULL)
		add_value(t, 0);
	else if (version_key(text_at(t, 0), key, &e) == 0)
		sql_make_text(t->m, key);
	else
		sql_make_fail(t->m, &e);
	sql_make_add(t->m, ")");
}

static void add_comparison(const struct test *t, const struct place *p)
{
	if (t->n->op <= FILTER_NE)
		add_equals(t, p->column);
	else
		add_order(t, p);
}

/* ---- groups ---- */

struct known_group {
	bool is_rule, is_missing;
	char rule[FILTER_TEXT_MAX_LEN + 1];
};

static int find_group(const struct test *t, const char *name, struct known_group *ret,
		      struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (t->scope->depth >= FILTER_MAX_GROUP_DEPTH)
		return err_set(e, ERR_USAGE,
			       "column %u: group \"%.64s\": groups within groups, more "
			       "than %u deep",
			       t->n->column, name, FILTER_MAX_GROUP_DEPTH);
	if (query_open(t->scope->db, SQL_GROUP_RULE, &q, e,
		       ARGS(ARG_T(t->scope->tenant), ARG_T(name))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	ret->is_missing = !row;
	if (!row && !t->scope->no_group_is_empty)
		return err_set(e, ERR_USAGE, "column %u: there is no group \"%.64s\"",
			       t->n->column, name);
	ret->is_rule = row && query_int(&q, 0) != 0;
	if (row)
		query_text(&q, 1, ret->rule, sizeof(ret->rule));
	return 0;
}

static void add_members(const struct test *t, const char *name)
{
	sql_make_add(t->m, "EXISTS (SELECT 1 FROM group_member m WHERE m.tenant = "
			   "d.tenant AND m.device = d.id AND m.group_name = ");
	sql_make_text(t->m, name);
	sql_make_add(t->m, ")");
}

static int add_rule(const struct test *t, const char *name, const char *rule,
		    struct err *e)
{
	struct filter_scope inner = *t->scope;
	AUTO_FREE struct filter *f = malloc(sizeof(*f));

	inner.depth++;
	if (f == NULL)
		return err_nomem(e);
	if (filter_parse(rule, f, e) < 0)
		return err_wrap(e, "group \"%s\"", name);
	filter_sql_add(t->m, f, &inner);
	return 0;
}

static void add_group(const struct test *t, const char *name)
{
	AUTO_FREE struct known_group *g = malloc(sizeof(*g));
	struct err e = ERR_INIT;

	if (g == NULL)
		(void)err_nomem(&e);
	else if (find_group(t, name, g, &e) == 0 && g->is_missing)
		sql_make_add(t->m, "(1 = 0)");
	else if (e.code == ERR_NONE && !g->is_rule)
		add_members(t, name);
	else if (e.code == ERR_NONE && add_rule(t, name, g->rule, &e) < 0)
		e.code = ERR_USAGE;
	if (e.code != ERR_NONE)
		sql_make_fail(t->m, &e);
}

static void add_groups(const struct test *t)
{
	sql_make_add(t->m, "(");
	for (uint16_t i = 0; i < t->n->n_values && t->m->err.code == ERR_NONE; i++) {
		if (i > 0)
			sql_make_add(t->m, " OR ");
		add_group(t, text_at(t, i));
	}
	sql_make_add(t->m, ")");
}

/* ---- the tree ---- */

static void add_test(const struct test *t)
{
	const struct place *p = &places[t->n->field];

	sql_make_add(t->m, t->n->op == FILTER_NE ? "(NOT " : "(");
	if (t->n->field == FIELD_GROUP) {
		add_groups(t);
	} else if (p->owner != NULL) {
		sql_make_add(t->m, p->owner);
		if (p->name != NULL) {
			sql_make_add(t->m, p->name);
			sql_make_add(t->m, " = ");
			sql_make_text(t->m, filter_text(t->f, t->n->key));
			sql_make_add(t->m, " AND ");
		}
		add_comparison(t, p);
		sql_make_add(t->m, ")");
	} else {
		add_comparison(t, p);
	}
	sql_make_add(t->m, ")");
}

static void add_node(struct sql_make *m, const struct filter *f, uint16_t i,
		     const struct filter_scope *scope)
{
	const struct filter_node *n = &f->nodes[i];
	const struct test t = {m, f, n, scope};

	if (n->type == FILTER_TEST) {
		add_test(&t);
		return;
	}
	sql_make_add(m, "(");
	for (uint16_t c = n->first; c != FILTER_NONE; c = f->nodes[c].next) {
		if (c != n->first)
			sql_make_add(m, n->type == FILTER_AND ? " AND " : " OR ");
		add_node(m, f, c, scope);
	}
	sql_make_add(m, ")");
}

void filter_sql_add(struct sql_make *m, const struct filter *f,
		    const struct filter_scope *scope)
{
	if (f->root == FILTER_NONE)
		sql_make_add(m, "(1 = 1)");
	else
		add_node(m, f, f->root, scope);
}

void filter_sql_add_scope(struct sql_make *m, const char *groups,
			  const struct filter_scope *scope)
{
	struct filter_scope lenient = *scope;
	char name[GROUP_NAME_MAX_LEN + 1];
	const struct filter_node n = {.type = FILTER_TEST, .field = FIELD_GROUP};
	const struct test t = {m, NULL, &n, &lenient};

	lenient.no_group_is_empty = true;
	sql_make_add(m, "(");
	for (size_t i = 0; scope_group(groups, i, name); i++) {
		if (i > 0)
			sql_make_add(m, " OR ");
		add_group(&t, name);
	}
	sql_make_add(m, ")");
}

/* ---- what an index narrows ---- */

static bool decides(const struct filter *f, uint16_t i)
{
	if (f->nodes[i].type != FILTER_TEST)
		return false;
	if (i == f->root)
		return true;
	if (f->nodes[f->root].type != FILTER_AND)
		return false;
	for (uint16_t c = f->nodes[f->root].first; c != FILTER_NONE;
	     c = f->nodes[c].next) {
		if (c == i)
			return true;
	}
	return false;
}

/* "gw-1*" and the like: an index narrows what begins with the same text. */
static bool is_prefix(const char *pattern)
{
	size_t len = strlen(pattern);

	return len > 1 && pattern[len - 1] == FILTER_STAR &&
	       strchr(pattern, FILTER_STAR) == pattern + len - 1 &&
	       pattern[len - 2] > 0 && pattern[len - 2] < 0x7e;
}

static bool all_indexable(const struct test *t)
{
	for (uint16_t i = 0; i < t->n->n_values; i++) {
		if (value_at(t, i)->wild && !is_prefix(text_at(t, i)))
			return false;
	}
	return true;
}

void filter_sql_add_prefix(struct sql_make *m, const char *column, const char *prefix)
{
	char end[ATTRIBUTE_MAX_LEN + 1];
	size_t len = strlen(prefix);

	(void)snprintf(end, sizeof(end), "%s", prefix);
	end[len - 1]++;
	sql_make_add(m, "(");
	sql_make_add(m, column);
	sql_make_add(m, " >= ");
	sql_make_text(m, prefix);
	sql_make_add(m, " AND ");
	sql_make_add(m, column);
	sql_make_add(m, " < ");
	sql_make_text(m, end);
	sql_make_add(m, ")");
}

/* One of the values, by a column that an index is on; `folded`: the column is in lower
 * case, so it narrows and no more. */
static void add_one_of(const struct test *t, const char *column, bool folded)
{
	sql_make_add(t->m, "(");
	for (uint16_t i = 0; i < t->n->n_values; i++) {
		char text[ATTRIBUTE_MAX_LEN + 1];

		if (folded)
			text_fold(text_at(t, i), text, sizeof(text));
		else
			(void)snprintf(text, sizeof(text), "%s", text_at(t, i));
		if (i > 0)
			sql_make_add(t->m, " OR ");
		if (value_at(t, i)->wild) {
			text[strlen(text) - 1] = '\0';
			filter_sql_add_prefix(t->m, column, text);
		} else {
			sql_make_add(t->m, column);
			sql_make_add(t->m, " = ");
			sql_make_text(t->m, text);
		}
	}
	sql_make_add(t->m, ")");
}

static void add_ids_of(const struct test *t, const char *from)
{
	sql_make_add(t->m, from);
	sql_make_text(t->m, t->scope->tenant);
	sql_make_add(t->m, " AND ");
}

static bool add_by_column(const struct test *t, const char *column, bool folded)
{
	add_ids_of(t, "SELECT d.id FROM device d WHERE d.tenant = ");
	add_one_of(t, column, folded);
	return true;
}

static bool add_by_comparison(const struct test *t)
{
	add_ids_of(t, "SELECT d.id FROM device d WHERE d.tenant = ");
	add_comparison(t, &places[t->n->field]);
	return true;
}

static bool add_by_attribute(const struct test *t)
{
	add_ids_of(t, "SELECT a.device FROM attribute a WHERE a.tenant = ");
	sql_make_add(t->m, "a.key = ");
	sql_make_text(t->m, filter_text(t->f, t->n->key));
	sql_make_add(t->m, " AND ");
	add_one_of(t, "a.value", false);
	return true;
}

static bool add_by_component(const struct test *t)
{
	add_ids_of(t, "SELECT c.device FROM device_component c WHERE c.tenant = ");
	sql_make_add(t->m, "c.name = ");
	sql_make_text(t->m, filter_text(t->f, t->n->key));
	sql_make_add(t->m, " AND ");
	add_one_of(t, "c.version", false);
	return true;
}

static bool add_by_tag(const struct test *t)
{
	add_ids_of(t, "SELECT t.device FROM device_tag t WHERE t.tenant = ");
	add_one_of(t, "t.tag", false);
	return true;
}

/* Of static groups alone. What is wrong with a group is told by the whole filter. */
static bool add_by_group(const struct test *t)
{
	for (uint16_t i = 0; i < t->n->n_values; i++) {
		AUTO_FREE struct known_group *g = malloc(sizeof(*g));

		if (g == NULL || find_group(t, text_at(t, i), g, NULL) < 0 ||
		    g->is_rule)
			return false;
	}
	add_ids_of(t, "SELECT m.device FROM group_member m WHERE m.tenant = ");
	add_one_of(t, "m.group_name", false);
	return true;
}

bool filter_sql_add_ids(struct sql_make *m, const struct filter *f, uint16_t i,
			const struct filter_scope *scope)
{
	const struct filter_node *n = &f->nodes[i];
	const struct test t = {m, f, n, scope};
	bool equals = n->type == FILTER_TEST && n->op == FILTER_EQ;

	if (!decides(f, i) || n->op == FILTER_NE || (equals && !all_indexable(&t)))
		return false;
	switch ((int)n->field) {
	case FIELD_ID:
	case FIELD_PRODUCT:
	case FIELD_SITE:
		return equals ? add_by_column(&t, places[n->field].column, false)
			      : add_by_comparison(&t);
	case FIELD_NAME:
		return equals && add_by_column(&t, "d.name_folded", true);
	case FIELD_STATE:
	case FIELD_CREATED:
	case FIELD_LAST_SEEN:
		return add_by_comparison(&t);
	case FIELD_VERSION: /* equal texts have equal keys; the index is on the key */
		return !equals && add_by_comparison(&t);
	case FIELD_ATTRIBUTE:
		return equals && add_by_attribute(&t);
	case FIELD_COMPONENT:
		return equals && add_by_component(&t);
	case FIELD_TAG:
		return equals && add_by_tag(&t);
	case FIELD_GROUP:
		return equals && add_by_group(&t);
	default:
		return false;
	}
}
