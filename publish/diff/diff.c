/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From two images to a map and segments.
 *
 * 1. References of code are masked out of copies of both images (mask.c), and the pieces
 *    are found there (match.c): code that only refers elsewhere is the same code.
 * 2. What is too short to pay for itself is dropped, then as much more as the decoder's
 *    memory asks.
 * 3. With these pieces a map is built; it says where addresses went, so rows (rows.c)
 *    and kinds (kinds.c) can be chosen by trying.
 * 4. Segments are coded by the grammar that the decoder has (common/delta/stream.h).
 */
#include "diff.h"

#include "../../common/delta/decoder.h"
#include "gap.h"
#include "kinds.h"
#include "mask.h"
#include "match.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW (256u * 1024)
#define MEMORY (1728u * 1024)
#define MIN_PIECE 12u
#define GROUP_BODY (512u * 1024) /* bytes of body after which learning begins anew */

struct diff {
	struct diff_input in;
	struct diff_options options;
	struct match_index *index;
	uint8_t *old_masked, *new_masked;
	struct buf pieces, rows;
	struct delta_by_old *by_old;
	struct delta_map map;
	uint8_t *kinds;
	struct gap *gap;
	struct stream *stream;
	uint32_t at;
	size_t group_body;
	bool begins_group;
};

static int tell(struct diff *d, unsigned permille, struct err *e)
{
	if (d->options.progress != NULL &&
	    d->options.progress(d->options.ctx, permille) != 0)
		return err_set(e, ERR_CANCELLED, "stopped");
	return 0;
}

static int tell_matching(void *ctx, uint32_t at, struct err *e)
{
	struct diff *d = ctx;

	return tell(d, 300 + (unsigned)((uint64_t)at * 400 / d->in.new_size), e);
}

static uint8_t *masked_copy(const uint8_t *data, uint64_t size)
{
	uint8_t *copy = malloc((size_t)size + 1);

	if (copy != NULL && size > 0) {
		memcpy(copy, data, (size_t)size);
		mask_references(copy, (uint32_t)size);
	}
	return copy;
}

static int find_pieces(struct diff *d, struct err *e)
{
	struct match_input in = {.old_size = (uint32_t)d->in.old_size,
				 .new_size = (uint32_t)d->in.new_size,
				 .progress = tell_matching,
				 .ctx = d};

	d->old_masked = masked_copy(d->in.old_data, d->in.old_size);
	d->new_masked = masked_copy(d->in.new_data, d->in.new_size);
	if (d->old_masked == NULL || d->new_masked == NULL)
		return err_nomem(e);
	in.old_data = d->old_masked;
	in.new_data = d->new_masked;
	in.index = d->index =
	    match_index_new(d->old_masked, (uint32_t)d->in.old_size, e);
	if (d->index == NULL || tell(d, 300, e) < 0)
		return -1;
	return match_pieces(&in, &d->pieces, e);
}

/* Bytes of a piece that agree: what it is worth. */
static uint32_t worth(const struct diff *d, const struct delta_piece *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->len && n < 4096; i++)
		n += d->new_masked[p->new_at + i] == d->old_masked[p->old_at + i];
	return n;
}

static uint32_t keep_worth(struct diff *d, uint32_t at_least)
{
	struct delta_piece *pieces = (struct delta_piece *)(void *)d->pieces.data;
	uint32_t n = (uint32_t)(d->pieces.len / sizeof(*pieces)), kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (worth(d, &pieces[i]) >= at_least)
			pieces[kept++] = pieces[i];
	}
	buf_cut(&d->pieces, kept * sizeof(*pieces));
	return kept;
}

static void prune(struct diff *d)
{
	struct delta_head h = {.window = WINDOW, .n_rows = 256};
	uint32_t at_least = MIN_PIECE;

	do {
		h.n_pieces = keep_worth(d, at_least);
		at_least += at_least / 4;
	} while (delta_head_memory(&h) > d->options.max_memory && h.n_pieces > 0);
}

