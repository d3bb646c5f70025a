/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a database, whichever: statements by name, rows as values. The verbs
 * (verbs_*.c) are written against this; sqlite_conn.c and postgres_conn.c are behind it.
 * A connection belongs to one thread at a time.
 *
 *	AUTO(query) struct query q = QUERY_INIT;
 *	bool row;
 *
 *	if (query_open(c, SQL_DEVICE_GET, &q, e, ARGS(ARG_T(tenant), ARG_T(id))) < 0 ||
 *	    query_step(&q, &row, e) < 0)
 *		return -1;
 *	if (row)
 *		query_text(&q, 0, name, sizeof(name));
 *
 * Within a transaction a statement that failed ends what its verb may do: return -1, the
 * caller undoes the savepoint. Errors: ERR_CONFLICT (a constraint), ERR_NO_SPACE,
 * ERR_BUSY (locked, or the database is away), ERR_IO, ERR_FORMAT (damaged), ERR_INTERNAL
 * (the statement is wrong).
 */
#ifndef OTA_SERVER_STORE_SQL_CONN_H
#define OTA_SERVER_STORE_SQL_CONN_H

#include "../../common/base/buf.h"
#include "sql.h"

#include <stdint.h>

struct arg {
	enum { KIND_TEXT, KIND_INT, KIND_BLOB, KIND_REAL } kind;
	const void *data;
	int64_t n; /* the integer, or the blob's length */
	double real;
};
#define ARG_T(text) ((struct arg){.kind = KIND_TEXT, .data = (text)})
#define ARG_I(value) ((struct arg){.kind = KIND_INT, .n = (int64_t)(value)})
/* NULL bytes are an SQL NULL. */
#define ARG_B(bytes, len)                                                              \
	((struct arg){.kind = KIND_BLOB, .data = (bytes), .n = (int64_t)(len)})
#define ARG_R(value) ((struct arg){.kind = KIND_REAL, .real = (value)})
#define ARGS(...)                                                                      \
	(const struct arg[]){__VA_ARGS__},                                             \
	    sizeof((const struct arg[]){__VA_ARGS__}) / sizeof(struct arg)
#define NO_ARGS NULL, 0

struct conn;

struct query {
	struct conn *conn;
	void *rows; /* the back-end's; NULL: not open */
	int at;	    /* likewise */
};
#define QUERY_INIT                                                                     \
	(struct query)                                                                 \
	{                                                                              \
		.rows = NULL                                                           \
	}

/* A text that is made at run time, with its values as arguments; see query_open_text(). */
#define SQL_TEXT_MAX_LEN 65536
#define SQL_MAX_ARGS 512

/* What a database does. Functions as below where one has the same name. */
struct conn_ops {
	const char *name;
	void (*free)(struct conn *c);
	int (*script)(struct conn *c, const char *sql, struct err *e);
	bool (*in_transaction)(const struct conn *c);
	int (*ready)(struct conn *c, struct err *e);
	int (*begin)(struct conn *c, struct err *e);
	int (*soon)(struct conn *c, enum sql which, struct err *e);
	int (*announce)(struct conn *c, struct err *e);
	int64_t (*changes)(const struct conn *c);
	int (*open)(struct conn *c, enum sql which, struct query *q, struct err *e,
		    const struct arg *args, size_t n_args);
	int (*open_text)(struct conn *c, const char *text, struct query *q,
			 struct err *e, const struct arg *args, size_t n_args);
	int (*step)(struct query *q, bool *ret_row, struct err *e);
	void (*fini)(struct query *q);
	bool (*is_null)(const struct query *q, int column);
	int64_t (*get_int)(const struct query *q, int column);
	double (*get_real)(const struct query *q, int column);
	/* Borrowed until the next step; NULL: it is NULL. */
	const char *(*get_text)(const struct query *q, int column);
	const void *(*get_blob)(const struct query *q, int column, size_t *ret_len);
	int (*get_schema)(struct conn *c, unsigned *ret, struct err *e);
	int (*set_schema)(struct conn *c, unsigned schema, struct err *e);
	int (*get_size)(struct conn *c, uint64_t *ret_bytes, struct err *e);
	int (*check)(struct conn *c, struct err *e);
	/* A copy beside the database before its schema changes; may be a no-op where the
	 * operator's tools do that. */
	int (*back_up)(struct conn *c, unsigned schema, struct err *e);
};

