/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body's way onto the medium, one segment after the other; stops at the end of each,
 * so that the caller can flush and move its cursor.
 *
 *	full	chunk -> its hash -> leaves and data -> blocks -> their leaves -> writes
 *	delta	chunk -> its hash -> decoder -> 512 KiB -> their group's hash -> writes
 *	unwrapped             old view -> decoder -> new view -> packer -> 512 KiB ..
 *
 * A delta's segments read the old image, and need its map before; those of an unwrapped
 * image its plan as well. They are read whenever an image is begun or resumed, and the
 * body may then go on further behind.
 */
#ifndef OTA_CLIENT_PUMP_H
#define OTA_CLIENT_PUMP_H

#include "../../common/delta/delta.h"
#include "../../common/format/container.h"
#include "../../common/recode/wrap.h"
#include "../dev/dev.h"

struct pump;

struct pump *pump_new(struct err *e) MUST_USE;
void pump_free(struct pump *p);
AUTO_PTR_DEFINE(pump)

/* Borrowed until the next start: the head, whose groups are trusted, and for each of its
 * images a medium and, for a delta, the old image. */
struct pump_job {
	const struct container_head *head;
	struct dev *media[MAX_IMAGES];
	struct delta_source old[MAX_IMAGES]; /* whole blocks; copied */
	struct recode_means unwrap;
	struct dev *scratch; /* for unwrapping; NULL: none */
	uint64_t blocks;     /* of the release, that are on the medium */
};

/* Takes all memory that the job needs; no other call does, but for what unwrapping takes
 * (within its limit) when the plan was read. *ret_blocks: what of job->blocks counts; the
 * rest is made again. Nothing is left to do if that is all. */
int pump_start(struct pump *p, const struct pump_job *job, uint64_t *ret_blocks,
	       struct err *e) MUST_USE;

/* Where the next byte to feed stands in the body: a chunk's begin at first, the body's
 * end at last. It leaps forward where a map was read and what follows it is not
 * needed. */
uint64_t pump_body_offset(const struct pump *p);

/* Takes what there is room for. */
size_t pump_feed(struct pump *p, const void *data, size_t len);

/* True if pump_step() can do nothing before it is fed. */
bool pump_is_hungry(const struct pump *p);

/*
 * One thing: a chunk hashed, a piece decoded, or up to 64 KiB of blocks checked or
 * written (only those that differ from what is there). Of an unwrapped image it may be
 * more: all large old frames decoded, one frame encoded and written. ERR_DIGEST: not what
 * was signed. After -1 only pump_start() is allowed.
 */
int pump_step(struct pump *p, struct err *e) MUST_USE;

/* True if the current segment is complete and written, but not flushed. */
bool pump_segment_done(const struct pump *p);
unsigned pump_image(const struct pump *p); /* that it belongs to */
void pump_next_segment(struct pump *p);
bool pump_is_done(const struct pump *p); /* no segment is left */

uint64_t pump_body_checked(const struct pump *p);
uint64_t pump_blocks_skipped(const struct pump *p); /* since pump_start() */
uint64_t pump_segment_blocks(const struct pump *p); /* written since its begin */

#endif
