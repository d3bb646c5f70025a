/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding a segment's data, in any pieces, with memory that is taken once: none after
 * decoder_reserve().
 *
 * Segments of CODEC_DELTA need their image's map first:
 *
 *	decoder_start_map(old image) -> decoder_run_map() until it is done
 *	-> decoder_start() and decoder_run() for each segment of that image
 */
#ifndef OTA_CLIENT_DECODE_H
#define OTA_CLIENT_DECODE_H

#include "../../common/delta/delta.h"
#include "../../common/format/container.h"

struct decoder;

struct decoder *decoder_new(struct err *e) MUST_USE;
void decoder_free(struct decoder *d);
AUTO_PTR_DEFINE(decoder)

/* Takes what this head's codecs need, h->memory for deltas; gives back what they do not. */
int decoder_reserve(struct decoder *d, const struct container_head *h,
		    struct err *e) MUST_USE;

struct decoder_io {
	const uint8_t *in;
	size_t in_len;
	size_t taken; /* out: of in */
	uint8_t *out;
	size_t room;
	size_t made; /* out: bytes in out */
};

/* The next bytes begin the map of an image of new_size bytes (whole blocks). old: as
 * large as the map says, read while the image's segments are decoded; copied, what it
 * points to is borrowed. */
void decoder_start_map(struct decoder *d, uint32_t map_size, uint64_t new_size,
		       const struct delta_source *old);
/* Only in, in_len and taken are used. ERR_FORMAT, ERR_INCOMPATIBLE (another size of the
 * old image), ERR_LIMIT (more memory than the container's head says). */
int decoder_run_map(struct decoder *d, struct decoder_io *io, struct err *e) MUST_USE;
bool decoder_map_done(const struct decoder *d);

/* Forgets what was before, unless the segment continues it; the next bytes begin the
 * segment's data. */
int decoder_start(struct decoder *d, const struct segment *s, struct err *e) MUST_USE;

/*
 * Takes and makes what it can. No room is fine: what does not show in the output (the
 * end of a frame) is then still taken. ERR_FORMAT: not a zstd frame, a window above 1
 * MiB, bytes after the end, a delta that cannot be.
 */
int decoder_run(struct decoder *d, struct decoder_io *io, struct err *e) MUST_USE;

/* True if what was taken so far can be all: raw always, zstd at the end of its frame, a
 * delta's segment once all is made. */
bool decoder_at_end(const struct decoder *d);

#endif
