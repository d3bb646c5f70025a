/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bytes of the old image become when they move: references follow their targets.
 *
 * Bytes are looked at in *units*: an instruction, a pointer, or one byte that is neither.
 * A unit that refers to an address gets the field it would have if the address had moved
 * as the map says; the others stay. Where that was wrong, the true move is remembered
 * for the address, so that the next reference to it is right.
 *
 * What a run of the image is made of is its *kind*; the encoder finds it by trying.
 */
#ifndef OTA_DELTA_PREDICT_H
#define OTA_DELTA_PREDICT_H

#include "map.h"

enum delta_kind {
	KIND_PLAIN,
	KIND_A64,   /* AArch64 instructions */
	KIND_X86,   /* x86-64: rel32 and RIP-relative */
	KIND_THUMB, /* Thumb-2 instructions, 32-bit pointers between */
	KIND_A32,   /* A32 instructions, 32-bit pointers between */
	KIND_PTR64, /* 64-bit addresses, also in relocation tables */
	KIND_PTR32,
	KIND_REL32,  /* 32-bit distances from where they stand */
	KIND_WORD32, /* 32-bit numbers that stand for something: indices, identifiers */
	N_DELTA_KINDS
};

/* What a unit refers with; also a context for the bytes that were not as predicted. */
enum delta_ref {
	REF_NONE,
	REF_OTHER, /* of an instruction set, without a reference */
	REF_CALL,
	REF_NEAR,
	REF_PAGE,
	REF_LOW,
	REF_POINTER,
	REF_DISTANCE,
	REF_WORD,
	N_DELTA_REFS
};

#define PREDICT_LOOK 64u /* bytes that must be readable on either side of a unit */
#define PREDICT_MAX_UNIT 8u
#define PREDICT_EXACT 16384u
#define PREDICT_COARSE 2048u

/* By the lower halves: the upper ones of what moves within an image stay. */
struct predicted_move {
	uint32_t va, move;
};

struct page_register {
	uint64_t old_page, new_page;
	uint32_t set_at; /* old offset */
	bool is_set;
};

struct predict_unit {
	enum delta_ref ref;
	unsigned len;
	uint32_t old_at, new_at;
	uint8_t bytes[PREDICT_MAX_UNIT]; /* as predicted */
	uint32_t old_word;
	uint64_t target; /* old address */
	uint64_t move;	 /* by which it was thought to have moved */
	uint64_t shift;	 /* new minus old address of the unit itself */
	uint64_t va;	 /* of the unit, old */
};

struct predictor {
	const struct delta_map *map;
	const struct delta_row *row; /* the last one asked for */
	bool learns;
	struct predict_unit unit;
	struct page_register registers[32];
	struct predicted_move exact[PREDICT_EXACT];
	struct predicted_move coarse[PREDICT_COARSE];
	uint8_t a64_classes[256];
};

/* map is borrowed. Forgets everything learnt. */
void predict_init(struct predictor *p, const struct delta_map *map, bool learns);
/* The alignment changes: what was known about registers is void. */
void predict_jump(struct predictor *p);

/*
 * The unit at old offset old_at, which becomes the one at new_at, into p->unit. old
 * points to it, with PREDICT_LOOK bytes readable on both sides. A unit never takes more
 * than `room` bytes; what would is taken byte by byte.
 */
void predict_next(struct predictor *p, enum delta_kind kind, const uint8_t *old,
		  uint32_t old_at, uint32_t new_at, uint32_t room);
/* How many of the len bytes at old are whole units that certainly refer to nothing: a
 * lower bound, for speed alone. */
uint32_t predict_quiet(const struct predictor *p, enum delta_kind kind,
		       const uint8_t *old, uint32_t old_at, uint32_t new_at,
		       uint32_t len);
/* The unit turned out to be these bytes. */
void predict_learn(struct predictor *p, enum delta_kind kind, const uint8_t *actual);

/* Is what stands at `at` in x86-64 code a 32-bit displacement? 3 bytes before it are
 * read. Not by decoding: by the opcode before it, which is right nearly always. */
bool predict_x86_displaces(const uint8_t *at);

#endif
