/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta through compression: an unwrapping plan (common/recode/plan.h) and the delta
 * between the two views (publish/diff/patch.h), which takes them for images like any
 * other. docs/formats/recode.md has the file byte by byte.
 *
 * Applied by the parts that devices have: the old image is read through a view, what the
 * delta makes is packed as it comes. Every wrapped delta is applied and compared before
 * it is given out.
 */
#ifndef OTA_PUBLISH_WRAPPED_H
#define OTA_PUBLISH_WRAPPED_H

#include "../diff/patch.h"
#include "unwrap.h"

#define WRAPPED_HEAD_LEN 64u

struct wrapped_spec {
	struct unwrap_image old_image; /* borrowed */
	struct unwrap_image new_image;
	struct unwrap_options options;
	uint64_t delta_memory; /* as of struct patch_spec */
	int (*progress)(void *ctx, unsigned permille);
	void *ctx;
};

/*
 * Appends the whole file; *ret_report says what was unwrapped. With n_proven = 0 nothing
 * is appended: there is nothing to unwrap, and the plain delta is the one to make.
 */
int wrapped_make(const struct wrapped_spec *spec, struct buf *ret,
		 struct unwrap_report *ret_report, struct err *e) MUST_USE;

/* True if a file begins as a wrapped delta does. */
bool wrapped_is_one(const uint8_t *data, size_t len);

struct wrapped_limits {
	const struct recode_codec *const *codecs;
	struct recode_need need; /* what unwrapping may take */
	uint64_t delta_memory;	 /* and the delta's decoder */
};

/* ERR_UNSUPPORTED or ERR_LIMIT: this device must take another payload; ERR_DIGEST: what
 * came out is not the new image, and all that was written is to be thrown away. */
int wrapped_apply(const uint8_t *data, size_t len, const struct unwrap_image *old_image,
		  const struct wrapped_limits *limits, const struct recode_out *out,
		  struct err *e) MUST_USE;

/* Parts of the file, parsed; everything points into data. */
struct wrapped_parts {
	struct recode_plan plan;
	struct container_head head;
	const uint8_t *body;
	size_t body_len;
	uint8_t digest[SHA256_LEN]; /* of the new image */
};
int wrapped_parse(const uint8_t *data, size_t len, struct wrapped_parts *ret,
		  struct err *e) MUST_USE;
void wrapped_parts_fini(struct wrapped_parts *p);

#endif
