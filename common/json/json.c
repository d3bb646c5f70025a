/* SPDX-License-Identifier: Apache-2.0 */
#include "jansson_face.h"

#include "../base/text.h"

#include <float.h>
#include <string.h>

void json_free(struct json *j)
{
	json_decref(to_jansson(j));
}

static int add_piece(const char *piece, size_t len, void *buf)
{
	return buf_add(buf, piece, len, NULL);
}

static int dump(const struct json *j, size_t flags, struct buf *ret, struct err *e)
{
	size_t start = ret->len;

	if (j == NULL)
		return err_nomem(e);
	flags |= JSON_ENCODE_ANY | JSON_REAL_PRECISION(DBL_DIG);
	if (json_dump_callback(peek(j), add_piece, ret, flags) == 0)
		return 0;
	buf_cut(ret, start);
	return err_set(e, ERR_LIMIT, "JSON text is longer than %zu bytes", ret->cap);
}

int json_write(const struct json *j, struct buf *ret_text, struct err *e)
{
	return dump(j, JSON_COMPACT, ret_text, e);
}

int json_write_pretty(const struct json *j, struct buf *ret_text, struct err *e)
{
	return dump(j, JSON_INDENT(2), ret_text, e);
}

/* Types and values. */

bool json_is_object(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_OBJECT;
}

bool json_is_array(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_ARRAY;
}

bool json_is_string(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_STRING;
}

bool json_is_int(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_INTEGER;
}

bool json_is_number(const struct json *j)
{
	return json_is_int(j) || (j != NULL && json_typeof(peek(j)) == JSON_REAL);
}

bool json_is_true(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_TRUE;
}

bool json_is_bool(const struct json *j)
{
	return json_is_true(j) || (j != NULL && json_typeof(peek(j)) == JSON_FALSE);
}

bool json_is_null(const struct json *j)
{
	return j != NULL && json_typeof(peek(j)) == JSON_NULL;
}

const char *json_text(const struct json *j)
{
	return json_string_value(peek(j));
}

int64_t json_int(const struct json *j)
{
	return json_integer_value(peek(j));
}

double json_number(const struct json *j)
{
	return json_number_value(peek(j));
}

const struct json *json_get(const struct json *object, const char *key)
{
	return from_jansson(json_object_get(peek(object), key));
}

size_t json_len(const struct json *container)
{
	return json_is_array(container) ? json_array_size(peek(container))
					: json_object_size(peek(container));
}

const struct json *json_at(const struct json *array, size_t i)
{
	return from_jansson(json_array_get(peek(array), i));
}

/* Members by name. */

static int wrong_type(const char *key, const char *wanted, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field \"%s\": not %s", key, wanted);
}

static int find(const struct json *object, const char *key, const struct json **ret,
		struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "field \"%s\": not inside an object",
			       key);
	*ret = json_get(object, key);
	if (*ret == NULL)
		return err_set(e, ERR_FORMAT, "field \"%s\": missing", key);
	return 0;
}

int json_get_text(const struct json *object, const char *key, const char **ret,
		  struct err *e)
{
	const struct json *value;

	if (find(object, key, &value, e) < 0)
		return -1;
	if (!json_is_string(value))
		return wrong_type(key, "a string", e);
	*ret = json_text(value);
	return 0;
}

int json_get_u64(const struct json *object, const char *key, uint64_t *ret,
		 struct err *e)
{
	const struct json *value;

	if (find(object, key, &value, e) < 0)
		return -1;
	if (!json_is_int(value) || json_int(value) < 0)
		return wrong_type(key, "an integer >= 0", e);
	*ret = (uint64_t)json_int(value);
	return 0;
}

int json_get_bool(const struct json *object, const char *key, bool *ret, struct err *e)
{
	const struct json *value;

	if (find(object, key, &value, e) < 0)
		return -1;
	if (!json_is_bool(value))
		return wrong_type(key, "true or false", e);
	*ret = json_is_true(value);
	return 0;
}

int json_get_object(const struct json *object, const char *key, const struct json **ret,
		    struct err *e)
{
	const struct json *value;

	if (find(object, key, &value, e) < 0)
		return -1;
	if (!json_is_object(value))
		return wrong_type(key, "an object", e);
	*ret = value;
	return 0;
}

int json_get_array(const struct json *object, const char *key, const struct json **ret,
		   struct err *e)
{
	const struct json *value;

	if (find(object, key, &value, e) < 0)
		return -1;
	if (!json_is_array(value))
		return wrong_type(key, "an array", e);
	*ret = value;
	return 0;
}

int json_get_hex(const struct json *object, const char *key, uint8_t *ret, size_t len,
		 struct err *e)
{
	const char *text;

	if (json_get_text(object, key, &text, e) < 0)
		return -1;
	if (hex_decode(text, ret, len, e) < 0)
		return err_wrap(e, "field \"%s\"", key);
	return 0;
}

int json_opt_text(const struct json *object, const char *key, const char **ret,
		  struct err *e)
{
	return json_get(object, key) != NULL ? json_get_text(object, key, ret, e) : 0;
}

int json_opt_u64(const struct json *object, const char *key, uint64_t *ret,
		 struct err *e)
{
	return json_get(object, key) != NULL ? json_get_u64(object, key, ret, e) : 0;
}

int json_opt_bool(const struct json *object, const char *key, bool *ret, struct err *e)
{
	return json_get(object, key) != NULL ? json_get_bool(object, key, ret, e) : 0;
}

/* Iterating. */

void *json_first(const struct json *object)
{
	return json_object_iter(to_jansson(object));
}

void *json_next(const struct json *object, void *it)
{
	return json_object_iter_next(to_jansson(object), it);
}

const char *json_key(void *it)
{
	return json_object_iter_key(it);
}

const struct json *json_value(void *it)
{
	return from_jansson(json_object_iter_value(it));
}

/* Building. */

struct json *json_new_object(void)
{
	return from_jansson(json_object());
}

struct json *json_new_array(void)
{
	return from_jansson(json_array());
}

struct json *json_new_int(int64_t v)
{
	return from_jansson(json_integer(v));
}

struct json *json_new_number(double v)
{
	return from_jansson(json_real(v));
}

struct json *json_new_bool(bool v)
{
	return from_jansson(v ? json_true() : json_false());
}

struct json *json_new_null(void)
{
	return from_jansson(json_null());
}

struct json *json_new_hex(const uint8_t *data, size_t len)
{
	AUTO_FREE char *text = malloc(2 * len + 1);

	if (text == NULL)
		return NULL;
	hex_encode(data, len, text);
	return from_jansson(json_stringn_nocheck(text, 2 * len));
}

struct json *json_clone(const struct json *j)
{
	return from_jansson(json_deep_copy(peek(j)));
}

int json_set(struct json *object, const char *key, struct json *value, struct err *e)
{
	if (value == NULL || object == NULL) {
		json_free(value);
		return err_nomem(e);
	}
	if (json_object_set_new(to_jansson(object), key, to_jansson(value)) < 0)
		return err_set(e, ERR_INTERNAL, "JSON member \"%s\" cannot be set",
			       key);
	return 0;
}

int json_append(struct json *array, struct json *value, struct err *e)
{
	if (value == NULL || array == NULL) {
		json_free(value);
		return err_nomem(e);
	}
	if (json_array_append_new(to_jansson(array), to_jansson(value)) < 0)
		return err_set(e, ERR_INTERNAL, "JSON value cannot be appended");
	return 0;
}

void json_remove(struct json *object, const char *key)
{
	(void)json_object_del(to_jansson(object), key);
}
