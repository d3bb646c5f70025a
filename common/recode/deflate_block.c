/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: two Huffman codes for the tokens, a third one for the lengths of those two.
 * How ties are broken while a code is built decides its bits, so the order in which nodes
 * leave the heap is part of the format that is to be met: by count, and among equal ones
 * the less deep, and among those as the heap happens to stand.
 */
#include "deflate.h"

#include <string.h>

#define MAX_CODE_BITS 15
#define MAX_LENGTH_BITS 7
#define END_OF_BLOCK 256
#define FIRST_LENGTH 257

enum { STORED = 0, FIXED = 1, DYNAMIC = 2 };

/* Symbols of code lengths beyond 0..15: repeat the last, zeros, many zeros. */
enum { REPEAT = 16, ZEROS = 17, MANY_ZEROS = 18 };

static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint8_t distance_extra[30] = {0, 0, 0,  0,	 1,  1,	 2,  2,	 3,  3,
					   4, 4, 5,  5,	 6,  6,	 7,  7,	 8,  8,
					   9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
static const uint8_t lengths_extra[19] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					  0, 0, 0, 0, 0, 0, 2, 3, 7};
static const uint8_t lengths_order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					  11, 4,  12, 3, 13, 2, 14, 1, 15};

/* What is known of each of the three alphabets. */
struct alphabet {
	const uint8_t *extra;
	unsigned first_extra;
	unsigned n;
	unsigned max_bits;
	unsigned (*fixed_len)(unsigned symbol); /* NULL: no fixed code */
};

static unsigned fixed_literal_len(unsigned symbol)
{
	return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}

static unsigned fixed_distance_len(unsigned symbol)
{
	(void)symbol;
	return 5;
}

static const struct alphabet literals = {length_extra, FIRST_LENGTH, DEFLATE_N_LITERALS,
					 MAX_CODE_BITS, fixed_literal_len};
static const struct alphabet distances = {distance_extra, 0, DEFLATE_N_DISTANCES,
					  MAX_CODE_BITS, fixed_distance_len};
static const struct alphabet lengths = {lengths_extra, 0, DEFLATE_N_LENGTHS,
					MAX_LENGTH_BITS, NULL};

/* The symbol whose range holds value, which counts from 0; its range's start. */
static unsigned find_range(const uint8_t *extra, unsigned n, unsigned value,
			   unsigned *ret_start)
{
	unsigned start = 0;
	unsigned i = 0;

	while (i + 1 < n && value >= start + (1u << extra[i]))
		start += 1u << extra[i++];
	*ret_start = start;
	return i;
}

/* length less 3 -> symbol less 257; the longest has one of its own. */
static unsigned length_symbol(unsigned length, unsigned *ret_start)
{
	if (length == DEFLATE_MAX_MATCH - DEFLATE_MIN_MATCH) {
		*ret_start = length;
		return 28;
	}
	return find_range(length_extra, 28, length, ret_start);
}

static unsigned distance_symbol(unsigned distance, unsigned *ret_start)
{
	return find_range(distance_extra, DEFLATE_N_DISTANCES, distance - 1, ret_start);
}

static void begin_block(struct deflate_blocks *b)
{
	memset(&b->literals, 0, sizeof(b->literals));
	memset(&b->distances, 0, sizeof(b->distances));
	memset(&b->lengths, 0, sizeof(b->lengths));
	b->literals.symbols[END_OF_BLOCK].n = 1;
	b->n_tokens = 0;
	b->n_matches = 0;
	b->best_bits = 0;
	b->fixed_bits = 0;
}

int deflate_blocks_init(struct deflate_blocks *b, struct recode_arena *a,
			const struct recode_out *out, struct err *e)
{
	b->out = out;
	b->tokens = recode_arena_take_n(a, DEFLATE_MAX_TOKENS, sizeof(*b->tokens));
	b->made = recode_arena_take(a, RECODE_STEP);
	if (b->tokens == NULL || b->made == NULL)
		return err_set(e, ERR_LIMIT,
			       "deflate needs more memory than was declared");
	begin_block(b);
	return 0;
}

