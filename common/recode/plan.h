/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwrapping: how a delta looks through compression.
 *
 * A container that compresses (squashfs, a gzip kernel, an initrd) turns a small change
 * into new bytes from there to the end of its frame, so a delta of two containers
 * approaches the full size. So both images are looked at *unwrapped*: as a sequence of
 * pieces, each either raw (bytes of the image) or a frame (what a stretch of the image
 * decodes to). The delta is made between the two views, and is the small one. The device
 * reads its old image through a view (view.h), applies the delta, and packs (pack.h) the
 * new view's bytes as they pass: raw pieces go through, frames are encoded again.
 *
 * The encoded bytes have to come out exactly. Nothing here guesses: the maker has tried
 * encoder and parameters on each frame, with the code that runs on the device, and a
 * frame that did not come out bit for bit stays raw. The plan names the codec, its
 * parameters and the exact version of the encoder; a device that has not all of them
 * refuses the plan, and takes the plain delta or the full payload. What is written to
 * the slot is checked block by block against the signed tree in any case: a wrong
 * encoder can waste time, not install anything.
 *
 *	old image ──view──> old view ─┐
 *	                    delta ────┴─apply──> new view ──pack──> new image
 *
 * Reading the old view with pread alone:
 *	- Frames of at most slot_size plain bytes (squashfs: 8 KiB to 1 MiB) are decoded
 *	  whole when they are needed, into a cache of n_slots, the longest unused one
 *	  makes room. Copies run forward, so few slots do.
 *	- A larger frame (a kernel's 30 MB in one stream) cannot be entered in its middle.
 *	  It is decoded once, at the start, into a scratch area that the caller brings: a
 *	  file on the data partition, or memory. How much is in the plan; a device without
 *	  it refuses. (Checkpoints would do for deflate alone, at 32 KiB each; LZMA has no
 *	  such thing as a small one.) The scratch area is never trusted: it is made anew
 *	  after each start.
 *
 * Memory is bounded and known before anything begins: recode_plan_need(). It is the
 * table of pieces, the cache, and one arena for the decoders and one for the encoder,
 * as large as the maker saw them need. No allocation after that.
 *
 * Resume: a piece is where packing can begin. recode_plan_restart() tells, for a place
 * in the new image, the last piece's start before it; from there the view is made again
 * and what was already written is dropped on the way. For frames of 128 KiB that is
 * nothing; for a kernel in one stream it is the whole of it, in CPU, not in flash wear.
 *
 * What did not change is not encoded again: a frame of the new image that stands in the
 * old one byte by byte stays raw in the new view, and the old view shows it both ways,
 * decoded in its place and raw at the end.
 *
 * The format (docs/formats/recode.md), little-endian:
 *	     0   8  magic "OTAWRAP1"
 *	     8   2  format = 1
 *	    10   2  n_profiles (1..32)
 *	    12   4  slot_size: bytes, 0..1 MiB
 *	    16   4  n_slots: 0..64
 *	    20   4  n_old: pieces of the old view
 *	    24   4  n_new
 *	    28   4  must_understand = 0
 *	    32   8  size of the old image
 *	    40   8  size of the new image
 *	    48   .  profiles: {codec u8, n_params u8, version_len u8, 0, decode u32, encode
 *	            u32: bytes of arena, params u32 each, version as text}; profile 0 is
 *	            {RAW, no params, no version, 0, 0}
 *	     .   .  old pieces, then new pieces, as LEB128 numbers:
 *	            profile
 *	            enc_len
 *	            frames only: zigzag(plain_len - the frame's before)
 *	            old only: zigzag(place in the image - end of the piece before)
 * New pieces stand one after the other and make the whole image. Old ones may stand
 * anywhere inside their image.
 */
#ifndef OTA_RECODE_PLAN_H
#define OTA_RECODE_PLAN_H

#include "../base/buf.h"
#include "codec.h"

#define RECODE_PLAN_MAX_BYTES (16u * 1024 * 1024)
#define RECODE_MAX_PROFILES 32
#define RECODE_MAX_PIECES (1u << 20)
#define RECODE_MAX_SLOT (1024u * 1024)
#define RECODE_MAX_SLOTS 64
#define RECODE_MAX_PLAIN (1ull << 32) /* of one frame */

/* A codec with its parameters. */
struct recode_profile {
	uint8_t codec; /* enum recode_id */
	uint8_t n_params;
	uint32_t params[RECODE_MAX_PARAMS];
	char version[RECODE_VERSION_LEN + 1]; /* "" where nothing is encoded by it */
	uint32_t decode_bytes;		      /* of arena */
	uint32_t encode_bytes;
};

/* plain_len is the difference to the next piece's view_at. */
struct recode_piece {
	uint64_t view_at;
	uint64_t image_at;
	uint32_t enc_len;
	uint32_t profile; /* 0: raw */
};

/* One image as it is seen unwrapped: n pieces and a last one that ends the view. */
struct recode_map {
	struct recode_piece *pieces; /* n + 1, owned */
	size_t n;
	uint64_t image_size;
};

struct recode_plan {
	struct recode_profile profiles[RECODE_MAX_PROFILES];
	size_t n_profiles;
	uint32_t slot_size;
	uint32_t n_slots;
	struct recode_map old_map;
	struct recode_map new_map;
};

static inline uint64_t recode_map_view_size(const struct recode_map *m)
{
	return m->pieces[m->n].view_at;
}

static inline uint64_t recode_piece_plain(const struct recode_piece *p)
{
	return p[1].view_at - p->view_at;
}

/* The piece that byte `at` of the view is in; at < the view's size. */
const struct recode_piece *recode_map_find(const struct recode_map *m, uint64_t at);

/* Parses and checks all of the above. ERR_FORMAT, ERR_UNSUPPORTED, ERR_LIMIT. */
int recode_plan_parse(const void *data, size_t len, struct recode_plan *ret,
		      struct err *e) MUST_USE;
void recode_plan_fini(struct recode_plan *p);

/* Lays it out; parse of the result gives the same. */
int recode_plan_write(const struct recode_plan *p, struct buf *ret,
		      struct err *e) MUST_USE;

struct recode_need {
	uint64_t memory_bytes;
	uint64_t scratch_bytes;
};

/* What a device has to have to apply a delta through this plan. */
void recode_plan_need(const struct recode_plan *p, struct recode_need *ret);

/* ERR_UNSUPPORTED names the codec or version that is not among `codecs` (NULL ends the
 * list), ERR_LIMIT what is needed beyond `limit`. */
int recode_plan_check(const struct recode_plan *p,
		      const struct recode_codec *const *codecs,
		      const struct recode_need *limit, struct err *e) MUST_USE;

/* Where to begin again so that byte image_at of the new image is made: the piece it is
 * in. image_at <= the image's size. */
void recode_plan_restart(const struct recode_plan *p, uint64_t image_at,
			 uint64_t *ret_view_at, uint64_t *ret_image_at);

#endif
