/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole delta of one image as a payload container (common/format/container.h): its
 * head with all hashes, and its body. Made here, and applied here by the decoder that
 * devices have; whatever is made was applied and compared first.
 */
#ifndef OTA_PUBLISH_PATCH_H
#define OTA_PUBLISH_PATCH_H

#include "../../common/delta/delta.h"
#include "../../common/format/container.h"
#include "../../common/recode/wrap.h"

/* The images as they are seen unwrapped, by a plan (publish/unwrap). All borrowed. */
struct patch_view {
	const uint8_t *old_data;
	uint64_t old_size;
	const uint8_t *new_data;
	uint64_t new_size;
	const void *plan; /* its bytes */
	size_t plan_len;
	struct recode_means means; /* what the device has */
};

struct patch_spec {
	const uint8_t *old_data; /* borrowed, as files: not padded */
	uint64_t old_size;
	const uint8_t *new_data;
	uint64_t new_size;
	const struct patch_view *view; /* NULL: between the images as they are */
	uint8_t salt[VERITY_SALT_LEN]; /* of both images' Merkle trees */
	uint64_t max_memory;	       /* as of struct diff_options */
	/* Where a device can begin again: of output a segment (a multiple of 128 up to
	 * 1024; 0: 1024), and as of struct diff_options. Finer costs bytes. */
	uint32_t segment_blocks;
	uint32_t group_bytes;
	int (*progress)(void *ctx, unsigned permille);
	void *ctx;
};

/* Appends the head, then the body. ERR_LIMIT: images of more than 2 GiB; ERR_INTERNAL:
 * what was made does not come back as it was. */
int patch_make(const struct patch_spec *spec, struct buf *ret_head,
	       struct buf *ret_body, struct err *e) MUST_USE;

/* A delta of one image, as patch_make() gives it. */
struct patch_part {
	const void *head;
	size_t head_len;
	const void *body;
	size_t body_len;
};

/* The delta of a release of several images (1..4), in the manifest's order: appends its
 * head and its body. Its memory is that of the part which needs most. */
int patch_join(const struct patch_part *parts, size_t n_parts, struct buf *ret_head,
	       struct buf *ret_body, struct err *e) MUST_USE;

struct patch_target {
	/* Whole blocks, in order; every group of them was checked. */
	int (*write)(void *ctx, const uint8_t *data, size_t len, struct err *e);
	void *ctx;
};

/* What a device allows. */
struct patch_limits {
	uint64_t delta_memory; /* of the decoder */
	struct recode_means unwrap;
};

/*
 * Applies the delta of one image. old: the old image's blocks, the last one zero-padded;
 * body: the container's body. What is written was compared with the head's groups.
 * ERR_DIGEST if it differs, or a chunk of the body does; ERR_LIMIT, ERR_UNSUPPORTED if it
 * needs more than the limits. Takes about 700 KiB besides the decoder's.
 */
int patch_apply(const struct container_head *h, const struct delta_source *body,
		const struct delta_source *old, const struct patch_limits *limits,
		const struct patch_target *target, struct err *e) MUST_USE;

/* The head of the map in a delta's body; ERR_FORMAT if there is none. */
int patch_read_map_head(const struct container_head *h, const struct delta_source *body,
			struct delta_head *ret, struct err *e) MUST_USE;

#endif
