/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_conn.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 5000

struct conn {
	sqlite3 *db;
	sqlite3_stmt *statements[N_SQL];
};

static const char *const texts[N_SQL] = {
#define X(name, text) [SQL_##name] = (text),
    SQL_STATEMENTS(X)
#undef X
};

static enum err_code code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_NOMEM:
		return ERR_NO_MEMORY;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_FORMAT;
	case SQLITE_MISUSE:
	case SQLITE_ERROR:
	case SQLITE_RANGE:
		return ERR_INTERNAL;
	default:
		return ERR_IO;
	}
}

static int fail(struct conn *c, const char *doing, struct err *e)
{
	int rc = sqlite3_extended_errcode(c->db);

	return err_set(e, code_of(rc), "%s: %s (sqlite %d)", doing,
		       sqlite3_errmsg(c->db), rc);
}

struct conn *conn_open(const char *path, bool may_write, struct err *e)
{
	AUTO_PTR(conn) struct conn *c = calloc(1, sizeof(*c));
	int flags = SQLITE_OPEN_NOMUTEX |
		    (may_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
			       : SQLITE_OPEN_READONLY);

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK) {
		(void)fail(c, "open", e);
		return NULL;
	}
	(void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	if (conn_script(c,
			may_write
			    ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
			    : "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;",
			e) < 0)
		return NULL;
	return TAKE(c);
}

void conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < N_SQL; i++)
		(void)sqlite3_finalize(c->statements[i]);
	(void)sqlite3_close(c->db);
	free(c);
}

int conn_script(struct conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(c, "run script", e);
	return 0;
}

bool conn_in_transaction(const struct conn *c)
{
	return sqlite3_get_autocommit(c->db) == 0;
}

int64_t conn_last_id(const struct conn *c)
{
	return sqlite3_last_insert_rowid(c->db);
}

int64_t conn_changes(const struct conn *c)
{
	return sqlite3_changes64(c->db);
}

static int bind(sqlite3_stmt *s, int i, const struct arg *a)
{
	switch (a->kind) {
	case KIND_TEXT:
		return sqlite3_bind_text(s, i, a->data, -1, SQLITE_STATIC);
	case KIND_INT:
		return sqlite3_bind_int64(s, i, a->n);
	case KIND_BLOB:
	default:
		if (a->data == NULL)
			return sqlite3_bind_null(s, i);
		return sqlite3_bind_blob64(s, i, a->data, (uint64_t)a->n,
					   SQLITE_STATIC);
	}
}

int query_open(struct conn *c, enum sql which, struct query *ret, struct err *e,
	       const struct arg *args, size_t n_args)
{
	sqlite3_stmt **s = &c->statements[which];

	if (*s == NULL &&
	    sqlite3_prepare_v3(c->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s,
			       NULL) != SQLITE_OK)
		return fail(c, "prepare", e);
	for (size_t i = 0; i < n_args; i++) {
		if (bind(*s, (int)i + 1, &args[i]) != SQLITE_OK) {
			(void)fail(c, "bind", e);
			(void)sqlite3_clear_bindings(*s);
			return -1;
		}
	}
	*ret = (struct query){.statement = *s, .conn = c};
	return 0;
}

int query_step(struct query *q, bool *ret_row, struct err *e)
{
	int rc = sqlite3_step(q->statement);

	*ret_row = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(q->conn, "store", e);
	return 0;
}

void query_fini(struct query *q)
{
	if (q->statement == NULL)
		return;
	(void)sqlite3_reset(q->statement); /* repeats what step said */
	(void)sqlite3_clear_bindings(q->statement);
	q->statement = NULL;
}

int query_run(struct conn *c, enum sql which, struct err *e, const struct arg *args,
	      size_t n_args)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(c, which, &q, e, args, n_args) < 0)
		return -1;
	return query_step(&q, &row, e);
}

void query_try(struct conn *c, enum sql which)
{
	struct err ignored = ERR_INIT;

	if (query_run(c, which, &ignored, NO_ARGS) < 0)
		err_clear(&ignored);
}

int64_t query_int(const struct query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

void query_text(const struct query *q, int column, char *ret, size_t room)
{
	const unsigned char *t = sqlite3_column_text(q->statement, column);

	(void)snprintf(ret, room, "%s", t == NULL ? "" : (const char *)t);
}

void query_bytes(const struct query *q, int column, uint8_t *ret, size_t len)
{
	const void *p = sqlite3_column_blob(q->statement, column);

	memset(ret, 0, len);
	if (p != NULL && (size_t)sqlite3_column_bytes(q->statement, column) == len)
		memcpy(ret, p, len);
}

bool query_is_null(const struct query *q, int column)
{
	return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

int query_blob(const struct query *q, int column, struct buf *ret, struct err *e)
{
	const void *p = sqlite3_column_blob(q->statement, column);
	int len = sqlite3_column_bytes(q->statement, column);

	buf_clear(ret);
	return buf_add(ret, p, (size_t)len, e);
}
