/* SPDX-License-Identifier: Apache-2.0 */
#include "backup.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "schema.h"
#include "sqlite_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int flush(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, "flush %s", path);
	return 0;
}

static int sync_parent(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL)
		return dir_sync(".", e);
	if (text_format(dir, sizeof(dir), e, "%.*s",
			slash == path ? 1 : (int)(slash - path), path) < 0)
		return -1;
	return dir_sync(dir, e);
}

/* A snapshot of what is committed; a server beside it writes on. */
static int copy(const char *from, const char *to, bool want_newest, struct err *e)
{
	AUTO_PTR(conn) struct conn *c = NULL;
	char script[PATH_MAX + 64];
	unsigned schema = 0;

	if (!file_exists(from))
		return err_set(e, ERR_NOT_FOUND, "%s: not there", from);
	if (strchr(to, '\'') != NULL)
		return err_set(e, ERR_UNSUPPORTED, "a path with a quote in it: %s", to);
	c = sqlite_conn_open(from, false, e);
	if (c == NULL)
		return err_wrap(e, "%s", from);
	if (conn_check(c, e) < 0 || conn_get_schema(c, &schema, e) < 0)
		return err_wrap(e, "%s", from);
	if (schema == 0)
		return err_set(e, ERR_FORMAT, "%s: not a database of this server",
			       from);
	if (schema > store_n_migrations)
		return err_set(e, ERR_CONFLICT,
			       "%s: it has schema %u and this program knows up to %u",
			       from, schema, store_n_migrations);
	if (want_newest && schema != store_n_migrations)
		return err_set(e, ERR_PRECONDITION,
			       "%s: it has schema %u: start the server of this version "
			       "first, or use the backup command of the older one",
			       from, schema);
	/* The file stays read-only: what is allowed again is to write another one. */
	if (text_format(script, sizeof(script), e,
			"PRAGMA query_only = OFF; VACUUM INTO '%s'", to) < 0 ||
	    conn_script(c, script, e) < 0)
		return err_wrap(e, "write %s", to);
	return 0;
}

/* ---- making one ---- */

struct table_sink {
	struct backup_sink base;
	struct conn *db;
};

static int add_row(struct backup_sink *base, const char *name, const void *data,
		   size_t len, struct err *e)
{
	struct conn *db = ((struct table_sink *)base)->db;

	if (strlen(name) > BACKUP_NAME_MAX_LEN || len > BACKUP_FILE_MAX)
		return err_set(e, ERR_LIMIT, "%s: too large for a backup", name);
	return query_run_text(db,
			      "INSERT INTO backup_file (name, data) VALUES (?1, ?2)", e,
			      ARGS(ARG_T(name), ARG_B(len == 0 ? "" : data, len)));
}

static int add_files(const char *path,
		     int (*fill)(struct backup_sink *s, void *ctx, struct err *e),
		     void *ctx, struct err *e)
{
	AUTO_PTR(conn) struct conn *c = sqlite_conn_open(path, true, e);
	struct table_sink sink = {.base.add = add_row, .db = c};

	if (c == NULL ||
	    conn_script(c,
			"PRAGMA journal_mode = DELETE;" /* one file is all there is */
			"CREATE TABLE backup_file (name TEXT PRIMARY KEY, data BLOB "
			"NOT NULL) STRICT;",
			e) < 0 ||
	    conn_begin(c, e) < 0 || (fill != NULL && fill(&sink.base, ctx, e) < 0))
		return -1;
	return query_run(c, SQL_COMMIT, e, NO_ARGS);
}

int backup_create(const char *database, const char *file,
		  int (*fill)(struct backup_sink *s, void *ctx, struct err *e),
		  void *ctx, struct err *e)
{
	char part[PATH_MAX];

	if (file_exists(file))
		return err_set(e, ERR_CONFLICT, "%s exists already", file);
	if (text_format(part, sizeof(part), e, "%s.part", file) < 0)
		return -1;
	if (unlink(part) < 0 && errno != ENOENT)
		return err_sys(e, "%s", part);
	if (copy(database, part, true, e) < 0 || add_files(part, fill, ctx, e) < 0 ||
	    flush(part, e) < 0) {
		(void)unlink(part);
		return -1;
	}
	if (rename(part, file) < 0)
		return err_sys(e, "%s", file);
	return sync_parent(file, e);
}

/* ---- the way back ---- */

/* Below the directory, and nowhere else. */
static int check_name(const char *name, struct err *e)
{
	if (!text_is_name(name, BACKUP_NAME_MAX_LEN, "._-/") || name[0] == '/' ||
	    strstr(name, "..") != NULL)
		return err_set(e, ERR_FORMAT, "\"%.64s\" is no name in a backup", name);
	return 0;
}

static int take_files(struct conn *c,
		      int (*take)(void *ctx, const char *name, const struct buf *data,
				  struct err *e),
		      void *ctx, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	AUTO(buf) struct buf data = BUF_INIT(BACKUP_FILE_MAX);
	char name[BACKUP_NAME_MAX_LEN + 1];
	bool row;

	if (query_open_text(c, "SELECT name, data FROM backup_file ORDER BY name", &q,
			    e, NO_ARGS) < 0)
		return -1;
	for (;;) {
		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_text(&q, 0, name, sizeof(name));
		if (check_name(name, e) < 0 || query_blob(&q, 1, &data, e) < 0 ||
		    take(ctx, name, &data, e) < 0)
			return -1;
	}
}

static int unpack(const char *path,
		  int (*take)(void *ctx, const char *name, const struct buf *data,
			      struct err *e),
		  void *ctx, struct err *e)
{
	AUTO_PTR(conn) struct conn *c = sqlite_conn_open(path, true, e);

	if (c == NULL)
		return -1;
	if (take_files(c, take, ctx, e) < 0) {
		if (e->code == ERR_INTERNAL)
			return err_set(e, ERR_FORMAT, "not a backup of this server");
		return -1;
	}
	return conn_script(
	    c, "DROP TABLE backup_file; PRAGMA wal_checkpoint(TRUNCATE);", e);
}

int backup_restore(const char *file, const char *database,
		   int (*take)(void *ctx, const char *name, const struct buf *data,
			       struct err *e),
		   void *ctx, struct err *e)
{
	char part[PATH_MAX];

	if (file_exists(database))
		return err_set(e, ERR_CONFLICT, "%s exists already", database);
	if (text_format(part, sizeof(part), e, "%s.part", database) < 0)
		return -1;
	if (unlink(part) < 0 && errno != ENOENT)
		return err_sys(e, "%s", part);
	if (copy(file, part, false, e) < 0 || unpack(part, take, ctx, e) < 0 ||
	    flush(part, e) < 0) {
		(void)unlink(part);
		return -1;
	}
	if (rename(part, database) < 0)
		return err_sys(e, "%s", database);
	return sync_parent(database, e);
}
