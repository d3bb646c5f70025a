/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offline bundle (.ota): a release and the metadata that vouches for it in one
 * file, and the unsigned form that `ota bundle create` leaves for `ota release sign`.
 * docs/formats/bundle.md.
 *
 *	 0   8  magic "OTABNDL1"
 *	 8   2  format = 1
 *	10   2  n_parts (1..64)
 *	12   4  must_understand = 0
 *	16   .  parts: n_parts x {type u32, reserved u32 = 0, offset u64, length u64};
 *	        type ascending (several PART_ROOT in order of version); each begins at
 *	        the first multiple of 8 behind the one before, and the file ends with
 *	        the last one
 *
 * No names and no nesting: a part is one of these types, at most once but for root and
 * file.
 */
#ifndef OTA_FORMAT_BUNDLE_H
#define OTA_FORMAT_BUNDLE_H

#include "../base/buf.h"

#include <stdint.h>

#define BUNDLE_MAX_PARTS 64

enum part_type {
	PART_ROOT = 1, /* chain: versions 1.. in order */
	PART_TIMESTAMP = 2,
	PART_SNAPSHOT = 3,
	PART_TARGETS = 4,
	PART_MANIFEST = 5,
	PART_DESCRIPTOR = 6,
	PART_HEAD = 7,
	PART_BODY = 8,
	PART_FILE = 9, /* an opaque one; in the manifest's order */
};

struct part {
	enum part_type type;
	uint64_t offset;
	uint64_t length;
};

struct bundle {
	struct part parts[BUNDLE_MAX_PARTS];
	size_t n_parts;
};

/* Reads the table from the front of a file of file_size bytes. */
#define BUNDLE_TABLE_MAX_BYTES (16 + BUNDLE_MAX_PARTS * 24)
int bundle_parse(const void *front, size_t len, uint64_t file_size, struct bundle *ret,
		 struct err *e) MUST_USE;

/* The i-th part of a type, or NULL. */
const struct part *bundle_find(const struct bundle *b, enum part_type type, size_t i);

/* Lays out the table for parts with given types and lengths (offsets are computed and
 * set). */
int bundle_layout(struct bundle *b, struct buf *ret_table, struct err *e) MUST_USE;

#endif
