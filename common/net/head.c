/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include "../base/text.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define DAY_MS (24u * 3600u * 1000u)
#define LINE_LEN 1024

void head_reset(struct head *h)
{
	*h = (struct head){.pub = {.content_length = -1, .range_start = -1}};
}

uint64_t head_retry_after_ms(const char *value, int64_t now_utc_ms)
{
	uint64_t seconds;
	time_t date;

	if (parse_u64(value, &seconds, NULL) == 0)
		return seconds > DAY_MS / 1000 ? DAY_MS : seconds * 1000;
	date = curl_getdate(value, NULL);
	if (date < 0 || (int64_t)date * 1000 <= now_utc_ms)
		return 0;
	seconds = (uint64_t)((int64_t)date - now_utc_ms / 1000);
	return seconds > DAY_MS / 1000 ? DAY_MS : seconds * 1000;
}

int64_t head_range_start(const char *value)
{
	char digits[24];
	size_t n;
	uint64_t start;

	if (strncasecmp(value, "bytes ", 6) != 0)
		return -1;
	value += 6;
	n = strspn(value, "0123456789");
	if (n == 0 || n >= sizeof(digits) || value[n] != '-')
		return -1;
	memcpy(digits, value, n);
	digits[n] = '\0';
	if (parse_u64(digits, &start, NULL) < 0 || start > INT64_MAX)
		return -1;
	return (int64_t)start;
}

static void set_content_type(struct head *h, const char *value, int64_t now_utc_ms)
{
	(void)now_utc_ms;
	if (text_copy(h->content_type, sizeof(h->content_type), value, "", NULL) == 0)
		h->pub.content_type = h->content_type;
}

static void set_etag(struct head *h, const char *value, int64_t now_utc_ms)
{
	(void)now_utc_ms;
	if (text_copy(h->etag, sizeof(h->etag), value, "", NULL) == 0)
		h->pub.etag = h->etag;
}

static void set_cookie(struct head *h, const char *value, int64_t now_utc_ms)
{
	(void)now_utc_ms;
	if (text_copy(h->pub.cookie, sizeof(h->pub.cookie), value, "", NULL) < 0)
		h->pub.cookie[0] = '\0';
}

static void set_content_length(struct head *h, const char *value, int64_t now_utc_ms)
{
	uint64_t length;

	(void)now_utc_ms;
	if (parse_u64(value, &length, NULL) == 0 && length <= INT64_MAX)
		h->pub.content_length = (int64_t)length;
}

static void set_range(struct head *h, const char *value, int64_t now_utc_ms)
{
	(void)now_utc_ms;
	h->pub.range_start = head_range_start(value);
}

static void set_retry_after(struct head *h, const char *value, int64_t now_utc_ms)
{
	h->pub.retry_after_ms = head_retry_after_ms(value, now_utc_ms);
}

static const struct field {
	const char *name;
	void (*set)(struct head *h, const char *value, int64_t now_utc_ms);
} fields[] = {
    {"content-type", set_content_type},	    {"etag", set_etag},
    {"content-length", set_content_length}, {"content-range", set_range},
    {"retry-after", set_retry_after},	    {"set-cookie", set_cookie},
};

/* "HTTP/1.1 206 Partial Content" -> 206; 0 if it is none of that. */
static int status_of(const char *line)
{
	const char *blank = strchr(line, ' ');
	int status = 0;

	for (int i = 1; blank != NULL && i <= 3; i++) {
		if (blank[i] < '0' || blank[i] > '9')
			return 0;
		status = status * 10 + (blank[i] - '0');
	}
	return status;
}

void head_add_line(struct head *h, const char *line, size_t len, int64_t now_utc_ms)
{
	char text[LINE_LEN];
	char *value;

	while (len > 0 && strchr("\r\n \t", line[len - 1]) != NULL)
		len--;
	if (len >= sizeof(text))
		return;
	memcpy(text, line, len);
	text[len] = '\0';
	if (strncasecmp(text, "HTTP/", 5) == 0) {
		head_reset(h);
		h->pub.status = status_of(text);
		return;
	}
	value = strchr(text, ':');
	if (value == NULL)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t i = 0; i < N_ELEMS(fields); i++) {
		if (strcasecmp(text, fields[i].name) == 0)
			fields[i].set(h, value, now_utc_ms);
	}
}