void deflate_token_add(struct deflate_blocks *b, unsigned distance, unsigned length)
{
	struct deflate_token *t = &b->tokens[b->n_tokens++];
	unsigned start;

	t->distance = (uint16_t)distance;
	t->length = (uint8_t)length;
	if (distance == 0) {
		b->literals.symbols[length].n++;
		return;
	}
	b->n_matches++;
	b->literals.symbols[FIRST_LENGTH + length_symbol(length, &start)].n++;
	b->distances.symbols[distance_symbol(distance, &start)].n++;
}

uint64_t deflate_distance_bits(const struct deflate_blocks *b)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < DEFLATE_N_DISTANCES; i++)
		bits += (uint64_t)b->distances.symbols[i].n * (5u + distance_extra[i]);
	return bits;
}

/* A code's tree while it is built: leaves 0..n-1, then nodes. */
struct tree {
	uint16_t n[DEFLATE_MAX_NODES];
	uint8_t depth[DEFLATE_MAX_NODES];
	uint16_t parent[DEFLATE_MAX_NODES];
	uint16_t len[DEFLATE_MAX_NODES];
	uint16_t heap[DEFLATE_MAX_NODES]; /* 1..heap_len: the heap; from sorted on:
					     what left it, the last one first */
	unsigned heap_len;
	unsigned sorted;
};

static bool before(const struct tree *t, unsigned a, unsigned b)
{
	return t->n[a] < t->n[b] || (t->n[a] == t->n[b] && t->depth[a] <= t->depth[b]);
}

static void sift_down(struct tree *t, unsigned k)
{
	uint16_t v = t->heap[k];

	for (unsigned child = 2 * k; child <= t->heap_len; child = 2 * k) {
		if (child < t->heap_len &&
		    before(t, t->heap[child + 1], t->heap[child]))
			child++;
		if (before(t, v, t->heap[child]))
			break;
		t->heap[k] = t->heap[child];
		k = child;
	}
	t->heap[k] = v;
}

/* Symbols that occur; at least two, so that each has a bit. */
static void fill_heap(struct tree *t, struct deflate_blocks *b,
		      const struct alphabet *a, struct deflate_code *c)
{
	c->last = -1;
	for (unsigned i = 0; i < a->n; i++) {
		t->n[i] = c->symbols[i].n;
		if (t->n[i] == 0)
			continue;
		t->heap[++t->heap_len] = (uint16_t)i;
		c->last = (int)i;
	}
	while (t->heap_len < 2) {
		unsigned added = c->last < 2 ? (unsigned)++c->last : 0;

		t->heap[++t->heap_len] = (uint16_t)added;
		t->n[added] = 1;
		b->best_bits--;
		if (a->fixed_len != NULL)
			b->fixed_bits -= a->fixed_len(added);
	}
}

static void join_nodes(struct tree *t, unsigned n_symbols)
{
	unsigned node = n_symbols;

	for (unsigned k = t->heap_len / 2; k >= 1; k--)
		sift_down(t, k);
	do {
		unsigned x = t->heap[1];
		unsigned y;

		t->heap[1] = t->heap[t->heap_len--];
		sift_down(t, 1);
		y = t->heap[1];
		t->heap[--t->sorted] = (uint16_t)x;
		t->heap[--t->sorted] = (uint16_t)y;
		t->n[node] = (uint16_t)(t->n[x] + t->n[y]);
		t->depth[node] =
		    (uint8_t)((t->depth[x] > t->depth[y] ? t->depth[x] : t->depth[y]) +
			      1);
		t->parent[x] = t->parent[y] = (uint16_t)node;
		t->heap[1] = (uint16_t)node++;
		sift_down(t, 1);
	} while (t->heap_len >= 2);
	t->heap[--t->sorted] = t->heap[1];
}

