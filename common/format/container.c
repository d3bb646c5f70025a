/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a head goes in the order of the bytes: the fixed fields give the number of
 * images, their sizes the number of groups, body_size the number of chunks, and only if
 * all of these add up to exactly the bytes at hand are the tables looked at. Every
 * count is bounded by the length of the input before it is used, and all sums are of 64
 * bits.
 */
#include "container.h"

#include "../base/bytes.h"

#include <string.h>

#define MAGIC "OTACONT1"
#define MAGIC_LEN 8
#define FORMAT 1
#define FIXED_LEN 64u
#define RESERVED_AT 48u
#define RESERVED_LEN 16u
#define IMAGE_LEN 72u
#define SEGMENT_LEN 24u

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static int parse_fixed(const uint8_t *p, size_t len, struct container_head *ret,
		       struct err *e)
{
	if (len < FIXED_LEN || memcmp(p, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_FORMAT, "not a payload head");
	if (load_le16(p + 8) != FORMAT || p[10] > CONTAINER_DELTA ||
	    load_le32(p + 12) != 0)
		return err_set(e, ERR_UNSUPPORTED, "made for a newer reader");
	if (!all_zero(p + RESERVED_AT, RESERVED_LEN))
		return err_set(e, ERR_UNSUPPORTED,
			       "encrypted, or made for a newer reader");
	if (load_le64(p + 16) != len)
		return err_set(e, ERR_FORMAT, "%zu bytes, its size field says %llu",
			       len, (unsigned long long)load_le64(p + 16));
	ret->kind = (enum container_kind)p[10];
	ret->n_images = p[11];
	ret->body_size = load_le64(p + 24);
	ret->n_segments = load_le32(p + 32);
	ret->codecs = load_le32(p + 36);
	ret->memory = load_le64(p + 40);
	if (ret->n_images < 1 || ret->n_images > MAX_IMAGES)
		return err_set(e, ERR_FORMAT, "%zu images", ret->n_images);
	if ((ret->codecs & ~((1u << N_CODECS) - 1)) != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "a codec this version does not know");
	return 0;
}

static int parse_image(const uint8_t *p, enum container_kind kind,
		       struct container_image *ret, struct err *e)
{
	ret->size = load_le64(p);
	memcpy(ret->salt, p + 8, VERITY_SALT_LEN);
	memcpy(ret->base_root, p + 40, SHA256_LEN);
	if (ret->size == 0 || ret->size > IMAGE_MAX_BYTES)
		return err_set(e, ERR_FORMAT, "an image of %llu bytes",
			       (unsigned long long)ret->size);
	if (all_zero(ret->base_root, SHA256_LEN) != (kind == CONTAINER_FULL))
		return err_set(e, ERR_FORMAT, "an image's base is %s",
			       kind == CONTAINER_FULL ? "not zero" : "missing");
	ret->n_groups = (size_t)verity_n_groups(ret->size);
	return 0;
}

/* Where the tables are, once everything is known that says how long they are. */
struct layout {
	size_t groups;
	size_t segments;
	size_t chunks;
};

/* The head's length from its counts, or ERR_FORMAT. No sum can wrap: at most 4 x 2^21
 * groups, 2^32 segments and 2^48 chunks. */
static int find_tables(const struct container_head *h, size_t len, struct layout *ret,
		       struct err *e)
{
	uint64_t at = FIXED_LEN + h->n_images * (uint64_t)IMAGE_LEN;
	uint64_t groups = at, segments, chunks;

