/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a representation to send, if any: preconditions and ranges of RFC 9110,
 * sections 13 and 14. Pure functions. */
#ifndef OTA_HTTP_RANGE_H
#define OTA_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t first;
	uint64_t len;
};

enum range_kind { RANGE_IGNORED, RANGE_GOOD, RANGE_OUTSIDE };

/*
 * Reads a Range field for a content of `size` bytes. One byte range is honoured;
 * several, another unit or malformed text are ignored, as the RFC allows.
 * RANGE_OUTSIDE: nothing of it is there.
 */
enum range_kind range_parse(const char *field, uint64_t size, struct range *ret);

/* A request's conditional fields; NULL where absent. */
struct conditions {
	bool is_get; /* ranges apply to GET alone */
	const char *if_match;
	const char *if_none_match;
	const char *if_range;
	const char *range;
};

/*
 * Decides on 200, 206, 304, 412 or 416 for a content with this strong entity tag
 * (quoted); for 200 and 206 *ret is the part to send.
 */
int conditions_judge(const struct conditions *c, const char *etag, uint64_t size,
		     struct range *ret);

#endif
