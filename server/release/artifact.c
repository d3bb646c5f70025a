/* SPDX-License-Identifier: Apache-2.0 */
#include "artifact.h"

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define BLOCK_LEN (1024u * 1024)
#define SPARE_BYTES (16ull * 1024 * 1024) /* left free for everything else */

struct artifacts {
	char dir[PATH_MAX - 128];
	pthread_rwlock_t in_use; /* written: one is being removed */
};

/* ------------------------------------------------------------------ names */

int artifacts_path(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   char ret[PATH_MAX], struct err *e)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256, SHA256_LEN, hex);
	return text_format(ret, PATH_MAX, e, "%s/sha256/%.2s/%s", a->dir, hex, hex);
}

static int path_of_upload(const struct artifacts *a, const char *id, char ret[PATH_MAX],
			  struct err *e)
{
	if (!text_is_name(id, UPLOAD_ID_LEN, ""))
		return err_set(e, ERR_NOT_FOUND, "there is no upload \"%.64s\"", id);
	return text_format(ret, PATH_MAX, e, "%s/upload/%s", a->dir, id);
}

static int upload_dir(const struct artifacts *a, char ret[PATH_MAX], struct err *e)
{
	return text_format(ret, PATH_MAX, e, "%s/upload", a->dir);
}

struct artifacts *artifacts_new(const char *dir, struct err *e)
{
	AUTO_PTR(artifacts) struct artifacts *a = calloc(1, sizeof(*a));
	char path[PATH_MAX];

	if (a == NULL || pthread_rwlock_init(&a->in_use, NULL) != 0) {
		free(TAKE(a));
		(void)err_nomem(e);
		return NULL;
	}
	if (text_copy(a->dir, sizeof(a->dir), dir, "directory", e) != 0 ||
	    upload_dir(a, path, e) != 0 || dir_make(path, 0750, e) != 0 ||
	    text_format(path, sizeof(path), e, "%s/sha256", dir) != 0 ||
	    dir_make(path, 0750, e) != 0) {
		(void)err_wrap(e, "artifacts");
		return NULL;
	}
	return TAKE(a);
}

void artifacts_free(struct artifacts *a)
{
	if (a == NULL)
		return;
	(void)pthread_rwlock_destroy(&a->in_use);
	free(a);
}

/* ------------------------------------------------------------------ reading */

