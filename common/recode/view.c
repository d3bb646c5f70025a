/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <string.h>

struct slot {
	const struct recode_piece *piece; /* NULL: empty */
	uint64_t used_at;
	uint8_t *data; /* slot_size bytes of v->cache */
};

struct recode_view {
	const struct recode_plan *plan;
	const struct recode_map *map;
	const struct recode_codec *const *codecs;
	struct recode_reader image;
	struct recode_reader scratch;
	struct recode_arena arena;
	uint8_t *cache;
	struct slot slots[RECODE_MAX_SLOTS];
	uint64_t clock; /* counts uses */
};

/* The encoded bytes of a piece, in order. */
struct enc_source {
	const struct recode_reader *image;
	uint64_t at;
	uint64_t end;
};

static int read_enc(void *ctx, void *ret, size_t room, size_t *ret_len, struct err *e)
{
	struct enc_source *s = ctx;
	uint64_t left = s->end - s->at;
	size_t n = left < room ? (size_t)left : room;

	*ret_len = n;
	if (n == 0)
		return 0;
	if (s->image->read(s->image->ctx, s->at, ret, n, e) < 0)
		return err_wrap(e, "read the old image");
	s->at += n;
	return 0;
}

/* Where plain bytes go: a slot, or the scratch area at an offset. */
struct plain_sink {
	uint8_t *slot;
	const struct recode_scratch *scratch;
	uint64_t base;
	uint64_t made;
	uint64_t room;
};

static int write_plain(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct plain_sink *s = ctx;

	if (len > s->room - s->made)
		return err_set(e, ERR_FORMAT, "a frame is longer than planned");
	if (s->slot != NULL)
		memcpy(s->slot + s->made, data, len);
	else if (s->scratch->write(s->scratch->reader.ctx, s->base + s->made, data, len,
				   e) < 0)
		return err_wrap(e, "write the scratch area");
	s->made += len;
	return 0;
}

static int decode(struct recode_view *v, const struct recode_piece *p,
		  struct plain_sink *sink, struct err *e)
{
	const struct recode_profile *profile = &v->plan->profiles[p->profile];
	const struct recode_codec *codec = recode_codec_find(v->codecs, profile->codec);
	struct enc_source source = {
	    .image = &v->image, .at = p->image_at, .end = p->image_at + p->enc_len};
	const struct recode_in in = {.read = read_enc, .ctx = &source};
	const struct recode_out out = {.write = write_plain, .ctx = sink};
	const struct recode_frame f = {.enc_len = p->enc_len,
				       .plain_len = recode_piece_plain(p),
				       .params = profile->params,
				       .n_params = profile->n_params};

	if (codec == NULL)
		return err_set(e, ERR_UNSUPPORTED, "codec %u is not here",
			       profile->codec);
	sink->room = f.plain_len;
	recode_arena_empty(&v->arena);
	if (codec->decode(&v->arena, &f, &in, &out, e) < 0)
		return err_wrap(e, "%s frame at %llu", codec->name,
				(unsigned long long)p->image_at);
	if (sink->made != f.plain_len || source.at != source.end)
		return err_set(e, ERR_FORMAT, "%s frame at %llu: it is not as planned",
			       codec->name, (unsigned long long)p->image_at);
	return 0;
}

static bool is_large(const struct recode_view *v, const struct recode_piece *p)
{
	return p->profile != 0 && recode_piece_plain(p) > v->plan->slot_size;
}

/* Large frames stand in the scratch area in the order of the view. */
static int fill_scratch(struct recode_view *v, const struct recode_scratch *scratch,
			struct err *e)
{
	uint64_t at = 0;

	for (size_t i = 0; i < v->map->n; i++) {
		const struct recode_piece *p = &v->map->pieces[i];
		struct plain_sink sink = {.scratch = scratch, .base = at};

		if (!is_large(v, p))
			continue;
		at += recode_piece_plain(p);
		if (scratch == NULL || at > scratch->size)
			return err_set(e, ERR_LIMIT, "the scratch area is too small");
		if (decode(v, p, &sink, e) < 0)
			return -1;
	}
	return 0;
}

