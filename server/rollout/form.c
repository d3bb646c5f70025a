/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"

#include "../fleet/filter.h"
#include "plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

void form_fail_(struct err *e, const char *where, const char *key, const char *fmt, ...)
{
	char text[ERR_TEXT_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)err_set(e, ERR_FORMAT, "%s%.64s: %s", where, key, text);
}

struct reader {
	const struct form_field *f;
	const struct json *value; /* NULL: absent */
	const char *where;
};

static int fail_type(const struct reader *r, const char *wanted, struct err *e)
{
	return form_fail(e, r->where, r->f->key, "must be %s", wanted);
}

/* ---- one kind each: reading ---- */

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static int read_text(const struct reader *r, void *ret, struct err *e)
{
	const char *text = r->value == NULL ? "" : json_text(r->value);
	size_t len;

	if (text == NULL)
		return fail_type(r, "a text", e);
	len = strlen(text);
	if (r->value != NULL && len < (size_t)r->f->min)
		return fail_type(r, "given, not empty", e);
	if (len > (size_t)r->f->max)
		return form_fail(e, r->where, r->f->key,
				 "has %zu bytes, at most %" PRId64 " are allowed", len,
				 r->f->max);
	if (has_control(text))
		return fail_type(r, "without control characters", e);
	memcpy(ret, text, len + 1);
	return 0;
}

static int read_filter(const struct reader *r, void *ret, struct err *e)
{
	struct filter tree;

	if (read_text(r, ret, e) < 0)
		return -1;
	if (filter_parse(ret, &tree, e) < 0)
		return err_wrap(e, "%s%s", r->where, r->f->key);
	return 0;
}

static int read_integer(const struct reader *r, int64_t *ret, struct err *e)
{
	*ret = r->f->otherwise;
	if (r->value == NULL)
		return 0;
	*ret = json_int(r->value);
	if (!json_is_int(r->value) || *ret < r->f->min || *ret > r->f->max)
		return form_fail(e, r->where, r->f->key,
				 "must be an integer from %" PRId64 " to %" PRId64,
				 r->f->min, r->f->max);
	return 0;
}

static int read_number(const struct reader *r, void *ret, struct err *e)
{
	uint32_t narrow;
	int64_t v;

	if (read_integer(r, &v, e) < 0)
		return -1;
	narrow = (uint32_t)v;
	memcpy(ret, &narrow, sizeof(narrow));
	return 0;
}

/* int64_t and uint64_t alike: min is never negative. */
static int read_large(const struct reader *r, void *ret, struct err *e)
{
	int64_t v;

	if (read_integer(r, &v, e) < 0)
		return -1;
	memcpy(ret, &v, sizeof(v));
	return 0;
}

/* 2.5 is no exact hundredth in binary, and need not be. */
static bool is_share(const struct json *value, const struct form_field *f, double *ret)
{
	double bp = json_number(value) * 100;

	*ret = round(bp);
	return json_is_number(value) && fabs(bp - *ret) < 1e-6 &&
	       *ret >= (double)f->min && *ret <= (double)f->max;
}

static int read_share(const struct reader *r, void *ret, struct err *e)
{
	char low[SHARE_TEXT_LEN + 1], high[SHARE_TEXT_LEN + 1];
	double v = (double)r->f->otherwise;
	uint32_t bp;

	if (r->value != NULL && !is_share(r->value, r->f, &v)) {
		share_format((uint64_t)r->f->min, low);
		share_format((uint64_t)r->f->max, high);
		return form_fail(e, r->where, r->f->key,
				 "must be a percentage from %s to %s with at most two "
				 "decimals",
				 low, high);
	}
	bp = (uint32_t)v;
	memcpy(ret, &bp, sizeof(bp));
	return 0;
}

static int read_bool(const struct reader *r, void *ret, struct err *e)
{
	bool v = r->value == NULL ? r->f->otherwise != 0 : json_is_true(r->value);

	if (r->value != NULL && !json_is_bool(r->value))
		return fail_type(r, "true or false", e);
	memcpy(ret, &v, sizeof(v));
	return 0;
}

static int fail_word(const struct reader *r, struct err *e)
{
	AUTO(buf) struct buf list = BUF_INIT(ERR_TEXT_LEN / 2);

	for (int64_t i = r->f->min; i <= r->f->max; i++) {
		if (buf_printf(&list, e, "%s%s",
			       i == r->f->min	? ""
			       : i == r->f->max ? " or "
						: ", ",
			       r->f->word((uint32_t)i)) < 0)
			return -1;
	}
	return form_fail(e, r->where, r->f->key, "must be %s", buf_str(&list));
}

