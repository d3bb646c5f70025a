/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files, read with a cap and replaced atomically.
 *
 * file_replace() is the only way the programs put a small file in place: write
 * to a temporary name in the same directory, flush, rename, flush the
 * directory. After a power cut the old or the new content is there, never a mix.
 */
#ifndef OTA_BASE_FILE_H
#define OTA_BASE_FILE_H

#include "buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Appends the whole file to ret_content; ERR_LIMIT if its cap is not enough. */
int file_read(const char *path, struct buf *ret_content, struct err *e) MUST_USE;

/* Creates or replaces path with exactly these bytes and this mode. */
int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *e) MUST_USE;

/* Like file_replace(), but ERR_CONFLICT if path exists. */
int file_create(const char *path, const void *data, size_t len, mode_t mode,
		struct err *e) MUST_USE;

/* mkdir -p; existing directories keep their mode. */
int dir_make(const char *path, mode_t mode, struct err *e) MUST_USE;

/* Flushes a directory's entries; those of the directory in which path stands. */
int dir_sync(const char *path, struct err *e) MUST_USE;
int dir_sync_around(const char *path, struct err *e) MUST_USE;

bool file_exists(const char *path);

/* Full-length reads and writes; EINTR is retried, a short read is an error. */
int fd_read_full(int fd, void *ret_data, size_t len, struct err *e) MUST_USE;
int fd_write_full(int fd, const void *data, size_t len, struct err *e) MUST_USE;
int fd_pread_full(int fd, void *ret_data, size_t len, uint64_t offset,
		  struct err *e) MUST_USE;
int fd_pwrite_full(int fd, const void *data, size_t len, uint64_t offset,
		   struct err *e) MUST_USE;

/* Creates path if need be and takes an exclusive lock; ERR_CONFLICT if another process
 * holds it. The lock lives as long as *ret_fd is open. */
int file_lock(const char *path, int *ret_fd, struct err *e) MUST_USE;

#endif
