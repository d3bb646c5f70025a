/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd's best level takes longer than all else that is done to a segment, and is of use
 * only where the old image is of none. A fast level tells which these are: the best one
 * saves a third of its bytes at most, and nothing where the fast one finds nothing.
 */
#include "full.h"

#include "../../common/format/container.h"

#include <stdlib.h>
#include <zstd.h>

#define BEST_LEVEL 19
#define FAST_LEVEL 1
#define MAY_SAVE(bytes) ((bytes) / 3)
#define COMPRESSES(bytes, of) ((bytes) < (of) - (of) / 32)

struct full {
	ZSTD_CCtx *zstd;
	uint8_t *encoded;
	size_t room;
};

struct full *full_new(struct err *e)
{
	AUTO_PTR(full) struct full *f = calloc(1, sizeof(*f));

	if (f != NULL)
		f->zstd = ZSTD_createCCtx();
	if (f == NULL || f->zstd == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return TAKE(f);
}

void full_free(struct full *f)
{
	if (f == NULL)
		return;
	(void)ZSTD_freeCCtx(f->zstd);
	free(f->encoded);
	free(f);
}

static int make_room(struct full *f, size_t len, struct err *e)
{
	size_t room = ZSTD_compressBound(len);

	if (room <= f->room)
		return 0;
	free(f->encoded);
	f->room = 0;
	f->encoded = malloc(room);
	if (f->encoded == NULL)
		return err_nomem(e);
	f->room = room;
	return 0;
}

static int encode(struct full *f, int level, const uint8_t *data, size_t len,
		  size_t *ret_len, struct err *e)
{
	(void)ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_windowLog, CONTAINER_WINDOW_LOG);
	*ret_len = ZSTD_compress2(f->zstd, f->encoded, f->room, data, len);
	if (ZSTD_isError(*ret_len))
		return err_set(e, ERR_INTERNAL, "zstd: %s",
			       ZSTD_getErrorName(*ret_len));
	return 0;
}

int full_encode(struct full *f, const uint8_t *data, size_t len, size_t coded_len,
		const uint8_t **ret, size_t *ret_len, struct err *e)
{
	size_t n;

	if (make_room(f, len, e) < 0 || encode(f, FAST_LEVEL, data, len, &n, e) < 0)
		return -1;
	if (COMPRESSES(n, len) && n - MAY_SAVE(n) < coded_len &&
	    encode(f, BEST_LEVEL, data, len, &n, e) < 0)
		return -1;
	*ret = n < len ? f->encoded : data;
	n = n < len ? n : len;
	*ret_len = n < coded_len || coded_len >= len ? n : 0;
	return 0;
}