int artifacts_open(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   int *ret_fd, uint64_t *ret_size, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	AUTO_CLOSE int fd = -1;

	if (artifacts_path(a, sha256, path, e) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			   ? err_set(e, ERR_NOT_FOUND, "there is no artifact %s",
				     strrchr(path, '/') + 1)
			   : err_sys(e, "%s", path);
	if (fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int artifacts_read(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		   struct buf *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uint64_t size = 0;

	if (artifacts_open(a, sha256, &fd, &size, e) != 0)
		return -1;
	if (size > ret->cap - ret->len)
		return err_set(e, ERR_LIMIT, "%llu bytes where at most %zu are taken",
			       (unsigned long long)size, ret->cap);
	if (buf_reserve(ret, (size_t)size, e) != 0 ||
	    (size > 0 && fd_read_full(fd, ret->data + ret->len, (size_t)size, e) != 0))
		return -1;
	ret->len += (size_t)size;
	if (ret->data != NULL)
		ret->data[ret->len] = '\0';
	return 0;
}

int artifacts_check_space(const struct artifacts *a, uint64_t size, struct err *e)
{
	struct statvfs fs;
	uint64_t free_bytes;
	char text[32];

	if (size > ARTIFACT_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "an artifact of %llu bytes",
			       (unsigned long long)size);
	if (statvfs(a->dir, &fs) != 0)
		return err_sys(e, "%s", a->dir);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= SPARE_BYTES && size <= free_bytes - SPARE_BYTES)
		return 0;
	size_format(free_bytes, text, sizeof(text));
	return err_set(e, ERR_NO_SPACE, "%s are free", text);
}

/* ------------------------------------------------------------------ writing */

/* The lock is on the file, the name may have gone to another: then it was committed. */
static int still_named(int fd, const char *path, bool *ret, struct err *e)
{
	struct stat held, named;

	if (fstat(fd, &held) != 0)
		return err_sys(e, "%s", path);
	*ret = stat(path, &named) == 0 && named.st_dev == held.st_dev &&
	       named.st_ino == held.st_ino;
	return 0;
}

int artifacts_hold(const struct artifacts *a, const char *id, int *ret_fd,
		   struct err *e)
{
	char path[PATH_MAX];

	if (path_of_upload(a, id, path, e) != 0)
		return -1;
	for (int tries = 0; tries < 8; tries++) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
		bool named = false;

		if (fd < 0)
			return err_sys(e, "%s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			return errno == EWOULDBLOCK
				   ? err_set(e, ERR_BUSY,
					     "another request works on this upload")
				   : err_sys(e, "%s", path);
		if (still_named(fd, path, &named, e) != 0)
			return -1;
		if (named) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
	}
	return err_set(e, ERR_BUSY, "another request works on this upload");
}

int artifacts_write(const struct artifacts *a, int fd, uint64_t size, uint64_t offset,
		    const void *data, size_t len, struct err *e)
{
	char dir[PATH_MAX];

	if (size > ARTIFACT_MAX_BYTES || offset > size || len > size - offset)
		return err_set(e, ERR_RANGE, "bytes %llu..+%zu of an upload of %llu",
			       (unsigned long long)offset, len,
			       (unsigned long long)size);
	if (fd_pwrite_full(fd, data, len, offset, e) != 0)
		return -1;
	if (fdatasync(fd) != 0)
		return err_sys(e, "flush an upload");
	if (offset != 0)
		return 0;
	if (upload_dir(a, dir, e) !=
	    0) /* the first part: its name has to last as well */
		return -1;
	return dir_sync(dir, e);
}

int artifacts_drop(const struct artifacts *a, const char *id, struct err *e)
{
	char path[PATH_MAX];

	if (path_of_upload(a, id, path, e) != 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	return 0;
}

/* ------------------------------------------------------------------ commit */

struct sums {
	struct digest *sha256, *sha1, *md5;
};

static void sums_fini(struct sums *s)
{
	digest_free(s->sha256);
	digest_free(s->sha1);
	digest_free(s->md5);
}

static int sums_init(struct sums *s, struct err *e)
{
	s->sha256 = digest_new(DIGEST_SHA256, e);
	s->sha1 = s->sha256 == NULL ? NULL : digest_new(DIGEST_SHA1, e);
	s->md5 = s->sha1 == NULL ? NULL : digest_new(DIGEST_MD5, e);
	return s->md5 == NULL ? -1 : 0;
}

/* The three digests of size bytes, in one pass. */
static int hash_file(int fd, uint64_t size, struct artifact *ret, struct err *e)
{
	AUTO(sums) struct sums s = {0};
	AUTO_FREE uint8_t *block = malloc(BLOCK_LEN);

	if (block == NULL)
		return err_nomem(e);
	if (sums_init(&s, e) != 0)
		return -1;
	for (uint64_t at = 0; at < size;) {
		size_t n = size - at < BLOCK_LEN ? (size_t)(size - at) : BLOCK_LEN;

		if (fd_pread_full(fd, block, n, at, e) != 0 ||
		    digest_add(s.sha256, block, n, e) != 0 ||
		    digest_add(s.sha1, block, n, e) != 0 ||
		    digest_add(s.md5, block, n, e) != 0)
			return -1;
		at += n;
	}
	ret->size = size;
	ret->created_at = clock_utc_ms(&clock_system);
	if (digest_end(s.sha256, ret->sha256, e) != 0 ||
	    digest_end(s.sha1, ret->sha1, e) != 0)
		return -1;
	return digest_end(s.md5, ret->md5, e);
}

/* 1: there, and described in *ret; 0: not there. */
static int committed_before(const struct artifacts *a, uint64_t size,
			    const uint8_t sha256[SHA256_LEN], struct artifact *ret,
			    struct err *e)
{
	struct err why = ERR_INIT;
	AUTO_CLOSE int fd = -1;
	uint64_t have = 0;

	if (artifacts_open(a, sha256, &fd, &have, &why) != 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		if (e != NULL)
			*e = why;
		return -1;
	}
	if (have != size)
		return err_set(e, ERR_DIGEST, "that digest is of %llu bytes",
			       (unsigned long long)have);
	return hash_file(fd, size, ret, e) == 0 ? 1 : -1;
}

static int move_in(const struct artifacts *a, const char *from,
		   const uint8_t sha256[SHA256_LEN], struct err *e)
{
	char to[PATH_MAX], dir[PATH_MAX];

	if (artifacts_path(a, sha256, to, e) != 0 ||
	    text_format(dir, sizeof(dir), e, "%.*s", (int)(strrchr(to, '/') - to),
			to) != 0 ||
	    dir_make(dir, 0750, e) != 0)
		return -1;
	if (rename(from, to) != 0)
		return err_sys(e, "%s", to);
	if (dir_sync(dir, e) != 0 ||
	    text_format(dir, sizeof(dir), e, "%s/sha256", a->dir) != 0)
		return -1;
	return dir_sync(dir, e);
}

int artifacts_commit(const struct artifacts *a, const char *id, int fd, uint64_t size,
		     const uint8_t sha256[SHA256_LEN], struct artifact *ret,
		     struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	int there = committed_before(a, size, sha256, ret, e);

	if (there != 0)
		return there < 0 ? -1 : artifacts_drop(a, id, e);
	if (fstat(fd, &st) != 0)
		return err_sys(e, "upload %s", id);
	if ((uint64_t)st.st_size != size)
		return err_set(e, ERR_CONFLICT, "%llu of %llu bytes are here",
			       (unsigned long long)st.st_size,
			       (unsigned long long)size);
	if (hash_file(fd, size, ret, e) != 0)
		return -1;
	if (memcmp(ret->sha256, sha256, SHA256_LEN) != 0) {
		if (artifacts_drop(a, id, e) != 0)
			return -1;
		return err_set(e, ERR_DIGEST,
			       "the bytes that came are not those that were announced");
	}
	if (fsync(fd) != 0)
		return err_sys(e, "flush upload %s", id);
	if (path_of_upload(a, id, path, e) != 0)
		return -1;
	return move_in(a, path, sha256, e);
}

int artifacts_adopt(const struct artifacts *a, const char *path, struct artifact *ret,
		    struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	if (hash_file(fd, (uint64_t)st.st_size, ret, e) != 0)
		return -1;
	if (fsync(fd) != 0)
		return err_sys(e, "flush %s", path);
	return move_in(a, path, ret->sha256, e);
}

/* ------------------------------------------------------------------ garbage */

void artifacts_enter(struct artifacts *a)
{
	(void)pthread_rwlock_rdlock(&a->in_use);
}

void artifacts_leave(struct artifacts *a)
{
	(void)pthread_rwlock_unlock(&a->in_use);
}

static int remove_file(const struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		       struct err *e)
{
	char path[PATH_MAX];

	if (artifacts_path(a, sha256, path, e) != 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	return 0;
}

int artifacts_remove(struct artifacts *a, const uint8_t sha256[SHA256_LEN],
		     int (*may)(void *ctx, struct err *e), void *ctx, bool *ret_removed,
		     struct err *e)
{
	int rc;

	*ret_removed = false;
	if (pthread_rwlock_trywrlock(&a->in_use) != 0)
		return err_set(e, ERR_BUSY, "artifacts are being put in");
	rc = may(ctx, e);
	if (rc == 0) {
		rc = remove_file(a, sha256, e);
		*ret_removed = rc == 0;
	}
	(void)pthread_rwlock_unlock(&a->in_use);
	return rc;
}

int artifacts_sweep(const struct artifacts *a, bool (*keep)(void *ctx, const char *id),
		    void *ctx, size_t *ret_n, struct err *e)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int result = 0;

	*ret_n = 0;
	if (upload_dir(a, path, e) != 0)
		return -1;
	dir = opendir(path);
	if (dir == NULL)
		return err_sys(e, "%s", path);
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (!text_is_name(entry->d_name, UPLOAD_ID_LEN, "") ||
		    keep(ctx, entry->d_name))
			continue;
		result = artifacts_drop(a, entry->d_name, e);
		*ret_n += result == 0;
	}
	(void)closedir(dir);
	return result;
}
