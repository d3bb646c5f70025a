/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each caller may call: a token bucket for each, in bounded memory.
 *
 * A bucket holds `burst` tokens and gains `rate` a second; a call takes one. It is kept
 * as one number, the time at which it will be full again (the generic cell rate
 * algorithm, ITU-T I.371): nothing has to be filled by a timer.
 *
 * Buckets lie in a table of fixed size, four in a row, found by a keyed hash of the
 * caller. Of a row that is full, one that is full again is taken, which forgets nothing;
 * else the one that will be full soonest. So a flood of strangers costs no memory, and
 * at worst some of them are counted anew.
 *
 * Threads: any; a row is locked for a few instructions.
 */
#ifndef OTA_SERVER_LIMIT_H
#define OTA_SERVER_LIMIT_H

#include "../../common/base/clock.h"
#include "../../common/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define LIMIT_MAX_RATE 1000000u
#define LIMIT_MAX_BURST 1000000u

struct limiter;

/* n_callers: how many are remembered, rounded up to a power of two; 16 bytes each.
 * rate 0: nobody is limited. */
struct limiter *limiter_new(const struct clock *clock, uint64_t rate, uint64_t burst,
			    size_t n_callers, struct err *e) MUST_USE;
/* The same where a token comes only every so often. */
struct limiter *limiter_new_slow(const struct clock *clock, uint64_t every_ms,
				 uint64_t burst, size_t n_callers,
				 struct err *e) MUST_USE;
void limiter_free(struct limiter *l);
AUTO_PTR_DEFINE(limiter)

struct limit_verdict {
	bool allowed;
	uint64_t limit;		 /* the burst */
	uint64_t remaining;	 /* calls that would be allowed now */
	uint64_t reset_s;	 /* until the bucket is full again, rounded up */
	uint64_t retry_after_ms; /* not allowed: when the next one will be */
};

/* Takes a token of the caller whose name is name[0..len). */
struct limit_verdict limiter_take(struct limiter *l, const void *name, size_t len);
/* Gives one token back that was taken: it is not to count. */
void limiter_give_back(struct limiter *l, const void *name, size_t len);

#endif
