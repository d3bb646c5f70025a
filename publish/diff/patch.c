/* SPDX-License-Identifier: Apache-2.0 */
#include "patch.h"

#include "../../common/base/file.h"
#include "diff.h"
#include "full.h"

#include <string.h>

#define SEGMENT_BLOCKS CONTAINER_MAX_SEGMENT_BLOCKS
#define MAX_BLOCKS_BYTES ((uint64_t)INT32_MAX / VERITY_BLOCK * VERITY_BLOCK)

/* Padded to whole ones. */
struct blocks {
	uint8_t *data; /* owned */
	uint64_t size;
};

struct maker {
	const struct patch_spec *spec;
	struct blocks old_image, new_image, old_view, new_view;
	struct blocks *from, *to; /* what the delta is between */
	struct full *full;
	struct diff *diff;
	struct container_head head;
	struct buf groups, segments, chunks;
	struct buf *body;
};

static void maker_fini(struct maker *m)
{
	free(m->old_image.data);
	free(m->new_image.data);
	free(m->old_view.data);
	free(m->new_view.data);
	full_free(m->full);
	diff_free(m->diff);
	buf_fini(&m->groups);
	buf_fini(&m->segments);
	buf_fini(&m->chunks);
}

static int pad(const uint8_t *data, uint64_t size, struct blocks *ret, struct err *e)
{
	ret->size = verity_n_blocks(size) * VERITY_BLOCK;
	ret->data = calloc(1, (size_t)ret->size + 1);
	if (ret->data == NULL)
		return err_nomem(e);
	if (size > 0)
		memcpy(ret->data, data, (size_t)size);
	return 0;
}

static int hash_image(const uint8_t *data, uint64_t size,
		      const uint8_t salt[VERITY_SALT_LEN], struct buf *ret_groups,
		      uint8_t ret_root[SHA256_LEN], struct err *e)
{
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(salt, size, e);
	const uint8_t *groups;
	size_t n_groups;

	if (h == NULL)
		return -1;
	for (uint64_t at = 0; at < size; at += VERITY_BLOCK) {
		if (verity_hasher_add(h, data + at, e) < 0)
			return -1;
	}
	if (verity_hasher_end(h, ret_root, &groups, &n_groups, e) < 0)
		return -1;
	return ret_groups == NULL
		   ? 0
		   : buf_add(ret_groups, groups, n_groups * SHA256_LEN, e);
}

static int hash_images(struct maker *m, struct err *e)
{
	struct container_image *c = &m->head.images[0];
	uint8_t root[SHA256_LEN];

	c->size = m->spec->new_size;
	memcpy(c->salt, m->spec->salt, VERITY_SALT_LEN);
	if (hash_image(m->old_image.data, m->old_image.size, c->salt, NULL,
		       c->base_root, e) < 0 ||
	    hash_image(m->new_image.data, m->new_image.size, c->salt, &m->groups, root,
		       e) < 0)
		return -1;
	c->groups = m->groups.data;
	c->n_groups = m->groups.len / SHA256_LEN;
	m->head.kind = CONTAINER_DELTA;
	m->head.n_images = 1;
	return 0;
}

static int add_segment(struct maker *m, struct segment *s, size_t before, struct err *e)
{
	s->body_offset = before;
	s->body_size = m->body->len - before;
	m->head.codecs |= 1u << s->codec;
	m->head.n_segments++;
	return buf_add(&m->segments, s, sizeof(*s), e);
}

static int add_plan(struct maker *m, struct err *e)
{
	struct segment s = {.codec = CODEC_PLAN};
	const struct patch_view *v = m->spec->view;

	if (v == NULL)
		return 0;
	if (buf_add(m->body, v->plan, v->plan_len, e) < 0)
		return -1;
	return add_segment(m, &s, 0, e);
}

static int add_map(struct maker *m, struct err *e)
{
	struct segment s = {.codec = CODEC_DELTA, .flags = SEG_MAP};
	size_t before = m->body->len;
	struct delta_head h;

	if (diff_map(m->diff, m->body, e) < 0 ||
	    delta_head_parse(m->body->data + before, &h, e) < 0)
		return -1;
	m->head.memory = h.memory;
	return add_segment(m, &s, before, e);
}

/* As predicted, or without the old image if that is no longer. */
static int add_blocks(struct maker *m, uint64_t at, uint32_t len, struct err *e)
{
	struct segment s = {.codec = CODEC_DELTA, .n_blocks = len / VERITY_BLOCK};
	size_t before = m->body->len;
	const uint8_t *full;
	size_t full_len;
	bool continues;

	if (diff_segment(m->diff, len, m->body, &continues, e) < 0 ||
	    full_encode(m->full, m->to->data + at, len, m->body->len - before, &full,
			&full_len, e) < 0)
		return -1;
	s.flags = continues ? SEG_CONTINUES : 0;
	if (full_len > 0) {
		buf_cut(m->body, before);
		diff_forget(m->diff);
		s.codec = full_len < len ? CODEC_ZSTD : CODEC_RAW;
		s.flags = 0;
		if (buf_add(m->body, full, full_len, e) < 0)
			return -1;
	}
	return add_segment(m, &s, before, e);
}

static uint32_t segment_blocks(const struct patch_spec *spec)
{
	return spec->segment_blocks > 0 ? spec->segment_blocks : SEGMENT_BLOCKS;
}

