/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks and their deliveries. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_WEBHOOK_H
#define OTA_SERVER_STORE_SQL_WEBHOOK_H

/* In the order of load_webhook() and load_delivery(). */
#define WEBHOOK_COLUMNS                                                                \
	"id, tenant, url, events, active, reason, secret, position, attempts, "        \
	"next_at, created_at, delivered_at FROM webhook "
#define WEBHOOK_DELIVERY_COLUMNS                                                       \
	"id, event, type, at, attempt, replay, status, duration_ms, delivered, "       \
	"error, excerpt FROM webhook_delivery "

/* clang-format off */
#define SQL_WEBHOOK(X)                                                                  \
	X(WEBHOOK_INSERT, "INSERT INTO webhook (tenant, id, url, events, active, secret, " \
	  "position, created_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, "                       \
	  "coalesce((SELECT max(v.id) FROM event v WHERE v.tenant = ?1), 0), ?7 "       \
	  "WHERE (SELECT count(*) FROM webhook w WHERE w.tenant = ?1) < ?8")            \
	X(WEBHOOK_GET, "SELECT " WEBHOOK_COLUMNS "WHERE tenant = ?1 AND id = ?2")       \
	X(WEBHOOK_LIST, "SELECT " WEBHOOK_COLUMNS "WHERE tenant = ?1 "                  \
	  "ORDER BY created_at, id LIMIT ?2")                                           \
	X(WEBHOOK_ACTIVE, "SELECT " WEBHOOK_COLUMNS "WHERE active <> 0 "                \
	  "ORDER BY tenant, id LIMIT ?1")                                               \
	X(WEBHOOK_SET_URL, "UPDATE webhook SET url = ?3 WHERE tenant = ?1 AND id = ?2") \
	X(WEBHOOK_SET_EVENTS, "UPDATE webhook SET events = ?3 WHERE tenant = ?1 AND id = ?2") \
	X(WEBHOOK_SET_ACTIVE, "UPDATE webhook SET active = ?3, attempts = 0, next_at = 0, " \
	  "reason = '' WHERE tenant = ?1 AND id = ?2")                                  \
	X(WEBHOOK_DELETE, "DELETE FROM webhook WHERE tenant = ?1 AND id = ?2")          \
	X(WEBHOOK_MOVE, "UPDATE webhook SET position = ?4, attempts = ?5, next_at = ?6, " \
	  "active = CASE WHEN ?7 <> 0 THEN 0 ELSE active END, "                         \
	  "reason = CASE WHEN ?7 <> 0 THEN ?8 ELSE reason END, "                        \
	  "delivered_at = CASE WHEN ?9 <> 0 THEN ?9 ELSE delivered_at END "             \
	  "WHERE tenant = ?1 AND id = ?2 AND position = ?3")                            \
	X(WEBHOOK_DELIVERY_INSERT, "INSERT INTO webhook_delivery (tenant, webhook, event, " \
	  "type, at, attempt, replay, status, duration_ms, delivered, error, excerpt) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                 \
	X(WEBHOOK_DELIVERY_PRUNE, "DELETE FROM webhook_delivery WHERE tenant = ?1 AND " \
	  "webhook = ?2 AND id <= (SELECT d.id FROM webhook_delivery d "                \
	  "WHERE d.tenant = ?1 AND d.webhook = ?2 ORDER BY d.id DESC LIMIT 1 OFFSET ?3)") \
	X(WEBHOOK_DELIVERY_GET, "SELECT " WEBHOOK_DELIVERY_COLUMNS                      \
	  "WHERE tenant = ?1 AND webhook = ?2 AND id = ?3")                             \
	X(WEBHOOK_DELIVERIES, "SELECT " WEBHOOK_DELIVERY_COLUMNS                        \
	  "WHERE tenant = ?1 AND webhook = ?2 AND (?3 = 0 OR id < ?3) "                 \
	  "ORDER BY id DESC LIMIT ?4")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_WEBHOOK                                                                \
	"CREATE TABLE webhook ("                                                        \
	"  tenant TEXT NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL,"                  \
	"  events INTEGER NOT NULL, active INTEGER NOT NULL,"                           \
	"  reason TEXT NOT NULL DEFAULT '', secret BLOB NOT NULL,"                      \
	"  position INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"             \
	"  next_at INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"            \
	"  delivered_at INTEGER NOT NULL DEFAULT 0,"                                    \
	"  PRIMARY KEY (tenant, id)) WITHOUT ROWID, STRICT;",                           \
	"CREATE TABLE webhook_delivery ("                                               \
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"                 \
	"  webhook TEXT NOT NULL, event INTEGER NOT NULL, type INTEGER NOT NULL,"       \
	"  at INTEGER NOT NULL, attempt INTEGER NOT NULL, replay INTEGER NOT NULL,"     \
	"  status INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"                      \
	"  delivered INTEGER NOT NULL, error TEXT NOT NULL, excerpt TEXT NOT NULL,"     \
	"  FOREIGN KEY (tenant, webhook) REFERENCES webhook (tenant, id) "              \
	"    ON DELETE CASCADE) STRICT;"                                                \
	"CREATE INDEX webhook_delivery_of ON webhook_delivery (tenant, webhook, id);",
/* clang-format on */

#endif
