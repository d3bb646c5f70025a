/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts, their members, freezes, and who leads. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_ROLLOUT_H
#define OTA_SERVER_STORE_SQL_ROLLOUT_H

/* In the order of load_rollout() and load_member(). */
#define ROLLOUT_COLUMNS                                                                \
	"o.id, o.name, o.release, o.priority, o.state, o.reason, o.detail, "           \
	"o.author, o.n_waves, o.approvals, o.created_at, o.submitted_at, "             \
	"o.started_at, o.ended_at, o.updated_at, o.membership, "                       \
	"o.left_incompatible, o.left_up_to_date, o.left_pinned, o.left_no_wave, "      \
	"o.members_of, o.max_in_flight, o.max_per_site, o.max_bytes_per_s, "           \
	"o.payload_bytes, o.egress_free_at, o.revision, o.offers, "                    \
	"CAST(coalesce((SELECT sum(c.n) FROM rollout_count c WHERE "                   \
	"c.tenant = o.tenant AND c.rollout = o.id), 0) AS INTEGER), "                  \
	"CAST(coalesce((SELECT sum(c.n) FROM rollout_count c WHERE "                   \
	"c.tenant = o.tenant AND c.rollout = o.id "                                    \
	"AND c.status BETWEEN 2 AND 8), 0) AS INTEGER), "                              \
	"CAST(coalesce((SELECT sum(c.n) FROM rollout_count c WHERE "                   \
	"c.tenant = o.tenant AND c.rollout = o.id "                                    \
	"AND c.status BETWEEN 2 AND 4), 0) AS INTEGER), "                              \
	"(SELECT count(*) FROM release w WHERE w.tenant = o.tenant "                   \
	"AND w.id = o.release AND w.withdrawn_at <> 0), "                              \
	"CAST(coalesce((SELECT sum(c.n) FROM rollout_count c WHERE "                   \
	"c.tenant = o.tenant AND c.rollout = o.members_of "                            \
	"AND c.status IN (1, 7)), 0) AS INTEGER) "                                     \
	"FROM rollout o "