static int add_body(struct maker *m, struct err *e)
{
	const struct diff_input in = {m->from->data, m->from->size, m->to->data,
				      m->to->size};
	const struct diff_options options = {m->spec->max_memory, m->spec->group_bytes,
					     m->spec->progress, m->spec->ctx};
	uint32_t step = segment_blocks(m->spec) * VERITY_BLOCK;

	m->diff = diff_new(&in, &options, e);
	m->full = full_new(e);
	if (m->diff == NULL || m->full == NULL || add_plan(m, e) < 0 ||
	    add_map(m, e) < 0)
		return -1;
	for (uint64_t at = 0; at < m->to->size; at += step) {
		uint64_t left = m->to->size - at;

		if (add_blocks(m, at, left < step ? (uint32_t)left : step, e) < 0)
			return -1;
	}
	m->head.body_size = m->body->len;
	return 0;
}

static int add_chunks(struct maker *m, struct err *e)
{
	for (size_t at = 0; at < m->body->len; at += CONTAINER_CHUNK) {
		size_t left = m->body->len - at;
		uint8_t digest[SHA256_LEN];

		if (sha256(m->body->data + at,
			   left < CONTAINER_CHUNK ? left : CONTAINER_CHUNK, digest,
			   e) < 0 ||
		    buf_add(&m->chunks, digest, sizeof(digest), e) < 0)
			return -1;
	}
	m->head.chunks = m->chunks.data;
	m->head.n_chunks = m->chunks.len / SHA256_LEN;
	m->head.segments = (struct segment *)(void *)m->segments.data;
	return 0;
}

/* What a reader of memory needs. */
struct memory {
	const uint8_t *data;
	uint64_t at;
};

static int read_memory(void *ctx, void *ret_data, size_t len, uint64_t offset,
		       struct err *e)
{
	const struct memory *m = ctx;

	(void)e;
	memcpy(ret_data, m->data + offset, len);
	return 0;
}

static int compare(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct memory *m = ctx;

	if (memcmp(m->data + m->at, data, len) != 0)
		return err_set(e, ERR_INTERNAL, "the result differs at %llu",
			       (unsigned long long)m->at);
	m->at += len;
	return 0;
}

static int prove(struct maker *m, const struct buf *head_bytes, struct err *e)
{
	struct memory body = {m->body->data, 0}, old = {m->old_image.data, 0};
	struct memory result = {m->new_image.data, 0};
	const struct delta_source body_source = {read_memory, &body, m->body->len};
	const struct delta_source old_source = {read_memory, &old, m->old_image.size};
	const struct patch_target target = {compare, &result};
	AUTO(container_head) struct container_head h = {0};
	struct patch_limits limits = {0};

	if (container_head_parse(head_bytes->data, head_bytes->len, &h, e) < 0)
		return -1;
	limits.delta_memory = h.memory;
	if (m->spec->view != NULL)
		limits.unwrap = m->spec->view->means;
	if (patch_apply(&h, &body_source, &old_source, &limits, &target, e) < 0)
		return -1;
	if (result.at != m->new_image.size)
		return err_set(e, ERR_INTERNAL, "the result is too short");
	return 0;
}

static int copy_input(struct maker *m, struct err *e)
{
	const struct patch_spec *s = m->spec;

	if (pad(s->old_data, s->old_size, &m->old_image, e) < 0 ||
	    pad(s->new_data, s->new_size, &m->new_image, e) < 0)
		return -1;
	m->from = &m->old_image;
	m->to = &m->new_image;
	if (s->view == NULL)
		return 0;
	if (pad(s->view->old_data, s->view->old_size, &m->old_view, e) < 0 ||
	    pad(s->view->new_data, s->view->new_size, &m->new_view, e) < 0)
		return -1;
	m->from = &m->old_view;
	m->to = &m->new_view;
	return 0;
}

static int make(struct maker *m, struct buf *ret_head, struct err *e)
{
	if (copy_input(m, e) < 0 || hash_images(m, e) < 0 || add_body(m, e) < 0 ||
	    add_chunks(m, e) < 0 || container_head_write(&m->head, ret_head, e) < 0)
		return -1;
	if (prove(m, ret_head, e) < 0)
		return err_wrap(e, "apply what was made");
	return 0;
}

static bool has_size(uint64_t size)
{
	return size > 0 && size <= MAX_BLOCKS_BYTES;
}

int patch_make(const struct patch_spec *spec, struct buf *ret_head,
	       struct buf *ret_body, struct err *e)
{
	AUTO(maker) struct maker m = {.spec = spec, .body = ret_body};

	if (!has_size(spec->old_size) || !has_size(spec->new_size))
		return err_set(e, ERR_LIMIT,
			       "a delta of %llu and %llu bytes: 1 to %llu can be",
			       (unsigned long long)spec->old_size,
			       (unsigned long long)spec->new_size,
			       (unsigned long long)MAX_BLOCKS_BYTES);
	if (spec->view != NULL &&
	    (!has_size(spec->view->old_size) || !has_size(spec->view->new_size)))
		return err_set(e, ERR_LIMIT, "the images are too large unwrapped");
	if (spec->segment_blocks % VERITY_FANOUT != 0 ||
	    spec->segment_blocks > SEGMENT_BLOCKS)
		return err_set(e, ERR_USAGE, "segments of %u blocks",
			       (unsigned)spec->segment_blocks);
	buf_init(&m.groups, CONTAINER_HEAD_MAX_BYTES);
	buf_init(&m.segments, CONTAINER_HEAD_MAX_BYTES);
	buf_init(&m.chunks, CONTAINER_HEAD_MAX_BYTES);
	return make(&m, ret_head, e);
}
