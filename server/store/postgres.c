/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The back-end for a database elsewhere.
 *
 *	loop threads --reads---> queue (bounded) --> reader threads, a connection each
 *	     |
 *	     `-writes--> writer.h: groups of a few milliseconds, one commit each
 *
 *	listener thread: LISTEN; wakes the watcher for events of other nodes too
 *
 * No loop waits for the database. While it is away a call is answered ERR_BUSY as soon as
 * somebody takes it from its queue, at most one attempt a second is made to come back, and
 * nothing has to be restarted.
 *
 * A writer's transaction holds one advisory lock from its beginning. So transactions of all
 * nodes follow one another: the id that an event gets is above every id that anybody can
 * have read, and there is no hole that is filled later.
 */
#include "postgres.h"

#include "../../common/base/clock.h"
#include "postgres_conn.h"
#include "schema.h"
#include "verbs.h"
#include "writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_READERS 4
#define MAX_READERS 32
#define READ_QUEUE_MAX 8192
#define LISTEN_RETRY_MS 1000

struct pg_store;

struct pg_reader {
	struct pg_store *store;
	struct conn *conn;
	pthread_t thread;
};

struct pg_store {
	struct store base;
	struct writer *writer;
	struct pg_reader readers[MAX_READERS];
	unsigned n_readers; /* whose threads run */
	struct conn *listener;
	pthread_t listen_thread;
	bool listens;
	int stop_fd; /* readable when it closes */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct store_call *head, **tail;
	size_t n_queued;
	bool closing;
};

/* ---- reads ---- */

/* NULL: closing, and nothing left. */
static struct store_call *take_read(struct pg_store *s)
{
	struct store_call *c;

	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->closing)
		pthread_cond_wait(&s->wake, &s->lock);
	c = s->head;
	if (c != NULL) {
		s->head = c->next;
		if (s->head == NULL)
			s->tail = &s->head;
		s->n_queued--;
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}

static void run_read(struct conn *db, struct store_call *c)
{
	if (c->deadline_ms != 0 && clock_mono_ms(&clock_system) > c->deadline_ms) {
		(void)err_set(&c->err, ERR_TIMEOUT, "the store is too busy");
		return;
	}
	if (conn_ready(db, &c->err) == 0 && store_run_read(db, c, &c->err) == 0)
		err_clear(&c->err);
	store_own_damage(&c->err);
}

static void *reader_main(void *ctx)
{
	struct pg_reader *r = ctx;
	struct store_call *c;

	while ((c = take_read(r->store)) != NULL) {
		run_read(r->conn, c);
		store_answer(c);
	}
	return NULL;
}

static void submit_read(struct pg_store *s, struct store_call *c)
{
	bool full;

	c->next = NULL;
	pthread_mutex_lock(&s->lock);
	full = s->n_queued >= READ_QUEUE_MAX;
	if (!full) {
		*s->tail = c;
		s->tail = &c->next;
		s->n_queued++;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (full) {
		(void)err_set(&c->err, ERR_BUSY, "%d reads wait already",
			      READ_QUEUE_MAX);
		store_answer(c);
	}
}

/* ---- events of all nodes ---- */

static void pause_listening(struct pg_store *s)
{
	struct pollfd p = {.fd = s->stop_fd, .events = POLLIN};

	(void)poll(&p, 1, LISTEN_RETRY_MS);
}

static bool is_closing(struct pg_store *s)
{
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = s->closing;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

/* Listens until the connection ends. What came while nobody listened is made up for by
 * waking the watcher once. */
static void listen_once(struct pg_store *s)
{
	struct err ignored = ERR_INIT; /* the connection tells */
	bool heard;

	if (conn_ready(s->listener, &ignored) < 0 ||
	    postgres_conn_listen(s->listener, &ignored) < 0)
		return;
	writer_wake_watcher(s->writer);
	while (postgres_conn_await(s->listener, s->stop_fd, &heard, &ignored) == 0 &&
	       !is_closing(s)) {
		if (heard)
			writer_wake_watcher(s->writer);
	}
}

static void *listen_main(void *ctx)
{
	struct pg_store *s = ctx;

	while (!is_closing(s)) {
		listen_once(s);
		pause_listening(s);
	}
	return NULL;
}

/* ---- the ops ---- */

static void pg_submit(struct store *base, struct store_call *c)
{
	struct pg_store *s = (struct pg_store *)base;

	err_clear(&c->err);
	if (store_verb_kind(c->verb) == STORE_READ)
		submit_read(s, c);
	else
		writer_submit(s->writer, c);
}

static void pg_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
		     void *ctx)
{
	writer_watch(((struct pg_store *)base)->writer, l, fn, ctx);
}

static void pg_close(struct store *base)
{
	struct pg_store *s = (struct pg_store *)base;
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->n_readers; i++)
		(void)pthread_join(s->readers[i].thread, NULL);
	for (unsigned i = 0; i < MAX_READERS; i++)
		conn_free(s->readers[i].conn);
	/* An eventfd takes eight bytes unless its count is at the end. */
	if (s->listens && write(s->stop_fd, &one, sizeof(one)) == sizeof(one))
		(void)pthread_join(s->listen_thread, NULL);
	conn_free(s->listener);
	writer_stop(s->writer);
	writer_free(s->writer);
	if (s->stop_fd >= 0)
		(void)close(s->stop_fd);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct store_ops pg_ops = {
    .name = "postgres",
    .submit = pg_submit,
    .watch = pg_watch,
    .close = pg_close,
};

/* ---- opening ---- */

static int prepare_schema(struct conn *c, enum store_opener who, const struct log *log,
			  struct err *e)
{
	if (conn_ready(c, e) < 0) {
		postgres_conn_why_away(c, e);
		return -1;
	}
	if (who == STORE_OWNER)
		return schema_prepare(c, store_migrations, store_n_migrations, log, e);
	return schema_check(c, store_n_migrations, e);
}

static int start_reader(struct pg_store *s, const struct postgres_place *p,
			struct err *e)
{
	struct pg_reader *r = &s->readers[s->n_readers];

	r->store = s;
	r->conn = postgres_conn_new(p, NULL, e);
	if (r->conn == NULL)
		return -1;
	if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
		return err_set(e, ERR_INTERNAL, "start a reader");
	s->n_readers++;
	return 0;
}

/* It waits on its connection all the time: it is the first to know, and the one that tells.
 */
static int start_listener(struct pg_store *s, const struct postgres_place *p,
			  const struct log *log, struct err *e)
{
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (s->stop_fd < 0)
		return err_sys(e, "eventfd");
	s->listener = postgres_conn_new(p, log, e);
	if (s->listener == NULL)
		return -1;
	if (pthread_create(&s->listen_thread, NULL, listen_main, s) != 0)
		return err_set(e, ERR_INTERNAL, "start the listener");
	s->listens = true;
	return 0;
}

static int start_threads(struct pg_store *s, struct conn *taken, unsigned n_readers,
			 enum store_opener who, const struct postgres_place *p,
			 const struct log *log, struct err *e)
{
	if (n_readers == 0)
		n_readers = DEFAULT_READERS;
	if (n_readers > MAX_READERS)
		n_readers = MAX_READERS;
	s->writer = writer_new(taken, e);
	if (s->writer == NULL)
		return -1;
	while (s->n_readers < n_readers) {
		if (start_reader(s, p, e) < 0)
			return -1;
	}
	return who == STORE_OWNER ? start_listener(s, p, log, e) : 0;
}

static struct pg_store *store_new(struct err *e)
{
	struct pg_store *s = calloc(1, sizeof(*s));

	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0 ||
	    pthread_cond_init(&s->wake, NULL) != 0) {
		free(s);
		(void)err_nomem(e);
		return NULL;
	}
	s->base.ops = &pg_ops;
	s->tail = &s->head;
	s->stop_fd = -1;
	return s;
}

static struct store *open_place(const struct store_place *place, enum store_opener who,
				const struct log *log, struct err *e)
{
	const struct postgres_place p = {.url = place->url,
					 .allow_insecure = place->allow_insecure,
					 .read_only = who == STORE_LOOK};
	AUTO_PTR(conn) struct conn *c = postgres_conn_new(&p, NULL, e);
	struct pg_store *s;

	if (c == NULL || prepare_schema(c, who, log, e) < 0)
		return NULL;
	postgres_conn_expect_schema(c, store_n_migrations);
	s = store_new(e);
	if (s == NULL)
		return NULL;
	/* A command makes one call: it needs one connection. */
	if (start_threads(s, TAKE(c), who == STORE_OWNER ? place->n_readers : 1, who,
			  &p, log, e) < 0) {
		pg_close(&s->base);
		return NULL;
	}
	return &s->base;
}

struct store *store_postgres_open(const struct store_place *place,
				  enum store_opener who, const struct log *log,
				  struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(4096);
	struct store *s = open_place(place, who, log, e);

	if (s == NULL && e->code != ERR_CONFIG &&
	    store_place_name(place, &name, NULL) == 0)
		(void)err_wrap(e, "database %s", buf_str(&name));
	return s;
}
