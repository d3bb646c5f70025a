/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around a delta's decoder where its images are unwrapped (plan.h): before it
 * the old image as a view, after it the packer.
 *
 *	old image ──recode_wrap_read──> decoder ──recode_wrap_add──> image's bytes
 *
 * Both views count in blocks of 4 KiB for the decoder, zero-padded; so does what comes
 * out.
 *
 * One thread at a time. All memory is taken by recode_wrap_new(), within the limit.
 */
#ifndef OTA_RECODE_WRAP_H
#define OTA_RECODE_WRAP_H

#include "view.h"

/* What a device has for it. */
struct recode_means {
	const struct recode_codec *const *codecs; /* NULL ends it; no list: none */
	struct recode_need limit;
};

struct recode_wrap;

struct recode_wrap_spec {
	const void *plan; /* bytes, only looked at by recode_wrap_new() */
	size_t plan_len;
	struct recode_means means;
	struct recode_reader old_image; /* copied, what it points to is borrowed */
	uint64_t old_blocks;
	uint64_t new_size;		      /* of the image, bytes */
	const struct recode_scratch *scratch; /* NULL: none */
	struct recode_out out;		      /* the new image's bytes, and padding */
};

/*
 * Decodes the large old frames into the scratch area, which takes its time.
 * ERR_UNSUPPORTED, ERR_LIMIT: this device has not what the plan needs; ERR_INCOMPATIBLE:
 * the plan is of other images; ERR_FORMAT.
 */
int recode_wrap_new(const struct recode_wrap_spec *spec, struct recode_wrap **ret,
		    struct err *e) MUST_USE;
void recode_wrap_free(struct recode_wrap *w);
AUTO_PTR_DEFINE(recode_wrap)

uint64_t recode_wrap_old_size(const struct recode_wrap *w); /* whole blocks */
uint64_t recode_wrap_new_size(const struct recode_wrap *w);

/* The old view; struct delta_source's read. ctx is the struct recode_wrap. */
int recode_wrap_read(void *ctx, void *ret, size_t len, uint64_t offset,
		     struct err *e) MUST_USE;

/* Bytes of the image before this one are not wanted; *ret_view_at is the first byte of
 * the view that is. Anew, it stands at 0. */
int recode_wrap_seek(struct recode_wrap *w, uint64_t image_at, uint64_t *ret_view_at,
		     struct err *e) MUST_USE;

/* Bytes of the new view from view_at on; what was not wanted is dropped. Errors of `out`
 * come back as they are. */
int recode_wrap_add(struct recode_wrap *w, uint64_t view_at, const uint8_t *data,
		    size_t len, struct err *e) MUST_USE;

/* The whole view was added: pads what came out to a block. */
int recode_wrap_end(struct recode_wrap *w, struct err *e) MUST_USE;

#endif
