/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include "../base/bytes.h"

#include <string.h>

#define ALIGNED 64u

const struct recode_codec *const recode_codecs[] = {&recode_zstd, &recode_deflate,
						    &recode_xz, &recode_lz4, NULL};

const struct recode_codec *recode_codec_find(const struct recode_codec *const *codecs,
					     unsigned id)
{
	for (; *codecs != NULL; codecs++) {
		if ((unsigned)(*codecs)->id == id)
			return *codecs;
	}
	return NULL;
}

void *recode_arena_take(struct recode_arena *a, size_t len)
{
	size_t start = (a->used + ALIGNED - 1) / ALIGNED * ALIGNED;

	if (start > a->size || len > a->size - start)
		return NULL;
	a->used = start + len;
	if (a->used > a->peak)
		a->peak = a->used;
	memset(a->base + start, 0, len);
	return a->base + start;
}

void *recode_arena_take_n(struct recode_arena *a, size_t n, size_t len)
{
	uint64_t bytes;

	if (!mul_u64(n, len, &bytes) || bytes > a->size)
		return NULL;
	return recode_arena_take(a, (size_t)bytes);
}

void recode_arena_empty(struct recode_arena *a)
{
	a->used = 0;
}
