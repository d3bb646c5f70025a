/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_utc_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_utc_ms, system_mono_ms, NULL};
