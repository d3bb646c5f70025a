/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round, for each rollout that is neither a draft nor finished:
 *
 *	read it
 *	STOPPED: cancel what no device was shown, batch by batch; then it rests
 *	mark the silent and the absent, give waiting members of started waves their
 *	deployments, take late joiners in
 *	ask the policy; store its move and ask again, until it waits
 *
 * The members are chosen before the move to RUNNING is stored (tend_start). The round
 * ends with the earliest moment at which any of them wants to be looked at again.
 */
#include "engine.h"

#include "tend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"

#define LEASE_MS 15000
#define RENEW_MS (LEASE_MS / 3)
#define IDLE_MS 30000
#define RACE_MS 50
#define FIRST_PAUSE_MS 500 /* after a failure; doubled up to IDLE_MS */

struct engine {
	struct engine_config config;
	struct tending tending;
	pthread_t thread;
	int64_t renew_at, pause_ms;
	bool troubled; /* a rollout could not be tended in this round */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool woken, stopping;
};

static bool is_stopping(void *ctx)
{
	struct engine *n = ctx;
	bool stopping;

	pthread_mutex_lock(&n->lock);
	stopping = n->stopping;
	pthread_mutex_unlock(&n->lock);
	return stopping;
}

/* ---- leading ---- */

static int take_lead(struct engine *n, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_LEAD_TAKE, NULL, NULL, NULL, e);
	int64_t now = clock_mono_ms(n->config.clock);

	if (c == NULL)
		return -1;
	if (n->tending.epoch != 0 && now < n->renew_at)
		return 0;
	memcpy(c->in.lead.holder, n->tending.holder, sizeof(c->in.lead.holder));
	c->in.lead.lease_ms = LEASE_MS;
	c->in.lead.force = n->config.exclusive;
	if (store_wait(n->config.store, c, e) < 0) {
		n->tending.epoch = 0;
		return -1;
	}
	n->tending.epoch = c->out.epoch;
	n->renew_at = now + RENEW_MS;
	return 0;
}

static int keep_lead(void *ctx, struct err *e)
{
	struct engine *n = ctx;
	uint64_t epoch = n->tending.epoch;

	if (take_lead(n, e) < 0)
		return -1;
	if (n->tending.epoch != epoch)
		return err_set(e, ERR_PRECONDITION, "another engine led in between");
	return 0;
}

/* ---- a round ---- */

/* Trouble with one does not hold up the others. A lost race is none: somebody moved the
 * rollout, or froze the fleet, so look again. */
static void tend_one(struct engine *n, const struct rollout_ref *r,
		     int64_t *ret_again_at)
{
	int64_t now = clock_utc_ms(n->config.clock);
	struct err e = ERR_INIT;
	char id[24];

	if (tend_rollout(&n->tending, r, ret_again_at, &e) == 0 || is_stopping(n))
		return;
	n->renew_at = 0;
	if (e.code == ERR_PRECONDITION || e.code == ERR_FROZEN) {
		*ret_again_at = now + RACE_MS;
		return;
	}
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)r->id);
	(void)err_wrap(&e, "rollout %s", id);
	log_failure(n->config.log, LOG_WARN, "rollout", "the engine tries again", &e);
	*ret_again_at = now + n->pause_ms;
	n->troubled = true;
}

static int tend_all(struct engine *n, int64_t *ret_again_at, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_ROLLOUT_ACTIVE, NULL, NULL, NULL, e);
	const struct rollout_ref *r;

	if (c == NULL || store_wait(n->config.store, c, e) < 0)
		return -1;
	r = c->items;
	for (size_t i = 0; i < c->n_items && !is_stopping(n); i++) {
		int64_t again_at = INT64_MAX;

		if (take_lead(n, e) < 0)
			return -1;
		tend_one(n, &r[i], &again_at);
		if (again_at < *ret_again_at)
			*ret_again_at = again_at;
	}
	tend_forget(&n->tending, r, c->n_items);
	return 0;
}

