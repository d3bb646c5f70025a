/* SPDX-License-Identifier: Apache-2.0 */
/* What the device API remembers. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_DEVICE_API_H
#define OTA_SERVER_STORE_SQL_DEVICE_API_H

/* clang-format off */
#define SQL_DEVICE_API(X)                                                              \
	X(FILE_ARTIFACTS,                                                              \
	  "SELECT a.sha256, a.sha1, a.md5, a.size, a.created_at FROM release_file f "  \
	  "JOIN artifact a ON a.tenant = f.tenant AND a.sha256 = f.sha256 "            \
	  "WHERE f.tenant = ?1 AND f.release = ?2 ORDER BY f.n LIMIT ?3")              \
	X(AUTO_CONFIRM_GET, "SELECT initiator, remark, at FROM auto_confirm "          \
			    "WHERE tenant = ?1 AND device = ?2")                       \
	X(AUTO_CONFIRM_PUT,                                                            \
	  "INSERT INTO auto_confirm (tenant, device, initiator, remark, at) "          \
	  "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, device) DO UPDATE SET "    \
	  "initiator = excluded.initiator, remark = excluded.remark, "                 \
	  "at = excluded.at")                                                          \
	X(AUTO_CONFIRM_DELETE,                                                         \
	  "DELETE FROM auto_confirm WHERE tenant = ?1 AND device = ?2")                \
	X(AUTO_CONFIRM_WAITING,                                                        \
	  "UPDATE deployment SET consent = 2, content = content + 1, "                 \
	  "revision = revision + 1, updated_at = ?3 WHERE tenant = ?1 "                \
	  "AND device = ?2 AND state < 4 AND consent IN (1, 3)")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DEVICE_API                                                            \
	"CREATE TABLE auto_confirm ("                                                  \
	"  tenant TEXT NOT NULL, device TEXT NOT NULL, initiator TEXT NOT NULL,"       \
	"  remark TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (tenant, device),"   \
	"  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE) "         \
	"WITHOUT ROWID, STRICT;",
/* clang-format on */

#endif