/* Too deep leaves come up: each takes the place of a brother one level above the
 * limit, whose leaf goes down. */
static void shorten(struct tree *t, uint16_t counts[], unsigned max_bits, int overflow,
		    int last)
{
	unsigned h = DEFLATE_MAX_NODES;

	while (overflow > 0) {
		unsigned bits = max_bits - 1;

		while (counts[bits] == 0)
			bits--;
		counts[bits]--;
		counts[bits + 1] = (uint16_t)(counts[bits + 1] + 2);
		counts[max_bits]--;
		overflow -= 2;
	}
	for (unsigned bits = max_bits; bits > 0; bits--) {
		for (unsigned n = counts[bits]; n > 0;) {
			unsigned leaf = t->heap[--h];

			if ((int)leaf > last)
				continue;
			t->len[leaf] = (uint16_t)bits;
			n--;
		}
	}
}

/* Lengths from the root down. */
static void measure(struct tree *t, const struct alphabet *a,
		    const struct deflate_code *c, uint16_t counts[])
{
	int overflow = 0;

	t->len[t->heap[t->sorted]] = 0;
	for (unsigned h = t->sorted + 1; h < DEFLATE_MAX_NODES; h++) {
		unsigned node = t->heap[h];
		unsigned bits = t->len[t->parent[node]] + 1u;

		if (bits > a->max_bits) {
			bits = a->max_bits;
			overflow++;
		}
		t->len[node] = (uint16_t)bits;
		if ((int)node <= c->last)
			counts[bits]++;
	}
	if (overflow > 0)
		shorten(t, counts, a->max_bits, overflow, c->last);
}

static uint16_t reverse(unsigned code, unsigned len)
{
	unsigned out = 0;

	for (; len > 0; len--, code >>= 1)
		out = out << 1 | (code & 1);
	return (uint16_t)out;
}

/* RFC 1951 3.2.2: by length, then by symbol. */
static void assign_codes(struct deflate_code *c, const uint16_t counts[])
{
	uint16_t next[MAX_CODE_BITS + 1] = {0};
	unsigned code = 0;

	for (unsigned bits = 1; bits <= MAX_CODE_BITS; bits++) {
		code = (code + (bits > 1 ? counts[bits - 1] : 0u)) << 1;
		next[bits] = (uint16_t)code;
	}
	for (int i = 0; i <= c->last; i++) {
		struct deflate_symbol *s = &c->symbols[i];

		if (s->len > 0)
			s->code = reverse(next[s->len]++, s->len);
	}
}

static void build_code(struct deflate_blocks *b, const struct alphabet *a,
		       struct deflate_code *c)
{
	struct tree t = {.sorted = DEFLATE_MAX_NODES};
	uint16_t counts[MAX_CODE_BITS + 1] = {0};

	fill_heap(&t, b, a, c);
	join_nodes(&t, a->n);
	measure(&t, a, c, counts);
	for (int i = 0; i <= c->last; i++) {
		unsigned symbol = (unsigned)i;
		unsigned extra =
		    symbol >= a->first_extra ? a->extra[symbol - a->first_extra] : 0;

		if (t.n[i] == 0)
			continue;
		c->symbols[i].len = t.len[i];
		b->best_bits += (uint64_t)t.n[i] * (t.len[i] + extra);
		if (a->fixed_len != NULL)
			b->fixed_bits +=
			    (uint64_t)t.n[i] * (a->fixed_len(symbol) + extra);
	}
	assign_codes(c, counts);
}

static int flush_made(struct deflate_blocks *b, struct err *e)
{
	size_t n = b->n_made;

	b->n_made = 0;
	return n > 0 ? b->out->write(b->out->ctx, b->made, n, e) : 0;
}

