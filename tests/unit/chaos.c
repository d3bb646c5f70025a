/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct held {
	struct held *next;
	struct store_call *call;
	struct chaos *chaos;
	struct loop *loop;
	void (*done)(struct store_call *c);
	void *ctx;
	unsigned delay_ms;
	bool forget;
};

struct chaos {
	struct store base;
	struct store *inner;
	struct chaos_plan plan;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct held *head, **tail;
	unsigned seed;
	bool closing;
};

static void give_back(struct held *h)
{
	struct store_call *c = h->call;

	c->loop = h->loop;
	c->done = h->done;
	c->ctx = h->ctx;
	free(h);
	store_answer(c);
}

static void inner_done(struct store_call *c)
{
	struct held *h = c->ctx;

	if (h->forget && c->err.code == ERR_NONE)
		(void)err_set(&c->err, ERR_IO, "chaos: the answer was lost");
	give_back(h);
}

static struct held *next_held(struct chaos *s)
{
	struct held *h;

	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->closing)
		pthread_cond_wait(&s->wake, &s->lock);
	h = s->head;
	if (h != NULL) {
		s->head = h->next;
		if (s->head == NULL)
			s->tail = &s->head;
	}
	pthread_mutex_unlock(&s->lock);
	return h;
}

static void *chaos_main(void *ctx)
{
	struct chaos *s = ctx;
	struct held *h;

	while ((h = next_held(s)) != NULL) {
		struct timespec t = {.tv_nsec = (long)h->delay_ms * 1000000};

		(void)nanosleep(&t, NULL);
		store_submit(s->inner, h->call);
	}
	return NULL;
}

static bool chance(struct chaos *s, unsigned percent)
{
	return (unsigned)rand_r(&s->seed) % 100 < percent;
}

static void chaos_submit(struct store *base, struct store_call *c)
{
	struct chaos *s = (struct chaos *)base;
	struct held *h = calloc(1, sizeof(*h));
	bool refuse;

	if (h == NULL)
		abort();
	*h = (struct held){.call = c, .loop = c->loop, .done = c->done, .ctx = c->ctx};
	c->loop = NULL;
	c->done = inner_done;
	c->ctx = h;
	pthread_mutex_lock(&s->lock);
	refuse = chance(s, s->plan.refuse_percent);
	h->forget = chance(s, s->plan.forget_percent);
	if (s->plan.max_delay_ms > 0)
		h->delay_ms = (unsigned)rand_r(&s->seed) % s->plan.max_delay_ms;
	if (!refuse) {
		*s->tail = h;
		s->tail = &h->next;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (refuse) {
		(void)err_set(&c->err, ERR_BUSY, "chaos: refused");
		give_back(h);
	}
}

static void chaos_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
			void *ctx)
{
	store_watch(((struct chaos *)base)->inner, l, fn, ctx);
}

static void chaos_close(struct store *base)
{
	struct chaos *s = (struct chaos *)base;

	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	store_close(s->inner);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct store_ops chaos_ops = {
    .name = "chaos",
    .alone = true,
    .submit = chaos_submit,
    .watch = chaos_watch,
    .close = chaos_close,
};

struct store *store_chaos_new(struct store *inner, const struct chaos_plan *plan,
			      struct err *e)
{
	struct chaos *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	s->base.ops = &chaos_ops;
	s->inner = inner;
	s->plan = *plan;
	s->seed = plan->seed;
	s->tail = &s->head;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->wake, NULL);
	if (pthread_create(&s->thread, NULL, chaos_main, s) != 0) {
		free(s);
		(void)err_set(e, ERR_INTERNAL, "start a thread");
		return NULL;
	}
	return &s->base;
}
