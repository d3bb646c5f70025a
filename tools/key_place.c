/* SPDX-License-Identifier: Apache-2.0 */
#include "key_place.h"

#include "../common/base/file.h"
#include "../common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)64 << 20) /* of targets metadata */

int key_place_begin(struct key_place *p, const char *dir, struct err *e)
{
	p->attempt[0] = '\0';
	if (text_copy(p->dir, sizeof(p->dir), dir, "directory name", e) < 0)
		return -1;
	for (size_t n = strlen(p->dir); n > 1 && p->dir[n - 1] == '/'; n--)
		p->dir[n - 1] = '\0';
	if (text_format(p->attempt, sizeof(p->attempt), e, "%s.new-XXXXXX", p->dir) < 0)
		return -1;
	if (mkdtemp(p->attempt) != NULL)
		return 0;
	p->attempt[0] = '\0';
	return err_sys(e, "make %s", dir);
}

/* What an attempt left: files, and one level of directories. */
static void discard(const char *dir)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *d = opendir(dir);

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    text_format(path, sizeof(path), NULL, "%s/%s", dir, entry->d_name) <
			0)
			continue;
		if (unlink(path) < 0 && errno == EISDIR)
			discard(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

void key_place_fini(struct key_place *p)
{
	if (p->attempt[0] != '\0')
		discard(p->attempt);
	p->attempt[0] = '\0';
}

int key_place_path(const struct key_place *p, const char *name, char ret[PATH_MAX],
		   struct err *e)
{
	return text_format(ret, PATH_MAX, e, "%s/%s", p->attempt, name);
}

int key_place_put(const struct key_place *p, const char *name, const void *data,
		  size_t len, struct err *e)
{
	char path[PATH_MAX];

	if (key_place_path(p, name, path, e) < 0)
		return -1;
	return file_create(path, data, len, 0644, e);
}

/* ---- copying ---- */

static bool is_named(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static int copy_file(const char *from, const char *to, mode_t mode, struct err *e)
{
	struct buf content = BUF_INIT(FILE_MAX_BYTES);
	int result = file_read(from, &content, e);

	if (result == 0)
		result = file_create(to, content.data, content.len, mode & 0777, e);
	if (content.data != NULL)
		explicit_bzero(content.data, content.room);
	buf_fini(&content);
	return result;
}

static int copy_tree(const char *from, const char *to, const char *const *but,
		     unsigned levels, struct err *e);

static int copy_entry(const char *from, const char *to, const char *name,
		      const char *const *but, unsigned levels, struct err *e)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct stat st;

	if (text_format(source, sizeof(source), e, "%s/%s", from, name) < 0 ||
	    text_format(target, sizeof(target), e, "%s/%s", to, name) < 0)
		return -1;
	if (lstat(source, &st) < 0)
		return err_sys(e, "%s", source);
	if (S_ISREG(st.st_mode))
		return copy_file(source, target, st.st_mode, e);
	if (!S_ISDIR(st.st_mode) || levels == 0)
		return 0;
	if (dir_make(target, st.st_mode & 0777, e) < 0)
		return -1;
	return copy_tree(source, target, but, levels - 1, e);
}

static int copy_tree(const char *from, const char *to, const char *const *but,
		     unsigned levels, struct err *e)
{
	const struct dirent *entry;
	DIR *d = opendir(from);
	int result = 0;

	if (d == NULL)
		return err_sys(e, "%s", from);
	while (result == 0 && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 || is_named(entry->d_name, but))
			continue;
		result = copy_entry(from, to, entry->d_name, but, levels, e);
	}
	(void)closedir(d);
	return result;
}

int key_place_copy(const struct key_place *p, const char *const *but, struct err *e)
{
	return copy_tree(p->dir, p->attempt, but, 1, e);
}

/* ---- putting in place ---- */

int key_place_finish(struct key_place *p, struct err *e)
{
	if (rename(p->attempt, p->dir) < 0) {
		if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
			return err_set(e, ERR_CONFLICT,
				       "%s exists already: keys are never written over",
				       p->dir);
		return err_sys(e, "make %s", p->dir);
	}
	p->attempt[0] = '\0';
	return dir_sync_around(p->dir, e);
}

int key_place_replace(struct key_place *p, const char *before, struct err *e)
{
	if (file_exists(before))
		return err_set(e, ERR_CONFLICT,
			       "%s exists already: keys are never written over",
			       before);
	if (renameat2(AT_FDCWD, p->attempt, AT_FDCWD, p->dir, RENAME_EXCHANGE) < 0)
		return err_sys(e, "put the new keys in the place of %s", p->dir);
	if (renameat2(AT_FDCWD, p->attempt, AT_FDCWD, before, RENAME_NOREPLACE) < 0) {
		char old[PATH_MAX];

		(void)strcpy(old, p->attempt);
		p->attempt[0] = '\0'; /* these are keys: they are not discarded */
		return err_sys(e, "the keys from before stay in %s", old);
	}
	p->attempt[0] = '\0';
	return dir_sync_around(p->dir, e);
}
