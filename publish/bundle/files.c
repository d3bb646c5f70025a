/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (64u * 1024)

/* Hashes `size` bytes of fd, and copies them if to_fd is one. */
static int pass(int fd, uint64_t size, int to_fd, uint64_t offset,
		uint8_t ret_sha256[SHA256_LEN], struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);
	uint8_t piece[PIECE_BYTES];

	if (d == NULL)
		return -1;
	for (uint64_t at = 0; at < size;) {
		size_t n =
		    size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		if (fd_pread_full(fd, piece, n, at, e) < 0 ||
		    digest_add(d, piece, n, e) < 0)
			return -1;
		if (to_fd >= 0 && fd_pwrite_full(to_fd, piece, n, offset + at, e) < 0)
			return -1;
		at += n;
	}
	return digest_end(d, ret_sha256, e);
}

static int read_one(const struct maker_file *from, struct release_file *to,
		    struct err *e)
{
	AUTO_CLOSE int fd = open(from->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "file %s", from->path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, ERR_USAGE, "file %s is %s", from->path,
			       S_ISREG(st.st_mode) ? "empty" : "not a file");
	if (file_name_check(from->name, e) < 0 ||
	    text_copy(to->name, sizeof(to->name), from->name, "file name", e) < 0)
		return err_wrap(e, "file %s", from->path);
	to->part = from->part;
	to->size = (uint64_t)st.st_size;
	if (pass(fd, to->size, -1, 0, to->sha256, e) < 0)
		return err_wrap(e, "file %s", from->path);
	return 0;
}

int files_read(const struct maker_file *files, size_t n, struct manifest *m,
	       size_t ret_order[MAX_FILES], struct err *e)
{
	if (n > MAX_FILES)
		return err_set(e, ERR_USAGE, "%zu files, more than %d", n, MAX_FILES);
	for (unsigned part = 0; part < N_FILE_PARTS; part++) {
		for (size_t i = 0; i < n; i++) {
			if (files[i].part != (enum file_part)part)
				continue;
			ret_order[m->n_files] = i;
			if (read_one(&files[i], &m->files[m->n_files++], e) < 0)
				return -1;
		}
	}
	return 0;
}

int files_copy(const char *path, const struct release_file *f, int to_fd,
	       uint64_t offset, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t sha256[SHA256_LEN];

	if (fd < 0)
		return err_sys(e, "file %s", path);
	if (pass(fd, f->size, to_fd, offset, sha256, e) < 0)
		return err_wrap(e, "file %s", path);
	if (memcmp(sha256, f->sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_CONFLICT, "file %s changed while it was read",
			       path);
	return 0;
}
