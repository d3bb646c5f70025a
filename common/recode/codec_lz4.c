/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZ4 streams of the legacy format: what kernels and initrds are packed in (`lz4 -l`).
 * Parameter: level.
 *
 *	magic	02 21 4c 18
 *	blocks	size (32 bits, little-endian), then an LZ4 block
 *
 * Each block holds 8 MiB, the last one less; nothing else says where the stream ends. So
 * a block that makes less ends it, and so does what cannot be a block: a kernel has its
 * own size behind.
 */
#include "codec_lz4.h"

#include "../base/bytes.h"

#include <lz4.h>
#include <lz4hc.h>
#include <string.h>

#define BLOCK ((size_t)8 << 20)
#define BOUND ((size_t)LZ4_COMPRESSBOUND(8 << 20))
#define FAST_BELOW 3 /* levels, as the program has it */

static const uint8_t magic[4] = {0x02, 0x21, 0x4c, 0x18};

static int arena_full(struct err *e)
{
	return err_set(e, ERR_LIMIT, "lz4 needs more memory than was declared");
}

static const char *version(void)
{
	return LZ4_versionString();
}

/* ---- where a stream ends ---- */

/* The rest of a length whose nibble was 15: bytes up to one that is not 255. */
static bool long_length(const uint8_t *data, size_t len, size_t *at, uint64_t *sum)
{
	uint8_t byte = 255;

	while (byte == 255 && *at < len) {
		byte = data[(*at)++];
		*sum += byte;
	}
	return byte != 255;
}

/* What a block makes, told from its sequences alone; 0: it is none. */
static uint64_t plain_len_of(const uint8_t *data, size_t len)
{
	uint64_t made = 0;
	size_t at = 0;

	while (at < len) {
		uint8_t token = data[at++];
		uint64_t n = token >> 4, copy = token & 15;

		if (n == 15 && !long_length(data, len, &at, &n))
			return 0;
		if (n > len - at)
			return 0;
		at += (size_t)n;
		made += n;
		if (at == len)
			return made; /* the last one has literals alone */
		if (len - at < 2 || load_le16(data + at) == 0)
			return 0;
		at += 2;
		if (copy == 15 && !long_length(data, len, &at, &copy))
			return 0;
		made += copy + 4;
		if (made > BLOCK)
			return 0;
	}
	return 0;
}

static size_t frame_len(const uint8_t *data, size_t len)
{
	size_t at = sizeof(magic), end = 0;
	uint64_t made = BLOCK;

	while (made == BLOCK && len - at >= 4) {
		size_t size = load_le32(data + at);

		if (size == 0 || size > BOUND || size > len - at - 4)
			break;
		made = plain_len_of(data + at + 4, size);
		if (made == 0)
			break;
		at += 4 + size;
		end = at;
	}
	return end;
}

/* ---- decoding ---- */

/* As many as asked for, unless the end comes: *ret_len. */
static int read_all(const struct recode_in *in, uint8_t *ret, size_t len,
		    size_t *ret_len, struct err *e)
{
	size_t n = 1;

	for (*ret_len = 0; n > 0 && *ret_len < len; *ret_len += n) {
		size_t room = len - *ret_len;

		if (in->read(in->ctx, ret + *ret_len,
			     room < RECODE_STEP ? room : RECODE_STEP, &n, e) < 0)
			return -1;
	}
	return 0;
}

static int write_all(const struct recode_out *out, const uint8_t *data, size_t len,
		     struct err *e)
{
	for (size_t at = 0; at < len; at += RECODE_STEP) {
		size_t left = len - at;

		if (out->write(out->ctx, data + at,
			       left < RECODE_STEP ? left : RECODE_STEP, e) < 0)
			return -1;
	}
	return 0;
}

struct decoding {
	const struct recode_in *in;
	const struct recode_out *out;
	uint8_t *from, *to;
};

