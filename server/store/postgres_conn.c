/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything goes through libpq's pipeline: what was put off (query_soon), the preparing of
 * a statement that is new, and the statement itself travel together and cost one round
 * trip. An answer is awaited with a limit; when it passes, or the connection breaks, the
 * connection is closed, and with it the transaction.
 *
 * A COMMIT is believed only if the database answers COMMIT: of a transaction that failed
 * before it answers ROLLBACK, without an error.
 */
#include "postgres_conn.h"

#include "../../common/base/clock.h"
#include "postgres_link.h"
#include "postgres_text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_LIMIT_MS 10000
#define SCRIPT_LIMIT_MS (60 * 60 * 1000)
#define MAX_SOON 8

/* pg_type.h's numbers, part of the protocol. */
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_TEXT 25
#define OID_FLOAT8 701

struct pg_conn {
	struct conn base;
	struct pg_link link;
	bool read_only;
	unsigned expect_schema;
	bool prepared[N_SQL];
	const char *soon[MAX_SOON];
	size_t n_soon;
	int64_t changes;
};

/* What differs from the text of sql.h beyond its words. */
static const char *const own_texts[N_SQL] = {
    [SQL_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED",
};

static struct pg_conn *own(struct conn *c)
{
	return (struct pg_conn *)c;
}

static int pg_script(struct conn *base, const char *sql, struct err *e);

/* Durable commits also where the database's default is otherwise; a node that hangs with
 * the writer's lock, or is gone, must not keep the others from it. */
static int set_up(struct pg_conn *c, struct err *e)
{
	if (pg_script(&c->base,
		      "SET client_min_messages = warning;"
		      "SET idle_in_transaction_session_timeout = '20s';"
		      "SET client_connection_check_interval = '5s';"
		      "SELECT set_config('synchronous_commit', 'on', FALSE) "
		      "WHERE current_setting('synchronous_commit') = 'off';",
		      e) < 0)
		return -1;
	return c->read_only
		   ? pg_script(&c->base, "SET default_transaction_read_only = ON;", e)
		   : 0;
}

static int connect_anew(struct pg_conn *c, struct err *e)
{
	if (pg_link_open(&c->link, e) < 0)
		return -1;
	c->n_soon = 0;
	memset(c->prepared, 0, sizeof(c->prepared));
	if (set_up(c, e) < 0)
		return c->link.pg == NULL ? -1 : pg_link_lose(&c->link, e->text, e);
	pg_link_welcome(&c->link);
	return 0;
}

static int pg_ready(struct conn *base, struct err *e)
{
	struct pg_conn *c = own(base);

	return pg_link_is_up(&c->link) ? 0 : connect_anew(c, e);
}

/* ---- statements ---- */

/* What travels together; results come in this order. */
struct order {
	enum sql which; /* N_SQL: a text made at run time */
	const char *text;
	bool prepare;
	const struct arg *args;
	size_t n_args;
};

struct bound {
	const char *values[SQL_MAX_ARGS];
	int lengths[SQL_MAX_ARGS];
	int formats[SQL_MAX_ARGS]; /* all binary */
	Oid types[SQL_MAX_ARGS];
	uint64_t numbers[SQL_MAX_ARGS]; /* big-endian */
};

static uint64_t big_endian(uint64_t v)
{
	uint8_t b[8];
	uint64_t r;

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (56 - 8 * i));
	memcpy(&r, b, sizeof(r));
	return r;
}

static void bind_number(struct bound *b, size_t i, uint64_t bits, Oid type)
{
	b->numbers[i] = big_endian(bits);
	b->values[i] = (const char *)&b->numbers[i];
	b->lengths[i] = sizeof(b->numbers[i]);
	b->types[i] = type;
}

