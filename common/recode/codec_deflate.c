/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded by zlib, whose result no version can change; encoded by deflate.h, which
 * follows rules and not a version, so its name is our own. */
#include "codec_deflate.h"

#include "deflate.h"

#include <zlib.h>

#define RAW_WINDOW_BITS (-15) /* zlib's way to say: no header */

static const char *version(void)
{
	return "rules-1";
}

static void *take(void *arena, unsigned n, unsigned len)
{
	return recode_arena_take_n(arena, n, len);
}

static void give_back(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static size_t frame_len(const uint8_t *data, size_t len)
{
	uint8_t plain[4096];
	z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)data};
	size_t left = len;
	size_t taken = 0;
	int status;

	if (inflateInit2(&z, RAW_WINDOW_BITS) != Z_OK)
		return 0;
	do {
		unsigned n = left < RECODE_STEP ? (unsigned)left : RECODE_STEP;

		z.avail_in = n;
		do {
			z.next_out = plain;
			z.avail_out = sizeof(plain);
			status = inflate(&z, Z_NO_FLUSH);
		} while (status == Z_OK && z.avail_out == 0);
		taken += n - z.avail_in;
		left -= n - z.avail_in;
	} while (status == Z_OK && left > 0);
	(void)inflateEnd(&z);
	return status == Z_STREAM_END ? taken : 0;
}

static int out_of_memory(struct err *e)
{
	return err_set(e, ERR_LIMIT, "deflate needs more memory than was declared");
}

struct decoding {
	z_stream z;
	const struct recode_in *in;
	const struct recode_out *out;
	uint8_t *from;
	uint8_t *to;
};

/* Takes all input that is at hand, unless the stream ends before. */
static int decode_step(struct decoding *d, int *ret_status, struct err *e)
{
	do {
		size_t n;

		d->z.next_out = d->to;
		d->z.avail_out = RECODE_STEP;
		*ret_status = inflate(&d->z, Z_NO_FLUSH);
		if (*ret_status == Z_MEM_ERROR)
			return out_of_memory(e);
		if (*ret_status != Z_OK && *ret_status != Z_STREAM_END &&
		    *ret_status != Z_BUF_ERROR)
			return err_set(e, ERR_FORMAT, "deflate: %s",
				       d->z.msg != NULL ? d->z.msg : "malformed");
		n = RECODE_STEP - d->z.avail_out;
		if (n > 0 && d->out->write(d->out->ctx, d->to, n, e) < 0)
			return -1;
	} while (*ret_status == Z_OK && d->z.avail_out == 0);
	return 0;
}

static int decode_all(struct decoding *d, struct err *e)
{
	int status = Z_OK;

	while (status != Z_STREAM_END) {
		size_t len;

		if (d->in->read(d->in->ctx, d->from, RECODE_STEP, &len, e) < 0)
			return -1;
		if (len == 0)
			return err_set(e, ERR_FORMAT, "deflate: the stream is cut off");
		d->z.next_in = d->from;
		d->z.avail_in = (unsigned)len;
		if (decode_step(d, &status, e) < 0)
			return -1;
	}
	if (d->z.avail_in > 0)
		return err_set(e, ERR_FORMAT, "deflate: bytes after the stream's end");
	return 0;
}

static int decode(struct recode_arena *a, const struct recode_frame *f,
		  const struct recode_in *in, const struct recode_out *out,
		  struct err *e)
{
	struct decoding d = {
	    .z = {.zalloc = take, .zfree = give_back, .opaque = a},
	    .in = in,
	    .out = out,
	    .from = recode_arena_take(a, RECODE_STEP),
	    .to = recode_arena_take(a, RECODE_STEP),
	};

	(void)f;
	if (d.from == NULL || d.to == NULL ||
	    inflateInit2(&d.z, RAW_WINDOW_BITS) != Z_OK)
		return out_of_memory(e);
	return decode_all(&d, e);
}

static int encode_begin(struct recode_arena *a, const struct recode_frame *f,
			const struct recode_out *out, void **ret_state, struct err *e)
{
	struct deflate *d = recode_arena_take(a, sizeof(*d));
	struct deflate_rules rules;

	if (f->n_params != RECODE_DEFLATE_N_PARAMS ||
	    deflate_rules_for(f->params[RECODE_DEFLATE_LEVEL],
			      f->params[RECODE_DEFLATE_MEM_LEVEL],
			      f->params[RECODE_DEFLATE_GZIP] != 0, &rules) < 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "deflate: these parameters are unknown");
	if (d == NULL)
		return out_of_memory(e);
	*ret_state = d;
	return deflate_init(d, &rules, a, out, e);
}

static int encode_add(void *state, const uint8_t *plain, size_t len, struct err *e)
{
	return deflate_add(state, plain, len, e);
}

static int encode_end(void *state, struct err *e)
{
	return deflate_end(state, e);
}

const struct recode_codec recode_deflate = {.id = RECODE_DEFLATE,
					    .name = "deflate",
					    .version = version,
					    .frame_len = frame_len,
					    .decode = decode,
					    .encode_begin = encode_begin,
					    .encode_add = encode_add,
					    .encode_end = encode_end};
