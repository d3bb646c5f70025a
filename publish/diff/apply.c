/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta's body on its way: chunk -> check -> decoder -> block -> leaf -> group -> out.
 * A group's bytes wait until it was compared. Between decoder and block stands the packer
 * where the image is unwrapped.
 */
#include "patch.h"

#include <string.h>
#include <zstd.h>

#define STEP_BYTES (64u * 1024)

/* Stands for a device's scratch area: as large as what was written. */
struct area {
	uint8_t *data;
	size_t len, room;
};

struct apply {
	const struct container_head *head;
	const struct delta_source *body;
	struct delta_source old; /* the image */
	const struct patch_limits *limits;
	const struct patch_target *target;
	struct delta *delta;
	ZSTD_DCtx *zstd;
	struct area scratch;
	struct recode_wrap *wrap; /* NULL: the segments make the image itself */
	uint8_t *view;		  /* STEP_BYTES, where there is one */
	uint64_t view_at;
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
	recode_wrap_free(a->wrap);
	(void)ZSTD_freeDCtx(a->zstd);
	free(a->scratch.data);
	free(a->view);
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

/* Bytes of the image, in order. */
static int put_image(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct apply *a = ctx;

	while (len > 0) {
		size_t n = VERITY_GROUP - a->group_len;

		n = n < len ? n : len;
		memcpy(a->made + a->group_len, data, n);
		a->group_len += (uint32_t)n;
		data += n;
		len -= n;
		if (a->group_len == VERITY_GROUP && check_group(a, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- one segment ---- */

static void run_raw(struct delta_io *io)
{
	io->taken = io->made = io->in_len < io->room ? io->in_len : io->room;
	if (io->made > 0)
		memcpy(io->out, io->in, io->made);
}

static int run_zstd(struct apply *a, struct delta_io *io, struct err *e)
{
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->room, 0};
	size_t code = ZSTD_decompressStream(a->zstd, &out, &in);

	if (ZSTD_isError(code))
		return err_set(e, ERR_FORMAT, "zstd: %s", ZSTD_getErrorName(code));
	io->taken = in.pos;
	io->made = out.pos;
	return 0;
}

static int run(struct apply *a, const struct segment *s, struct delta_io *io,
	       struct err *e)
{
	if (s->codec == CODEC_DELTA)
		return delta_run(a->delta, io, e);
	if (s->codec == CODEC_ZSTD)
		return run_zstd(a, io, e);
	run_raw(io);
	return 0;
}

/* What was made, where it was made. */
static int take_made(struct apply *a, size_t len, struct err *e)
{
	if (a->wrap == NULL) {
		a->group_len += (uint32_t)len;
		return a->group_len == VERITY_GROUP ? check_group(a, e) : 0;
	}
	a->view_at += len;
	return recode_wrap_add(a->wrap, a->view_at - len, a->view, len, e);
}

/* Moves one piece of a segment on; `left` are the bytes that it has yet to make. */
static int move_on(struct apply *a, const struct segment *s, uint64_t *left,
		   struct err *e)
{
	uint64_t body_left = s->body_offset + s->body_size - a->at;
	struct delta_io io = {.out = a->made + a->group_len,
			      .room = VERITY_GROUP - a->group_len};

	if (a->wrap != NULL) {
		io.out = a->view;
		io.room = STEP_BYTES;
	}
	if (body_left > 0 && look_at_body(a, &io.in, &io.in_len, e) < 0)
		return -1;
	if (io.in_len > body_left)
		io.in_len = (size_t)body_left;
	if (io.room > *left)
		io.room = (size_t)*left;
	if (run(a, s, &io, e) < 0)
		return -1;
	if (io.taken + io.made == 0)
		return err_set(e, ERR_FORMAT, "it does not end where it should");
	a->at += io.taken;
	*left -= io.made;
	return take_made(a, io.made, e);
}

static int start_zstd(struct apply *a, struct err *e)
{
	if (a->zstd == NULL)
		a->zstd = ZSTD_createDCtx();
	if (a->zstd == NULL)
		return err_nomem(e);
	(void)ZSTD_DCtx_reset(a->zstd, ZSTD_reset_session_only);
	(void)ZSTD_DCtx_setParameter(a->zstd, ZSTD_d_windowLogMax,
				     CONTAINER_WINDOW_LOG);
	return 0;
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
	if (s->codec == CODEC_ZSTD)
		return start_zstd(a, e);
	if (a->delta == NULL)
		return err_set(e, ERR_FORMAT, "its map was not read");
	return delta_start(a->delta, &d, e);
}

static bool is_done(const struct apply *a, const struct segment *s, uint64_t left)
{
	if (s->codec == CODEC_DELTA)
		return delta_segment_done(a->delta);
	return left == 0 && a->at == s->body_offset + s->body_size;
}

static int run_segment(struct apply *a, const struct segment *s, struct err *e)
{
	uint64_t left = s->n_blocks * (uint64_t)VERITY_BLOCK;

	if ((s->flags & SEG_ZERO) != 0)
		return err_set(e, ERR_UNSUPPORTED, "zeros, which deltas do not have");
	if (start(a, s, e) < 0)
		return -1;
	while (!is_done(a, s, left)) {
		if (move_on(a, s, &left, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- the unwrapping plan ---- */

static int read_image(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	const struct delta_source *old = ctx;

	return old->read(old->ctx, ret, len, offset, e);
}

static int read_scratch(void *ctx, uint64_t offset, void *ret, size_t len,
			struct err *e)
{
	const struct area *a = ctx;

	if (offset > a->len || len > a->len - offset)
		return err_set(e, ERR_RANGE, "beyond the scratch area");
	memcpy(ret, a->data + offset, len);
	return 0;
}

static int write_scratch(void *ctx, uint64_t offset, const void *data, size_t len,
			 struct err *e)
{
	struct area *a = ctx;

	if (offset + len > a->room) {
		size_t room = (offset + len) * 2;
		uint8_t *grown = realloc(a->data, room);

		if (grown == NULL)
			return err_nomem(e);
		a->data = grown;
		a->room = room;
	}
	memcpy(a->data + offset, data, len);
	a->len = offset + len > a->len ? offset + len : a->len;
	return 0;
}

/* All bytes of a segment. */
static int read_whole(struct apply *a, const struct segment *s, struct buf *ret,
		      struct err *e)
{
	uint64_t end = s->body_offset + s->body_size;

	for (a->at = s->body_offset; a->at < end;) {
		const uint8_t *data;
		size_t n;

		if (look_at_body(a, &data, &n, e) < 0)
			return -1;
		n = n < end - a->at ? n : (size_t)(end - a->at);
		if (buf_add(ret, data, n, e) < 0)
			return -1;
		a->at += n;
	}
	return 0;
}

static int read_plan(struct apply *a, const struct segment *s, struct err *e)
{
	AUTO(buf) struct buf plan = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	const struct recode_scratch scratch = {{read_scratch, &a->scratch},
					       write_scratch,
					       a->limits->unwrap.limit.scratch_bytes};
	struct recode_wrap_spec spec = {.means = a->limits->unwrap,
					.old_image = {read_image, &a->old},
					.old_blocks = a->old.size / VERITY_BLOCK,
					.new_size = a->head->images[0].size,
					.scratch = &scratch,
					.out = {put_image, a}};

	if (read_whole(a, s, &plan, e) < 0)
		return -1;
	spec.plan = plan.data;
	spec.plan_len = plan.len;
	a->view = malloc(STEP_BYTES);
	if (a->view == NULL)
		return err_nomem(e);
	return recode_wrap_new(&spec, &a->wrap, e);
}

/* ---- the map ---- */

static const struct segment *find_map(const struct container_head *h)
{
	const struct segment *s = h->segments, *end = s + h->n_segments;

	if (s < end && s->codec == CODEC_PLAN)
		s++;
	return s < end && (s->flags & SEG_MAP) != 0 ? s : NULL;
}

int patch_read_map_head(const struct container_head *h, const struct delta_source *body,
			struct delta_head *ret, struct err *e)
{
	const struct segment *s = find_map(h);
	uint8_t bytes[DELTA_HEAD_LEN];

	if (s == NULL || s->body_size < DELTA_HEAD_LEN)
		return err_set(e, ERR_FORMAT, "it has no map");
	if (body->read(body->ctx, bytes, sizeof(bytes), s->body_offset, e) < 0 ||
	    delta_head_parse(bytes, ret, e) < 0)
		return err_wrap(e, "read the map");
	if (ret->map_size != s->body_size ||
	    ret->new_size != container_made_blocks(h, 0) * VERITY_BLOCK)
		return err_set(e, ERR_FORMAT, "the map is not of this image");
	return 0;
}

static int read_map(struct apply *a, const struct segment *s, struct err *e)
{
	uint64_t end = s->body_offset + s->body_size;
	struct delta_source old = a->old;
	struct delta_head h;

	if (a->wrap != NULL)
		old = (struct delta_source){recode_wrap_read, a->wrap,
					    recode_wrap_old_size(a->wrap)};
	if (patch_read_map_head(a->head, a->body, &h, e) < 0)
		return -1;
	a->delta = delta_new(&h, a->limits->delta_memory, &old, e);
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

static int take_segment(struct apply *a, const struct segment *s, struct err *e)
{
	if (s->codec == CODEC_PLAN)
		return read_plan(a, s, e);
	return (s->flags & SEG_MAP) != 0 ? read_map(a, s, e) : run_segment(a, s, e);
}

/* What waits for more of its group, which does not come any more. */
static int finish(struct apply *a, struct err *e)
{
	uint64_t n = verity_n_groups(a->head->images[0].size);

	if (a->wrap != NULL && recode_wrap_end(a->wrap, e) < 0)
		return -1;
	if (a->group_len > 0 && check_group(a, e) < 0)
		return -1;
	return a->group == n ? 0 : err_set(e, ERR_FORMAT, "it makes too little");
}

int patch_apply(const struct container_head *h, const struct delta_source *body,
		const struct delta_source *old, const struct patch_limits *limits,
		const struct patch_target *target, struct err *e)
{
	AUTO_PTR(apply) struct apply *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->head = h;
	a->body = body;
	a->old = *old;
	a->limits = limits;
	a->target = target;
	if (h->kind != CONTAINER_DELTA || h->n_images != 1 || body->size < h->body_size)
		return err_set(e, ERR_UNSUPPORTED, "not the delta of one image");
	for (size_t i = 0; i < h->n_segments; i++) {
		if (take_segment(a, &h->segments[i], e) < 0)
			return err_wrap(e, "segment %zu", i);
	}
	return finish(a, e);
}
