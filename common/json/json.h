/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values: a thin, strict face of jansson, the only module that knows it.
 *
 * Two readers. json_parse_strict() is for what is signed: no duplicate keys, depth <=
 * 16, integers below 2^53 and no other numbers, ASCII keys, nothing after the value.
 * json_parse() is for messages: it takes reals and UTF-8 keys too, refuses duplicates
 * and depth beyond 32. json_parse_lenient() is for one kind of message only: device
 * feedback, in which real clients write raw control characters and bad UTF-8
 * (docs/API.md); these are replaced before parsing.
 *
 * The json_get_* accessors take an object, a key and say by name what is missing or of
 * the wrong type: `field "size": missing`. Optional forms leave *ret alone and return 0
 * if the key is absent; a wrong type is an error all the same.
 *
 * Ownership: json_free() (NULL is fine) drops a value one owns: what parse and new
 * returned. Values reached through an accessor are borrowed from their parent. json_set
 * and json_append take ownership of the value given, also when they fail.
 *
 * No name here is one of jansson's functions: a program that defined json_true() would
 * override it inside the shared library too.
 */
#ifndef OTA_JSON_JSON_H
#define OTA_JSON_JSON_H

#include "../base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json;

void json_free(struct json *j);
AUTO_PTR_DEFINE(json)

struct json *json_parse(const void *data, size_t len, struct err *e) MUST_USE;
struct json *json_parse_strict(const void *data, size_t len, struct err *e) MUST_USE;
struct json *json_parse_lenient(const void *data, size_t len, struct err *e) MUST_USE;

/* Compact text, keys in insertion order, reals with 15 digits: 0.07 stays 0.07. The
 * buffer's cap bounds it. */
int json_write(const struct json *j, struct buf *ret_text, struct err *e) MUST_USE;
/* Indented by two blanks, for people. */
int json_write_pretty(const struct json *j, struct buf *ret_text,
		      struct err *e) MUST_USE;

/* OLPC canonical form (what TUF signs): keys sorted bytewise, no blanks, only \" and \\
 * escaped, integers only. The strict profile's values always have one. */
int json_write_canonical(const struct json *j, struct buf *ret_bytes,
			 struct err *e) MUST_USE;

/* Types. */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_int(const struct json *j);
bool json_is_number(const struct json *j);
bool json_is_bool(const struct json *j);
bool json_is_null(const struct json *j);

/* Reading. Strings are NUL-terminated UTF-8 without embedded NUL, owned by their
 * parent. */
const char *json_text(const struct json *j); /* NULL if not a string */
int64_t json_int(const struct json *j);	     /* 0 if not an integer */
double json_number(const struct json *j);    /* 0 if not a number */
bool json_is_true(const struct json *j);
const struct json *json_get(const struct json *object, const char *key); /* or NULL */
size_t json_len(const struct json *container); /* elements or members; 0 otherwise */
const struct json *json_at(const struct json *array, size_t i); /* or NULL */

int json_get_text(const struct json *object, const char *key, const char **ret,
		  struct err *e) MUST_USE;
int json_get_u64(const struct json *object, const char *key, uint64_t *ret,
		 struct err *e) MUST_USE;
int json_get_bool(const struct json *object, const char *key, bool *ret,
		  struct err *e) MUST_USE;
int json_get_object(const struct json *object, const char *key, const struct json **ret,
		    struct err *e) MUST_USE;
int json_get_array(const struct json *object, const char *key, const struct json **ret,
		   struct err *e) MUST_USE;
/* Exactly len bytes written as hex digits. */
int json_get_hex(const struct json *object, const char *key, uint8_t *ret, size_t len,
		 struct err *e) MUST_USE;
int json_opt_text(const struct json *object, const char *key, const char **ret,
		  struct err *e) MUST_USE;
int json_opt_u64(const struct json *object, const char *key, uint64_t *ret,
		 struct err *e) MUST_USE;
int json_opt_bool(const struct json *object, const char *key, bool *ret,
		  struct err *e) MUST_USE;

/* Iterating an object in insertion order:
 *	for (void *it = json_first(o); it != NULL; it = json_next(o, it)) */
void *json_first(const struct json *object);
void *json_next(const struct json *object, void *it);
const char *json_key(void *it);
const struct json *json_value(void *it);

/* Building. new functions return NULL only when out of memory; json_set and json_append
 * accept that NULL and then fail, so a chain needs one check at its end. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *utf8); /* bad UTF-8 is replaced by U+FFFD */
struct json *json_new_int(int64_t v);
struct json *json_new_number(double v);
struct json *json_new_bool(bool v);
struct json *json_new_null(void);
struct json *json_new_hex(const uint8_t *data, size_t len);
struct json *json_clone(const struct json *j); /* deep */
int json_set(struct json *object, const char *key, struct json *value,
	     struct err *e) MUST_USE;
int json_append(struct json *array, struct json *value, struct err *e) MUST_USE;
void json_remove(struct json *object, const char *key);

#endif
