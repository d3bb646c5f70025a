/* SPDX-License-Identifier: Apache-2.0 */
/* Releases that were taken back. The dialect is described in sql.h; states of rollouts
 * are those of server/rollout/policy.h: 1 and 2 have not begun, 3 runs, 4 is paused, 6
 * stopped. */
#ifndef OTA_SERVER_STORE_SQL_WITHDRAW_H
#define OTA_SERVER_STORE_SQL_WITHDRAW_H

/* clang-format off */
#define SQL_WITHDRAW(X)                                                                \
	X(WITHDRAW,                                                                    \
	  "UPDATE release SET withdrawn_at = CASE withdrawn_at WHEN 0 THEN ?3 "        \
	  "ELSE withdrawn_at END, withdrawn_by = ?4, withdrawn_reason = ?5 "           \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(WITHDRAW_GET,                                                                \
	  "SELECT version, withdrawn_by, withdrawn_reason FROM release "               \
	  "WHERE tenant = ?1 AND id = ?2 AND withdrawn_at <> 0")                       \
	X(WITHDRAW_LIST,                                                               \
	  "SELECT id, product, version FROM release "                                  \
	  "WHERE tenant = ?1 AND withdrawn_at <> 0 ORDER BY seq LIMIT ?2")             \
	X(WITHDRAW_COUNT,                                                              \
	  "SELECT count(*) FROM release WHERE tenant = ?1 AND withdrawn_at <> 0")      \
	X(WITHDRAW_UNLIST,                                                             \
	  "UPDATE release SET unlisted_at = ?2 "                                       \
	  "WHERE tenant = ?1 AND withdrawn_at <> 0 AND unlisted_at = 0")               \
	X(WITHDRAW_ROLLOUTS,                                                           \
	  "SELECT id, state FROM rollout WHERE tenant = ?1 AND release = ?2 "          \
	  "AND state IN (1, 2, 3) AND id > ?3 ORDER BY id LIMIT 1")                    \
	X(WITHDRAW_OFFERS,                                                             \
	  "UPDATE rollout SET offers = 0, revision = revision + 1 "                    \
	  "WHERE tenant = ?1 AND release = ?2")                                        \
	X(WITHDRAW_ROLLOUT,                                                            \
	  "UPDATE rollout SET state = CASE state WHEN 3 THEN 4 ELSE 6 END, "           \
	  "ended_at = CASE state WHEN 3 THEN ended_at ELSE ?5 END, reason = ?3, "      \
	  "detail = ?4, active = 1, updated_at = ?5 "                                  \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(WITHDRAW_OPEN,                                                               \
	  "SELECT device, id FROM deployment WHERE tenant = ?1 AND state < 5 "         \
	  "AND state <> 4 AND release = ?2 AND (offered = 0 OR ?3 = 1) "               \
	  "AND (device, id) > (?4, ?5) ORDER BY device, id LIMIT ?6")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_WITHDRAW                                                              \
	"ALTER TABLE release ADD COLUMN withdrawn_at INTEGER NOT NULL DEFAULT 0;"      \
	"ALTER TABLE release ADD COLUMN withdrawn_by TEXT NOT NULL DEFAULT '';"        \
	"ALTER TABLE release ADD COLUMN withdrawn_reason TEXT NOT NULL DEFAULT '';"    \
	"ALTER TABLE release ADD COLUMN unlisted_at INTEGER NOT NULL DEFAULT 0;"       \
	"CREATE INDEX rollout_release ON rollout (tenant, release);",
/* clang-format on */

#endif
