/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded back-end: one SQLite database, WAL, synchronous=FULL. */
#ifndef OTA_SERVER_STORE_SQLITE_H
#define OTA_SERVER_STORE_SQLITE_H

#include "../../common/base/log.h"
#include "store.h"

/* Opens or creates path, checks it, backs it up and migrates it if its schema is older,
 * starts the writer thread. ERR_CONFLICT: made by a newer server (names both
 * schemas); ERR_FORMAT: damaged or not a database; ERR_IO, ERR_NO_SPACE: says which
 * file. log: migrations. */
struct store *store_sqlite_open(const char *path, const struct log *log,
				struct err *e) MUST_USE;

/* The same for a visitor, beside a server that may run: a database that is not there
 * (ERR_NOT_FOUND) is not made, one of an older schema (ERR_PRECONDITION) not migrated. */
struct store *store_sqlite_open_existing(const char *path, const struct log *log,
					 struct err *e) MUST_USE;

/* To look only: the same for one that has no right to change anything, not even the
 * journal's kind. Writes are refused. log may be NULL. */
struct store *store_sqlite_open_look(const char *path, const struct log *log,
				     struct err *e) MUST_USE;

/* The schema this program writes. */
unsigned store_sqlite_schema(void);

#endif
