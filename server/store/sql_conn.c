/* SPDX-License-Identifier: Apache-2.0 */
#include "sql_conn.h"

#include <string.h>

static const char *const texts[N_SQL] = {
#define X(name, text) [SQL_##name] = (text),
    SQL_STATEMENTS(X)
#undef X
};

static const char *const names[N_SQL] = {
#define X(name, text) [SQL_##name] = #name,
    SQL_STATEMENTS(X)
#undef X
};

const char *sql_text(enum sql which)
{
	return texts[which];
}

const char *sql_name(enum sql which)
{
	return names[which];
}

void conn_free(struct conn *c)
{
	if (c != NULL)
		c->ops->free(c);
}

int conn_script(struct conn *c, const char *sql, struct err *e)
{
	return c->ops->script(c, sql, e);
}

int conn_ready(struct conn *c, struct err *e)
{
	return c->ops->ready(c, e);
}

int conn_begin(struct conn *c, struct err *e)
{
	return c->ops->begin(c, e);
}

int conn_announce(struct conn *c, struct err *e)
{
	return c->ops->announce(c, e);
}

bool conn_in_transaction(const struct conn *c)
{
	return c->ops->in_transaction(c);
}

int64_t conn_changes(const struct conn *c)
{
	return c->ops->changes(c);
}

int conn_get_schema(struct conn *c, unsigned *ret, struct err *e)
{
	return c->ops->get_schema(c, ret, e);
}

int conn_set_schema(struct conn *c, unsigned schema, struct err *e)
{
	return c->ops->set_schema(c, schema, e);
}

int conn_get_size(struct conn *c, uint64_t *ret_bytes, struct err *e)
{
	return c->ops->get_size(c, ret_bytes, e);
}

int conn_check(struct conn *c, struct err *e)
{
	return c->ops->check(c, e);
}

int query_open(struct conn *c, enum sql which, struct query *ret, struct err *e,
	       const struct arg *args, size_t n_args)
{
	return c->ops->open(c, which, ret, e, args, n_args);
}

int query_open_text(struct conn *c, const char *text, struct query *ret, struct err *e,
		    const struct arg *args, size_t n_args)
{
	if (strlen(text) > SQL_TEXT_MAX_LEN)
		return err_set(e, ERR_LIMIT, "a query of more than %d bytes",
			       SQL_TEXT_MAX_LEN);
	return c->ops->open_text(c, text, ret, e, args, n_args);
}

int query_step(struct query *q, bool *ret_row, struct err *e)
{
	return q->conn->ops->step(q, ret_row, e);
}

void query_fini(struct query *q)
{
	if (q->rows != NULL)
		q->conn->ops->fini(q);
	q->rows = NULL;
}

/* SQLite looks at foreign keys when a statement ends: one with RETURNING that is left
 * after its row would slip by them. */
static int step_to_end(struct query *q, struct err *e)
{
	bool row = true;

	while (row) {
		if (query_step(q, &row, e) < 0)
			return -1;
	}
	return 0;
}

int query_run(struct conn *c, enum sql which, struct err *e, const struct arg *args,
	      size_t n_args)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(c, which, &q, e, args, n_args) < 0)
		return -1;
	return step_to_end(&q, e);
}

int query_soon(struct conn *c, enum sql which, struct err *e)
{
	return c->ops->soon(c, which, e);
}

int query_run_text(struct conn *c, const char *text, struct err *e,
		   const struct arg *args, size_t n_args)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open_text(c, text, &q, e, args, n_args) < 0)
		return -1;
	return step_to_end(&q, e);
}

int query_run_int(struct conn *c, enum sql which, int64_t *ret, struct err *e,
		  const struct arg *args, size_t n_args)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(c, which, &q, e, args, n_args) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	*ret = row ? query_int(&q, 0) : 0;
	return row ? step_to_end(&q, e) : 0;
}

void query_try(struct conn *c, enum sql which)
{
	struct err ignored = ERR_INIT;

	if (query_run(c, which, &ignored, NO_ARGS) < 0)
		err_clear(&ignored);
}

int64_t query_int(const struct query *q, int column)
{
	return q->conn->ops->get_int(q, column);
}

double query_real(const struct query *q, int column)
{
	return q->conn->ops->get_real(q, column);
}

void query_text(const struct query *q, int column, char *ret, size_t room)
{
	const char *t = q->conn->ops->get_text(q, column);

	(void)snprintf(ret, room, "%s", t == NULL ? "" : t);
}

void query_bytes(const struct query *q, int column, uint8_t *ret, size_t len)
{
	size_t there = 0;
	const void *p = q->conn->ops->get_blob(q, column, &there);

	memset(ret, 0, len);
	if (p != NULL && there == len)
		memcpy(ret, p, len);
}

bool query_is_null(const struct query *q, int column)
{
	return q->conn->ops->is_null(q, column);
}

int query_blob(const struct query *q, int column, struct buf *ret, struct err *e)
{
	size_t len = 0;
	const void *p = q->conn->ops->get_blob(q, column, &len);

	buf_clear(ret);
	return buf_add(ret, p, len, e);
}
