/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xz streams of one block, with LZMA2 and at most one filter before it.
 *
 * RECODE_XZ_ONE_CALL is what mksquashfs does: lzma_stream_buffer_encode() over the whole
 * block. Without it the stream is made in steps of 64 KiB, as xz itself does it in one
 * thread. The headers tell all parameters but the preset.
 */
#include "codec_xz.h"

#include <lzma.h>
#include <string.h>

#define ONE_CALL_MAX (1024u * 1024)

struct filters {
	lzma_options_lzma lzma;
	lzma_filter chain[3];
};

struct encoder {
	lzma_stream stream;
	lzma_allocator memory;
	struct filters filters;
	const struct recode_out *out;
	bool one_call;
	lzma_check check;
	uint8_t *plain; /* one call: the whole frame; else RECODE_STEP */
	size_t plain_room;
	size_t plain_len;
	uint8_t *made;
	size_t made_room;
};

static void *take(void *arena, size_t n, size_t len)
{
	return recode_arena_take_n(arena, n, len);
}

static void give_back(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static const char *version(void)
{
	return lzma_version_string();
}

static int failed(lzma_ret status, struct err *e)
{
	if (status == LZMA_MEM_ERROR || status == LZMA_MEMLIMIT_ERROR)
		return err_set(e, ERR_LIMIT, "xz needs more memory than was declared");
	return err_set(e, ERR_FORMAT, "xz: liblzma says %d", (int)status);
}

static size_t frame_len(const uint8_t *data, size_t len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	uint8_t plain[4096];
	lzma_ret status = lzma_stream_decoder(&s, UINT64_MAX, 0);

	s.next_in = data;
	s.avail_in = len;
	while (status == LZMA_OK) {
		s.next_out = plain;
		s.avail_out = sizeof(plain);
		status = lzma_code(&s, LZMA_RUN);
	}
	lzma_end(&s);
	return status == LZMA_STREAM_END ? (size_t)s.total_in : 0;
}

struct decoding {
	lzma_stream s;
	const struct recode_in *in;
	const struct recode_out *out;
	uint8_t *from;
	uint8_t *to;
};

/* Takes all input that is at hand, unless the stream ends before. */
static int decode_step(struct decoding *d, lzma_ret *ret_status, struct err *e)
{
	do {
		size_t n;

		d->s.next_out = d->to;
		d->s.avail_out = RECODE_STEP;
		*ret_status = lzma_code(&d->s, LZMA_RUN);
		if (*ret_status != LZMA_OK && *ret_status != LZMA_STREAM_END &&
		    *ret_status != LZMA_BUF_ERROR)
			return failed(*ret_status, e);
		n = RECODE_STEP - d->s.avail_out;
		if (n > 0 && d->out->write(d->out->ctx, d->to, n, e) < 0)
			return -1;
	} while (*ret_status == LZMA_OK && d->s.avail_out == 0);
	return 0;
}

static int decode_all(struct decoding *d, struct err *e)
{
	lzma_ret status = LZMA_OK;

	while (status != LZMA_STREAM_END) {
		size_t len;

		if (d->in->read(d->in->ctx, d->from, RECODE_STEP, &len, e) < 0)
			return -1;
		if (len == 0)
			return err_set(e, ERR_FORMAT, "xz: the stream is cut off");
		d->s.next_in = d->from;
		d->s.avail_in = len;
		if (decode_step(d, &status, e) < 0)
			return -1;
	}
	if (d->s.avail_in > 0)
		return err_set(e, ERR_FORMAT, "xz: bytes after the stream's end");
	return 0;
}

static int decode(struct recode_arena *a, const struct recode_frame *f,
		  const struct recode_in *in, const struct recode_out *out,
		  struct err *e)
{
	const lzma_allocator memory = {take, give_back, a};
	struct decoding d = {.s = LZMA_STREAM_INIT,
			     .in = in,
			     .out = out,
			     .from = recode_arena_take(a, RECODE_STEP),
			     .to = recode_arena_take(a, RECODE_STEP)};
	lzma_ret status;

	(void)f;
	d.s.allocator = &memory;
	if (d.from == NULL || d.to == NULL)
		return failed(LZMA_MEM_ERROR, e);
	status = lzma_stream_decoder(&d.s, UINT64_MAX, 0);
	return status == LZMA_OK ? decode_all(&d, e) : failed(status, e);
}

static int set_up_filters(struct filters *x, const struct recode_frame *f,
			  struct err *e)
{
	const uint32_t *p = f->params;
	size_t n = 0;

	if (f->n_params != RECODE_XZ_N_PARAMS ||
	    lzma_lzma_preset(&x->lzma, p[RECODE_XZ_PRESET]) ||
	    p[RECODE_XZ_CHECK] > LZMA_CHECK_ID_MAX)
		return err_set(e, ERR_UNSUPPORTED, "xz: these parameters are unknown");
	x->lzma.dict_size = p[RECODE_XZ_DICTIONARY];
	if (p[RECODE_XZ_FILTER] != 0)
		x->chain[n++].id = p[RECODE_XZ_FILTER];
	x->chain[n++] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = &x->lzma};
	x->chain[n].id = LZMA_VLI_UNKNOWN;
	return 0;
}

