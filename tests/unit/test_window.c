/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance windows: rows of a plan, a moment, and what is to be seen then. */
#include "testing.h"

#include "../../common/base/text.h"
#include "../../server/rollout/window.h"

#include <stdio.h>

#define HOUR_MS INT64_C(3600000)
#define MON 1u
#define TUE 2u
#define WED 4u
#define FRI 16u
#define SAT 32u
#define SUN 64u
#define DAILY 127u
#define AT(hour, minute) ((hour)*60 + (minute))

static int64_t when(const char *text)
{
	struct err e = ERR_INIT;
	int64_t ms;

	OK(time_parse(text, &ms, &e));
	return ms;
}

struct row {
	const char *what, *zone;
	struct window windows[3];
	const char *now;
	bool open;
	const char *opens, *closes;
};

/* 2024-01-01 was a Monday. */
static const struct row rows[] = {
    {"in the window",
     "UTC",
     {{MON, AT(2, 0), AT(4, 0)}},
     "2024-01-01T03:00:00Z",
     true,
     "2024-01-01T02:00:00Z",
     "2024-01-01T04:00:00Z"},
    {"its first moment is in",
     "UTC",
     {{MON, AT(2, 0), AT(4, 0)}},
     "2024-01-01T02:00:00Z",
     true,
     "2024-01-01T02:00:00Z",
     "2024-01-01T04:00:00Z"},
    {"its last is out",
     "UTC",
     {{MON, AT(2, 0), AT(4, 0)}},
     "2024-01-01T04:00:00Z",
     false,
     "2024-01-08T02:00:00Z",
     "2024-01-08T04:00:00Z"},
    {"before it, the same day",
     "UTC",
     {{MON, AT(2, 0), AT(4, 0)}},
     "2024-01-01T01:59:59Z",
     false,
     "2024-01-01T02:00:00Z",
     "2024-01-01T04:00:00Z"},
    {"over midnight, before",
     "UTC",
     {{MON, AT(22, 0), AT(4, 0)}},
     "2024-01-01T23:00:00Z",
     true,
     "2024-01-01T22:00:00Z",
     "2024-01-02T04:00:00Z"},
    {"over midnight, after: the day is that of the beginning",
     "UTC",
     {{MON, AT(22, 0), AT(4, 0)}},
     "2024-01-02T03:59:59Z",
     true,
     "2024-01-01T22:00:00Z",
     "2024-01-02T04:00:00Z"},
    {"over midnight, another day",
     "UTC",
     {{MON, AT(22, 0), AT(4, 0)}},
     "2024-01-03T03:00:00Z",
     false,
     "2024-01-08T22:00:00Z",
     "2024-01-09T04:00:00Z"},
    {"a whole day",
     "UTC",
     {{SUN, 0, 0}},
     "2024-01-07T12:00:00Z",
     true,
     "2024-01-07T00:00:00Z",
     "2024-01-08T00:00:00Z"},
    {"two whole days are one window",
     "UTC",
     {{SAT | SUN, 0, 0}},
     "2024-01-06T12:00:00Z",
     true,
     "2024-01-06T00:00:00Z",
     "2024-01-08T00:00:00Z"},
    {"windows that overlap are one",
     "UTC",
     {{MON, AT(1, 0), AT(3, 0)}, {MON, AT(2, 0), AT(5, 0)}},
     "2024-01-01T01:30:00Z",
     true,
     "2024-01-01T01:00:00Z",
     "2024-01-01T05:00:00Z"},
    {"one within another ends with that",
     "UTC",
     {{MON, AT(1, 0), AT(9, 0)}, {MON, AT(2, 0), AT(5, 0)}},
     "2024-01-01T06:00:00Z",
     true,
     "2024-01-01T01:00:00Z",
     "2024-01-01T09:00:00Z"},
    {"windows that touch are one",
     "UTC",
     {{MON, AT(22, 0), AT(0, 0)}, {TUE, AT(0, 0), AT(4, 0)}},
     "2024-01-01T22:30:00Z",
     true,
     "2024-01-01T22:00:00Z",
     "2024-01-02T04:00:00Z"},
    {"the nearer of two comes first",
     "UTC",
     {{FRI, AT(2, 0), AT(4, 0)}, {WED, AT(2, 0), AT(4, 0)}},
     "2024-01-01T12:00:00Z",
     false,
     "2024-01-03T02:00:00Z",
     "2024-01-03T04:00:00Z"},
    {"daily",
     "UTC",
     {{DAILY, AT(2, 0), AT(4, 0)}},
     "2024-01-01T12:00:00Z",
     false,
     "2024-01-02T02:00:00Z",
     "2024-01-02T04:00:00Z"},
    {"local time ahead: Monday 02:00 in Tokyo is Sunday in UTC",
     "Asia/Tokyo",
     {{MON, AT(2, 0), AT(4, 0)}},
     "2024-01-07T17:30:00Z",
     true,
     "2024-01-07T17:00:00Z",
     "2024-01-07T19:00:00Z"},
    {"local time behind",
     "America/New_York",
     {{SUN, AT(23, 0), AT(1, 0)}},
     "2024-01-08T05:30:00Z",
     true,
     "2024-01-08T04:00:00Z",
     "2024-01-08T06:00:00Z"},
    /* Berlin, 2024-03-31 (a Sunday): 02:00 becomes 03:00 at 01:00 UTC */
    {"it spans the gap: an hour shorter",
     "Europe/Berlin",
     {{SUN, AT(1, 0), AT(4, 0)}},
     "2024-03-31T00:30:00Z",
     true,
     "2024-03-31T00:00:00Z",
     "2024-03-31T02:00:00Z"},
    {"it begins in the gap: at the change",
     "Europe/Berlin",
     {{SUN, AT(2, 30), AT(4, 0)}},
     "2024-03-31T00:30:00Z",
     false,
     "2024-03-31T01:00:00Z",
     "2024-03-31T02:00:00Z"},
    {"it ends in the gap: as much later",
     "Europe/Berlin",
     {{SUN, AT(1, 0), AT(2, 30)}},
     "2024-03-31T01:15:00Z",
     true,
     "2024-03-31T00:00:00Z",
     "2024-03-31T01:30:00Z"},
    {"all of it is in the gap: not lost",
     "Europe/Berlin",
     {{SUN, AT(2, 15), AT(2, 45)}},
     "2024-03-31T01:10:00Z",
     true,
     "2024-03-31T01:00:00Z",
     "2024-03-31T01:45:00Z"},
    {"the week before is as ever",
     "Europe/Berlin",
     {{SUN, AT(2, 15), AT(2, 45)}},
     "2024-03-24T01:20:00Z",
     true,
     "2024-03-24T01:15:00Z",
     "2024-03-24T01:45:00Z"},
    /* 2024-10-27: 03:00 becomes 02:00 at 01:00 UTC */
    {"it spans the overlap: an hour longer",
     "Europe/Berlin",
     {{SUN, AT(1, 0), AT(4, 0)}},
     "2024-10-27T02:30:00Z",
     true,
     "2024-10-26T23:00:00Z",
     "2024-10-27T03:00:00Z"},
    {"within the overlap: both times",
     "Europe/Berlin",
     {{SUN, AT(2, 15), AT(2, 45)}},
     "2024-10-27T01:00:00Z",
     true,
     "2024-10-27T00:15:00Z",
     "2024-10-27T01:45:00Z"},
    {"every minute but one",
     "UTC",
     {{DAILY, AT(0, 1), AT(0, 0)}},
     "2024-01-01T00:00:30Z",
     false,
     "2024-01-01T00:01:00Z",
     "2024-01-02T00:00:00Z"},
};

