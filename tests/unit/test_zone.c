/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: our reader against the C library's, and what a broken file does. */
#include "testing.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../server/rollout/zone.h"
#include "../../server/rollout/zone_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HOUR_MS INT64_C(3600000)
#define STEP_S (INT64_C(6) * 3600 + 1801) /* odd, so that it wanders over the day */

/* Whole hours, halves and quarters; both hemispheres; summer time that begins in winter
 * (Dublin), runs backwards (Casablanca, El_Aaiun) or at midnight (Beirut); changes of
 * the zone itself by up to a day (Apia, Kwajalein); none at all. */
static const char *const names[] = {
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Australia/Eucla",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
    "Pacific/Auckland",
    "America/New_York",
    "America/Nuuk",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "America/Caracas",
    "Antarctica/Troll",
    "Etc/GMT+12",
    "Etc/GMT-14",
};

static int64_t offset_of_the_library(time_t t)
{
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	return tm.tm_gmtoff;
}

static void every_offset_is_what_the_c_library_says(void **state)
{
	const time_t end = 4102444800; /* 2100 */
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(names); i++) {
		AUTO_PTR(zone) struct zone *z = zone_open(names[i], &e);

		if (z == NULL)
			fail_msg("%s: %s", names[i], e.text);
		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		for (time_t t = 0; t < end; t += STEP_S) {
			int64_t ours = zone_offset_ms(z, t * 1000) / 1000;

			if (ours != offset_of_the_library(t))
				fail_msg("%s at %lld: %lld, not %lld", names[i],
					 (long long)t, (long long)ours,
					 (long long)offset_of_the_library(t));
		}
	}
}

/* ---- rules ---- */

static void a_rule_says_when_summer_begins_and_ends(void **state)
{
	static const struct {
		const char *rule, *at;
		int offset_s;
	} rows[] = {
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59Z", 3600},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00Z", 7200},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T00:59:59Z", 7200},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00Z", 3600},
	    /* the south: summer over the new year */
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01T00:00:00Z", 39600},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-07-01T00:00:00Z", 36000},
	    /* half an hour; a change at another time; names in <> */
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-01-01T00:00:00Z", 39600},
	    {"<-03>3", "2024-01-01T00:00:00Z", -10800},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", -7200},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", -3600},
	    /* summer time that is behind the other */
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01T00:00:00Z", 0},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-07-01T00:00:00Z", 3600},
	    /* all year; by day, with and without 29 February */
	    {"XXX3EDT4,0/0,J365/23", "2024-01-01T04:00:00Z", -14400},
	    {"XXX3EDT4,0/0,J365/23", "2024-12-31T12:00:00Z", -14400},
	    {"AAA0BBB,J60/0,J61/0", "2024-03-01T12:00:00Z", 3600},
	    {"AAA0BBB,J60/0,J61/0", "2024-02-29T12:00:00Z", 0},
	    {"AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", 3600},
	    {"AAA0BBB,59/0,60/0", "2023-03-01T12:00:00Z", 3600},
	};
	struct zone_rule r;
	struct err e = ERR_INIT;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		OK(zone_rule_parse(rows[i].rule, &r, &e));
		OK(time_parse(rows[i].at, &ms, &e));
		if (zone_rule_offset(&r, ms / 1000) != rows[i].offset_s)
			fail_msg("%s at %s: %d", rows[i].rule, rows[i].at,
				 zone_rule_offset(&r, ms / 1000));
	}
}

static void a_rule_that_is_not_understood_is_refused(void **state)
{
	static const char *const rows[] = {
	    "CE-1",
	    "CET",
	    "CET-1CEST",
	    "CET-1CEST,M3.5.0",
	    "CET-1CEST,M13.5.0,M10.5.0",
	    "CET-1CEST,M3.6.0,M10.5.0",
	    "CET-1CEST,M3.5.7,M10.5.0",
	    "CET-1CEST,M0.1.0,M10.5.0",
	    "CET-1CEST,M3.0.0,M10.5.0",
	    "CET-1CEST,J0,J100",
	    "CET-1CEST,J366,J100",
	    "CET-1CEST,M3.5.0/168,M10.5.0",
	    "CET-1CEST,M3.5.0,M10.5.0 ",
	    "<CET-1",
	    "CET-1:60",
	    "CET-26",
	    "CET-99999999999999999999",
	};
	struct zone_rule r;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		FAILS(zone_rule_parse(rows[i], &r, &e), ERR_FORMAT);
}

