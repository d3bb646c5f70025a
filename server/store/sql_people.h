/* SPDX-License-Identifier: Apache-2.0 */
/* People, tenants, credentials, settings. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_PEOPLE_H
#define OTA_SERVER_STORE_SQL_PEOPLE_H

#include "model_people.h"

/* In the order of load_api_token(), load_session(), load_person(), load_tenant(). */
#define API_TOKEN_COLUMNS                                                              \
	"tenant, hash, prefix, name, role, scope, made_by, created_at, expires_at "    \
	"FROM api_token "
#define SESSION_COLUMNS                                                                \
	"tenant, hash, user, role, scope, of_person, address, created_at, "            \
	"expires_at, seen_at, proved_at FROM session "
#define PERSON_COLUMNS                                                                 \
	"name, password, role, scope, disabled, created_at, password_at, login_at, "   \
	"revision FROM person "
#define TENANT_COLUMNS                                                                 \
	"name, created_at, max_devices, max_bytes, max_uploads, max_streams, "         \
	"n_devices, poll_interval_ms, target_tokens, gateway_tokens, plain_links, "    \
	"settings_revision FROM tenant "

/* Takes group ?2 out of the scopes of a table. What is left in its place is no group's
 * name, so that a scope never becomes empty, which would be the whole tenant. */
#define SCOPE_WITHOUT                                                                  \
	"SET scope = trim(replace(' ' || scope || ' ', ' ' || ?2 || ' ', "             \
	"' " SCOPE_NO_GROUP " ')) WHERE tenant = ?1 AND scope <> '' AND "              \
	"replace(' ' || scope || ' ', ' ' || ?2 || ' ', '') <> ' ' || scope || ' '"

/* A digest of 256 random bits is looked up in all tenants: the row says whose it is. */
/* clang-format off */
#define SQL_PEOPLE(X)                                                                  \
	/* API tokens */                                                               \
	X(API_TOKEN_INSERT,                                                            \
	  "INSERT INTO api_token (tenant, hash, prefix, name, role, scope, made_by, "  \
	  "created_at, expires_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "         \
	  "WHERE (SELECT count(*) FROM api_token WHERE tenant = ?1) < ?10")            \
	X(API_TOKEN_GET, "SELECT " API_TOKEN_COLUMNS "WHERE hash = ?1 "                \
			 "AND (expires_at = 0 OR expires_at > ?2)")                    \
	X(API_TOKEN_LIST, "SELECT " API_TOKEN_COLUMNS                                  \
			  "WHERE tenant = ?1 ORDER BY created_at, hash LIMIT ?2")      \
	X(API_TOKEN_DELETE, "DELETE FROM api_token WHERE tenant = ?1 AND hash = ?2")   \
	X(API_TOKEN_END_ROLE, "DELETE FROM api_token WHERE tenant = ?1 AND role = ?2") \
	X(API_TOKEN_EXPIRE,                                                            \
	  "DELETE FROM api_token WHERE tenant = ?1 AND expires_at <> 0 "               \
	  "AND expires_at <= ?2")                                                      \
	X(API_TOKEN_UNSCOPE, "UPDATE api_token " SCOPE_WITHOUT)                        \
	X(SESSION_UNSCOPE, "UPDATE session " SCOPE_WITHOUT)                            \
	X(PERSON_UNSCOPE, "UPDATE person " SCOPE_WITHOUT)                              \
	/* login links and sessions */                                                 \
	X(LOGIN_INSERT,                                                                \
	  "INSERT INTO login_token (tenant, hash, user, role, expires_at) "            \
	  "VALUES (?1, ?2, ?3, ?4, ?5)")                                               \
	X(LOGIN_TAKE, "DELETE FROM login_token WHERE hash = ?1 "                       \
		      "AND expires_at > ?2 RETURNING tenant, user, role")              \
	X(LOGIN_END_ROLE, "DELETE FROM login_token WHERE tenant = ?1 AND role = ?2")   \
	X(SESSION_INSERT,                                                              \
	  "INSERT INTO session (tenant, hash, user, role, scope, of_person, address, " \
	  "created_at, expires_at, seen_at, proved_at) "                               \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8, ?8)")                       \
	X(SESSION_CROWD,                                                               \
	  "DELETE FROM session WHERE tenant = ?1 AND hash IN (SELECT s.hash "          \
	  "FROM session s WHERE s.tenant = ?1 AND s.user = ?2 "                        \
	  "ORDER BY s.seen_at DESC, s.hash LIMIT 1000000 OFFSET ?3)")                  \
	X(SESSION_GET, "SELECT " SESSION_COLUMNS                                       \
		       "WHERE hash = ?1 AND expires_at > ?2 "                          \
		       "AND seen_at BETWEEN ?3 AND ?4")                                \
	X(SESSION_LIST, "SELECT " SESSION_COLUMNS "WHERE tenant = ?1 AND user = ?2 "   \
			"AND expires_at > ?3 ORDER BY created_at, hash LIMIT ?4")      \
	X(SESSION_TOUCH,                                                               \
	  "UPDATE session SET seen_at = CASE WHEN ?3 > seen_at THEN ?3 ELSE seen_at "  \
	  "END, proved_at = CASE WHEN ?4 <> 0 THEN ?3 ELSE proved_at END "             \
	  "WHERE tenant = ?1 AND hash = ?2")                                           \
	X(SESSION_DELETE, "DELETE FROM session WHERE hash = ?1")                       \
	X(SESSION_END_PERSON,                                                          \
	  "DELETE FROM session WHERE tenant = ?1 AND user = ?2 AND of_person <> 0")    \
	X(SESSION_END_ROLE, "DELETE FROM session WHERE tenant = ?1 AND role = ?2")     \
	X(EXPIRE_SESSIONS,                                                             \
	  "DELETE FROM session WHERE tenant = ?1 AND expires_at <= ?2")                \
	X(EXPIRE_LOGINS,                                                               \
	  "DELETE FROM login_token WHERE tenant = ?1 AND expires_at <= ?2")            \
	/* people */                                                                   \
	X(PERSON_INSERT,                                                               \
	  "INSERT INTO person (tenant, name, password, role, scope, disabled, "        \
	  "created_at, password_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)")          \
	X(PERSON_GET, "SELECT " PERSON_COLUMNS "WHERE tenant = ?1 AND name = ?2")      \
	X(PERSON_LIST, "SELECT " PERSON_COLUMNS                                        \
		       "WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3")       \
	X(PERSON_ROLE, "UPDATE person SET role = ?3, scope = ?4, "                     \
		       "revision = revision + 1 WHERE tenant = ?1 AND name = ?2")      \
	X(PERSON_DISABLED, "UPDATE person SET disabled = ?3, "                         \
			   "revision = revision + 1 WHERE tenant = ?1 AND name = ?2")  \
	X(PERSON_PASSWORD, "UPDATE person SET password = ?3, password_at = ?4, "       \
			   "revision = revision + 1 WHERE tenant = ?1 AND name = ?2")  \
	X(PERSON_LOGIN, "UPDATE person SET login_at = ?3 "                             \
			"WHERE tenant = ?1 AND name = ?2")                             \
	X(PERSON_DELETE, "DELETE FROM person WHERE tenant = ?1 AND name = ?2")         \
	/* tenants; their limits stand where they are taken from */                    \
	X(TENANT_INSERT,                                                               \
	  "INSERT INTO tenant (name, created_at, max_devices, max_bytes, "             \
	  "max_uploads, max_streams) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                 \
	X(TENANT_GET, "SELECT " TENANT_COLUMNS "WHERE name = ?1")                      \
	X(TENANT_LIST, "SELECT " TENANT_COLUMNS "ORDER BY name LIMIT ?1")              \
	X(TENANT_SET, "UPDATE tenant SET max_devices = ?2, max_bytes = ?3, "           \
		      "max_uploads = ?4, max_streams = ?5 WHERE name = ?1")            \
	X(TENANT_TAKE_DEVICE,                                                          \
	  "UPDATE tenant SET n_devices = n_devices + 1 WHERE name = ?1 "               \
	  "AND (max_devices = 0 OR n_devices < max_devices)")                          \
	X(TENANT_GIVE_DEVICE,                                                          \
	  "UPDATE tenant SET n_devices = n_devices - 1 WHERE name = ?1")               \
	X(TENANT_USED,                                                                 \
	  "SELECT (SELECT coalesce(CAST(sum(size) AS INTEGER), 0) FROM artifact "      \
	  "WHERE tenant = ?1), (SELECT coalesce(CAST(sum(size) AS INTEGER), 0) "       \
	  "FROM upload WHERE tenant = ?1), "                                           \
	  "(SELECT count(*) FROM upload WHERE tenant = ?1)")                           \
	/* settings */                                                                 \
	X(SETTING_GET, "SELECT value FROM setting WHERE tenant = ?1 AND name = ?2")    \
	X(SETTING_PUT,                                                                 \
	  "INSERT INTO setting (tenant, name, value) VALUES (?1, ?2, ?3) "             \
	  "ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value")

