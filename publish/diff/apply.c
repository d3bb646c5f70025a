/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta's body on its way: chunk -> check -> decoder -> block -> leaf -> group -> out.
 * A group's bytes wait until it was compared.
 */
#include "patch.h"

#include <string.h>

struct apply {
	const struct container_head *head;
	const struct delta_source *body, *old;
	const struct patch_target *target;
	struct delta *delta;
	uint64_t at; /* of the body, next to be read */
	uint8_t chunk[CONTAINER_CHUNK];
	size_t chunk_index, chunk_len; /* chunk_len 0: none is there */
	size_t group;
	uint32_t group_len;
	uint8_t made[VERITY_GROUP];
};

static void apply_free(struct apply *a)
{
	if (a == NULL)
		return;
	delta_free(a->delta);
	free(a);
}
AUTO_PTR_DEFINE(apply)

/* The checked bytes at a->at, as many as the chunk has. */
static int look_at_body(struct apply *a, const uint8_t **ret, size_t *ret_len,
			struct err *e)
{
	size_t index = (size_t)(a->at / CONTAINER_CHUNK);
	size_t in_chunk = (size_t)(a->at % CONTAINER_CHUNK);

	if (a->chunk_len == 0 || a->chunk_index != index) {
		a->chunk_len = 0;
		a->chunk_index = index;
		if (a->body->read(a->body->ctx, a->chunk,
				  container_chunk_len(a->head, index),
				  (uint64_t)index * CONTAINER_CHUNK, e) < 0 ||
		    container_check_chunk(a->head, index, a->chunk,
					  container_chunk_len(a->head, index), e) < 0)
			return -1;
		a->chunk_len = container_chunk_len(a->head, index);
	}
	*ret = a->chunk + in_chunk;
	*ret_len = a->chunk_len - in_chunk;
	return 0;
}

