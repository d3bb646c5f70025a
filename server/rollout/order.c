/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

int order_key(const char *seed, const char *text, uint64_t *ret, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (sha256_two(seed, strlen(seed) + 1, text, strlen(text), digest, e) < 0)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < sizeof(*ret); i++)
		*ret = *ret << 8 | digest[i];
	return 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_keys(const struct order_entry *x, const struct order_entry *y)
{
	int c = compare(x->key, y->key);

	return c != 0 ? c : compare(x->index, y->index);
}

static int by_stratum(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;
	int c = compare(x->stratum, y->stratum);

	return c != 0 ? c : compare_keys(x, y);
}

static int by_place(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;
	int c = compare(x->place, y->place);

	return c != 0 ? c : compare_keys(x, y);
}

/* (j + u) / n of 2^64, where u is stratum / 2^64: in whole numbers, so that every
 * machine finds the same. Two halves of 32 bits, since j * 2^64 would not fit. */
static uint64_t place_of(uint64_t j, uint64_t n, uint64_t u)
{
	uint64_t high = j << 32 | u >> 32; /* (j + u) * 2^32 */
	uint64_t rest = high % n;

	return (high / n) << 32 | ((rest << 32 | (u & UINT32_MAX)) / n & UINT32_MAX);
}

static void spread(struct order_entry *entries, size_t n)
{
	size_t begin = 0;

	while (begin < n) {
		size_t end = begin;

		while (end < n && entries[end].stratum == entries[begin].stratum)
			end++;
		for (size_t i = begin; i < end; i++)
			entries[i].place =
			    place_of(i - begin, end - begin, entries[i].stratum);
		begin = end;
	}
}

/* How many of those that are left, at most, and which of them. */
static uint64_t wave_size(const struct wave_plan *w, uint64_t left)
{
	uint64_t share = (left * w->percent_bp + PLAN_ALL_BP - 1) / PLAN_ALL_BP;

	if (w->by == WAVE_BY_PERCENT)
		return share;
	return w->by == WAVE_BY_COUNT && w->count < left ? w->count : left;
}

static bool may_take(const struct rollout_plan *p, unsigned wave,
		     const struct order_entry *entry)
{
	return entry->wave == ORDER_NO_WAVE && (p->waves[wave].by != WAVE_BY_FILTER ||
						(entry->matches >> wave & 1) != 0);
}

static uint64_t fill_wave(const struct rollout_plan *p, unsigned wave,
			  struct order_entry *entries, size_t n, uint64_t left)
{
	uint64_t size = wave_size(&p->waves[wave], left), taken = 0;

	for (size_t i = 0; i < n && taken < size; i++) {
		if (may_take(p, wave, &entries[i])) {
			entries[i].wave = (uint8_t)wave;
			taken++;
		}
	}
	return taken;
}

void order_assign(const struct rollout_plan *p, struct order_entry *entries, size_t n,
		  uint64_t ret_members[PLAN_MAX_WAVES])
{
	uint64_t left = n;

	memset(ret_members, 0, PLAN_MAX_WAVES * sizeof(*ret_members));
	if (n == 0) /* entries may be NULL, which qsort() does not take */
		return;
	for (size_t i = 0; i < n; i++) {
		entries[i].wave = ORDER_NO_WAVE;
		entries[i].place = entries[i].key;
	}
	if (p->stratify_by[0] != '\0') {
		qsort(entries, n, sizeof(*entries), by_stratum);
		spread(entries, n);
	}
	qsort(entries, n, sizeof(*entries), by_place);
	for (unsigned w = 0; w < p->n_waves; w++) {
		ret_members[w] = fill_wave(p, w, entries, n, left);
		left -= ret_members[w];
	}
}
