/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A codec of wrapped frames: how its frames are decoded, and how an encoder of exactly
 * one version makes the same bytes again. One file a codec, one row in recode_codecs[].
 *
 * A codec takes all its memory from the arena it is given and returns none of it: the
 * arena is emptied as a whole before the next frame. What does not fit is an error, so
 * no frame can make a device use more than was declared.
 *
 * Decoding pulls: the encoded bytes are asked for, the plain ones handed out, in pieces
 * of any size. Encoding is pushed to, and may suspend after any byte: its state lives in
 * the arena between two calls.
 *
 * The version is part of a frame's description: another release of a library makes other
 * bytes, and "close" is no such thing. Decoding does not depend on it.
 */
#ifndef OTA_RECODE_CODEC_H
#define OTA_RECODE_CODEC_H

#include "../base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RECODE_MAX_PARAMS 8
#define RECODE_VERSION_LEN 31
#define RECODE_STEP (64u * 1024) /* bytes that are moved at once, at most */

/* As in a plan; numbers are never used again. */
enum recode_id {
	RECODE_RAW = 0, /* no frame: the image's own bytes */
	RECODE_ZSTD = 1,
	RECODE_DEFLATE = 2,
	RECODE_XZ = 3,
	RECODE_LZ4 = 4,
	N_RECODE_IDS
};

/* Memory of a fixed size that only grows fuller, until it is emptied. */
struct recode_arena {
	uint8_t *base; /* owned by whoever made it */
	size_t size;
	size_t used;
	size_t peak; /* the most that was in use since `base` was set */
};

/* Aligned for anything, and zeroed; NULL if there is no room. */
void *recode_arena_take(struct recode_arena *a, size_t len);

/* The same for libraries that want an allocator: n * len bytes. */
void *recode_arena_take_n(struct recode_arena *a, size_t n, size_t len);
void recode_arena_empty(struct recode_arena *a);

/* Where encoded bytes come from: up to `room`, in order; *ret_len = 0 is the end. */
struct recode_in {
	int (*read)(void *ctx, void *ret, size_t room, size_t *ret_len, struct err *e);
	void *ctx;
};

/* Where bytes go, in order. */
struct recode_out {
	int (*write)(void *ctx, const uint8_t *data, size_t len, struct err *e);
	void *ctx;
};

struct recode_frame {
	uint64_t enc_len;   /* in the image */
	uint64_t plain_len; /* unwrapped */
	const uint32_t *params;
	size_t n_params;
};

struct recode_codec {
	enum recode_id id;
	const char *name; /* "zstd" */

	/* Identity of the encoder: its library and exact version. A constant. */
	const char *(*version)(void);

	/* For makers: how long the frame is that data begins with, its end included; 0:
	 * there is none, or it is cut off. */
	size_t (*frame_len)(const uint8_t *data, size_t len);

	/* All of one frame. ERR_FORMAT: not well formed, or not exactly plain_len
	 * bytes; ERR_LIMIT: the arena is too small. */
	int (*decode)(struct recode_arena *a, const struct recode_frame *f,
		      const struct recode_in *in, const struct recode_out *out,
		      struct err *e) MUST_USE;

	/* Begins a frame; `out` and `f->params` stay valid until its end. The state
	 * lives in the arena. */
	int (*encode_begin)(struct recode_arena *a, const struct recode_frame *f,
			    const struct recode_out *out, void **ret_state,
			    struct err *e) MUST_USE;
	int (*encode_add)(void *state, const uint8_t *plain, size_t len,
			  struct err *e) MUST_USE;
	/* plain_len bytes were added: writes what is left. */
	int (*encode_end)(void *state, struct err *e) MUST_USE;
};

extern const struct recode_codec recode_deflate;
extern const struct recode_codec recode_lz4;
extern const struct recode_codec recode_xz;
extern const struct recode_codec recode_zstd;

/* Every codec that there is; NULL ends it. A device names a subset of its own. */
extern const struct recode_codec *const recode_codecs[];

/* A list with its end. */
struct recode_codec_list {
	const struct recode_codec *codecs[N_RECODE_IDS + 1];
};

/* "zstd,deflate", or "all" that are in `codecs`. ERR_USAGE names the one that is not. */
int recode_codecs_parse(const struct recode_codec *const *codecs, const char *text,
			struct recode_codec_list *ret, struct err *e) MUST_USE;

/* NULL if it is not in the list. */
const struct recode_codec *recode_codec_find(const struct recode_codec *const *codecs,
					     unsigned id);

#endif
