/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

void map_model_init(struct map_model *m)
{
	number_model_init(&m->gap);
	number_model_init(&m->len);
	number_model_init(&m->move);
	bit_models_init(&m->no_gap, 1);
	bit_models_init(m->sign, 2);
}

static uint64_t code_u64(struct coder *c, uint64_t v)
{
	uint64_t high = coder_raw(c, 32, (uint32_t)(v >> 32));

	return high << 32 | coder_raw(c, 32, (uint32_t)v);
}

bool map_code_row(struct coder *c, struct delta_map *m, uint32_t index)
{
	struct delta_row *r = &m->rows[index];
	const struct delta_row *before = index > 0 ? r - 1 : NULL;

	r->old_at = coder_raw(c, 32, r->old_at);
	r->old_len = coder_raw(c, 32, r->old_len);
	r->new_at = coder_raw(c, 32, r->new_at);
	r->module = coder_raw(c, 16, r->module);
	r->old_va = code_u64(c, r->old_va);
	r->new_va = code_u64(c, r->new_va);
	if (r->old_at > m->old_size || r->old_len > m->old_size - r->old_at ||
	    r->new_at > m->new_size || r->old_len == 0)
		return false;
	if (before == NULL)
		return r->module == 0;
	return r->old_at >= before->old_at + before->old_len &&
	       (r->module == index || r->module == before->module);
}

/* A piece usually stands where the one before leads to, or near. */
bool map_code_piece(struct coder *c, struct map_model *model, struct delta_map *m,
		    uint32_t index)
{
	static const struct delta_piece none;
	struct delta_piece *p = &m->pieces[index];
	const struct delta_piece *before = index > 0 ? p - 1 : &none;
	uint32_t end = before->new_at + before->len;
	uint32_t gap = p->new_at - end;
	uint32_t expected, move;
	unsigned back;

	gap = coder_model(c, &model->no_gap, gap == 0) != 0
		  ? 0
		  : coder_number(c, &model->gap, gap - 1) + 1;
	if (gap > m->new_size - end)
		return false;
	p->new_at = end + gap;
	p->len = coder_number(c, &model->len, p->len);
	expected = before->old_at + before->len + gap;
	move = p->old_at - expected;
	back = coder_model(c, &model->sign[gap == 0], move >> 31);
	move = coder_number(c, &model->move, back != 0 ? 0 - move : move);
	p->old_at = back != 0 ? expected - move : expected + move;
	return p->len > 0 && p->len <= m->new_size - p->new_at &&
	       p->old_at <= m->old_size && p->len <= m->old_size - p->old_at;
}

static bool is_before(const struct delta_map *m, struct delta_by_old a,
		      struct delta_by_old b)
{
	uint32_t a_len = m->pieces[a.index].len, b_len = m->pieces[b.index].len;

	if (a.old_at != b.old_at)
		return a.old_at < b.old_at;
	return a_len != b_len ? a_len > b_len : a.index < b.index;
}

/* What lies within a longer piece is a second copy, or chance. */
static void drop_inner(struct delta_map *m)
{
	uint64_t end = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->n_pieces; i++) {
		struct delta_by_old x = m->by_old[i];
		uint64_t its_end = (uint64_t)x.old_at + m->pieces[x.index].len;

		if (its_end <= end)
			continue;
		end = its_end;
		m->by_old[kept++] = x;
	}
	m->n_by_old = kept;
}

/* Shell's sort: the pieces are nearly in order, and nothing may be allocated. */
void map_sort(struct delta_map *m)
{
	for (uint32_t i = 0; i < m->n_pieces; i++)
		m->by_old[i] = (struct delta_by_old){m->pieces[i].old_at, i};
	for (uint32_t gap = m->n_pieces / 2; gap > 0;
	     gap = gap == 2 ? 1 : gap * 5 / 11) {
		for (uint32_t i = gap; i < m->n_pieces; i++) {
			struct delta_by_old x = m->by_old[i];
			uint32_t k = i;

			for (; k >= gap && is_before(m, x, m->by_old[k - gap]);
			     k -= gap)
				m->by_old[k] = m->by_old[k - gap];
			m->by_old[k] = x;
		}
	}
	drop_inner(m);
}

const struct delta_row *map_row_at(const struct delta_map *m, uint32_t at)
{
	uint32_t from = 0, to = m->n_rows;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		const struct delta_row *r = &m->rows[middle];

		if (at < r->old_at)
			to = middle;
		else if (at - r->old_at >= r->old_len)
			from = middle + 1;
		else
			return r;
	}
	return NULL;
}

const struct delta_row *map_row_of(const struct delta_map *m, const struct delta_row *r,
				   uint64_t va)
{
	if (va - r->old_va < r->old_len)
		return r;
	for (uint32_t i = r->module; i < m->n_rows; i++) {
		const struct delta_row *other = &m->rows[i];

		if (other->module != r->module)
			break;
		if (va - other->old_va < other->old_len)
			return other;
	}
	return NULL;
}

bool map_move(const struct delta_map *m, const struct delta_row *r, uint64_t va,
	      uint64_t *ret_move)
{
	uint32_t at = (uint32_t)(va - r->old_va) + r->old_at;
	uint32_t from = 0, to = m->n_by_old;
	const struct delta_piece *p;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (m->by_old[middle].old_at <= at)
			from = middle + 1;
		else
			to = middle;
	}
	*ret_move = r->new_va - r->old_va;
	if (from == 0)
		return false;
	p = &m->pieces[m->by_old[from - 1].index];
	*ret_move += (uint64_t)p->new_at - p->old_at - r->new_at + r->old_at;
	return at - p->old_at < p->len;
}

uint32_t map_piece_at(const struct delta_map *m, uint32_t at)
{
	uint32_t from = 0, to = m->n_pieces;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		const struct delta_piece *p = &m->pieces[middle];

		if (p->new_at + p->len <= at)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}
