/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of an ELF file's bytes stand in its program header. An image that is none
 * (a raw kernel, a boot loader, a flash of a microcontroller) has one row: its offset
 * plus a base, and the base is the one by which most of the pointers that changed
 * changed as their targets moved.
 */
#include "kinds.h"

#include "../../common/base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LOADS 16u
#define SAMPLES 20000u
#define CLUSTER 21 /* bits: pointers of one image share what is above */

struct load {
	uint32_t at, len;
	uint64_t va;
};

/* The loadable parts of the ELF file at `at`; 0 if there is none. */
static size_t read_loads(const uint8_t *data, uint32_t size, uint32_t at,
			 struct load ret[MAX_LOADS])
{
	const uint8_t *p = data + at;
	uint32_t left = size - at, n, entry;
	uint64_t table;
	size_t n_loads = 0;
	bool wide;

	if (left < 64 || memcmp(p, "\177ELF", 4) != 0 || p[5] != 1)
		return 0;
	wide = p[4] == 2;
	table = wide ? load_le64(p + 32) : load_le32(p + 28);
	entry = load_le16(p + (wide ? 54 : 42));
	n = load_le16(p + (wide ? 56 : 44));
	if (entry < (wide ? 56 : 32) || table > left ||
	    (uint64_t)n * entry > left - table)
		return 0;
	for (uint32_t i = 0; i < n && n_loads < MAX_LOADS; i++) {
		const uint8_t *h = p + table + (uint64_t)i * entry;
		uint64_t offset = wide ? load_le64(h + 8) : load_le32(h + 4);
		uint64_t va = wide ? load_le64(h + 16) : load_le32(h + 8);
		uint64_t len = wide ? load_le64(h + 32) : load_le32(h + 16);

		if (load_le32(h) != 1 || len == 0 || offset > left ||
		    len > left - offset)
			continue;
		ret[n_loads++] =
		    (struct load){at + (uint32_t)offset, (uint32_t)len, va};
	}
	return n_loads;
}

/* Where the old byte stands in the new image, if a piece says so. */
static bool find_new(const struct delta_map *m, uint32_t old_at, uint32_t *ret)
{
	const struct delta_row all = {0, m->old_size, 0, 0, 0, 0};
	uint64_t move;

	if (!map_move(m, &all, old_at, &move))
		return false;
	*ret = old_at + (uint32_t)move;
	return true;
}

static int add_file(const struct kinds_input *in, uint32_t at, uint32_t *end,
		    struct buf *ret, struct err *e)
{
	struct load old_loads[MAX_LOADS], new_loads[MAX_LOADS];
	size_t n = read_loads(in->old_data, in->map->old_size, at, old_loads);
	uint32_t module = (uint32_t)(ret->len / sizeof(struct delta_row));
	uint32_t new_at;

	if (n == 0 || !find_new(in->map, at, &new_at) || new_at >= in->map->new_size ||
	    read_loads(in->new_data, in->map->new_size, new_at, new_loads) != n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct delta_row r = {old_loads[i].at, old_loads[i].len,
				      new_loads[i].at, module,
				      old_loads[i].va, new_loads[i].va};

		if (r.old_at < *end || ret->len / sizeof(r) >= DELTA_MAX_ROWS)
			continue;
		if (buf_add(ret, &r, sizeof(r), e) < 0)
			return -1;
		*end = r.old_at + r.old_len;
	}
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	return x < y ? -1 : x > y;
}

/* A pointer that changed. */
struct sample {
	uint64_t was;
	uint64_t move;
};

static uint64_t load(const uint8_t *p, unsigned width)
{
	return width == 8 ? load_le64(p) : load_le32(p);
}

/* Words in pieces that are not what they were, by not more than the image's size. */
static size_t take_samples(const struct kinds_input *in, unsigned width,
			   struct sample *ret)
{
	const struct delta_map *m = in->map;
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_pieces; i++) {
		const struct delta_piece *p = &m->pieces[i];

		if (((p->new_at ^ p->old_at) & (width - 1)) != 0)
			continue;
		for (uint32_t k = (0 - p->new_at) & (width - 1);
		     k + width <= p->len && n < SAMPLES; k += width) {
			uint64_t a = load(in->old_data + p->old_at + k, width);
			uint64_t b = load(in->new_data + p->new_at + k, width);

			if (a == b || a == 0 || b == 0 ||
			    (b - a > m->new_size && a - b > m->new_size))
				continue;
			ret[n++] = (struct sample){a, b - a};
		}
	}
	return n;
}

static size_t score_base(const struct delta_map *m, const struct sample *s, size_t n,
			 uint64_t base)
{
	const struct delta_row all = {0, m->old_size, 0, 0, base, base};
	size_t right = 0;
	uint64_t move;

	for (size_t i = 0; i < n; i++)
		right += s[i].was - base < m->old_size &&
			 map_move(m, &all, s[i].was, &move) && move == s[i].move;
	return right;
}

/* Candidates are the rounded-down pointers themselves, lowest of each cluster first. */
static uint64_t best_base(const struct delta_map *m, struct sample *s, size_t n,
			  size_t *ret_score)
{
	static const unsigned aligns[] = {21, 16, 12, 20, 24, 28};
	uint64_t best = 0, last = UINT64_MAX;

	*ret_score = score_base(m, s, n, 0) + 1;
	qsort(s, n, sizeof(*s), compare_u64);
	for (size_t i = 0, tries = 0; i < n && tries < 64; i++) {
		if (s[i].was >> CLUSTER == last)
			continue;
		last = s[i].was >> CLUSTER;
		tries++;
		for (size_t k = 0; k < sizeof(aligns) / sizeof(aligns[0]); k++) {
			uint64_t base = s[i].was >> aligns[k] << aligns[k];
			size_t score = score_base(m, s, n, base);

			if (score > *ret_score) {
				*ret_score = score;
				best = base;
			}
		}
	}
	return best;
}

static int add_raw(const struct kinds_input *in, struct buf *ret, struct err *e)
{
	AUTO_FREE struct sample *s = calloc(SAMPLES, sizeof(*s));
	size_t score8 = 0, score4 = 0;
	uint64_t base8, base4;
	struct delta_row r = {0, in->map->old_size, 0, 0, 0, 0};

	if (s == NULL)
		return err_nomem(e);
	base8 = best_base(in->map, s, take_samples(in, 8, s), &score8);
	base4 = best_base(in->map, s, take_samples(in, 4, s), &score4);
	r.old_va = r.new_va = score8 * 2 > score4 ? base8 : base4;
	return buf_add(ret, &r, sizeof(r), e);
}

static uint64_t covered(const struct buf *rows)
{
	const struct delta_row *r = (const struct delta_row *)(const void *)rows->data;
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->len / sizeof(*r); i++)
		sum += r[i].old_len;
	return sum;
}

/* A little ELF file in a large raw image (a kernel's vDSO) is only content. */
int rows_find(const struct kinds_input *in, struct buf *ret, struct err *e)
{
	uint32_t end = 0, size = in->map->old_size;

	if (size == 0)
		return 0;
	for (uint32_t at = 0; size - at >= 64; at += 4) {
		const uint8_t *hit = memmem(in->old_data + at, size - at, "\177ELF", 4);

		if (hit == NULL)
			break;
		at = (uint32_t)(hit - in->old_data);
		if (at % 4 == 0 && at >= end && add_file(in, at, &end, ret, e) < 0)
			return -1;
		at &= ~3u;
	}
	if (covered(ret) >= size / 4)
		return 0;
	buf_clear(ret);
	return add_raw(in, ret, e);
}
