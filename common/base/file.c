/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

int file_read(const char *path, struct buf *ret_content, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t piece[16384];

	if (fd < 0)
		return err_sys(e, "read %s", path);
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read %s", path);
		if (n == 0)
			return buf_reserve(ret_content, 0, e);
		if (buf_add(ret_content, piece, (size_t)n, e) < 0)
			return err_wrap(e, "read %s", path);
	}
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The directory part of path, "." if it has none. */
static int dir_of(const char *path, char ret_dir[PATH_MAX], struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return text_copy(ret_dir, PATH_MAX, ".", "path", e);
	if (slash == path)
		return text_copy(ret_dir, PATH_MAX, "/", "path", e);
	return text_format(ret_dir, PATH_MAX, e, "%.*s", (int)(slash - path), path);
}

int dir_sync(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, "flush directory %s", path);
	return 0;
}

int dir_sync_around(const char *path, struct err *e)
{
	char dir[PATH_MAX];

	return dir_of(path, dir, e) < 0 ? -1 : dir_sync(dir, e);
}

static int write_temporary(int fd, const void *data, size_t len, mode_t mode,
			   const char *path, struct err *e)
{
	if (fd_write_full(fd, data, len, e) < 0)
		return err_wrap(e, "write %s", path);
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return err_sys(e, "write %s", path);
	return 0;
}

/* publish is rename(), or link() where an existing file must stay. */
static int put(const char *path, const void *data, size_t len, mode_t mode,
	       int (*publish)(const char *, const char *), struct err *e)
{
	char dir[PATH_MAX];
	char temporary[PATH_MAX];
	AUTO_CLOSE int fd = -1;

	if (dir_of(path, dir, e) < 0 ||
	    text_format(temporary, sizeof(temporary), e, "%s.XXXXXX", path) < 0)
		return err_wrap(e, "write %s", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "write %s", path);
	if (write_temporary(fd, data, len, mode, path, e) < 0) {
		(void)unlink(temporary);
		return -1;
	}
	if (publish(temporary, path) < 0) {
		int failed = errno;

		(void)unlink(temporary);
		if (failed == EEXIST)
			return err_set(e, ERR_CONFLICT, "%s exists already", path);
		errno = failed;
		return err_sys(e, "write %s", path);
	}
	if (publish == link)
		(void)unlink(temporary);
	return dir_sync(dir, e);
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *e)
{
	return put(path, data, len, mode, rename, e);
}

int file_create(const char *path, const void *data, size_t len, mode_t mode,
		struct err *e)
{
	return put(path, data, len, mode, link, e);
}

static int make_one(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "make directory %s", path);
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return err_sys(e, "make directory %s", path);
	}
	return 0;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];

	if (text_copy(part, sizeof(part), path, "directory name", e) < 0)
		return -1;
	for (char *p = part + 1; *part != '\0' && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (make_one(part, mode, e) < 0)
			return -1;
		*p = '/';
	}
	return make_one(part, mode, e);
}

int fd_read_full(int fd, void *ret_data, size_t len, struct err *e)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (uint8_t *)ret_data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, ERR_IO, "short read: %zu of %zu bytes", done,
				       len);
		done += (size_t)n;
	}
	return 0;
}

int fd_write_full(int fd, const void *data, size_t len, struct err *e)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const uint8_t *)data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write");
		done += (size_t)n;
	}
	return 0;
}

int fd_pread_full(int fd, void *ret_data, size_t len, uint64_t offset, struct err *e)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)ret_data + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, ERR_IO, "short read: %zu of %zu bytes", done,
				       len);
		done += (size_t)n;
	}
	return 0;
}

int fd_pwrite_full(int fd, const void *data, size_t len, uint64_t offset, struct err *e)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + done, len - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write");
		done += (size_t)n;
	}
	return 0;
}

int file_lock(const char *path, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "lock %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_CONFLICT,
				       "%s is in use by another process", path);
		return err_sys(e, "lock %s", path);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
