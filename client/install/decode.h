/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding a segment's data, in any pieces, with memory that is taken once. */
#ifndef OTA_CLIENT_DECODE_H
#define OTA_CLIENT_DECODE_H

#include "../../common/format/container.h"

struct decoder;

struct decoder *decoder_new(struct err *e) MUST_USE;
void decoder_free(struct decoder *d);
AUTO_PTR_DEFINE(decoder)

/* Forgets what was before; the next bytes begin a segment's data. */
void decoder_start(struct decoder *d, enum codec codec);

struct decoder_io {
	const uint8_t *in;
	size_t in_len;
	size_t taken; /* out: of in */
	uint8_t *out;
	size_t room;
	size_t made; /* out: bytes in out */
};

/*
 * Takes and makes what it can. No room is fine: what does not show in the output (the
 * end of a frame) is then still taken. ERR_FORMAT: not a zstd frame, a window above 1
 * MiB, bytes after the frame's end.
 */
int decoder_run(struct decoder *d, struct decoder_io *io, struct err *e) MUST_USE;

/* True if what was taken so far can be all: raw always, zstd at the end of its
 * frame. */
bool decoder_at_end(const struct decoder *d);

#endif
