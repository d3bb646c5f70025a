/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a key directory in place whole. It is filled under a name of its own beside
 * the real one; the last step is one rename, so after a crash the old directory (or
 * none) or the new one is there, never a mix of keys and metadata that do not fit.
 */
#ifndef OTA_TOOLS_KEY_PLACE_H
#define OTA_TOOLS_KEY_PLACE_H

#include "../common/base/err.h"

#include <limits.h>
#include <stddef.h>

/* An attempt at dir ("keys/" is "keys"): an empty directory, mode 0700. */
struct key_place {
	char dir[PATH_MAX];
	char attempt[PATH_MAX]; /* "" when it is in place */
};

int key_place_begin(struct key_place *p, const char *dir, struct err *e) MUST_USE;
void key_place_fini(struct key_place *p); /* discards what is not in place */

/* A file of the attempt; it must not be there yet. */
int key_place_put(const struct key_place *p, const char *name, const void *data,
		  size_t len, struct err *e) MUST_USE;
/* The path of a file of the attempt. */
int key_place_path(const struct key_place *p, const char *name, char ret[PATH_MAX],
		   struct err *e) MUST_USE;

/* Copies what dir holds, with its modes, but for the files named (ends with NULL) and
 * what is no plain file; one level of directories. */
int key_place_copy(const struct key_place *p, const char *const *but,
		   struct err *e) MUST_USE;

/* ERR_CONFLICT: dir exists already. */
int key_place_finish(struct key_place *p, struct err *e) MUST_USE;
/* In the place of dir, which is kept as `before`; ERR_CONFLICT: that exists already. */
int key_place_replace(struct key_place *p, const char *before, struct err *e) MUST_USE;

#endif