static int encode_begin(struct recode_arena *a, const struct recode_frame *f,
			const struct recode_out *out, void **ret_state, struct err *e)
{
	struct encoder *s = recode_arena_take(a, sizeof(*s));
	lzma_ret status = LZMA_OK;

	if (s == NULL)
		return failed(LZMA_MEM_ERROR, e);
	if (set_up_filters(&s->filters, f, e) < 0)
		return -1;
	s->out = out;
	s->check = (lzma_check)f->params[RECODE_XZ_CHECK];
	s->one_call = (f->params[RECODE_XZ_FLAGS] & RECODE_XZ_ONE_CALL) != 0;
	if (s->one_call && f->plain_len > ONE_CALL_MAX)
		return err_set(e, ERR_LIMIT, "xz: too much for one call");
	s->plain_room = s->one_call ? (size_t)f->plain_len : RECODE_STEP;
	s->made_room =
	    s->one_call ? lzma_stream_buffer_bound(s->plain_room) : RECODE_STEP;
	s->plain = recode_arena_take(a, s->plain_room);
	s->made = recode_arena_take(a, s->made_room);
	if (s->plain == NULL || s->made == NULL)
		return failed(LZMA_MEM_ERROR, e);
	s->memory = (lzma_allocator){take, give_back, a};
	s->stream.allocator = &s->memory;
	if (!s->one_call)
		status = lzma_stream_encoder(&s->stream, s->filters.chain, s->check);
	*ret_state = s;
	return status == LZMA_OK ? 0 : failed(status, e);
}

/* Hands what is gathered to liblzma, all of it, and what comes out to `out`. */
static int step(struct encoder *s, lzma_action action, struct err *e)
{
	lzma_ret status;

	s->stream.next_in = s->plain;
	s->stream.avail_in = s->plain_len;
	do {
		size_t n;

		s->stream.next_out = s->made;
		s->stream.avail_out = s->made_room;
		status = lzma_code(&s->stream, action);
		if (status != LZMA_OK && status != LZMA_STREAM_END)
			return failed(status, e);
		n = s->made_room - s->stream.avail_out;
		if (n > 0 && s->out->write(s->out->ctx, s->made, n, e) < 0)
			return -1;
	} while (s->stream.avail_in > 0 ||
		 (action == LZMA_FINISH && status != LZMA_STREAM_END));
	s->plain_len = 0;
	return 0;
}

static int encode_add(void *state, const uint8_t *plain, size_t len, struct err *e)
{
	struct encoder *s = state;

	while (len > 0) {
		size_t room = s->plain_room - s->plain_len;
		size_t n = len < room ? len : room;

		if (n == 0)
			return err_set(e, ERR_FORMAT, "xz: more than the frame holds");
		memcpy(s->plain + s->plain_len, plain, n);
		s->plain_len += n;
		plain += n;
		len -= n;
		if (!s->one_call && s->plain_len == s->plain_room &&
		    step(s, LZMA_RUN, e) < 0)
			return -1;
	}
	return 0;
}

static int encode_end(void *state, struct err *e)
{
	struct encoder *s = state;
	size_t len = 0;
	lzma_ret status;

	if (!s->one_call)
		return step(s, LZMA_FINISH, e);
	status =
	    lzma_stream_buffer_encode(s->filters.chain, s->check, &s->memory, s->plain,
				      s->plain_len, s->made, &len, s->made_room);
	if (status != LZMA_OK)
		return failed(status, e);
	return s->out->write(s->out->ctx, s->made, len, e);
}

/* One filter without options, then LZMA2. */
static int filter_params(const lzma_filter *chain, uint32_t ret[RECODE_XZ_N_PARAMS])
{
	const lzma_options_lzma *lzma;

	if (chain[0].id != LZMA_FILTER_LZMA2) {
		if (chain[0].options != NULL || chain[0].id > UINT32_MAX)
			return -1;
		ret[RECODE_XZ_FILTER] = (uint32_t)chain[0].id;
		chain++;
	}
	if (chain[0].id != LZMA_FILTER_LZMA2 || chain[1].id != LZMA_VLI_UNKNOWN)
		return -1;
	lzma = chain[0].options;
	ret[RECODE_XZ_DICTIONARY] = lzma->dict_size;
	return 0;
}

int recode_xz_params(const uint8_t *data, size_t len, uint32_t ret[RECODE_XZ_N_PARAMS])
{
	lzma_filter chain[LZMA_FILTERS_MAX + 1];
	lzma_block block = {.filters = chain};
	lzma_stream_flags flags;
	int status;

	if (len < LZMA_STREAM_HEADER_SIZE + 1 ||
	    lzma_stream_header_decode(&flags, data) != LZMA_OK ||
	    data[LZMA_STREAM_HEADER_SIZE] == 0)
		return -1;
	block.check = flags.check;
	block.header_size =
	    lzma_block_header_size_decode(data[LZMA_STREAM_HEADER_SIZE]);
	if (len - LZMA_STREAM_HEADER_SIZE < block.header_size ||
	    lzma_block_header_decode(&block, NULL, data + LZMA_STREAM_HEADER_SIZE) !=
		LZMA_OK)
		return -1;
	memset(ret, 0, RECODE_XZ_N_PARAMS * sizeof(*ret));
	ret[RECODE_XZ_CHECK] = flags.check;
	if (block.compressed_size != LZMA_VLI_UNKNOWN)
		ret[RECODE_XZ_FLAGS] = RECODE_XZ_ONE_CALL;
	status = filter_params(chain, ret);
	lzma_filters_free(chain, NULL);
	return status;
}

const struct recode_codec recode_xz = {.id = RECODE_XZ,
				       .name = "xz",
				       .version = version,
				       .frame_len = frame_len,
				       .decode = decode,
				       .encode_begin = encode_begin,
				       .encode_add = encode_add,
				       .encode_end = encode_end};
