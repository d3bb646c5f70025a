/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd frames (RFC 8878). Parameters: level, flags, window log (0: the level's own).
 *
 * ZSTD_ONE_CALL is what mksquashfs does for each block: ZSTD_compressCCtx() over the
 * whole of it. Without it the frame is made as a stream, in steps of 128 KiB and ended
 * by an empty one: what a program does that does not know the end while it reads.
 */
#include "codec_zstd.h"

#include <string.h>

/* For memory of our own: it then cannot allocate, whatever a frame says. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#define STREAM_STEP (128u * 1024)
#define ONE_CALL_MAX (1024u * 1024)

struct encoder {
	ZSTD_CCtx *zstd;
	const struct recode_out *out;
	bool one_call;
	int level;
	uint8_t *plain; /* one call: the whole frame; else STREAM_STEP */
	size_t plain_room;
	size_t plain_len;
	uint8_t *made;
	size_t made_room;
};

static void *take(void *arena, size_t len)
{
	return recode_arena_take(arena, len);
}

static void give_back(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static int failed(size_t code, struct err *e)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_set(e, ERR_LIMIT,
			       "zstd needs more memory than was declared");
	return err_set(e, ERR_FORMAT, "zstd: %s", ZSTD_getErrorName(code));
}

static int arena_full(struct err *e)
{
	return err_set(e, ERR_LIMIT, "zstd needs more memory than was declared");
}

static const char *version(void)
{
	return ZSTD_versionString();
}

struct decoding {
	ZSTD_DCtx *zstd;
	const struct recode_in *in;
	const struct recode_out *out;
	uint8_t *from;
	uint8_t *to;
};

/* One step's input; *ret_more is what zstd wants yet, 0 at the frame's end. */
static int decode_step(struct decoding *d, size_t len, size_t *ret_more, struct err *e)
{
	ZSTD_inBuffer from = {.src = d->from, .size = len};

	do {
		ZSTD_outBuffer to = {.dst = d->to, .size = RECODE_STEP};

		*ret_more = ZSTD_decompressStream(d->zstd, &to, &from);
		if (ZSTD_isError(*ret_more))
			return failed(*ret_more, e);
		if (to.pos > 0 && d->out->write(d->out->ctx, d->to, to.pos, e) < 0)
			return -1;
		if (*ret_more > 0 && to.pos == 0 && from.pos == from.size)
			return 0;
	} while (*ret_more > 0);
	if (from.pos != from.size)
		return err_set(e, ERR_FORMAT, "zstd: bytes after the frame's end");
	return 0;
}

static int decode_all(struct decoding *d, struct err *e)
{
	size_t more = 1;

	while (more > 0) {
		size_t len;

		if (d->in->read(d->in->ctx, d->from, RECODE_STEP, &len, e) < 0)
			return -1;
		if (len == 0)
			return err_set(e, ERR_FORMAT, "zstd: the frame is cut off");
		if (decode_step(d, len, &more, e) < 0)
			return -1;
	}
	return 0;
}

static int decode(struct recode_arena *a, const struct recode_frame *f,
		  const struct recode_in *in, const struct recode_out *out,
		  struct err *e)
{
	const ZSTD_customMem memory = {take, give_back, a};
	struct decoding d = {.in = in, .out = out};
	size_t code;

	(void)f;
	d.from = recode_arena_take(a, RECODE_STEP);
	d.to = recode_arena_take(a, RECODE_STEP);
	d.zstd = ZSTD_createDCtx_advanced(memory);
	if (d.from == NULL || d.to == NULL || d.zstd == NULL)
		return arena_full(e);
	code =
	    ZSTD_DCtx_setParameter(d.zstd, ZSTD_d_windowLogMax, ZSTD_WINDOWLOG_MAX_32);
	if (ZSTD_isError(code))
		return failed(code, e);
	return decode_all(&d, e);
}

/* Sets what a stream needs; a call for the whole frame takes its level only. */
static int set_up_stream(struct encoder *s, const struct recode_frame *f, struct err *e)
{
	uint32_t flags = f->params[RECODE_ZSTD_FLAGS];
	const struct {
		ZSTD_cParameter name;
		int value;
	} rows[] = {
	    {ZSTD_c_compressionLevel, s->level},
	    {ZSTD_c_windowLog, (int)f->params[RECODE_ZSTD_WINDOW_LOG]},
	    {ZSTD_c_checksumFlag, (flags & RECODE_ZSTD_CHECKSUM) != 0},
	    {ZSTD_c_contentSizeFlag, (flags & RECODE_ZSTD_SIZE) != 0},
	};
	size_t code = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		code = ZSTD_CCtx_setParameter(s->zstd, rows[i].name, rows[i].value);
		if (ZSTD_isError(code))
			return failed(code, e);
	}
	if ((flags & RECODE_ZSTD_SIZE) != 0)
		code = ZSTD_CCtx_setPledgedSrcSize(s->zstd, f->plain_len);
	return ZSTD_isError(code) ? failed(code, e) : 0;
}

