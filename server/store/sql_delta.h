/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas and the online roles. The dialect is described in sql.h; states are those of
 * enum delta_progress: 0 is wanted, 1 being made, 2 made, 3 ready. */
#ifndef OTA_SERVER_STORE_SQL_DELTA_H
#define OTA_SERVER_STORE_SQL_DELTA_H

/* In the order of load_delta(). */
#define DELTA_COLUMNS                                                                  \
	"x.id, t.product, x.from_release, f.version, x.to_release, t.version, "        \
	"x.state, x.detail, t.withdrawn_at, x.n_tries, x.head_sha256, "                \
	"x.body_sha256, x.head_size, x.body_size, t.head_size + t.body_size, "         \
	"x.cpu_ms, x.created_at, x.made_at, x.n_used, x.unwraps, x.needs "             \
	"FROM delta x JOIN release f ON f.tenant = x.tenant AND f.id = "               \
	"x.from_release "                                                              \
	"JOIN release t ON t.tenant = x.tenant AND t.id = x.to_release "               \
	"WHERE x.tenant = ?1 "

/* An agent runs one of f's slots: a delta to t is of use to it. */
#define DELTA_IS_POSSIBLE                                                              \
	"f.id <> t.id AND t.withdrawn_at = 0 AND f.body_size > 0 AND t.body_size > 0 "

#define DELTA_N_UNWRAP                                                                 \
	"sum(CASE WHEN d.capabilities LIKE '%unwrap-%' THEN 1 ELSE 0 END) "