/* Where a large piece begins in the scratch area. */
static uint64_t scratch_at(const struct recode_view *v, const struct recode_piece *p)
{
	uint64_t at = 0;

	for (const struct recode_piece *q = v->map->pieces; q < p; q++) {
		if (is_large(v, q))
			at += recode_piece_plain(q);
	}
	return at;
}

static int take_memory(struct recode_view *v, struct err *e)
{
	const struct recode_plan *p = v->plan;
	size_t slot = p->slot_size;

	for (size_t i = 1; i < p->n_profiles; i++) {
		if (p->profiles[i].decode_bytes > v->arena.size)
			v->arena.size = p->profiles[i].decode_bytes;
	}
	v->arena.base = malloc(v->arena.size + 1);
	v->cache = malloc(p->n_slots * slot + 1);
	if (v->arena.base == NULL || v->cache == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < p->n_slots; i++)
		v->slots[i].data = v->cache + i * slot;
	return 0;
}

int recode_view_new(const struct recode_plan *p, const struct recode_map *map,
		    const struct recode_codec *const *codecs,
		    const struct recode_reader *image,
		    const struct recode_scratch *scratch, struct recode_view **ret,
		    struct err *e)
{
	AUTO_PTR(recode_view) struct recode_view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	v->plan = p;
	v->map = map;
	v->codecs = codecs;
	v->image = *image;
	if (scratch != NULL)
		v->scratch = scratch->reader;
	if (take_memory(v, e) < 0 || fill_scratch(v, scratch, e) < 0)
		return -1;
	*ret = TAKE(v);
	return 0;
}

void recode_view_free(struct recode_view *v)
{
	if (v == NULL)
		return;
	free(v->arena.base);
	free(v->cache);
	free(v);
}

/* The slot that holds p, decoded now if need be. */
static int slot_for(struct recode_view *v, const struct recode_piece *p,
		    const uint8_t **ret, struct err *e)
{
	struct slot *oldest = &v->slots[0];
	struct plain_sink sink = {0};

	for (size_t i = 0; i < v->plan->n_slots; i++) {
		struct slot *s = &v->slots[i];

		if (s->piece == p) {
			s->used_at = ++v->clock;
			*ret = s->data;
			return 0;
		}
		if (s->used_at < oldest->used_at)
			oldest = s;
	}
	oldest->piece = NULL;
	sink.slot = oldest->data;
	if (decode(v, p, &sink, e) < 0)
		return -1;
	oldest->piece = p;
	oldest->used_at = ++v->clock;
	*ret = oldest->data;
	return 0;
}

static int read_piece(struct recode_view *v, const struct recode_piece *p,
		      uint64_t offset, uint8_t *ret, size_t len, struct err *e)
{
	const uint8_t *plain;

	if (p->profile == 0)
		return v->image.read(v->image.ctx, p->image_at + offset, ret, len, e);
	if (is_large(v, p))
		return v->scratch.read(v->scratch.ctx, scratch_at(v, p) + offset, ret,
				       len, e);
	if (slot_for(v, p, &plain, e) < 0)
		return -1;
	memcpy(ret, plain + offset, len);
	return 0;
}

int recode_view_read(struct recode_view *v, uint64_t offset, void *ret, size_t len,
		     struct err *e)
{
	uint64_t size = recode_map_view_size(v->map);
	uint8_t *to = ret;

	if (offset > size || len > size - offset)
		return err_set(e, ERR_RANGE, "%zu bytes at %llu of a view of %llu", len,
			       (unsigned long long)offset, (unsigned long long)size);
	while (len > 0) {
		const struct recode_piece *p = recode_map_find(v->map, offset);
		uint64_t left = p[1].view_at - offset;
		size_t n = left < len ? (size_t)left : len;

		if (read_piece(v, p, offset - p->view_at, to, n, e) < 0)
			return -1;
		offset += n;
		to += n;
		len -= n;
	}
	return 0;
}