static int build_map(struct diff *d, struct err *e)
{
	struct kinds_input in = {d->in.old_data, d->in.new_data, &d->map};
	uint32_t n_blocks = (uint32_t)(d->in.new_size / STREAM_BLOCK + 1);

	if (buf_reserve(&d->pieces, sizeof(struct delta_piece), e) < 0)
		return -1;
	d->map.pieces = (struct delta_piece *)(void *)d->pieces.data;
	d->map.n_pieces = (uint32_t)(d->pieces.len / sizeof(struct delta_piece));
	d->map.old_size = (uint32_t)d->in.old_size;
	d->map.new_size = (uint32_t)d->in.new_size;
	d->by_old = calloc(d->map.n_pieces + (size_t)1, sizeof(*d->by_old));
	d->kinds = calloc(1, n_blocks);
	if (d->by_old == NULL || d->kinds == NULL)
		return err_nomem(e);
	d->map.by_old = d->by_old;
	map_sort(&d->map);
	if (rows_find(&in, &d->rows, e) < 0)
		return -1;
	d->map.rows = (struct delta_row *)(void *)d->rows.data;
	d->map.n_rows = (uint32_t)(d->rows.len / sizeof(struct delta_row));
	if (tell(d, 720, e) < 0)
		return -1;
	return kinds_choose(
	    &in, d->kinds,
	    (uint32_t)((d->in.new_size + STREAM_BLOCK - 1) / STREAM_BLOCK), e);
}

static int read_old(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e)
{
	const struct diff *d = ctx;

	(void)e;
	memcpy(ret_data, d->in.old_data + offset, len);
	return 0;
}

static int set_up_coding(struct diff *d, struct err *e)
{
	struct gap_input in = {d->index,
			       d->in.old_data,
			       d->in.new_data,
			       (uint32_t)d->in.old_size,
			       (uint32_t)d->in.new_size,
			       WINDOW};

	d->gap = gap_new(&in, e);
	if (d->gap == NULL)
		return -1;
	d->stream = calloc(1, sizeof(*d->stream));
	if (d->stream == NULL)
		return err_nomem(e);
	d->stream->map = &d->map;
	d->stream->kinds = d->kinds;
	d->stream->window = WINDOW;
	d->stream->cache.source = (struct delta_source){read_old, d, d->in.old_size};
	d->begins_group = true;
	return tell(d, 800, e);
}

static int make(struct diff *d, struct err *e)
{
	if (d->in.new_size == 0 || d->in.new_size > DELTA_MAX_BYTES ||
	    d->in.old_size > INT32_MAX)
		return err_set(e, ERR_LIMIT, "images of %llu and %llu bytes",
			       (unsigned long long)d->in.old_size,
			       (unsigned long long)d->in.new_size);
	if (tell(d, 0, e) < 0 || find_pieces(d, e) < 0)
		return -1;
	prune(d);
	if (build_map(d, e) < 0)
		return -1;
	return set_up_coding(d, e);
}

struct diff *diff_new(const struct diff_input *in, const struct diff_options *options,
		      struct err *e)
{
	AUTO_PTR(diff) struct diff *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	d->in = *in;
	d->options = *options;
	if (d->options.max_memory == 0)
		d->options.max_memory = MEMORY;
	buf_init(&d->pieces, (size_t)1 << 31);
	buf_init(&d->rows, DELTA_MAX_ROWS * sizeof(struct delta_row));
	if (make(d, e) < 0)
		return NULL;
	return TAKE(d);
}

void diff_free(struct diff *d)
{
	if (d == NULL)
		return;
	match_index_free(d->index);
	free(d->old_masked);
	free(d->new_masked);
	buf_fini(&d->pieces);
	buf_fini(&d->rows);
	free(d->by_old);
	free(d->kinds);
	gap_free(d->gap);
	free(d->stream);
	free(d);
}

static void code_map(struct diff *d, struct coder *c)
{
	struct map_model model;

	map_model_init(&model);
	for (uint32_t i = 0; i < d->map.n_rows; i++)
		(void)map_code_row(c, &d->map, i);
	for (uint32_t i = 0; i < d->map.n_pieces; i++)
		(void)map_code_piece(c, &model, &d->map, i);
	coder_end_encoding(c);
}

