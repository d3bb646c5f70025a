/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded back-end.
 *
 *	loop threads --reads--> a connection of the thread's own, answered in place
 *	     |-scans--> scan.h: threads with a connection each
 *	     `-writes--> writer.h: groups of a few milliseconds, one flush each
 *
 * The flush is COMMIT with synchronous=FULL in WAL mode.
 *
 * After a crash: WAL recovery gives back the last committed group; nothing to do here.
 */
#include "sqlite.h"

#include "../../common/base/file.h"
#include "scan.h"
#include "schema.h"
#include "sqlite_conn.h"
#include "verbs.h"
#include "writer.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_SCANNERS 2

struct reader {
	struct conn *conn;
	struct sqlite_store *store;
	struct reader *next;
};

struct sqlite_store {
	struct store base;
	char path[PATH_MAX];
	struct writer *writer;
	pthread_key_t reader_key;
	struct scanners *scanners;

	pthread_mutex_t lock; /* guards what follows */
	struct reader *readers;
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

static void run_read(void *ctx, struct store_call *c)
{
	struct conn *db = reader_conn(ctx, &c->err);

	if (db != NULL && store_run_read(db, c, &c->err) == 0)
		err_clear(&c->err);
	store_own_damage(&c->err);
}

/* ---- the ops ---- */

static void sqlite_submit(struct store *base, struct store_call *c)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	err_clear(&c->err);
	switch (store_verb_kind(c->verb)) {
	case STORE_READ:
		run_read(s, c);
		store_answer_here(c);
		break;
	case STORE_SCAN:
		scanners_submit(s->scanners, c);
		break;
	case STORE_WRITE:
		writer_submit(s->writer, c);
		break;
	}
}

static void sqlite_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
			 void *ctx)
{
	writer_watch(((struct sqlite_store *)base)->writer, l, fn, ctx);
}

/* The one connection that may write closes last: only such a one empties the log into
 * the database, so that a copy of the file alone is whole. */
static void free_store(struct sqlite_store *s)
{
	struct reader *next;

	(void)pthread_key_delete(s->reader_key);
	for (struct reader *r = s->readers; r != NULL; r = next) {
		next = r->next;
		conn_free(r->conn);
		free(r);
	}
	writer_free(s->writer);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	writer_stop(s->writer);
	scanners_free(s->scanners);
	free_store(s);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .alone = true,
    .submit = sqlite_submit,
    .watch = sqlite_watch,
    .close = sqlite_close,
};

static int init_locks(struct sqlite_store *s, struct err *e)
{
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
	(void)snprintf(s->path, sizeof(s->path), "%s", path);
	if (init_locks(s, e) < 0 ||
	    (s->scanners = scanners_new(N_SCANNERS, run_read, s, e)) == NULL ||
	    (s->writer = writer_new(TAKE(c), e)) == NULL) {
		(void)err_wrap(e, "database %s", path);
		scanners_free(s->scanners);
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
