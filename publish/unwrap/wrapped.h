/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta through compression: an unwrapping plan (common/recode/plan.h) and the delta
 * between the two views, in one payload container (publish/diff/patch.h), which was
 * applied and compared before it is given out.
 */
#ifndef OTA_PUBLISH_WRAPPED_H
#define OTA_PUBLISH_WRAPPED_H

#include "../diff/patch.h"
#include "unwrap.h"

/*
 * As patch_make(), but of the images' views; spec->view is set here. means: what the
 * device has. With ret_report->n_proven = 0 nothing is appended: there is nothing to
 * unwrap, and the plain delta is the one to make.
 */
int wrapped_make(const struct patch_spec *spec, const struct recode_means *means,
		 struct buf *ret_head, struct buf *ret_body,
		 struct unwrap_report *ret_report, struct err *e) MUST_USE;

/* The plan in the body of the delta of one image. ERR_NOT_FOUND: it is a plain one. */
int wrapped_read_plan(const struct container_head *h, const struct delta_source *body,
		      struct recode_plan *ret, struct err *e) MUST_USE;

/* Appends what a device must have for a plan as words of its capabilities
 * (common/ddi/capability.h). */
#define WRAPPED_NEEDS_LEN 255
int wrapped_needs(const struct recode_plan *plans, size_t n_plans,
		  char ret[WRAPPED_NEEDS_LEN + 1], struct err *e) MUST_USE;

#endif
