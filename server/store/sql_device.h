/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and their attributes. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_DEVICE_H
#define OTA_SERVER_STORE_SQL_DEVICE_H

/* In the order of load_device(). A device's open deployment is derived: the oldest that
 * is not closed. */
#define DEVICE_COLUMNS                                                                 \
	"d.id, d.name, d.product, d.hardware, d.version, d.grade, d.state, "           \
	"d.agent_version, d.capabilities, d.address, d.slots, d.wants_attributes, "    \
	"d.created_at, d.seen_at, (SELECT min(p.id) FROM deployment p "                \
	"WHERE p.tenant = d.tenant AND p.device = d.id AND p.state < 5), "             \
	"(SELECT max(p.id) FROM deployment p "                                         \
	"WHERE p.tenant = d.tenant AND p.device = d.id), "                             \
	"d.installed_deployment, d.revision, "                                         \
	"d.site, d.tags, d.pin, d.pin_release, d.pin_reason, d.security_floor "

/* clang-format off */
#define SQL_DEVICE(X)                                                                  \
	X(DEVICE_INSERT,                                                               \
	  "INSERT INTO device (tenant, id, name, product, hardware, "                  \
	  "token_hash, created_at, id_folded, name_folded) "                           \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                               \
	X(DEVICE_GET,                                                                  \
	  "SELECT " DEVICE_COLUMNS "FROM device d WHERE d.tenant = ?1 AND d.id = ?2")  \
	X(DEVICE_BY_TOKEN, "SELECT " DEVICE_COLUMNS "FROM device d "                   \
			   "WHERE d.tenant = ?1 AND d.token_hash = ?2")                \
	X(DEVICE_SEEN, "UPDATE device SET seen_at = "                                  \
		       "CASE WHEN ?3 > seen_at THEN ?3 ELSE seen_at END, "             \
		       "address = ?4 WHERE tenant = ?1 AND id = ?2")                   \
	X(DEVICE_SET_TOKEN,                                                            \
	  "UPDATE device SET token_hash = ?3, revision = revision + 1 "                \
	  "WHERE tenant = ?1 AND id = ?2")                                             \
	X(DEVICE_DELETE, "DELETE FROM device WHERE tenant = ?1 AND id = ?2")           \
	X(DEVICE_REPORTED,                                                             \
	  "UPDATE device SET wants_attributes = 0, "                                   \
	  "slots = CASE ?3 WHEN '' THEN slots ELSE ?3 END, "                           \
	  "product = CASE ?4 WHEN '' THEN product ELSE ?4 END, "                       \
	  "hardware = CASE ?5 WHEN '' THEN hardware ELSE ?5 END, "                     \
	  "version = CASE WHEN ?6 = '' OR grade <> 0 THEN version ELSE ?6 END, "       \
	  "version_key = CASE WHEN ?6 = '' OR grade <> 0 THEN version_key ELSE ?8 END, " \
	  "agent_version = CASE ?7 WHEN '' THEN agent_version ELSE ?7 END, "           \
	  "agent_version_key = CASE ?7 WHEN '' THEN agent_version_key ELSE ?9 END, "   \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                     \
	X(DEVICE_VERSION, "UPDATE device SET version = ?3, grade = ?4, "               \
			  "version_key = ?5, "                                         \
			  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")     \
	X(DEVICE_FLOOR, "UPDATE device SET security_floor = ?3 "                       \
			"WHERE tenant = ?1 AND id = ?2")                               \
	/* The floor that the release of deployment ?3 raises, once it is proven to run. */ \
	X(DEVICE_RAISE_FLOOR,                                                          \
	  "UPDATE device SET security_floor = (SELECT r.raise_floor_to "               \
	  "FROM deployment p JOIN release r ON r.tenant = p.tenant "                   \
	  "AND r.id = p.release WHERE p.tenant = ?1 AND p.id = ?3) "                   \
	  "WHERE tenant = ?1 AND id = ?2 AND security_floor < "                        \
	  "(SELECT r.raise_floor_to FROM deployment p JOIN release r "                 \
	  "ON r.tenant = p.tenant AND r.id = p.release "                               \
	  "WHERE p.tenant = ?1 AND p.id = ?3)")                                        \
	X(DEVICE_STATE, "UPDATE device SET state = ?3, revision = revision + 1 "       \
			"WHERE tenant = ?1 AND id = ?2")                               \
	X(DEVICE_AGENT,                                                                \
	  "UPDATE device SET "                                                         \
	  "agent_version = CASE ?3 WHEN '' THEN agent_version ELSE ?3 END, "           \
	  "agent_version_key = CASE ?3 WHEN '' THEN agent_version_key ELSE ?5 END, "   \
	  "capabilities = CASE ?4 WHEN '' THEN capabilities ELSE ?4 END, "             \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                     \
	X(DEVICE_INSTALLED, "UPDATE device SET installed_deployment = ?3, "            \
			    "wants_attributes = 1, revision = revision + 1 WHERE "     \
			    "tenant = ?1 AND id = ?2")                                 \
	X(ATTRIBUTE_LIST,                                                              \
	  "SELECT key, value, by_operator FROM attribute "                             \
	  "WHERE tenant = ?1 AND device = ?2 ORDER BY key")                            \
	X(ATTRIBUTE_COUNT,                                                             \
	  "SELECT count(*) FROM attribute WHERE tenant = ?1 AND device = ?2")          \
	/* What an operator said stays until an operator takes it back. */             \
	X(ATTRIBUTE_PUT,                                                               \
	  "INSERT INTO attribute (tenant, device, key, value, value_key) "             \
	  "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, device, key) "             \
	  "DO UPDATE SET value = excluded.value, value_key = excluded.value_key "      \
	  "WHERE attribute.by_operator = 0")                                           \
	X(ATTRIBUTE_DELETE,                                                            \
	  "DELETE FROM attribute "                                                     \
	  "WHERE tenant = ?1 AND device = ?2 AND key = ?3 AND by_operator = 0")        \
	X(ATTRIBUTE_CLEAR,                                                             \
	  "DELETE FROM attribute "                                                     \
	  "WHERE tenant = ?1 AND device = ?2 AND by_operator = 0")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DEVICE                                                                \
	"ALTER TABLE device ADD COLUMN security_floor INTEGER NOT NULL DEFAULT 0;",
/* clang-format on */

#endif