static void bind(struct bound *b, size_t i, const struct arg *a)
{
	static const char empty[1];
	uint64_t bits;

	b->formats[i] = 1;
	switch (a->kind) {
	case KIND_INT:
		bind_number(b, i, (uint64_t)a->n, OID_INT8);
		break;
	case KIND_REAL:
		memcpy(&bits, &a->real, sizeof(bits));
		bind_number(b, i, bits, OID_FLOAT8);
		break;
	case KIND_TEXT:
		b->values[i] = a->data;
		b->lengths[i] = a->data == NULL ? 0 : (int)strlen(a->data);
		b->types[i] = OID_TEXT;
		break;
	case KIND_BLOB:
	default:
		b->values[i] = a->data != NULL && a->n == 0 ? empty : a->data;
		b->lengths[i] = (int)a->n;
		b->types[i] = OID_BYTEA;
		break;
	}
}

static bool send_order(struct pg_conn *c, const struct order *o, const struct bound *b)
{
	char name[16];
	int n = (int)o->n_args;

	for (size_t i = 0; i < c->n_soon; i++) {
		if (PQsendQueryParams(c->link.pg, c->soon[i], 0, NULL, NULL, NULL, NULL,
				      1) == 0)
			return false;
	}
	(void)snprintf(name, sizeof(name), "s%d", (int)o->which);
	if (o->prepare && PQsendPrepare(c->link.pg, name, o->text, n, b->types) == 0)
		return false;
	if (o->which == N_SQL)
		return PQsendQueryParams(c->link.pg, o->text, n, b->types, b->values,
					 b->lengths, b->formats, 1) != 0;
	return PQsendQueryPrepared(c->link.pg, name, n, b->values, b->lengths,
				   b->formats, 1) != 0;
}

/* All results of one command; the last goes to *ret_last, which may hold an earlier one.
 * A command that failed before wins: what follows it was not run. */
static int command_result(struct pg_conn *c, int64_t until_ms, PGresult **ret_last,
			  struct err *e)
{
	PGresult *r;

	for (;;) {
		if (pg_link_result(&c->link, until_ms, &r, e) < 0)
			return -1;
		if (r == NULL)
			return 0;
		if (PQresultStatus(*ret_last) == PGRES_FATAL_ERROR &&
		    *ret_last != NULL) {
			PQclear(r);
			continue;
		}
		PQclear(*ret_last);
		*ret_last = r;
	}
}

static int sync_result(struct pg_conn *c, int64_t until_ms, struct err *e)
{
	PGresult *r;

	if (pg_link_result(&c->link, until_ms, &r, e) < 0)
		return -1;
	if (PQresultStatus(r) != PGRES_PIPELINE_SYNC ||
	    PQexitPipelineMode(c->link.pg) == 0) {
		PQclear(r);
		return pg_link_lose(&c->link, "the pipeline is out of step", e);
	}
	PQclear(r);
	return 0;
}

/* Whoever put these off has been told of success: their failure ends the transaction. */
static int soon_results(struct pg_conn *c, int64_t until_ms, struct err *e)
{
	size_t n = c->n_soon;

	for (size_t i = 0; i < n; i++) {
		PGresult *r = NULL;
		ExecStatusType s;
		int rc = command_result(c, until_ms, &r, e);

		s = PQresultStatus(r);
		if (rc == 0 && s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
			(void)pg_link_fail(&c->link, r, e);
			if (c->link.pg != NULL)
				(void)pg_link_lose_broken(&c->link, NULL);
			rc = -1;
		}
		PQclear(r);
		if (rc < 0)
			return -1;
	}
	c->n_soon = 0;
	return 0;
}

static int take_results(struct pg_conn *c, const struct order *o, PGresult **ret,
			struct err *e)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + STATEMENT_LIMIT_MS;

	if (soon_results(c, until_ms, e) < 0)
		return -1;
	if (o->prepare) {
		if (command_result(c, until_ms, ret, e) < 0)
			return -1;
		c->prepared[o->which] = PQresultStatus(*ret) == PGRES_COMMAND_OK;
	}
	if (command_result(c, until_ms, ret, e) < 0)
		return -1;
	return sync_result(c, until_ms, e);
}

static void note_changes(struct pg_conn *c, PGresult *r)
{
	c->changes = (int64_t)strtoll(PQcmdTuples(r), NULL, 10);
}

/* Runs o; *ret is PQclear()ed by the caller. */
static int run_order(struct pg_conn *c, const struct order *o, PGresult **ret,
		     struct err *e)
{
	struct bound b;
	ExecStatusType s;

