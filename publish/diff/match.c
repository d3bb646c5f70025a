/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces are grown as in C. Percival's "Naive differences of executable code" (2003):
 * an exact match that is better by some bytes than going on as before begins a new
 * piece; pieces then grow forwards and backwards as long as more than half of the bytes
 * agree, and where two meet, the border goes where most bytes agree. Where the piece at
 * hand goes on for a while without a fault nothing is searched at all.
 */
#include "match.h"

#include <divsufsort.h>
#include <string.h>

#define GOES_ON 32u /* bytes that agree without a search being needed */
#define MUST_WIN 8u /* bytes by which a new place must be better */
#define TELL_EVERY 65536u

struct match_index {
	const uint8_t *data;
	uint32_t size;
	int32_t *suffixes;
	uint32_t buckets[65537]; /* where suffixes with these two first bytes begin */
};

static void count_buckets(struct match_index *x)
{
	uint32_t sum = 0;

	/* A suffix of one byte sorts before all that go on: count it as of 0. */
	for (uint32_t i = 0; i < x->size; i++) {
		unsigned second = i + 1 < x->size ? x->data[i + 1] : 0;

		x->buckets[(unsigned)x->data[i] << 8 | second]++;
	}
	for (uint32_t i = 0; i <= 65536; i++) {
		uint32_t n = i < 65536 ? x->buckets[i] : 0;

		x->buckets[i] = sum;
		sum += n;
	}
}

struct match_index *match_index_new(const uint8_t *data, uint32_t size, struct err *e)
{
	AUTO_PTR(match_index) struct match_index *x = calloc(1, sizeof(*x));

