/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <pthread.h>
#include <time.h>

#define MAX_THREADS 16u

struct pool {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	struct pool_job *first;
	struct pool_job **last;
	bool stop;
	unsigned n_threads;
	pthread_t threads[MAX_THREADS];
};

static struct pool_job *next_job(struct pool *p)
{
	struct pool_job *j;

	(void)pthread_mutex_lock(&p->lock);
	while (p->first == NULL && !p->stop)
		(void)pthread_cond_wait(&p->wake, &p->lock);
	j = p->first;
	if (j != NULL)
		p->first = j->next;
	if (p->first == NULL)
		p->last = &p->first;
	(void)pthread_mutex_unlock(&p->lock);
	return j;
}

static void run_done(void *ctx)
{
	struct pool_job *j = ctx;

	j->done(j);
}

static void *run(void *arg)
{
	const struct timespec a_while = {.tv_nsec = 10 * 1000 * 1000};
	struct pool *p = arg;

	for (struct pool_job *j = next_job(p); j != NULL; j = next_job(p)) {
		struct loop *loop = j->loop;

		j->work(j);
		if (loop == NULL)
			continue;
		/* Fails only for want of memory: then there is nothing better than to
		 * wait. */
		while (loop_wake(loop, run_done, j, NULL) < 0)
			(void)nanosleep(&a_while, NULL);
	}
	return NULL;
}

struct pool *pool_new(unsigned n_threads, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	p->last = &p->first;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->wake, NULL);
	while (p->n_threads < n_threads && p->n_threads < MAX_THREADS) {
		if (pthread_create(&p->threads[p->n_threads], NULL, run, p) != 0) {
			pool_free(p);
			(void)err_set(e, ERR_INTERNAL, "start a reader thread");
			return NULL;
		}
		p->n_threads++;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		(void)pthread_join(p->threads[i], NULL);
	(void)pthread_cond_destroy(&p->wake);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_submit(struct pool *p, struct pool_job *j)
{
	j->next = NULL;
	(void)pthread_mutex_lock(&p->lock);
	*p->last = j;
	p->last = &j->next;
	(void)pthread_cond_signal(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
}
