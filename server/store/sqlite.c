/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded back-end.
 *
 *	loop threads --reads--> a connection of the thread's own, answered in place
 *	     |
 *	     `-writes--> queue --> writer thread:
 *
 *		BEGIN
 *		  SAVEPOINT  verb, its events  RELEASE  (or undo: only this call fails)
 *		  SAVEPOINT  verb, its events  RELEASE
 *		  ... what comes within GATHER_MS ...
 *		COMMIT = one flush for all --> answers
 *
 * A flush costs milliseconds, a row microseconds: that is why writes share one. Nothing
 * is answered before COMMIT returned with synchronous=FULL, so what was acknowledged
 * survives a power cut. If the commit fails, or SQLite gives the transaction up on its
 * own (full disk), every write of the group gets that error: none of them is stored.
 *
 * After a crash: WAL recovery gives back the last committed group; nothing to do here.
 */
#include "sqlite.h"

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "schema.h"
#include "sqlite_conn.h"
#include "verbs.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GATHER_MS 5
#define GROUP_MAX 512

struct reader {
	struct conn *conn;
	struct sqlite_store *store;
	struct reader *next;
};

struct sqlite_store {
	struct store base;
	char path[PATH_MAX];
	pthread_t writer;
	struct conn *write_conn; /* the writer thread's */
	pthread_key_t reader_key;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct store_call *head, **tail;
	struct reader *readers;
	bool closing;
	struct loop *watch_loop;
	void (*watch_fn)(void *ctx);
	void *watch_ctx;
};

/* ---- reads: one connection a thread, made at its first read ---- */

static void forget_reader(struct sqlite_store *s, struct reader *r)
{
	pthread_mutex_lock(&s->lock);
	for (struct reader **p = &s->readers; *p != NULL; p = &(*p)->next) {
		if (*p == r) {
			*p = r->next;
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static void thread_ends(void *ptr)
{
	struct reader *r = ptr;

	forget_reader(r->store, r);
	conn_free(r->conn);
	free(r);
}

static struct conn *reader_conn(struct sqlite_store *s, struct err *e)
{
	struct reader *r = pthread_getspecific(s->reader_key);

	if (r != NULL)
		return r->conn;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	r->store = s;
	r->conn = sqlite_conn_open(s->path, false, e);
	if (r->conn == NULL || pthread_setspecific(s->reader_key, r) != 0) {
		conn_free(r->conn);
		free(r);
		return NULL;
	}
	pthread_mutex_lock(&s->lock);
	r->next = s->readers;
	s->readers = r;
	pthread_mutex_unlock(&s->lock);
	return r->conn;
}

/* ERR_FORMAT is of what callers send; a damaged database is our trouble. */
static void own_damage(struct err *e)
{
	if (e->code == ERR_FORMAT)
		e->code = ERR_IO;
}

static void answer_read(struct sqlite_store *s, struct store_call *c)
{
	struct conn *db = reader_conn(s, &c->err);

	if (db != NULL && store_verb_fns[c->verb](db, c, &c->err) == 0)
		err_clear(&c->err);
	own_damage(&c->err);
	c->done(c);
}

/* ---- writes: the queue ---- */

static struct store_call *take_queue(struct sqlite_store *s)
{
	struct store_call *c = s->head;

	s->head = NULL;
	s->tail = &s->head;
	return c;
}

/* Blocks until there is something to write; NULL: closing and nothing left. */
static struct store_call *await_writes(struct sqlite_store *s)
{
	struct store_call *c;

	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->closing)
		pthread_cond_wait(&s->wake, &s->lock);
	c = take_queue(s);
	pthread_mutex_unlock(&s->lock);
	return c;
}

/* What else arrives before the group's window ends; NULL when it has ended. */
static struct store_call *gather_writes(struct sqlite_store *s, int64_t until_ms)
{
	struct timespec until = {.tv_sec = until_ms / 1000,
				 .tv_nsec = until_ms % 1000 * 1000000};
	struct store_call *c;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->closing && rc == 0)
		rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
	c = take_queue(s);
	pthread_mutex_unlock(&s->lock);
	return c;
}

/* ---- writes: one group ---- */

struct group {
	struct conn *db;
	struct store_call *calls[GROUP_MAX]; /* in the order of their coming */
	size_t n_calls;
	bool wrote_events;
	bool lost; /* SQLite rolled the transaction back by itself */
};

static void run_write(struct group *g, struct store_call *c)
{
	if (c->deadline_ms != 0 && clock_mono_ms(&clock_system) > c->deadline_ms) {
		(void)err_set(&c->err, ERR_TIMEOUT, "the store is too busy");
		return;
	}
	if (query_run(g->db, SQL_SAVEPOINT, &c->err, NO_ARGS) < 0)
		return;
	if (store_run_write(g->db, c, &c->err) == 0) {
		err_clear(&c->err);
		g->wrote_events |= c->n_events > 0;
	} else if (conn_in_transaction(g->db)) {
		query_try(g->db, SQL_UNDO_SAVEPOINT);
	}
	g->lost = !conn_in_transaction(g->db);
	if (!g->lost && query_run(g->db, SQL_RELEASE_SAVEPOINT, &c->err, NO_ARGS) < 0)
		g->lost = true;
}

/* Whatever was thought to be done is not. */
static void fail_group(struct group *g, const struct err *why)
{
	for (size_t i = 0; i < g->n_calls; i++) {
		if (g->calls[i]->err.code == ERR_NONE)
			g->calls[i]->err = *why;
	}
	g->wrote_events = false;
}

/* Takes calls into the group until it is full or lost; returns those left over. */
static struct store_call *run_calls(struct group *g, struct store_call *c)
{
	while (c != NULL && g->n_calls < GROUP_MAX && !g->lost) {
		struct store_call *next = c->next;

		g->calls[g->n_calls++] = c;
		run_write(g, c);
		c = next;
	}
	return c;
}

static void end_group(struct group *g)
{
	struct err e = ERR_INIT;

	if (g->lost) {
		e = g->calls[g->n_calls - 1]->err;
		fail_group(g, &e);
	} else if (query_run(g->db, SQL_COMMIT, &e, NO_ARGS) < 0) {
		fail_group(g, &e);
	}
	if (conn_in_transaction(g->db))
		query_try(g->db, SQL_ROLLBACK);
}

static void notify_watcher(struct sqlite_store *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->watch_loop != NULL)
		/* Without memory the watcher hears of these events with the next ones.
		 */
		(void)!loop_wake(s->watch_loop, s->watch_fn, s->watch_ctx, NULL);
	pthread_mutex_unlock(&s->lock);
}

static int64_t monotonic_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Writes a group that begins with `c`; returns what did not fit into it. */
static struct store_call *write_group(struct sqlite_store *s, struct store_call *c,
				      struct group *g)
{
	int64_t until_ms = monotonic_ms() + GATHER_MS;
	struct err e = ERR_INIT;

	*g = (struct group){.db = s->write_conn};
	if (query_run(g->db, SQL_BEGIN, &e, NO_ARGS) < 0) {
		for (; c != NULL && g->n_calls < GROUP_MAX; c = c->next)
			g->calls[g->n_calls++] = c;
		fail_group(g, &e);
	} else {
		c = run_calls(g, c);
		while (c == NULL && !g->lost && g->n_calls < GROUP_MAX &&
		       monotonic_ms() < until_ms)
			c = run_calls(g, gather_writes(s, until_ms));
		end_group(g);
	}
	if (g->wrote_events)
		notify_watcher(s);
	for (size_t i = 0; i < g->n_calls; i++) {
		own_damage(&g->calls[i]->err);
		store_answer(g->calls[i]);
	}
	return c;
}

static void *writer_main(void *ctx)
{
	struct sqlite_store *s = ctx;
	struct group g;

	for (;;) {
		struct store_call *c = await_writes(s);

		if (c == NULL)
			return NULL;
		while (c != NULL)
			c = write_group(s, c, &g);
	}
}

/* ---- the ops ---- */

static void sqlite_submit(struct store *base, struct store_call *c)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	err_clear(&c->err);
	if (store_verb_kind(c->verb) == STORE_READ) {
		answer_read(s, c);
		return;
	}
	c->next = NULL;
	pthread_mutex_lock(&s->lock);
	*s->tail = c;
	s->tail = &c->next;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static void sqlite_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
			 void *ctx)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	pthread_mutex_lock(&s->lock);
	s->watch_loop = l;
	s->watch_fn = fn;
	s->watch_ctx = ctx;
	pthread_mutex_unlock(&s->lock);
}

static void free_store(struct sqlite_store *s)
{
	struct reader *next;

	(void)pthread_key_delete(s->reader_key);
	for (struct reader *r = s->readers; r != NULL; r = next) {
		next = r->next;
		conn_free(r->conn);
		free(r);
	}
	conn_free(s->write_conn);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->writer, NULL);
	free_store(s);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .submit = sqlite_submit,
    .watch = sqlite_watch,
    .close = sqlite_close,
};

static int init_locks(struct sqlite_store *s, struct err *e)
{
	pthread_condattr_t a;

	if (pthread_condattr_init(&a) != 0 ||
	    pthread_condattr_setclock(&a, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&s->wake, &a) != 0)
		return err_set(e, ERR_INTERNAL, "make a condition variable");
	(void)pthread_condattr_destroy(&a);
	if (pthread_mutex_init(&s->lock, NULL) != 0 ||
	    pthread_key_create(&s->reader_key, thread_ends) != 0)
		return err_set(e, ERR_INTERNAL, "make a lock");
	return 0;
}

/* The server itself; a command beside it; one that changes nothing. */
enum opener { OPEN_OWNER, OPEN_VISITOR, OPEN_LOOK };

static struct conn *open_sound(const char *path, enum opener who, const struct log *log,
			       struct err *e)
{
	AUTO_PTR(conn) struct conn *c = NULL;

	if (who != OPEN_OWNER && !file_exists(path)) {
		(void)err_set(e, ERR_NOT_FOUND, "not there: start the server once");
		return NULL;
	}
	c = sqlite_conn_open(path, who != OPEN_LOOK, e);
	if (c == NULL)
		return NULL;
	if (who == OPEN_OWNER
		? schema_prepare(c, store_migrations, store_n_migrations, log, e) < 0
		: schema_check(c, store_n_migrations, e) < 0)
		return NULL;
	return TAKE(c);
}

static struct store *open_as(const char *path, enum opener who, const struct log *log,
			     struct err *e)
{
	AUTO_PTR(conn) struct conn *c = open_sound(path, who, log, e);
	struct sqlite_store *s;

	if (c == NULL) {
		if (e->code == ERR_FORMAT)
			(void)err_wrap(e, "damaged, put a backup in its place");
		(void)err_wrap(e, "database %s", path);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	s->base.ops = &sqlite_ops;
	s->tail = &s->head;
	s->write_conn = TAKE(c);
	(void)snprintf(s->path, sizeof(s->path), "%s", path);
	if (init_locks(s, e) < 0 ||
	    pthread_create(&s->writer, NULL, writer_main, s) != 0) {
		(void)err_set(e, ERR_INTERNAL, "database %s: start the writer", path);
		conn_free(s->write_conn);
		free(s);
		return NULL;
	}
	return &s->base;
}

struct store *store_sqlite_open(const char *path, const struct log *log, struct err *e)
{
	return open_as(path, OPEN_OWNER, log, e);
}

struct store *store_sqlite_open_existing(const char *path, const struct log *log,
					 struct err *e)
{
	return open_as(path, OPEN_VISITOR, log, e);
}

struct store *store_sqlite_open_look(const char *path, const struct log *log,
				     struct err *e)
{
	return open_as(path, OPEN_LOOK, log, e);
}

unsigned store_sqlite_schema(void)
{
	return store_n_migrations;
}