/* The first member of a back-end's own. */
struct conn {
	const struct conn_ops *ops;
};

/* NULL is fine. */
void conn_free(struct conn *c);
AUTO_PTR_DEFINE(conn)

/* Several statements of one text, without results; for schemas. */
int conn_script(struct conn *c, const char *sql, struct err *e) MUST_USE;
/* 0: can be spoken to, after a connection that was lost has been made anew. ERR_BUSY: not
 * now; quick while a database is away for long. Only between transactions. */
int conn_ready(struct conn *c, struct err *e) MUST_USE;
/* Begins a transaction that excludes every other writer, of other processes and nodes
 * too: what it reads nobody changes before it ends. SQL_COMMIT and SQL_ROLLBACK end it. */
int conn_begin(struct conn *c, struct err *e) MUST_USE;
/* Within a transaction that wrote events: tells other nodes once it is committed. */
int conn_announce(struct conn *c, struct err *e) MUST_USE;
/* False once the database has given the open transaction up by itself (full disk, lost
 * connection). */
bool conn_in_transaction(const struct conn *c);
/* Rows that the last statement inserted, changed or deleted. */
int64_t conn_changes(const struct conn *c);
/* The schema's number; 0: an empty database. Setting it is part of the transaction. */
int conn_get_schema(struct conn *c, unsigned *ret, struct err *e) MUST_USE;
int conn_set_schema(struct conn *c, unsigned schema, struct err *e) MUST_USE;
int conn_get_size(struct conn *c, uint64_t *ret_bytes, struct err *e) MUST_USE;
/* 0: sound, as far as a short look tells; ERR_FORMAT says what is damaged. */
int conn_check(struct conn *c, struct err *e) MUST_USE;

/* Arguments are borrowed until query_fini(). A statement serves one query at a time. */
int query_open(struct conn *c, enum sql which, struct query *ret, struct err *e,
	       const struct arg *args, size_t n_args) MUST_USE;
/*
 * The same for a text made at run time, of the dialect of sql.h and of at most
 * SQL_TEXT_MAX_LEN bytes and SQL_MAX_ARGS arguments: column names from tables, every value an argument. text is
 * borrowed for the call. A few of the last texts are kept prepared.
 */
int query_open_text(struct conn *c, const char *text, struct query *ret, struct err *e,
		    const struct arg *args, size_t n_args) MUST_USE;
int query_step(struct query *q, bool *ret_row, struct err *e) MUST_USE;
void query_fini(struct query *q);

/* Runs a statement that has no rows to show. */
int query_run(struct conn *c, enum sql which, struct err *e, const struct arg *args,
	      size_t n_args) MUST_USE;
/* The same of one without arguments, whose outcome may come with the next statement's:
 * saves a round trip. If it fails the whole transaction does. */
int query_soon(struct conn *c, enum sql which, struct err *e) MUST_USE;
int query_run_text(struct conn *c, const char *text, struct err *e,
		   const struct arg *args, size_t n_args) MUST_USE;

/* The first column of the first row, 0 without a row: ids that were given, counts. */
int query_run_int(struct conn *c, enum sql which, int64_t *ret, struct err *e,
		  const struct arg *args, size_t n_args) MUST_USE;

/* The same where failure changes nothing: undoing what closing would undo anyway. */
void query_try(struct conn *c, enum sql which);

/* A column is read as what it is: PostgreSQL makes no number of a text, nor the reverse.
 * NULL is 0. */
int64_t query_int(const struct query *q, int column);
double query_real(const struct query *q, int column);
/* Cut to room, which the schema's checks on the way in make impossible. NULL is "". */
void query_text(const struct query *q, int column, char *ret, size_t room);
/* Exactly len bytes, or zeros if the column holds anything else. */
void query_bytes(const struct query *q, int column, uint8_t *ret, size_t len);
bool query_is_null(const struct query *q, int column);
int query_blob(const struct query *q, int column, struct buf *ret,
	       struct err *e) MUST_USE;

#endif