/* ---- local time to UTC ---- */

static void a_local_time_is_found_in_utc_also_where_clocks_change(void **state)
{
	static const struct {
		const char *zone, *local;
		enum zone_edge edge;
		const char *utc;
	} rows[] = {
	    {"Europe/Berlin", "2024-01-15T12:00:00Z", ZONE_BEGIN,
	     "2024-01-15T11:00:00Z"},
	    {"Europe/Berlin", "2024-07-15T12:00:00Z", ZONE_END, "2024-07-15T10:00:00Z"},
	    /* 02:00-03:00 does not exist */
	    {"Europe/Berlin", "2024-03-31T02:30:00Z", ZONE_BEGIN,
	     "2024-03-31T01:00:00Z"},
	    {"Europe/Berlin", "2024-03-31T02:30:00Z", ZONE_END, "2024-03-31T01:30:00Z"},
	    {"Europe/Berlin", "2024-03-31T02:00:00Z", ZONE_BEGIN,
	     "2024-03-31T01:00:00Z"},
	    {"Europe/Berlin", "2024-03-31T02:00:00Z", ZONE_END, "2024-03-31T01:00:00Z"},
	    {"Europe/Berlin", "2024-03-31T03:00:00Z", ZONE_BEGIN,
	     "2024-03-31T01:00:00Z"},
	    {"Europe/Berlin", "2024-03-31T01:59:59Z", ZONE_END, "2024-03-31T00:59:59Z"},
	    /* 02:00-03:00 happens twice */
	    {"Europe/Berlin", "2024-10-27T02:30:00Z", ZONE_BEGIN,
	     "2024-10-27T00:30:00Z"},
	    {"Europe/Berlin", "2024-10-27T02:30:00Z", ZONE_END, "2024-10-27T01:30:00Z"},
	    {"Europe/Berlin", "2024-10-27T03:00:00Z", ZONE_BEGIN,
	     "2024-10-27T02:00:00Z"},
	    /* beyond the file's last change, by its rule */
	    {"Europe/Berlin", "2090-07-15T12:00:00Z", ZONE_BEGIN,
	     "2090-07-15T10:00:00Z"},
	    /* half an hour forward */
	    {"Australia/Lord_Howe", "2024-10-06T02:15:00Z", ZONE_BEGIN,
	     "2024-10-05T15:30:00Z"},
	    /* a day that Samoa left out */
	    {"Pacific/Apia", "2011-12-30T12:00:00Z", ZONE_BEGIN,
	     "2011-12-30T10:00:00Z"},
	    {"Pacific/Apia", "2011-12-31T00:00:00Z", ZONE_BEGIN,
	     "2011-12-30T10:00:00Z"},
	    /* midnight that does not exist */
	    {"Asia/Beirut", "2024-03-31T00:00:00Z", ZONE_BEGIN, "2024-03-30T22:00:00Z"},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO_PTR(zone) struct zone *z = zone_open(rows[i].zone, &e);
		char got[TIME_TEXT_LEN + 1];
		int64_t local;

		assert_non_null(z);
		OK(time_parse(rows[i].local, &local, &e));
		time_format(zone_to_utc(z, local, rows[i].edge), got);
		if (strcmp(got, rows[i].utc) != 0)
			fail_msg("%s %s: %s, not %s", rows[i].zone, rows[i].local, got,
				 rows[i].utc);
	}
}

/* For a year of hours: what exists comes back as it went, and order is kept. */
static void utc_to_local_and_back_is_the_same_moment_or_its_twin(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(names); i++) {
		AUTO_PTR(zone) struct zone *z = zone_open(names[i], &e);
		int64_t t = INT64_C(1704067200000);

		for (int hour = 0; hour < 2 * 366 * 24; hour++, t += HOUR_MS / 2) {
			int64_t local = t + zone_offset_ms(z, t);
			int64_t begin = zone_to_utc(z, local, ZONE_BEGIN);
			int64_t end = zone_to_utc(z, local, ZONE_END);

			assert_true(begin <= t && t <= end);
			assert_true(begin == t || end == t);
		}
	}
}

/* ---- files ---- */

