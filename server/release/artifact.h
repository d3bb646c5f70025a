/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts: files by their SHA-256, in a directory.
 *
 *	DIR/sha256/ab/abcdef..	complete, verified, never changed again
 *	DIR/upload/<id>		on its way
 *
 * A file gets its final name only after its bytes were hashed and flushed, so what is
 * under sha256/ is what its name says, whenever the power went. Everything here waits
 * for the disk: call it in a worker's thread (upload.h does). Thread safe; one upload
 * is worked on by one caller at a time (ERR_BUSY).
 */
#ifndef OTA_SERVER_ARTIFACT_H
#define OTA_SERVER_ARTIFACT_H

#include "../../common/base/buf.h"
#include "../store/model.h"

#include <limits.h>

#define UPLOAD_PART_MAX_BYTES (4u * 1024 * 1024)
#define ARTIFACT_MAX_BYTES (1ull << 41)

struct artifacts;

/* Makes what is missing of DIR. */
struct artifacts *artifacts_new(const char *dir, struct err *e) MUST_USE;
void artifacts_free(struct artifacts *a);
AUTO_PTR_DEFINE(artifacts)

/* A complete one, to read. ERR_NOT_FOUND. The caller closes *ret_fd. */
int artifacts_open(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   int *ret_fd, uint64_t *ret_size, struct err *e) MUST_USE;
/* Where its file is, or would be. */
int artifacts_path(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   char ret[PATH_MAX], struct err *e) MUST_USE;
/* Whole, into ret (its cap is the limit). */
int artifacts_read(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   struct buf *ret, struct err *e) MUST_USE;

/*
 * The file of upload `id`, made if it is not there, held until *ret_fd is closed.
 * ERR_BUSY if somebody else holds it. What is written at an offset is durable when the
 * call returns; offset + len <= size, the size of the whole.
 */
int artifacts_hold(const struct artifacts *a, const char *id, int *ret_fd,
		   struct err *e) MUST_USE;
int artifacts_write(const struct artifacts *a, int fd, uint64_t size, uint64_t offset,
		    const void *data, size_t len, struct err *e) MUST_USE;

/* Hashes the whole held upload; if it is `sha256` and `size` long it becomes that
 * artifact, else ERR_DIGEST and its bytes are dropped. Fine too if the artifact is
 * there already: then the upload's bytes do not matter. */
int artifacts_commit(const struct artifacts *a, const char *id, int fd, uint64_t size,
		     const uint8_t sha256[SHA256_LEN], struct artifact *ret,
		     struct err *e) MUST_USE;
/* The file at path, below the same directory as DIR, becomes an artifact: hashed, flushed,
 * renamed. Whoever writes that it is in use does so between the two calls below. */
int artifacts_adopt(const struct artifacts *a, const char *path, struct artifact *ret,
		    struct err *e) MUST_USE;
/* Gone is gone. */
int artifacts_drop(const struct artifacts *a, const char *id, struct err *e) MUST_USE;

/* ERR_NO_SPACE if `size` more bytes would not fit. */
int artifacts_check_space(const struct artifacts *a, uint64_t size,
			  struct err *e) MUST_USE;

/*
 * Between these an artifact that is there stays there: who finds one and then writes that
 * it is in use does both in between. Waits for a removal under way, which is short.
 */
void artifacts_enter(struct artifacts *a);
void artifacts_leave(struct artifacts *a);

/* Deletes the file of an artifact if may() says so, while nobody is between the two above.
 * *ret_removed: whether. ERR_BUSY: somebody is. A file that is gone is fine. */
int artifacts_remove(struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		     int (*may)(void *ctx, struct err *e), void *ctx, bool *ret_removed,
		     struct err *e) MUST_USE;

/* Deletes files of uploads that keep() does not know; returns how many in *ret_n. */
int artifacts_sweep(const struct artifacts *a, bool (*keep)(void *ctx, const char *id),
		    void *ctx, size_t *ret_n, struct err *e) MUST_USE;

#endif
