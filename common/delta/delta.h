/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying a delta: old image + patch -> new image, as a stream, in memory that is
 * taken once. docs/DELTA.md has the format byte by byte.
 *
 * One image's delta is a *map* (which pieces of the new image stand where in the old
 * one) and *segments*, each of up to 4 MiB of output. The map is read first, by every
 * reader, also one that resumes. Segments follow each other in *groups* that share what
 * the decoder has learnt; a reader begins at a group's first segment.
 *
 *	delta_head_parse(first DELTA_HEAD_LEN bytes of the map, &head)
 *	d = delta_new(&head, limit, &old)		all memory is taken here
 *	while (!delta_map_done(d))
 *		delta_read_map(d, &io)			the map's bytes, head included
 *	for each segment, from a group's first:
 *		delta_start(d, &segment)
 *		while (!delta_segment_done(d))
 *			delta_run(d, &io)		takes and makes what it can
 *
 * Input and output may be cut anywhere. Any input is safe: it makes at most the bytes
 * declared, or ERR_FORMAT. Whether they are the right ones is for the caller to check
 * (groups of the Merkle tree), before they are written.
 *
 * A decoder belongs to one thread at a time.
 */
#ifndef OTA_DELTA_DELTA_H
#define OTA_DELTA_DELTA_H

#include "../base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELTA_HEAD_LEN 48u
#define DELTA_MAX_BYTES ((uint64_t)UINT32_MAX - 4096) /* of either image */
#define DELTA_MAX_SEGMENT (4u * 1024 * 1024)
#define DELTA_MAX_PIECES (1u << 20)
#define DELTA_MAX_ROWS 4096u

/* The old image, or whatever stands for it: an unwrapped view of it does, too. read()
 * is only asked for what lies within size, all of it or an error. */
struct delta_source {
	int (*read)(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e);
	void *ctx;
	uint64_t size;
};

/*
 * The first bytes of the map:
 *
 *	 0   4  magic "ODM1"
 *	 4   4  must_understand = 0
 *	 8   8  old_size
 *	16   8  new_size
 *	24   8  memory: all that delta_new() takes, the same on every machine
 *	32   4  map_size: bytes of the map, these 48 included
 *	36   4  n_pieces
 *	40   2  n_rows
 *	42   2  reserved, 0
 *	44   4  window: bytes of output that can be copied from; a power of two
 */
struct delta_head {
	uint64_t old_size, new_size, memory;
	uint32_t map_size, n_pieces, window;
	uint16_t n_rows;
};

/* ERR_FORMAT or ERR_UNSUPPORTED; a head that is taken is written back as the same
 * bytes. */
int delta_head_parse(const uint8_t data[DELTA_HEAD_LEN], struct delta_head *ret,
		     struct err *e) MUST_USE;
void delta_head_write(const struct delta_head *h, uint8_t ret[DELTA_HEAD_LEN]);
/* What delta_new() takes for a head with these counts. */
uint64_t delta_head_memory(const struct delta_head *h);

struct delta;

/* ERR_LIMIT if the head asks for more than max_memory bytes, ERR_INCOMPATIBLE if
 * old->size is not what it says. *old is copied, what it points to is borrowed. */
struct delta *delta_new(const struct delta_head *h, uint64_t max_memory,
			const struct delta_source *old, struct err *e) MUST_USE;
/* The same in memory of the caller's, aligned as malloc() aligns; nothing is freed, and
 * it may be placed anew there. ERR_LIMIT if room is too little. */
struct delta *delta_place(void *memory, size_t room, const struct delta_head *h,
			  const struct delta_source *old, struct err *e) MUST_USE;
void delta_free(struct delta *d); /* of delta_new() */
AUTO_PTR_DEFINE(delta)

struct delta_io {
	const uint8_t *in;
	size_t in_len;
	size_t taken; /* out: of in */
	uint8_t *out;
	size_t room;
	size_t made; /* out: bytes in out */
};

/* Only in, in_len and taken are used. */
int delta_read_map(struct delta *d, struct delta_io *io, struct err *e) MUST_USE;
bool delta_map_done(const struct delta *d);

struct delta_segment {
	uint64_t offset;    /* of its output in the new image */
	uint32_t size;	    /* bytes of output, 1..DELTA_MAX_SEGMENT */
	uint32_t body_size; /* bytes of input */
	bool continues; /* goes on with what the segment before has learnt, which must
			   have been decoded by this decoder just now */
};

/* ERR_FORMAT if the segment is not within the new image or cannot go on. */
int delta_start(struct delta *d, const struct delta_segment *s, struct err *e) MUST_USE;
int delta_run(struct delta *d, struct delta_io *io, struct err *e) MUST_USE;
/* All input taken and all output made. */
bool delta_segment_done(const struct delta *d);

#endif
