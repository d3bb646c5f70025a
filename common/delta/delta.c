/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder as a machine that stops anywhere.
 *
 * Input is collected until it holds what the largest step can take (or the last byte is
 * there); then steps are done, each of which decodes one flag, length, byte or token and
 * leaves at most a run or a copy behind. That is carried on piece by piece as there is
 * room. So neither side needs to know where the other was cut.
 *
 *	STEP -> RUN	expected bytes, unit by unit
 *	     -> NEAR	copy from the window
 *	     -> OLD	copy from the old image
 *	     -> RAW	bytes as they are
 *	     -> STEP	a literal: done at once
 *
 * All offsets were checked against the images' sizes when they were read: pieces in
 * map_code_piece(), copies in stream_code_token(), runs in stream_code_run().
 */
#include "decoder.h"

#include <stdlib.h>
#include <string.h>

/* What each part takes of the memory, largest alignment first; one row and one piece
 * more than there are, so that no array is empty. */
static void lay_out(struct delta *d, uint8_t *at)
{
	const struct delta_head *h = &d->head;

	d->map.rows = (struct delta_row *)(void *)at;
	at += (h->n_rows + (size_t)1) * sizeof(*d->map.rows);
	d->map.pieces = (struct delta_piece *)(void *)at;
	at += (h->n_pieces + (size_t)1) * sizeof(*d->map.pieces);
	d->map.by_old = (struct delta_by_old *)(void *)at;
	at += (h->n_pieces + (size_t)1) * sizeof(*d->map.by_old);
	d->window = at;
}

static int check_place(const struct delta_head *h, uint64_t room,
		       const struct delta_source *old, struct err *e)
{
	if (h->memory > room || delta_head_memory(h) > room)
		return err_set(
		    e, ERR_LIMIT, "it needs %llu bytes of memory, %llu may be",
		    (unsigned long long)delta_head_memory(h), (unsigned long long)room);
	if (old->size != h->old_size)
		return err_set(e, ERR_INCOMPATIBLE,
			       "it is for an old image of %llu bytes, not %llu",
			       (unsigned long long)h->old_size,
			       (unsigned long long)old->size);
	return 0;
}

struct delta *delta_place(void *memory, size_t room, const struct delta_head *h,
			  const struct delta_source *old, struct err *e)
{
	struct delta *d = memory;

	if (check_place(h, room, old, e) < 0)
		return NULL;
	memset(memory, 0, (size_t)delta_head_memory(h));
	d->head = *h;
	d->stream.map = &d->map;
	d->stream.window = h->window;
	d->stream.cache.source = *old;
	d->map.old_size = (uint32_t)h->old_size;
	d->map.new_size = (uint32_t)h->new_size;
	d->in_left = h->map_size;
	map_model_init(&d->map_model);
	lay_out(d, (uint8_t *)memory + sizeof(*d));
	return d;
}