int diff_map(struct diff *d, struct buf *ret, struct err *e)
{
	size_t room = DELTA_HEAD_LEN + 64 + d->map.n_rows * (size_t)40 +
		      d->map.n_pieces * (size_t)24;
	struct delta_head h = {.old_size = d->in.old_size,
			       .new_size = d->in.new_size,
			       .n_pieces = d->map.n_pieces,
			       .n_rows = (uint16_t)d->map.n_rows,
			       .window = WINDOW};
	uint8_t *to;
	struct coder c;

	if (buf_reserve(ret, room, e) < 0)
		return -1;
	to = ret->data + ret->len;
	coder_start_encoding(&c, to + DELTA_HEAD_LEN, room - DELTA_HEAD_LEN);
	code_map(d, &c);
	if (c.at > c.end)
		return err_set(e, ERR_INTERNAL, "the map does not fit");
	h.map_size = DELTA_HEAD_LEN + (uint32_t)c.at;
	h.memory = delta_head_memory(&h);
	delta_head_write(&h, to);
	ret->len += h.map_size;
	return 0;
}

/* A run in a piece is walked before its length is known and coded: the units are
 * predicted as the decoder will, who knows the length first. */
static int code_piece(struct diff *d, struct err *e)
{
	struct stream *s = d->stream;
	const struct predict_unit *u = &s->predictor.unit;
	struct run_context x;
	uint32_t from = s->at;

	if (stream_expect(s, e) < 0)
		return -1;
	if (!s->must_differ) {
		bool same = u->bytes[s->unit_pos] == d->in.new_data[s->at];

		(void)stream_code_same(s, same);
		if (same) {
			x = stream_run_context(s);
			while (s->at - from < x.max) {
				if (stream_expect(s, e) < 0)
					return -1;
				if (u->bytes[s->unit_pos] != d->in.new_data[s->at])
					break;
				stream_take(s, u->bytes[s->unit_pos]);
			}
			(void)stream_code_run(s, &x, s->at - from);
			s->must_differ = s->at - from < x.max;
			return 0;
		}
	}
	(void)stream_code_literal(s, d->in.new_data[s->at]);
	s->must_differ = false;
	stream_take(s, d->in.new_data[s->at]);
	return 0;
}

static void code_gap(struct diff *d)
{
	struct stream *s = d->stream;
	struct gap_token t = gap_choose(d->gap, s);
	const uint8_t *here = d->in.new_data + s->at;
	size_t before = s->coder.at;

	(void)stream_code_token(s, &t);
	if (t.kind == GAP_LITERAL) {
		(void)stream_code_literal(s, *here);
		gap_told(d->gap, s->coder.at - before);
	}
	for (uint32_t i = 0; t.kind == GAP_RAW && i < t.len; i++)
		(void)coder_raw(&s->coder, 8, here[i]);
	stream_skip(s, t.len, here, t.len);
}

static int code_segment(struct diff *d, struct err *e)
{
	struct stream *s = d->stream;

	while (s->at < s->end) {
		if (stream_locate(s, e) < 0)
			return -1;
		if (!s->in_piece)
			code_gap(d);
		else if (code_piece(d, e) < 0)
			return -1;
	}
	coder_end_encoding(&s->coder);
	return 0;
}

static size_t max_group_body(const struct diff *d)
{
	return d->options.group_bytes > 0 ? d->options.group_bytes : GROUP_BODY;
}

int diff_segment(struct diff *d, uint32_t size, struct buf *ret, bool *ret_continues,
		 struct err *e)
{
	struct stream *s = d->stream;
	size_t room = size + size / 8 + 4096;

	if (size == 0 || size > DELTA_MAX_SEGMENT || size > d->in.new_size - d->at)
		return err_set(e, ERR_INTERNAL, "a segment of %u bytes",
			       (unsigned)size);
	if (buf_reserve(ret, room, e) < 0)
		return -1;
	*ret_continues = !d->begins_group;
	if (d->begins_group)
		stream_begin_group(s);
	stream_begin_segment(s, d->at, size);
	coder_start_encoding(&s->coder, ret->data + ret->len, room);
	if (code_segment(d, e) < 0)
		return -1;
	if (s->coder.at > room)
		return err_set(e, ERR_INTERNAL, "the segment does not fit");
	ret->len += s->coder.at;
	d->at += size;
	d->group_body = (d->begins_group ? 0 : d->group_body) + s->coder.at;
	d->begins_group = d->group_body > max_group_body(d);
	return tell(d, 800 + (unsigned)((uint64_t)d->at * 200 / d->in.new_size), e);
}

void diff_forget(struct diff *d)
{
	d->begins_group = true;
}
