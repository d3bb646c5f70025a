/* SPDX-License-Identifier: Apache-2.0 */
/* What tenants say for themselves. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_SETTINGS_H
#define OTA_SERVER_STORE_SQL_SETTINGS_H

/* clang-format off */
#define SQL_SETTINGS(X)                                                                \
	X(TENANT_CHOOSE,                                                               \
	  "UPDATE tenant SET poll_interval_ms = ?2, target_tokens = ?3, "              \
	  "gateway_tokens = ?4, plain_links = ?5, "                                    \
	  "settings_revision = settings_revision + 1 WHERE name = ?1")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_SETTINGS                                                              \
	"ALTER TABLE tenant ADD COLUMN poll_interval_ms INTEGER NOT NULL DEFAULT 0;"   \
	"ALTER TABLE tenant ADD COLUMN target_tokens INTEGER NOT NULL DEFAULT 0;"      \
	"ALTER TABLE tenant ADD COLUMN gateway_tokens INTEGER NOT NULL DEFAULT 0;"     \
	"ALTER TABLE tenant ADD COLUMN plain_links INTEGER NOT NULL DEFAULT 0;"        \
	"ALTER TABLE tenant ADD COLUMN settings_revision INTEGER NOT NULL DEFAULT 0;",
/* clang-format on */

#endif
