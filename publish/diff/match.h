/* SPDX-License-Identifier: Apache-2.0 */
/* Finding where the new image's bytes stand in the old one. */
#ifndef OTA_PUBLISH_MATCH_H
#define OTA_PUBLISH_MATCH_H

#include "../../common/base/buf.h"
#include "../../common/delta/map.h"

/* An index over the old image: a suffix array, 4 bytes a byte. */
struct match_index;

/* data is borrowed while the index lives; size < 2^31. */
struct match_index *match_index_new(const uint8_t *data, uint32_t size,
				    struct err *e) MUST_USE;
void match_index_free(struct match_index *x);
AUTO_PTR_DEFINE(match_index)

/* The longest place in the old image that begins as the len bytes at data do; its
 * length, 0 if none. */
uint32_t match_longest(const struct match_index *x, const uint8_t *data, uint32_t len,
		       uint32_t *ret_at);

struct match_input {
	const struct match_index *index; /* over old */
	const uint8_t *old_data, *new_data;
	uint32_t old_size, new_size;
	int (*progress)(void *ctx, uint32_t at, struct err *e); /* may be NULL */
	void *ctx;
};

/* Appends struct delta_piece, by new_at: runs that are the same but for some bytes. */
int match_pieces(const struct match_input *in, struct buf *ret, struct err *e) MUST_USE;

#endif
