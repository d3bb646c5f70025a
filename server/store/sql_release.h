/* SPDX-License-Identifier: Apache-2.0 */
/* Releases, artifacts, uploads, published metadata. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_RELEASE_H
#define OTA_SERVER_STORE_SQL_RELEASE_H

/* In the order of load_release(). */
#define RELEASE_COLUMNS                                                                \
	"id, product, version, security_version, hardware, notes, manifest_sha256, "   \
	"descriptor_sha256, head_sha256, body_sha256, head_size, body_size, "          \
	"created_at, security_only, raise_floor_to, withdrawn_at, withdrawn_by, "      \
	"withdrawn_reason, unlisted_at "                                               \
	"FROM release "

/* Nothing that is published, or about to be, refers to a. A table that refers to artifacts
 * stands here, or its bytes are garbage in the collector's eyes. */
#define ARTIFACT_IS_UNUSED                                                             \
	"NOT EXISTS (SELECT 1 FROM release r WHERE r.tenant = a.tenant "               \
	"AND r.head_sha256 = a.sha256) "                                               \
	"AND NOT EXISTS (SELECT 1 FROM release r WHERE r.tenant = a.tenant "           \
	"AND r.body_sha256 = a.sha256) "                                               \
	"AND NOT EXISTS (SELECT 1 FROM release_file f WHERE f.tenant = a.tenant "      \
	"AND f.sha256 = a.sha256) "                                                    \
	"AND NOT EXISTS (SELECT 1 FROM delta x WHERE x.tenant = a.tenant "             \
	"AND x.head_sha256 = a.sha256) "                                               \
	"AND NOT EXISTS (SELECT 1 FROM delta x WHERE x.tenant = a.tenant "             \
	"AND x.body_sha256 = a.sha256) "

/* clang-format off */
#define SQL_RELEASE(X)                                                                 \
	X(RELEASE_INSERT,                                                              \
	  "INSERT INTO release (tenant, id, product, version, "                        \
	  "security_version, hardware, notes, manifest_sha256, descriptor_sha256, "    \
	  "head_sha256, body_sha256, head_size, body_size, created_at, "               \
	  "security_only, raise_floor_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "    \
	  "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)")                                                       \
	X(RELEASE_GET, "SELECT " RELEASE_COLUMNS "WHERE tenant = ?1 AND id = ?2")      \
	X(RELEASE_LIST,                                                                \
	  "SELECT " RELEASE_COLUMNS "WHERE tenant = ?1 AND (?2 = '' OR "               \
	  "seq < (SELECT seq FROM release WHERE tenant = ?1 AND id = ?2)) "            \
	  "ORDER BY seq DESC LIMIT ?3")                                                \
	X(IMAGE_INSERT,                                                                \
	  "INSERT INTO image (tenant, release, n, name, size, salt, root_hash) "       \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                       \
	X(IMAGE_LIST, "SELECT name, size, salt, root_hash FROM image "                 \
		      "WHERE tenant = ?1 AND release = ?2 ORDER BY n")                 \
	X(FILE_INSERT,                                                                 \
	  "INSERT INTO release_file (tenant, release, n, name, part, size, sha256) "   \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                       \
	X(FILE_LIST, "SELECT name, part, size, sha256 FROM release_file "              \
		     "WHERE tenant = ?1 AND release = ?2 ORDER BY n")                  \
	/* artifacts and uploads */                                                    \
	X(ARTIFACT_PUT,                                                                \
	  "INSERT INTO artifact (tenant, sha256, sha1, md5, size, created_at) "        \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant, sha256) "              \
	  "DO UPDATE SET created_at = excluded.created_at")                            \
	X(ARTIFACT_GET, "SELECT sha256, sha1, md5, size, created_at FROM artifact "    \
			"WHERE tenant = ?1 AND sha256 = ?2")                           \
	X(ARTIFACT_UNUSED, "SELECT a.sha256, a.sha1, a.md5, a.size, a.created_at "     \
			   "FROM artifact a WHERE a.tenant = ?1 "                      \
			   "AND a.created_at < ?2 AND a.sha256 > ?3 AND "              \
			   ARTIFACT_IS_UNUSED "ORDER BY a.sha256 LIMIT ?4")            \
	X(ARTIFACT_DROP, "DELETE FROM artifact WHERE tenant = ?1 AND sha256 IN ("      \
			 "SELECT a.sha256 FROM artifact a WHERE a.tenant = ?1 "        \
			 "AND a.sha256 = ?3 AND a.created_at < ?2 AND "                \
			 ARTIFACT_IS_UNUSED ")")                                       \
	X(UPLOAD_INSERT, "INSERT INTO upload (tenant, id, size, sha256, created_at) "  \
			 "VALUES (?1, ?2, ?3, ?4, ?5)")                                \
	X(UPLOAD_GET, "SELECT id, size, sha256, offset, created_at FROM upload "       \
		      "WHERE tenant = ?1 AND id = ?2")                                 \
	X(UPLOAD_FIND, "SELECT id, size, sha256, offset, created_at FROM upload "      \
		       "WHERE tenant = ?1 AND sha256 = ?2 AND size = ?3")              \
	X(UPLOAD_ADVANCE,                                                              \
	  "UPDATE upload SET offset = ?4 "                                             \
	  "WHERE tenant = ?1 AND id = ?2 AND offset = ?3 AND ?4 <= size AND ?4 >= ?3") \
	X(UPLOAD_DELETE, "DELETE FROM upload WHERE tenant = ?1 AND id = ?2")           \
	/* repository */                                                               \
	X(METADATA_GET, "SELECT version, data FROM metadata "                          \
			"WHERE tenant = ?1 AND role = ?2 AND version = ?3")            \
	X(METADATA_NEWEST,                                                             \
	  "SELECT version, data FROM metadata "                                        \
	  "WHERE tenant = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1")             \
	X(METADATA_INSERT, "INSERT INTO metadata (tenant, role, version, data) "       \
			   "SELECT ?1, ?2, ?3, ?4 WHERE ?3 > ?5 AND "                  \
			   "coalesce((SELECT max(version) FROM metadata WHERE tenant " \
			   "= ?1 AND role = ?2), 0) = ?5")                             \
	X(METADATA_PRUNE,                                                              \
	  "DELETE FROM metadata WHERE tenant = ?1 AND role = ?2 AND "                  \
	  "version < (SELECT version FROM metadata WHERE tenant = ?1 AND role = ?2 "   \
	  "ORDER BY version DESC LIMIT 1 OFFSET 15)")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_RELEASE                                                               \
	"CREATE INDEX release_head ON release (tenant, head_sha256);"                  \
	"CREATE INDEX release_body ON release (tenant, body_sha256);"                  \
	"ALTER TABLE release ADD COLUMN security_only INTEGER NOT NULL DEFAULT 0;"     \
	"ALTER TABLE release ADD COLUMN raise_floor_to INTEGER NOT NULL DEFAULT 0;"    \
	"CREATE TABLE release_file ("                                                  \
	"  tenant TEXT NOT NULL, release TEXT NOT NULL, n INTEGER NOT NULL,"           \
	"  name TEXT NOT NULL, part INTEGER NOT NULL, size INTEGER NOT NULL,"          \
	"  sha256 BLOB NOT NULL, PRIMARY KEY (tenant, release, n),"                    \
	"  FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)) "            \
	"WITHOUT ROWID, STRICT;"                                                       \
	"CREATE INDEX release_file_digest ON release_file (tenant, sha256);",
/* clang-format on */

#endif
