/* SPDX-License-Identifier: Apache-2.0 */
/* What the images are made of, found by trying. */
#ifndef OTA_PUBLISH_KINDS_H
#define OTA_PUBLISH_KINDS_H

#include "../../common/base/buf.h"
#include "../../common/delta/stream.h"

struct kinds_input {
	const uint8_t *old_data, *new_data;
	const struct delta_map *map; /* complete, sorted */
};

/* The kind of each STREAM_BLOCK of the new image: n_blocks of them. */
int kinds_choose(const struct kinds_input *in, uint8_t *ret_kinds, uint32_t n_blocks,
		 struct err *e) MUST_USE;

/* Appends the rows of the map (struct delta_row): those of ELF files that stand in
 * both images, and the best guess for what is none. Needs pieces, sorted. */
int rows_find(const struct kinds_input *in, struct buf *ret, struct err *e) MUST_USE;

#endif
