/* SPDX-License-Identifier: Apache-2.0 */
/* Products, groups, tags, pins, versions over time. The dialect is described in
 * sql.h. */
#ifndef OTA_SERVER_STORE_SQL_FLEET_H
#define OTA_SERVER_STORE_SQL_FLEET_H

/* In the order of load_product(), load_group() and load_job(). */
#define PRODUCT_COLUMNS                                                                \
	"name, about, hardware, support_ends_at, created_at, updated_at, revision "    \
	"FROM product "
#define GROUP_COLUMNS                                                                  \
	"name, about, is_rule, rule, created_at, updated_at, revision "                \
	"FROM fleet_group "
#define JOB_COLUMNS                                                                    \
	"id, tenant, action, state, filter, tag, release, forced, reason, who, "       \
	"last_id, n_done, n_skipped, detail, created_at, updated_at, revision, "       \
	"group_name FROM fleet_job "

/* clang-format off */
#define SQL_FLEET(X)                                                                   \
	/* devices */                                                                  \
	X(DEVICE_PATCH,                                                                \
	  "UPDATE device SET name = ?3, name_folded = ?4, site = ?5, tags = ?6, "      \
	  "pin = ?7, pin_release = ?8, pin_reason = ?9, revision = revision + 1 "      \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(RELEASE_EXISTS, "SELECT id FROM release WHERE tenant = ?1 AND id = ?2")      \
	X(TAG_CLEAR, "DELETE FROM device_tag WHERE tenant = ?1 AND device = ?2")       \
	X(TAG_PUT,                                                                     \
	  "INSERT INTO device_tag (tenant, tag, device) VALUES (?1, ?3, ?2)")          \
	X(OPERATOR_ATTRIBUTE_PUT,                                                      \
	  "INSERT INTO attribute (tenant, device, key, value, value_key, by_operator) "\
	  "VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT (tenant, device, key) "          \
	  "DO UPDATE SET value = excluded.value, value_key = excluded.value_key, "     \
	  "by_operator = 1")                                                           \
	X(OPERATOR_ATTRIBUTE_DELETE,                                                   \
	  "DELETE FROM attribute WHERE tenant = ?1 AND device = ?2 AND key = ?3")      \
	X(REKEY_DEVICES,                                                               \
	  "SELECT tenant, id, version, agent_version FROM device "                     \
	  "WHERE version_key = '~' LIMIT ?1")                                          \
	X(REKEY_DEVICE,                                                                \
	  "UPDATE device SET version_key = ?3, agent_version_key = ?4 "                \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(REKEY_ATTRIBUTES,                                                            \
	  "SELECT tenant, device, key, value FROM attribute "                          \
	  "WHERE value_key = '~' LIMIT ?1")                                            \
	X(REKEY_ATTRIBUTE,                                                             \
	  "UPDATE attribute SET value_key = ?4 "                                       \
	  "WHERE tenant = ?1 AND device = ?2 AND key = ?3")                            \
	/* products */                                                                 \
	X(PRODUCT_LIST,                                                                \
	  "SELECT " PRODUCT_COLUMNS "WHERE tenant = ?1 AND name > ?2 ORDER BY name "   \
	  "LIMIT ?3")                                                                  \
	X(PRODUCT_GET, "SELECT " PRODUCT_COLUMNS "WHERE tenant = ?1 AND name = ?2")    \
	X(PRODUCT_PUT,                                                                 \
	  "INSERT INTO product (tenant, name, about, hardware, support_ends_at, "      \
	  "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) "               \
	  "ON CONFLICT (tenant, name) DO UPDATE SET about = excluded.about, "          \
	  "hardware = excluded.hardware, support_ends_at = excluded.support_ends_at, " \
	  "updated_at = excluded.updated_at, revision = product.revision + 1")         \
	X(PRODUCT_DELETE, "DELETE FROM product WHERE tenant = ?1 AND name = ?2")       \
	/* groups */                                                                   \
	X(GROUP_LIST,                                                                  \
	  "SELECT " GROUP_COLUMNS "WHERE tenant = ?1 AND name > ?2 ORDER BY name "     \
	  "LIMIT ?3")                                                                  \
	X(GROUP_GET, "SELECT " GROUP_COLUMNS "WHERE tenant = ?1 AND name = ?2")        \
	X(GROUP_RULE,                                                                  \
	  "SELECT is_rule, rule FROM fleet_group WHERE tenant = ?1 AND name = ?2")     \
	X(GROUP_COUNT, "SELECT count(*) FROM fleet_group WHERE tenant = ?1")           \
	X(GROUP_INSERT,                                                                \
	  "INSERT INTO fleet_group (tenant, name, about, is_rule, rule, created_at, "  \
	  "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)")                           \
	X(GROUP_UPDATE,                                                                \
	  "UPDATE fleet_group SET about = ?3, is_rule = ?4, rule = ?5, "               \
	  "updated_at = ?6, revision = revision + 1 WHERE tenant = ?1 AND name = ?2")  \
	X(GROUP_DELETE, "DELETE FROM fleet_group WHERE tenant = ?1 AND name = ?2")     \
	X(GROUP_RULES,                                                                 \
	  "SELECT name, rule FROM fleet_group WHERE tenant = ?1 AND is_rule <> 0 "     \
	  "ORDER BY name")                                                             \
	X(GROUP_STATIC_OF,                                                             \
	  "SELECT group_name FROM group_member WHERE tenant = ?1 AND device = ?2 "     \
	  "ORDER BY group_name")                                                       \
	X(GROUP_MEMBER_ADD,                                                            \
	  "INSERT INTO group_member (tenant, group_name, device) "                     \
	  "SELECT tenant, ?2, id FROM device WHERE tenant = ?1 AND id = ?3 "           \
	  "ON CONFLICT (tenant, group_name, device) DO NOTHING")                       \
	X(GROUP_MEMBER_REMOVE,                                                         \
	  "DELETE FROM group_member "                                                  \
	  "WHERE tenant = ?1 AND group_name = ?2 AND device = ?3")                     \
	X(GROUP_MEMBER_CLEAR,                                                          \
	  "DELETE FROM group_member WHERE tenant = ?1 AND group_name = ?2")            \
	X(DEVICE_EXISTS, "SELECT count(*) FROM device WHERE tenant = ?1 AND id = ?2")  \
	/* versions over time */                                                       \
	X(SAMPLE_PUT,                                                                  \
	  "INSERT INTO version_sample (tenant, at, product, version, grade, state, "   \
	  "n_devices) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "                            \
	  "ON CONFLICT (tenant, at, product, version, grade, state) "                  \
	  "DO UPDATE SET n_devices = excluded.n_devices")                              \
	X(SAMPLE_PRUNE,                                                                \
	  "DELETE FROM version_sample WHERE tenant = ?1 AND (at < ?2 "                 \
	  "OR (at < ?3 AND at % 86400000 <> 0))")                                      \
	X(SAMPLE_LIST,                                                                 \
	  "SELECT at, product, version, grade, state, n_devices FROM version_sample "  \
	  "WHERE tenant = ?1 AND at > ?2 AND (?3 = '' OR product = ?3) "               \
	  "ORDER BY at, product, version, grade, state LIMIT ?4")                      \
	X(RELEASE_VERSIONS,                                                            \
	  "SELECT product, version, id FROM release WHERE tenant = ?1 AND withdrawn_at = 0 " \
	  "ORDER BY product, seq") \
	/* jobs */                                                                     \
	X(JOB_COUNT,                                                                   \
	  "SELECT count(*) FROM fleet_job WHERE tenant = ?1 AND state = 0")            \
	X(JOB_INSERT,                                                                  \
	  "INSERT INTO fleet_job (tenant, action, filter, tag, release, forced, "      \
	  "reason, who, created_at, updated_at, group_name) "                          \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10) RETURNING id")         \
	X(JOB_GET, "SELECT " JOB_COLUMNS "WHERE tenant = ?1 AND id = ?2")              \
	X(JOB_LIST,                                                                    \
	  "SELECT " JOB_COLUMNS "WHERE tenant = ?1 AND (?2 = 0 OR id < ?2) "           \
	  "ORDER BY id DESC LIMIT ?3")                                                 \
	X(JOB_NEXT, "SELECT " JOB_COLUMNS "WHERE state = 0 ORDER BY id LIMIT 1")       \
	X(JOB_PROGRESS,                                                                \
	  "UPDATE fleet_job SET state = ?3, last_id = ?4, n_done = ?5, "               \
	  "n_skipped = ?6, detail = ?7, updated_at = ?8, revision = revision + 1 "     \
	  "WHERE tenant = ?1 AND id = ?2")

/* What schema 2 adds: texts, each with a comma behind it. '~' is a key that is still to be
 * made of an earlier schema's version: DEVICE_REKEY. */
#define SCHEMA_2_FLEET                                                                 \
	"ALTER TABLE device ADD COLUMN id_folded TEXT NOT NULL DEFAULT '';"            \
	"ALTER TABLE device ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';"          \
	"ALTER TABLE device ADD COLUMN version_key TEXT NOT NULL DEFAULT '';"          \
	"ALTER TABLE device ADD COLUMN agent_version_key TEXT NOT NULL DEFAULT '';"    \
	"ALTER TABLE device ADD COLUMN site TEXT NOT NULL DEFAULT '';"                 \
	"ALTER TABLE device ADD COLUMN tags TEXT NOT NULL DEFAULT '';"                 \
	"ALTER TABLE device ADD COLUMN pin INTEGER NOT NULL DEFAULT 0;"                \
	"ALTER TABLE device ADD COLUMN pin_release TEXT NOT NULL DEFAULT '';"          \
	"ALTER TABLE device ADD COLUMN pin_reason TEXT NOT NULL DEFAULT '';"           \
	"ALTER TABLE attribute ADD COLUMN value_key TEXT NOT NULL DEFAULT '';"         \
	"ALTER TABLE attribute ADD COLUMN by_operator INTEGER NOT NULL DEFAULT 0;"     \
	"UPDATE device SET id_folded = lower(id), name_folded = lower(name), "         \
	"version_key = CASE WHEN version = '' AND agent_version = '' THEN '' "         \
	"ELSE '~' END;"                                                                \
	"UPDATE attribute SET value_key = '~' WHERE value <> '';"                      \
	"DROP INDEX device_version;",                                                  \
	"CREATE INDEX device_census ON device (tenant, product, version, grade, state);" \
	"CREATE INDEX device_product ON device (tenant, product, id);"                 \
	"CREATE INDEX device_id_folded ON device (tenant, id_folded, id);"             \
	"CREATE INDEX device_name ON device (tenant, name_folded, id);"                \
	"CREATE INDEX device_version_key ON device (tenant, version_key, id);"         \
	"CREATE INDEX device_seen ON device (tenant, seen_at, id);"                    \
	"CREATE INDEX device_created ON device (tenant, created_at, id);"              \
	"CREATE INDEX device_state ON device (tenant, state, id);"                     \
	"CREATE INDEX device_site ON device (tenant, site, id);"                       \
	"CREATE INDEX device_pinned ON device (tenant, id) WHERE pin <> 0;"            \
	"CREATE INDEX device_rekey ON device (id) WHERE version_key = '~';"            \
	"CREATE INDEX attribute_value ON attribute (tenant, key, value, device);"      \
	"CREATE INDEX attribute_rekey ON attribute (device) WHERE value_key = '~';",   \
	"CREATE TABLE device_tag ("                                                    \
	"  tenant TEXT NOT NULL, tag TEXT NOT NULL, device TEXT NOT NULL,"             \
	"  PRIMARY KEY (tenant, tag, device),"                                         \
	"  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE) "         \
	"WITHOUT ROWID, STRICT;"                                                       \
	"CREATE INDEX device_tag_device ON device_tag (tenant, device);",              \
	"CREATE TABLE product ("                                                       \
	"  tenant TEXT NOT NULL, name TEXT NOT NULL, about TEXT NOT NULL,"             \
	"  hardware TEXT NOT NULL, support_ends_at INTEGER NOT NULL,"                  \
	"  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"                  \
	"  revision INTEGER NOT NULL DEFAULT 1,"                                       \
	"  PRIMARY KEY (tenant, name)) WITHOUT ROWID, STRICT;",                        \
	"CREATE TABLE fleet_group ("                                                   \
	"  tenant TEXT NOT NULL, name TEXT NOT NULL, about TEXT NOT NULL,"             \
	"  is_rule INTEGER NOT NULL, rule TEXT NOT NULL,"                              \
	"  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"                  \
	"  revision INTEGER NOT NULL DEFAULT 1,"                                       \
	"  PRIMARY KEY (tenant, name)) WITHOUT ROWID, STRICT;",                        \
	"CREATE TABLE group_member ("                                                  \
	"  tenant TEXT NOT NULL, group_name TEXT NOT NULL, device TEXT NOT NULL,"      \
	"  PRIMARY KEY (tenant, group_name, device),"                                  \
	"  FOREIGN KEY (tenant, group_name) REFERENCES fleet_group ON DELETE CASCADE," \
	"  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE) "         \
	"WITHOUT ROWID, STRICT;"                                                       \
	"CREATE INDEX group_member_device ON group_member (tenant, device);",          \
	"CREATE TABLE version_sample ("                                                \
	"  tenant TEXT NOT NULL, at INTEGER NOT NULL, product TEXT NOT NULL,"          \
	"  version TEXT NOT NULL, grade INTEGER NOT NULL, state INTEGER NOT NULL,"     \
	"  n_devices INTEGER NOT NULL,"                                                \
	"  PRIMARY KEY (tenant, at, product, version, grade, state)) "                 \
	"WITHOUT ROWID, STRICT;", \
	"CREATE TABLE fleet_job ("                                                     \
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"                \
	"  action INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"                 \
	"  filter TEXT NOT NULL, tag TEXT NOT NULL, release TEXT NOT NULL,"            \
	"  forced INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,"          \
	"  group_name TEXT NOT NULL DEFAULT '',"                                       \
	"  last_id TEXT NOT NULL DEFAULT '', n_done INTEGER NOT NULL DEFAULT 0,"       \
	"  n_skipped INTEGER NOT NULL DEFAULT 0, detail TEXT NOT NULL DEFAULT '',"     \
	"  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"                  \
	"  revision INTEGER NOT NULL DEFAULT 1) STRICT;"                               \
	"CREATE INDEX fleet_job_tenant ON fleet_job (tenant, id);"                     \
	"CREATE INDEX fleet_job_running ON fleet_job (id) WHERE state = 0;",
/* clang-format on */

#endif