static int check_group(struct apply *a, struct err *e)
{
	const struct container_image *c = &a->head->images[0];
	uint8_t leaves[VERITY_FANOUT * SHA256_LEN], group[SHA256_LEN];
	size_t n = a->group_len / VERITY_BLOCK;

	if (verity_leaves(c->salt, a->made, n, leaves, e) < 0 ||
	    verity_group(c->salt, leaves, n, verity_n_blocks(c->size), group, e) < 0)
		return -1;
	if (memcmp(group, c->groups + a->group * SHA256_LEN, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "what was made at %llu is wrong: another old image?",
			       (unsigned long long)a->group * VERITY_GROUP);
	a->group++;
	if (a->target->write(a->target->ctx, a->made, a->group_len, e) < 0)
		return -1;
	a->group_len = 0;
	return 0;
}

static int run_raw(struct apply *a, struct delta_io *io, uint64_t left, struct err *e)
{
	(void)e;
	io->taken = io->in_len < io->room ? io->in_len : io->room;
	if (io->taken > left)
		io->taken = (size_t)left;
	memcpy(io->out, io->in, io->taken);
	io->made = io->taken;
	(void)a;
	return 0;
}

/* Moves one piece of a segment on. */
static int move_on(struct apply *a, const struct segment *s, uint64_t end,
		   struct err *e)
{
	uint64_t left = s->body_offset + s->body_size - a->at;
	struct delta_io io = {.out = a->made + a->group_len,
			      .room = VERITY_GROUP - a->group_len};
	int result;

	if (left > 0 && look_at_body(a, &io.in, &io.in_len, e) < 0)
		return -1;
	if (io.in_len > left)
		io.in_len = (size_t)left;
	if (io.room > end)
		io.room = (size_t)end;
	result = s->codec == CODEC_DELTA ? delta_run(a->delta, &io, e)
					 : run_raw(a, &io, left, e);
	if (result < 0)
		return -1;
	if (io.taken + io.made == 0 && left == 0 && end > 0)
		return err_set(e, ERR_FORMAT, "it ends too early");
	a->at += io.taken;
	a->group_len += (uint32_t)io.made;
	return 0;
}

static bool group_is_full(const struct apply *a, uint64_t image_left)
{
	return a->group_len == VERITY_GROUP || (image_left == 0 && a->group_len > 0);
}

static int start(struct apply *a, const struct segment *s, struct err *e)
{
	const struct delta_segment d = {.offset = s->first_block * VERITY_BLOCK,
					.size = s->n_blocks * VERITY_BLOCK,
					.body_size = (uint32_t)s->body_size,
					.continues = (s->flags & SEG_CONTINUES) != 0};

	a->at = s->body_offset;
	if (s->codec == CODEC_RAW)
		return 0;
	if (s->codec != CODEC_DELTA || (s->flags & SEG_ZERO) != 0 || a->delta == NULL)
		return err_set(e, ERR_UNSUPPORTED, "a codec that deltas do not have");
	return delta_start(a->delta, &d, e);
}

/* Bytes of the segment that are still to be made, from what is counted in groups. */
static uint64_t still_to_make(const struct apply *a, uint64_t end)
{
	return end - ((uint64_t)a->group * VERITY_GROUP + a->group_len);
}

static bool is_done(const struct apply *a, const struct segment *s, uint64_t end)
{
	if (s->codec == CODEC_DELTA)
		return delta_segment_done(a->delta);
	return still_to_make(a, end) == 0;
}

static int run_segment(struct apply *a, const struct segment *s, struct err *e)
{
	uint64_t all =
	    verity_n_blocks(a->head->images[0].size) * (uint64_t)VERITY_BLOCK;
	uint64_t end = (s->first_block + s->n_blocks) * VERITY_BLOCK;

	if (start(a, s, e) < 0)
		return -1;
	while (!is_done(a, s, end)) {
		if (move_on(a, s, still_to_make(a, end), e) < 0)
			return -1;
		if (a->group_len == VERITY_GROUP && check_group(a, e) < 0)
			return -1;
	}
	return group_is_full(a, all - end) ? check_group(a, e) : 0;
}

int patch_read_map_head(const struct container_head *h, const struct delta_source *body,
			struct delta_head *ret, struct err *e)
{
	const struct segment *s = &h->segments[0];
	uint8_t bytes[DELTA_HEAD_LEN];

	if (h->n_segments == 0 || (s->flags & SEG_MAP) == 0 ||
	    s->body_size < DELTA_HEAD_LEN)
		return err_set(e, ERR_FORMAT, "it has no map");
	if (body->read(body->ctx, bytes, sizeof(bytes), s->body_offset, e) < 0 ||
	    delta_head_parse(bytes, ret, e) < 0)
		return err_wrap(e, "read the map");
	if (ret->map_size != s->body_size ||
	    ret->new_size != verity_n_blocks(h->images[0].size) * VERITY_BLOCK)
		return err_set(e, ERR_FORMAT, "the map is not of this image");
	return 0;
}

static int read_map(struct apply *a, uint64_t max_memory, struct err *e)
{
	const struct segment *s = &a->head->segments[0];
	uint64_t end = s->body_offset + s->body_size;
	struct delta_head h;

	if (patch_read_map_head(a->head, a->body, &h, e) < 0)
		return -1;
	a->delta = delta_new(&h, max_memory, a->old, e);
	if (a->delta == NULL)
		return -1;
	for (a->at = s->body_offset; !delta_map_done(a->delta);) {
		struct delta_io io = {0};

		if (a->at < end && look_at_body(a, &io.in, &io.in_len, e) < 0)
			return -1;
		if (io.in_len > end - a->at)
			io.in_len = (size_t)(end - a->at);
		if (delta_read_map(a->delta, &io, e) < 0)
			return err_wrap(e, "read the map");
		if (io.taken == 0 && !delta_map_done(a->delta))
			return err_set(e, ERR_FORMAT, "the map ends too early");
		a->at += io.taken;
	}
	return 0;
}

int patch_apply(const struct container_head *h, const struct delta_source *body,
		const struct delta_source *old, uint64_t max_memory,
		const struct patch_target *target, struct err *e)
{
	AUTO_PTR(apply) struct apply *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->head = h;
	a->body = body;
	a->old = old;
	a->target = target;
	if (h->kind != CONTAINER_DELTA || h->n_images != 1 || body->size < h->body_size)
		return err_set(e, ERR_UNSUPPORTED, "not the delta of one image");
	if (read_map(a, max_memory, e) < 0)
		return -1;
	for (size_t i = 1; i < h->n_segments; i++) {
		if (run_segment(a, &h->segments[i], e) < 0)
			return err_wrap(e, "segment %zu", i);
	}
	return 0;
}