	for (size_t i = 0; i < h->n_images; i++)
		at += h->images[i].n_groups * (uint64_t)SHA256_LEN;
	segments = at;
	chunks = segments + h->n_segments * (uint64_t)SEGMENT_LEN;
	at = chunks + div_up_u64(h->body_size, CONTAINER_CHUNK) * SHA256_LEN;
	if (at != len)
		return err_set(e, ERR_FORMAT,
			       "%zu bytes, its images, segments and chunks need %llu",
			       len, (unsigned long long)at);
	*ret = (struct layout){(size_t)groups, (size_t)segments, (size_t)chunks};
	return 0;
}

/* What the segments so far have made. */
struct progress {
	size_t image;
	uint64_t block;	      /* next one of this image */
	uint64_t body_offset; /* next one of the body */
	uint32_t codecs;      /* seen so far */
	bool has_plan;	      /* of this image: its segments make the view */
	bool has_map;
	bool ended;	   /* the view: what is before is its last */
	bool may_continue; /* what is before has left something */
};

/* The encoded size that can be right: leaves in front of something that is not longer
 * than raw data would be. */
static int check_body_size(const struct segment *s, enum container_kind kind,
			   struct err *e)
{
	uint64_t leaves =
	    kind == CONTAINER_FULL ? s->n_blocks * (uint64_t)SHA256_LEN : 0;
	uint64_t raw = leaves + s->n_blocks * (uint64_t)VERITY_BLOCK;
	bool right;

