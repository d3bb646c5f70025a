/* SPDX-License-Identifier: Apache-2.0 */
/* Events. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_EVENT_H
#define OTA_SERVER_STORE_SQL_EVENT_H

/* clang-format off */
#define SQL_EVENT(X)                                                                   \
	X(EVENT_INSERT, "INSERT INTO event (tenant, at, type, device, deployment, "    \
			"release, subject) "                                           \
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                         \
	X(EVENT_LIST,                                                                  \
	  "SELECT id, at, type, device, deployment, release, subject FROM event "      \
	  "WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3")                        \
	X(EVENT_BOUNDS,                                                                \
	  "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM event "              \
	  "WHERE tenant = ?1")                                                         \
	/* looks at no more rows than it may drop */                                   \
	X(EVENT_PRUNE,                                                                 \
	  "DELETE FROM event WHERE id IN (SELECT o.id FROM (SELECT id, at FROM event " \
	  "WHERE tenant = ?1 ORDER BY id LIMIT ?4) AS o "                              \
	  "WHERE o.id < ?2 OR o.at < ?3)")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_EVENT                                                                 \
	"CREATE INDEX event_tenant ON event (tenant, id);"                             \
	"ALTER TABLE event ADD COLUMN subject TEXT NOT NULL DEFAULT '';",
/* clang-format on */

#endif
