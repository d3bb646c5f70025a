/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include "../base/bytes.h"

#include <string.h>

#define ALIGNED 64u

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

static const struct recode_codec *named(const struct recode_codec *const *codecs,
					const char *name, size_t len)
{
	for (; *codecs != NULL; codecs++) {
		if (strlen((*codecs)->name) == len &&
		    memcmp((*codecs)->name, name, len) == 0)
			return *codecs;
	}
	return NULL;
}

int recode_codecs_parse(const struct recode_codec *const *codecs, const char *text,
			struct recode_codec_list *ret, struct err *e)
{
	size_t n = 0;

	*ret = (struct recode_codec_list){0};
	for (; strcmp(text, "all") == 0 && codecs[n] != NULL; n++)
		ret->codecs[n] = codecs[n];
	while (n == 0 || *text == ',') {
		size_t len = strcspn(text += n > 0, ",");
		const struct recode_codec *c = named(codecs, text, len);

		if (c == NULL || n == N_RECODE_IDS)
			return err_set(e, ERR_USAGE, "%.*s is no codec of this program",
				       (int)(len < 40 ? len : 40), text);
		ret->codecs[n++] = c;
		text += len;
	}
	return 0;
}