/* How long to sleep. */
/* The next failure waits longer; without trouble the first one is soon tried again. */
static void set_pause(struct engine *n, bool troubled)
{
	int64_t doubled = n->pause_ms * 2 < IDLE_MS ? n->pause_ms * 2 : IDLE_MS;

	n->pause_ms = troubled ? doubled : FIRST_PAUSE_MS;
}

static int64_t round_of(struct engine *n)
{
	int64_t again_at = INT64_MAX, now;
	struct err e = ERR_INIT;

	n->troubled = false;
	if (take_lead(n, &e) == 0 && tend_all(n, &again_at, &e) == 0) {
		set_pause(n, n->troubled);
		now = clock_utc_ms(n->config.clock);
		if (again_at > now + IDLE_MS)
			return IDLE_MS;
		return again_at <= now ? 1 : again_at - now;
	}
	if (e.code != ERR_CONFLICT) /* another one leads: that is no trouble */
		log_failure(n->config.log, LOG_WARN, "rollout",
			    "the engine tries again", &e);
	set_pause(n, true);
	return n->pause_ms;
}

static void deadline_in(int64_t ms, struct timespec *ret)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += ms / 1000;
	ret->tv_nsec += ms % 1000 * 1000000;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_sec++;
		ret->tv_nsec -= 1000000000;
	}
}

/* Until woken, or for so long; false: the end. Who is woken waits a little for company. */
static bool rest(struct engine *n, int64_t ms)
{
	struct timespec until;
	bool go_on;
	int rc = 0;

	deadline_in(ms, &until);
	pthread_mutex_lock(&n->lock);
	while (!n->woken && !n->stopping && rc == 0)
		rc = pthread_cond_timedwait(&n->wake, &n->lock, &until);
	if (n->woken && !n->stopping) {
		deadline_in((int64_t)n->config.settle_ms, &until);
		for (rc = 0; !n->stopping && rc == 0;)
			rc = pthread_cond_timedwait(&n->wake, &n->lock, &until);
	}
	n->woken = false;
	go_on = !n->stopping;
	pthread_mutex_unlock(&n->lock);
	return go_on;
}

static void *engine_main(void *ctx)
{
	struct engine *n = ctx;

	while (rest(n, round_of(n)))
		;
	return NULL;
}

/* ---- life ---- */

static int init_lock(struct engine *n, struct err *e)
{
	pthread_condattr_t a;

	if (pthread_condattr_init(&a) != 0 ||
	    pthread_condattr_setclock(&a, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&n->wake, &a) != 0 ||
	    pthread_mutex_init(&n->lock, NULL) != 0)
		return err_set(e, ERR_INTERNAL, "make a lock");
	(void)pthread_condattr_destroy(&a);
	return 0;
}

static int name_holder(struct tending *t, struct err *e)
{
	uint8_t random[16];

	if (random_bytes(random, sizeof(random), e) < 0)
		return -1;
	hex_encode(random, sizeof(random), t->holder);
	return 0;
}

struct engine *engine_new(const struct engine_config *c, struct err *e)
{
	struct engine *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	n->config = *c;
	n->pause_ms = FIRST_PAUSE_MS;
	n->tending = (struct tending){.config = &n->config,
				      .stopping = is_stopping,
				      .keep_lead = keep_lead,
				      .ctx = n};
	if (name_holder(&n->tending, e) < 0 || init_lock(n, e) < 0) {
		free(n);
		return NULL;
	}
	if (pthread_create(&n->thread, NULL, engine_main, n) != 0) {
		(void)err_set(e, ERR_INTERNAL, "start the rollout engine");
		free(n);
		return NULL;
	}
	return n;
}

void engine_free(struct engine *n)
{
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	n->stopping = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	(void)pthread_join(n->thread, NULL);
	tend_fini(&n->tending);
	(void)pthread_cond_destroy(&n->wake);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}

void engine_wake(struct engine *n)
{
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	n->woken = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
}