	*ret = NULL;
	if (c->link.pg == NULL)
		return err_set(e, ERR_BUSY, "the database is away");
	if (o->n_args > SQL_MAX_ARGS)
		return err_set(e, ERR_LIMIT, "more than %d arguments", SQL_MAX_ARGS);
	for (size_t i = 0; i < o->n_args; i++)
		bind(&b, i, &o->args[i]);
	if (PQenterPipelineMode(c->link.pg) == 0 || !send_order(c, o, &b) ||
	    PQpipelineSync(c->link.pg) == 0)
		return pg_link_lose_broken(&c->link, e);
	if (take_results(c, o, ret, e) < 0)
		return -1;
	s = PQresultStatus(*ret);
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
		return pg_link_fail(&c->link, *ret, e);
	note_changes(c, *ret);
	return 0;
}

static int translate(const char *text, enum sql_part part, struct buf *ret,
		     struct err *e)
{
	if (postgres_translate(text, part, ret, e) == 0)
		return 0;
	e->code = ERR_INTERNAL; /* our own text */
	return -1;
}

static int open_order(struct pg_conn *c, struct order *o, const char *text,
		      struct query *ret, struct err *e)
{
	AUTO(buf) struct buf theirs = BUF_INIT(2 * SQL_TEXT_MAX_LEN);
	PGresult *r;

	if ((o->prepare || o->which == N_SQL) &&
	    translate(text, SQL_PART_STATEMENT, &theirs, e) < 0)
		return -1;
	o->text = buf_str(&theirs);
	if (run_order(c, o, &r, e) < 0) {
		PQclear(r);
		return -1;
	}
	*ret = (struct query){.conn = &c->base, .rows = r, .at = -1};
	return 0;
}

static int check_committed(struct pg_conn *c, struct query *q, struct err *e)
{
	if (strcmp(PQcmdStatus(q->rows), "COMMIT") == 0)
		return 0;
	query_fini(q);
	(void)c;
	return err_set(e, ERR_IO, "the database undid the transaction");
}

static int pg_open(struct conn *base, enum sql which, struct query *ret, struct err *e,
		   const struct arg *args, size_t n_args)
{
	struct pg_conn *c = own(base);
	struct order o = {.which = which,
			  .prepare = !c->prepared[which],
			  .args = args,
			  .n_args = n_args};
	const char *text =
	    own_texts[which] != NULL ? own_texts[which] : sql_text(which);
	bool was_there = c->link.pg != NULL;

	if (open_order(c, &o, text, ret, e) < 0) {
		if (which == SQL_COMMIT && was_there && c->link.pg == NULL)
			(void)err_set(e, ERR_IO,
				      "the database went away before it said whether "
				      "this is stored");
		return -1;
	}
	return which == SQL_COMMIT ? check_committed(c, ret, e) : 0;
}

/* Not prepared: such texts are many, and a plan that knows the values is the better one.
 */
static int pg_open_text(struct conn *base, const char *text, struct query *ret,
			struct err *e, const struct arg *args, size_t n_args)
{
	struct order o = {.which = N_SQL, .args = args, .n_args = n_args};

	return open_order(own(base), &o, text, ret, e);
}

static int pg_soon(struct conn *base, enum sql which, struct err *e)
{
	struct pg_conn *c = own(base);

	if (c->link.pg == NULL)
		return err_set(e, ERR_BUSY, "the database is away");
	if (c->n_soon == MAX_SOON)
		return query_run(base, which, e, NO_ARGS);
	c->soon[c->n_soon++] =
	    own_texts[which] != NULL ? own_texts[which] : sql_text(which);
	return 0;
}

static int pg_step(struct query *q, bool *ret_row, struct err *e)
{
	(void)e;
	*ret_row = q->at + 1 < PQntuples(q->rows);
	if (*ret_row)
		q->at++;
	return 0;
}

static void pg_fini(struct query *q)
{
	PQclear(q->rows);
}

