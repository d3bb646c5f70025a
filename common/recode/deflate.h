/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making deflate streams (RFC 1951) that two programs have made: GNU gzip and zlib.
 *
 * What a compressor makes of its input follows from its rules: which earlier strings it
 * remembers, how far it looks among them, when it prefers the next byte's match, where
 * a block ends, and how its codes are built. Both programs go back to one method by
 * Jean-loup Gailly and have kept its rules since 1993, so their streams can be made again
 * by following the rules, whatever version made them, and without their libraries. Where
 * the two part, struct deflate_rules says so.
 *
 *	finder	deflate_find.c: bytes -> literals and matches
 *	blocks	deflate_block.c: literals and matches -> codes -> bits
 *
 * Fixed memory, about 400 KiB; can stop after any byte.
 */
#ifndef OTA_RECODE_DEFLATE_H
#define OTA_RECODE_DEFLATE_H

#include "codec.h"

#include <stdbool.h>

#define DEFLATE_WINDOW 32768u
#define DEFLATE_MIN_MATCH 3u
#define DEFLATE_MAX_MATCH 258u
#define DEFLATE_MAX_TOKENS 32768u

#define DEFLATE_N_LITERALS 286u /* and the end of a block, and lengths */
#define DEFLATE_N_DISTANCES 30u
#define DEFLATE_N_LENGTHS 19u /* code lengths */
#define DEFLATE_MAX_NODES (2 * DEFLATE_N_LITERALS + 1)

/* How hard to look (levels 4 to 9 differ in nothing else), and where the programs part. */
struct deflate_rules {
	uint16_t good;	/* the last match is so long: look at a quarter only */
	uint16_t lazy;	/* so long: do not look for a better one at all */
	uint16_t nice;	/* so long: stop looking */
	uint16_t chain; /* look at so many */
	unsigned hash_bits;
	unsigned max_tokens; /* of a block */
	bool
	    gzip; /* ends blocks early where that seems to pay, and looks past the end */
};

/* One symbol of a code. */
struct deflate_symbol {
	uint16_t n;    /* how often */
	uint16_t code; /* its bits, the first one lowest */
	uint16_t len;
};

struct deflate_code {
	struct deflate_symbol symbols[DEFLATE_N_LITERALS + 2];
	int last; /* the last symbol in use */
};

/* A literal has distance 0. */
struct deflate_token {
	uint16_t distance;
	uint8_t length; /* less 3; or the literal */
};

struct deflate_blocks {
	const struct recode_out *out;
	struct deflate_token *tokens; /* DEFLATE_MAX_TOKENS */
	size_t n_tokens;
	size_t n_matches;
	struct deflate_code literals, distances, lengths;
	uint64_t best_bits, fixed_bits; /* of the block in work */
	uint64_t bits;			/* not yet a byte, lowest first */
	unsigned n_bits;
	uint8_t *made; /* RECODE_STEP */
	size_t n_made;
};

struct deflate {
	struct deflate_rules rules;
	struct deflate_blocks blocks;
	uint8_t *window;  /* twice DEFLATE_WINDOW, and room to look past it */
	uint16_t *head;	  /* [hash]: the last place with it */
	uint16_t *before; /* [place]: the one before with the same hash */
	unsigned hash;
	size_t at;	  /* the next byte to look at */
	size_t ahead;	  /* bytes after it */
	int64_t block_at; /* the block's first byte; below 0: it left the window */
	size_t match_len, match_at;
	bool has_literal; /* the byte before is not coded yet */
	bool begun;
};

/* level 4..9. -1 if the rules are unknown. */
int deflate_rules_for(unsigned level, unsigned mem_level, bool gzip,
		      struct deflate_rules *ret);

/* Memory comes from the arena; ERR_LIMIT. */
int deflate_init(struct deflate *d, const struct deflate_rules *rules,
		 struct recode_arena *a, const struct recode_out *out,
		 struct err *e) MUST_USE;
int deflate_add(struct deflate *d, const uint8_t *data, size_t len,
		struct err *e) MUST_USE;
int deflate_end(struct deflate *d, struct err *e) MUST_USE;

/* Of deflate_block.c: */
int deflate_blocks_init(struct deflate_blocks *b, struct recode_arena *a,
			const struct recode_out *out, struct err *e) MUST_USE;

/* Adds a token to the block: distance 0 and a literal, or a length less 3. */
void deflate_token_add(struct deflate_blocks *b, unsigned distance, unsigned length);

/* What the distances of the block will take, roughly, in bits. */
uint64_t deflate_distance_bits(const struct deflate_blocks *b);

/* Ends the block. plain (NULL: not at hand) are the bytes that its tokens make. */
int deflate_block_end(struct deflate_blocks *b, const uint8_t *plain, size_t plain_len,
		      bool last, struct err *e) MUST_USE;

#endif
