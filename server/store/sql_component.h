/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of a device's parts. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_COMPONENT_H
#define OTA_SERVER_STORE_SQL_COMPONENT_H

/* grade: 1 the device's word, 2 proven. */
/* clang-format off */
#define SQL_COMPONENT(X)                                                               \
	X(COMPONENT_LIST,                                                              \
	  "SELECT name, version, grade FROM device_component "                         \
	  "WHERE tenant = ?1 AND device = ?2 ORDER BY name LIMIT ?3")                  \
	/* A device's word does not change what was proven. */                         \
	X(COMPONENT_REPORTED,                                                          \
	  "INSERT INTO device_component (tenant, device, name, version, version_key, " \
	  "grade) VALUES (?1, ?2, ?3, ?4, ?5, 1) "                                     \
	  "ON CONFLICT (tenant, device, name) DO UPDATE SET version = excluded.version, " \
	  "version_key = excluded.version_key WHERE device_component.grade < 2")       \
	X(COMPONENT_FORGET,                                                            \
	  "DELETE FROM device_component "                                              \
	  "WHERE tenant = ?1 AND device = ?2 AND name = ?3 AND grade < 2")             \
	X(COMPONENT_FORGET_REPORTED,                                                   \
	  "DELETE FROM device_component "                                              \
	  "WHERE tenant = ?1 AND device = ?2 AND grade < 2")                           \
	/* Another slot runs now: what was proven of the one before is over. */        \
	X(COMPONENT_FORGET_PROVEN,                                                     \
	  "DELETE FROM device_component "                                              \
	  "WHERE tenant = ?1 AND device = ?2 AND grade = 2")                           \
	X(COMPONENT_INSTALLED,                                                         \
	  "INSERT INTO device_component (tenant, device, name, version, version_key, " \
	  "grade) SELECT i.tenant, ?2, i.name, ?4, ?5, ?6 FROM deployment p "          \
	  "JOIN image i ON i.tenant = p.tenant AND i.release = p.release "             \
	  "WHERE p.tenant = ?1 AND p.id = ?3 "                                         \
	  "ON CONFLICT (tenant, device, name) DO UPDATE SET version = excluded.version, " \
	  "version_key = excluded.version_key, grade = excluded.grade")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_COMPONENT                                                             \
	"CREATE TABLE device_component ("                                              \
	"  tenant TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL,"            \
	"  version TEXT NOT NULL, version_key TEXT NOT NULL, grade INTEGER NOT NULL,"  \
	"  PRIMARY KEY (tenant, device, name),"                                        \
	"  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE) "         \
	"WITHOUT ROWID, STRICT;"                                                       \
	"CREATE INDEX device_component_version "                                       \
	"ON device_component (tenant, name, version, device);",
/* clang-format on */

#endif