	if ((s->flags & SEG_ZERO) != 0)
		right = s->body_size == 0 && s->codec == 0;
	else if (s->codec == CODEC_RAW)
		right = s->body_size == raw;
	else
		right = s->body_size > leaves && s->body_size < raw;
	if (!right)
		return err_set(e, ERR_FORMAT, "%llu encoded bytes cannot be right",
			       (unsigned long long)s->body_size);
	return 0;
}

/* How many blocks of the image are left; of a view that is not known. */
static uint64_t blocks_left(const struct container_head *h, const struct progress *p)
{
	if (p->has_plan)
		return p->ended ? 0 : UINT64_MAX;
	return verity_n_blocks(h->images[p->image].size) - p->block;
}

/* Is s the next piece of the output, and of a size a reader takes? */
static int check_blocks(const struct container_head *h, const struct progress *p,
			const struct segment *s, struct err *e)
{
	uint64_t left;

	if (s->image != p->image || p->image >= h->n_images)
		return err_set(e, ERR_FORMAT, "image %u is out of order", s->image);
	left = blocks_left(h, p);
	if (s->n_blocks == 0 || s->n_blocks > left)
		return err_set(e, ERR_FORMAT, "%u blocks where %llu are left",
			       (unsigned)s->n_blocks, (unsigned long long)left);
	if (s->n_blocks > CONTAINER_MAX_SEGMENT_BLOCKS)
		return err_set(e, ERR_LIMIT, "%u blocks are more than %u",
			       (unsigned)s->n_blocks, CONTAINER_MAX_SEGMENT_BLOCKS);
	if (s->n_blocks < left && s->n_blocks % VERITY_FANOUT != 0 && !p->has_plan)
		return err_set(e, ERR_FORMAT, "ends within a group");
	return 0;
}

/* A plan or a map: makes no blocks, and comes before what does. */
static bool is_lead(const struct segment *s)
{
	return s->codec == CODEC_PLAN || (s->flags & SEG_MAP) != 0;
}

static bool may_lead(const struct container_head *h, const struct progress *p,
		     const struct segment *s)
{
	if (s->image != p->image || p->image >= h->n_images || p->block > 0 ||
	    p->has_map || s->n_blocks > 0 || s->body_size == 0)
		return false;
	return s->codec == CODEC_PLAN ? s->flags == 0 && !p->has_plan
				      : s->flags == SEG_MAP && s->codec == CODEC_DELTA;
}

/* What only deltas have. */
static int check_flags(const struct container_head *h, const struct progress *p,
		       const struct segment *s, struct err *e)
{
	bool right = true;

	if ((s->flags & ~(SEG_ZERO | SEG_CONTINUES | SEG_MAP)) != 0 ||
	    s->codec >= N_CODECS ||
	    (h->kind == CONTAINER_FULL &&
	     (s->flags > SEG_ZERO || s->codec >= CODEC_DELTA)))
		return err_set(e, ERR_UNSUPPORTED, "made for a newer reader");
	if (is_lead(s))
		right = may_lead(h, p, s);
	else if (s->codec == CODEC_DELTA)
		right = p->has_map && (s->flags & SEG_ZERO) == 0 &&
			((s->flags & SEG_CONTINUES) == 0 || p->may_continue);
	else
		right = (s->flags & SEG_CONTINUES) == 0;
	if (!right)
		return err_set(e, ERR_FORMAT, "its flags %#x cannot be here",
			       (unsigned)s->flags);
	return 0;
}

static void next_image(struct progress *p)
{
	p->image++;
	p->block = 0;
	p->has_plan = p->has_map = p->ended = p->may_continue = false;
}

static void take_blocks(const struct container_head *h, struct progress *p,
			struct segment *s)
{
	s->first_block = p->block;
	p->block += s->n_blocks;
	p->ended = s->n_blocks % VERITY_FANOUT != 0;
	if (!p->has_plan && p->block == verity_n_blocks(h->images[p->image].size))
		next_image(p);
}

static int check_segment(const struct container_head *h, struct progress *p,
			 struct segment *s, struct err *e)
{
	/* A view ends where the next image begins. */
	if (p->has_plan && p->block > 0 && s->image != p->image)
		next_image(p);
	if (!is_lead(s) && check_blocks(h, p, s, e) < 0)
		return -1;
	if (check_flags(h, p, s, e) < 0)
		return -1;
	if (s->body_offset != p->body_offset)
		return err_set(e, ERR_FORMAT,
			       "does not begin where the one before ends");
	if (!is_lead(s) && check_body_size(s, h->kind, e) < 0)
		return -1;
	if (!add_u64(p->body_offset, s->body_size, &p->body_offset))
		return err_set(e, ERR_FORMAT, "ends beyond everything");
	if ((s->flags & SEG_ZERO) == 0)
		p->codecs |= 1u << s->codec;
	p->has_plan = p->has_plan || s->codec == CODEC_PLAN;
	p->has_map = p->has_map || (s->flags & SEG_MAP) != 0;
	p->may_continue = !is_lead(s) && s->codec == CODEC_DELTA;
	take_blocks(h, p, s);
	return 0;
}

static void load_segment(const uint8_t *p, struct segment *ret)
{
	ret->image = p[0];
	ret->codec = p[1];
	ret->flags = load_le16(p + 2);
	ret->n_blocks = load_le32(p + 4);
	ret->body_offset = load_le64(p + 8);
	ret->body_size = load_le64(p + 16);
}

static int parse_segments(struct container_head *h, const uint8_t *table, struct err *e)
{
	struct progress p = {0};

	h->segments =
	    calloc(h->n_segments > 0 ? h->n_segments : 1, sizeof(*h->segments));
	if (h->segments == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < h->n_segments; i++) {
		load_segment(table + i * SEGMENT_LEN, &h->segments[i]);
		if (check_segment(h, &p, &h->segments[i], e) < 0)
			return err_wrap(e, "segment %zu", i);
	}
	if (p.has_plan && p.block > 0)
		next_image(&p);
	if (p.image != h->n_images)
		return err_set(e, ERR_FORMAT, "the segments make %zu of %zu images",
			       p.image, h->n_images);
	if (p.body_offset != h->body_size)
		return err_set(e, ERR_FORMAT, "the segments do not fill the body");
	if (p.codecs != h->codecs)
		return err_set(e, ERR_FORMAT,
			       "the codecs are not those of the segments");
	return 0;
}

static int parse(struct container_head *h, size_t len, struct err *e)
{
	struct layout at;
	const uint8_t *groups;

	if (parse_fixed(h->bytes, len, h, e) < 0)
		return -1;
	if (len < FIXED_LEN + h->n_images * (size_t)IMAGE_LEN)
		return err_set(e, ERR_FORMAT, "ends within its images");
	for (size_t i = 0; i < h->n_images; i++) {
		if (parse_image(h->bytes + FIXED_LEN + i * IMAGE_LEN, h->kind,
				&h->images[i], e) < 0)
			return -1;
	}
	if (find_tables(h, len, &at, e) < 0)
		return -1;
	groups = h->bytes + at.groups;
	for (size_t i = 0; i < h->n_images; i++) {
		h->images[i].groups = groups;
		groups += h->images[i].n_groups * SHA256_LEN;
	}
	h->chunks = h->bytes + at.chunks;
	h->n_chunks = (size_t)div_up_u64(h->body_size, CONTAINER_CHUNK);
	return parse_segments(h, h->bytes + at.segments, e);
}

int container_head_parse(const void *data, size_t len, struct container_head *ret,
			 struct err *e)
{
	*ret = (struct container_head){0};
	if (len > CONTAINER_HEAD_MAX_BYTES)
		return err_set(e, ERR_LIMIT,
			       "read payload head: %zu bytes, more than %u", len,
			       CONTAINER_HEAD_MAX_BYTES);
	ret->bytes = malloc(len > 0 ? len : 1);
	if (ret->bytes == NULL)
		return err_nomem(e);
	if (len > 0)
		memcpy(ret->bytes, data, len);
	if (parse(ret, len, e) < 0) {
		container_head_fini(ret);
		return err_wrap(e, "read payload head");
	}
	return 0;
}

void container_head_fini(struct container_head *h)
{
	free(h->segments);
	free(h->bytes);
	*h = (struct container_head){0};
}

static int check_image(const struct container_image *c, const struct image *m,
		       struct err *e)
{
	uint8_t root[SHA256_LEN];

