/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment at a time: read, hash its blocks, compress, write, and hash what was
 * written in chunks of 64 KiB. Memory is a few MiB and the tables (32 bytes for each 64
 * KiB of body and each 512 KiB of image), whatever the size of the images.
 *
 * Level 17. Measured on independent segments of 1 MiB, one thread (libnode.so, 43 MB ->
 * bytes, CPU seconds): level 15 12.97 MB 2.5 s, level 17 12.27 MB 6.0 s, level 19 11.59
 * MB 10.6 s; a kernel and a squashfs go alike. 17 is where an image of that size still
 * takes seconds on a small machine. One level, one thread, no dictionary: the same
 * input gives the same bytes with the same libzstd.
 */
#include "body.h"

#include "../../common/base/file.h"

#include <string.h>
#include <zstd.h>

#define LEVEL 17
#define SEGMENT_BLOCKS (CONTAINER_SEGMENT / VERITY_BLOCK)
#define LEAVES_BYTES (SEGMENT_BLOCKS * SHA256_LEN)
#define ENCODED_BYTES ZSTD_COMPRESSBOUND(CONTAINER_SEGMENT)

struct body {
	int fd;
	ZSTD_CCtx *zstd;
	uint8_t *plain;	  /* CONTAINER_SEGMENT */
	uint8_t *encoded; /* ENCODED_BYTES */
	uint8_t leaves[LEAVES_BYTES];
	struct digest *chunk;
	size_t chunk_len;
	struct container_head head;
	struct buf groups[MAX_IMAGES];
	struct buf segments; /* of struct segment */
	struct buf chunks;
};

static int set_up_zstd(struct body *b, struct err *e)
{
	size_t code;

	b->zstd = ZSTD_createCCtx();
	if (b->zstd == NULL)
		return err_nomem(e);
	code = ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_compressionLevel, LEVEL);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_windowLog,
					      CONTAINER_WINDOW_LOG);
	if (ZSTD_isError(code))
		return err_set(e, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(code));
	return 0;
}