/* *ret_made is 0 at the stream's end. */
static int decode_block(struct decoding *d, size_t *ret_made, struct err *e)
{
	uint8_t head[4];
	size_t n, size;
	int made;

	*ret_made = 0;
	if (read_all(d->in, head, sizeof(head), &n, e) < 0)
		return -1;
	if (n == 0)
		return 0;
	size = load_le32(head);
	if (n < sizeof(head) || size == 0 || size > BOUND)
		return err_set(e, ERR_FORMAT, "lz4: no block");
	if (read_all(d->in, d->from, size, &n, e) < 0)
		return -1;
	made = n < size ? -1
			: LZ4_decompress_safe((const char *)d->from, (char *)d->to,
					      (int)size, (int)BLOCK);
	if (made <= 0)
		return err_set(e, ERR_FORMAT, "lz4: a block does not decode");
	*ret_made = (size_t)made;
	return write_all(d->out, d->to, *ret_made, e);
}

static int decode(struct recode_arena *a, const struct recode_frame *f,
		  const struct recode_in *in, const struct recode_out *out,
		  struct err *e)
{
	struct decoding d = {.in = in, .out = out};
	uint8_t head[sizeof(magic)];
	size_t n, made = BLOCK;

	(void)f;
	d.from = recode_arena_take(a, BOUND);
	d.to = recode_arena_take(a, BLOCK);
	if (d.from == NULL || d.to == NULL)
		return arena_full(e);
	if (read_all(in, head, sizeof(head), &n, e) < 0)
		return -1;
	if (n < sizeof(head) || memcmp(head, magic, sizeof(magic)) != 0)
		return err_set(e, ERR_FORMAT, "lz4: no stream");
	while (made == BLOCK) {
		if (decode_block(&d, &made, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- encoding ---- */

struct encoder {
	const struct recode_out *out;
	int level;
	void *memory; /* of the level's compressor */
	uint8_t *plain, *made;
	size_t plain_len;
};

static int encode_begin(struct recode_arena *a, const struct recode_frame *f,
			const struct recode_out *out, void **ret_state, struct err *e)
{
	struct encoder *s = recode_arena_take(a, sizeof(*s));

	if (f->n_params != RECODE_LZ4_N_PARAMS || f->params[RECODE_LZ4_LEVEL] == 0 ||
	    f->params[RECODE_LZ4_LEVEL] > LZ4HC_CLEVEL_MAX)
		return err_set(e, ERR_UNSUPPORTED, "lz4: these parameters are unknown");
	if (s == NULL)
		return arena_full(e);
	s->out = out;
	s->level = (int)f->params[RECODE_LZ4_LEVEL];
	s->memory =
	    recode_arena_take(a, s->level < FAST_BELOW ? (size_t)LZ4_sizeofState()
						       : (size_t)LZ4_sizeofStateHC());
	s->plain = recode_arena_take(a, BLOCK);
	s->made = recode_arena_take(a, 4 + BOUND);
	if (s->memory == NULL || s->plain == NULL || s->made == NULL)
		return arena_full(e);
	*ret_state = s;
	return out->write(out->ctx, magic, sizeof(magic), e);
}

static int put_block(struct encoder *s, struct err *e)
{
	const char *from = (const char *)s->plain;
	char *to = (char *)s->made + 4;
	int len = (int)s->plain_len, room = (int)BOUND, made;

	made =
	    s->level < FAST_BELOW
		? LZ4_compress_fast_extState(s->memory, from, to, len, room, s->level)
		: LZ4_compress_HC_extStateHC(s->memory, from, to, len, room, s->level);
	if (made <= 0)
		return err_set(e, ERR_INTERNAL, "lz4: a block of %d bytes", len);
	store_le32(s->made, (uint32_t)made);
	s->plain_len = 0;
	return write_all(s->out, s->made, 4 + (size_t)made, e);
}

static int encode_add(void *state, const uint8_t *plain, size_t len, struct err *e)
{
	struct encoder *s = state;

	while (len > 0) {
		size_t room = BLOCK - s->plain_len;
		size_t n = len < room ? len : room;

		memcpy(s->plain + s->plain_len, plain, n);
		s->plain_len += n;
		plain += n;
		len -= n;
		if (s->plain_len == BLOCK && put_block(s, e) < 0)
			return -1;
	}
	return 0;
}

static int encode_end(void *state, struct err *e)
{
	struct encoder *s = state;

	return s->plain_len == 0 ? 0 : put_block(s, e);
}

const struct recode_codec recode_lz4 = {.id = RECODE_LZ4,
					.name = "lz4",
					.version = version,
					.frame_len = frame_len,
					.decode = decode,
					.encode_begin = encode_begin,
					.encode_add = encode_add,
					.encode_end = encode_end};
