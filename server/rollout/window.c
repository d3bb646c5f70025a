/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)
#define DAYS 7
#define WEEK_MINUTES (DAYS * WINDOW_DAY_MINUTES)
#define HORIZON_DAYS 9	       /* a week, and what clocks and zones add */
#define ALWAYS_MS (8 * DAY_MS) /* longer than any that a closed minute ends */

static unsigned window_length(const struct window *w)
{
	unsigned from = w->from_minute, to = w->to_minute;

	return to > from ? to - from : to + WINDOW_DAY_MINUTES - from;
}

static void mark(uint8_t *open_minutes, const struct window *w, unsigned day)
{
	unsigned from = day * WINDOW_DAY_MINUTES + w->from_minute;

	for (unsigned m = 0; m < window_length(w); m++)
		open_minutes[(from + m) % WEEK_MINUTES] = 1;
}

/* Minutes of the longest closed run; twice around, for the one over the week's end. */
static unsigned longest_run(const uint8_t *open_minutes)
{
	unsigned run = 0, longest = 0;

	for (unsigned m = 0; m < 2 * WEEK_MINUTES && longest < WEEK_MINUTES; m++) {
		run = open_minutes[m % WEEK_MINUTES] ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return longest;
}

int64_t window_longest_gap_ms(const struct window_plan *p)
{
	uint8_t open_minutes[WEEK_MINUTES] = {0};

	if (p->n_windows == 0)
		return 0;
	for (size_t i = 0; i < p->n_windows; i++) {
		for (unsigned day = 0; day < DAYS; day++) {
			if ((p->windows[i].days >> day & 1) != 0)
				mark(open_minutes, &p->windows[i], day);
		}
	}
	return longest_run(open_minutes) * MINUTE_MS;
}

/* ---- in time ---- */

struct span {
	int64_t from, to; /* UTC ms */
};

/* 1 January 1970 was a Thursday. */
static unsigned weekday(int64_t day)
{
	int64_t d = (day + 3) % DAYS;

	return (unsigned)(d < 0 ? d + DAYS : d);
}

static struct span span_on(const struct window *w, const struct zone *z, int64_t day)
{
	int64_t from = day * DAY_MS + w->from_minute * MINUTE_MS;

	return (struct span){
	    zone_to_utc(z, from, ZONE_BEGIN),
	    zone_to_utc(z, from + window_length(w) * MINUTE_MS, ZONE_END),
	};
}

static int by_beginning(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Around today, sorted; returns how many. */
static size_t collect(const struct window_plan *p, const struct zone *z, int64_t today,
		      struct span *ret)
{
	size_t n = 0;

	for (int64_t day = today - HORIZON_DAYS; day <= today + HORIZON_DAYS; day++) {
		for (size_t i = 0; i < p->n_windows; i++) {
			if ((p->windows[i].days >> weekday(day) & 1) != 0)
				ret[n++] = span_on(&p->windows[i], z, day);
		}
	}
	qsort(ret, n, sizeof(*ret), by_beginning);
	return n;
}

/* The first span, joined with those that touch it, that ends after now. */
static struct span next_span(const struct span *spans, size_t n, int64_t now)
{
	struct span s = spans[0];

	for (size_t i = 1; i < n; i++) {
		if (spans[i].from <= s.to)
			s.to = spans[i].to > s.to ? spans[i].to : s.to;
		else if (s.to > now)
			break;
		else
			s = spans[i];
	}
	return s;
}

static int64_t day_of(int64_t local_ms)
{
	return (local_ms - (local_ms % DAY_MS + DAY_MS) % DAY_MS) / DAY_MS;
}

void window_look(const struct window_plan *p, const struct zone *z, int64_t now,
		 struct window_now *ret)
{
	struct span spans[PLAN_MAX_WINDOWS * (2 * HORIZON_DAYS + 1)], s;
	size_t n;

	*ret = (struct window_now){.open = true, .closes_at = INT64_MAX};
	if (p->n_windows == 0)
		return;
	n = collect(p, z, day_of(now + zone_offset_ms(z, now)), spans);
	s = next_span(spans, n, now);
	if (s.to - s.from >= ALWAYS_MS)
		return;
	*ret = (struct window_now){
	    .open = s.from <= now, .opens_at = s.from, .closes_at = s.to};
}
