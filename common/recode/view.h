/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image read as if it were unwrapped: pread over its view, of any place and length,
 * through a cache of decoded frames and a scratch area for the large ones (plan.h).
 *
 * One thread at a time. All memory is taken by recode_view_new().
 */
#ifndef OTA_RECODE_VIEW_H
#define OTA_RECODE_VIEW_H

#include "plan.h"

/* Exactly len bytes at offset, or an error. */
struct recode_reader {
	int (*read)(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e);
	void *ctx;
};

struct recode_scratch {
	struct recode_reader reader;
	int (*write)(void *ctx, uint64_t offset, const void *data, size_t len,
		     struct err *e);
	uint64_t size;
};

struct recode_view;

/*
 * p, map (one of p's two), codecs and image are borrowed for the view's life. scratch
 * may be NULL if the map needs none; it is written here, in ascending order, with all
 * frames larger than a slot. ERR_LIMIT: the scratch area is too small; ERR_FORMAT: a
 * frame does not decode to what the plan says, so this is not that image.
 */
int recode_view_new(const struct recode_plan *p, const struct recode_map *map,
		    const struct recode_codec *const *codecs,
		    const struct recode_reader *image,
		    const struct recode_scratch *scratch, struct recode_view **ret,
		    struct err *e) MUST_USE;
void recode_view_free(struct recode_view *v);
AUTO_PTR_DEFINE(recode_view)

/* ERR_RANGE outside the view. */
int recode_view_read(struct recode_view *v, uint64_t offset, void *ret, size_t len,
		     struct err *e) MUST_USE;

#endif
