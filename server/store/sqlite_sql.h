/* SPDX-License-Identifier: Apache-2.0 */
/* All SQL that runs after the start, by name. ?1 is the tenant where a row has one. */
#ifndef OTA_SERVER_STORE_SQLITE_SQL_H
#define OTA_SERVER_STORE_SQLITE_SQL_H

/* In the order of load_device(), load_release(), load_deployment(). A device's open
 * deployment is derived: the oldest that is not closed. */
#define DEVICE_COLUMNS                                                                 \
	"d.id, d.name, d.product, d.hardware, d.version, d.grade, d.state, "           \
	"d.agent_version, d.capabilities, d.address, d.slots, d.wants_attributes, "    \
	"d.created_at, d.seen_at, (SELECT min(p.id) FROM deployment p "                \
	"WHERE p.tenant = d.tenant AND p.device = d.id AND p.state < 5), "             \
	"(SELECT max(p.id) FROM deployment p "                                         \
	"WHERE p.tenant = d.tenant AND p.device = d.id), "                             \
	"d.installed_deployment, d.revision "
#define RELEASE_COLUMNS                                                                \
	"id, product, version, security_version, hardware, notes, manifest_sha256, "   \
	"descriptor_sha256, head_sha256, body_sha256, head_size, body_size, "          \
	"created_at "                                                                  \
	"FROM release "
#define DEPLOYMENT_COLUMNS                                                             \
	"p.id, p.device, p.release, r.product, r.version, p.state, p.detail, "         \
	"p.grade, "                                                                    \
	"p.forced, p.offered, p.progress, p.created_at, p.updated_at, p.proof_root, "  \
	"p.proof_boot, p.proof_slot, p.proof_counter, p.n_statuses, p.content, "       \
	"p.revision FROM deployment p JOIN release r "                                 \
	"ON r.tenant = p.tenant AND r.id = p.release "

