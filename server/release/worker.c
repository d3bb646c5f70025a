/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>

struct worker {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *first, **last;
	bool stopping;
	unsigned n_threads;
	pthread_t threads[];
};

static void finish(void *ctx)
{
	struct job *j = ctx;

	j->done(j);
}

/* NULL: no more will come. */
static struct job *take_job(struct worker *w)
{
	struct job *j;

	(void)pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping)
		(void)pthread_cond_wait(&w->more, &w->lock);
	j = w->first;
	if (j != NULL) {
		w->first = j->next;
		if (w->first == NULL)
			w->last = &w->first;
	}
	(void)pthread_mutex_unlock(&w->lock);
	return j;
}

static void *work(void *ctx)
{
	struct worker *w = ctx;
	struct job *j;

	while ((j = take_job(w)) != NULL) {
		j->run(j);
		/* A loop without memory for one more callback: then it is called from
		 * here, rather than never. */
		if (j->loop == NULL || loop_wake(j->loop, finish, j, NULL) != 0)
			j->done(j);
	}
	return NULL;
}

struct worker *worker_new(unsigned n_threads, struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w) + n_threads * sizeof(pthread_t));

	if (w == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->more, NULL);
	w->last = &w->first;
	for (; w->n_threads < n_threads; w->n_threads++) {
		if (pthread_create(&w->threads[w->n_threads], NULL, work, w) != 0) {
			(void)err_set(e, ERR_NO_MEMORY, "no thread could be started");
			worker_free(w);
			return NULL;
		}
	}
	return w;
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stopping = true;
	(void)pthread_cond_broadcast(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		(void)pthread_join(w->threads[i], NULL);
	(void)pthread_cond_destroy(&w->more);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

void worker_submit(struct worker *w, struct job *j)
{
	j->next = NULL;
	(void)pthread_mutex_lock(&w->lock);
	*w->last = j;
	w->last = &j->next;
	(void)pthread_cond_signal(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
}
