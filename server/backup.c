/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups: the database, and with --with-keys every small file of the data directory, in
 * one file, while the server runs.
 *
 * Artifacts stay where they are: their files never change and are named by their digest, so
 * any tool copies them before or after, and a backup refers to them. Who restores lays the
 * newest backup into an empty directory, puts artifacts/ beside it and starts the server,
 * which signs timestamp and snapshot anew with versions above all that it ever gave.
 */
#include "server.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 6

/* What another copy of a server must not get, or gets by other ways. */
static const char *const left_out[] = {"artifacts", "lock", "running.json"};

struct walk {
	struct backup_sink *sink;
	const char *root;
};

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < N_ELEMS(left_out); i++) {
		if (strcmp(name, left_out[i]) == 0)
			return true;
	}
	return name[0] == '.' || strncmp(name, "ota.db", 6) == 0;
}

static int walk_dir(const struct walk *w, const char *below, unsigned depth,
		    struct err *e);

static int walk_entry(const struct walk *w, const char *name, unsigned depth,
		      struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(BACKUP_FILE_MAX);
	char path[PATH_MAX];
	struct stat st;

	if (text_format(path, sizeof(path), e, "%s/%s", w->root, name) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, name, depth + 1, e);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (file_read(path, &data, e) < 0)
		return -1;
	return w->sink->add(w->sink, name, data.data, data.len, e);
}

static int walk_dir(const struct walk *w, const char *below, unsigned depth,
		    struct err *e)
{
	char path[PATH_MAX], name[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	if (depth > MAX_DEPTH)
		return err_set(e, ERR_LIMIT, "%s: too deep for a backup", below);
	if (text_format(path, sizeof(path), e, "%s/%s", w->root, below) < 0)
		return -1;
	dir = opendir(path);
	if (dir == NULL)
		return err_sys(e, "%s", path);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (is_left_out(entry->d_name))
			continue;
		rc = text_format(name, sizeof(name), e, "%s%s%s", below,
				 below[0] == '\0' ? "" : "/", entry->d_name);
		if (rc == 0)
			rc = walk_entry(w, name, depth, e);
	}
	(void)closedir(dir);
	return rc;
}

static int add_keys(struct backup_sink *sink, void *ctx, struct err *e)
{
	const struct data_dir *d = ctx;
	const struct walk w = {sink, d->root};

	return walk_dir(&w, "", 0, e);
}

/* A directory is in demo mode for ever or never, also a copy of it. */
static int add_mark(struct backup_sink *sink, void *ctx, struct err *e)
{
	const struct data_dir *d = ctx;
	const struct walk w = {sink, d->root};

	return file_exists(d->demo) ? walk_entry(&w, "demo", 0, e) : 0;
}

static int refuse_elsewhere(const struct settings *s, const struct data_dir *d,
			    struct err *e)
{
	const struct store_place place = store_place_of(s, d);

	if (store_place_is_file(&place))
		return 0;
	return err_set(
	    e, ERR_UNSUPPORTED,
	    "the database is PostgreSQL's: pg_dump and pg_restore do this; "
	    "docs/OPERATIONS.md says what of the data directory belongs to it");
}

int command_backup_create(void *values, int n, char **operands, const struct log *log,
			  struct err *e)
{
	const struct settings *s = values;
	struct data_dir d;

	(void)n;
	(void)log;
	if (data_dir_open(s, false, &d, e) < 0 || refuse_elsewhere(s, &d, e) < 0)
		return -1;
	if (backup_create(d.database, operands[0], s->with_keys ? add_keys : add_mark,
			  &d, e) < 0)
		return err_wrap(e, "back up");
	(void)printf("%s: the database%s. Copy %s by itself: its files never change.\n",
		     operands[0], s->with_keys ? " and the keys" : " without keys",
		     d.artifacts);
	return 0;
}

/* ---- restoring ---- */

static int check_empty(const struct data_dir *d, struct err *e)
{
	struct dirent *entry;
	DIR *dir = opendir(d->root);
	int rc = 0;

	if (dir == NULL)
		return err_sys(e, "%s", d->root);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    strcmp(entry->d_name, "artifacts") != 0)
			rc = err_set(e, ERR_CONFLICT,
				     "%s holds %s already: a backup goes into an empty "
				     "directory",
				     d->root, entry->d_name);
	}
	(void)closedir(dir);
	return rc;
}

/* The directories of a name that passed the backup's check. */
static int make_parents(const char *path, size_t root_len, struct err *e)
{
	char dir[PATH_MAX];

	for (const char *slash = strchr(path + root_len + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		if (text_format(dir, sizeof(dir), e, "%.*s", (int)(slash - path),
				path) < 0 ||
		    dir_make(dir, 0700, e) < 0)
			return -1;
	}
	return 0;
}

static int lay_file(void *ctx, const char *name, const struct buf *data, struct err *e)
{
	const struct data_dir *d = ctx;
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), e, "%s/%s", d->root, name) < 0 ||
	    make_parents(path, strlen(d->root), e) < 0)
		return -1;
	return file_replace(path, buf_str(data), data->len, 0600, e);
}

int command_backup_restore(void *values, int n, char **operands, const struct log *log,
			   struct err *e)
{
	const struct settings *s = values;
	struct data_dir d;

	(void)n;
	(void)log;
	if (data_dir_open(s, true, &d, e) < 0 || refuse_elsewhere(s, &d, e) < 0 ||
	    check_empty(&d, e) < 0)
		return -1;
	if (backup_restore(operands[0], d.database, lay_file, &d, e) < 0)
		return err_wrap(e, "restore %s", operands[0]);
	(void)printf(
	    "Restored into %s. Put artifacts/ there if it is not, then start the "
	    "server.\n",
	    d.root);
	return 0;
}
