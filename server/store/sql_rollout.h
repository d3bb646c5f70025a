/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts, waves, freezes. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_ROLLOUT_H
#define OTA_SERVER_STORE_SQL_ROLLOUT_H

/* clang-format off */
#define SQL_ROLLOUT(X)                                                                 \
	/* freeze */                                                                   \
	X(FREEZE_GET,                                                                  \
	  "SELECT is_on, since_at, ended_at, by_user, reason, cancel_running "         \
	  "FROM freeze WHERE tenant = ?1")                                             \
	X(FREEZE_PUT,                                                                  \
	  "INSERT INTO freeze (tenant, is_on, since_at, ended_at, by_user, "           \
	  "reason, cancel_running) VALUES (?1, 1, ?2, 0, ?3, ?4, ?5) "                 \
	  "ON CONFLICT (tenant) DO UPDATE SET is_on = 1, since_at = "                  \
	  "CASE freeze.is_on WHEN 1 THEN freeze.since_at ELSE excluded.since_at END, " \
	  "by_user = excluded.by_user, reason = excluded.reason, "                     \
	  "cancel_running = excluded.cancel_running")                                  \
	X(FREEZE_DELETE,                                                               \
	  "UPDATE freeze SET is_on = 0, ended_at = ?2 "                                \
	  "WHERE tenant = ?1 AND is_on = 1")                                           \
	X(DEPLOYMENT_SHOWN,                                                            \
	  "SELECT device, id FROM deployment WHERE tenant = ?1 "                       \
	  "AND state < 5 AND state <> 4 AND offered <> 0 AND device > ?2 "             \
	  "ORDER BY device LIMIT ?3")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_ROLLOUT                                                               \
	"CREATE TABLE freeze ("                                                        \
	"  tenant TEXT NOT NULL PRIMARY KEY, is_on INTEGER NOT NULL,"                  \
	"  since_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,"                      \
	"  by_user TEXT NOT NULL, reason TEXT NOT NULL,"                               \
	"  cancel_running INTEGER NOT NULL) WITHOUT ROWID, STRICT;",
/* clang-format on */

#endif