	if (c->size != m->size)
		return err_set(e, ERR_DIGEST, "%llu bytes, the manifest says %llu",
			       (unsigned long long)c->size,
			       (unsigned long long)m->size);
	if (memcmp(c->salt, m->salt, VERITY_SALT_LEN) != 0)
		return err_set(e, ERR_DIGEST, "not the manifest's salt");
	if (verity_root(c->salt, c->groups, c->n_groups, verity_n_blocks(c->size), root,
			e) < 0)
		return -1;
	if (memcmp(root, m->root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "its groups do not lead to the manifest's root hash");
	return 0;
}

int container_check_matches(const struct container_head *h, const struct manifest *m,
			    struct err *e)
{
	if (h->n_images != m->n_images)
		return err_set(e, ERR_DIGEST,
			       "payload head: %zu images, the manifest has %zu",
			       h->n_images, m->n_images);
	if (h->kind == CONTAINER_FULL && h->body_size != m->payload_body_size)
		return err_set(
		    e, ERR_DIGEST,
		    "payload head: a body of %llu bytes, the manifest says %llu",
		    (unsigned long long)h->body_size,
		    (unsigned long long)m->payload_body_size);
	for (size_t i = 0; i < h->n_images; i++) {
		if (check_image(&h->images[i], &m->images[i], e) < 0)
			return err_wrap(e, "payload head: image \"%s\"",
					m->images[i].name);
	}
	return 0;
}

const struct segment *container_plan(const struct container_head *h, unsigned image)
{
	for (size_t i = 0; i < h->n_segments; i++) {
		if (h->segments[i].image == image)
			return h->segments[i].codec == CODEC_PLAN ? &h->segments[i]
								  : NULL;
	}
	return NULL;
}

uint64_t container_made_blocks(const struct container_head *h, unsigned image)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h->n_segments; i++) {
		if (h->segments[i].image == image)
			n += h->segments[i].n_blocks;
	}
	return n;
}

size_t container_chunk_len(const struct container_head *h, size_t index)
{
	uint64_t begin = (uint64_t)index * CONTAINER_CHUNK;

	if (index >= h->n_chunks)
		return 0;
	return h->body_size - begin < CONTAINER_CHUNK ? (size_t)(h->body_size - begin)
						      : CONTAINER_CHUNK;
}

