/* SPDX-License-Identifier: Apache-2.0 */
/* {level, flags, size of a piece, input}: what the encoder makes of any input, in any
 * pieces, decodes to it and does not depend on the pieces. */
#include "../../common/base/buf.h"
#include "../../common/recode/codec_deflate.h"

#include <string.h>

#define ARENA (512u * 1024)
#define CAP (16u << 20)

struct source {
	const uint8_t *at;
	size_t left;
};

static int read_source(void *ctx, void *ret, size_t room, size_t *ret_len,
		       struct err *e)
{
	struct source *s = ctx;
	size_t n = s->left < room ? s->left : room;

	(void)e;
	memcpy(ret, s->at, n);
	s->at += n;
	s->left -= n;
	*ret_len = n;
	return 0;
}

static int append(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

static void encode(struct recode_arena *a, const struct recode_frame *f,
		   const uint8_t *data, size_t len, size_t piece, struct buf *ret)
{
	const struct recode_out out = {.write = append, .ctx = ret};
	void *state;

	recode_arena_empty(a);
	if (recode_deflate.encode_begin(a, f, &out, &state, NULL) < 0)
		abort();
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (recode_deflate.encode_add(state, data + at, n, NULL) < 0)
			abort();
	}
	if (recode_deflate.encode_end(state, NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf made = BUF_INIT(CAP);
	AUTO(buf) struct buf again = BUF_INIT(CAP);
	AUTO(buf) struct buf back = BUF_INIT(CAP);
	AUTO_FREE uint8_t *memory = malloc(ARENA);
	struct recode_arena a = {.base = memory, .size = ARENA};
	uint32_t params[RECODE_DEFLATE_N_PARAMS];
	struct source source;
	const struct recode_in in = {.read = read_source, .ctx = &source};
	const struct recode_out out = {.write = append, .ctx = &back};
	struct recode_frame f = {.params = params, .n_params = RECODE_DEFLATE_N_PARAMS};

	if (size < 4 || memory == NULL)
		return 0;
	params[RECODE_DEFLATE_LEVEL] = 4 + data[0] % 6u;
	params[RECODE_DEFLATE_GZIP] = data[1] & 1u;
	params[RECODE_DEFLATE_MEM_LEVEL] = 1 + (data[1] >> 1) % 9u;
	f.plain_len = size - 3;
	encode(&a, &f, data + 3, size - 3, size, &made);
	encode(&a, &f, data + 3, size - 3, data[2] + (size_t)1, &again);
	if (made.len != again.len || memcmp(made.data, again.data, made.len) != 0)
		abort();
	source = (struct source){.at = made.data, .left = made.len};
	recode_arena_empty(&a);
	if (recode_deflate.frame_len(made.data, made.len) != made.len ||
	    recode_deflate.decode(&a, &f, &in, &out, NULL) < 0 ||
	    back.len != size - 3 || memcmp(back.data, data + 3, back.len) != 0)
		abort();
	return 0;
}
