/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup of the embedded database: a database itself, with a table of the small files
 * that belong to it (keys, certificates). Made while a server runs and writes.
 */
#ifndef OTA_SERVER_STORE_BACKUP_H
#define OTA_SERVER_STORE_BACKUP_H

#include "../../common/base/buf.h"

#define BACKUP_NAME_MAX_LEN 255
#define BACKUP_FILE_MAX (4u * 1024 * 1024)

/* Calls add for each file; each name is relative, of plain characters. */
struct backup_sink {
	int (*add)(struct backup_sink *s, const char *name, const void *data,
		   size_t len, struct err *e);
};

/*
 * A consistent copy of `database` to `file`, with what fill (NULL: nothing) adds; all of it
 * is flushed, then `file` appears at once. ERR_CONFLICT: `file` exists; ERR_NOT_FOUND,
 * ERR_PRECONDITION: the database is not there, or of an older schema.
 */
int backup_create(const char *database, const char *file,
		  int (*fill)(struct backup_sink *s, void *ctx, struct err *e),
		  void *ctx, struct err *e) MUST_USE;

/*
 * The way back: take is called for each file that was added, then `database`, which must
 * not exist, appears. ERR_FORMAT: not a backup, or damaged; ERR_CONFLICT: of a newer
 * server. An older schema is fine: the server migrates it at its start.
 */
int backup_restore(const char *file, const char *database,
		   int (*take)(void *ctx, const char *name, const struct buf *data,
			       struct err *e),
		   void *ctx, struct err *e) MUST_USE;

#endif
