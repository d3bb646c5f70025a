/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A medium that Linux shows as a file or as a block device.
 *
 * Writes go through the page cache and count after flush() (fdatasync). A read-back
 * must not be answered from that cache, so read_medium() uses a second descriptor
 * opened with O_DIRECT: the kernel writes dirty pages of the range first and then reads
 * from the device. O_DIRECT asks for offset, length and memory in whole sectors;
 * DIRECT_ALIGN is a multiple of every sector size in use (512, 4096), so each range is
 * widened to it and read into a buffer of our own. The tail of a file that ends inside
 * a sector comes as a short read.
 *
 * Where there is no O_DIRECT (tmpfs before Linux 6.6, some FUSE and overlay file
 * systems) the data is flushed, the range is dropped from the cache and read anew: the
 * best there is. On tmpfs the cache is the medium.
 *
 * A kernel reports a lost write to one fsync only and then marks the pages clean, so a
 * later flush would succeed without the data. After one failure this device is `lost`:
 * no write or flush succeeds any more until it is opened again.
 */
#include "dev.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define DIRECT_ALIGN 4096u
#define BOUNCE_BYTES (DEV_MAX_IO + 2 * DIRECT_ALIGN)

struct dev_file {
	struct dev base;
	int fd;
	int direct_fd;	 /* -1: no O_DIRECT here */
	uint8_t *bounce; /* BOUNCE_BYTES, aligned; made at the first read-back */
	bool lost;
};

static struct dev_file *of(struct dev *d)
{
	return (struct dev_file *)d;
}

static int file_dev_read(struct dev *d, uint64_t offset, void *ret, size_t len,
			 struct err *e)
{
	return fd_pread_full(of(d)->fd, ret, len, offset, e);
}

static int file_dev_flush(struct dev *d, struct err *e)
{
	struct dev_file *f = of(d);

	if (f->lost)
		return err_set(e, ERR_IO, "an earlier flush failed");
	if (fdatasync(f->fd) < 0) {
		f->lost = true;
		return err_sys(e, "fdatasync");
	}
	return 0;
}

static int file_dev_write(struct dev *d, uint64_t offset, const void *data, size_t len,
			  struct err *e)
{
	if (of(d)->lost)
		return err_set(e, ERR_IO, "an earlier flush failed");
	return fd_pwrite_full(of(d)->fd, data, len, offset, e);
}

/* pread() until `least` bytes are there; O_DIRECT may stop short at the end of a file.
 */
static int direct_fill(struct dev_file *f, uint64_t offset, size_t len, size_t least,
		       struct err *e)
{
	size_t done = 0;

	while (done < least) {
		ssize_t n = pread(f->direct_fd, f->bounce + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "direct read");
		if (n == 0)
			return err_set(e, ERR_IO, "short read: %zu of %zu bytes", done,
				       least);
		done += (size_t)n;
	}
	return 0;
}

static int read_direct(struct dev_file *f, uint64_t offset, void *ret, size_t len,
		       struct err *e)
{
	uint64_t start = offset - offset % DIRECT_ALIGN;
	size_t skip = (size_t)(offset - start);
	size_t wide = (skip + len + DIRECT_ALIGN - 1) / DIRECT_ALIGN * DIRECT_ALIGN;

	if (direct_fill(f, start, wide, skip + len, e) < 0)
		return -1;
	memcpy(ret, f->bounce + skip, len);
	return 0;
}

static int read_uncached(struct dev_file *f, uint64_t offset, void *ret, size_t len,
			 struct err *e)
{
	if (fdatasync(f->fd) < 0 && errno != EROFS && errno != EINVAL)
		return err_sys(e, "fdatasync");
	/* Advice only: where the kernel does not take it there is no medium behind the
	 * cache. */
	(void)posix_fadvise(f->fd, (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
	return fd_pread_full(f->fd, ret, len, offset, e);
}

static int file_dev_read_medium(struct dev *d, uint64_t offset, void *ret, size_t len,
				struct err *e)
{
	struct dev_file *f = of(d);
	struct err why = ERR_INIT;

	if (f->direct_fd < 0)
		return read_uncached(f, offset, ret, len, e);
	if (f->bounce == NULL)
		f->bounce = aligned_alloc(DIRECT_ALIGN, BOUNCE_BYTES);
	if (f->bounce == NULL)
		return err_nomem(e);
	if (read_direct(f, offset, ret, len, &why) == 0)
		return 0;
	if (why.sys != EINVAL)
		return err_set(e, why.code, "%s", why.text);
	/* Some file systems take the flag and refuse the read. */
	(void)close(f->direct_fd);
	f->direct_fd = -1;
	return read_uncached(f, offset, ret, len, e);
}

static void file_dev_close(struct dev *d)
{
	struct dev_file *f = of(d);

	if (f->direct_fd >= 0)
		(void)close(f->direct_fd);
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f->bounce);
	free(f);
}

static const struct dev_ops file_dev_ops = {
    .read = file_dev_read,
    .read_medium = file_dev_read_medium,
    .write = file_dev_write,
    .flush = file_dev_flush,
    .close = file_dev_close,
};

/* A block device is claimed with O_EXCL, which also keeps file systems off it; a file
 * by a lock. */
static int claim(int fd, const struct stat *st, const char *path, struct err *e)
{
	if (S_ISREG(st->st_mode) && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_CONFLICT,
				       "%s is in use by another process", path);
		return err_sys(e, "lock %s", path);
	}
	return 0;
}

static int open_main(struct dev_file *f, const char *path, int writable, struct err *e)
{
	struct stat st;
	int excl = stat(path, &st) == 0 && S_ISBLK(st.st_mode) && writable ? O_EXCL : 0;

	f->fd =
	    open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | excl);
	if (f->fd < 0 && errno == EBUSY)
		return err_set(e, ERR_CONFLICT, "%s is in use", path);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return err_sys(e, "open %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is neither a file nor a block device",
			       path);
	if (writable && claim(f->fd, &st, path, e) < 0)
		return -1;
	f->base.size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(f->fd, BLKGETSIZE64, &f->base.size) < 0)
		return err_sys(e, "size of %s", path);
	return 0;
}

/* By the descriptor, not by the name, which may have come to mean something else. */
static int open_direct(int fd)
{
	char self[48];

	if (text_format(self, sizeof(self), NULL, "/proc/self/fd/%d", fd) < 0)
		return -1;
	return open(self, O_RDONLY | O_CLOEXEC | O_DIRECT);
}

int dev_open_file(const char *path, const char *name, int writable, struct dev **ret,
		  struct err *e)
{
	struct dev_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->base.ops = &file_dev_ops;
	f->fd = -1;
	f->direct_fd = -1;
	if (text_copy(f->base.name, sizeof(f->base.name), name, "device name", e) < 0 ||
	    open_main(f, path, writable, e) < 0) {
		file_dev_close(&f->base);
		return err_wrap(e, "%s", name);
	}
	f->direct_fd = open_direct(f->fd);
	*ret = &f->base;
	return 0;
}
