/* SPDX-License-Identifier: Apache-2.0 */
/* Inside server/rollout: the POSIX TZ string at the end of a TZif file. */
#ifndef OTA_SERVER_ROLLOUT_ZONE_RULE_H
#define OTA_SERVER_ROLLOUT_ZONE_RULE_H

#include "../../common/base/err.h"

#include <stdint.h>

#define ZONE_RULE_MAX_LEN 127

struct zone_date {
	enum { DATE_JULIAN, DATE_DAY, DATE_WEEKDAY } kind; /* Jn, n, Mm.w.d */
	int day, week, month;
	int32_t time_s; /* local, from midnight; -167..167 hours */
};

struct zone_rule {
	int32_t std_s, dst_s; /* to add to UTC */
	bool has_dst;
	struct zone_date start, end; /* of summer time */
};

/* ERR_FORMAT: "the rule "..." is not understood". */
int zone_rule_parse(const char *text, struct zone_rule *ret, struct err *e) MUST_USE;

/* Seconds to add to UTC at t, seconds since 1970. */
int32_t zone_rule_offset(const struct zone_rule *r, int64_t t);

#endif