struct delta *delta_new(const struct delta_head *h, uint64_t max_memory,
			const struct delta_source *old, struct err *e)
{
	void *memory;

	if (check_place(h, max_memory, old, e) < 0)
		return NULL;
	memory = malloc((size_t)delta_head_memory(h));
	if (memory == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return delta_place(memory, (size_t)delta_head_memory(h), h, old, e);
}

void delta_free(struct delta *d)
{
	free(d);
}

/* Takes input, after dropping what was used; true if a step may be done. */
static bool gather(struct delta *d, struct delta_io *io)
{
	struct coder *c = &d->stream.coder;
	size_t used = c->at < d->input_len ? c->at : d->input_len;
	size_t n = io->in_len - io->taken;

	if (d->coder_started && d->input_len - used > STREAM_STEP_BYTES)
		return true;
	if (n > 0 && d->in_left > 0) {
		memmove(d->input, d->input + used, d->input_len - used);
		d->input_len -= used;
		c->at -= used;
		if (n > sizeof(d->input) - d->input_len)
			n = sizeof(d->input) - d->input_len;
		if (n > d->in_left)
			n = d->in_left;
		memcpy(d->input + d->input_len, io->in + io->taken, n);
		d->input_len += n;
		d->in_left -= (uint32_t)n;
		io->taken += n;
		c->end = d->input_len;
	}
	return d->in_left == 0 || d->input_len - c->at > STREAM_STEP_BYTES;
}

static void expect_input(struct delta *d, uint32_t len)
{
	d->in_left = len;
	d->input_len = 0;
	d->coder_started = false;
	memset(&d->stream.coder, 0, sizeof(d->stream.coder));
}

static void start_coder(struct delta *d)
{
	if (d->coder_started)
		return;
	coder_start_decoding(&d->stream.coder, d->input, d->input_len);
	d->coder_started = true;
}

/* Everything there was has been used, zeros beyond it aside. */
static bool input_is_used(const struct delta *d)
{
	return d->in_left == 0 && d->stream.coder.at >= d->input_len;
}

/* The head is in clear before the coder's first byte: its reader has it already. */
static bool skip_head(struct delta *d, struct delta_io *io)
{
	uint32_t left = d->head.map_size - d->in_left;
	size_t n = left < DELTA_HEAD_LEN ? DELTA_HEAD_LEN - left : 0;

	if (n > io->in_len - io->taken)
		n = io->in_len - io->taken;
	io->taken += n;
	d->in_left -= (uint32_t)n;
	return d->head.map_size - d->in_left >= DELTA_HEAD_LEN;
}

static int end_map(struct delta *d, struct err *e)
{
	if (!input_is_used(d))
		return err_set(e, ERR_FORMAT, "bytes after the end of the map");
	map_sort(&d->map);
	d->map_done = true;
	return 0;
}

static bool read_entry(struct delta *d)
{
	uint32_t n = d->n_done++;

	if (n < d->head.n_rows) {
		d->map.n_rows = n + 1;
		return map_code_row(&d->stream.coder, &d->map, n);
	}
	d->map.n_pieces = n + 1 - d->head.n_rows;
	return map_code_piece(&d->stream.coder, &d->map_model, &d->map,
			      d->map.n_pieces - 1);
}

int delta_read_map(struct delta *d, struct delta_io *io, struct err *e)
{
	io->taken = 0;
	if (d->map_done || !skip_head(d, io))
		return 0;
	while (gather(d, io)) {
		start_coder(d);
		if (d->n_done == d->head.n_rows + d->head.n_pieces)
			return end_map(d, e);
		if (!read_entry(d))
			return err_set(e, ERR_FORMAT, "entry %u of the map is wrong",
				       (unsigned)d->n_done - 1);
	}
	return 0;
}

bool delta_map_done(const struct delta *d)
{
	return d->map_done;
}

int delta_start(struct delta *d, const struct delta_segment *s, struct err *e)
{
	struct stream *t = &d->stream;

	if (!d->map_done || s->size == 0 || s->size > DELTA_MAX_SEGMENT ||
	    s->offset > d->head.new_size || s->size > d->head.new_size - s->offset)
		return err_set(e, ERR_FORMAT, "a segment of %u bytes at %llu",
			       (unsigned)s->size, (unsigned long long)s->offset);
	if (s->continues && (!d->may_continue || s->offset != t->at))
		return err_set(e, ERR_FORMAT, "a segment that continues nothing");
	if (!s->continues)
		stream_begin_group(t);
	stream_begin_segment(t, (uint32_t)s->offset, s->size);
	expect_input(d, s->body_size);
	d->state = DELTA_STEP;
	d->in_segment = true;
	d->may_continue = false;
	return 0;
}

bool delta_segment_done(const struct delta *d)
{
	return !d->in_segment;
}

/* Bytes made, for copies from the window. */
static void keep(struct delta *d, const uint8_t *bytes, uint32_t len)
{
	uint32_t at = d->stream.at & (d->head.window - 1);
	uint32_t first = len < d->head.window - at ? len : d->head.window - at;

	memcpy(d->window + at, bytes, first);
	if (first < len)
		memcpy(d->window, bytes + first, len - first);
}

/* Bytes made, to the caller, who has room, and into the window. */
static void put(struct delta *d, struct delta_io *io, const uint8_t *bytes,
		uint32_t len)
{
	memcpy(io->out + io->made, bytes, len);
	io->made += len;
	keep(d, bytes, len);
}

static uint32_t room(const struct delta *d, const struct delta_io *io)
{
	size_t n = io->room - io->made;

	return n < d->left ? (uint32_t)n : d->left;
}

/* Bytes that are no code, as many as stand in one piece of the old image. */
static int run_plain(struct delta *d, struct delta_io *io, struct err *e)
{
	uint32_t at = stream_old_at(&d->stream);
	uint32_t n = room(d, io);
	uint32_t here = STREAM_OLD_BLOCK - at % STREAM_OLD_BLOCK;
	const uint8_t *old = stream_old(&d->stream, at, e);

	if (old == NULL)
		return -1;
	if (n > here)
		n = here;
	put(d, io, old, n);
	stream_skip(&d->stream, n, old, n);
	d->left -= n;
	return 0;
}

/* One byte of a unit that is not taken whole. */
static int run_byte(struct delta *d, struct delta_io *io, struct err *e)
{
	struct stream *s = &d->stream;
	uint8_t byte;

	if (stream_expect(s, e) < 0)
		return -1;
	byte = s->predictor.unit.bytes[s->unit_pos];
	put(d, io, &byte, 1);
	stream_take(s, byte);
	d->left--;
	return 0;
}

/* The next unit, if it is not longer than len, to `to`; returns its length or 0. */
static uint32_t run_unit(struct stream *s, const uint8_t *old, uint32_t done,
			 uint8_t *to, uint32_t len)
{
	const struct predict_unit *u = &s->predictor.unit;
	uint32_t at = s->at + done;

	predict_next(&s->predictor, s->kind, old, stream_old_at(s) + done, at,
		     s->limit - at);
	if (u->len > len)
		return 0;
	memcpy(to, u->bytes, u->len);
	if (u->ref > REF_OTHER)
		predict_learn(&s->predictor, s->kind, u->bytes);
	return u->len;
}

/* Whole units, as many as stand in one block of the old image. */
static int run_units(struct delta *d, struct delta_io *io, struct err *e)
{
	struct stream *s = &d->stream;
	uint32_t at = stream_old_at(s), n = room(d, io), done = 0, len = 1;
	uint32_t here = STREAM_OLD_BLOCK - at % STREAM_OLD_BLOCK;
	const uint8_t *old = stream_old(s, at, e);
	uint8_t *to = io->out + io->made;

	if (old == NULL)
		return -1;
	if (n > here)
		n = here;
	while (done < n && len > 0) {
		len = predict_quiet(&s->predictor, s->kind, old + done, at + done,
				    s->at + done, n - done);
		if (len > 0)
			memcpy(to + done, old + done, len);
		else
			len = run_unit(s, old + done, done, to + done, n - done);
		done += len;
	}
	s->unit_pos = s->predictor.unit.len;
	keep(d, to, done);
	io->made += done;
	stream_skip(s, done, to, done);
	d->left -= done;
	return done > 0 || room(d, io) == 0 ? 0 : run_byte(d, io, e);
}

static int do_run(struct delta *d, struct delta_io *io, struct err *e)
{
	struct stream *s = &d->stream;

	if (room(d, io) == 0)
		return 0;
	if (s->unit_pos < s->predictor.unit.len)
		return run_byte(d, io, e);
	return s->kind == KIND_PLAIN ? run_plain(d, io, e) : run_units(d, io, e);
}

static int do_near(struct delta *d, struct delta_io *io, struct err *e)
{
	(void)e;
	for (uint32_t n = room(d, io); n > 0; n--) {
		uint8_t byte =
		    d->window[(d->stream.at - d->from) & (d->head.window - 1)];

		put(d, io, &byte, 1);
		stream_skip(&d->stream, 1, &byte, 1);
		d->left--;
	}
	return 0;
}

static int do_old(struct delta *d, struct delta_io *io, struct err *e)
{
	uint32_t n = room(d, io);
	uint32_t here = STREAM_OLD_BLOCK - d->from % STREAM_OLD_BLOCK;
	const uint8_t *old = stream_old(&d->stream, d->from, e);

	if (old == NULL)
		return -1;
	if (n > here)
		n = here;
	put(d, io, old, n);
	stream_skip(&d->stream, n, old, n);
	d->left -= n;
	d->from += n;
	return 0;
}

static int do_raw(struct delta *d, struct delta_io *io, struct err *e)
{
	uint8_t byte = (uint8_t)coder_raw(&d->stream.coder, 8, 0);

	(void)e;
	put(d, io, &byte, 1);
	stream_skip(&d->stream, 1, &byte, 1);
	d->left--;
	return 0;
}

static int (*const carry_on[])(struct delta *, struct delta_io *, struct err *) = {
    [DELTA_RUN] = do_run,
    [DELTA_NEAR] = do_near,
    [DELTA_OLD] = do_old,
    [DELTA_RAW] = do_raw,
};

static void put_literal(struct delta *d, struct delta_io *io)
{
	struct stream *s = &d->stream;
	uint8_t byte = stream_code_literal(s, 0);

	put(d, io, &byte, 1);
	s->must_differ = false;
	if (s->in_piece)
		stream_take(s, byte);
	else
		stream_skip(s, 1, &byte, 1);
}

static int step_piece(struct delta *d, struct delta_io *io, struct err *e)
{
	struct stream *s = &d->stream;
	struct run_context x;

	if (stream_expect(s, e) < 0)
		return -1;
	if (s->must_differ || stream_code_same(s, 0) == 0) {
		put_literal(d, io);
		return 0;
	}
	x = stream_run_context(s);
	d->left = stream_code_run(s, &x, 0);
	if (d->left == 0)
		return err_set(e, ERR_FORMAT, "a run of no length");
	s->must_differ = d->left < x.max;
	d->state = DELTA_RUN;
	return 0;
}

static int step_gap(struct delta *d, struct delta_io *io, struct err *e)
{
	static const enum delta_state next[] = {DELTA_STEP, DELTA_NEAR, DELTA_OLD,
						DELTA_RAW};
	struct gap_token t = {GAP_LITERAL, 0, 0};

	if (!stream_code_token(&d->stream, &t))
		return err_set(e, ERR_FORMAT, "a copy from outside, or too long");
	d->state = next[t.kind];
	d->left = t.len;
	d->from = t.from;
	if (t.kind == GAP_LITERAL)
		put_literal(d, io);
	return 0;
}

static int step(struct delta *d, struct delta_io *io, struct err *e)
{
	if (stream_locate(&d->stream, e) < 0)
		return -1;
	return d->stream.in_piece ? step_piece(d, io, e) : step_gap(d, io, e);
}

/* One step, or what there is room for of a run or copy. */
static int advance(struct delta *d, struct delta_io *io, struct err *e)
{
	int result =
	    d->state == DELTA_STEP ? step(d, io, e) : carry_on[d->state](d, io, e);

	if (result == 0 && d->state != DELTA_STEP && d->left == 0)
		d->state = DELTA_STEP;
	return result;
}

int delta_run(struct delta *d, struct delta_io *io, struct err *e)
{
	struct stream *s = &d->stream;

	io->taken = io->made = 0;
	while (d->in_segment && gather(d, io)) {
		start_coder(d);
		if (s->at == s->end) {
			if (!input_is_used(d))
				return err_set(e, ERR_FORMAT,
					       "bytes after the segment's end");
			d->in_segment = false;
			d->may_continue = true;
		} else if (io->made == io->room) {
			return 0;
		} else if (advance(d, io, e) < 0) {
			d->in_segment = false;
			return -1;
		}
	}
	return 0;
}
