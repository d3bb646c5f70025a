/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recurring maintenance windows: on these days, from this to that local time.
 *
 * A window that ends at or before its beginning ends on the next day ("mon 22:00-04:00"
 * is open Tuesday 03:00; 00:00-00:00 is a whole day). Where the clocks go forward, a
 * beginning or an end that does not exist that day is the moment of the change; where
 * they go back, a window begins at the first and ends at the second of two equal local
 * times. So a window is never lost, and never ends before it began.
 *
 * Pure; any thread. Zones are server/rollout/zone.h's.
 */
#ifndef OTA_SERVER_ROLLOUT_WINDOW_H
#define OTA_SERVER_ROLLOUT_WINDOW_H

#include "zone.h"

#include <stddef.h>

#define PLAN_MAX_WINDOWS 8
#define WINDOW_DAY_MINUTES 1440u

struct window {
	uint8_t days; /* bit 0: Monday .. bit 6: Sunday, on which it begins */
	uint16_t from_minute, to_minute; /* of the local day, 0..1439 */
};

struct window_plan {
	struct window windows[PLAN_MAX_WINDOWS];
	size_t n_windows; /* 0: any time */
	char zone[ZONE_NAME_MAX_LEN + 1];
	/* the device's attribute that names its zone; "": all are in `zone`, which is
	 * also that of devices without it */
	char zone_attribute[129];
};

/* When it opens next and closes then, if now is outside (*ret_open is false), or since
 * when it is open and when it closes. Windows that touch or overlap are one. No
 * windows: open for ever (0 and INT64_MAX). */
struct window_now {
	bool open;
	int64_t opens_at, closes_at;
};
void window_look(const struct window_plan *p, const struct zone *z, int64_t now,
		 struct window_now *ret);

/* The longest time in a week without an open window, by local time. */
int64_t window_longest_gap_ms(const struct window_plan *p);

#endif
