/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of devices, of a fleet of any size, in bounded time.
 *
 * A page is found in one of three ways:
 *
 *	plain	no filter: the index of the sort gives the page itself
 *	few	a test that all of the filter hangs on, and that an index answers, has at
 *		most FEW_MAX devices: these are asked the whole filter and sorted
 *	scan	else devices are asked one after the other in the order of the sort, a
 *		window of the index at a time, until the page is full or the time is up;
 *		the next page goes on behind the last one that was asked
 *
 * Whatever is dense enough to have more than FEW_MAX is dense enough for a scan to fill a
 * page soon; what is rare and has no index takes as many pages as its budget says, each
 * of which may be empty. No database's planner has to guess any of it.
 */
#include "verbs.h"

#include "../../common/base/clock.h"
#include "filter_sql.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

#define FEW_MAX 5000
#define WINDOW_ROWS 10000
#define CLOCK_ROWS 256

/* `computed` is the column's value, but no column: no index has it, so a database does not
 * go through the order's index to sort a few. */
struct sort_row {
	const char *column; /* NULL: the id alone */
	const char *computed;
	bool is_text;
};
#define TEXT_COLUMN(name) name, "coalesce(" name ", '')", true
#define NUMBER_COLUMN(name) name, "coalesce(" name ", 0)", false

static const struct sort_row sorts[N_DEVICE_SORTS] = {
    [SORT_ID] = {NULL, NULL, false},
    [SORT_NAME] = {TEXT_COLUMN("d.name_folded")},
    [SORT_PRODUCT] = {TEXT_COLUMN("d.product")},
    [SORT_VERSION] = {TEXT_COLUMN("d.version_key")},
    [SORT_LAST_SEEN] = {NUMBER_COLUMN("d.seen_at")},
    [SORT_CREATED] = {NUMBER_COLUMN("d.created_at")},
    [SORT_STATE] = {NUMBER_COLUMN("d.state")},
};

struct selection {
	struct conn *db;
	struct store_call *c;
	const struct device_select *in;
	const struct sort_row *sort;
	struct filter_scope scope;
	unsigned limit;
	bool few;	  /* sort what was found, see struct sort_row */
	int64_t until_ms; /* monotonic */
	char prefix[DEVICE_TEXT_MAX_LEN + 1]; /* in.text, folded; "": none */
};

static struct selection selection_of(struct conn *db, struct store_call *c)
{
	const struct device_select *in = &c->in.select;
	int64_t budget_ms = in->budget_ms > 0 ? in->budget_ms : SELECT_BUDGET_MS;
	struct selection s = {
	    .db = db,
	    .c = c,
	    .in = in,
	    .sort = &sorts[(unsigned)in->sort < N_DEVICE_SORTS ? in->sort : SORT_ID],
	    .scope = {.db = db, .tenant = c->tenant, .now_ms = c->now_ms},
	    .limit = in->limit == 0 || in->limit > STORE_LIST_MAX ? STORE_LIST_MAX
								  : in->limit,
	    .until_ms = clock_mono_ms(&clock_system) + budget_ms,
	};

	text_fold(in->text, s.prefix, sizeof(s.prefix));
	return s;
}

static bool has_filter(const struct selection *s)
{
	return s->in->filter != NULL && s->in->filter->root != FILTER_NONE;
}

static bool is_plain(const struct selection *s)
{
	return !has_filter(s) && s->prefix[0] == '\0' && s->c->scope[0] == '\0';
}

/* ---- pieces of statements ---- */

/* Whether an index can look for the prefix: see filter_sql_add_prefix(). */
static bool prefix_is_plain(const struct selection *s)
{
	size_t len = strlen(s->prefix);

	return len > 0 && s->prefix[len - 1] > 0 && s->prefix[len - 1] < 0x7e;
}

static void add_starts(struct sql_make *m, const char *column, const char *prefix)
{
	sql_make_add(m, "substr(");
	sql_make_add(m, column);
	sql_make_add(m, ", 1, length(");
	sql_make_text(m, prefix);
	sql_make_add(m, ")) = ");
	sql_make_text(m, prefix);
}

