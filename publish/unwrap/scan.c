/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "../../common/base/bytes.h"

#include <string.h>

#define MAX_MAGIC 8

/* Frames may stand behind a header that is no part of them; SIZE_MAX: it is none. */
typedef size_t header_len(const uint8_t *data, size_t len);

#define MIN_ENCODED 24 /* where the magic number says little */

/* A gzip member (RFC 1952): ten bytes, and what its flags announce. */
static size_t gzip_header(const uint8_t *data, size_t len)
{
	enum { EXTRA = 4, NAME = 8, COMMENT = 16, CRC = 2, RESERVED = 0xe0 };
	size_t at = 10;

	if (len < at + 2 || (data[3] & RESERVED) != 0)
		return SIZE_MAX;
	if ((data[3] & EXTRA) != 0)
		at += 2 + (size_t)load_le16(data + at);
	for (int flag = NAME; flag <= COMMENT; flag *= 2) {
		if ((data[3] & flag) == 0)
			continue;
		while (at < len && data[at] != 0)
			at++;
		at++;
	}
	if ((data[3] & CRC) != 0)
		at += 2;
	return at < len ? at : SIZE_MAX;
}

static size_t zlib_header(const uint8_t *data, size_t len)
{
	return len > 2 && (data[0] << 8 | data[1]) % 31 == 0 ? 2 : SIZE_MAX;
}

static size_t no_header(const uint8_t *data, size_t len)
{
	(void)data;
	(void)len;
	return 0;
}

/* What a frame begins with; a codec may have several rows. */
static const struct {
	enum recode_id codec;
	header_len *header;
	uint8_t len;
	uint8_t magic[MAX_MAGIC];
} magics[] = {
    {RECODE_ZSTD, no_header, 4, {0x28, 0xb5, 0x2f, 0xfd}},
    {RECODE_XZ, no_header, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
    {RECODE_DEFLATE, gzip_header, 3, {0x1f, 0x8b, 0x08}},
    {RECODE_LZ4, no_header, 4, {0x02, 0x21, 0x4c, 0x18}},
    /* as in a squashfs, by level */
    {RECODE_DEFLATE, zlib_header, 2, {0x78, 0xda}},
    {RECODE_DEFLATE, zlib_header, 2, {0x78, 0x9c}},
    {RECODE_DEFLATE, zlib_header, 2, {0x78, 0x5e}},
};

void unwrap_frames_fini(struct unwrap_frames *f)
{
	free(f->v);
	*f = (struct unwrap_frames){0};
}

int unwrap_source_read(void *ctx, void *ret, size_t room, size_t *ret_len,
		       struct err *e)
{
	struct unwrap_source *s = ctx;
	size_t n = s->left < room ? s->left : room;

	(void)e;
	if (n > 0)
		memcpy(ret, s->at, n);
	s->at += n;
	s->left -= n;
	*ret_len = n;
	return 0;
}

static int count(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	uint64_t *sum = ctx;

	(void)data;
	*sum += len;
	if (*sum > RECODE_MAX_PLAIN)
		return err_set(e, ERR_LIMIT, "the frame is too large");
	return 0;
}

/* True if a frame of this codec stands at data, and decodes. */
static bool decodes(const struct recode_codec *c, struct recode_arena *arena,
		    const uint8_t *data, size_t len, struct unwrap_frame *ret)
{
	size_t enc_len = c->frame_len(data, len);
	struct unwrap_source source = {.at = data, .left = enc_len};
	const struct recode_in in = {.read = unwrap_source_read, .ctx = &source};
	uint64_t plain_len = 0;
	const struct recode_out out = {.write = count, .ctx = &plain_len};
	const struct recode_frame f = {.enc_len = enc_len};

	if (enc_len < MIN_ENCODED || enc_len > UINT32_MAX)
		return false;
	recode_arena_empty(arena);
	arena->peak = 0;
	if (c->decode(arena, &f, &in, &out, NULL) < 0 || source.left > 0 ||
	    plain_len == 0)
		return false;
	ret->plain_len = plain_len;
	ret->enc_len = (uint32_t)enc_len;
	ret->codec = c;
	ret->decode_bytes = arena->peak;
	return true;
}

static bool frame_at(const struct recode_codec *const *codecs,
		     struct recode_arena *arena, const uint8_t *data, size_t len,
		     struct unwrap_frame *ret)
{
	for (size_t i = 0; i < N_ELEMS(magics); i++) {
		const struct recode_codec *c;
		size_t header;

		if (len < magics[i].len || data[0] != magics[i].magic[0] ||
		    memcmp(data, magics[i].magic, magics[i].len) != 0)
			continue;
		c = recode_codec_find(codecs, magics[i].codec);
		header = magics[i].header(data, len);
		if (c == NULL || header == SIZE_MAX ||
		    !decodes(c, arena, data + header, len - header, ret))
			continue;
		ret->at += header;
		return true;
	}
	return false;
}

static int add(struct unwrap_frames *f, const struct unwrap_frame *frame, struct err *e)
{
	if (f->n == f->room) {
		size_t room = f->room == 0 ? 256 : f->room * 2;
		struct unwrap_frame *v = realloc(f->v, room * sizeof(*v));

		if (v == NULL)
			return err_nomem(e);
		f->v = v;
		f->room = room;
	}
	f->v[f->n++] = *frame;
	return 0;
}

int unwrap_scan(const struct unwrap_image *image,
		const struct recode_codec *const *codecs, struct recode_arena *arena,
		struct unwrap_frames *ret, struct err *e)
{
	bool begins[256] = {false};
	size_t at = 0;

	for (size_t i = 0; i < N_ELEMS(magics); i++)
		begins[magics[i].magic[0]] = true;
	while (at < image->len && ret->n < RECODE_MAX_PIECES / 4) {
		struct unwrap_frame f = {.at = at};

		if (!begins[image->data[at]] ||
		    !frame_at(codecs, arena, image->data + at, image->len - at, &f)) {
			at++;
			continue;
		}
		if (add(ret, &f, e) < 0)
			return -1;
		at = f.at + f.enc_len;
	}
	return 0;
}