/* clang-format off */
#define SQL_STATEMENTS(X)                                                                \
	X(BEGIN, "BEGIN IMMEDIATE")                                                      \
	X(COMMIT, "COMMIT")                                                              \
	X(ROLLBACK, "ROLLBACK")                                                          \
	X(SAVEPOINT, "SAVEPOINT one")                                                    \
	X(RELEASE_SAVEPOINT, "RELEASE one")                                              \
	X(UNDO_SAVEPOINT, "ROLLBACK TO one")                                             \
	X(CHANGES, "SELECT changes()")                                                   \
	X(SCHEMA, "PRAGMA user_version")                                                 \
	X(SIZE, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") \
	X(QUICK_CHECK, "PRAGMA quick_check(1)")                                          \
	/* devices */                                                                    \
	X(DEVICE_INSERT, "INSERT INTO device (tenant, id, name, product, hardware, "     \
	  "token_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                 \
	X(DEVICE_GET, "SELECT " DEVICE_COLUMNS "FROM device d WHERE d.tenant = ?1 AND d.id = ?2") \
	X(DEVICE_BY_TOKEN, "SELECT " DEVICE_COLUMNS "FROM device d "                     \
	  "WHERE d.tenant = ?1 AND d.token_hash = ?2")                                   \
	X(DEVICE_LIST, "SELECT " DEVICE_COLUMNS "FROM device d WHERE d.tenant = ?1 "     \
	  "AND d.id > ?2 AND (?3 = '' OR lower(substr(d.id, 1, length(?3))) = lower(?3) "\
	  "OR lower(substr(d.name, 1, length(?3))) = lower(?3)) ORDER BY d.id LIMIT ?4") \
	X(DEVICE_SEEN, "UPDATE device SET seen_at = max(seen_at, ?3), "                  \
	  "address = ?4 WHERE tenant = ?1 AND id = ?2")                                  \
	X(DEVICE_SET_TOKEN, "UPDATE device SET token_hash = ?3, revision = revision + 1 "\
	  "WHERE tenant = ?1 AND id = ?2")                                               \
	X(DEVICE_DELETE, "DELETE FROM device WHERE tenant = ?1 AND id = ?2")             \
	X(DEVICE_REPORTED, "UPDATE device SET wants_attributes = 0, "                    \
	  "slots = CASE ?3 WHEN '' THEN slots ELSE ?3 END, "                             \
	  "product = CASE ?4 WHEN '' THEN product ELSE ?4 END, "                         \
	  "hardware = CASE ?5 WHEN '' THEN hardware ELSE ?5 END, "                       \
	  "version = CASE WHEN ?6 = '' OR grade <> 0 THEN version ELSE ?6 END, "         \
	  "agent_version = CASE ?7 WHEN '' THEN agent_version ELSE ?7 END, "             \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                       \
	X(DEVICE_VERSION, "UPDATE device SET version = ?3, grade = ?4, "                 \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                       \
	X(DEVICE_STATE, "UPDATE device SET state = ?3, revision = revision + 1 "         \
	  "WHERE tenant = ?1 AND id = ?2")                                               \
	X(DEVICE_AGENT, "UPDATE device SET "                                             \
	  "agent_version = CASE ?3 WHEN '' THEN agent_version ELSE ?3 END, "             \
	  "capabilities = CASE ?4 WHEN '' THEN capabilities ELSE ?4 END, "               \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                       \
	X(DEVICE_INSTALLED, "UPDATE device SET installed_deployment = ?3, "              \
	  "wants_attributes = 1, revision = revision + 1 WHERE tenant = ?1 AND id = ?2") \
	X(ATTRIBUTE_LIST, "SELECT key, value FROM attribute "                            \
	  "WHERE tenant = ?1 AND device = ?2 ORDER BY key")                              \
	X(ATTRIBUTE_COUNT, "SELECT count(*) FROM attribute WHERE tenant = ?1 AND device = ?2") \
	X(ATTRIBUTE_PUT, "INSERT INTO attribute (tenant, device, key, value) "           \
	  "VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET value = excluded.value")    \
	X(ATTRIBUTE_DELETE, "DELETE FROM attribute "                                     \
	  "WHERE tenant = ?1 AND device = ?2 AND key = ?3")                              \
	X(ATTRIBUTE_CLEAR, "DELETE FROM attribute WHERE tenant = ?1 AND device = ?2")    \
	X(VERSION_COUNTS, "SELECT product, version, grade, count(*) FROM device "        \
	  "WHERE tenant = ?1 GROUP BY product, version, grade")                          \
	/* releases */                                                                   \
	X(RELEASE_INSERT, "INSERT INTO release (tenant, id, product, version, "          \
	  "security_version, hardware, notes, manifest_sha256, descriptor_sha256, "      \
	  "head_sha256, body_sha256, head_size, body_size, created_at) "                 \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")        \
	X(RELEASE_GET, "SELECT " RELEASE_COLUMNS "WHERE tenant = ?1 AND id = ?2")        \
	X(RELEASE_LIST, "SELECT " RELEASE_COLUMNS "WHERE tenant = ?1 AND (?2 = '' OR "   \
	  "seq < (SELECT seq FROM release WHERE tenant = ?1 AND id = ?2)) "              \
	  "ORDER BY seq DESC LIMIT ?3")                                                  \
	X(IMAGE_INSERT, "INSERT INTO image (tenant, release, n, name, size, salt, root_hash) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                         \
	X(IMAGE_LIST, "SELECT name, size, salt, root_hash FROM image "                   \
	  "WHERE tenant = ?1 AND release = ?2 ORDER BY n")                               \
	/* deployments */                                                                \
	X(DEPLOYMENT_INSERT, "INSERT INTO deployment (tenant, device, release, forced, " \
	  "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)")                     \
	X(DEPLOYMENT_GET, "SELECT " DEPLOYMENT_COLUMNS "WHERE p.tenant = ?1 AND p.id = ?2") \
	X(DEPLOYMENT_LIST, "SELECT " DEPLOYMENT_COLUMNS "WHERE p.tenant = ?1 "           \
	  "AND (?2 = 0 OR p.id < ?2) AND (?3 = -1 OR p.state = ?3 OR "                   \
	  "(?3 = -2 AND p.state < 5)) ORDER BY p.id DESC LIMIT ?4")                      \
	X(DEPLOYMENT_OF_DEVICE, "SELECT " DEPLOYMENT_COLUMNS                             \
	  "WHERE p.tenant = ?1 AND p.device = ?5 AND (?2 = 0 OR p.id < ?2) "             \
	  "AND (?3 = -1 OR p.state = ?3 OR (?3 = -2 AND p.state < 5)) "                  \
	  "ORDER BY p.id DESC LIMIT ?4")                                                 \
	X(DEPLOYMENT_OPEN, "SELECT id, release, state, offered FROM deployment "         \
	  "WHERE tenant = ?1 AND device = ?2 AND state < 5 ORDER BY id")                 \
	X(DEPLOYMENT_SUPERSEDE, "UPDATE deployment SET state = ?3, detail = ?4, "        \
	  "updated_at = ?5, content = content + 1, revision = revision + 1 "             \
	  "WHERE tenant = ?1 AND id = ?2")                                               \
	X(DEPLOYMENT_MOVE, "UPDATE deployment SET state = ?4, progress = ?5, grade = ?6, " \
	  "offered = ?7, content = content + ?8, "                                       \
	  "detail = CASE ?9 WHEN '' THEN detail ELSE ?9 END, updated_at = ?10, "         \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2 AND revision = ?3")     \
	X(DEPLOYMENT_PROOF, "UPDATE deployment SET proof_root = ?3, proof_boot = ?4, "   \
	  "proof_slot = ?5, proof_counter = ?6 WHERE tenant = ?1 AND id = ?2")           \
	X(DEPLOYMENT_COUNT_STATUS, "UPDATE deployment SET n_statuses = n_statuses + 1 "  \
	  "WHERE tenant = ?1 AND id = ?2")                                               \
	X(STATUS_INSERT, "INSERT INTO status (deployment, at, execution, finished, details) " \
	  "SELECT ?2, ?3, ?4, ?5, ?6 FROM deployment WHERE tenant = ?1 AND id = ?2 "     \
	  "AND n_statuses < ?7")                                                         \
	X(STATUS_LIST, "SELECT s.at, s.execution, s.finished, s.details FROM status s "  \
	  "JOIN deployment p ON p.id = s.deployment "                                    \
	  "WHERE p.tenant = ?1 AND s.deployment = ?2 ORDER BY s.n LIMIT ?3")             \
	/* artifacts and uploads */                                                      \
	X(ARTIFACT_PUT, "INSERT INTO artifact (tenant, sha256, sha1, md5, size, created_at) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING")                      \
	X(ARTIFACT_GET, "SELECT sha256, sha1, md5, size, created_at FROM artifact "      \
	  "WHERE tenant = ?1 AND sha256 = ?2")                                           \
	X(UPLOAD_INSERT, "INSERT INTO upload (tenant, id, size, sha256, created_at) "    \
	  "VALUES (?1, ?2, ?3, ?4, ?5)")                                                 \
	X(UPLOAD_GET, "SELECT id, size, sha256, offset, created_at FROM upload "         \
	  "WHERE tenant = ?1 AND id = ?2")                                               \
	X(UPLOAD_FIND, "SELECT id, size, sha256, offset, created_at FROM upload "        \
	  "WHERE tenant = ?1 AND sha256 = ?2 AND size = ?3")                             \
	X(UPLOAD_ADVANCE, "UPDATE upload SET offset = ?4 "                               \
	  "WHERE tenant = ?1 AND id = ?2 AND offset = ?3 AND ?4 <= size AND ?4 >= ?3")   \
	X(UPLOAD_DELETE, "DELETE FROM upload WHERE tenant = ?1 AND id = ?2")             \
	/* repository */                                                                 \
	X(METADATA_GET, "SELECT version, data FROM metadata "                            \
	  "WHERE tenant = ?1 AND role = ?2 AND version = ?3")                            \
	X(METADATA_NEWEST, "SELECT version, data FROM metadata "                         \
	  "WHERE tenant = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1")               \
	X(METADATA_INSERT, "INSERT INTO metadata (tenant, role, version, data) "         \
	  "SELECT ?1, ?2, ?3, ?4 WHERE ?3 > ?5 AND "                                     \
	  "ifnull((SELECT max(version) FROM metadata WHERE tenant = ?1 AND role = ?2), 0) = ?5") \
	X(METADATA_PRUNE, "DELETE FROM metadata WHERE tenant = ?1 AND role = ?2 AND "    \
	  "version < (SELECT version FROM metadata WHERE tenant = ?1 AND role = ?2 "     \
	  "ORDER BY version DESC LIMIT 1 OFFSET 15)")                                    \
	/* events */                                                                     \
	X(EVENT_INSERT, "INSERT INTO event (tenant, at, type, device, deployment, release) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                             \
	X(EVENT_LIST, "SELECT id, at, type, device, deployment, release FROM event "     \
	  "WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3")                          \
	X(EVENT_BOUNDS, "SELECT ifnull(min(id), 0), ifnull(max(id), 0) FROM event "      \
	  "WHERE tenant = ?1")                                                           \
	X(EVENT_PRUNE, "DELETE FROM event WHERE tenant = ?1 AND id < ?2")                \
	/* people */                                                                     \
	X(API_TOKEN_INSERT, "INSERT INTO api_token (tenant, hash, prefix, name, role, "  \
	  "created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                 \
	X(API_TOKEN_GET, "SELECT hash, prefix, name, role, created_at, expires_at "      \
	  "FROM api_token WHERE tenant = ?1 AND hash = ?2 "                              \
	  "AND (expires_at = 0 OR expires_at > ?3)")                                     \
	X(API_TOKEN_LIST, "SELECT hash, prefix, name, role, created_at, expires_at "     \
	  "FROM api_token WHERE tenant = ?1 ORDER BY created_at, hash LIMIT 500")        \
	X(API_TOKEN_DELETE, "DELETE FROM api_token WHERE tenant = ?1 AND hash = ?2")     \
	X(LOGIN_INSERT, "INSERT INTO login_token (tenant, hash, user, role, expires_at) "\
	  "VALUES (?1, ?2, ?3, ?4, ?5)")                                                 \
	X(LOGIN_TAKE, "DELETE FROM login_token WHERE tenant = ?1 AND hash = ?2 "         \
	  "AND expires_at > ?3 RETURNING user, role")                                    \
	X(SESSION_INSERT, "INSERT INTO session (tenant, hash, user, role, created_at, "  \
	  "expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                 \
	X(SESSION_GET, "SELECT hash, user, role, created_at, expires_at FROM session "   \
	  "WHERE tenant = ?1 AND hash = ?2 AND expires_at > ?3")                         \
	X(SESSION_DELETE, "DELETE FROM session WHERE tenant = ?1 AND hash = ?2")         \
	X(SETTING_GET, "SELECT value FROM setting WHERE tenant = ?1 AND name = ?2")      \
	X(SETTING_PUT, "INSERT INTO setting (tenant, name, value) VALUES (?1, ?2, ?3) "  \
	  "ON CONFLICT DO UPDATE SET value = excluded.value")                            \
	X(EXPIRE_SESSIONS, "DELETE FROM session WHERE tenant = ?1 AND expires_at <= ?2") \
	X(EXPIRE_LOGINS, "DELETE FROM login_token WHERE tenant = ?1 AND expires_at <= ?2")
/* clang-format on */

enum sql {
#define X(name, text) SQL_##name,
	SQL_STATEMENTS(X)
#undef X
	    N_SQL
};

#endif
