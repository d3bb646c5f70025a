/* SPDX-License-Identifier: Apache-2.0 */
/* Text to values: the three profiles of json.h, and the repair of bad UTF-8. */
#include "jansson_face.h"

#include "../base/text.h"

#include <inttypes.h>
#include <string.h>

#define STRICT_MAX_DEPTH 16
#define MESSAGE_MAX_DEPTH 32
#define STRICT_INT_LIMIT ((int64_t)1 << 53)

struct profile {
	unsigned max_depth;
	bool strict; /* no reals, small integers, ASCII keys */
};

static const struct profile strict_profile = {STRICT_MAX_DEPTH, true};
static const struct profile message_profile = {MESSAGE_MAX_DEPTH, false};

/*
 * The parser recurses once a level, so depth is bounded before it runs: by counting
 * brackets outside of strings, which is exact for well-formed text and harmless for
 * other.
 */
static int check_depth(const uint8_t *data, size_t len, unsigned max_depth,
		       struct err *e)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{') && ++depth > max_depth)
			return err_set(e, ERR_FORMAT,
				       "JSON nested deeper than %u levels", max_depth);
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return 0;
}

static int check_strict(const struct json *j, struct err *e);

static int check_strict_key(const char *key, struct err *e)
{
	for (const char *p = key; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return err_set(
			    e, ERR_FORMAT,
			    "a key has a character that is not printable ASCII");
	}
	return 0;
}

static int check_strict_object(const struct json *j, struct err *e)
{
	for (void *it = json_first(j); it != NULL; it = json_next(j, it)) {
		if (check_strict_key(json_key(it), e) < 0)
			return -1;
		if (check_strict(json_value(it), e) < 0)
			return -1;
	}
	return 0;
}

static int check_strict_array(const struct json *j, struct err *e)
{
	for (size_t i = 0; i < json_len(j); i++) {
		if (check_strict(json_at(j, i), e) < 0)
			return -1;
	}
	return 0;
}

/* Depth is bounded already. */
static int check_strict(const struct json *j, struct err *e)
{
	int64_t v = json_int(j);

	if (json_is_object(j))
		return check_strict_object(j, e);
	if (json_is_array(j))
		return check_strict_array(j, e);
	if (json_is_number(j) && !json_is_int(j))
		return err_set(e, ERR_FORMAT, "a number that is not an integer");
	if (v >= STRICT_INT_LIMIT || v <= -STRICT_INT_LIMIT)
		return err_set(e, ERR_FORMAT, "the integer %" PRId64 " is beyond 2^53",
			       v);
	return 0;
}

/* jansson quotes the text near the fault: it goes into logs, so only printable ASCII
 * stays. */
static int parse_failed(const json_error_t *fault, struct err *e)
{
	char text[JSON_ERROR_TEXT_LENGTH];
	size_t i;

	for (i = 0; i + 1 < sizeof(text) && fault->text[i] != '\0'; i++) {
		char c = fault->text[i];

		text[i] = (char)(c >= 0x20 && c <= 0x7e ? c : '?');
	}
	text[i] = '\0';
	return err_set(e, ERR_FORMAT, "not valid JSON at line %d, column %d: %s",
		       fault->line, fault->column, text);
}

static struct json *parse(const void *data, size_t len, const struct profile *p,
			  struct err *e)
{
	AUTO_PTR(json) struct json *j = NULL;
	json_error_t fault;

	if (check_depth(data, len, p->max_depth, e) < 0)
		return NULL;
	j = from_jansson(
	    json_loadb(len > 0 ? data : "", len, JSON_REJECT_DUPLICATES, &fault));
	if (j == NULL) {
		(void)parse_failed(&fault, e);
		return NULL;
	}
	if (p->strict && check_strict(j, e) < 0)
		return NULL;
	return TAKE(j);
}

struct json *json_parse(const void *data, size_t len, struct err *e)
{
	return parse(data, len, &message_profile, e);
}

struct json *json_parse_strict(const void *data, size_t len, struct err *e)
{
	return parse(data, len, &strict_profile, e);
}

/* Copies bytes; what is not UTF-8 becomes U+FFFD, a control character (if asked for) a
 * blank: between tokens a blank means nothing, and in a string it is what was meant. */
static int repair(const uint8_t *data, size_t len, bool blank_controls, struct buf *ret,
		  struct err *e)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		const void *from = data + i;

		n = utf8_len(data + i, len - i);
		if (n == 0)
			from = "\xef\xbf\xbd";
		else if (n == 1 && blank_controls && data[i] < 0x20)
			from = " ";
		if (buf_add(ret, from, n == 0 ? 3 : n, e) < 0)
			return -1;
		if (n == 0)
			n = 1;
	}
	return 0;
}

struct json *json_parse_lenient(const void *data, size_t len, struct err *e)
{
	AUTO(buf) struct buf clean = BUF_INIT(3 * len);

	if (repair(data, len, true, &clean, e) < 0)
		return NULL;
	return json_parse(clean.data, clean.len, e);
}

struct json *json_new_text(const char *utf8)
{
	size_t len = strlen(utf8);
	AUTO(buf) struct buf clean = BUF_INIT(3 * len);

	if (repair((const uint8_t *)utf8, len, false, &clean, NULL) < 0)
		return NULL;
	return from_jansson(json_stringn(buf_str(&clean), clean.len));
}
