/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_AUDIT_H
#define OTA_SERVER_STORE_SQL_AUDIT_H

/* In the order of load_entry(); a list adds its conditions behind it. */
#define AUDIT_COLUMNS "SELECT n, at, leaf, entry FROM audit WHERE tenant = ?1 "

/* clang-format off: a table */
#define SQL_AUDIT(X)                                                                   \
	/* the row is locked until the transaction ends: one appender at a time */     \
	X(AUDIT_TREE_TAKE, "UPDATE audit_tree SET size = size WHERE tenant = ?1 "      \
			   "RETURNING size, frontier")                                 \
	X(AUDIT_TREE_MAKE, "INSERT INTO audit_tree (tenant, size, frontier) "          \
			   "VALUES (?1, 0, ?2) ON CONFLICT (tenant) DO NOTHING")       \
	X(AUDIT_TREE_PUT,                                                              \
	  "UPDATE audit_tree SET size = ?2, frontier = ?3 WHERE tenant = ?1")          \
	X(AUDIT_TREE_GET, "SELECT size, frontier FROM audit_tree WHERE tenant = ?1")   \
	X(AUDIT_INSERT,                                                                \
	  "INSERT INTO audit (tenant, n, at, who, action, object, entry, leaf) "       \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                   \
	X(AUDIT_NODE_INSERT, "INSERT INTO audit_node (tenant, height, n, hash) "       \
			     "VALUES (?1, ?2, ?3, ?4)")                                \
	X(AUDIT_LEAVES, "SELECT leaf FROM audit WHERE tenant = ?1 AND n >= ?2 "        \
			"AND n < ?2 + ?3 ORDER BY n")                                  \
	X(AUDIT_NODES,                                                                 \
	  "SELECT hash FROM audit_node WHERE tenant = ?1 AND height = ?4 "             \
	  "AND n >= ?2 AND n < ?2 + ?3 ORDER BY n")                                    \
	X(AUDIT_RANGE, AUDIT_COLUMNS "AND n >= ?2 AND n < ?2 + ?3 ORDER BY n")

/* What schema 2 adds: texts, each with a comma behind it. who, action and object repeat
 * what the entry says so that a list is found by an index; the entry is what counts.
 * Only every eighth height of the tree is kept: tiles are rows of those. */
#define SCHEMA_2_AUDIT                                                                 \
	"CREATE TABLE audit ("                                                         \
	"  tenant TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL,"             \
	"  who TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,"             \
	"  entry TEXT NOT NULL, leaf BLOB NOT NULL,"                                   \
	"  PRIMARY KEY (tenant, n)) WITHOUT ROWID, STRICT;"                            \
	"CREATE INDEX audit_at ON audit (tenant, at, n);"                              \
	"CREATE INDEX audit_who ON audit (tenant, who, at, n);"                        \
	"CREATE INDEX audit_action ON audit (tenant, action, at, n);"                  \
	"CREATE INDEX audit_who_action ON audit (tenant, who, action, at, n);"         \
	"CREATE INDEX audit_object ON audit (tenant, object, at, n);",                 \
	    "CREATE TABLE audit_tree ("                                                \
	    "  tenant TEXT NOT NULL PRIMARY KEY, size INTEGER NOT NULL,"               \
	    "  frontier BLOB NOT NULL) WITHOUT ROWID, STRICT;",                        \
	    "CREATE TABLE audit_node ("                                                \
	    "  tenant TEXT NOT NULL, height INTEGER NOT NULL, n INTEGER NOT NULL,"     \
	    "  hash BLOB NOT NULL,"                                                    \
	    "  PRIMARY KEY (tenant, height, n)) WITHOUT ROWID, STRICT;",
/* clang-format on */

#endif
