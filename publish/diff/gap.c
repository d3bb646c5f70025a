/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greedy, with one byte of patience: a copy is taken if it saves more bits than it costs
 * and the next byte does not begin a better one. Costs are estimates; the coder learns
 * the true ones.
 *
 * Literals that cost 8 bits each are dear: they take the decoder fifty times what a bare
 * byte does, and save nothing (what is compressed already, or encrypted). Where the last
 * 16,384 of a gap were, its next 256 KiB go as they are, but for copies that pay; then
 * literals have to prove themselves again. (Fewer would not do: they learn.)
 */
#include "gap.h"

#include <stdlib.h>
#include <string.h>

#define HASH_BITS 18
#define TRIES 48
#define MIN_OLD 5u
#define PROBE 16384u
#define RAW_FOR (256u << 10)
#define RAW_MIN 32u
#define RAW_WORTH 16 /* bits that a copy saves, at least, to end a run of them */

struct gap {
	struct gap_input in;
	uint32_t known; /* bytes before this are in the chains */
	uint32_t *heads;
	uint32_t *before; /* of each position modulo the window */
	uint32_t piece;	  /* after the gap that the three are of */
	uint32_t n_probed, probed_bytes, raw_left;
};

struct gap *gap_new(const struct gap_input *in, struct err *e)
{
	AUTO_PTR(gap) struct gap *g = calloc(1, sizeof(*g));

	if (g != NULL) {
		g->in = *in;
		g->heads = calloc((size_t)1 << HASH_BITS, sizeof(*g->heads));
		g->before = calloc(in->window, sizeof(*g->before));
	}
	if (g == NULL || g->heads == NULL || g->before == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return TAKE(g);
}

void gap_free(struct gap *g)
{
	if (g == NULL)
		return;
	free(g->heads);
	free(g->before);
	free(g);
}

static uint32_t hash_at(const uint8_t *p)
{
	uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

	return v * 2654435761u >> (32 - HASH_BITS);
}

/* Positions are kept + 1: 0 is none. */
void gap_know(struct gap *g, uint32_t to)
{
	uint32_t mask = g->in.window - 1;

	if (to - g->known > g->in.window)
		g->known = to - g->in.window;
	for (; g->known < to && g->known + 3 <= g->in.new_size; g->known++) {
		uint32_t *head = &g->heads[hash_at(g->in.new_data + g->known)];

		g->before[g->known & mask] = *head;
		*head = g->known + 1;
	}
}

static uint32_t same_len(const uint8_t *a, const uint8_t *b, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && a[n] == b[n])
		n++;
	return n;
}

static int log2_of(uint32_t v)
{
	return v == 0 ? 0 : 32 - __builtin_clz(v);
}

/* Bits saved by a copy of len bytes that costs so many. */
static int saves(uint32_t len, int cost)
{
	return (int)(len > 1000 ? 1000 : len) * 5 - cost;
}

struct choice {
	struct gap_token token;
	int saved;
};

static void offer(struct choice *best, enum gap_token_kind kind, uint32_t len,
		  uint32_t from, int cost)
{
	int saved = saves(len, cost);

	if (saved > best->saved)
		*best = (struct choice){{kind, len, from}, saved};
}

static void try_near(struct gap *g, const struct stream *s, uint32_t at, uint32_t max,
		     struct choice *best)
{
	const uint8_t *here = g->in.new_data + at;
	uint32_t from, longest = 0;

	if (max < 3)
		return;
	if (s->last_far > 0 && s->last_far <= at - s->group_at)
		offer(best, GAP_NEAR, same_len(here - s->last_far, here, max),
		      s->last_far, 9);
	from = g->heads[hash_at(here)];
	for (int i = 0; i < TRIES && from != 0; i++) {
		uint32_t back = at - (from - 1), len;

		if (back == 0 || back > g->in.window - 1 || back > at - s->group_at)
			break;
		len = same_len(here - back, here, max);
		if (len > longest) {
			longest = len;
			offer(best, GAP_NEAR, len, back, 10 + log2_of(back));
		}
		from = g->before[(from - 1) & (g->in.window - 1)];
		if (from != 0 && at - (from - 1) <= back)
			break;
	}
}

static void try_old(struct gap *g, const struct stream *s, uint32_t at, uint32_t max,
		    struct choice *best)
{
	const uint8_t *here = g->in.new_data + at;
	uint32_t from = 0, len, move;

	if (s->last_old < g->in.old_size) {
		len = same_len(g->in.old_data + s->last_old, here,
			       max < g->in.old_size - s->last_old
				   ? max
				   : g->in.old_size - s->last_old);
		offer(best, GAP_OLD, len, s->last_old, 9);
	}
	if (max < MIN_OLD || match_longest(g->in.index, here, max, &from) < MIN_OLD)
		return;
	len = same_len(g->in.old_data + from, here,
		       max < g->in.old_size - from ? max : g->in.old_size - from);
	move = from - s->last_old;
	move = move >> 31 != 0 ? 0 - move : move;
	offer(best, GAP_OLD, len, from, 12 + log2_of(move));
}

static struct choice best_at(struct gap *g, const struct stream *s, uint32_t at)
{
	struct choice best = {{GAP_LITERAL, 1, 0}, 0};
	uint32_t max = s->limit - at;

	gap_know(g, at);
	try_near(g, s, at, max, &best);
	if (best.token.len < 64)
		try_old(g, s, at, max, &best);
	return best;
}

void gap_told(struct gap *g, size_t bytes)
{
	g->probed_bytes += (uint32_t)bytes;
	if (++g->n_probed < PROBE)
		return;
	g->raw_left = g->probed_bytes >= PROBE ? RAW_FOR : 0;
	g->n_probed = g->probed_bytes = 0;
}

/* Up to where a copy pays, or the limit. */
static struct gap_token raw_or_literal(struct gap *g, const struct stream *s)
{
	uint32_t max = s->limit - s->at, len = 1;

	if (max > g->raw_left)
		max = g->raw_left;
	while (len < max && best_at(g, s, s->at + len).saved < RAW_WORTH)
		len++;
	if (len < RAW_MIN)
		return (struct gap_token){GAP_LITERAL, 1, 0};
	g->raw_left -= len;
	return (struct gap_token){GAP_RAW, len, 0};
}

struct gap_token gap_choose(struct gap *g, const struct stream *s)
{
	struct choice now = best_at(g, s, s->at);

	if (s->piece != g->piece) {
		g->piece = s->piece;
		g->n_probed = g->probed_bytes = g->raw_left = 0;
	}
	if (g->raw_left >= RAW_MIN && now.saved < RAW_WORTH)
		return raw_or_literal(g, s);
	if (now.token.kind == GAP_LITERAL || now.token.len > 32 ||
	    s->at + 1 >= s->limit)
		return now.token;
	if (best_at(g, s, s->at + 1).saved > now.saved)
		return (struct gap_token){GAP_LITERAL, 1, 0};
	return now.token;
}
