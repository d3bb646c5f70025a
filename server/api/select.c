/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include "../../common/base/text.h"

#include <inttypes.h>
#include <string.h>

/* ---- cursors ---- */

static bool is_by_text(enum device_sort sort)
{
	return sort == SORT_NAME || sort == SORT_PRODUCT || sort == SORT_VERSION;
}

int cursor_write(enum device_sort sort, const struct device_cursor *c,
		 char ret[CURSOR_TEXT_MAX_LEN + 1], struct err *e)
{
	char hex[2 * VERSION_KEY_MAX_LEN + 1];

	if (sort == SORT_ID)
		return text_copy(ret, CURSOR_TEXT_MAX_LEN + 1, c->id, "cursor", e);
	if (!is_by_text(sort))
		return text_format(ret, CURSOR_TEXT_MAX_LEN + 1, e, "%" PRId64 ".%s",
				   c->number, c->id);
	hex_encode((const uint8_t *)c->text, strlen(c->text), hex);
	return text_format(ret, CURSOR_TEXT_MAX_LEN + 1, e, "%s.%s", hex, c->id);
}

static int read_hex(const char *hex, size_t len, struct device_cursor *ret,
		    struct err *e)
{
	char text[2 * VERSION_KEY_MAX_LEN + 1];

	if (len % 2 != 0 || len >= sizeof(text))
		return err_set(e, ERR_FORMAT, "not of this sort");
	memcpy(text, hex, len);
	text[len] = '\0';
	return hex_decode(text, (uint8_t *)ret->text, len / 2, e);
}

static int read_number(const char *digits, size_t len, struct device_cursor *ret,
		       struct err *e)
{
	char text[24];
	uint64_t n;

	if (text_format(text, sizeof(text), e, "%.*s", (int)len, digits) < 0 ||
	    parse_u64(text, &n, e) < 0)
		return -1;
	if (n > INT64_MAX)
		return err_set(e, ERR_FORMAT, "not of this sort");
	ret->number = (int64_t)n;
	return 0;
}

int cursor_read(enum device_sort sort, const char *text, struct device_cursor *ret,
		struct err *e)
{
	const char *dot = strchr(text, '.');
	size_t len = dot == NULL ? 0 : (size_t)(dot - text);
	int rc = 0;

	*ret = (struct device_cursor){.set = true};
	if (sort == SORT_ID)
		return text_copy(ret->id, sizeof(ret->id), text, "after", e);
	if (dot == NULL)
		rc = err_set(e, ERR_FORMAT, "not of this sort");
	else if (is_by_text(sort))
		rc = read_hex(text, len, ret, e);
	else
		rc = read_number(text, len, ret, e);
	if (rc < 0 || text_copy(ret->id, sizeof(ret->id), dot + 1, "id", e) < 0)
		return err_wrap(e, "after");
	return 0;
}

/* ---- the query ---- */

static int read_sort(struct api_call *a, struct device_select *ret, struct err *e)
{
	const char *sort = http_query(a->http, "sort");

	if (sort == NULL || sort[0] == '\0')
		return 0;
	ret->descending = sort[0] == '-';
	if (device_sort_parse(sort + ret->descending, &ret->sort, e) < 0)
		return err_wrap(e, "sort");
	return 0;
}

int api_select(struct api_call *a, struct device_select *ret, struct filter *ret_filter,
	       struct err *e)
{
	const char *filter = http_query(a->http, "filter");
	const char *q = http_query(a->http, "q");
	const char *after = http_query(a->http, "after");
	struct store_page page = {.limit = 0};

	*ret = (struct device_select){.filter = ret_filter};
	if (filter_parse(filter == NULL ? "" : filter, ret_filter, e) < 0)
		return err_wrap(e, "filter");
	if (read_sort(a, ret, e) < 0 || api_page_limit(a, &page, e) < 0)
		return -1;
	ret->limit = page.limit;
	if (q != NULL && text_copy(ret->text, sizeof(ret->text), q, "q", e) < 0)
		return -1;
	if (after == NULL || after[0] == '\0')
		return 0;
	return cursor_read(ret->sort, after, &ret->after, e);
}

/* ---- bodies ---- */

static const struct json *member(struct api_call *a, const char *key)
{
	const struct json *j = json_get(a->body, key);

	return j == NULL || json_is_null(j) ? NULL : j;
}

int body_text(struct api_call *a, const char *key, char *ret, size_t room,
	      bool *ret_there, struct err *e)
{
	const struct json *j = member(a, key);

	*ret_there = json_get(a->body, key) != NULL; /* null takes it back */
	if (*ret_there)
		ret[0] = '\0';
	if (j == NULL)
		return 0;
	if (json_text(j) == NULL)
		return err_set(e, ERR_FORMAT, "field \"%s\": not text", key);
	return text_copy(ret, room, json_text(j), key, e);
}

int body_tags(struct api_call *a, const char *key, char ret[TAGS_TEXT_MAX_LEN + 1],
	      bool *ret_there, struct err *e)
{
	const struct json *list = NULL;

	*ret_there = json_get(a->body, key) != NULL;
	if (!*ret_there)
		return 0;
	ret[0] = '\0';
	if (json_get_array(a->body, key, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < json_len(list); i++) {
		const char *tag = json_text(json_at(list, i));

		if (tag_check(tag == NULL ? "" : tag, e) < 0 ||
		    tags_add(ret, tag, e) < 0)
			return err_wrap(e, "field \"%s\"", key);
	}
	return 0;
}
