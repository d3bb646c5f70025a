/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_ONCE_H
#define OTA_SERVER_STORE_SQL_ONCE_H

/* Rows are numbered per owner in the order of their beginning, so the oldest and how
 * many there are at most is found without counting. */
/* clang-format off */
#define SQL_ONCE(X)                                                                    \
	X(ONCE_GET, "SELECT request_hash, at, status, type, answer FROM once "         \
		    "WHERE tenant = ?1 AND key_hash = ?2")                             \
	X(ONCE_SPAN, "SELECT coalesce(max(n) - min(n) + 1, 0) FROM once "              \
		     "WHERE tenant = ?1 AND owner = ?2")                               \
	X(ONCE_INSERT,                                                                 \
	  "INSERT INTO once (tenant, owner, n, key_hash, request_hash, at) "           \
	  "SELECT ?1, ?5, coalesce(max(n), 0) + 1, ?2, ?3, ?4 FROM once "              \
	  "WHERE tenant = ?1 AND owner = ?5")                                                         \
	X(ONCE_ANSWER, "UPDATE once SET status = ?3, type = ?4, answer = ?5 "          \
		       "WHERE tenant = ?1 AND key_hash = ?2 AND status = 0")           \
	X(ONCE_DROP, "DELETE FROM once WHERE tenant = ?1 AND key_hash = ?2 "           \
		     "AND status = 0")                                                 \
	X(ONCE_FORGET, "DELETE FROM once WHERE tenant = ?1 AND key_hash = ?2")         \
	X(ONCE_EXPIRE,                                                                 \
	  "DELETE FROM once WHERE tenant = ?1 AND key_hash IN (SELECT o.key_hash "     \
	  "FROM once o WHERE o.tenant = ?1 AND o.at < ?2 ORDER BY o.at LIMIT 16)")

/* What schema 2 adds: texts, each with a comma behind it. status 0: open. */
#define SCHEMA_2_ONCE                                                                  \
	"CREATE TABLE once ("                                                          \
	"  tenant TEXT NOT NULL, owner BLOB NOT NULL, n INTEGER NOT NULL,"             \
	"  key_hash BLOB NOT NULL,"                                                    \
	"  request_hash BLOB NOT NULL, at INTEGER NOT NULL,"                           \
	"  status INTEGER NOT NULL DEFAULT 0, type TEXT NOT NULL DEFAULT '',"          \
	"  answer BLOB,"                                                               \
	"  PRIMARY KEY (tenant, owner, n), UNIQUE (tenant, key_hash)) "                \
	"WITHOUT ROWID, STRICT;"                                                       \
	"CREATE INDEX once_at ON once (tenant, at);",
/* clang-format on */

#endif
