/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void hex_encode(const uint8_t *data, size_t len, char *ret_text)
{
	for (size_t i = 0; i < len; i++) {
		*ret_text++ = hex_digits[data[i] >> 4];
		*ret_text++ = hex_digits[data[i] & 15];
	}
	*ret_text = '\0';
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *text, uint8_t *ret_data, size_t len, struct err *e)
{
	if (strnlen(text, 2 * len + 1) != 2 * len)
		return err_set(e, ERR_FORMAT, "not %zu hexadecimal digits", 2 * len);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return err_set(e, ERR_FORMAT, "not hexadecimal at digit %zu",
				       2 * i);
		ret_data[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void base64url_encode(const uint8_t *data, size_t len, char *ret_text)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		n_bits += 8;
		while (n_bits >= 6) {
			n_bits -= 6;
			*ret_text++ = alphabet[bits >> n_bits & 63];
		}
	}
	if (n_bits > 0)
		*ret_text++ = alphabet[bits << (6 - n_bits) & 63];
	*ret_text = '\0';
}

int parse_u64(const char *text, uint64_t *ret_value, struct err *e)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return err_set(e, ERR_FORMAT, "\"%s\" is too large a number",
				       text);
	}
	if (p == text || *p != '\0')
		return err_set(e, ERR_FORMAT, "\"%s\" is not a number", text);
	*ret_value = value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Splits "<digits><unit>" by a table that ends in a row without a name. */
static int parse_with_unit(const char *text, const struct unit *units, const char *what,
			   uint64_t *ret_value, struct err *e)
{
	size_t n_digits = strspn(text, "0123456789");
	char digits[24];
	uint64_t value;

	if (n_digits == 0 || n_digits >= sizeof(digits))
		return err_set(e, ERR_FORMAT, "\"%s\" is not %s", text, what);
	memcpy(digits, text, n_digits);
	digits[n_digits] = '\0';
	if (parse_u64(digits, &value, e) < 0)
		return -1;
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, text + n_digits) != 0)
			continue;
		if (__builtin_mul_overflow(value, units->factor, ret_value))
			return err_set(e, ERR_FORMAT, "\"%s\" is too large", text);
		return 0;
	}
	return err_set(e, ERR_FORMAT, "\"%s\" is not %s", text, what);
}

int parse_size(const char *text, uint64_t *ret_bytes, struct err *e)
{
	static const struct unit units[] = {
	    {"", 1},
	    {"B", 1},
	    {"KiB", 1024},
	    {"MiB", 1024 * 1024},
	    {"GiB", 1024 * 1024 * 1024},
	    {NULL, 0},
	};

	return parse_with_unit(text, units, "a size like 64KiB or 10MiB", ret_bytes, e);
}

int parse_duration(const char *text, uint64_t *ret_ms, struct err *e)
{
	static const struct unit units[] = {
	    {"ms", 1},	    {"s", 1000},     {"m", 60000},
	    {"h", 3600000}, {"d", 86400000}, {NULL, 0},
	};

	return parse_with_unit(text, units, "a duration like 30s, 5m or 90d", ret_ms,
			       e);
}

int parse_bool(const char *text, bool *ret_value, struct err *e)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < N_ELEMS(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret_value = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%s\" is neither yes nor no", text);
}

int text_format(char *ret_text, size_t room, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(ret_text, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		return err_set(e, ERR_LIMIT, "\"%s...\" is longer than %zu bytes",
			       room > 0 ? ret_text : "", room - 1);
	return 0;
}

int text_copy(char *ret_text, size_t room, const char *text, const char *what,
	      struct err *e)
{
	size_t len = strlen(text);

	if (len >= room)
		return err_set(e, ERR_LIMIT, "%s is longer than %zu bytes", what,
			       room - 1);
	memcpy(ret_text, text, len + 1);
	return 0;
}

bool text_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool text_is_name(const char *text, size_t max_len, const char *more)
{
	size_t len = strnlen(text, max_len + 1);

	if (len == 0 || len > max_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!plain && strchr(more, c) == NULL)
			return false;
	}
	return true;
}

struct civil {
	int year, month, day;
};

/* Of days since 1970-01-01, from year 0 on. Not gmtime(): where time_t has 32 bits it ends
 * in 2038. */
static struct civil civil_from_days(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097, day_of_era = z % 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
			       day_of_era / 146096) /
			      365;
	int64_t day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * day_of_year + 2) / 153;
	int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);

	return (struct civil){
	    .year = (int)(year_of_era + era * 400) + (month <= 2),
	    .month = month,
	    .day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
	};
}

#define TIME_MAX_MS 253402300799000 /* 9999-12-31T23:59:59Z */

void time_format(int64_t utc_ms, char ret_text[TIME_TEXT_LEN + 1])
{
	int64_t known = utc_ms < 0 ? 0 : utc_ms < TIME_MAX_MS ? utc_ms : TIME_MAX_MS;
	int second_of_day = (int)(known / 1000 % 86400);
	struct civil c = civil_from_days(known / 86400000);

	if (text_format(ret_text, TIME_TEXT_LEN + 1, NULL,
			"%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
			second_of_day / 3600, second_of_day / 60 % 60,
			second_of_day % 60) < 0)
		ret_text[0] = '\0';
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static int month_length(int year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month - 1] + (month == 2 && leap);
}

static bool digits_at(const char *text, size_t at, size_t n, int *ret_value)
{
	*ret_value = 0;
	for (size_t i = at; i < at + n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret_value = *ret_value * 10 + (text[i] - '0');
	}
	return true;
}

int time_parse(const char *text, int64_t *ret_utc_ms, struct err *e)
{
	int year, month, day, hour, minute, second;
	bool ok = strnlen(text, TIME_TEXT_LEN + 1) == TIME_TEXT_LEN && text[4] == '-' &&
		  text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
		  text[16] == ':' && text[19] == 'Z' && digits_at(text, 0, 4, &year) &&
		  digits_at(text, 5, 2, &month) && digits_at(text, 8, 2, &day) &&
		  digits_at(text, 11, 2, &hour) && digits_at(text, 14, 2, &minute) &&
		  digits_at(text, 17, 2, &second);

	if (!ok || month < 1 || month > 12 || day < 1 ||
	    day > month_length(year, month) || hour > 23 || minute > 59 || second > 59)
		return err_set(e, ERR_FORMAT, "\"%.32s\" is not a time like %s", text,
			       "2026-11-23T14:41:07Z");
	*ret_utc_ms =
	    ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60000 +
	    second * 1000;
	return 0;
}

void size_format(uint64_t bytes, char *ret_text, size_t room)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(ret_text, room, "%" PRIu64 " B", bytes);
		return;
	}
	for (; value >= 1024 && i + 1 < N_ELEMS(names); i++)
		value /= 1024;
	(void)snprintf(ret_text, room, "%.1f %s", value, names[i]);
}

size_t utf8_len(const uint8_t *p, size_t len)
{
	size_t n;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	if (p[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}