static int put_bits(struct deflate_blocks *b, unsigned value, unsigned n, struct err *e)
{
	b->bits |= (uint64_t)value << b->n_bits;
	b->n_bits += n;
	while (b->n_bits >= 8) {
		b->made[b->n_made++] = (uint8_t)b->bits;
		b->bits >>= 8;
		b->n_bits -= 8;
		if (b->n_made == RECODE_STEP && flush_made(b, e) < 0)
			return -1;
	}
	return 0;
}

static int fill_byte(struct deflate_blocks *b, struct err *e)
{
	return put_bits(b, 0, (8 - b->n_bits % 8) % 8, e);
}

/* One run of equal code lengths: a symbol and its extra bits. */
typedef int on_run(struct deflate_blocks *b, unsigned symbol, unsigned value,
		   struct err *e);

static int count_run(struct deflate_blocks *b, unsigned symbol, unsigned value,
		     struct err *e)
{
	(void)value;
	(void)e;
	b->lengths.symbols[symbol].n++;
	return 0;
}

static int put_run(struct deflate_blocks *b, unsigned symbol, unsigned value,
		   struct err *e)
{
	const struct deflate_symbol *s = &b->lengths.symbols[symbol];

	if (put_bits(b, s->code, s->len, e) < 0)
		return -1;
	return put_bits(b, value, lengths_extra[symbol], e);
}

/* `count` times `len`, after another length, or the same one (`again`). */
static int one_run(struct deflate_blocks *b, unsigned len, unsigned count, bool again,
		   on_run *run, struct err *e)
{
	unsigned least = len == 0 || again ? 3 : 4;

	if (count < least) {
		for (; count > 0; count--) {
			if (run(b, len, 0, e) < 0)
				return -1;
		}
		return 0;
	}
	if (len == 0 && count <= 10)
		return run(b, ZEROS, count - 3, e);
	if (len == 0)
		return run(b, MANY_ZEROS, count - 11, e);
	if (!again) {
		if (run(b, len, 0, e) < 0)
			return -1;
		count--;
	}
	return run(b, REPEAT, count - 3, e);
}

/* The lengths of a code, run by run. A run ends where the length changes, or at 138
 * zeros, 6 repeats or 7 with the first. */
static int each_run(struct deflate_blocks *b, const struct deflate_code *c, on_run *run,
		    struct err *e)
{
	unsigned count = 0;
	bool again = false;

	for (int i = 0; i <= c->last; i++) {
		unsigned len = c->symbols[i].len;
		unsigned most = len == 0 ? 138 : again ? 6 : 7;
		bool goes_on = i < c->last && c->symbols[i + 1].len == len;

		count++;
		if (goes_on && count < most)
			continue;
		if (one_run(b, len, count, again, run, e) < 0)
			return -1;
		count = 0;
		again = goes_on && len != 0;
	}
	return 0;
}

/* Builds all three codes; how many code lengths are sent. */
static int build_codes(struct deflate_blocks *b, unsigned *ret_n_lengths, struct err *e)
{
	unsigned n = DEFLATE_N_LENGTHS;

	build_code(b, &literals, &b->literals);
	build_code(b, &distances, &b->distances);
	if (each_run(b, &b->literals, count_run, e) < 0 ||
	    each_run(b, &b->distances, count_run, e) < 0)
		return -1;
	build_code(b, &lengths, &b->lengths);
	while (n > 4 && b->lengths.symbols[lengths_order[n - 1]].len == 0)
		n--;
	b->best_bits += 3 * n + 5 + 5 + 4;
	*ret_n_lengths = n;
	return 0;
}

static int put_codes(struct deflate_blocks *b, unsigned n_lengths, struct err *e)
{
	if (put_bits(b, (unsigned)b->literals.last + 1 - 257, 5, e) < 0 ||
	    put_bits(b, (unsigned)b->distances.last + 1 - 1, 5, e) < 0 ||
	    put_bits(b, n_lengths - 4, 4, e) < 0)
		return -1;
	for (unsigned i = 0; i < n_lengths; i++) {
		if (put_bits(b, b->lengths.symbols[lengths_order[i]].len, 3, e) < 0)
			return -1;
	}
	if (each_run(b, &b->literals, put_run, e) < 0)
		return -1;
	return each_run(b, &b->distances, put_run, e);
}

