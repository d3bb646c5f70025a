/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <stdarg.h>
#include <string.h>

#define FIRST_ROOM 64

void buf_init(struct buf *b, size_t cap_bytes)
{
	*b = BUF_INIT(cap_bytes);
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->cap);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = 0;
}

void buf_cut(struct buf *b, size_t n)
{
	b->len = n;
	if (b->data != NULL)
		b->data[n] = 0;
}

int buf_reserve(struct buf *b, size_t more, struct err *e)
{
	size_t room = b->room > 0 ? b->room : FIRST_ROOM;
	uint8_t *grown;

	if (more > b->cap || b->len > b->cap - more)
		return err_set(e, ERR_LIMIT, "more than the allowed %zu bytes", b->cap);
	while (room < b->len + more + 1)
		room = room > SIZE_MAX / 2 ? b->len + more + 1 : room * 2;
	if (room == b->room)
		return 0;
	grown = realloc(b->data, room);
	if (grown == NULL)
		return err_nomem(e);
	b->data = grown;
	b->room = room;
	b->data[b->len] = 0;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len, struct err *e)
{
	if (buf_reserve(b, len, e) < 0)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buf_add_str(struct buf *b, const char *text, struct err *e)
{
	return buf_add(b, text, strlen(text), e);
}

int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(e, ERR_INTERNAL, "cannot format \"%s\"", fmt);
	if (buf_reserve(b, (size_t)n, e) < 0)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data != NULL ? (const char *)b->data : "";
}

char *buf_take(struct buf *b, size_t *ret_len, struct err *e)
{
	char *data;

	if (buf_reserve(b, 0, e) < 0)
		return NULL;
	data = (char *)b->data;
	if (ret_len != NULL)
		*ret_len = b->len;
	b->data = NULL;
	buf_fini(b);
	return data;
}
