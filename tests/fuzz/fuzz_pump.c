/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile body behind a head that vouches for it: the chunks' and the groups' hashes
 * are made to hold, so that the input reaches the decoder, which must bear anything.
 * Blocks must not: their leaves are the input's, and what does not match is never
 * written.
 */
#include "../../client/install/pump.h"

#include <string.h>

#define MEDIUM_BYTES (64u * VERITY_BLOCK)

struct ram {
	struct dev base;
	uint8_t bytes[MEDIUM_BYTES];
};

static int ram_read(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e)
{
	(void)e;
	memcpy(ret, ((struct ram *)d)->bytes + offset, len);
	return 0;
}

static int ram_write(struct dev *d, uint64_t offset, const void *data, size_t len,
		     struct err *e)
{
	(void)e;
	memcpy(((struct ram *)d)->bytes + offset, data, len);
	return 0;
}

static const struct dev_ops ram_ops = {
    .read = ram_read, .read_medium = ram_read, .write = ram_write};

/* One image of n_blocks in one segment whose encoded bytes are data; *ret borrows
 * all. */
static int make_head(struct container_head *ret, struct segment *s, uint8_t *group,
		     uint8_t *chunks, const uint8_t *data, size_t len)
{
	ret->body_size = len;
	ret->n_images = 1;
	ret->images[0].size = (uint64_t)s->n_blocks * VERITY_BLOCK;
	ret->images[0].groups = group;
	ret->images[0].n_groups = 1;
	ret->segments = s;
	ret->n_segments = 1;
	ret->codecs = 1u << s->codec;
	ret->chunks = chunks;
	ret->n_chunks = (len + CONTAINER_CHUNK - 1) / CONTAINER_CHUNK;
	for (size_t i = 0; i < ret->n_chunks; i++) {
		if (sha256(data + i * CONTAINER_CHUNK, container_chunk_len(ret, i),
			   chunks + i * SHA256_LEN, NULL) < 0)
			return -1;
	}
	return verity_group(ret->images[0].salt, data, s->n_blocks, s->n_blocks, group,
			    NULL);
}

static void run(struct pump *p, struct ram *medium, const struct container_head *h,
		const uint8_t *data, size_t len)
{
	const struct pump_job job = {.head = h, .media = {&medium->base}};
	uint64_t blocks;
	size_t at = 0;

	if (pump_start(p, &job, &blocks, NULL) < 0)
		abort();
	while (!pump_segment_done(p)) {
		if (pump_is_hungry(p)) {
			size_t n = pump_feed(p, data + at, len - at);

			if (n == 0)
				abort(); /* it must not want more than there is */
			at += n;
		} else if (pump_step(p, NULL) < 0) {
			return;
		}
	}
}

/* Byte 0: blocks and codec; the rest is the segment. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[VERITY_BLOCK];
	AUTO_PTR(pump) struct pump *p = NULL;
	struct ram medium = {.base = {.ops = &ram_ops, .size = MEDIUM_BYTES}};
	struct container_head h = {0};
	struct segment s = {0};
	uint8_t group[SHA256_LEN], chunks[16 * SHA256_LEN];

	if (size < 2 || size > 15 * CONTAINER_CHUNK)
		return 0;
	s.n_blocks = 1 + (data[0] & 31);
	s.codec = data[0] >> 7;
	s.body_size = size - 1;
	if (s.body_size <= s.n_blocks * (uint64_t)SHA256_LEN ||
	    make_head(&h, &s, group, chunks, data + 1, size - 1) < 0)
		return 0;
	p = pump_new(NULL);
	if (p == NULL)
		abort();
	run(p, &medium, &h, data + 1, size - 1);
	for (size_t i = 0; i < s.n_blocks; i++) {
		uint8_t leaf[SHA256_LEN];
		const uint8_t *block = medium.bytes + i * VERITY_BLOCK;

		if (memcmp(block, zeros, VERITY_BLOCK) == 0)
			continue;
		if (verity_leaf(h.images[0].salt, block, leaf, NULL) < 0 ||
		    memcmp(leaf, data + 1 + i * SHA256_LEN, SHA256_LEN) != 0)
			abort();
	}
	return 0;
}
