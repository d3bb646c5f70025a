/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <string.h>

#define MODELS(field)                                                                  \
	(struct bit_model *)(field), sizeof(field) / sizeof(struct bit_model)

static void init_models(struct stream_models *m)
{
	literal_model_init(&m->literal);
	bit_models_init(MODELS(m->same));
	bit_models_init(MODELS(m->to_limit));
	for (size_t i = 0; i < N_DELTA_REFS; i++)
		number_model_init(&m->run[i]);
	bit_models_init(MODELS(m->kind));
	bit_models_init(MODELS(m->token));
	bit_models_init(&m->again, 1);
	bit_models_init(&m->back, 1);
	number_model_init(&m->near_len);
	for (size_t i = 0; i < 3; i++)
		number_model_init(&m->near_far[i]);
	number_model_init(&m->old_len);
	number_model_init(&m->old_move);
	number_model_init(&m->raw_len);
}

void stream_begin_group(struct stream *s)
{
	init_models(&s->models);
	predict_init(&s->predictor, s->map, true);
	memset(s->shifts, 0, sizeof(s->shifts));
	s->history = 0;
	s->same_history = s->token_history = 0;
	s->reached_limit = false;
	s->kind = KIND_PLAIN;
	s->last_far = s->last_old = 0;
	s->group_at = UINT32_MAX;
}

