/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body's way onto the medium: chunk -> leaves and data -> blocks -> writes. One
 * segment after the other; stops at the end of each, so that the caller can flush and
 * move its cursor.
 */
#ifndef OTA_CLIENT_PUMP_H
#define OTA_CLIENT_PUMP_H

#include "../../common/format/container.h"
#include "../dev/dev.h"

struct pump;

struct pump *pump_new(struct err *e) MUST_USE;
void pump_free(struct pump *p);
AUTO_PTR_DEFINE(pump)

/* Borrowed until the next start: the head, whose groups are trusted, and a medium for
 * each of its images. Goes on at `segment`, or has nothing to do if that is
 * n_segments. */
void pump_start(struct pump *p, const struct container_head *head,
		struct dev *const media[MAX_IMAGES], size_t segment);

/* Where the first byte to feed stands in the body: a chunk's begin, or the body's
 * end. */
uint64_t pump_body_offset(const struct pump *p);

/* Takes what there is room for. */
size_t pump_feed(struct pump *p, const void *data, size_t len);

/* True if pump_step() can do nothing before it is fed. */
bool pump_is_hungry(const struct pump *p);

/*
 * One thing: a chunk hashed, a piece decoded, or up to 64 KiB of blocks checked and
 * written (only those that differ from what is there). ERR_DIGEST: not what was signed.
 * After -1 only pump_start() is allowed.
 */
int pump_step(struct pump *p, struct err *e) MUST_USE;

/* True if the current segment is complete and written, but not flushed. */
bool pump_segment_done(const struct pump *p);
size_t pump_segment(const struct pump *p);
void pump_next_segment(struct pump *p);

uint64_t pump_body_checked(const struct pump *p);
uint64_t pump_blocks_skipped(const struct pump *p); /* since pump_start() */
uint64_t pump_segment_blocks(const struct pump *p); /* written of the current segment */

#endif
