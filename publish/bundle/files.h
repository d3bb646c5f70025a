/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opaque files of a release, for clients of others. Their digests are signed for, and
 * the manifest with them stands in front of the files: so each is read twice, once to
 * know it and once to copy it, and must be the same both times.
 */
#ifndef OTA_PUBLISH_FILES_H
#define OTA_PUBLISH_FILES_H

#include "../../common/format/manifest.h"

struct maker_file {
	const char *name; /* "update.swu" */
	const char *path;
	enum file_part part;
};

/* Fills m->files, those of one part together, and order[i]: which of `files` became
 * m->files[i]. ERR_USAGE says what cannot be a file of a release. */
int files_read(const struct maker_file *files, size_t n, struct manifest *m,
	       size_t ret_order[MAX_FILES], struct err *e) MUST_USE;

/* Copies the file at path to `offset` of to_fd. ERR_CONFLICT: it is not what it was. */
int files_copy(const char *path, const struct release_file *f, int to_fd,
	       uint64_t offset, struct err *e) MUST_USE;

#endif
