/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include "../../common/base/buf.h"

#include <string.h>
#include <zstd.h>

#define SEGMENT_MAX_BYTES ((uint64_t)CONTAINER_MAX_SEGMENT_BLOCKS * VERITY_BLOCK)

struct unpack {
	const struct container_head *head;
	const struct unpack_source *body;
	struct buf encoded; /* a segment's, with what shares its chunks */
};

/* The chunks in which [offset, +len) lies, each checked; *ret points at offset. */
static int read_checked(struct unpack *u, uint64_t offset, uint64_t len,
			const uint8_t **ret, struct err *e)
{
	size_t first = (size_t)(offset / CONTAINER_CHUNK);
	uint64_t end = offset + len;

	buf_clear(&u->encoded);
	for (size_t i = first; (uint64_t)i * CONTAINER_CHUNK < end; i++) {
		size_t n = container_chunk_len(u->head, i);
		uint8_t *at;

		if (buf_reserve(&u->encoded, n, e) < 0)
			return -1;
		at = u->encoded.data + u->encoded.len;
		if (u->body->read(u->body->ctx, at, n, (uint64_t)i * CONTAINER_CHUNK,
				  e) < 0 ||
		    container_check_chunk(u->head, i, at, n, e) < 0)
			return -1;
		u->encoded.len += n;
	}
	*ret = u->encoded.data + (offset - (uint64_t)first * CONTAINER_CHUNK);
	return 0;
}

static int decode(const struct segment *s, const uint8_t *data, uint64_t len,
		  uint8_t *ret, size_t room, struct err *e)
{
	size_t n;

	if (s->codec == CODEC_RAW) {
		if (len != room)
			return err_set(e, ERR_FORMAT, "a raw segment of another size");
		memcpy(ret, data, room);
		return 0;
	}
	if (s->codec != CODEC_ZSTD)
		return err_set(e, ERR_FORMAT, "codec %u in a full payload",
			       (unsigned)s->codec);
	n = ZSTD_decompress(ret, room, data, (size_t)len);
	if (ZSTD_isError(n))
		return err_set(e, ERR_FORMAT, "zstd: %s", ZSTD_getErrorName(n));
	return n == room ? 0 : err_set(e, ERR_FORMAT, "a frame of another size");
}

static int unpack_segment(struct unpack *u, const struct segment *s, uint8_t *ret_data,
			  struct err *e)
{
	uint8_t *to = ret_data + s->first_block * VERITY_BLOCK;
	size_t room = (size_t)s->n_blocks * VERITY_BLOCK;
	uint64_t leaves = (uint64_t)s->n_blocks * SHA256_LEN;
	const uint8_t *data;

	if ((s->flags & SEG_ZERO) != 0) {
		memset(to, 0, room);
		return 0;
	}
	if (room > SEGMENT_MAX_BYTES || s->body_size < leaves ||
	    s->body_size > leaves + 2 * SEGMENT_MAX_BYTES)
		return err_set(e, ERR_FORMAT, "a segment of %llu bytes",
			       (unsigned long long)s->body_size);
	if (read_checked(u, s->body_offset, s->body_size, &data, e) < 0)
		return -1;
	return decode(s, data + leaves, s->body_size - leaves, to, room, e);
}

static int check_groups(const struct container_image *c, const uint8_t *data,
			struct err *e)
{
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(c->salt, c->size, e);
	uint8_t root[SHA256_LEN];
	const uint8_t *groups;
	size_t n;

	if (h == NULL)
		return -1;
	for (uint64_t at = 0; at < c->size; at += VERITY_BLOCK) {
		if (verity_hasher_add(h, data + at, e) < 0)
			return -1;
	}
	if (verity_hasher_end(h, root, &groups, &n, e) < 0)
		return -1;
	if (n != c->n_groups || memcmp(groups, c->groups, n * SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "the image is not what the head says");
	return 0;
}

int unpack_image(const struct container_head *h, size_t index,
		 const struct unpack_source *body, uint8_t *ret_data, struct err *e)
{
	struct unpack u = {h, body, BUF_INIT(4 * SEGMENT_MAX_BYTES)};
	int result = 0;

	if (h->kind != CONTAINER_FULL || index >= h->n_images)
		return err_set(e, ERR_FORMAT, "unpack: no image %zu of a full payload",
			       index);
	for (size_t i = 0; i < h->n_segments && result == 0; i++) {
		if (h->segments[i].image == index)
			result = unpack_segment(&u, &h->segments[i], ret_data, e);
	}
	buf_fini(&u.encoded);
	if (result < 0 || check_groups(&h->images[index], ret_data, e) < 0)
		return err_wrap(e, "unpack image %zu", index);
	return 0;
}