struct body *body_new(int fd, struct err *e)
{
	AUTO_PTR(body) struct body *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	b->fd = fd;
	b->head.kind = CONTAINER_FULL;
	for (size_t i = 0; i < MAX_IMAGES; i++)
		buf_init(&b->groups[i], CONTAINER_HEAD_MAX_BYTES);
	buf_init(&b->segments, CONTAINER_HEAD_MAX_BYTES * sizeof(struct segment) / 24);
	buf_init(&b->chunks, CONTAINER_HEAD_MAX_BYTES);
	b->plain = malloc(CONTAINER_SEGMENT);
	b->encoded = malloc(ENCODED_BYTES);
	b->chunk = digest_new(DIGEST_SHA256, e);
	if (b->chunk == NULL || set_up_zstd(b, e) < 0)
		return NULL;
	if (b->plain == NULL || b->encoded == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return TAKE(b);
}

void body_free(struct body *b)
{
	if (b == NULL)
		return;
	(void)ZSTD_freeCCtx(b->zstd);
	free(b->plain);
	free(b->encoded);
	digest_free(b->chunk);
	for (size_t i = 0; i < MAX_IMAGES; i++)
		buf_fini(&b->groups[i]);
	buf_fini(&b->segments);
	buf_fini(&b->chunks);
	free(b);
}

static int end_chunk(struct body *b, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (digest_end(b->chunk, digest, e) < 0)
		return -1;
	b->chunk_len = 0;
	return buf_add(&b->chunks, digest, sizeof(digest), e);
}

/* Writes to the body; its chunks are hashed on the way. */
static int put(struct body *b, const uint8_t *data, size_t len, struct err *e)
{
	if (fd_write_full(b->fd, data, len, e) < 0)
		return err_wrap(e, "write payload");
	b->head.body_size += len;
	while (len > 0) {
		size_t room = CONTAINER_CHUNK - b->chunk_len;
		size_t n = len < room ? len : room;

		if (digest_add(b->chunk, data, n, e) < 0)
			return -1;
		b->chunk_len += n;
		data += n;
		len -= n;
		if (b->chunk_len == CONTAINER_CHUNK && end_chunk(b, e) < 0)
			return -1;
	}
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Fills b->leaves and adds the segment's group hashes. */
static int hash_blocks(struct body *b, size_t image, const uint8_t *salt,
		       size_t n_blocks, uint64_t n_image_blocks, struct err *e)
{
	for (size_t i = 0; i < n_blocks; i++) {
		if (verity_leaf(salt, b->plain + i * VERITY_BLOCK,
				b->leaves + i * SHA256_LEN, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < n_blocks; i += VERITY_FANOUT) {
		size_t n = n_blocks - i < VERITY_FANOUT ? n_blocks - i : VERITY_FANOUT;
		uint8_t group[SHA256_LEN];

		if (verity_group(salt, b->leaves + i * SHA256_LEN, n, n_image_blocks,
				 group, e) < 0 ||
		    buf_add(&b->groups[image], group, sizeof(group), e) < 0)
			return -1;
	}
	return 0;
}

/* Writes leaves and data, compressed unless that makes it no smaller. */
static int encode(struct body *b, struct segment *s, struct err *e)
{
	size_t plain_len = s->n_blocks * (size_t)VERITY_BLOCK;
	const uint8_t *data = b->encoded;
	size_t len =
	    ZSTD_compress2(b->zstd, b->encoded, ENCODED_BYTES, b->plain, plain_len);

	if (ZSTD_isError(len))
		return err_set(e, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(len));
	s->codec = CODEC_ZSTD;
	if (len >= plain_len) {
		s->codec = CODEC_RAW;
		data = b->plain;
		len = plain_len;
	}
	b->head.codecs |= 1u << s->codec;
	s->body_size = s->n_blocks * (uint64_t)SHA256_LEN + len;
	if (put(b, b->leaves, s->n_blocks * (size_t)SHA256_LEN, e) < 0)
		return -1;
	return put(b, data, len, e);
}

/* b->plain holds n_blocks of this image. */
static int add_segment(struct body *b, size_t image, const uint8_t *salt,
		       size_t n_blocks, uint64_t n_image_blocks, struct err *e)
{
	struct segment s = {.image = (uint8_t)image,
			    .n_blocks = (uint32_t)n_blocks,
			    .body_offset = b->head.body_size};

	if (hash_blocks(b, image, salt, n_blocks, n_image_blocks, e) < 0)
		return -1;
	if (all_zero(b->plain, n_blocks * VERITY_BLOCK))
		s.flags = SEG_ZERO;
	else if (encode(b, &s, e) < 0)
		return -1;
	b->head.n_segments++;
	return buf_add(&b->segments, &s, sizeof(s), e);
}

/* Reads the next piece and pads it to whole blocks. */
static int read_segment(struct body *b, int fd, uint64_t left, size_t *ret_len,
			struct err *e)
{
	size_t len = left < CONTAINER_SEGMENT ? (size_t)left : CONTAINER_SEGMENT;

	if (fd_read_full(fd, b->plain, len, e) < 0)
		return -1;
	memset(b->plain + len, 0, (VERITY_BLOCK - len % VERITY_BLOCK) % VERITY_BLOCK);
	*ret_len = len;
	return 0;
}

static int check_ends(int fd, struct err *e)
{
	uint8_t more;
	ssize_t n = read(fd, &more, 1);

	if (n < 0)
		return err_sys(e, "read");
	if (n > 0)
		return err_set(e, ERR_CONFLICT, "it grows while it is read");
	return 0;
}

int body_add_image(struct body *b, int image_fd, uint64_t size,
		   const uint8_t salt[VERITY_SALT_LEN],
		   void (*progress)(void *ctx, uint64_t bytes), void *ctx,
		   uint8_t ret_root[SHA256_LEN], struct err *e)
{
	size_t image = b->head.n_images;
	struct container_image *c = &b->head.images[image];
	uint64_t n_blocks = verity_n_blocks(size);

	if (image >= MAX_IMAGES || size == 0 || size > IMAGE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%llu bytes", (unsigned long long)size);
	for (uint64_t left = size; left > 0;) {
		size_t len;

		if (read_segment(b, image_fd, left, &len, e) < 0 ||
		    add_segment(b, image, salt, (size_t)verity_n_blocks(len), n_blocks,
				e) < 0)
			return -1;
		left -= len;
		if (progress != NULL)
			progress(ctx, len);
	}
	b->head.n_images++;
	c->size = size;
	memcpy(c->salt, salt, VERITY_SALT_LEN);
	c->groups = b->groups[image].data;
	c->n_groups = b->groups[image].len / SHA256_LEN;
	if (check_ends(image_fd, e) < 0)
		return -1;
	return verity_root(salt, c->groups, c->n_groups, n_blocks, ret_root, e);
}

/* malloc aligns the segments: the buffer holds nothing else. */
int body_end(struct body *b, struct container_head *ret, struct err *e)
{
	if (b->chunk_len > 0 && end_chunk(b, e) < 0)
		return -1;
	*ret = b->head;
	ret->segments = (struct segment *)(void *)b->segments.data;
	ret->chunks = b->chunks.data;
	ret->n_chunks = b->chunks.len / SHA256_LEN;
	return 0;
}
