/* SPDX-License-Identifier: Apache-2.0 */
#include "patch.h"

#include <string.h>

struct join {
	struct container_head parts[MAX_IMAGES];
	struct container_head head;
	struct buf groups, segments, chunks;
};

static void join_fini(struct join *j)
{
	for (size_t i = 0; i < MAX_IMAGES; i++)
		container_head_fini(&j->parts[i]);
	buf_fini(&j->groups);
	buf_fini(&j->segments);
	buf_fini(&j->chunks);
}

static int add_segments(struct join *j, size_t index, uint64_t body_at, struct err *e)
{
	const struct container_head *h = &j->parts[index];

	for (size_t i = 0; i < h->n_segments; i++) {
		struct segment s = h->segments[i];

		s.image = (uint8_t)index;
		s.body_offset += body_at;
		if (buf_add(&j->segments, &s, sizeof(s), e) < 0)
			return -1;
	}
	j->head.n_segments += h->n_segments;
	return buf_add(&j->groups, h->images[0].groups,
		       h->images[0].n_groups * SHA256_LEN, e);
}

static int add_part(struct join *j, size_t i, const struct patch_part *p,
		    struct buf *body, struct err *e)
{
	struct container_head *h = &j->parts[i];
	uint64_t body_at = j->head.body_size;

	if (container_head_parse(p->head, p->head_len, h, e) < 0)
		return -1;
	if (h->kind != CONTAINER_DELTA || h->n_images != 1 ||
	    h->body_size != p->body_len)
		return err_set(e, ERR_FORMAT, "not the delta of one image");
	j->head.images[i] = h->images[0];
	j->head.codecs |= h->codecs;
	if (j->head.memory < h->memory)
		j->head.memory = h->memory;
	j->head.body_size += h->body_size;
	return add_segments(j, i, body_at, e) < 0
		   ? -1
		   : buf_add(body, p->body, p->body_len, e);
}

static int add_chunks(struct join *j, const uint8_t *body, struct err *e)
{
	for (uint64_t at = 0; at < j->head.body_size; at += CONTAINER_CHUNK) {
		uint64_t left = j->head.body_size - at;
		uint8_t digest[SHA256_LEN];

		if (sha256(body + at,
			   left < CONTAINER_CHUNK ? (size_t)left : CONTAINER_CHUNK,
			   digest, e) < 0 ||
		    buf_add(&j->chunks, digest, sizeof(digest), e) < 0)
			return -1;
	}
	return 0;
}

/* The tables are complete, and will not move any more. */
static void point(struct join *j)
{
	const uint8_t *groups = j->groups.data;

	for (size_t i = 0; i < j->head.n_images; i++) {
		j->head.images[i].groups = groups;
		groups += j->head.images[i].n_groups * SHA256_LEN;
	}
	j->head.segments = (struct segment *)(void *)j->segments.data;
	j->head.chunks = j->chunks.data;
	j->head.n_chunks = j->chunks.len / SHA256_LEN;
}

int patch_join(const struct patch_part *parts, size_t n_parts, struct buf *ret_head,
	       struct buf *ret_body, struct err *e)
{
	AUTO(join) struct join j = {.head.kind = CONTAINER_DELTA};
	size_t before = ret_body->len;

	buf_init(&j.groups, CONTAINER_HEAD_MAX_BYTES);
	buf_init(&j.segments, CONTAINER_HEAD_MAX_BYTES);
	buf_init(&j.chunks, CONTAINER_HEAD_MAX_BYTES);
	if (n_parts < 1 || n_parts > MAX_IMAGES)
		return err_set(e, ERR_USAGE, "a delta of %zu images", n_parts);
	for (; j.head.n_images < n_parts; j.head.n_images++) {
		if (add_part(&j, j.head.n_images, &parts[j.head.n_images], ret_body,
			     e) < 0)
			return err_wrap(e, "image %zu", j.head.n_images);
	}
	if (add_chunks(&j, ret_body->data + before, e) < 0)
		return -1;
	point(&j);
	return container_head_write(&j.head, ret_head, e);
}
