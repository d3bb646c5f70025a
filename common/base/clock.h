/* SPDX-License-Identifier: Apache-2.0 */
/* Time as a dependency: what decides by time takes a struct clock, so that tests,
 * the lab and a device without a battery can say what time it is. */
#ifndef OTA_BASE_CLOCK_H
#define OTA_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*utc_ms)(void *ctx);  /* wall clock, ms since 1970 UTC; may jump */
	int64_t (*mono_ms)(void *ctx); /* never goes back; origin unspecified */
	void *ctx;
};

/* The machine's own. */
extern const struct clock clock_system;

static inline int64_t clock_utc_ms(const struct clock *c)
{
	return c->utc_ms(c->ctx);
}

static inline int64_t clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->ctx);
}

#endif