static size_t count(const struct row *r)
{
	size_t n = 0;

	while (n < N_ELEMS(r->windows) && r->windows[n].days != 0)
		n++;
	return n;
}

static void expect_moment(const struct row *r, const char *what, int64_t got,
			  const char *expected)
{
	char text[TIME_TEXT_LEN + 1];

	time_format(got, text);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: %s %s, not %s", r->what, what, text, expected);
}

static void a_window_opens_and_closes_as_the_table_says(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct row *r = &rows[i];
		AUTO_PTR(zone) struct zone *z = zone_open(r->zone, &e);
		struct window_plan p = {.n_windows = count(r)};
		struct window_now got;

		assert_non_null(z);
		memcpy(p.windows, r->windows, sizeof(r->windows));
		window_look(&p, z, when(r->now), &got);
		if (got.open != r->open)
			fail_msg("%s: %s", r->what, got.open ? "open" : "closed");
		expect_moment(r, "opens", got.opens_at, r->opens);
		expect_moment(r, "closes", got.closes_at, r->closes);
	}
}

static void without_windows_or_with_the_whole_week_it_is_always_open(void **state)
{
	static const struct window_plan plans[] = {
	    {.n_windows = 0},
	    {.windows = {{DAILY, 0, 0}}, .n_windows = 1},
	    {.windows = {{DAILY, AT(6, 0), AT(18, 0)}, {DAILY, AT(18, 0), AT(6, 0)}},
	     .n_windows = 2},
	};
	struct err e = ERR_INIT;
	AUTO_PTR(zone) struct zone *z = zone_open("UTC", &e);
	struct window_now got;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(plans); i++) {
		window_look(&plans[i], z, when("2024-01-01T05:00:00Z"), &got);
		assert_true(got.open);
		assert_true(got.opens_at == 0 && got.closes_at == INT64_MAX);
		assert_int_equal(window_longest_gap_ms(&plans[i]), 0);
	}
}

