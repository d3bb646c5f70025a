/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the old image's bytes went, and by that where its addresses point now.
 *
 * A *piece* says: these bytes of the new image stand there in the old one, nearly. A
 * *row* says which addresses a run of bytes has when it is loaded, before and after;
 * rows of one module (one ELF file) point at each other. An address is looked up by its
 * module's row (address -> old offset), the piece there (-> new offset) and the same
 * row (-> new address).
 */
#ifndef OTA_DELTA_MAP_H
#define OTA_DELTA_MAP_H

#include "coder.h"
#include "delta.h"

struct delta_piece {
	uint32_t new_at, old_at, len;
};

struct delta_row {
	uint32_t old_at, old_len, new_at;
	uint32_t module; /* index of its module's first row */
	uint64_t old_va, new_va;
};

struct delta_by_old {
	uint32_t old_at, index;
};

struct delta_map {
	struct delta_piece *pieces; /* by new_at; they do not overlap there */
	struct delta_by_old *by_old;
	struct delta_row *rows; /* by old_at; they do not overlap */
	uint32_t n_pieces, n_by_old, n_rows;
	uint32_t old_size, new_size;
};

struct map_model {
	struct number_model gap, len, move;
	struct bit_model no_gap, sign[2];
};

void map_model_init(struct map_model *m);

/* One row, one piece, in either direction. When decoding, false if it cannot be. */
bool map_code_row(struct coder *c, struct delta_map *m, uint32_t index);
bool map_code_piece(struct coder *c, struct map_model *model, struct delta_map *m,
		    uint32_t index);
/* Fills by_old, without allocating: the pieces that are not within a longer one. */
void map_sort(struct delta_map *m);

/* The row that holds old offset `at`, or NULL. */
const struct delta_row *map_row_at(const struct delta_map *m, uint32_t at);
/* The row of r's module that holds the address, or NULL. */
const struct delta_row *map_row_of(const struct delta_map *m, const struct delta_row *r,
				   uint64_t va);
/* By how much the address va, which lies in row r, has moved. False: no piece holds it,
 * and the piece before it was asked. */
bool map_move(const struct delta_map *m, const struct delta_row *r, uint64_t va,
	      uint64_t *ret_move);
/* The first piece that ends after new offset `at`; n_pieces if there is none. */
uint32_t map_piece_at(const struct delta_map *m, uint32_t at);

#endif
