/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the database, its statements prepared once, and rows as values; for
 * the sqlite files only. A connection belongs to one thread at a time.
 *
 *	AUTO(query) struct query q = QUERY_INIT;
 *	bool row;
 *
 *	if (query_open(c, SQL_DEVICE_GET, &q, e, ARGS(ARG_T(tenant), ARG_T(id))) < 0 ||
 *	    query_step(&q, &row, e) < 0)
 *		return -1;
 */
#ifndef OTA_SERVER_STORE_SQLITE_CONN_H
#define OTA_SERVER_STORE_SQLITE_CONN_H

#include "../../common/base/buf.h"
#include "sqlite_sql.h"

#include <stdint.h>

struct conn;

/* Opens the file and sets what every connection has: a busy timeout; one that may write
 * makes the file if it is not there, and has WAL, FULL and foreign keys. One that may
 * not leaves the database as it is. */
struct conn *conn_open(const char *path, bool may_write, struct err *e) MUST_USE;
void conn_free(struct conn *c);
AUTO_PTR_DEFINE(conn)

/* Several statements of one text, without results; for schemas. */
int conn_script(struct conn *c, const char *sql, struct err *e) MUST_USE;
/* False once SQLite has given the open transaction up by itself (full disk, I/O error).
 */
bool conn_in_transaction(const struct conn *c);
int64_t conn_last_id(const struct conn *c);
/* Rows that the last statement inserted, changed or deleted. */
int64_t conn_changes(const struct conn *c);

struct arg {
	enum { KIND_TEXT, KIND_INT, KIND_BLOB } kind;
	const void *data;
	int64_t n; /* the integer, or the blob's length */
};
#define ARG_T(text) ((struct arg){.kind = KIND_TEXT, .data = (text)})
#define ARG_I(value) ((struct arg){.kind = KIND_INT, .n = (int64_t)(value)})
#define ARG_B(bytes, len)                                                              \
	((struct arg){.kind = KIND_BLOB, .data = (bytes), .n = (int64_t)(len)})
#define ARGS(...)                                                                      \
	(const struct arg[]){__VA_ARGS__},                                             \
	    sizeof((const struct arg[]){__VA_ARGS__}) / sizeof(struct arg)
#define NO_ARGS NULL, 0

struct query {
	void *statement;
	struct conn *conn;
};
#define QUERY_INIT                                                                     \
	(struct query)                                                                 \
	{                                                                              \
		.statement = NULL                                                      \
	}

/* Arguments are borrowed until query_fini(). A statement serves one query at a time. */
int query_open(struct conn *c, enum sql which, struct query *ret, struct err *e,
	       const struct arg *args, size_t n_args) MUST_USE;
int query_step(struct query *q, bool *ret_row, struct err *e) MUST_USE;
void query_fini(struct query *q);

/* Runs a statement that has no rows to show. */
int query_run(struct conn *c, enum sql which, struct err *e, const struct arg *args,
	      size_t n_args) MUST_USE;

/* The same where failure changes nothing: undoing what closing would undo anyway. */
void query_try(struct conn *c, enum sql which);

int64_t query_int(const struct query *q, int column);
/* Cut to room, which the schema's checks on the way in make impossible. NULL is "". */
void query_text(const struct query *q, int column, char *ret, size_t room);
/* Exactly len bytes, or zeros if the column holds anything else. */
void query_bytes(const struct query *q, int column, uint8_t *ret, size_t len);
bool query_is_null(const struct query *q, int column);
int query_blob(const struct query *q, int column, struct buf *ret,
	       struct err *e) MUST_USE;

#endif