/* Several statements in the simple form; not to be mixed with a pipeline. */
static int run_script(struct pg_conn *c, const char *sql, struct err *e)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + SCRIPT_LIMIT_MS;
	PGresult *r = NULL;
	ExecStatusType s;
	int rc;

	if (PQsendQuery(c->link.pg, sql) == 0)
		return pg_link_lose_broken(&c->link, e);
	rc = command_result(c, until_ms, &r, e);
	s = PQresultStatus(r);
	if (rc == 0 && s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
		rc = pg_link_fail(&c->link, r, e);
	PQclear(r);
	return rc;
}

static int pg_script(struct conn *base, const char *sql, struct err *e)
{
	AUTO(buf) struct buf theirs = BUF_INIT(1 << 20);

	if (own(base)->link.pg == NULL)
		return err_set(e, ERR_BUSY, "the database is away");
	if (translate(sql, SQL_PART_SCHEMA, &theirs, e) < 0)
		return -1;
	return run_script(own(base), buf_str(&theirs), e);
}

static bool pg_in_transaction(const struct conn *base)
{
	const struct pg_conn *c = (const struct pg_conn *)base;
	PGTransactionStatusType t;

	if (c->link.pg == NULL)
		return false;
	t = PQtransactionStatus(c->link.pg);
	return t == PQTRANS_INTRANS || t == PQTRANS_INERROR;
}

static int64_t pg_changes(const struct conn *base)
{
	return ((const struct pg_conn *)base)->changes;
}

/* ---- columns ---- */

static bool pg_is_null(const struct query *q, int column)
{
	return PQgetisnull(q->rows, q->at, column) != 0;
}