static int encode_begin(struct recode_arena *a, const struct recode_frame *f,
			const struct recode_out *out, void **ret_state, struct err *e)
{
	const ZSTD_customMem memory = {take, give_back, a};
	struct encoder *s = recode_arena_take(a, sizeof(*s));

	if (f->n_params != RECODE_ZSTD_N_PARAMS ||
	    f->params[RECODE_ZSTD_LEVEL] > (uint32_t)ZSTD_maxCLevel() ||
	    f->params[RECODE_ZSTD_WINDOW_LOG] > ZSTD_WINDOWLOG_MAX_32)
		return err_set(e, ERR_UNSUPPORTED,
			       "zstd: these parameters are unknown");
	if (s == NULL)
		return arena_full(e);
	s->out = out;
	s->level = (int)f->params[RECODE_ZSTD_LEVEL];
	s->one_call = (f->params[RECODE_ZSTD_FLAGS] & RECODE_ZSTD_ONE_CALL) != 0;
	if (s->one_call && f->plain_len > ONE_CALL_MAX)
		return err_set(e, ERR_LIMIT, "zstd: too much for one call");
	s->plain_room = s->one_call ? (size_t)f->plain_len : STREAM_STEP;
	s->made_room = s->one_call ? ZSTD_compressBound(s->plain_room) : RECODE_STEP;
	s->plain = recode_arena_take(a, s->plain_room);
	s->made = recode_arena_take(a, s->made_room);
	s->zstd = ZSTD_createCCtx_advanced(memory);
	if (s->plain == NULL || s->made == NULL || s->zstd == NULL)
		return arena_full(e);
	*ret_state = s;
	return s->one_call ? 0 : set_up_stream(s, f, e);
}

/* Hands what is gathered to zstd, all of it, and what comes out to `out`. */
static int step(struct encoder *s, ZSTD_EndDirective end, struct err *e)
{
	ZSTD_inBuffer from = {.src = s->plain, .size = s->plain_len};
	size_t left;

	do {
		ZSTD_outBuffer to = {.dst = s->made, .size = s->made_room};

		left = ZSTD_compressStream2(s->zstd, &to, &from, end);
		if (ZSTD_isError(left))
			return failed(left, e);
		if (to.pos > 0 && s->out->write(s->out->ctx, s->made, to.pos, e) < 0)
			return -1;
	} while (from.pos < from.size || (end == ZSTD_e_end && left > 0));
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
			return err_set(e, ERR_FORMAT,
				       "zstd: more than the frame holds");
		memcpy(s->plain + s->plain_len, plain, n);
		s->plain_len += n;
		plain += n;
		len -= n;
		if (!s->one_call && s->plain_len == s->plain_room &&
		    step(s, ZSTD_e_continue, e) < 0)
			return -1;
	}
	return 0;
}

static int encode_end(void *state, struct err *e)
{
	struct encoder *s = state;
	size_t len;

	if (!s->one_call)
		return step(s, ZSTD_e_end, e);
	len = ZSTD_compressCCtx(s->zstd, s->made, s->made_room, s->plain, s->plain_len,
				s->level);
	if (ZSTD_isError(len))
		return failed(len, e);
	return s->out->write(s->out->ctx, s->made, len, e);
}

static size_t frame_len(const uint8_t *data, size_t len)
{
	size_t n = ZSTD_findFrameCompressedSize(data, len);

	return ZSTD_isError(n) ? 0 : n;
}

int recode_zstd_frame_flags(const uint8_t *data, size_t len, uint32_t *ret_flags)
{
	ZSTD_frameHeader h;

	if (ZSTD_getFrameHeader(&h, data, len) != 0 || h.frameType != ZSTD_frame)
		return -1;
	*ret_flags = 0;
	if (h.frameContentSize != ZSTD_CONTENTSIZE_UNKNOWN)
		*ret_flags |= RECODE_ZSTD_SIZE;
	if (h.checksumFlag != 0)
		*ret_flags |= RECODE_ZSTD_CHECKSUM;
	return 0;
}

const struct recode_codec recode_zstd = {.id = RECODE_ZSTD,
					 .name = "zstd",
					 .version = version,
					 .frame_len = frame_len,
					 .decode = decode,
					 .encode_begin = encode_begin,
					 .encode_add = encode_add,
					 .encode_end = encode_end};