int container_check_chunk(const struct container_head *h, size_t index,
			  const void *data, size_t len, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (index >= h->n_chunks || len != container_chunk_len(h, index))
		return err_set(e, ERR_DIGEST, "chunk %zu: %zu bytes, not %zu", index,
			       len, container_chunk_len(h, index));
	if (sha256(data, len, digest, e) < 0)
		return -1;
	if (memcmp(digest, h->chunks + index * SHA256_LEN, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "chunk %zu is not what was signed",
			       index);
	return 0;
}

static int write_fixed(const struct container_head *h, uint64_t head_size,
		       struct buf *ret, struct err *e)
{
	uint8_t p[FIXED_LEN] = MAGIC;

	store_le16(p + 8, FORMAT);
	p[10] = (uint8_t)h->kind;
	p[11] = (uint8_t)h->n_images;
	store_le64(p + 16, head_size);
	store_le64(p + 24, h->body_size);
	store_le32(p + 32, (uint32_t)h->n_segments);
	store_le32(p + 36, h->codecs);
	store_le64(p + 40, h->memory);
	return buf_add(ret, p, sizeof(p), e);
}

static int write_images(const struct container_head *h, struct buf *ret, struct err *e)
{
	for (size_t i = 0; i < h->n_images; i++) {
		uint8_t p[IMAGE_LEN];

		store_le64(p, h->images[i].size);
		memcpy(p + 8, h->images[i].salt, VERITY_SALT_LEN);
		memcpy(p + 40, h->images[i].base_root, SHA256_LEN);
		if (buf_add(ret, p, sizeof(p), e) < 0)
			return -1;
	}
	for (size_t i = 0; i < h->n_images; i++) {
		if (buf_add(ret, h->images[i].groups,
			    h->images[i].n_groups * SHA256_LEN, e) < 0)
			return -1;
	}
	return 0;
}

static int write_segment(const struct segment *s, struct buf *ret, struct err *e)
{
	uint8_t p[SEGMENT_LEN];

	p[0] = s->image;
	p[1] = s->codec;
	store_le16(p + 2, s->flags);
	store_le32(p + 4, s->n_blocks);
	store_le64(p + 8, s->body_offset);
	store_le64(p + 16, s->body_size);
	return buf_add(ret, p, sizeof(p), e);
}

static int write_all(const struct container_head *h, struct buf *ret, struct err *e)
{
	uint64_t size = FIXED_LEN + h->n_images * (uint64_t)IMAGE_LEN +
			h->n_segments * (uint64_t)SEGMENT_LEN +
			h->n_chunks * (uint64_t)SHA256_LEN;

	for (size_t i = 0; i < h->n_images; i++)
		size += h->images[i].n_groups * (uint64_t)SHA256_LEN;
	if (write_fixed(h, size, ret, e) < 0 || write_images(h, ret, e) < 0)
		return -1;
	for (size_t i = 0; i < h->n_segments; i++) {
		if (write_segment(&h->segments[i], ret, e) < 0)
			return -1;
	}
	return buf_add(ret, h->chunks, h->n_chunks * SHA256_LEN, e);
}

/* What was laid out is read back: nothing leaves that a reader would refuse. */
int container_head_write(const struct container_head *h, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	AUTO(container_head) struct container_head back = {0};

	if (h->n_images < 1 || h->n_images > MAX_IMAGES || h->n_segments > UINT32_MAX)
		return err_set(e, ERR_USAGE,
			       "write payload head: %zu images, %zu segments",
			       h->n_images, h->n_segments);
	if (write_all(h, &bytes, e) < 0 ||
	    container_head_parse(bytes.data, bytes.len, &back, e) < 0)
		return err_wrap(e, "write payload head");
	return buf_add(ret, bytes.data, bytes.len, e);
}