/* " AND .." what a device must be, but for its place in the order. */
static void add_condition(struct sql_make *m, const struct selection *s)
{
	if (s->prefix[0] != '\0') {
		sql_make_add(m, " AND (");
		add_starts(m, "d.id_folded", s->prefix);
		sql_make_add(m, " OR ");
		add_starts(m, "d.name_folded", s->prefix);
		sql_make_add(m, ")");
	}
	if (has_filter(s)) {
		sql_make_add(m, " AND ");
		filter_sql_add(m, s->in->filter, &s->scope);
	}
	scope_add(m, s->db, s->c);
}

static const char *sort_column(const struct selection *s)
{
	return s->few ? s->sort->computed : s->sort->column;
}

static void add_cursor(struct sql_make *m, const struct selection *s,
		       const struct device_cursor *after)
{
	const char *sign = s->in->descending ? " < " : " > ";

	if (!after->set)
		return;
	if (s->sort->column == NULL) {
		sql_make_add(m, " AND d.id");
		sql_make_add(m, sign);
		sql_make_text(m, after->id);
		return;
	}
	sql_make_add(m, " AND (");
	sql_make_add(m, sort_column(s));
	sql_make_add(m, ", d.id)");
	sql_make_add(m, sign);
	sql_make_add(m, "(");
	if (s->sort->is_text)
		sql_make_text(m, after->text);
	else
		sql_make_int(m, after->number);
	sql_make_add(m, ", ");
	sql_make_text(m, after->id);
	sql_make_add(m, ")");
}

static void add_order(struct sql_make *m, const struct selection *s, unsigned limit)
{
	const char *direction = s->in->descending ? " DESC" : "";

	sql_make_add(m, " ORDER BY ");
	if (s->sort->column != NULL) {
		sql_make_add(m, sort_column(s));
		sql_make_add(m, direction);
		sql_make_add(m, ", ");
	}
	sql_make_add(m, "d.id");
	sql_make_add(m, direction);
	sql_make_add(m, " LIMIT ");
	sql_make_int(m, limit);
}

static void add_from(struct sql_make *m, const struct selection *s)
{
	sql_make_add(m, " FROM device d WHERE d.tenant = ");
	sql_make_text(m, s->c->tenant);
}

/* The sort's value and the id: what load_cursor() reads. */
static void add_key(struct sql_make *m, const struct selection *s)
{
	sql_make_add(m, "d.id, ");
	sql_make_add(m, s->sort->column != NULL ? s->sort->column : "0");
}

static void load_cursor(const struct query *q, int first, const struct selection *s,
			struct device_cursor *ret)
{
	*ret = (struct device_cursor){.set = true};
	query_text(q, first, ret->id, sizeof(ret->id));
	if (s->sort->is_text)
		query_text(q, first + 1, ret->text, sizeof(ret->text));
	else
		ret->number = query_int(q, first + 1);
}

/* ---- few ---- */

/* Narrowing number i: those of the filter's nodes, then that of the prefix, then that of
 * the caller's scope. */
static bool add_narrow(struct sql_make *m, const struct selection *s, unsigned i)
{
	static const char *const columns[] = {"d.id_folded", "d.name_folded"};
	unsigned n_nodes = has_filter(s) ? s->in->filter->n_nodes : 0;

	if (i < n_nodes)
		return filter_sql_add_ids(m, s->in->filter, (uint16_t)i, &s->scope);
	if (i == n_nodes + 1)
		return scope_add_ids(m, s->db, s->c);
	if (!prefix_is_plain(s))
		return false;
	for (unsigned k = 0; k < 2; k++) {
		sql_make_add(m, k == 0 ? "SELECT d.id" : " UNION SELECT d.id");
		add_from(m, s);
		sql_make_add(m, " AND ");
		filter_sql_add_prefix(m, columns[k], s->prefix);
	}
	return true;
}

