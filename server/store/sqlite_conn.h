/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to an SQLite file; see sql_conn.h. */
#ifndef OTA_SERVER_STORE_SQLITE_CONN_H
#define OTA_SERVER_STORE_SQLITE_CONN_H

#include "sql_conn.h"

/* Opens the file and sets what every connection has: a busy timeout; one that may write
 * makes the file if it is not there, and has WAL, FULL and foreign keys. One that may
 * not leaves the database as it is. */
struct conn *sqlite_conn_open(const char *path, bool may_write, struct err *e) MUST_USE;

#endif
