/* SPDX-License-Identifier: Apache-2.0 */
/* Deployments and their status rows. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_DEPLOYMENT_H
#define OTA_SERVER_STORE_SQL_DEPLOYMENT_H

/* In the order of load_deployment(). */
#define DEPLOYMENT_COLUMNS                                                             \
	"p.id, p.device, p.release, r.product, r.version, p.state, p.detail, "         \
	"p.grade, "                                                                    \
	"p.kind, p.force_at, p.not_before, p.consent, "                                \
	"p.offered, p.progress, p.created_at, p.updated_at, p.proof_root, "            \
	"p.proof_boot, p.proof_slot, p.proof_counter, p.n_statuses, p.content, "       \
	"p.revision, (SELECT count(*) FROM freeze f "                                  \
	"WHERE f.tenant = p.tenant AND f.is_on = 1), p.rollout, p.wave "               \
	"FROM deployment p JOIN release r "                                            \
	"ON r.tenant = p.tenant AND r.id = p.release "

/* clang-format off */
#define SQL_DEPLOYMENT(X)                                                              \
	X(DEPLOYMENT_INSERT,                                                           \
	  "INSERT INTO deployment (tenant, device, release, kind, force_at, "          \
	  "not_before, consent, created_at, updated_at) "                              \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) RETURNING id")                  \
	X(DEPLOYMENT_GET,                                                              \
	  "SELECT " DEPLOYMENT_COLUMNS "WHERE p.tenant = ?1 AND p.id = ?2")            \
	X(DEPLOYMENT_ENDS, /* two look-ups: together they would be a scan */           \
	  "SELECT coalesce((SELECT min(id) FROM deployment), 0), "                     \
	  "coalesce((SELECT max(id) FROM deployment), 0)")                             \
	X(DEPLOYMENT_LIST,                                                             \
	  "SELECT " DEPLOYMENT_COLUMNS "WHERE p.tenant = ?1 "                          \
	  "AND (?2 = 0 OR p.id < ?2) AND (?3 = -1 OR p.state = ?3 OR "                 \
	  "(?3 = -2 AND p.state < 5)) ORDER BY p.id DESC LIMIT ?4")                    \
	X(DEPLOYMENT_OF_DEVICE,                                                        \
	  "SELECT " DEPLOYMENT_COLUMNS                                                 \
	  "WHERE p.tenant = ?1 AND p.device = ?5 AND (?2 = 0 OR p.id < ?2) "           \
	  "AND (?3 = -1 OR p.state = ?3 OR (?3 = -2 AND p.state < 5)) "                \
	  "ORDER BY p.id DESC LIMIT ?4")                                               \
	X(DEPLOYMENT_OPEN,                                                             \
	  "SELECT id, release, state, offered FROM deployment "                        \
	  "WHERE tenant = ?1 AND device = ?2 AND state < 5 ORDER BY id")               \
	X(DEPLOYMENT_SUPERSEDE,                                                        \
	  "UPDATE deployment SET state = ?3, detail = ?4, "                            \
	  "updated_at = ?5, content = content + 1, revision = revision + 1 "           \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(DEPLOYMENT_MOVE,                                                             \
	  "UPDATE deployment SET state = ?4, progress = ?5, grade = ?6, "              \
	  "offered = ?7, content = content + ?8, "                                     \
	  "detail = CASE ?9 WHEN '' THEN detail ELSE ?9 END, updated_at = ?10, "       \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2 AND revision = ?3 "   \
	  "AND (?11 = 0 OR NOT EXISTS (SELECT 1 FROM device d "                        \
	  "WHERE d.tenant = deployment.tenant AND d.id = deployment.device "           \
	  "AND (d.pin = 1 OR (d.pin = 2 AND d.pin_release <> deployment.release))))")  \
	X(DEPLOYMENT_CONSENT,                                                          \
	  "UPDATE deployment SET consent = ?3 WHERE tenant = ?1 AND id = ?2")          \
	X(DEPLOYMENT_PROOF,                                                            \
	  "UPDATE deployment SET proof_root = ?3, proof_boot = ?4, "                   \
	  "proof_slot = ?5, proof_counter = ?6 WHERE tenant = ?1 AND id = ?2")         \
	X(DEPLOYMENT_COUNT_STATUS,                                                     \
	  "UPDATE deployment SET n_statuses = n_statuses + 1 "                         \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(STATUS_INSERT,                                                               \
	  "INSERT INTO status (deployment, at, execution, finished, details) "         \
	  "SELECT ?2, ?3, ?4, ?5, ?6 FROM deployment WHERE tenant = ?1 AND id = ?2 "   \
	  "AND n_statuses < ?7")                                                       \
	X(STATUS_LIST,                                                                 \
	  "SELECT s.at, s.execution, s.finished, s.details FROM status s "             \
	  "JOIN deployment p ON p.id = s.deployment "                                  \
	  "WHERE p.tenant = ?1 AND s.deployment = ?2 ORDER BY s.n LIMIT ?3")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DEPLOYMENT                                                            \
	"ALTER TABLE deployment RENAME COLUMN forced TO kind;"                         \
	"ALTER TABLE deployment ADD COLUMN force_at INTEGER NOT NULL DEFAULT 0;"       \
	"ALTER TABLE deployment ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;"     \
	"ALTER TABLE deployment ADD COLUMN consent INTEGER NOT NULL DEFAULT 0;",
/* clang-format on */

#endif