/* The fixed codes of RFC 1951 3.2.6. */
static void use_fixed(struct deflate_blocks *b)
{
	uint16_t counts[MAX_CODE_BITS + 1] = {0};

	b->literals.last = 287;
	for (unsigned i = 0; i < 288; i++) {
		b->literals.symbols[i].len = (uint16_t)fixed_literal_len(i);
		counts[fixed_literal_len(i)]++;
	}
	assign_codes(&b->literals, counts);
	for (unsigned i = 0; i < DEFLATE_N_DISTANCES; i++) {
		b->distances.symbols[i].len = 5;
		b->distances.symbols[i].code = reverse(i, 5);
	}
}

static int put_symbol(struct deflate_blocks *b, const struct deflate_code *c,
		      unsigned symbol, struct err *e)
{
	return put_bits(b, c->symbols[symbol].code, c->symbols[symbol].len, e);
}

static int put_token(struct deflate_blocks *b, const struct deflate_token *t,
		     struct err *e)
{
	unsigned start;
	unsigned symbol;

	if (t->distance == 0)
		return put_symbol(b, &b->literals, t->length, e);
	symbol = length_symbol(t->length, &start);
	if (put_symbol(b, &b->literals, FIRST_LENGTH + symbol, e) < 0 ||
	    put_bits(b, t->length - start, length_extra[symbol], e) < 0)
		return -1;
	symbol = distance_symbol(t->distance, &start);
	if (put_symbol(b, &b->distances, symbol, e) < 0)
		return -1;
	return put_bits(b, t->distance - 1 - start, distance_extra[symbol], e);
}

static int put_tokens(struct deflate_blocks *b, struct err *e)
{
	for (size_t i = 0; i < b->n_tokens; i++) {
		if (put_token(b, &b->tokens[i], e) < 0)
			return -1;
	}
	return put_symbol(b, &b->literals, END_OF_BLOCK, e);
}

static int put_stored(struct deflate_blocks *b, const uint8_t *plain, size_t len,
		      bool last, struct err *e)
{
	if (put_bits(b, STORED << 1 | last, 3, e) < 0 || fill_byte(b, e) < 0 ||
	    put_bits(b, (unsigned)len, 16, e) < 0 ||
	    put_bits(b, ~(unsigned)len & 0xffff, 16, e) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (put_bits(b, plain[i], 8, e) < 0)
			return -1;
	}
	return 0;
}

int deflate_block_end(struct deflate_blocks *b, const uint8_t *plain, size_t plain_len,
		      bool last, struct err *e)
{
	unsigned n_lengths;
	uint64_t best;
	uint64_t fixed;
	int status;

	if (build_codes(b, &n_lengths, e) < 0)
		return -1;
	best = (b->best_bits + 3 + 7) >> 3;
	fixed = (b->fixed_bits + 3 + 7) >> 3;
	if (fixed <= best)
		best = fixed;
	if (plain_len + 4 <= best && plain != NULL && plain_len <= 0xffff) {
		status = put_stored(b, plain, plain_len, last, e);
	} else if (fixed == best) {
		use_fixed(b);
		status = put_bits(b, FIXED << 1 | last, 3, e);
		status = status < 0 ? -1 : put_tokens(b, e);
	} else {
		status = put_bits(b, DYNAMIC << 1 | last, 3, e);
		status = status < 0 ? -1 : put_codes(b, n_lengths, e);
		status = status < 0 ? -1 : put_tokens(b, e);
	}
	if (status < 0)
		return -1;
	begin_block(b);
	if (last && fill_byte(b, e) < 0)
		return -1;
	return last ? flush_made(b, e) : 0;
}
