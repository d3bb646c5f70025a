/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include "../../common/base/clock.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_THREADS 8u

struct scanners {
	void (*run)(void *ctx, struct store_call *c);
	void *ctx;
	pthread_t threads[MAX_THREADS];
	unsigned n_threads;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct store_call *head, **tail;
	bool closing;
};

/* NULL: closing and nothing left. */
static struct store_call *await_scan(struct scanners *s)
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
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}

static void *scanner_main(void *ctx)
{
	struct scanners *s = ctx;
	struct store_call *c;

	while ((c = await_scan(s)) != NULL) {
		if (c->deadline_ms != 0 &&
		    clock_mono_ms(&clock_system) > c->deadline_ms)
			(void)err_set(&c->err, ERR_TIMEOUT, "the store is too busy");
		else
			s->run(s->ctx, c);
		store_answer(c);
	}
	return NULL;
}

struct scanners *scanners_new(unsigned n_threads,
			      void (*run)(void *ctx, struct store_call *c), void *ctx,
			      struct err *e)
{
	struct scanners *s = calloc(1, sizeof(*s));

	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		(void)err_nomem(e);
		return NULL;
	}
	(void)pthread_cond_init(&s->wake, NULL); /* cannot fail without attributes */
	s->run = run;
	s->ctx = ctx;
	s->tail = &s->head;
	for (; s->n_threads < n_threads && s->n_threads < MAX_THREADS; s->n_threads++) {
		if (pthread_create(&s->threads[s->n_threads], NULL, scanner_main, s) !=
		    0) {
			(void)err_set(e, ERR_INTERNAL, "start a reading thread");
			scanners_free(s);
			return NULL;
		}
	}
	return s;
}

void scanners_free(struct scanners *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->n_threads; i++)
		(void)pthread_join(s->threads[i], NULL);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

void scanners_submit(struct scanners *s, struct store_call *c)
{
	c->next = NULL;
	pthread_mutex_lock(&s->lock);
	*s->tail = c;
	s->tail = &c->next;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}
