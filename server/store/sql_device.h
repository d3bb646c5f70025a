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
	"d.installed_deployment, d.revision "

/* clang-format off */
#define SQL_DEVICE(X)                                                                  \
	X(DEVICE_INSERT,                                                               \
	  "INSERT INTO device (tenant, id, name, product, hardware, "                  \
	  "token_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")               \
	X(DEVICE_GET,                                                                  \
	  "SELECT " DEVICE_COLUMNS "FROM device d WHERE d.tenant = ?1 AND d.id = ?2")  \
	X(DEVICE_BY_TOKEN, "SELECT " DEVICE_COLUMNS "FROM device d "                   \
			   "WHERE d.tenant = ?1 AND d.token_hash = ?2")                \
	X(DEVICE_LIST, "SELECT " DEVICE_COLUMNS "FROM device d WHERE d.tenant = ?1 "   \
		       "AND d.id > ?2 AND (?3 = '' OR lower(substr(d.id, 1, "          \
		       "length(?3))) = lower(?3) "                                     \
		       "OR lower(substr(d.name, 1, length(?3))) = lower(?3)) ORDER "   \
		       "BY d.id LIMIT ?4")                                             \
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
	  "agent_version = CASE ?7 WHEN '' THEN agent_version ELSE ?7 END, "           \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                     \
	X(DEVICE_VERSION, "UPDATE device SET version = ?3, grade = ?4, "               \
			  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")     \
	X(DEVICE_STATE, "UPDATE device SET state = ?3, revision = revision + 1 "       \
			"WHERE tenant = ?1 AND id = ?2")                               \
	X(DEVICE_AGENT,                                                                \
	  "UPDATE device SET "                                                         \
	  "agent_version = CASE ?3 WHEN '' THEN agent_version ELSE ?3 END, "           \
	  "capabilities = CASE ?4 WHEN '' THEN capabilities ELSE ?4 END, "             \
	  "revision = revision + 1 WHERE tenant = ?1 AND id = ?2")                     \
	X(DEVICE_INSTALLED, "UPDATE device SET installed_deployment = ?3, "            \
			    "wants_attributes = 1, revision = revision + 1 WHERE "     \
			    "tenant = ?1 AND id = ?2")                                 \
	X(ATTRIBUTE_LIST, "SELECT key, value FROM attribute "                          \
			  "WHERE tenant = ?1 AND device = ?2 ORDER BY key")            \
	X(ATTRIBUTE_COUNT,                                                             \
	  "SELECT count(*) FROM attribute WHERE tenant = ?1 AND device = ?2")          \
	X(ATTRIBUTE_PUT, "INSERT INTO attribute (tenant, device, key, value) "         \
			 "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, device, key) "  \
			 "DO UPDATE SET value = excluded.value")                       \
	X(ATTRIBUTE_DELETE, "DELETE FROM attribute "                                   \
			    "WHERE tenant = ?1 AND device = ?2 AND key = ?3")          \
	X(ATTRIBUTE_CLEAR, "DELETE FROM attribute WHERE tenant = ?1 AND device = ?2")  \
	X(VERSION_COUNTS, "SELECT product, version, grade, count(*) FROM device "      \
			  "WHERE tenant = ?1 GROUP BY product, version, grade")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DEVICE
/* clang-format on */

#endif
