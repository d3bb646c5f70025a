/* SPDX-License-Identifier: Apache-2.0 */
#include "range.h"

#include <string.h>
#include <strings.h>

/* Digits at *at, which is moved behind them; false if there are none or too many. */
static bool take_number(const char **at, uint64_t *ret)
{
	const char *start = *at;

	*ret = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		if (__builtin_mul_overflow(*ret, 10, ret) ||
		    __builtin_add_overflow(*ret, (uint64_t)(**at - '0'), ret))
			return false;
	}
	return *at != start;
}

/* "-N": the last N bytes. */
static enum range_kind take_suffix(const char *at, uint64_t size, struct range *ret)
{
	uint64_t n;

	if (!take_number(&at, &n) || *at != '\0')
		return RANGE_IGNORED;
	if (n == 0 || size == 0)
		return RANGE_OUTSIDE;
	ret->len = n < size ? n : size;
	ret->first = size - ret->len;
	return RANGE_GOOD;
}

enum range_kind range_parse(const char *field, uint64_t size, struct range *ret)
{
	uint64_t first, last = UINT64_MAX;
	const char *at = field + 6;

	if (strncasecmp(field, "bytes=", 6) != 0)
		return RANGE_IGNORED;
	at += strspn(at, " ");
	if (*at == '-')
		return take_suffix(at + 1, size, ret);
	if (!take_number(&at, &first) || *at++ != '-')
		return RANGE_IGNORED;
	if (*at != '\0' && (!take_number(&at, &last) || *at != '\0' || last < first))
		return RANGE_IGNORED;
	if (first >= size)
		return RANGE_OUTSIDE;
	ret->first = first;
	ret->len = (last < size - 1 ? last : size - 1) - first + 1;
	return RANGE_GOOD;
}

/* True if `etag` stands in a list of entity tags, or the list is "*". W/"x" equals "x"
 * in a weak comparison only. */
static bool list_has(const char *list, const char *etag, bool weak_too)
{
	size_t len = strlen(etag);

	list += strspn(list, " \t");
	if (strcmp(list, "*") == 0)
		return true;
	while (*list != '\0') {
		bool weak = strncmp(list, "W/", 2) == 0;
		const char *tag = weak ? list + 2 : list;
		const char *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;

		if (end == NULL)
			return false;
		if ((size_t)(end + 1 - tag) == len && memcmp(tag, etag, len) == 0 &&
		    (weak_too || !weak))
			return true;
		list = end + 1;
		list += strspn(list, " \t,");
	}
	return false;
}

int conditions_judge(const struct conditions *c, const char *etag, uint64_t size,
		     struct range *ret)
{
	*ret = (struct range){.first = 0, .len = size};
	if (c->if_match != NULL && !list_has(c->if_match, etag, false))
		return 412;
	if (c->if_none_match != NULL && list_has(c->if_none_match, etag, true))
		return 304;
	if (!c->is_get || c->range == NULL)
		return 200;
	/* If-Range with a date never matches: we send no Last-Modified. */
	if (c->if_range != NULL && strcmp(c->if_range, etag) != 0)
		return 200;
	switch (range_parse(c->range, size, ret)) {
	case RANGE_GOOD:
		return 206;
	case RANGE_OUTSIDE:
		return 416;
	case RANGE_IGNORED:
	default:
		return 200;
	}
}