/* How many ids narrowing i gives, up to FEW_MAX + 1; that too where there is none. */
static int count_narrow(const struct selection *s, unsigned i, int64_t *ret,
			struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	sql_make_init(&m);
	*ret = FEW_MAX + 1;
	sql_make_add(&m, "SELECT count(*) FROM (");
	if (!add_narrow(&m, s, i))
		return 0;
	sql_make_add(&m, " LIMIT ");
	sql_make_int(&m, FEW_MAX + 1);
	sql_make_add(&m, ") few");
	if (sql_make_open(&m, s->db, &q, e) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	*ret = query_int(&q, 0);
	return 0;
}

/* The narrowing with the fewest ids; false in *ret_few if all have too many. */
static int choose_narrow(const struct selection *s, unsigned *ret, bool *ret_few,
			 struct err *e)
{
	unsigned n = (has_filter(s) ? s->in->filter->n_nodes : 0u) + 2;
	int64_t best = FEW_MAX + 1, count;

	for (unsigned i = 0; i < n && best > 0; i++) {
		if (count_narrow(s, i, &count, e) < 0)
			return -1;
		if (count < best) {
			best = count;
			*ret = i;
		}
	}
	*ret_few = best <= FEW_MAX;
	return 0;
}

static void add_ids(struct sql_make *m, const struct selection *s, unsigned narrow)
{
	sql_make_add(m, " AND d.id IN (");
	(void)add_narrow(m, s, narrow); /* it could be counted, so it is there */
	sql_make_add(m, ")");
}

/* ---- pages ---- */

static int load_one(struct conn *db, const char *tenant, const struct query *q,
		    void *ret, struct err *e)
{
	(void)db;
	(void)tenant;
	(void)e;
	device_load(q, ret);
	return 0;
}

/* Where an item that was loaded stands in the order. */
static void cursor_of(const struct device *d, enum device_sort sort,
		      struct device_cursor *ret)
{
	*ret = (struct device_cursor){.set = true};
	(void)snprintf(ret->id, sizeof(ret->id), "%s", d->id);
	switch (sort) {
	case SORT_NAME:
		text_fold(d->name, ret->text, sizeof(ret->text));
		break;
	case SORT_PRODUCT:
		(void)snprintf(ret->text, sizeof(ret->text), "%s", d->product);
		break;
	case SORT_VERSION:
		if (version_key(d->version, ret->text, NULL) < 0)
			ret->text[0] = '\0';
		break;
	case SORT_LAST_SEEN:
		ret->number = d->seen_at;
		break;
	case SORT_CREATED:
		ret->number = d->created_at;
		break;
	case SORT_STATE:
		ret->number = (int64_t)d->state;
		break;
	case SORT_ID:
	case N_DEVICE_SORTS:
		break;
	}
}

/* Plain and few: the database gives the page. */
static int select_page(const struct selection *s, unsigned narrow, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	const struct device *d;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT " DEVICE_COLUMNS);
	add_from(&m, s);
	if (s->few)
		add_ids(&m, s, narrow);
	add_condition(&m, s);
	add_cursor(&m, s, &s->in->after);
	add_order(&m, s, s->limit + 1);
	if (sql_make_open(&m, s->db, &q, e) < 0 ||
	    load_items(&q, s->c, s->limit, sizeof(struct device), load_one, e) < 0)
		return -1;
	d = s->c->items;
	if (s->c->n_items > 0)
		cursor_of(&d[s->c->n_items - 1], s->in->sort, &s->c->out.cursor);
	return 0;
}

static bool time_is_up(const struct selection *s, unsigned n_rows)
{
	return n_rows % CLOCK_ROWS == 0 && clock_mono_ms(&clock_system) >= s->until_ms;
}

static int scan_take(const struct selection *s, const char *id, struct err *e)
{
	struct device *items = s->c->items;

	if (device_load_by_id(s->db, s->c->tenant, id, &items[s->c->n_items], e) == 0)
		s->c->n_items++;
	else if (e->code != ERR_NOT_FOUND) /* deleted in between */
		return -1;
	return 0;
}

/* One window; *ret_on: there is more behind it to look at. */
static int scan_window(const struct selection *s, bool *ret_on, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	struct device_cursor *at = &s->c->out.cursor;
	bool row;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT ");
	add_key(&m, s);
	sql_make_add(&m, ", CASE WHEN 1 = 1");
	add_condition(&m, s);
	sql_make_add(&m, " THEN 1 ELSE 0 END");
	add_from(&m, s);
	add_cursor(&m, s, at);
	add_order(&m, s, WINDOW_ROWS);
	if (sql_make_open(&m, s->db, &q, e) < 0)
		return -1;
	*ret_on = true;
	for (unsigned n = 1; n <= WINDOW_ROWS; n++) {
		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row) {
			*ret_on = false;
			return 0;
		}
		load_cursor(&q, 0, s, at);
		if (query_int(&q, 2) != 0 && scan_take(s, at->id, e) < 0)
			return -1;
		if (s->c->n_items == s->limit || time_is_up(s, n))
			return 0;
	}
	return 0;
}