static int read_word(const struct reader *r, void *ret, struct err *e)
{
	const char *text = r->value == NULL ? NULL : json_text(r->value);
	uint32_t v = (uint32_t)r->f->otherwise;

	if (r->value != NULL) {
		for (v = (uint32_t)r->f->min; v <= (uint32_t)r->f->max; v++) {
			if (text != NULL && strcmp(text, r->f->word(v)) == 0)
				break;
		}
		if (v > (uint32_t)r->f->max)
			return fail_word(r, e);
	}
	memcpy(ret, &v, sizeof(v));
	return 0;
}

static int read_elsewhere(const struct reader *r, void *ret, struct err *e)
{
	(void)r;
	(void)ret;
	(void)e;
	return 0;
}

/* ---- writing ---- */

static struct json *write_text(const void *value)
{
	return json_new_text(value);
}

static struct json *write_number(const void *value)
{
	uint32_t v;

	memcpy(&v, value, sizeof(v));
	return json_new_int(v);
}

static struct json *write_large(const void *value)
{
	int64_t v;

	memcpy(&v, value, sizeof(v));
	return json_new_int(v);
}

static struct json *write_share(const void *value)
{
	uint32_t bp;

	memcpy(&bp, value, sizeof(bp));
	return bp % 100 == 0 ? json_new_int(bp / 100) : json_new_number(bp / 100.0);
}

static struct json *write_bool(const void *value)
{
	bool v;

	memcpy(&v, value, sizeof(v));
	return json_new_bool(v);
}

/* ---- by table ---- */

static const struct {
	int (*read)(const struct reader *, void *, struct err *);
	struct json *(*write)(const void *); /* NULL: form_write() knows */
} kinds[] = {
    [FORM_TEXT] = {read_text, write_text},
    [FORM_FILTER] = {read_filter, write_text},
    [FORM_NUMBER] = {read_number, write_number},
    [FORM_LARGE] = {read_large, write_large},
    [FORM_TIME] = {read_large, write_large},
    [FORM_SHARE] = {read_share, write_share},
    [FORM_BOOL] = {read_bool, write_bool},
    [FORM_WORD] = {read_word, NULL},
    [FORM_ELSEWHERE] = {read_elsewhere, NULL},
};

static bool is_known(const struct form_field *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return true;
	}
	return false;
}

static int check_known(const struct form_field *fields, size_t n,
		       const struct json *object, const char *where, struct err *e)
{
	for (void *it = json_first(object); it != NULL; it = json_next(object, it)) {
		if (!is_known(fields, n, json_key(it)))
			return form_fail(e, where, json_key(it),
					 "there is no such field");
	}
	return 0;
}

int form_read(const struct form_field *fields, size_t n, const struct json *object,
	      const char *where, void *ret, struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "%.*s: must be an object",
			       where[0] == '\0' ? 8 : (int)strlen(where) - 1,
			       where[0] == '\0' ? "the body" : where);
	if (check_known(fields, n, object, where, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct form_field *f = &fields[i];
		const struct reader r = {f, json_get(object, f->key), where};

		if (r.value == NULL && f->required)
			return form_fail(e, where, f->key, "is missing");
		if (kinds[f->kind].read(&r, (char *)ret + f->offset, e) < 0)
			return -1;
	}
	return 0;
}

static bool is_default(const struct form_field *f, const void *value)
{
	uint32_t number;
	int64_t large;

	if (f->kind == FORM_TEXT || f->kind == FORM_FILTER)
		return *(const char *)value == '\0';
	if (f->kind == FORM_TIME || f->kind == FORM_LARGE) {
		memcpy(&large, value, sizeof(large));
		return large == f->otherwise;
	}
	memcpy(&number, value, sizeof(number));
	return number == f->otherwise;
}

static struct json *write_field(const struct form_field *f, const void *value)
{
	uint32_t word;

	if (f->kind != FORM_WORD)
		return kinds[f->kind].write(value);
	memcpy(&word, value, sizeof(word));
	return json_new_text(f->word(word));
}

int form_write(const struct form_field *fields, size_t n, const void *value,
	       struct json *object, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct form_field *f = &fields[i];
		const void *at = (const char *)value + f->offset;

		if (f->kind == FORM_ELSEWHERE || (f->omit && is_default(f, at)))
			continue;
		if (json_set(object, f->key, write_field(f, at), e) < 0)
			return -1;
	}
	return 0;
}
