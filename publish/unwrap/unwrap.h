/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an unwrapping plan (common/recode/plan.h) for two images.
 *
 *	scan	both images for frames: at each magic number (scan.c's table) the codec
 *		itself says whether a frame stands there, and decodes it. There is no
 *		parser of file systems: a squashfs, an initrd of several parts, a kernel
 *		in a FIT image are all runs of frames with bytes between them.
 *	match	frames that did not change; they stay raw in the new view
 *	prove	each other frame of the new image: parameters are tried until the
 *		codec, in the very code that devices run, makes the same bytes (prove.c)
 *	lay out	the two maps
 *
 * The same input and libraries give the same plan. Host only; memory is a few tables and
 * the arena that the largest frame needs.
 */
#ifndef OTA_PUBLISH_UNWRAP_H
#define OTA_PUBLISH_UNWRAP_H

#include "../../common/recode/plan.h"

struct unwrap_image {
	const uint8_t *data;
	size_t len;
};

struct unwrap_options {
	const struct recode_codec *const
	    *codecs;		  /* what the device has; NULL ends it */
	struct recode_need limit; /* and may spend */
};

/* What was found and what came of it. */
struct unwrap_report {
	size_t n_old;	    /* frames found in the old image */
	size_t n_new;	    /* and in the new one */
	size_t n_unchanged; /* of n_new: stand in the old image as well */
	size_t n_proven;    /* of n_new: unwrapped */
};

/*
 * *ret is a plan within options->limit; ret_report may be NULL. With n_proven = 0 there
 * is nothing to gain: the two views are the images.
 */
int unwrap_plan_make(const struct unwrap_image *old_image,
		     const struct unwrap_image *new_image,
		     const struct unwrap_options *options, struct recode_plan *ret,
		     struct unwrap_report *ret_report, struct err *e) MUST_USE;

/* Writes an image's view, start to end; map is one of p's two and belongs to `image`. */
int unwrap_view_write(const struct recode_plan *p, const struct recode_map *map,
		      const struct recode_codec *const *codecs,
		      const struct unwrap_image *image, const struct recode_out *out,
		      struct err *e) MUST_USE;

#endif
