/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recurring maintenance windows: on these days, from this to that local time.
 *
 * A window that ends at or before its beginning ends on the next day ("mon 22:00-04:00"
 * is open Tuesday 03:00; 00:00-00:00 is a whole day). Where the clocks go forward over
 * its beginning it begins at that moment, where they go back it lasts through both of
 * two equal local times (zone.h): a window is never lost and never without length.
 *
 * Pure; any thread. Zones are server/rollout/zone.h's.
 */
#ifndef OTA_SERVER_ROLLOUT_WINDOW_H
#define OTA_SERVER_ROLLOUT_WINDOW_H

#include "../../common/json/json.h"
#include "zone.h"

#define PLAN_MAX_WINDOWS 8
#define ZONE_ATTRIBUTE_MAX_LEN 128
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
	char zone_attribute[ZONE_ATTRIBUTE_MAX_LEN + 1];
};

/* {"zone","zone_attribute"?,"open":[{"days"?,"from":"22:00","to":"04:00"},..]}; j may be
 * NULL or null: no windows. Errors as of plan_read(). */
int window_plan_read(const struct json *j, struct window_plan *ret,
		     struct err *e) MUST_USE;
struct json *window_plan_write(const struct window_plan *p, struct err *e) MUST_USE;

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
