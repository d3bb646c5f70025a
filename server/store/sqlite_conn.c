/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_conn.h"

#include "../../common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
#define N_TEXTS 32
/* LIKE as PostgreSQL has it: letter case counts. */
#define SHARED_PRAGMAS "PRAGMA temp_store = MEMORY; PRAGMA case_sensitive_like = ON;"
/* "OTAS": tells our database from anybody else's. */
#define APPLICATION_ID "1330921811"

/* A statement made at run time, kept for the next time. */
struct text_slot {
	char *text;
	sqlite3_stmt *statement;
	uint64_t used_at; /* by the connection's count */
	bool busy;
};

struct sqlite_conn {
	struct conn base;
	sqlite3 *db;
	sqlite3_stmt *statements[N_SQL];
	struct text_slot texts[N_TEXTS];
	uint64_t clock;
};

static struct sqlite_conn *own(struct conn *c)
{
	return (struct sqlite_conn *)c;
}

static sqlite3_stmt *rows_of(const struct query *q)
{
	return q->rows;
}

static enum err_code code_of(int rc)
{
	/* A quota and a limit on files are told as a failed write, which a disk that fails is too: later, then. */
	if (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_FSYNC)
		return ERR_NO_SPACE;
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

static int fail(struct sqlite_conn *c, const char *doing, struct err *e)
{
	int rc = sqlite3_extended_errcode(c->db);

	return err_set(e, code_of(rc), "%s: %s (sqlite %d)", doing,
		       sqlite3_errmsg(c->db), rc);
}

static void sqlite_free(struct conn *base)
{
	struct sqlite_conn *c = own(base);

	for (size_t i = 0; i < N_SQL; i++)
		(void)sqlite3_finalize(c->statements[i]);
	for (size_t i = 0; i < N_TEXTS; i++) {
		(void)sqlite3_finalize(c->texts[i].statement);
		free(c->texts[i].text);
	}
	(void)sqlite3_close(c->db);
	free(c);
}

static int sqlite_script(struct conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(own(c)->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(own(c), "run script", e);
	return 0;
}

/* A file is always there; what is wrong with it a statement says. */
static int sqlite_ready(struct conn *c, struct err *e)
{
	(void)c;
	(void)e;
	return 0;
}

static int sqlite_begin(struct conn *c, struct err *e)
{
	return query_run(c, SQL_BEGIN, e, NO_ARGS);
}

static int sqlite_soon(struct conn *c, enum sql which, struct err *e)
{
	return query_run(c, which, e, NO_ARGS);
}

/* There are no other nodes. */
static int sqlite_announce(struct conn *c, struct err *e)
{
	(void)c;
	(void)e;
	return 0;
}

static bool sqlite_in_transaction(const struct conn *c)
{
	return sqlite3_get_autocommit(((const struct sqlite_conn *)c)->db) == 0;
}

static int64_t sqlite_changes(const struct conn *c)
{
	return sqlite3_changes64(((const struct sqlite_conn *)c)->db);
}

/* ---- statements ---- */

static int bind(sqlite3_stmt *s, int i, const struct arg *a)
{
	switch (a->kind) {
	case KIND_TEXT:
		return sqlite3_bind_text(s, i, a->data, -1, SQLITE_STATIC);
	case KIND_INT:
		return sqlite3_bind_int64(s, i, a->n);
	case KIND_REAL:
		return sqlite3_bind_double(s, i, a->real);
	case KIND_BLOB:
	default:
		if (a->data == NULL)
			return sqlite3_bind_null(s, i);
		return sqlite3_bind_blob64(s, i, a->data, (uint64_t)a->n,
					   SQLITE_STATIC);
	}
}

static int prepare(struct sqlite_conn *c, const char *text, sqlite3_stmt **ret,
		   struct err *e)
{
	if (sqlite3_prepare_v3(c->db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) !=
	    SQLITE_OK)
		return fail(c, "prepare", e);
	return 0;
}

static int bind_all(struct sqlite_conn *c, sqlite3_stmt *s, struct query *ret,
		    struct err *e, const struct arg *args, size_t n_args)
{
	for (size_t i = 0; i < n_args; i++) {
		if (bind(s, (int)i + 1, &args[i]) != SQLITE_OK) {
			(void)fail(c, "bind", e);
			(void)sqlite3_clear_bindings(s);
			return -1;
		}
	}
	ret->conn = &c->base;
	ret->rows = s;
	return 0;
}

static int sqlite_open(struct conn *base, enum sql which, struct query *ret,
		       struct err *e, const struct arg *args, size_t n_args)
{
	struct sqlite_conn *c = own(base);
	sqlite3_stmt **s = &c->statements[which];

	if (*s == NULL && prepare(c, sql_text(which), s, e) < 0)
		return -1;
	ret->at = -1;
	return bind_all(c, *s, ret, e, args, n_args);
}

/* The slot that holds text, else the one that was idle longest, emptied. NULL: all are
 * busy. */
static struct text_slot *find_slot(struct sqlite_conn *c, const char *text)
{
	struct text_slot *oldest = NULL;

	for (size_t i = 0; i < N_TEXTS; i++) {
		struct text_slot *s = &c->texts[i];

		if (s->busy)
			continue;
		if (s->text != NULL && strcmp(s->text, text) == 0)
			return s;
		if (oldest == NULL || s->used_at < oldest->used_at)
			oldest = s;
	}
	if (oldest == NULL)
		return NULL;
	(void)sqlite3_finalize(TAKE(oldest->statement));
	free(TAKE(oldest->text));
	return oldest;
}

static int fill_slot(struct sqlite_conn *c, struct text_slot *s, const char *text,
		     struct err *e)
{
	if (s->text != NULL)
		return 0;
	s->text = strdup(text);
	if (s->text == NULL)
		return err_nomem(e);
	if (prepare(c, text, &s->statement, e) < 0) {
		free(TAKE(s->text));
		return -1;
	}
	return 0;
}

static int sqlite_open_text(struct conn *base, const char *text, struct query *ret,
			    struct err *e, const struct arg *args, size_t n_args)
{
	struct sqlite_conn *c = own(base);
	struct text_slot *s = find_slot(c, text);

	if (s == NULL)
		return err_set(e, ERR_BUSY, "more than %d queries at once", N_TEXTS);
	if (fill_slot(c, s, text, e) < 0)
		return -1;
	if (sqlite3_bind_parameter_count(s->statement) > (int)n_args)
		return err_set(e, ERR_INTERNAL, "a query with too few arguments");
	s->used_at = ++c->clock;
	ret->at = (int)(s - c->texts);
	if (bind_all(c, s->statement, ret, e, args, n_args) < 0)
		return -1;
	s->busy = true;
	return 0;
}

static int sqlite_step(struct query *q, bool *ret_row, struct err *e)
{
	int rc = sqlite3_step(rows_of(q));

	*ret_row = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(own(q->conn), "store", e);
	return 0;
}

static void sqlite_fini(struct query *q)
{
	(void)sqlite3_reset(rows_of(q)); /* repeats what step said */
	(void)sqlite3_clear_bindings(rows_of(q));
	if (q->at >= 0)
		own(q->conn)->texts[q->at].busy = false;
}

/* ---- columns ---- */

static bool sqlite_is_null(const struct query *q, int column)
{
	return sqlite3_column_type(rows_of(q), column) == SQLITE_NULL;
}

static int64_t sqlite_get_int(const struct query *q, int column)
{
	return sqlite3_column_int64(rows_of(q), column);
}

static double sqlite_get_real(const struct query *q, int column)
{
	return sqlite3_column_double(rows_of(q), column);
}

static const char *sqlite_get_text(const struct query *q, int column)
{
	return (const char *)sqlite3_column_text(rows_of(q), column);
}

static const void *sqlite_get_blob(const struct query *q, int column, size_t *ret_len)
{
	const void *p = sqlite3_column_blob(rows_of(q), column);

	*ret_len = (size_t)sqlite3_column_bytes(rows_of(q), column);
	return p;
}

/* ---- the database itself ---- */

/* The first column of the only row of a text that runs once. */
static int ask(struct conn *c, const char *text, char *ret, size_t room, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open_text(c, text, &q, e, NO_ARGS) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	ret[0] = '\0';
	if (row)
		query_text(&q, 0, ret, room);
	return 0;
}

static int sqlite_get_schema(struct conn *c, unsigned *ret, struct err *e)
{
	char text[24];

	if (ask(c, "PRAGMA user_version", text, sizeof(text), e) < 0)
		return -1;
	*ret = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

static int sqlite_set_schema(struct conn *c, unsigned schema, struct err *e)
{
	char script[96];

	if (text_format(script, sizeof(script), e,
			"PRAGMA application_id = " APPLICATION_ID
			"; PRAGMA user_version = %u;",
			schema) < 0)
		return -1;
	return sqlite_script(c, script, e);
}

static int sqlite_get_size(struct conn *c, uint64_t *ret_bytes, struct err *e)
{
	char text[24];

	if (ask(c,
		"SELECT page_count * page_size FROM pragma_page_count, "
		"pragma_page_size",
		text, sizeof(text), e) < 0)
		return -1;
	*ret_bytes = strtoull(text, NULL, 10);
	return 0;
}

static int sqlite_check(struct conn *c, struct err *e)
{
	char answer[128];

	if (ask(c, "PRAGMA quick_check(1)", answer, sizeof(answer), e) < 0)
		return -1;
	for (char *at = answer; *at != '\0'; at++) /* an error is one line */
		*at = *at == '\n' ? ' ' : *at;
	if (strcmp(answer, "ok") != 0)
		return err_set(e, ERR_FORMAT, "%s", answer);
	return 0;
}

/* VACUUM INTO does not flush what it wrote; its name is flushed with the database's
 * own. */
static int flush_file(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, "flush %s", path);
	return 0;
}

/* VACUUM INTO takes no file that exists. A copy that is there is of an earlier attempt,
 * which left the database as it was: replace it. */
static int sqlite_back_up(struct conn *c, unsigned schema, struct err *e)
{
	const char *path = sqlite3_db_filename(own(c)->db, "main");
	char backup[PATH_MAX], script[PATH_MAX + 64];

	if (text_format(backup, sizeof(backup), e, "%s.schema-%u", path, schema) < 0)
		return -1;
	if (strchr(backup, '\'') != NULL)
		return err_set(e, ERR_UNSUPPORTED, "a path with a quote in it: %s",
			       backup);
	if (unlink(backup) < 0 && errno != ENOENT)
		return err_sys(e, "%s", backup);
	if (text_format(script, sizeof(script), e, "VACUUM INTO '%s'", backup) < 0)
		return -1;
	if (sqlite_script(c, script, e) < 0 || flush_file(backup, e) < 0)
		return err_wrap(e, "write %s", backup);
	return 0;
}

static const struct conn_ops sqlite_ops = {
    .name = "sqlite",
    .free = sqlite_free,
    .script = sqlite_script,
    .in_transaction = sqlite_in_transaction,
    .ready = sqlite_ready,
    .begin = sqlite_begin,
    .soon = sqlite_soon,
    .announce = sqlite_announce,
    .changes = sqlite_changes,
    .open = sqlite_open,
    .open_text = sqlite_open_text,
    .step = sqlite_step,
    .fini = sqlite_fini,
    .is_null = sqlite_is_null,
    .get_int = sqlite_get_int,
    .get_real = sqlite_get_real,
    .get_text = sqlite_get_text,
    .get_blob = sqlite_get_blob,
    .get_schema = sqlite_get_schema,
    .set_schema = sqlite_set_schema,
    .get_size = sqlite_get_size,
    .check = sqlite_check,
    .back_up = sqlite_back_up,
};

struct conn *sqlite_conn_open(const char *path, bool may_write, struct err *e)
{
	struct sqlite_conn *c = calloc(1, sizeof(*c));
	AUTO_PTR(conn) struct conn *owned = NULL;
	int flags = SQLITE_OPEN_NOMUTEX |
		    (may_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
			       : SQLITE_OPEN_READONLY);

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	c->base.ops = &sqlite_ops;
	owned = &c->base;
	if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK) {
		(void)fail(c, "open", e);
		return NULL;
	}
	(void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	if (conn_script(owned,
			may_write
			    ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "PRAGMA foreign_keys = ON; " SHARED_PRAGMAS
			    : "PRAGMA query_only = ON; " SHARED_PRAGMAS,
			e) < 0)
		return NULL;
	return TAKE(owned);
}