void stream_begin_segment(struct stream *s, uint32_t at, uint32_t size)
{
	if (s->group_at == UINT32_MAX)
		s->group_at = at;
	s->at = at;
	s->end = at + size;
	s->piece = map_piece_at(s->map, at);
	s->limit = at;
	s->in_piece = false;
	s->kind_block = 0;
	s->unit_pos = s->predictor.unit.len = 0;
	s->unit_differs = s->must_differ = false;
	predict_jump(&s->predictor);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Ends the piece that we are at the end of, and begins the next one if we are there. */
static void enter(struct stream *s)
{
	const struct delta_map *m = s->map;
	const struct delta_piece *p = &m->pieces[s->piece];

	if (s->in_piece && s->at == p->new_at + p->len) {
		s->last_old = p->old_at + p->len;
		s->in_piece = false;
		s->piece++;
		p++;
	}
	if (!s->in_piece && s->piece < m->n_pieces && s->at >= p->new_at) {
		s->in_piece = true;
		s->unit_pos = s->predictor.unit.len = 0;
		predict_jump(&s->predictor);
	}
}

static void find_limit(struct stream *s)
{
	const struct delta_map *m = s->map;
	const struct delta_piece *p = &m->pieces[s->piece];

	s->limit = s->end;
	if (s->in_piece)
		s->limit = min_u32(min_u32(s->limit, p->new_at + p->len),
				   (s->at / STREAM_BLOCK + 1) * STREAM_BLOCK);
	else if (s->piece < m->n_pieces)
		s->limit = min_u32(s->limit, p->new_at);
}

int stream_locate(struct stream *s, struct err *e)
{
	uint32_t block = s->at / STREAM_BLOCK;
	unsigned kind;

	if (s->at < s->limit)
		return 0;
	enter(s);
	find_limit(s);
	if (!s->in_piece || s->kind_block == block + 1)
		return 0;
	kind = coder_tree(&s->coder, s->models.kind[s->kind], 4,
			  s->kinds != NULL ? s->kinds[block] : 0);
	if (kind >= N_DELTA_KINDS)
		return err_set(e, ERR_FORMAT, "a kind of code this version lacks");
	s->kind = (enum delta_kind)kind;
	s->kind_block = block + 1;
	return 0;
}

static int fill_old(struct stream *s, uint32_t block, uint8_t *data, struct err *e)
{
	uint64_t from = (uint64_t)block * STREAM_OLD_BLOCK;
	uint64_t to = from + STREAM_OLD_BLOCK + PREDICT_LOOK;
	uint64_t size = s->cache.source.size;
	size_t before = block > 0 ? PREDICT_LOOK : 0;
	size_t len;

	from -= before;
	to = to < size ? to : size;
	len = to > from ? (size_t)(to - from) : 0;
	memset(data, 0, PREDICT_LOOK - before);
	data += PREDICT_LOOK - before;
	memset(data + len, 0, STREAM_OLD_ROOM - PREDICT_LOOK + before - len);
	if (len > 0 &&
	    s->cache.source.read(s->cache.source.ctx, data, len, from, e) < 0)
		return err_wrap(e, "read the old image");
	return 0;
}

const uint8_t *stream_old(struct stream *s, uint32_t at, struct err *e)
{
	uint32_t block = at / STREAM_OLD_BLOCK;
	uint32_t slot = block % STREAM_OLD_SLOTS;

	if (s->cache.blocks[slot] != block + 1) {
		s->cache.blocks[slot] = 0;
		if (fill_old(s, block, s->cache.data[slot], e) < 0)
			return NULL;
		s->cache.blocks[slot] = block + 1;
	}
	return s->cache.data[slot] + PREDICT_LOOK + at % STREAM_OLD_BLOCK;
}

int stream_expect(struct stream *s, struct err *e)
{
	uint32_t old_at = stream_old_at(s);
	const uint8_t *old;

	if (s->unit_pos < s->predictor.unit.len)
		return 0;
	old = stream_old(s, old_at, e);
	if (old == NULL)
		return -1;
	predict_next(&s->predictor, s->kind, old, old_at, s->at, s->limit - s->at);
	s->unit_pos = 0;
	s->unit_differs = false;
	return 0;
}

void stream_take(struct stream *s, uint8_t byte)
{
	struct predict_unit *u = &s->predictor.unit;

	s->unit_actual[s->unit_pos++] = byte;
	s->history = s->history << 8 | byte;
	s->at++;
	if (s->unit_pos == u->len && u->ref > REF_OTHER)
		predict_learn(&s->predictor, s->kind, s->unit_actual);
}

void stream_skip(struct stream *s, uint32_t len, const uint8_t *last, uint32_t n_last)
{
	s->at += len;
	for (uint32_t i = n_last > 8 ? n_last - 8 : 0; i < n_last; i++)
		s->history = s->history << 8 | last[i];
}

static unsigned lane_of(const struct stream *s)
{
	return s->predictor.unit.len > 1 ? s->unit_pos : s->at & 3;
}

unsigned stream_code_same(struct stream *s, unsigned same)
{
	struct bit_model *m =
	    &s->models.same[s->predictor.unit.ref][lane_of(s)][s->same_history & 7];

	same = coder_model(&s->coder, m, same);
	s->same_history = s->same_history << 1 | same;
	return same;
}

struct run_context stream_run_context(const struct stream *s)
{
	return (struct run_context){s->predictor.unit.ref, s->limit - s->at,
				    s->reached_limit};
}

uint32_t stream_code_run(struct stream *s, const struct run_context *x, uint32_t len)
{
	struct bit_model *m = &s->models.to_limit[x->ref][x->reached];

	s->reached_limit = coder_model(&s->coder, m, len == x->max) != 0;
	if (s->reached_limit)
		return x->max;
	len = coder_number(&s->coder, &s->models.run[x->ref], len);
	return len < x->max ? len : 0;
}

static struct literal_context literal_context(const struct stream *s)
{
	const struct predict_unit *u = &s->predictor.unit;
	unsigned lane = lane_of(s);
	uint8_t expected;

	if (!s->in_piece)
		return (struct literal_context){.history = s->history,
						.mode = 56 + (s->at & 3) +
							(s->token_history & 1) * 4,
						.lane = s->at & 3};
	expected = u->bytes[s->unit_pos];
	return (struct literal_context){
	    .history = s->history,
	    .mode = (unsigned)u->ref * 4 + (lane & 3),
	    .is_aligned = true,
	    .expected = expected,
	    .shifted = (uint8_t)(expected + s->shifts[u->ref][lane]),
	    .lane = lane};
}

uint8_t stream_code_literal(struct stream *s, uint8_t byte)
{
	struct literal_context x = literal_context(s);

	byte = literal_code(&s->coder, &s->models.literal, &x, byte);
	if (x.is_aligned)
		s->shifts[s->predictor.unit.ref][x.lane] = (uint8_t)(byte - x.expected);
	return byte;
}

static bool code_near(struct stream *s, struct gap_token *t)
{
	struct stream_models *m = &s->models;
	bool again = coder_model(&s->coder, &m->again, t->from == s->last_far) != 0;
	uint32_t made = s->at - s->group_at;

	t->len = coder_number(&s->coder, &m->near_len, t->len - STREAM_MIN_COPY) +
		 STREAM_MIN_COPY;
	t->from = again ? s->last_far
			: coder_number(&s->coder,
				       &m->near_far[t->len < 4	 ? 0
						    : t->len < 8 ? 1
								 : 2],
				       t->from);
	s->last_far = t->from;
	return t->from > 0 && t->from <= made && t->from <= s->window;
}

static bool code_old(struct stream *s, struct gap_token *t)
{
	struct stream_models *m = &s->models;
	uint32_t move = t->from - s->last_old;
	unsigned back;

	t->len = coder_number(&s->coder, &m->old_len, t->len - STREAM_MIN_COPY) +
		 STREAM_MIN_COPY;
	back = coder_model(&s->coder, &m->back, move >> 31);
	move = coder_number(&s->coder, &m->old_move, back != 0 ? 0 - move : move);
	t->from = back != 0 ? s->last_old - move : s->last_old + move;
	s->last_old = t->from + t->len;
	return t->from <= s->map->old_size && t->len <= s->map->old_size - t->from;
}

bool stream_code_token(struct stream *s, struct gap_token *t)
{
	bool right = true;

	t->kind = (enum gap_token_kind)coder_tree(
	    &s->coder, s->models.token[s->token_history & 15], 2, (unsigned)t->kind);
	s->token_history = s->token_history << 2 | (unsigned)t->kind;
	switch (t->kind) {
	case GAP_NEAR:
		right = code_near(s, t);
		break;
	case GAP_OLD:
		right = code_old(s, t);
		break;
	case GAP_RAW:
		t->len = coder_number(&s->coder, &s->models.raw_len, t->len - 1) + 1;
		break;
	case GAP_LITERAL:
	default:
		t->len = 1;
	}
	return right && t->len > 0 && t->len <= s->limit - s->at;
}
