/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside server/rollout: JSON objects to structs and back by a table of fields, so that
 * reading, limits, defaults, unknown fields and writing cannot disagree.
 */
#ifndef OTA_SERVER_ROLLOUT_FORM_H
#define OTA_SERVER_ROLLOUT_FORM_H

#include "../../common/json/json.h"

#include <stddef.h>

enum form_kind {
	FORM_TEXT,     /* char[max + 1], at least min bytes, no control characters */
	FORM_FILTER,   /* likewise, and well formed (fleet/filter.h) */
	FORM_NUMBER,   /* uint32_t */
	FORM_LARGE,    /* uint64_t */
	FORM_TIME,     /* int64_t ms, a time or a duration */
	FORM_SHARE,    /* uint32_t basis points, in JSON a percentage */
	FORM_BOOL,     /* bool */
	FORM_WORD,     /* an enum from min to max */
	FORM_ELSEWHERE /* read and written by somebody else; known nevertheless */
};

struct form_field {
	const char *key;
	enum form_kind kind;
	size_t offset;
	int64_t min, max, otherwise; /* its default; of texts always "" */
	bool required;
	bool omit; /* not written while it is the default, which is outside min..max */
	const char *(*word)(uint32_t); /* of each from min to max */
};

/* `where`: what stands before a field's name in errors, "waves[2]." or "". Fills all
 * fields of *ret that the table names. */
int form_read(const struct form_field *fields, size_t n, const struct json *object,
	      const char *where, void *ret, struct err *e) MUST_USE;

/* Appends the fields to object. */
int form_write(const struct form_field *fields, size_t n, const void *value,
	       struct json *object, struct err *e) MUST_USE;

/* "waves[2].zone: has 80 characters, at most 64 are allowed" and the like: ERR_FORMAT. */
#define form_fail(e, where, key, ...)                                                  \
	ERR_RETURN_(form_fail_(e, where, key, __VA_ARGS__))
void form_fail_(struct err *e, const char *where, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