/* What schema 2 adds: texts, each with a comma behind it. Sessions of schema 1 were all
 * begun by a link. */
#define SCHEMA_2_PEOPLE                                                                \
	"CREATE TABLE tenant ("                                                        \
	"  name TEXT NOT NULL PRIMARY KEY, created_at INTEGER NOT NULL,"               \
	"  max_devices INTEGER NOT NULL DEFAULT 0,"                                    \
	"  max_bytes INTEGER NOT NULL DEFAULT 0,"                                      \
	"  max_uploads INTEGER NOT NULL DEFAULT 0,"                                    \
	"  max_streams INTEGER NOT NULL DEFAULT 0,"                                    \
	"  n_devices INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID, STRICT;",              \
	"INSERT INTO tenant (name, created_at, n_devices) "                            \
	"SELECT 'default', 0, count(*) FROM device WHERE tenant = 'default';",         \
	"CREATE TABLE person ("                                                        \
	"  tenant TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL,"          \
	"  role INTEGER NOT NULL, scope TEXT NOT NULL, disabled INTEGER NOT NULL,"     \
	"  created_at INTEGER NOT NULL, password_at INTEGER NOT NULL,"                 \
	"  login_at INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 1,"  \
	"  PRIMARY KEY (tenant, name)) WITHOUT ROWID, STRICT;",                        \
	"ALTER TABLE api_token ADD COLUMN scope TEXT NOT NULL DEFAULT '';",            \
	"ALTER TABLE api_token ADD COLUMN made_by TEXT NOT NULL DEFAULT '';",          \
	"CREATE UNIQUE INDEX api_token_hash ON api_token (hash);",                     \
	"CREATE UNIQUE INDEX login_token_hash ON login_token (hash);",                 \
	"ALTER TABLE session ADD COLUMN scope TEXT NOT NULL DEFAULT '';",              \
	"ALTER TABLE session ADD COLUMN of_person INTEGER NOT NULL DEFAULT 0;",        \
	"ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';",            \
	"ALTER TABLE session ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;",          \
	"ALTER TABLE session ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;",        \
	"UPDATE session SET seen_at = created_at, proved_at = created_at;",            \
	"CREATE UNIQUE INDEX session_hash ON session (hash);"                          \
	"CREATE INDEX session_user ON session (tenant, user);",
/* clang-format on */

#endif
