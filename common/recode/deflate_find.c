/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of three bytes are found again by a hash; those with the same hash hang on a
 * chain, the last one first. A match is kept back by one byte: if the next place has a
 * longer one, this place becomes a literal.
 *
 * The window holds up to twice 32 KiB. When less than MIN_AHEAD bytes are ahead its
 * upper half moves down, and what stood there stays above until it is overwritten. GNU
 * gzip compares beyond the end of its input with just these bytes, so they have to be the
 * same ones; the input is therefore taken only as far as the window has room.
 */
#include "deflate.h"

#include <string.h>

#define MIN_AHEAD (DEFLATE_MAX_MATCH + DEFLATE_MIN_MATCH + 1)
#define MAX_DISTANCE (DEFLATE_WINDOW - MIN_AHEAD)
#define TOO_FAR 4096 /* for a match of three bytes */
#define WINDOW_BYTES (2 * (size_t)DEFLATE_WINDOW)

int deflate_rules_for(unsigned level, unsigned mem_level, bool gzip,
		      struct deflate_rules *ret)
{
	static const struct deflate_rules levels[] = {
	    [4] = {.good = 4, .lazy = 4, .nice = 16, .chain = 16},
	    [5] = {.good = 8, .lazy = 16, .nice = 32, .chain = 32},
	    [6] = {.good = 8, .lazy = 16, .nice = 128, .chain = 128},
	    [7] = {.good = 8, .lazy = 32, .nice = 128, .chain = 256},
	    [8] = {.good = 32, .lazy = 128, .nice = 258, .chain = 1024},
	    [9] = {.good = 32, .lazy = 258, .nice = 258, .chain = 4096},
	};

	if (level < 4 || level >= sizeof(levels) / sizeof(levels[0]) || mem_level < 1 ||
	    mem_level > 9)
		return -1;
	*ret = levels[level];
	ret->gzip = gzip;
	ret->hash_bits = gzip ? 15 : mem_level + 7;
	ret->max_tokens = gzip ? DEFLATE_MAX_TOKENS - 1 : (64u << mem_level) - 1;
	return 0;
}

int deflate_init(struct deflate *d, const struct deflate_rules *rules,
		 struct recode_arena *a, const struct recode_out *out, struct err *e)
{
	d->rules = *rules;
	d->window = recode_arena_take(a, WINDOW_BYTES + DEFLATE_MAX_MATCH);
	d->head =
	    recode_arena_take_n(a, (size_t)1 << rules->hash_bits, sizeof(*d->head));
	d->before = recode_arena_take_n(a, DEFLATE_WINDOW, sizeof(*d->before));
	if (d->window == NULL || d->head == NULL || d->before == NULL)
		return err_set(e, ERR_LIMIT,
			       "deflate needs more memory than was declared");
	d->match_len = DEFLATE_MIN_MATCH - 1;
	return deflate_blocks_init(&d->blocks, a, out, e);
}

static void hash_byte(struct deflate *d, uint8_t byte)
{
	unsigned shift =
	    (d->rules.hash_bits + DEFLATE_MIN_MATCH - 1) / DEFLATE_MIN_MATCH;

	d->hash = (d->hash << shift ^ byte) & ((1u << d->rules.hash_bits) - 1);
}

/* Remembers the string at `at`; the last one with its hash, 0 for none. */
static size_t insert(struct deflate *d, size_t at)
{
	uint16_t last;

	hash_byte(d, d->window[at + DEFLATE_MIN_MATCH - 1]);
	last = d->head[d->hash];
	d->before[at % DEFLATE_WINDOW] = last;
	d->head[d->hash] = (uint16_t)at;
	return last;
}

static size_t common_len(const uint8_t *a, const uint8_t *b)
{
	size_t n = 0;

	while (n < DEFLATE_MAX_MATCH && a[n] == b[n])
		n++;
	return n;
}

/* The longest match among those that begin at `from` and are longer than `best`. */
static size_t longest(struct deflate *d, size_t from, size_t best)
{
	const uint8_t *here = d->window + d->at;
	size_t floor = d->at > MAX_DISTANCE ? d->at - MAX_DISTANCE : 0;
	size_t nice = d->rules.nice;
	unsigned chain = d->rules.chain;

	if (best >= d->rules.good)
		chain >>= 2;
	if (!d->rules.gzip && nice > d->ahead)
		nice = d->ahead;
	do {
		const uint8_t *there = d->window + from;
		size_t len;

		if (there[best] != here[best] || there[best - 1] != here[best - 1])
			continue;
		len = common_len(here, there);
		if (len <= best)
			continue;
		d->match_at = from;
		best = len;
		if (len >= nice)
			break;
	} while ((from = d->before[from % DEFLATE_WINDOW]) > floor && --chain > 0);
	return best < d->ahead ? best : d->ahead;
}

