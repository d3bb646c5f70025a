/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include "../../common/crypto/digest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define N_LOCKS 64
#define US 1000000u

struct bucket {
	uint64_t key;
	int64_t full_us; /* when it is full again, of the limiter's clock */
};

struct limiter {
	const struct clock *clock;
	uint64_t burst;
	int64_t step_us; /* a token comes so often; 0: no limit */
	uint8_t seed[16];
	size_t n_rows; /* a power of two */
	pthread_mutex_t locks[N_LOCKS];
	struct bucket (*rows)[WAYS];
};

static struct limiter *make(const struct clock *clock, int64_t step_us, uint64_t burst,
			    size_t n_callers, struct err *e)
{
	AUTO_PTR(limiter) struct limiter *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_init(&l->locks[i], NULL);
	l->clock = clock;
	l->burst = burst;
	l->step_us = step_us;
	for (l->n_rows = 1; l->n_rows * WAYS < n_callers; l->n_rows *= 2)
		;
	l->rows = calloc(l->n_rows, sizeof(*l->rows));
	if (l->rows == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return random_bytes(l->seed, sizeof(l->seed), e) < 0 ? NULL : TAKE(l);
}

struct limiter *limiter_new(const struct clock *clock, uint64_t rate, uint64_t burst,
			    size_t n_callers, struct err *e)
{
	if (rate > LIMIT_MAX_RATE || burst > LIMIT_MAX_BURST ||
	    (rate > 0 && burst == 0)) {
		(void)err_set(
		    e, ERR_CONFIG,
		    "a rate is at most %u a second, its burst 1 to %u at once",
		    LIMIT_MAX_RATE, LIMIT_MAX_BURST);
		return NULL;
	}
	return make(clock, rate == 0 ? 0 : (int64_t)(US / rate), burst, n_callers, e);
}

struct limiter *limiter_new_slow(const struct clock *clock, uint64_t every_ms,
				 uint64_t burst, size_t n_callers, struct err *e)
{
	return make(clock, (int64_t)every_ms * 1000, burst, n_callers, e);
}

void limiter_free(struct limiter *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_destroy(&l->locks[i]);
	free(l->rows);
	free(l);
}

/* ---- SipHash-1-3 (Aumasson, Bernstein): nobody can choose whose row they share ---- */

static uint64_t load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint64_t turn(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static uint64_t sip_hash(const uint8_t seed[16], const uint8_t *data, size_t len)
{
	uint64_t k0 = load(seed, 8), k1 = load(seed + 8, 8), word;
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			 k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};

	for (size_t at = 0;; at += 8) {
		bool last = len - at < 8;

		word = last ? load(data + at, len - at) | (uint64_t)len << 56
			    : load(data + at, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
		if (last)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- buckets ---- */

/* The caller's bucket, or the one that is given up for it, made full. */
static struct bucket *find(struct bucket row[WAYS], uint64_t key, int64_t now_us)
{
	struct bucket *give = &row[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].key == key)
			return &row[i];
		if (row[i].full_us < give->full_us)
			give = &row[i];
	}
	*give = (struct bucket){.key = key, .full_us = now_us};
	return give;
}

static struct limit_verdict judge(const struct limiter *l, struct bucket *b,
				  int64_t now_us)
{
	struct limit_verdict v = {.limit = l->burst};
	int64_t room_us = (int64_t)l->burst * l->step_us;
	int64_t missing_us = b->full_us > now_us ? b->full_us - now_us : 0;

	v.allowed = missing_us + l->step_us <= room_us;
	if (v.allowed) {
		missing_us += l->step_us;
		b->full_us = now_us + missing_us;
	} else {
		v.retry_after_ms =
		    (uint64_t)(missing_us + l->step_us - room_us + 999) / 1000;
	}
	v.remaining = (uint64_t)((room_us - missing_us) / l->step_us);
	v.reset_s = (uint64_t)(missing_us + US - 1) / US;
	return v;
}

struct limit_verdict limiter_take(struct limiter *l, const void *name, size_t len)
{
	uint64_t key, row;
	int64_t now_us;
	struct limit_verdict v;

	if (l == NULL || l->step_us == 0)
		return (struct limit_verdict){.allowed = true};
	now_us = clock_mono_ms(l->clock) * 1000;
	key = sip_hash(l->seed, name, len);
	row = key & (l->n_rows - 1);
	(void)pthread_mutex_lock(&l->locks[row % N_LOCKS]);
	v = judge(l, find(l->rows[row], key, now_us), now_us);
	(void)pthread_mutex_unlock(&l->locks[row % N_LOCKS]);
	return v;
}

void limiter_give_back(struct limiter *l, const void *name, size_t len)
{
	uint64_t key, row;
	int64_t now_us;

	if (l == NULL || l->step_us == 0)
		return;
	now_us = clock_mono_ms(l->clock) * 1000;
	key = sip_hash(l->seed, name, len);
	row = key & (l->n_rows - 1);
	(void)pthread_mutex_lock(&l->locks[row % N_LOCKS]);
	find(l->rows[row], key, now_us)->full_us -= l->step_us;
	(void)pthread_mutex_unlock(&l->locks[row % N_LOCKS]);
}
