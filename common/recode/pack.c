/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

struct recode_pack {
	const struct recode_plan *plan;
	const struct recode_codec *const *codecs;
	struct recode_out out;
	struct recode_arena arena;
	const struct recode_piece *piece; /* the next byte's */
	uint64_t view_at;		  /* of the next byte */

	/* Of the frame in work: */
	const struct recode_codec *codec; /* NULL: none */
	void *state;
	uint64_t made; /* encoded bytes so far */
	struct recode_frame frame;
	struct recode_out counted;
};

/* What a frame makes; no byte more than planned leaves. */
static int write_counted(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct recode_pack *r = ctx;

	if (len > r->frame.enc_len - r->made)
		return err_set(e, ERR_DIGEST,
			       "%s makes more than the planned %llu bytes",
			       r->codec->name, (unsigned long long)r->frame.enc_len);
	r->made += len;
	return r->out.write(r->out.ctx, data, len, e);
}

int recode_pack_new(const struct recode_plan *p,
		    const struct recode_codec *const *codecs,
		    const struct recode_out *out, struct recode_pack **ret,
		    struct err *e)
{
	AUTO_PTR(recode_pack) struct recode_pack *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->plan = p;
	r->codecs = codecs;
	r->out = *out;
	r->counted = (struct recode_out){.write = write_counted, .ctx = r};
	r->piece = p->new_map.pieces;
	for (size_t i = 1; i < p->n_profiles; i++) {
		if (p->profiles[i].encode_bytes > r->arena.size)
			r->arena.size = p->profiles[i].encode_bytes;
	}
	r->arena.base = malloc(r->arena.size + 1);
	if (r->arena.base == NULL)
		return err_nomem(e);
	*ret = TAKE(r);
	return 0;
}

void recode_pack_free(struct recode_pack *r)
{
	if (r == NULL)
		return;
	free(r->arena.base);
	free(r);
}

int recode_pack_seek(struct recode_pack *r, uint64_t view_at, struct err *e)
{
	const struct recode_map *m = &r->plan->new_map;
	const struct recode_piece *p = &m->pieces[m->n];

	if (view_at < p->view_at)
		p = recode_map_find(m, view_at);
	if (p->view_at != view_at)
		return err_set(e, ERR_RANGE, "%llu is inside a piece",
			       (unsigned long long)view_at);
	r->piece = p;
	r->view_at = view_at;
	r->codec = NULL;
	return 0;
}

static int begin_frame(struct recode_pack *r, struct err *e)
{
	const struct recode_piece *p = r->piece;
	const struct recode_profile *profile = &r->plan->profiles[p->profile];
	const struct recode_codec *codec = recode_codec_find(r->codecs, profile->codec);

	if (codec == NULL)
		return err_set(e, ERR_UNSUPPORTED, "codec %u is not here",
			       profile->codec);
	r->made = 0;
	r->frame = (struct recode_frame){.enc_len = p->enc_len,
					 .plain_len = recode_piece_plain(p),
					 .params = profile->params,
					 .n_params = profile->n_params};
	recode_arena_empty(&r->arena);
	r->codec = codec;
	return codec->encode_begin(&r->arena, &r->frame, &r->counted, &r->state, e);
}

static int end_frame(struct recode_pack *r, struct err *e)
{
	if (r->codec->encode_end(r->state, e) < 0)
		return -1;
	if (r->made != r->frame.enc_len)
		return err_set(e, ERR_DIGEST, "%s makes %llu bytes, planned are %llu",
			       r->codec->name, (unsigned long long)r->made,
			       (unsigned long long)r->frame.enc_len);
	r->codec = NULL;
	return 0;
}

/* len bytes of this piece, which may be its last. */
static int add_to_frame(struct recode_pack *r, const uint8_t *data, size_t len,
			bool last, struct err *e)
{
	if (r->codec == NULL && begin_frame(r, e) < 0)
		return -1;
	if (r->codec->encode_add(r->state, data, len, e) < 0)
		return -1;
	return last ? end_frame(r, e) : 0;
}

int recode_pack_add(struct recode_pack *r, const uint8_t *data, size_t len,
		    struct err *e)
{
	const struct recode_map *m = &r->plan->new_map;

	if (len > recode_map_view_size(m) - r->view_at)
		return err_set(e, ERR_RANGE, "more than the view holds");
	while (len > 0) {
		uint64_t left = r->piece[1].view_at - r->view_at;
		size_t n = left < len ? (size_t)left : len;

		if (r->piece->profile == 0) {
			if (r->out.write(r->out.ctx, data, n, e) < 0)
				return -1;
		} else if (add_to_frame(r, data, n, n == left, e) < 0) {
			return err_wrap(e, "frame at %llu of the new image",
					(unsigned long long)r->piece->image_at);
		}
		r->view_at += n;
		data += n;
		len -= n;
		if (r->view_at == r->piece[1].view_at)
			r->piece++;
	}
	return 0;
}

int recode_pack_end(const struct recode_pack *r, struct err *e)
{
	uint64_t size = recode_map_view_size(&r->plan->new_map);

	if (r->view_at != size)
		return err_set(e, ERR_FORMAT, "the view ends after %llu of %llu bytes",
			       (unsigned long long)r->view_at,
			       (unsigned long long)size);
	return 0;
}