static void the_longest_gap_is_that_of_the_week(void **state)
{
	static const struct {
		struct window windows[2];
		int64_t minutes;
	} gaps[] = {
	    {{{MON, AT(2, 0), AT(4, 0)}}, 7 * 1440 - 120},
	    {{{DAILY, AT(2, 0), AT(4, 0)}}, 22 * 60},
	    {{{SUN, AT(22, 0), AT(4, 0)}}, 7 * 1440 - 360},
	    {{{MON, 0, 0}, {FRI, 0, 0}}, 3 * 1440},
	    {{{SAT | SUN, 0, 0}}, 5 * 1440},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(gaps); i++) {
		struct window_plan p = {.n_windows = gaps[i].windows[1].days ? 2 : 1};

		memcpy(p.windows, gaps[i].windows, sizeof(gaps[i].windows));
		assert_int_equal(window_longest_gap_ms(&p), gaps[i].minutes * 60000);
	}
}

/* Two years of half hours, in zones with changes: what window_look() says at one
 * moment agrees with what it says at the next. */
static void the_windows_of_two_years_follow_upon_each_other(void **state)
{
	static const char *const zones[] = {"Europe/Berlin", "America/Havana",
					    "Australia/Lord_Howe", "Africa/Casablanca"};
	static const struct window_plan plan = {
	    .windows = {{SUN, AT(0, 30), AT(2, 30)}, {SAT | WED, AT(23, 0), AT(0, 15)}},
	    .n_windows = 2};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(zones); i++) {
		AUTO_PTR(zone) struct zone *z = zone_open(zones[i], &e);
		struct window_now before, got;
		int64_t t = when("2023-01-01T00:00:00Z");

		window_look(&plan, z, t, &before);
		while (t < when("2025-01-01T00:00:00Z")) {
			t += HOUR_MS / 2;
			window_look(&plan, z, t, &got);
			assert_true(got.opens_at < got.closes_at && got.closes_at > t);
			assert_int_equal(got.open, got.opens_at <= t);
			if (before.closes_at > t)
				assert_memory_equal(&got.opens_at, &before.opens_at,
						    sizeof(got.opens_at));
			else
				assert_true(got.opens_at > before.closes_at);
			before = got;
		}
	}
}

/* ---- JSON ---- */

static int read_plan(const char *text, struct window_plan *ret, struct err *e)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	AUTO_PTR(json) struct json *j = NULL;

	assert_int_equal(buf_printf(&b, e, "[%s]", text), 0);
	j = json_parse(b.data, b.len, e);
	assert_non_null(j);
	return window_plan_read(json_at(j, 0), ret, e);
}

