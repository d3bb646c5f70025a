/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TZif files (RFC 8536), version 2 and later.
 *
 *	header v1 | data with 32-bit times | header v2 | data with 64-bit times | footer
 *
 *	header	"TZif", version '2'.., 15 zero bytes, six 32-bit big-endian counts:
 *		isutc, isstd, leap, time, type, char
 *	data	time x (4 or 8)	when the local time's type changes, ascending, UTC seconds
 *		time x 1	to which type
 *		type x 6	offset from UTC (32-bit), is it summer time, name
 *		char x 1	names; then leap x (8 or 12), isstd x 1, isutc x 1
 *	footer	LF, a POSIX TZ string, LF: what holds after the last change
 *
 * The first data block is skipped, it cannot tell times after 2037. The type before the
 * first change is type 0. Leap seconds are refused: our times do not count them, and
 * only the "right/" zones have them.
 *
 * The POSIX string is `std offset [dst [offset] , start [/time] , end [/time]]` with
 * dates Jn (1..365, without 29 February), n (0..365, with) and Mm.w.d (the w-th weekday
 * d of month m, 5: the last). Offsets there count westwards.
 *
 * Safe with any bytes (tests/fuzz/fuzz_zone.c): each count is checked against what is
 * left, and memory is bounded by ZONE_FILE_MAX_LEN.
 */
#include "zone.h"

#include "zone_rule.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 44
#define TYPE_LEN 6
#define MAX_OFFSET_S (26 * 3600)
#define SECOND_MS 1000
#define DAY_MS INT64_C(86400000)

struct zone {
	struct zone_rule rule; /* after the last change */
	size_t n;
	int64_t *at;	  /* UTC seconds, ascending */
	int32_t *offsets; /* n + 1: [0] before at[0], [i + 1] from at[i] on */
};

struct counts {
	uint32_t isutc, isstd, leap, time, type, chr;
};

struct input {
	const uint8_t *p;
	size_t left;
};

