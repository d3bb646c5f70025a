/* SPDX-License-Identifier: Apache-2.0 */
/* Between the steps of making a plan (unwrap.h). */
#ifndef OTA_PUBLISH_UNWRAP_FRAMES_H
#define OTA_PUBLISH_UNWRAP_FRAMES_H

#include "unwrap.h"

#define UNWRAP_ARENA_BYTES ((size_t)1 << 30) /* touched only as far as it is used */

/* A frame that decodes. */
struct unwrap_frame {
	uint64_t at;
	uint64_t plain_len;
	uint32_t enc_len;
	uint32_t profile; /* of the plan, once proven; 0: stays raw */
	const struct recode_codec *codec;
	size_t decode_bytes; /* of arena */
};

struct unwrap_frames {
	struct unwrap_frame *v; /* owned, ascending */
	size_t n;
	size_t room;
};

void unwrap_frames_fini(struct unwrap_frames *f);

/* All frames of an image. */
int unwrap_scan(const struct unwrap_image *image,
		const struct recode_codec *const *codecs, struct recode_arena *arena,
		struct unwrap_frames *ret, struct err *e) MUST_USE;

/* The encoded bytes as a codec takes them. */
struct unwrap_source {
	const uint8_t *at;
	size_t left;
};
int unwrap_source_read(void *ctx, void *ret, size_t room, size_t *ret_len,
		       struct err *e);

/* Profiles proven so far; the plan's profile 0 is raw. */
struct unwrap_prover {
	struct recode_plan *plan;
	struct recode_arena *arena;
	uint64_t limit_bytes;		 /* of arena for an encoder */
	uint32_t hint[N_RECODE_IDS];	 /* the codec's last proven profile */
	unsigned failures[N_RECODE_IDS]; /* in a row */
};

/* Sets f->profile if the frame at data can be made again, else leaves it 0. An error is
 * a fault of ours, never of the frame. */
int unwrap_prove(struct unwrap_prover *p, const uint8_t *data, struct unwrap_frame *f,
		 struct err *e) MUST_USE;

#endif
