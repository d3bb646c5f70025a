/* SPDX-License-Identifier: Apache-2.0 */
/* ota delta through compression (publish/unwrap/wrapped.h): what its three verbs do when
 * --unwrap asks for it, or the file at hand is a wrapped delta. */
#ifndef OTA_TOOLS_DELTA_UNWRAP_H
#define OTA_TOOLS_DELTA_UNWRAP_H

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

/* Makes operands OLD NEW PATCH; *ret_made = false and no file if nothing in NEW can be
 * unwrapped. */
int delta_unwrap_make(const struct ota *o, char **operands, bool *ret_made,
		      struct err *e) MUST_USE;

/* True if the file begins as a wrapped delta; what cannot be read does not. */
bool delta_unwrap_is(const char *path);

/* Operands OLD PATCH OUT. */
int delta_unwrap_apply(const struct ota *o, char **operands, struct err *e) MUST_USE;
int delta_unwrap_info(const struct ota *o, const char *path, struct err *e) MUST_USE;

#endif