static int select_scan(const struct selection *s, struct err *e)
{
	bool on = true;

	if (store_call_items(s->c, s->limit, sizeof(struct device), e) == NULL)
		return -1;
	s->c->n_items = 0;
	s->c->out.cursor = s->in->after;
	while (on && s->c->n_items < s->limit) {
		if (scan_window(s, &on, e) < 0)
			return -1;
		if (clock_mono_ms(&clock_system) >= s->until_ms)
			break;
	}
	s->c->more = on;
	return 0;
}

int verb_DEVICE_SELECT(struct conn *db, struct store_call *c, struct err *e)
{
	struct selection s = selection_of(db, c);
	unsigned narrow = 0;

	if (is_plain(&s))
		return select_page(&s, 0, e);
	if (choose_narrow(&s, &narrow, &s.few, e) < 0)
		return -1;
	return s.few ? select_page(&s, narrow, e) : select_scan(&s, e);
}

/* ---- counts ---- */

static int count_at_once(const struct selection *s, unsigned narrow, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	struct device_count *n = &s->c->out.count;
	bool row;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT count(*) FROM (SELECT d.id");
	add_from(&m, s);
	if (s->few)
		add_ids(&m, s, narrow);
	add_condition(&m, s);
	sql_make_add(&m, " LIMIT ");
	sql_make_int(&m, COUNT_MAX + 1);
	sql_make_add(&m, ") found");
	if (sql_make_open(&m, s->db, &q, e) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	n->n = (uint64_t)query_int(&q, 0);
	n->exact = n->n <= COUNT_MAX;
	return 0;
}

/* One window's hits, by the order of ids; *ret_on: there is more behind it. */
static int count_window(const struct selection *s, struct device_cursor *at,
			bool *ret_on, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT count(*), CAST(coalesce(sum(w.hit), 0) AS INTEGER), "
			 "max(w.id) FROM (SELECT d.id AS id, CASE WHEN 1 = 1");
	add_condition(&m, s);
	sql_make_add(&m, " THEN 1 ELSE 0 END AS hit");
	add_from(&m, s);
	add_cursor(&m, s, at);
	add_order(&m, s, WINDOW_ROWS);
	sql_make_add(&m, ") w");
	if (sql_make_open(&m, s->db, &q, e) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	*ret_on = query_int(&q, 0) == WINDOW_ROWS;
	s->c->out.count.n += (uint64_t)query_int(&q, 1);
	*at = (struct device_cursor){.set = true};
	query_text(&q, 2, at->id, sizeof(at->id));
	return 0;
}

static int count_scan(const struct selection *s, struct err *e)
{
	struct device_count *n = &s->c->out.count;
	struct device_cursor at = {.set = false};
	bool on = true;

	*n = (struct device_count){.n = 0};
	while (on && n->n <= COUNT_MAX && clock_mono_ms(&clock_system) < s->until_ms) {
		if (count_window(s, &at, &on, e) < 0)
			return -1;
	}
	n->exact = !on && n->n <= COUNT_MAX;
	return 0;
}

int verb_DEVICE_COUNT(struct conn *db, struct store_call *c, struct err *e)
{
	struct selection s;
	unsigned narrow = 0;
	int rc;

	c->in.select.sort = SORT_ID;
	c->in.select.descending = false;
	s = selection_of(db, c);
	if (is_plain(&s))
		rc = count_at_once(&s, 0, e);
	else if (choose_narrow(&s, &narrow, &s.few, e) < 0)
		return -1;
	else
		rc = s.few ? count_at_once(&s, narrow, e) : count_scan(&s, e);
	if (rc == 0 && c->out.count.n > COUNT_MAX)
		c->out.count.n = COUNT_MAX;
	return rc;
}
