/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds.h"

#include <stdlib.h>
#include <string.h>

/* Bytes by which a kind must beat that of the block before, and plain ones. */
#define MUST_WIN 2u

struct trial {
	const struct kinds_input *in;
	struct predictor *predictor;
	uint8_t *old_data; /* with PREDICT_LOOK zeros on both sides */
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Bytes of a run of one piece that a kind predicts wrongly. */
static uint32_t count_run(struct trial *t, enum delta_kind kind, uint32_t old_at,
			  uint32_t new_at, uint32_t len)
{
	const struct predict_unit *u = &t->predictor->unit;
	const uint8_t *new_data = t->in->new_data;
	uint32_t wrong = 0;

	predict_jump(t->predictor);
	for (uint32_t i = 0; i < len; i += u->len) {
		predict_next(t->predictor, kind,
			     t->old_data + PREDICT_LOOK + old_at + i, old_at + i,
			     new_at + i, len - i);
		for (uint32_t k = 0; k < u->len; k++)
			wrong += u->bytes[k] != new_data[new_at + i + k];
		if (u->ref > REF_OTHER)
			predict_learn(t->predictor, kind, new_data + new_at + i);
	}
	return wrong;
}

static uint32_t count_block(struct trial *t, enum delta_kind kind, uint32_t block)
{
	const struct delta_map *m = t->in->map;
	uint32_t at = block * STREAM_BLOCK;
	uint32_t end = min_u32(m->new_size - at, STREAM_BLOCK) + at;
	uint32_t wrong = 0;

	for (uint32_t i = map_piece_at(m, at); i < m->n_pieces; i++) {
		const struct delta_piece *p = &m->pieces[i];
		uint32_t from = p->new_at > at ? p->new_at : at;
		uint32_t to = min_u32(p->new_at + p->len, end);

		if (from >= end)
			break;
		wrong +=
		    count_run(t, kind, p->old_at + (from - p->new_at), from, to - from);
	}
	return wrong;
}

static enum delta_kind choose(struct trial *t, uint32_t block, enum delta_kind before)
{
	uint32_t plain = count_block(t, KIND_PLAIN, block);
	uint32_t best = plain;
	enum delta_kind kind = KIND_PLAIN;

	if (plain == 0)
		return KIND_PLAIN;
	if (before != KIND_PLAIN && (best = count_block(t, before, block)) < plain)
		kind = before;
	else
		best = plain;
	for (int k = KIND_PLAIN + 1; k < N_DELTA_KINDS; k++) {
		uint32_t wrong;

		if (k == (int)before)
			continue;
		wrong = count_block(t, (enum delta_kind)k, block);
		if (wrong + MUST_WIN < best) {
			best = wrong;
			kind = (enum delta_kind)k;
		}
	}
	return kind;
}

int kinds_choose(const struct kinds_input *in, uint8_t *ret_kinds, uint32_t n_blocks,
		 struct err *e)
{
	AUTO_FREE uint8_t *old_data = calloc(1, in->map->old_size + 2 * PREDICT_LOOK);
	AUTO_FREE struct predictor *predictor = calloc(1, sizeof(*predictor));
	struct trial t = {in, predictor, old_data};
	enum delta_kind before = KIND_PLAIN;

	if (old_data == NULL || predictor == NULL)
		return err_nomem(e);
	if (in->map->old_size > 0)
		memcpy(old_data + PREDICT_LOOK, in->old_data, in->map->old_size);
	predict_init(predictor, in->map, true);
	for (uint32_t i = 0; i < n_blocks; i++) {
		ret_kinds[i] = (uint8_t)choose(&t, i, before);
		if (ret_kinds[i] != KIND_PLAIN)
			before = (enum delta_kind)ret_kinds[i];
	}
	return 0;
}
