/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_rule.h"

#include <string.h>

#define HOUR_S 3600
#define DAY_S INT64_C(86400)
#define MAX_HOURS 167 /* RFC 8536 3.3.1 */
#define DEFAULT_TIME_S (2 * HOUR_S)

/* ---- reading: each takes what it knows from *p and says whether it was there ---- */

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_number(const char **p, int max, int *ret)
{
	const char *begin = *p;

	for (*ret = 0; **p >= '0' && **p <= '9'; (*p)++) {
		*ret = *ret * 10 + **p - '0';
		if (*ret > max)
			return false;
	}
	return *p != begin;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Three letters or more, or anything in <>. */
static bool take_name(const char **p)
{
	const char *begin = *p;

	if (take_char(p, '<')) {
		while (is_letter(**p) || (**p >= '0' && **p <= '9') || **p == '+' ||
		       **p == '-')
			(*p)++;
		return take_char(p, '>');
	}
	while (is_letter(**p))
		(*p)++;
	return *p - begin >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **p, int32_t *ret_s)
{
	int sign = 1, hours, minutes = 0, seconds = 0;

	if (take_char(p, '-'))
		sign = -1;
	else
		(void)take_char(p, '+');
	if (!take_number(p, MAX_HOURS, &hours))
		return false;
	if (take_char(p, ':')) {
		if (!take_number(p, 59, &minutes))
			return false;
		if (take_char(p, ':') && !take_number(p, 59, &seconds))
			return false;
	}
	*ret_s = sign * (hours * HOUR_S + minutes * 60 + seconds);
	return true;
}

static bool take_weekday(const char **p, struct zone_date *ret)
{
	ret->kind = DATE_WEEKDAY;
	return take_number(p, 12, &ret->month) && ret->month >= 1 &&
	       take_char(p, '.') && take_number(p, 5, &ret->week) && ret->week >= 1 &&
	       take_char(p, '.') && take_number(p, 6, &ret->day);
}

static bool take_date(const char **p, struct zone_date *ret)
{
	bool good;

	if (take_char(p, 'M')) {
		good = take_weekday(p, ret);
	} else {
		ret->kind = take_char(p, 'J') ? DATE_JULIAN : DATE_DAY;
		good = take_number(p, 365, &ret->day) &&
		       (ret->kind == DATE_DAY || ret->day >= 1);
	}
	ret->time_s = DEFAULT_TIME_S;
	return good && (!take_char(p, '/') || take_time(p, &ret->time_s));
}

static bool take_rule(const char **p, struct zone_rule *r)
{
	int32_t west;

	if (!take_name(p) || !take_time(p, &west) || west > 25 * HOUR_S ||
	    west < -25 * HOUR_S)
		return false;
	r->std_s = -west;
	r->has_dst = **p != '\0';
	if (!r->has_dst)
		return true;
	r->dst_s = r->std_s + HOUR_S;
	if (!take_name(p))
		return false;
	if (**p != ',') {
		if (!take_time(p, &west) || west > 25 * HOUR_S || west < -25 * HOUR_S)
			return false;
		r->dst_s = -west;
	}
	return take_char(p, ',') && take_date(p, &r->start) && take_char(p, ',') &&
	       take_date(p, &r->end);
}

int zone_rule_parse(const char *text, struct zone_rule *ret, struct err *e)
{
	const char *p = text;

	*ret = (struct zone_rule){0};
	if (take_rule(&p, ret) && *p == '\0')
		return 0;
	return err_set(e, ERR_FORMAT, "the rule \"%s\" is not understood", text);
}

/* ---- asking: the proleptic Gregorian calendar, days since 1970 ---- */

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Of 1 January. */
static int64_t year_day(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) -
	       719162;
}

static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + floor_div(day * 400, 146097);

	while (year_day(year) > day)
		year--;
	while (year_day(year + 1) <= day)
		year++;
	return year;
}

static int month_length(int64_t year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* Sunday is 0, as in the rule. */
static int weekday(int64_t day)
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static int64_t month_day(int64_t year, int month)
{
	int64_t day = year_day(year);

	for (int m = 1; m < month; m++)
		day += month_length(year, m);
	return day;
}

static int64_t date_day(const struct zone_date *d, int64_t year)
{
	int64_t first;
	int in_month;

	if (d->kind == DATE_DAY)
		return year_day(year) + d->day;
	if (d->kind == DATE_JULIAN)
		return year_day(year) + d->day - 1 + (is_leap(year) && d->day >= 60);
	first = month_day(year, d->month);
	in_month = (d->day - weekday(first) + 7) % 7 + (d->week - 1) * 7;
	if (in_month >= month_length(year, d->month))
		in_month -= 7;
	return first + in_month;
}

static int64_t date_utc(const struct zone_date *d, int64_t year, int32_t offset_s)
{
	return date_day(d, year) * DAY_S + d->time_s - offset_s;
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t t)
{
	int64_t year, start, end;
	bool dst;

	if (!r->has_dst)
		return r->std_s;
	year = year_of(floor_div(t + r->std_s, DAY_S));
	start = date_utc(&r->start, year, r->std_s);
	end = date_utc(&r->end, year, r->dst_s);
	dst = start < end ? t >= start && t < end : t >= start || t < end;
	return dst ? r->dst_s : r->std_s;
}
