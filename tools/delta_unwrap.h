/* SPDX-License-Identifier: Apache-2.0 */
/* ota delta through compression (publish/unwrap/wrapped.h): what its verbs do when
 * --unwrap asks for it, or the patch at hand is an unwrapped one. */
#ifndef OTA_TOOLS_DELTA_UNWRAP_H
#define OTA_TOOLS_DELTA_UNWRAP_H

#include "../common/json/json.h"
#include "../publish/unwrap/wrapped.h"
#include "ota.h"

#define OPTIONS_UNWRAP_LIMITS                                                          \
	{NULL,                                                                         \
	 "unwrap-memory",                                                              \
	 OPT_SIZE,                                                                     \
	 AT(unwrap_memory),                                                            \
	 "64MiB",                                                                      \
	 NULL,                                                                         \
	 "What a device may spend on decoding and encoding frames"},                   \
	{                                                                              \
		NULL, "scratch", OPT_SIZE, AT(scratch), "256MiB", NULL,                \
		    "The scratch area that a device has for large old frames"          \
	}

/* As patch_make(), through what --unwrap says; *ret_made = false and nothing appended if
 * nothing in the new image can be unwrapped. */
int delta_unwrap_make(const struct ota *o, const struct patch_spec *spec,
		      struct buf *ret_head, struct buf *ret_body, bool *ret_made,
		      struct err *e) MUST_USE;

/* What --unwrap-memory and --scratch allow, with all codecs of this program. */
struct recode_means delta_unwrap_means(const struct ota *o);

/* What a plan adds to what `info` says. */
int delta_unwrap_json(const struct recode_plan *plan, struct json *j,
		      struct err *e) MUST_USE;
void delta_unwrap_print(const struct recode_plan *plan);

#endif