/* Whole numbers of any width, big-endian. */
static int64_t pg_get_int(const struct query *q, int column)
{
	const uint8_t *p = (const uint8_t *)PQgetvalue(q->rows, q->at, column);
	int len = PQgetlength(q->rows, q->at, column);
	uint64_t v = 0;

	if (len < 1 || len > 8)
		return 0;
	if (p[0] & 0x80)
		v = UINT64_MAX;
	for (int i = 0; i < len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static double pg_get_real(const struct query *q, int column)
{
	uint64_t bits = (uint64_t)pg_get_int(q, column);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return pg_is_null(q, column) ? 0 : v;
}

static const char *pg_get_text(const struct query *q, int column)
{
	return pg_is_null(q, column) ? NULL : PQgetvalue(q->rows, q->at, column);
}

static const void *pg_get_blob(const struct query *q, int column, size_t *ret_len)
{
	*ret_len = (size_t)PQgetlength(q->rows, q->at, column);
	return pg_is_null(q, column) ? NULL : PQgetvalue(q->rows, q->at, column);
}

/* ---- the database itself ---- */

static int ask_int(struct conn *c, const char *text, int64_t *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open_text(c, text, &q, e, NO_ARGS) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	*ret = row ? query_int(&q, 0) : 0;
	return 0;
}

static int pg_get_schema(struct conn *c, unsigned *ret, struct err *e)
{
	int64_t there = 0, schema = 0;

	if (ask_int(c, "SELECT count(to_regclass('schema_number'))", &there, e) < 0 ||
	    (there != 0 && ask_int(c, "SELECT n FROM schema_number", &schema, e) < 0))
		return -1;
	*ret = (unsigned)schema;
	return 0;
}

static int pg_set_schema(struct conn *c, unsigned schema, struct err *e)
{
	if (pg_script(c,
		      "CREATE TABLE IF NOT EXISTS schema_number (n INTEGER NOT NULL);"
		      "DELETE FROM schema_number;",
		      e) < 0)
		return -1;
	return query_run_text(c, "INSERT INTO schema_number (n) VALUES (?1)", e,
			      ARGS(ARG_I(schema)));
}

static int pg_get_size(struct conn *c, uint64_t *ret_bytes, struct err *e)
{
	int64_t n = 0;

	if (ask_int(c, "SELECT pg_database_size(current_database())", &n, e) < 0)
		return -1;
	*ret_bytes = (uint64_t)n;
	return 0;
}

/* Its pages' checksums are the database's business; that it answers is ours. */
static int pg_check(struct conn *c, struct err *e)
{
	unsigned schema;

	return pg_get_schema(c, &schema, e);
}

/* pg_dump and the operator do this; docs/OPERATIONS.md says so. */
static int pg_back_up(struct conn *c, unsigned schema, struct err *e)
{
	(void)c;
	(void)schema;
	(void)e;
	return 0;
}

static int check_schema(struct pg_conn *c, struct err *e)
{
	unsigned schema = 0;

	if (c->expect_schema == 0)
		return 0;
	if (pg_get_schema(&c->base, &schema, e) < 0)
		return -1;
	if (schema != c->expect_schema)
		return err_set(e, ERR_BUSY,
			       "another server made it schema %u and this one knows %u",
			       schema, c->expect_schema);
	return 0;
}

/* The lock makes the writers of all nodes go one after another, as SQLite's do: what a
 * transaction read is still true when it commits, and events become readable in the order
 * of their ids. */
static int pg_begin(struct conn *base, struct err *e)
{
	if (pg_soon(base, SQL_BEGIN, e) < 0 ||
	    query_run_text(base,
			   "SELECT pg_advisory_xact_lock(" POSTGRES_WRITER_LOCK ")", e,
			   NO_ARGS) < 0)
		return -1;
	return check_schema(own(base), e);
}

static int pg_announce(struct conn *base, struct err *e)
{
	struct pg_conn *c = own(base);

	if (c->n_soon == MAX_SOON)
		return query_run_text(base, "NOTIFY " POSTGRES_CHANNEL, e, NO_ARGS);
	c->soon[c->n_soon++] = "NOTIFY " POSTGRES_CHANNEL;
	return 0;
}

static void pg_free(struct conn *base)
{
	struct pg_conn *c = own(base);

	pg_link_fini(&c->link);
	free(c);
}

static const struct conn_ops pg_ops = {
    .name = "postgres",
    .free = pg_free,
    .script = pg_script,
    .in_transaction = pg_in_transaction,
    .ready = pg_ready,
    .begin = pg_begin,
    .soon = pg_soon,
    .announce = pg_announce,
    .changes = pg_changes,
    .open = pg_open,
    .open_text = pg_open_text,
    .step = pg_step,
    .fini = pg_fini,
    .is_null = pg_is_null,
    .get_int = pg_get_int,
    .get_real = pg_get_real,
    .get_text = pg_get_text,
    .get_blob = pg_get_blob,
    .get_schema = pg_get_schema,
    .set_schema = pg_set_schema,
    .get_size = pg_get_size,
    .check = pg_check,
    .back_up = pg_back_up,
};

struct conn *postgres_conn_new(const struct postgres_place *p, const struct log *log,
			       struct err *e)
{
	struct pg_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	c->base.ops = &pg_ops;
	c->read_only = p->read_only;
	if (pg_link_init(&c->link, p, log, e) < 0) {
		free(c);
		return NULL;
	}
	return &c->base;
}

void postgres_conn_expect_schema(struct conn *c, unsigned schema)
{
	own(c)->expect_schema = schema;
}

void postgres_conn_why_away(const struct conn *c, struct err *ret)
{
	*ret = ((const struct pg_conn *)c)->link.why;
}

/* ---- listening ---- */

int postgres_conn_listen(struct conn *c, struct err *e)
{
	return pg_script(c, "LISTEN " POSTGRES_CHANNEL ";", e);
}

static bool take_notifications(PGconn *pg)
{
	PGnotify *n;
	bool any = false;

	while ((n = PQnotifies(pg)) != NULL) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

int postgres_conn_await(struct conn *base, int stop_fd, bool *ret_heard, struct err *e)
{
	struct pg_conn *c = own(base);
	struct pollfd p[2];

	*ret_heard = false;
	if (c->link.pg == NULL)
		return err_set(e, ERR_BUSY, "the database is away");
	for (;;) {
		*ret_heard = take_notifications(c->link.pg);
		if (*ret_heard)
			return 0;
		p[0] = (struct pollfd){.fd = PQsocket(c->link.pg), .events = POLLIN};
		p[1] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (p[1].revents != 0)
			return 0;
		if (PQconsumeInput(c->link.pg) == 0)
			return pg_link_lose_broken(&c->link, e);
	}
}
