/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of a segment, the same code for encoder and decoder (coder.h).
 *
 * The new image is walked from left to right. Within a piece of the map each byte is
 * expected to be what the old image has there, as predicted:
 *
 *	same?  yes: a run of so many bytes as expected; unless it reaches the limit, a
 *		    literal follows, for the run would have gone on
 *	       no: a literal
 *
 * Between pieces there are tokens: a literal, a copy from the last `window` bytes made,
 * a copy from anywhere in the old image, or bytes as they are. The limit of a run or a
 * copy is the end of the piece or gap, of the segment, or of the 4 KiB of the new image:
 * each of these begins with its kind (predict.h), if a piece is there.
 */
#ifndef OTA_DELTA_STREAM_H
#define OTA_DELTA_STREAM_H

#include "literal.h"
#include "predict.h"

#define STREAM_BLOCK 4096u
#define STREAM_OLD_BLOCK 4096u
#define STREAM_OLD_SLOTS 16u
#define STREAM_OLD_ROOM (STREAM_OLD_BLOCK + 2 * PREDICT_LOOK)
#define STREAM_MIN_COPY 2u
/* No step, from one suspension to the next, codes more bits than a quarter of this. */
#define STREAM_STEP_BYTES 1024u

enum gap_token_kind { GAP_LITERAL, GAP_NEAR, GAP_OLD, GAP_RAW };

struct gap_token {
	enum gap_token_kind kind;
	uint32_t len;
	uint32_t from; /* near: how many bytes back; old: offset */
};

struct stream_models {
	struct literal_model literal;
	struct bit_model same[N_DELTA_REFS][8][8];
	struct bit_model to_limit[N_DELTA_REFS][2];
	struct number_model run[N_DELTA_REFS];
	struct bit_model kind[N_DELTA_KINDS][16];
	struct bit_model token[16][4];
	struct bit_model again, back;
	struct number_model near_len, near_far[3], old_len, old_move, raw_len;
};

struct old_cache {
	struct delta_source source;
	uint32_t blocks[STREAM_OLD_SLOTS]; /* which block + 1; 0: none */
	uint8_t data[STREAM_OLD_SLOTS][STREAM_OLD_ROOM];
};

struct stream {
	struct coder coder;
	struct stream_models models;
	struct predictor predictor;
	struct old_cache cache;
	struct delta_map *map;
	const uint8_t *kinds; /* encoder: of each block; decoder: NULL */
	uint32_t window;
	/* where we are */
	uint32_t at, end; /* in the new image; the segment's end */
	uint32_t piece;	  /* the one we are in, or the next one */
	uint32_t limit;
	bool in_piece;
	uint32_t kind_block; /* block + 1 whose kind is known */
	enum delta_kind kind;
	unsigned unit_pos; /* bytes of the unit done; unit.len: it needs a new one */
	bool unit_differs;
	uint8_t unit_actual[PREDICT_MAX_UNIT];
	bool must_differ; /* the next byte is no run */
	/* contexts */
	uint64_t history;
	unsigned same_history, token_history;
	bool reached_limit;
	uint8_t shifts[N_DELTA_REFS][8];
	uint32_t last_far, last_old;
	uint32_t group_at; /* where the window begins to hold something */
};

/* s->map, s->window and s->cache.source are set before. */
void stream_begin_group(struct stream *s);
void stream_begin_segment(struct stream *s, uint32_t at, uint32_t size);

/* Before anything else at a position: finds out where we are, codes the kind. */
int stream_locate(struct stream *s, struct err *e) MUST_USE;
/* In a piece: what is expected here is in s->predictor.unit, from s->unit_pos. */
int stream_expect(struct stream *s, struct err *e) MUST_USE;

unsigned stream_code_same(struct stream *s, unsigned same);
/* The context of a run's length is that of its begin, which an encoder has left behind
 * when it knows the length. 0: the decoder got what cannot be. */
struct run_context {
	enum delta_ref ref;
	uint32_t max;
	bool reached;
};
struct run_context stream_run_context(const struct stream *s);
uint32_t stream_code_run(struct stream *s, const struct run_context *x, uint32_t len);
uint8_t stream_code_literal(struct stream *s, uint8_t byte);
/* False: the decoder got what cannot be. */
bool stream_code_token(struct stream *s, struct gap_token *t);

/* One byte of a unit is known: as expected or not. */
void stream_take(struct stream *s, uint8_t byte);
/* `len` bytes of a gap, or of whole units, were made; they end with these (up to 8). */
void stream_skip(struct stream *s, uint32_t len, const uint8_t *last, uint32_t n_last);

/* The old image at `at`, with PREDICT_LOOK bytes on both sides (zeros outside it), up to
 * the end of its STREAM_OLD_BLOCK. Valid until the next call. */
const uint8_t *stream_old(struct stream *s, uint32_t at, struct err *e) MUST_USE;

static inline uint32_t stream_old_at(const struct stream *s)
{
	const struct delta_piece *p = &s->map->pieces[s->piece];

	return p->old_at + (s->at - p->new_at);
}

#endif