/* After the token just added: does the block end? gzip ends it early, now and then,
 * where the tokens are few and the input is long. */
static bool block_is_full(const struct deflate *d)
{
	const struct deflate_blocks *b = &d->blocks;

	if (d->rules.gzip && b->n_tokens % 4096 == 0) {
		uint64_t plain = (uint64_t)((int64_t)d->at - d->block_at);
		uint64_t coded = (b->n_tokens * 8 + deflate_distance_bits(b)) >> 3;

		if (b->n_matches < b->n_tokens / 2 && coded < plain / 2)
			return true;
	}
	return b->n_tokens == d->rules.max_tokens;
}

static int end_block(struct deflate *d, bool last, struct err *e)
{
	const uint8_t *plain = d->block_at >= 0 ? d->window + d->block_at : NULL;
	size_t len = (size_t)((int64_t)d->at - d->block_at);

	if (deflate_block_end(&d->blocks, plain, len, last, e) < 0)
		return -1;
	d->block_at = (int64_t)d->at;
	return 0;
}

/* The match that was kept back is taken: it began one byte ago. */
static int take_match(struct deflate *d, size_t len, size_t match_at, struct err *e)
{
	bool full;

	deflate_token_add(&d->blocks, (unsigned)(d->at - 1 - match_at),
			  (unsigned)(len - DEFLATE_MIN_MATCH));
	full = block_is_full(d);
	d->ahead -= len - 1;
	for (size_t i = 2; i < len; i++)
		(void)insert(d, ++d->at);
	d->at++;
	d->has_literal = false;
	d->match_len = DEFLATE_MIN_MATCH - 1;
	return full ? end_block(d, false, e) : 0;
}

/* The byte before becomes a literal: here is a longer match, or none at all. */
static int take_literal(struct deflate *d, struct err *e)
{
	deflate_token_add(&d->blocks, 0, d->window[d->at - 1]);
	return block_is_full(d) ? end_block(d, false, e) : 0;
}

static int step(struct deflate *d, struct err *e)
{
	size_t last_len = d->match_len;
	size_t last_at = d->match_at;
	size_t from = insert(d, d->at);

	d->match_len = DEFLATE_MIN_MATCH - 1;
	if (from != 0 && last_len < d->rules.lazy && d->at - from <= MAX_DISTANCE) {
		d->match_len = longest(d, from, last_len);
		if (d->match_len == DEFLATE_MIN_MATCH && d->at - d->match_at > TOO_FAR)
			d->match_len--;
	}
	if (last_len >= DEFLATE_MIN_MATCH && d->match_len <= last_len)
		return take_match(d, last_len, last_at, e);
	if (d->has_literal && take_literal(d, e) < 0)
		return -1;
	d->has_literal = true;
	d->at++;
	d->ahead--;
	return 0;
}

static void begin(struct deflate *d)
{
	if (d->begun)
		return;
	d->begun = true;
	hash_byte(d, d->window[0]);
	hash_byte(d, d->window[1]);
}

static void move_down(uint16_t *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		places[i] =
		    (uint16_t)(places[i] >= DEFLATE_WINDOW ? places[i] - DEFLATE_WINDOW
							   : 0);
}

/* The upper half becomes the lower one, if nothing needs that any more. */
static void slide(struct deflate *d)
{
	if (d->at < DEFLATE_WINDOW + MAX_DISTANCE)
		return;
	memcpy(d->window, d->window + DEFLATE_WINDOW, DEFLATE_WINDOW);
	d->at -= DEFLATE_WINDOW;
	d->match_at -= DEFLATE_WINDOW;
	d->block_at -= DEFLATE_WINDOW;
	move_down(d->head, (size_t)1 << d->rules.hash_bits);
	move_down(d->before, DEFLATE_WINDOW);
}

int deflate_add(struct deflate *d, const uint8_t *data, size_t len, struct err *e)
{
	while (len > 0) {
		size_t room = WINDOW_BYTES - d->at - d->ahead;
		size_t n = len < room ? len : room;

		memcpy(d->window + d->at + d->ahead, data, n);
		d->ahead += n;
		data += n;
		len -= n;
		if (d->ahead < MIN_AHEAD)
			continue;
		begin(d);
		while (d->ahead >= MIN_AHEAD) {
			if (step(d, e) < 0)
				return -1;
		}
		slide(d);
	}
	return 0;
}

int deflate_end(struct deflate *d, struct err *e)
{
	begin(d);
	memset(d->window + d->at + d->ahead, 0, DEFLATE_MIN_MATCH - 1);
	while (d->ahead > 0) {
		if (step(d, e) < 0)
			return -1;
	}
	if (d->has_literal && take_literal(d, e) < 0)
		return -1;
	return end_block(d, true, e);
}
