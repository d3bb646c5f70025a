/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer with a cap.
 *
 * Every buffer says at its birth how large it may ever become; growing beyond
 * is ERR_LIMIT, so no peer can make us allocate without bound. The bytes are
 * followed by a NUL that does not count, so text may be read as a C string.
 */
#ifndef OTA_BASE_BUF_H
#define OTA_BASE_BUF_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* NULL while empty */
	size_t len;    /* bytes in use */
	size_t room;   /* bytes allocated, the NUL included */
	size_t cap;    /* len may never exceed this */
};

#define BUF_INIT(cap_bytes)                                                            \
	(struct buf)                                                                   \
	{                                                                              \
		.cap = (cap_bytes)                                                     \
	}

void buf_init(struct buf *b, size_t cap_bytes);
void buf_fini(struct buf *b);  /* frees; leaves an empty buffer with the same cap */
void buf_clear(struct buf *b); /* len = 0, keeps the memory */

int buf_reserve(struct buf *b, size_t more, struct err *e) MUST_USE;
int buf_add(struct buf *b, const void *data, size_t len, struct err *e) MUST_USE;
int buf_add_str(struct buf *b, const char *text, struct err *e) MUST_USE;
int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;

/* Drops the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);

/* The content as a C string; "" while empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/* Cuts the content back to its first n bytes (n <= len). */
void buf_cut(struct buf *b, size_t n);

/* Hands the memory over as a malloc'ed, NUL-terminated block (never NULL but on
 * ERR_NO_MEMORY); b is empty afterwards. */
char *buf_take(struct buf *b, size_t *ret_len, struct err *e) MUST_USE;

#endif
