/* SPDX-License-Identifier: Apache-2.0 */
/* When to do something again, and what time it is: pure functions. */
#ifndef OTA_AGENT_SCHEDULE_H
#define OTA_AGENT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	uint64_t first_ms; /* the wait after the first failure, before jitter */
	uint64_t max_ms;   /* the longest wait, before Retry-After */
};

/*
 * The wait before the next attempt: first * 2^(failures - 1), at most max, of which a
 * random part of up to one half is taken off, so that a fleet that failed together does
 * not come back together. What the server asked for (retry_after_ms, 0: nothing) is
 * never undercut; then up to a tenth is added. failures >= 1.
 */
uint64_t backoff_ms(const struct backoff *b, unsigned failures, uint64_t retry_after_ms,
		    uint32_t random);

/* The wait before the next poll: what the server said (0: it said nothing) or
 * fallback_ms, at least a second, at most a day, give or take a tenth. */
uint64_t poll_wait_ms(uint64_t server_ms, uint64_t fallback_ms, uint32_t random);

/* No clock that says less is set: when this was written. */
#define CLOCK_BUILD_FLOOR_MS 1793491200000 /* 2026-11-01T00:00:00Z */
#define CLOCK_MAX_AHEAD_MS (5ll * 366 * 24 * 3600 * 1000)

struct effective_time {
	int64_t utc_ms;
	bool from_system; /* else from the floor */
};

/* The system's clock if it is within floor .. floor + 5 years, else the floor. */
struct effective_time effective_time(int64_t system_utc_ms, int64_t floor_utc_ms);

/*
 * The floor after a fully verified refresh: raised to the time at which the timestamp
 * was signed (its version, by our servers' rule: unix seconds), but only as far as a
 * plausible system clock agrees, so that a thief of the online keys cannot drive
 * devices into the future.
 */
int64_t raised_floor(int64_t floor_utc_ms, const struct effective_time *now,
		     uint64_t timestamp_version);

#endif
