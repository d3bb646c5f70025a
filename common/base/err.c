/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct code_row {
	enum exit_code exit;
	int http;
	const char *slug;
	const char *meaning;
};

static const struct code_row rows[N_ERR_CODES] = {
#define X(code, exit_status, http_status, slug_text, meaning_text)                     \
	[code] = {.exit = (exit_status),                                               \
		  .http = (http_status),                                               \
		  .slug = (slug_text),                                                 \
		  .meaning = (meaning_text)},
    ERR_CODES(X)
#undef X
};

static const struct code_row *row(enum err_code code)
{
	return &rows[(unsigned)code < N_ERR_CODES ? code : ERR_INTERNAL];
}

/* Marks a text that did not fit, so that nobody takes the cut for the end. */
static void mark_cut(char *text, size_t cap, size_t wanted)
{
	if (wanted >= cap)
		memcpy(text + cap - 4, "...", 4);
}

static void fill(struct err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);

	mark_cut(e->text, sizeof(e->text), n < 0 ? 0 : (size_t)n);
}

static void prepend(struct err *e, const char *front)
{
	char old[ERR_TEXT_LEN];
	int n;

	memcpy(old, e->text, sizeof(old));
	n = snprintf(e->text, sizeof(e->text), "%s: %s", front, old);
	mark_cut(e->text, sizeof(e->text), n < 0 ? 0 : (size_t)n);
}

void err_set_(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return;
	e->code = code;
	e->sys = 0;
	va_start(ap, fmt);
	fill(e, fmt, ap);
	va_end(ap);
}

static enum err_code code_of_errno(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ENOMEM:
		return ERR_NO_MEMORY;
	case ENOENT:
		return ERR_NOT_FOUND;
	default:
		return ERR_IO;
	}
}

void err_sys_(struct err *e, const char *fmt, ...)
{
	int sys = errno;
	char front[ERR_TEXT_LEN];
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	e->code = code_of_errno(sys);
	e->sys = sys;
	(void)snprintf(e->text, sizeof(e->text), "%s", strerror(sys));
	prepend(e, front);
}

void err_wrap_(struct err *e, const char *fmt, ...)
{
	char front[ERR_TEXT_LEN];
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	prepend(e, front);
}

void err_clear(struct err *e)
{
	if (e != NULL)
		*e = ERR_INIT;
}

const char *err_slug(enum err_code code)
{
	return row(code)->slug;
}

const char *err_meaning(enum err_code code)
{
	return row(code)->meaning;
}

int err_http_status(enum err_code code)
{
	return row(code)->http;
}

enum exit_code err_exit(const struct err *e)
{
	return row(e->code)->exit;
}