/* clang-format off */
#define SQL_DELTA(X)                                                                   \
	/* what devices run, to the newest release of their product, and to what they */ \
	/* are to install; an unwrapped one (k.unwraps) for those that can use it */    \
	X(DELTA_PAIRS,                                                                 \
	  "SELECT p.from_release, p.to_release, "                                      \
	  "CAST(sum(CASE k.unwraps WHEN 0 THEN p.n ELSE p.n_unwrap END) AS INTEGER), " \
	  "k.unwraps FROM (SELECT f.id AS from_release, t.id AS to_release, "          \
	  "count(*) AS n, " DELTA_N_UNWRAP "AS n_unwrap "                              \
	  "FROM deployment y JOIN device d ON d.tenant = y.tenant AND d.id = y.device " \
	  "JOIN release t ON t.tenant = y.tenant AND t.id = y.release "                \
	  "JOIN release f ON f.tenant = t.tenant AND f.product = t.product "           \
	  "AND f.version = d.version WHERE y.tenant = ?1 AND y.state < 5 "             \
	  "AND d.grade = ?2 AND " DELTA_IS_POSSIBLE "GROUP BY f.id, t.id "             \
	  "UNION ALL "                                                                 \
	  "SELECT f.id, t.id, v.n, v.n_unwrap FROM (SELECT d.product, d.version, "     \
	  "count(*) AS n, " DELTA_N_UNWRAP "AS n_unwrap "                              \
	  "FROM device d WHERE d.tenant = ?1 AND d.grade = ?2 GROUP BY d.product, d.version) v " \
	  "JOIN release f ON f.tenant = ?1 AND f.product = v.product "                 \
	  "AND f.version = v.version JOIN release t ON t.tenant = ?1 "                 \
	  "AND t.product = v.product AND t.seq = (SELECT max(s.seq) FROM release s "   \
	  "WHERE s.tenant = ?1 AND s.product = v.product AND s.withdrawn_at = 0 "      \
	  "AND s.body_size > 0) WHERE f.seq < t.seq AND " DELTA_IS_POSSIBLE ") p "     \
	  "JOIN (SELECT 0 AS unwraps UNION ALL SELECT 1 AS unwraps) k ON k.unwraps = 0 " \
	  "OR p.n_unwrap > 0 WHERE NOT EXISTS (SELECT 1 FROM delta x WHERE x.tenant = ?1 "               \
	  "AND x.from_release = p.from_release AND x.to_release = p.to_release "       \
	  "AND x.unwraps = k.unwraps) "                                                \
	  "GROUP BY p.from_release, p.to_release, k.unwraps "                          \
	  "ORDER BY 3 DESC, p.to_release, p.from_release, k.unwraps DESC LIMIT ?3")                    \
	X(DELTA_INSERT,                                                                \
	  "INSERT INTO delta (tenant, from_release, to_release, unwraps, n_devices, "  \
	  "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "                               \
	  "ON CONFLICT (tenant, from_release, to_release, unwraps) DO NOTHING")                 \
	X(DELTA_NEXT,                                                                  \
	  "SELECT " DELTA_COLUMNS "AND (x.state = 0 OR (x.state = 1 AND x.until < ?2)) " \
	  "AND t.withdrawn_at = 0 ORDER BY x.n_devices DESC, x.id LIMIT 1")            \
	X(DELTA_BEGIN,                                                                 \
	  "UPDATE delta SET state = 1, until = ?3, n_tries = n_tries + 1 "             \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(DELTA_END,                                                                   \
	  "UPDATE delta SET state = ?3, detail = ?4, head_sha256 = ?5, "               \
	  "body_sha256 = ?6, head_size = ?7, body_size = ?8, cpu_ms = ?9, "            \
	  "made_at = ?10, needs = ?11, n_tries = CASE ?3 WHEN 0 THEN 0 ELSE n_tries END WHERE tenant = ?1 AND id = ?2 AND state = 1")                 \
	X(DELTA_PUBLISHED,                                                             \
	  "UPDATE delta SET state = 3 WHERE tenant = ?1 AND id = ?2 AND state = 2")    \
	X(DELTA_USED,                                                                  \
	  "UPDATE delta SET n_used = n_used + 1 WHERE tenant = ?1 "                    \
	  "AND to_release = (SELECT release FROM deployment WHERE tenant = ?1 "        \
	  "AND id = ?2) AND from_release IN (SELECT f.id FROM release f JOIN release t " \
	  "ON t.tenant = f.tenant AND t.product = f.product WHERE f.tenant = ?1 "      \
	  "AND f.version = ?3 AND t.id = delta.to_release) AND unwraps = ?4 AND state = 3")             \
	X(DELTA_GET, "SELECT " DELTA_COLUMNS "AND x.id = ?2")                          \
	X(DELTA_LIST, "SELECT " DELTA_COLUMNS "AND (?2 = '' OR t.product = ?2) "       \
		      "AND (?3 = 0 OR x.id < ?3) ORDER BY x.id DESC LIMIT ?4")         \
	X(DELTA_LINES, "SELECT " DELTA_COLUMNS "AND t.product = ?2 "                   \
		       "AND x.state IN (2, 3) AND t.withdrawn_at = 0 "                 \
		       "ORDER BY x.id DESC LIMIT ?3")                                  \
	X(DELTA_PRODUCTS,                                                              \
	  "SELECT t.product, min(x.state) FROM delta x JOIN release t "                \
	  "ON t.tenant = x.tenant AND t.id = x.to_release WHERE x.tenant = ?1 "        \
	  "AND x.state IN (2, 3) AND t.withdrawn_at = 0 "                              \
	  "GROUP BY t.product ORDER BY t.product LIMIT ?2")                            \
	X(DELTA_FIND, "SELECT " DELTA_COLUMNS "AND x.to_release = ?2 "                 \
		      "AND f.product = ?3 AND f.version = ?4 "                         \
		      "ORDER BY x.head_size + x.body_size, x.unwraps LIMIT ?5")                         \
	X(ONLINE_ROLE_GET, "SELECT data FROM online_role "                             \
			   "WHERE tenant = ?1 AND name = ?2 AND version = ?3")         \
	X(ONLINE_ROLE_LIST,                                                            \
	  "SELECT name, max(version) FROM online_role WHERE tenant = ?1 "              \
	  "GROUP BY name ORDER BY name LIMIT ?2")                                      \
	X(ONLINE_ROLE_INSERT,                                                          \
	  "INSERT INTO online_role (tenant, name, version, data) "                     \
	  "VALUES (?1, ?2, ?3, ?4)")                                                   \
	X(ONLINE_ROLE_PRUNE,                                                           \
	  "DELETE FROM online_role WHERE tenant = ?1 AND name = ?2 AND "               \
	  "version < (SELECT version FROM online_role WHERE tenant = ?1 "              \
	  "AND name = ?2 ORDER BY version DESC LIMIT 1 OFFSET 15)")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DELTA                                                                 \
	"CREATE TABLE delta ("                                                         \
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"                \
	"  from_release TEXT NOT NULL, to_release TEXT NOT NULL,"                      \
	"  state INTEGER NOT NULL DEFAULT 0, detail TEXT NOT NULL DEFAULT '',"         \
	"  n_devices INTEGER NOT NULL, n_tries INTEGER NOT NULL DEFAULT 0,"            \
	"  until INTEGER NOT NULL DEFAULT 0, head_sha256 BLOB, body_sha256 BLOB,"      \
	"  head_size INTEGER NOT NULL DEFAULT 0, body_size INTEGER NOT NULL DEFAULT 0," \
	"  cpu_ms INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"            \
	"  made_at INTEGER NOT NULL DEFAULT 0, n_used INTEGER NOT NULL DEFAULT 0,"     \
	"  unwraps INTEGER NOT NULL DEFAULT 0, needs TEXT NOT NULL DEFAULT '',"        \
	"  FOREIGN KEY (tenant, from_release) REFERENCES release (tenant, id),"        \
	"  FOREIGN KEY (tenant, to_release) REFERENCES release (tenant, id),"          \
	"  UNIQUE (tenant, from_release, to_release, unwraps)) STRICT;"                         \
	"CREATE INDEX delta_to ON delta (tenant, to_release);"                         \
	"CREATE INDEX delta_head ON delta (tenant, head_sha256);"                      \
	"CREATE INDEX delta_body ON delta (tenant, body_sha256);",                     \
	"CREATE TABLE online_role ("                                                   \
	"  tenant TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"        \
	"  data BLOB NOT NULL, PRIMARY KEY (tenant, name, version)) STRICT;",
/* clang-format on */

#endif
