/* SPDX-License-Identifier: Apache-2.0 */
#include "decoder.h"

#include "../base/bytes.h"

#include <assert.h>
#include <string.h>

#define MAGIC "ODM1"
#define MIN_WINDOW 4096u
#define MAX_WINDOW (1u << 24)

/* The same on every machine, so that a delta can be made for one that is not here. */
#define FIXED_MEMORY (1088u * 1024)
#define ROW_MEMORY 32u
#define PIECE_MEMORY 20u

static_assert(sizeof(struct delta) + sizeof(struct delta_row) +
		      sizeof(struct delta_piece) + sizeof(struct delta_by_old) <=
		  FIXED_MEMORY,
	      "the decoder is larger than declared");
static_assert(sizeof(struct delta_row) <= ROW_MEMORY, "");
static_assert(sizeof(struct delta_piece) + sizeof(struct delta_by_old) <= PIECE_MEMORY,
	      "");

void delta_head_write(const struct delta_head *h, uint8_t ret[DELTA_HEAD_LEN])
{
	memset(ret, 0, DELTA_HEAD_LEN);
	memcpy(ret, MAGIC, 4);
	store_le64(ret + 8, h->old_size);
	store_le64(ret + 16, h->new_size);
	store_le64(ret + 24, h->memory);
	store_le32(ret + 32, h->map_size);
	store_le32(ret + 36, h->n_pieces);
	store_le16(ret + 40, h->n_rows);
	store_le32(ret + 44, h->window);
}

uint64_t delta_head_memory(const struct delta_head *h)
{
	return FIXED_MEMORY + h->window + h->n_rows * (uint64_t)ROW_MEMORY +
	       h->n_pieces * (uint64_t)PIECE_MEMORY;
}

static int check(const struct delta_head *h, struct err *e)
{
	if (h->old_size > DELTA_MAX_BYTES || h->new_size == 0 ||
	    h->new_size > DELTA_MAX_BYTES)
		return err_set(e, ERR_FORMAT, "images of %llu and %llu bytes",
			       (unsigned long long)h->old_size,
			       (unsigned long long)h->new_size);
	if (h->n_pieces > DELTA_MAX_PIECES || h->n_rows > DELTA_MAX_ROWS)
		return err_set(e, ERR_LIMIT, "%u pieces, %u rows",
			       (unsigned)h->n_pieces, (unsigned)h->n_rows);
	if (h->window < MIN_WINDOW || h->window > MAX_WINDOW ||
	    (h->window & (h->window - 1)) != 0)
		return err_set(e, ERR_FORMAT, "a window of %u bytes",
			       (unsigned)h->window);
	if (h->map_size < DELTA_HEAD_LEN)
		return err_set(e, ERR_FORMAT, "a map of %u bytes",
			       (unsigned)h->map_size);
	if (h->memory != delta_head_memory(h))
		return err_set(e, ERR_UNSUPPORTED,
			       "needs %llu bytes of memory here, it declares %llu",
			       (unsigned long long)delta_head_memory(h),
			       (unsigned long long)h->memory);
	return 0;
}

int delta_head_parse(const uint8_t data[DELTA_HEAD_LEN], struct delta_head *ret,
		     struct err *e)
{
	if (memcmp(data, MAGIC, 4) != 0)
		return err_set(e, ERR_FORMAT, "not a delta's map");
	if (load_le32(data + 4) != 0 || load_le16(data + 42) != 0)
		return err_set(e, ERR_UNSUPPORTED, "made for a newer reader");
	*ret = (struct delta_head){.old_size = load_le64(data + 8),
				   .new_size = load_le64(data + 16),
				   .memory = load_le64(data + 24),
				   .map_size = load_le32(data + 32),
				   .n_pieces = load_le32(data + 36),
				   .n_rows = load_le16(data + 40),
				   .window = load_le32(data + 44)};
	return check(ret, e);
}
