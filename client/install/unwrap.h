/* SPDX-License-Identifier: Apache-2.0 */
/* What an unwrapped image's delta stands between, on a device: the running slot's image
 * before it, a scratch medium beside it. What fails on either is the delta's failure, not
 * that of the medium that is written: ERR_INCOMPATIBLE. */
#ifndef OTA_CLIENT_UNWRAP_H
#define OTA_CLIENT_UNWRAP_H

#include "../../common/delta/delta.h"
#include "../../common/recode/wrap.h"
#include "../dev/dev.h"

struct unwrap_spec {
	const void *plan; /* borrowed for the call */
	size_t plan_len;
	const struct recode_means *means;
	struct delta_source *old; /* borrowed, like the next two */
	struct dev *scratch;	  /* NULL: none */
	struct recode_out out;
	uint64_t new_size; /* of the image, bytes */
};

/* As recode_wrap_new(). The scratch medium is written from its begin; what it holds is
 * of no use after the wrap's end, nor after a restart. */
int unwrap_open(const struct unwrap_spec *spec, struct recode_wrap **ret,
		struct err *e) MUST_USE;

#endif
