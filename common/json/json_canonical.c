/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OLPC canonical JSON (http://wiki.laptop.org/go/Canonical_JSON), which TUF signs. It
 * is not RFC 8785: in a string only the quote and the backslash are escaped and every
 * other byte stands as it is, control characters included, so the result need not be
 * valid JSON.
 */
#include "jansson_face.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH 64

static int write_value(const struct json *j, unsigned depth, struct buf *ret,
		       struct err *e);

static int write_string(const char *text, struct buf *ret, struct err *e)
{
	if (buf_add(ret, "\"", 1, e) < 0)
		return -1;
	for (size_t n; *text != '\0'; text += n) {
		n = strcspn(text, "\"\\");
		if (buf_add(ret, text, n, e) < 0)
			return -1;
		if (text[n] == '\0')
			break;
		if (buf_add(ret, "\\", 1, e) < 0 || buf_add(ret, text + n, 1, e) < 0)
			return -1;
		n++;
	}
	return buf_add(ret, "\"", 1, e);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int write_members(const struct json *j, const char **keys, size_t n_keys,
			 unsigned depth, struct buf *ret, struct err *e)
{
	qsort(keys, n_keys, sizeof(*keys), by_bytes);
	for (size_t i = 0; i < n_keys; i++) {
		if (buf_add_str(ret, i > 0 ? "," : "{", e) < 0 ||
		    write_string(keys[i], ret, e) < 0 || buf_add_str(ret, ":", e) < 0 ||
		    write_value(json_get(j, keys[i]), depth, ret, e) < 0)
			return -1;
	}
	return buf_add_str(ret, n_keys > 0 ? "}" : "{}", e);
}

static int write_object(const struct json *j, unsigned depth, struct buf *ret,
			struct err *e)
{
	size_t n = 0;
	AUTO_FREE const char **keys = calloc(json_len(j) + 1, sizeof(*keys));

	if (keys == NULL)
		return err_nomem(e);
	for (void *it = json_first(j); it != NULL; it = json_next(j, it))
		keys[n++] = json_key(it);
	return write_members(j, keys, n, depth, ret, e);
}

static int write_array(const struct json *j, unsigned depth, struct buf *ret,
		       struct err *e)
{
	for (size_t i = 0; i < json_len(j); i++) {
		if (buf_add_str(ret, i > 0 ? "," : "[", e) < 0 ||
		    write_value(json_at(j, i), depth, ret, e) < 0)
			return -1;
	}
	return buf_add_str(ret, json_len(j) > 0 ? "]" : "[]", e);
}

static int write_value(const struct json *j, unsigned depth, struct buf *ret,
		       struct err *e)
{
	if (depth == 0)
		return err_set(e, ERR_LIMIT, "JSON nested deeper than %u levels",
			       MAX_DEPTH);
	if (json_is_object(j))
		return write_object(j, depth - 1, ret, e);
	if (json_is_array(j))
		return write_array(j, depth - 1, ret, e);
	if (json_is_string(j))
		return write_string(json_text(j), ret, e);
	if (json_is_int(j))
		return buf_printf(ret, e, "%" PRId64, json_int(j));
	if (json_is_bool(j))
		return buf_add_str(ret, json_is_true(j) ? "true" : "false", e);
	if (json_is_null(j))
		return buf_add_str(ret, "null", e);
	return err_set(e, ERR_FORMAT,
		       "a number that is not an integer has no canonical form");
}

int json_write_canonical(const struct json *j, struct buf *ret_bytes, struct err *e)
{
	size_t start = ret_bytes->len;

	if (j == NULL)
		return err_nomem(e);
	if (write_value(j, MAX_DEPTH, ret_bytes, e) == 0)
		return 0;
	buf_cut(ret_bytes, start);
	return -1;
}