static uint64_t load_be(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

/* The next n items of size bytes; NULL if there are not that many. */
static const uint8_t *take(struct input *in, uint64_t n, size_t size)
{
	const uint8_t *p = in->p;

	if (n > in->left / size)
		return NULL;
	in->p += n * size;
	in->left -= n * size;
	return p;
}

static int read_header(struct input *in, struct counts *ret, struct err *e)
{
	const uint8_t *h = take(in, 1, HEADER_LEN);
	uint32_t *fields[] = {&ret->isutc, &ret->isstd, &ret->leap,
			      &ret->time,  &ret->type,	&ret->chr};

	if (h == NULL || memcmp(h, "TZif", 4) != 0)
		return err_set(e, ERR_FORMAT, "not a TZif file");
	if (h[4] < '2')
		return err_set(e, ERR_UNSUPPORTED, "a TZif file of version 1");
	for (size_t i = 0; i < N_ELEMS(fields); i++)
		*fields[i] = (uint32_t)load_be(h + 20 + 4 * i, 4);
	return 0;
}

static int skip_first_block(struct input *in, struct err *e)
{
	struct counts c;

	if (read_header(in, &c, e) < 0)
		return -1;
	if (take(in, c.time, 5) == NULL || take(in, c.type, TYPE_LEN) == NULL ||
	    take(in, c.chr, 1) == NULL || take(in, c.leap, 8) == NULL ||
	    take(in, c.isstd, 1) == NULL || take(in, c.isutc, 1) == NULL)
		return err_set(e, ERR_FORMAT, "the TZif file is cut");
	return 0;
}

static int read_offset(const uint8_t *types, uint32_t n_types, uint8_t type,
		       int32_t *ret, struct err *e)
{
	if (type >= n_types)
		return err_set(e, ERR_FORMAT, "a change to type %u of %u", type,
			       n_types);
	*ret = (int32_t)(uint32_t)load_be(types + (size_t)type * TYPE_LEN, 4);
	if (*ret > MAX_OFFSET_S || *ret < -MAX_OFFSET_S)
		return err_set(e, ERR_FORMAT, "an offset of %d seconds", *ret);
	return 0;
}

static int read_changes(struct zone *z, const uint8_t *times, const uint8_t *indices,
			const uint8_t *types, uint32_t n_types, struct err *e)
{
	if (read_offset(types, n_types, 0, &z->offsets[0], e) < 0)
		return -1;
	for (size_t i = 0; i < z->n; i++) {
		z->at[i] = (int64_t)load_be(times + 8 * i, 8);
		if (i > 0 && z->at[i] <= z->at[i - 1])
			return err_set(e, ERR_FORMAT, "changes that do not ascend");
		if (read_offset(types, n_types, indices[i], &z->offsets[i + 1], e) < 0)
			return -1;
	}
	return 0;
}

static int read_second_block(struct input *in, struct zone *z, struct err *e)
{
	const uint8_t *times, *indices, *types;
	struct counts c;

	if (read_header(in, &c, e) < 0)
		return -1;
	if (c.leap != 0)
		return err_set(e, ERR_UNSUPPORTED, "a zone with leap seconds");
	times = take(in, c.time, 8);
	indices = times == NULL ? NULL : take(in, c.time, 1);
	types = indices == NULL ? NULL : take(in, c.type, TYPE_LEN);
	if (types == NULL || take(in, c.chr, 1) == NULL ||
	    take(in, c.isstd, 1) == NULL || take(in, c.isutc, 1) == NULL)
		return err_set(e, ERR_FORMAT, "the TZif file is cut");
	z->n = c.time;
	z->at = calloc(z->n + 1, sizeof(*z->at));
	z->offsets = calloc(z->n + 1, sizeof(*z->offsets));
	if (z->at == NULL || z->offsets == NULL)
		return err_nomem(e);
	return read_changes(z, times, indices, types, c.type, e);
}

/* An empty string: the last type holds for ever. */
static int read_footer(const struct input *in, struct zone *z, struct err *e)
{
	char text[ZONE_RULE_MAX_LEN + 1];
	const uint8_t *end;

	if (in->left < 2 || in->p[0] != '\n' ||
	    (end = memchr(in->p + 1, '\n', in->left - 1)) == NULL)
		return err_set(e, ERR_FORMAT, "the TZif file has no footer");
	if ((size_t)(end - in->p - 1) > ZONE_RULE_MAX_LEN)
		return err_set(e, ERR_LIMIT, "the footer is longer than %d bytes",
			       ZONE_RULE_MAX_LEN);
	memcpy(text, in->p + 1, (size_t)(end - in->p - 1));
	text[end - in->p - 1] = '\0';
	z->rule.std_s = z->offsets[z->n];
	return text[0] == '\0' ? 0 : zone_rule_parse(text, &z->rule, e);
}

struct zone *zone_parse(const void *data, size_t len, struct err *e)
{
	AUTO_PTR(zone) struct zone *z = calloc(1, sizeof(*z));
	struct input in = {data, len};

	if (z == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (len > ZONE_FILE_MAX_LEN) {
		(void)err_set(e, ERR_LIMIT, "longer than %u bytes", ZONE_FILE_MAX_LEN);
		return NULL;
	}
	if (skip_first_block(&in, e) < 0 || read_second_block(&in, z, e) < 0 ||
	    read_footer(&in, z, e) < 0)
		return NULL;
	return TAKE(z);
}

void zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->offsets);
	free(z);
}

/* ---- asking ---- */

/* How many changes are at or before t. */
static size_t find_change(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int64_t floor_seconds(int64_t ms)
{
	return ms / SECOND_MS - (ms % SECOND_MS < 0);
}

int64_t zone_offset_ms(const struct zone *z, int64_t utc_ms)
{
	int64_t t = floor_seconds(utc_ms);
	size_t i = find_change(z, t);

	if (i == z->n)
		return (int64_t)zone_rule_offset(&z->rule, t) * SECOND_MS;
	return (int64_t)z->offsets[i] * SECOND_MS;
}

/* The first moment in (low, high] whose offset is not low's. */
static int64_t find_jump(const struct zone *z, int64_t low, int64_t high)
{
	int64_t before = zone_offset_ms(z, low);

	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if (zone_offset_ms(z, mid) == before)
			low = mid;
		else
			high = mid;
	}
	return high;
}

/*
 * A day before and a day after are on either side of a change, if there is one. Read
 * with the offset of before and with that of after, the local time gives two moments;
 * those whose own offset agrees are real: one, two where the clocks went back, none
 * where they went forward.
 */
int64_t zone_to_utc(const struct zone *z, int64_t local_ms, enum zone_edge edge)
{
	int64_t before = zone_offset_ms(z, local_ms - DAY_MS);
	int64_t after = zone_offset_ms(z, local_ms + DAY_MS);
	int64_t early = local_ms - before, late = local_ms - after;
	bool early_real = zone_offset_ms(z, early) == before;
	bool late_real = zone_offset_ms(z, late) == after;

	if (early_real && late_real)
		return edge == ZONE_BEGIN ? early : late;
	if (early_real || late_real)
		return early_real ? early : late;
	return edge == ZONE_BEGIN && late < early ? find_jump(z, late, early) : early;
}