static void windows_are_read_and_written_alike(void **state)
{
	static const char text[] =
	    "{\"open\":[{\"days\":[\"mon\",\"sun\"],\"from\":\"22:00\",\"to\":\"04:"
	    "05\"}"
	    ",{\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"],"
	    "\"from\":\"00:00\",\"to\":\"23:59\"}],\"zone\":\"Europe/Berlin\","
	    "\"zone_attribute\":\"timezone\"}";
	AUTO(buf) struct buf b = BUF_INIT(4096);
	AUTO_PTR(json) struct json *j = NULL;
	struct window_plan p;
	struct err e = ERR_INIT;

	(void)state;
	OK(read_plan(text, &p, &e));
	assert_int_equal(p.n_windows, 2);
	assert_int_equal(p.windows[0].days, MON | SUN);
	assert_int_equal(p.windows[0].to_minute, AT(4, 5));
	j = window_plan_write(&p, &e);
	OK(json_write(j, &b, &e));
	assert_string_equal(buf_str(&b), text);
	OK(read_plan(
	    "{\"zone\":\"UTC\",\"open\":[{\"from\":\"01:00\",\"to\":\"02:00\"}]}", &p,
	    &e));
	assert_int_equal(p.windows[0].days, DAILY);
	OK(window_plan_read(NULL, &p, &e));
	assert_int_equal(p.n_windows, 0);
	OK(read_plan("null", &p, &e));
}

static void windows_that_are_none_are_refused_by_name(void **state)
{
#define ZONE "{\"zone\":\"UTC\",\"open\":"
	static const struct {
		const char *text, *error;
	} bad[] = {
	    {"1", "windows: must be an object"},
	    {"{\"open\":[]}", "windows.zone: is missing"},
	    {"{\"zone\":\"UTC\"}", "windows.open: is missing"},
	    {ZONE "[]}", "windows.open: must be a list of 1 to 8 windows"},
	    {ZONE "{}}", "windows.open: must be a list of 1 to 8 windows"},
	    {ZONE "[1]}", "windows.open[0]: must be an object"},
	    {ZONE "[{\"from\":\"01:00\"}]}", "windows.open[0].to: is missing"},
	    {ZONE "[{\"from\":\"1:00\",\"to\":\"02:00\"}]}",
	     "windows.open[0].from: must be a time from 00:00 to 23:59"},
	    {ZONE "[{\"from\":\"01:00\",\"to\":\"24:00\"}]}",
	     "windows.open[0].to: must be a time from 00:00 to 23:59"},
	    {ZONE "[{\"from\":\"01:60\",\"to\":\"02:00\"}]}",
	     "windows.open[0].from: must be a time from 00:00 to 23:59"},
	    {ZONE "[{\"from\":100,\"to\":\"02:00\"}]}",
	     "windows.open[0].from: must be a time from 00:00 to 23:59"},
	    {ZONE "[{\"days\":[],\"from\":\"01:00\",\"to\":\"02:00\"}]}",
	     "windows.open[0].days: must be a list of mon, tue, wed, thu, fri, sat, "
	     "sun"},
	    {ZONE "[{\"days\":[\"Mon\"],\"from\":\"01:00\",\"to\":\"02:00\"}]}",
	     "windows.open[0].days: must be a list of mon, tue, wed, thu, fri, sat, "
	     "sun"},
	    {ZONE "[{\"days\":\"mon\",\"from\":\"01:00\",\"to\":\"02:00\"}]}",
	     "windows.open[0].days: must be a list of mon, tue, wed, thu, fri, sat, "
	     "sun"},
	    {ZONE "[{\"form\":\"01:00\"}]}",
	     "windows.open[0].form: there is no such field"},
	    {"{\"zone\":\"../x\",\"open\":[]}",
	     "windows.zone: \"../x\" is no time zone's name"},
	};
	struct window_plan p;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		FAILS(read_plan(bad[i].text, &p, &e), ERR_FORMAT);
		assert_string_equal(e.text, bad[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_window_opens_and_closes_as_the_table_says),
	    cmocka_unit_test(without_windows_or_with_the_whole_week_it_is_always_open),
	    cmocka_unit_test(the_longest_gap_is_that_of_the_week),
	    cmocka_unit_test(the_windows_of_two_years_follow_upon_each_other),
	    cmocka_unit_test(windows_are_read_and_written_alike),
	    cmocka_unit_test(windows_that_are_none_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
