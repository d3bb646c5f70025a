/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include "../../common/base/clock.h"
#include "count.h"
#include "verbs.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A group is closed when nothing came for a while, or after a longer one. */
#define QUIET_MS 1
#define GATHER_MS 5
#define GROUP_MAX 512

struct group {
	struct conn *db;
	struct store_call *calls[GROUP_MAX]; /* in the order of their coming */
	size_t n_calls;
	bool wrote_events;
	bool lost; /* the database rolled the transaction back by itself */
};

struct writer {
	struct conn *db; /* the thread's */
	struct group group;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct store_call *head, **tail;
	size_t n_queued;
	bool closing;
	struct loop *watch_loop;
	void (*watch_fn)(void *ctx);
	void *watch_ctx;
};

void store_own_damage(struct err *e)
{
	if (e->code == ERR_FORMAT)
		e->code = ERR_IO;
}

/* ---- the queue ---- */

static int64_t monotonic_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* With the lock held: moves what is queued into the group, as far as it has room. */
static void take_queued(struct writer *w)
{
	struct group *g = &w->group;

	while (w->head != NULL && g->n_calls < GROUP_MAX) {
		g->calls[g->n_calls++] = w->head;
		w->head = w->head->next;
		w->n_queued--;
	}
	if (w->head == NULL)
		w->tail = &w->head;
}

/* With the lock held: false if nothing came within `ms`. */
static bool await_more(struct writer *w, int64_t ms)
{
	int64_t until_ms = monotonic_ms() + ms;
	struct timespec until = {.tv_sec = until_ms / 1000,
				 .tv_nsec = until_ms % 1000 * 1000000};
	int rc = 0;

	while (w->head == NULL && !w->closing && rc == 0)
		rc = pthread_cond_timedwait(&w->wake, &w->lock, &until);
	return w->head != NULL;
}

/* Blocks until there is a group to write; false: closing and nothing left. */
static bool gather(struct writer *w)
{
	struct group *g = &w->group;
	int64_t end_ms;

	*g = (struct group){.db = w->db};
	pthread_mutex_lock(&w->lock);
	while (w->head == NULL && !w->closing)
		pthread_cond_wait(&w->wake, &w->lock);
	end_ms = monotonic_ms() + GATHER_MS;
	take_queued(w);
	while (g->n_calls > 0 && g->n_calls < GROUP_MAX && !w->closing &&
	       monotonic_ms() < end_ms && await_more(w, QUIET_MS))
		take_queued(w);
	pthread_mutex_unlock(&w->lock);
	return g->n_calls > 0;
}

/* ---- one group ---- */

static void run_write(struct group *g, struct store_call *c)
{
	if (c->deadline_ms != 0 && clock_mono_ms(&clock_system) > c->deadline_ms) {
		(void)err_set(&c->err, ERR_TIMEOUT, "the store is too busy");
		return;
	}
	if (query_soon(g->db, SQL_SAVEPOINT, &c->err) < 0) {
		g->lost = !conn_in_transaction(g->db);
		return;
	}
	if (store_run_write(g->db, c, &c->err) == 0) {
		err_clear(&c->err);
		g->wrote_events |= c->n_events > 0 || c->more_events;
	} else if (conn_in_transaction(g->db)) {
		query_try(g->db, SQL_UNDO_SAVEPOINT);
	}
	g->lost = !conn_in_transaction(g->db);
	if (g->lost && c->err.code == ERR_NONE)
		(void)err_set(&c->err, ERR_IO, "the transaction was given up");
	if (!g->lost && query_soon(g->db, SQL_RELEASE_SAVEPOINT, &c->err) < 0)
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

static void end_group(struct group *g, const struct err *lost_by)
{
	struct err e = ERR_INIT;

	if (g->lost)
		fail_group(g, lost_by);
	else if ((g->wrote_events && conn_announce(g->db, &e) < 0) ||
		 query_run(g->db, SQL_COMMIT, &e, NO_ARGS) < 0)
		fail_group(g, &e);
	if (conn_in_transaction(g->db))
		query_try(g->db, SQL_ROLLBACK);
}

static void write_group(struct group *g)
{
	struct err e = ERR_INIT;
	size_t i;

	if (conn_ready(g->db, &e) < 0 || conn_begin(g->db, &e) < 0) {
		fail_group(g, &e);
		if (conn_in_transaction(g->db))
			query_try(g->db, SQL_ROLLBACK);
		return;
	}
	for (i = 0; i < g->n_calls && !g->lost; i++)
		run_write(g, g->calls[i]);
	end_group(g, i == 0 ? &e : &g->calls[i - 1]->err);
}

void writer_wake_watcher(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->watch_loop != NULL)
		/* Without memory the watcher hears of these events with the next ones.
		 */
		(void)!loop_wake(w->watch_loop, w->watch_fn, w->watch_ctx, NULL);
	pthread_mutex_unlock(&w->lock);
}

static void *writer_main(void *ctx)
{
	struct writer *w = ctx;
	struct group *g = &w->group;
	const struct store_counts *counts;

	while (gather(w)) {
		counts = g->calls[0]->counts;
		write_group(g);
		store_counts_group(counts, g->n_calls);
		if (g->wrote_events)
			writer_wake_watcher(w);
		for (size_t i = 0; i < g->n_calls; i++) {
			store_own_damage(&g->calls[i]->err);
			store_answer(g->calls[i]);
		}
	}
	return NULL;
}

/* ---- for back-ends ---- */

void writer_submit(struct writer *w, struct store_call *c)
{
	bool full;

	err_clear(&c->err);
	c->next = NULL;
	pthread_mutex_lock(&w->lock);
	full = w->n_queued >= WRITER_QUEUE_MAX;
	if (!full) {
		*w->tail = c;
		w->tail = &c->next;
		w->n_queued++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (full) {
		(void)err_set(&c->err, ERR_BUSY, "%d writes wait already",
			      WRITER_QUEUE_MAX);
		store_answer(c);
	}
}

void writer_watch(struct writer *w, struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&w->lock);
	w->watch_loop = l;
	w->watch_fn = fn;
	w->watch_ctx = ctx;
	pthread_mutex_unlock(&w->lock);
}

static int init_locks(struct writer *w, struct err *e)
{
	pthread_condattr_t a;

	if (pthread_condattr_init(&a) != 0 ||
	    pthread_condattr_setclock(&a, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&w->wake, &a) != 0)
		return err_set(e, ERR_INTERNAL, "make a condition variable");
	(void)pthread_condattr_destroy(&a);
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		return err_set(e, ERR_INTERNAL, "make a lock");
	return 0;
}

struct writer *writer_new(struct conn *db, struct err *e)
{
	AUTO_PTR(conn) struct conn *owned = db;
	AUTO_FREE struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	w->db = db;
	w->tail = &w->head;
	if (init_locks(w, e) < 0)
		return NULL;
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		(void)err_set(e, ERR_INTERNAL, "start the writer");
		return NULL;
	}
	(void)TAKE(owned);
	return TAKE(w);
}

void writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
}

void writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	conn_free(w->db);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}