static void a_file_cut_anywhere_is_refused(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(ZONE_FILE_MAX_LEN);
	struct err e = ERR_INIT;

	(void)state;
	OK(file_read("/usr/share/zoneinfo/Europe/Berlin", &b, &e));
	for (size_t len = 0; len < b.len; len++) {
		assert_null(zone_parse(b.data, len, &e));
		assert_int_equal(e.code, ERR_FORMAT);
	}
}

static void a_file_with_a_lie_in_it_is_refused(void **state)
{
	/* the second header begins after the first block; both have the same counts */
	static const struct {
		size_t at; /* from the beginning of the second header */
		uint8_t value;
	} rows[] = {
	    {0, 'X'},	/* magic */
	    {4, 0},	/* version 1 */
	    {32, 0xff}, /* more changes than there are bytes */
	    {36, 0xff}, /* types */
	    {39, 0},	/* no type at all */
	    {28, 1},	/* leap seconds */
	    {40, 0x7f}, /* names */
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf b = BUF_INIT(ZONE_FILE_MAX_LEN);
		const uint8_t *second;

		OK(file_read("/usr/share/zoneinfo/Europe/Berlin", &b, &e));
		second = memmem(b.data + 4, b.len - 4, "TZif", 4);
		assert_non_null(second);
		b.data[(size_t)(second - b.data) + rows[i].at] = rows[i].value;
		assert_null(zone_parse(b.data, b.len, &e));
	}
}

static void only_names_of_zones_are_looked_for(void **state)
{
	static const char *const bad[] = {
	    "",
	    "/etc/passwd",
	    "../../etc/passwd",
	    "Europe/",
	    "Europe//Berlin",
	    "/",
	    "tzdata.zi",
	    "Europe Berlin",
	    "\xc3\xa4",
	    "0123456789012345678901234567890123456789012345678901234567890123456789"};
	static const char *const none[] = {"Europe", "Europe/Atlantis", "leapseconds",
					   "right/UTC_"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		FAILS(zone_name_check(bad[i], &e), ERR_FORMAT);
		assert_null(zone_open(bad[i], &e));
	}
	for (size_t i = 0; i < N_ELEMS(none); i++) {
		OK(zone_name_check(none[i], &e));
		assert_null(zone_open(none[i], &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
	}
}

static void a_table_reads_each_zone_once_and_says_what_is_none(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(zone_table) struct zone_table *t = zone_table_new(&e);
	const struct zone *berlin;

	(void)state;
	assert_non_null(t);
	berlin = zone_table_get(t, "Europe/Berlin", &e);
	assert_non_null(berlin);
	assert_ptr_equal(zone_table_get(t, "Europe/Berlin", &e), berlin);
	assert_ptr_not_equal(zone_table_get(t, "UTC", &e), berlin);
	for (int i = 0; i < 2; i++) {
		e = ERR_INIT;
		assert_null(zone_table_get(t, "Europe/Atlantis", &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
		assert_string_equal(e.text,
				    "there is no time zone \"Europe/Atlantis\"");
	}
	assert_null(zone_table_get(t, "..", &e));
	zone_table_free(NULL);
}

static void inventions_do_not_crowd_zones_out_of_a_table(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(zone_table) struct zone_table *t = zone_table_new(&e);
	char name[32];

	(void)state;
	assert_non_null(zone_table_get(t, "UTC", &e));
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "Nowhere/%d", i);
		assert_null(zone_table_get(t, name, &e));
	}
	assert_non_null(zone_table_get(t, "UTC", &e));
	assert_non_null(zone_table_get(t, "Asia/Tokyo", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_offset_is_what_the_c_library_says),
	    cmocka_unit_test(a_rule_says_when_summer_begins_and_ends),
	    cmocka_unit_test(a_rule_that_is_not_understood_is_refused),
	    cmocka_unit_test(a_local_time_is_found_in_utc_also_where_clocks_change),
	    cmocka_unit_test(utc_to_local_and_back_is_the_same_moment_or_its_twin),
	    cmocka_unit_test(a_file_cut_anywhere_is_refused),
	    cmocka_unit_test(a_file_with_a_lie_in_it_is_refused),
	    cmocka_unit_test(only_names_of_zones_are_looked_for),
	    cmocka_unit_test(a_table_reads_each_zone_once_and_says_what_is_none),
	    cmocka_unit_test(inventions_do_not_crowd_zones_out_of_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
