/* SPDX-License-Identifier: Apache-2.0 */
/* Inside common/json only: jansson's header, and the casts between its value and ours.
 */
#ifndef OTA_JSON_JANSSON_FACE_H
#define OTA_JSON_JANSSON_FACE_H

#include <jansson.h>

/* These are macros there and functions here. */
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_number
#undef json_is_true
#undef json_is_null

#include "json.h"

static inline struct json *from_jansson(json_t *j)
{
	return (struct json *)j;
}

static inline const json_t *peek(const struct json *j)
{
	return (const json_t *)j;
}

/* jansson asks for a mutable value where it only counts references or iterates. */
static inline json_t *to_jansson(const struct json *j)
{
	return (json_t *)(uintptr_t)j;
}

#endif