	if (x == NULL || (x->suffixes = malloc((size + (size_t)1) * 4)) == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	x->data = data;
	x->size = size;
	if (size > INT32_MAX ||
	    (size > 0 && divsufsort(data, x->suffixes, (int32_t)size) != 0)) {
		(void)err_set(e, ERR_NO_MEMORY, "sorting %u bytes failed",
			      (unsigned)size);
		return NULL;
	}
	count_buckets(x);
	return TAKE(x);
}

void match_index_free(struct match_index *x)
{
	if (x == NULL)
		return;
	free(x->suffixes);
	free(x);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t same_len(const uint8_t *a, const uint8_t *b, uint32_t at, uint32_t max)
{
	while (at + 8 <= max) {
		uint64_t x, y;

		memcpy(&x, a + at, 8);
		memcpy(&y, b + at, 8);
		if (x != y)
			break;
		at += 8;
	}
	while (at < max && a[at] == b[at])
		at++;
	return at;
}

/* One end of a binary search: what of the pattern is known to agree there. */
struct bound {
	uint32_t at, agree;
};

static uint32_t agree(const struct match_index *x, uint32_t rank, const uint8_t *data,
		      uint32_t len, uint32_t from)
{
	uint32_t at = (uint32_t)x->suffixes[rank];

	return same_len(x->data + at, data, from, min_u32(len, x->size - at));
}

uint32_t match_longest(const struct match_index *x, const uint8_t *data, uint32_t len,
		       uint32_t *ret_at)
{
	unsigned key;
	struct bound lo, hi;

	if (len < 2)
		return 0;
	key = (unsigned)data[0] << 8 | data[1];
	lo = (struct bound){x->buckets[key], 0};
	hi = (struct bound){x->buckets[key + 1], 0};
	if (lo.at == hi.at)
		return 0;
	hi.at--;
	lo.agree = agree(x, lo.at, data, len, 0);
	hi.agree = agree(x, hi.at, data, len, 0);
	while (hi.at - lo.at > 1) {
		uint32_t middle = lo.at + (hi.at - lo.at) / 2;
		uint32_t n = agree(x, middle, data, len, min_u32(lo.agree, hi.agree));
		uint32_t at = (uint32_t)x->suffixes[middle];
		bool is_less =
		    at + n >= x->size || (n < len && x->data[at + n] < data[n]);

		if (is_less)
			lo = (struct bound){middle, n};
		else
			hi = (struct bound){middle, n};
		if (n == len)
			break;
	}
	*ret_at = (uint32_t)x->suffixes[lo.agree > hi.agree ? lo.at : hi.at];
	return lo.agree > hi.agree ? lo.agree : hi.agree;
}

/* The piece that is being grown, and where the next one begins. */
struct grower {
	const struct match_input *in;
	struct buf *out;
	uint32_t piece_new, piece_old; /* where the piece at hand begins */
	uint32_t scan;		       /* where we look in the new image */
	uint32_t at, len;	       /* what was found there */
	uint32_t told;
};

static bool agrees(const struct grower *g, uint32_t new_at)
{
	uint32_t old_at = g->piece_old + (new_at - g->piece_new);

	return old_at < g->in->old_size &&
	       g->in->old_data[old_at] == g->in->new_data[new_at];
}

/* How far the piece at hand goes on from `from` without a fault. */
static uint32_t goes_on(const struct grower *g, uint32_t from)
{
	uint64_t old_at = (uint32_t)(g->piece_old + (from - g->piece_new));

	if (old_at >= g->in->old_size)
		return 0;
	return same_len(
	    g->in->old_data + old_at, g->in->new_data + from, 0,
	    min_u32(g->in->new_size - from, g->in->old_size - (uint32_t)old_at));
}

/* Looks on until a place is found that is better than going on, or the end. True: it
 * only goes on as before. */
static bool look(struct grower *g)
{
	const struct match_input *in = g->in;
	uint32_t score = 0, scored;

	g->scan += g->len;
	g->len = goes_on(g, g->scan);
	if (g->len >= GOES_ON)
		return true;
	for (scored = g->scan; g->scan < in->new_size; g->scan++) {
		g->len = match_longest(in->index, in->new_data + g->scan,
				       in->new_size - g->scan, &g->at);
		for (; scored < g->scan + g->len; scored++)
			score += agrees(g, scored);
		if (g->len == score && g->len != 0)
			return true;
		if (g->len > score + MUST_WIN)
			return false;
		if (score > 0 && agrees(g, g->scan))
			score--;
	}
	return false;
}

/* How far the piece at hand is worth going on, at most to g->scan. */
static uint32_t grow_forwards(const struct grower *g)
{
	uint32_t max = min_u32(g->scan - g->piece_new, g->in->old_size - g->piece_old);
	int64_t sum = 0, best = 0;
	uint32_t len = 0;

	for (uint32_t i = 0; i < max; i++) {
		sum += agrees(g, g->piece_new + i) ? 1 : -1;
		if (sum > best || (sum == best && len == i)) {
			best = sum;
			len = i + 1;
		}
	}
	return len;
}

/* How far the found place can be taken back. */
static uint32_t grow_backwards(const struct grower *g)
{
	uint32_t max = min_u32(g->scan - g->piece_new, g->at);
	int64_t sum = 0, best = 0;
	uint32_t len = 0;

	if (g->scan >= g->in->new_size)
		return 0;
	for (uint32_t i = 1; i <= max; i++) {
		sum +=
		    g->in->old_data[g->at - i] == g->in->new_data[g->scan - i] ? 1 : -1;
		if (sum > best) {
			best = sum;
			len = i;
		}
	}
	return len;
}

/* Where both claim bytes: how many of them the first one keeps. */
static uint32_t settle(const struct grower *g, uint32_t forwards, uint32_t backwards)
{
	uint32_t both = g->piece_new + forwards + backwards - g->scan;
	uint32_t from = g->scan - backwards, keep = 0;
	int64_t sum = 0, best = 0;

	for (uint32_t i = 0; i < both; i++) {
		sum += agrees(g, from + i);
		sum -=
		    g->in->old_data[g->at - backwards + i] == g->in->new_data[from + i];
		if (sum > best) {
			best = sum;
			keep = i + 1;
		}
	}
	return keep;
}

static int end_piece(struct grower *g, struct err *e)
{
	uint32_t forwards = grow_forwards(g), backwards = grow_backwards(g);
	struct delta_piece p;

	if (g->piece_new + forwards > g->scan - backwards) {
		uint32_t keep = settle(g, forwards, backwards);
		uint32_t both = g->piece_new + forwards - (g->scan - backwards);

		forwards -= both - keep;
		backwards -= keep;
	}
	p = (struct delta_piece){g->piece_new, g->piece_old, forwards};
	g->piece_new = g->scan - backwards;
	g->piece_old = g->at - backwards;
	return p.len == 0 ? 0 : buf_add(g->out, &p, sizeof(p), e);
}

int match_pieces(const struct match_input *in, struct buf *ret, struct err *e)
{
	struct grower g = {.in = in, .out = ret};

	while (g.scan < in->new_size) {
		if (!look(&g) && end_piece(&g, e) < 0)
			return -1;
		if (in->progress != NULL && g.scan - g.told > TELL_EVERY) {
			g.told = g.scan;
			if (in->progress(in->ctx, g.scan, e) < 0)
				return -1;
		}
	}
	g.scan = in->new_size;
	g.at = 0;
	return g.piece_new < in->new_size ? end_piece(&g, e) : 0;
}
