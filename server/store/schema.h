/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database's shape and how it came to be: one script a schema number, run in order.
 * A script that has been released is never edited; a change is a new one.
 */
#ifndef OTA_SERVER_STORE_SCHEMA_H
#define OTA_SERVER_STORE_SCHEMA_H

#include "../../common/base/log.h"
#include "sql_conn.h"

/* A text for one of the two dialects begins with one of these: rare, see sql.h. */
#define ONLY "-- only "
#define ONLY_SQLITE ONLY "sqlite\n"
#define ONLY_POSTGRES ONLY "postgres\n"

/* migrations[i] leads from schema i to i + 1: texts to run in order, then NULL. */
extern const char *const *const store_migrations[];
extern const unsigned store_n_migrations;

/*
 * Brings the database up to n migrations. Refuses one with a higher number
 * (ERR_CONFLICT, names both) and one that is not ours or damaged (ERR_FORMAT).
 * Before an existing SQLite database is changed a copy is written to
 * "<path>.schema-<its number>". All scripts run in one transaction: after a crash the old or the new schema
 * is there.
 */
int schema_prepare(struct conn *c, const char *const *const *migrations, unsigned n,
		   const struct log *log, struct err *e) MUST_USE;

/* Changes nothing: ERR_PRECONDITION if the schema is older than n, else as
 * schema_prepare(). */
int schema_check(struct conn *c, unsigned n, struct err *e) MUST_USE;

#endif
