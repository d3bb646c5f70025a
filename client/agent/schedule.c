/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#define DAY_MS (24u * 3600u * 1000u)
#define MIN_POLL_MS 1000u

/* A random share of `whole`: 0 .. whole. */
static uint64_t share(uint64_t whole, uint32_t random)
{
	return (uint64_t)((double)whole * ((double)random / UINT32_MAX));
}

uint64_t backoff_ms(const struct backoff *b, unsigned failures, uint64_t retry_after_ms,
		    uint32_t random)
{
	uint64_t wait = b->first_ms;

	for (unsigned i = 1; i < failures && wait < b->max_ms; i++)
		wait *= 2;
	if (wait > b->max_ms)
		wait = b->max_ms;
	wait -= share(wait / 2, random);
	if (retry_after_ms == 0 || wait >= retry_after_ms)
		return wait;
	return retry_after_ms + share(retry_after_ms / 10, random);
}

uint64_t poll_wait_ms(uint64_t server_ms, uint64_t fallback_ms, uint32_t random)
{
	uint64_t wait = server_ms > 0 ? server_ms : fallback_ms;

	if (wait < MIN_POLL_MS)
		wait = MIN_POLL_MS;
	if (wait > DAY_MS)
		wait = DAY_MS;
	return wait - wait / 10 + share(wait / 5, random);
}

struct effective_time effective_time(int64_t system_utc_ms, int64_t floor_utc_ms)
{
	bool plausible = system_utc_ms >= floor_utc_ms &&
			 system_utc_ms - floor_utc_ms <= CLOCK_MAX_AHEAD_MS;

	return (struct effective_time){plausible ? system_utc_ms : floor_utc_ms,
				       plausible};
}

int64_t raised_floor(int64_t floor_utc_ms, const struct effective_time *now,
		     uint64_t timestamp_version)
{
	int64_t signed_ms;

	if (!now->from_system || timestamp_version > INT64_MAX / 1000)
		return floor_utc_ms;
	signed_ms = (int64_t)timestamp_version * 1000;
	if (signed_ms > now->utc_ms)
		signed_ms = now->utc_ms;
	return signed_ms > floor_utc_ms ? signed_ms : floor_utc_ms;
}