#define MEMBER_COLUMNS                                                                 \
	"m.device, m.wave, m.status, m.place, m.deployment, m.offered_at, m.site "     \
	"FROM rollout_member m "

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
	  "ORDER BY device LIMIT ?3")                                                  \
	/* rollouts */                                                                 \
	X(ROLLOUT_INSERT,                                                              \
	  "INSERT INTO rollout (tenant, name, release, priority, state, author, "      \
	  "n_waves, members_of, max_in_flight, max_per_site, max_bytes_per_s, "        \
	  "payload_bytes, plan, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, "  \
	  "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14) RETURNING id")                \
	X(ROLLOUT_UPDATE,                                                              \
	  "UPDATE rollout SET name = ?4, release = ?5, priority = ?6, n_waves = ?7, "  \
	  "max_in_flight = ?8, max_per_site = ?9, max_bytes_per_s = ?10, "             \
	  "payload_bytes = ?11, plan = ?12, updated_at = ?13, "                        \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2 AND revision = ?3 "   \
	  "AND state = 0")                                                             \
	X(ROLLOUT_DELETE,                                                              \
	  "DELETE FROM rollout WHERE tenant = ?1 AND id = ?2 AND state = 0")           \
	X(ROLLOUT_GET, "SELECT " ROLLOUT_COLUMNS "WHERE o.tenant = ?1 AND o.id = ?2")  \
	X(ROLLOUT_PLAN, "SELECT plan FROM rollout WHERE tenant = ?1 AND id = ?2")      \
	X(ROLLOUT_LIST,                                                                \
	  "SELECT " ROLLOUT_COLUMNS "WHERE o.tenant = ?1 AND (?2 = 0 OR o.id < ?2) "   \
	  "AND (?3 = -1 OR o.state = ?3) ORDER BY o.id DESC LIMIT ?4")                 \
	X(ROLLOUT_ACTIVE,                                                              \
	  "SELECT tenant, id FROM rollout WHERE active = 1 ORDER BY priority DESC, id") \
	X(ROLLOUT_APPLY,                                                               \
	  "UPDATE rollout SET state = ?4, reason = ?5, detail = ?6, submitted_at = "   \
	  "CASE ?7 WHEN 0 THEN submitted_at ELSE ?7 END, started_at = "                \
	  "CASE ?8 WHEN 0 THEN started_at ELSE ?8 END, ended_at = "                    \
	  "CASE ?9 WHEN 0 THEN ended_at ELSE ?9 END, updated_at = ?10, "               \
	  "active = ?11, offers = ?12, revision = revision + 1 "                       \
	  "WHERE tenant = ?1 AND id = ?2 AND revision = ?3")                           \
	X(ROLLOUT_REST,                                                                \
	  "UPDATE rollout SET active = 0 WHERE tenant = ?1 AND id = ?2")               \
	X(ROLLOUT_APPROVE,                                                             \
	  "INSERT INTO rollout_approval (tenant, rollout, by_user, at) "               \
	  "VALUES (?1, ?2, ?3, ?4)")                                                   \
	X(ROLLOUT_APPROVED,                                                            \
	  "UPDATE rollout SET approvals = approvals + 1, updated_at = ?3, "            \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                     \
	X(ROLLOUT_OFFERED,                                                             \
	  "UPDATE rollout SET egress_free_at = ?3 WHERE tenant = ?1 AND id = ?2")      \
	X(WAVE_INSERT,                                                                 \
	  "INSERT INTO rollout_wave (tenant, rollout, wave) VALUES (?1, ?2, ?3)")      \
	X(WAVE_CLEAR, "DELETE FROM rollout_wave WHERE tenant = ?1 AND rollout = ?2")   \
	X(WAVE_LIST,                                                                   \
	  "SELECT w.wave, w.state, w.approved, w.started_at, w.clock_at, "             \
	  "w.soaking_at, w.passed_at, coalesce((SELECT min(m.offered_at) "             \
	  "FROM rollout_member m WHERE m.tenant = w.tenant AND m.rollout = w.rollout " \
	  "AND m.wave = w.wave AND m.status = 1), 0) FROM rollout_wave w "             \
	  "WHERE w.tenant = ?1 AND w.rollout = ?2 ORDER BY w.wave")                    \
	X(WAVE_APPLY,                                                                  \
	  "UPDATE rollout_wave SET state = ?4, approved = ?5, started_at = ?6, "       \
	  "clock_at = ?7, soaking_at = ?8, passed_at = ?9 "                            \
	  "WHERE tenant = ?1 AND rollout = ?2 AND wave = ?3")                          \
	X(COUNT_INSERT,                                                                \
	  "INSERT INTO rollout_count (tenant, rollout, wave, status) "                 \
	  "VALUES (?1, ?2, ?3, ?4)")                                                   \
	X(COUNT_CLEAR, "DELETE FROM rollout_count WHERE tenant = ?1 AND rollout = ?2") \
	X(COUNT_ZERO,                                                                  \
	  "UPDATE rollout_count SET n = 0 WHERE tenant = ?1 AND rollout = ?2")         \
	X(COUNT_LIST,                                                                  \
	  "SELECT wave, status, n, forgiven FROM rollout_count "                       \
	  "WHERE tenant = ?1 AND rollout = ?2")                                        \
	X(COUNT_ADD,                                                                   \
	  "UPDATE rollout_count SET n = n + ?5 WHERE tenant = ?1 AND rollout = ?2 "    \
	  "AND wave = ?3 AND status = ?4")                                             \
	X(COUNT_FORGIVE,                                                               \
	  "UPDATE rollout_count SET forgiven = ?5 WHERE tenant = ?1 AND rollout = ?2 " \
	  "AND wave = ?3 AND status = ?4")                                             \
	X(COUNT_STATUS,                                                                \
	  "SELECT CAST(coalesce(sum(n), 0) AS INTEGER) FROM rollout_count "            \
	  "WHERE tenant = ?1 AND rollout = ?2 AND status = ?3")                        \
	X(DECISION_INSERT,                                                             \
	  "INSERT INTO rollout_decision (tenant, rollout, at, kind, wave, reason, "    \
	  "by_user, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                  \
	X(DECISION_LIST,                                                               \
	  "SELECT n, at, kind, wave, reason, by_user, detail FROM rollout_decision "   \
	  "WHERE tenant = ?1 AND rollout = ?2 AND (?3 = 0 OR n < ?3) "                 \
	  "ORDER BY n DESC LIMIT ?4")                                                  \
	/* members */                                                                  \
	X(FILL_STATE,                                                                  \
	  "UPDATE rollout SET membership = ?3, left_incompatible = ?4, "               \
	  "left_up_to_date = ?5, left_pinned = ?6, left_no_wave = ?7 "                 \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(MEMBER_CLEAR,                                                                \
	  "DELETE FROM rollout_member WHERE tenant = ?1 AND rollout = ?2 "             \
	  "AND device IN (SELECT device FROM rollout_member WHERE tenant = ?1 "        \
	  "AND rollout = ?2 LIMIT ?3)")                                                \
	X(MEMBER_INSERT,                                                               \
	  "INSERT INTO rollout_member (tenant, rollout, device, wave, place, site) "   \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant, rollout, device) "     \
	  "DO NOTHING")                                                                \
	X(MEMBER_GET,                                                                  \
	  "SELECT " MEMBER_COLUMNS "WHERE m.tenant = ?1 AND m.rollout = ?2 "           \
	  "AND m.device = ?3")                                                         \
	X(MEMBER_LIST,                                                                 \
	  "SELECT " MEMBER_COLUMNS "WHERE m.tenant = ?1 AND m.rollout = ?2 "           \
	  "AND m.device > ?3 AND (?4 = -1 OR m.wave = ?4) "                            \
	  "AND (?5 = -1 OR m.status = ?5) ORDER BY m.device LIMIT ?6")                 \
	X(MEMBER_WAITING,                                                              \
	  "SELECT d.id, d.product, d.hardware, d.version, d.site, d.pin, "             \
	  "d.pin_release, d.agent_version, m.place, 0, d.security_floor "              \
	  "FROM rollout_member m JOIN device d ON d.tenant = m.tenant "                \
	  "AND d.id = m.device WHERE m.tenant = ?1 AND m.rollout = ?2 "                \
	  "AND m.wave = ?3 AND m.place > ?4 AND m.deployment = 0 "                     \
	  "AND m.status IN (0, 8) ORDER BY m.place LIMIT ?5")                          \
	X(MEMBER_UNSHOWN,                                                              \
	  "SELECT d.id, d.product, d.hardware, d.version, d.site, d.pin, "             \
	  "d.pin_release, d.agent_version, m.place, m.deployment, d.security_floor "   \
	  "FROM rollout_member m JOIN deployment p ON p.tenant = m.tenant "            \
	  "AND p.id = m.deployment JOIN device d ON d.tenant = m.tenant AND d.id = m.device "                  \
	  "WHERE m.tenant = ?1 AND m.rollout = ?2 AND m.deployment > ?3 "              \
	  "AND m.status IN (0, 1, 7, 8, 9) AND p.state < 4 "            \
	  "AND p.offered = 0 ORDER BY m.deployment LIMIT ?4")                          \
	X(MEMBER_MOVE,                                                                 \
	  "UPDATE rollout_member SET status = ?4, offered_at = ?5 "                    \
	  "WHERE tenant = ?1 AND rollout = ?2 AND device = ?3")                        \
	X(MEMBER_ASSIGNED,                                                             \
	  "UPDATE rollout_member SET deployment = ?4 "                                 \
	  "WHERE tenant = ?1 AND rollout = ?2 AND device = ?3")                        \
	X(MEMBER_SILENT,                                                               \
	  "SELECT " MEMBER_COLUMNS "WHERE m.tenant = ?1 AND m.rollout = ?2 "           \
	  "AND m.wave = ?3 AND m.status = 1 AND m.offered_at <= ?4 LIMIT ?5")          \
	X(MEMBER_ABSENT,                                                               \
	  "SELECT " MEMBER_COLUMNS "JOIN device d ON d.tenant = m.tenant "             \
	  "AND d.id = m.device WHERE m.tenant = ?1 AND m.rollout = ?2 "                \
	  "AND m.wave = ?3 AND m.status = 0 AND d.seen_at < ?4 LIMIT ?5")              \
	X(MEMBER_OPEN,                                                                 \
	  "SELECT p.device, p.id, p.offered FROM rollout_member m JOIN deployment p "  \
	  "ON p.tenant = m.tenant AND p.id = m.deployment "                            \
	  "WHERE m.tenant = ?1 AND m.rollout = ?2 "                                    \
	  "AND m.status IN (0, 1, 7, 8, 9) AND m.deployment > 0 "                      \
	  "AND p.state < 4 "                                                           \
	  "AND (p.offered = 0 OR ?3 = 1) LIMIT ?4")                                    \
	X(MEMBER_OF_DEVICE,                                                            \
	  "SELECT m.rollout, m.wave, m.status FROM rollout_member m "                  \
	  "WHERE m.tenant = ?1 AND m.device = ?2")                                     \
	X(MEMBER_CONCERN,                                                              \
	  "SELECT m.rollout FROM rollout_member m JOIN rollout o "                     \
	  "ON o.tenant = m.tenant AND o.id = m.rollout "                               \
	  "WHERE m.tenant = ?1 AND m.device = ?2 ORDER BY "                            \
	  "CASE WHEN m.status IN (0, 1, 7, 8) AND o.state < 5 THEN 0 ELSE 1 END, "     \
	  "CASE WHEN o.state < 5 THEN o.priority ELSE 0 END DESC, m.rollout DESC "     \
	  "LIMIT 1")                                                                   \
	X(MEMBER_AT_SITE,                                                              \
	  "SELECT count(*) FROM rollout_member m WHERE m.tenant = ?1 "                 \
	  "AND m.rollout = ?2 AND m.site = ?3 AND m.status = 1")                       \
	X(MEMBER_DEPLOYMENT_OPEN,                                                      \
	  "SELECT p.id, p.release, p.state, p.offered, p.rollout, "                    \
	  "coalesce((SELECT o.priority FROM rollout o WHERE o.tenant = p.tenant "      \
	  "AND o.id = p.rollout), 101) FROM deployment p WHERE p.tenant = ?1 "         \
	  "AND p.device = ?2 AND p.state < 5 ORDER BY p.id")                           \
	X(MEMBER_DEPLOY,                                                               \
	  "INSERT INTO deployment (tenant, device, release, kind, force_at, "          \
	  "consent, rollout, wave, created_at, updated_at) SELECT tenant, ?3, "        \
	  "release, ?4, ?7, ?8, id, ?5, ?6, ?6 FROM rollout "                          \
	  "WHERE tenant = ?1 AND id = ?2 RETURNING id")                                \
	/* who leads */                                                                \
	X(LEAD_GET, "SELECT epoch, holder, ends_at FROM lead WHERE name = ?1")         \
	X(LEAD_PUT,                                                                    \
	  "INSERT INTO lead (name, epoch, holder, ends_at) VALUES (?1, ?2, ?3, ?4) "   \
	  "ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, "                  \
	  "holder = excluded.holder, ends_at = excluded.ends_at")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_ROLLOUT                                                               \
	"CREATE TABLE freeze ("                                                        \
	"  tenant TEXT NOT NULL PRIMARY KEY, is_on INTEGER NOT NULL,"                  \
	"  since_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,"                      \
	"  by_user TEXT NOT NULL, reason TEXT NOT NULL,"                               \
	"  cancel_running INTEGER NOT NULL) WITHOUT ROWID, STRICT;",                   \
	"ALTER TABLE deployment ADD COLUMN rollout INTEGER NOT NULL DEFAULT 0;"        \
	"ALTER TABLE deployment ADD COLUMN wave INTEGER NOT NULL DEFAULT 0;",          \
	"CREATE TABLE rollout ("                                                       \
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"                \
	"  name TEXT NOT NULL, release TEXT NOT NULL, priority INTEGER NOT NULL,"      \
	"  state INTEGER NOT NULL, reason INTEGER NOT NULL DEFAULT 0,"                 \
	"  detail TEXT NOT NULL DEFAULT '', author TEXT NOT NULL,"                     \
	"  n_waves INTEGER NOT NULL, approvals INTEGER NOT NULL DEFAULT 0,"            \
	"  created_at INTEGER NOT NULL, submitted_at INTEGER NOT NULL DEFAULT 0,"      \
	"  started_at INTEGER NOT NULL DEFAULT 0, ended_at INTEGER NOT NULL DEFAULT 0," \
	"  updated_at INTEGER NOT NULL, membership INTEGER NOT NULL DEFAULT 0,"        \
	"  left_incompatible INTEGER NOT NULL DEFAULT 0,"                              \
	"  left_up_to_date INTEGER NOT NULL DEFAULT 0,"                                \
	"  left_pinned INTEGER NOT NULL DEFAULT 0,"                                    \
	"  left_no_wave INTEGER NOT NULL DEFAULT 0, members_of INTEGER NOT NULL,"      \
	"  max_in_flight INTEGER NOT NULL, max_per_site INTEGER NOT NULL,"             \
	"  max_bytes_per_s INTEGER NOT NULL, payload_bytes INTEGER NOT NULL,"          \
	"  egress_free_at INTEGER NOT NULL DEFAULT 0,"                                 \
	"  active INTEGER NOT NULL DEFAULT 0, offers INTEGER NOT NULL DEFAULT 0,"      \
	"  revision INTEGER NOT NULL DEFAULT 1,"                                       \
	"  plan BLOB NOT NULL, FOREIGN KEY (tenant, release)"                          \
	"  REFERENCES release (tenant, id)) STRICT;"                                   \
	"CREATE INDEX rollout_tenant ON rollout (tenant, id);"                         \
	"CREATE INDEX rollout_active ON rollout (priority, id) WHERE active = 1;",     \
	"CREATE TABLE rollout_approval ("                                              \
	"  tenant TEXT NOT NULL, rollout INTEGER NOT NULL REFERENCES rollout "         \
	"ON DELETE CASCADE, by_user TEXT NOT NULL, at INTEGER NOT NULL,"               \
	"  PRIMARY KEY (tenant, rollout, by_user)) WITHOUT ROWID, STRICT;",            \
	"CREATE TABLE rollout_wave ("                                                  \
	"  tenant TEXT NOT NULL, rollout INTEGER NOT NULL REFERENCES rollout "         \
	"ON DELETE CASCADE, wave INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"  \
	"  approved INTEGER NOT NULL DEFAULT 0, started_at INTEGER NOT NULL DEFAULT 0," \
	"  clock_at INTEGER NOT NULL DEFAULT 0, soaking_at INTEGER NOT NULL DEFAULT 0," \
	"  passed_at INTEGER NOT NULL DEFAULT 0,"                                      \
	"  PRIMARY KEY (tenant, rollout, wave)) WITHOUT ROWID, STRICT;",               \
	"CREATE TABLE rollout_count ("                                                 \
	"  tenant TEXT NOT NULL, rollout INTEGER NOT NULL REFERENCES rollout "         \
	"ON DELETE CASCADE, wave INTEGER NOT NULL, status INTEGER NOT NULL,"           \
	"  n INTEGER NOT NULL DEFAULT 0, forgiven INTEGER NOT NULL DEFAULT 0,"         \
	"  PRIMARY KEY (tenant, rollout, wave, status)) WITHOUT ROWID, STRICT;",       \
	"CREATE TABLE rollout_member ("                                                \
	"  tenant TEXT NOT NULL, rollout INTEGER NOT NULL REFERENCES rollout "         \
	"ON DELETE CASCADE, device TEXT NOT NULL, wave INTEGER NOT NULL,"              \
	"  status INTEGER NOT NULL DEFAULT 0, place INTEGER NOT NULL,"                 \
	"  deployment INTEGER NOT NULL DEFAULT 0,"                                     \
	"  offered_at INTEGER NOT NULL DEFAULT 0, site TEXT NOT NULL,"                 \
	"  PRIMARY KEY (tenant, rollout, device)) WITHOUT ROWID, STRICT;"              \
	"CREATE INDEX rollout_member_device ON rollout_member (tenant, device);"       \
	"CREATE INDEX rollout_member_waiting ON rollout_member "                       \
	"(tenant, rollout, wave, place) WHERE deployment = 0;"                         \
	"CREATE INDEX rollout_member_offered ON rollout_member "                       \
	"(tenant, rollout, wave, offered_at) WHERE status = 1;"                        \
	"CREATE INDEX rollout_member_site ON rollout_member "                          \
	"(tenant, rollout, site) WHERE status = 1;"                                    \
	"CREATE INDEX rollout_member_open ON rollout_member "                          \
	"(tenant, rollout, deployment) WHERE status IN (0, 1, 7, 8, 9);",                 \
	"CREATE TABLE rollout_decision ("                                              \
	"  n INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"                 \
	"  rollout INTEGER NOT NULL REFERENCES rollout ON DELETE CASCADE,"             \
	"  at INTEGER NOT NULL, kind INTEGER NOT NULL, wave INTEGER NOT NULL,"         \
	"  reason INTEGER NOT NULL, by_user TEXT NOT NULL, detail TEXT NOT NULL) STRICT;" \
	"CREATE INDEX rollout_decision_of ON rollout_decision (rollout, n);",          \
	"CREATE TABLE lead ("                                                          \
	"  name TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL,"                    \
	"  holder TEXT NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID, STRICT;",
/* clang-format on */

#endif
