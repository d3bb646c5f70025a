/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, sessions, settings. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_PEOPLE_H
#define OTA_SERVER_STORE_SQL_PEOPLE_H

/* clang-format off */
#define SQL_PEOPLE(X)                                                                  \
	X(API_TOKEN_INSERT,                                                            \
	  "INSERT INTO api_token (tenant, hash, prefix, name, role, "                  \
	  "created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")               \
	X(API_TOKEN_GET, "SELECT hash, prefix, name, role, created_at, expires_at "    \
			 "FROM api_token WHERE tenant = ?1 AND hash = ?2 "             \
			 "AND (expires_at = 0 OR expires_at > ?3)")                    \
	X(API_TOKEN_LIST,                                                              \
	  "SELECT hash, prefix, name, role, created_at, expires_at "                   \
	  "FROM api_token WHERE tenant = ?1 ORDER BY created_at, hash LIMIT 500")      \
	X(API_TOKEN_DELETE, "DELETE FROM api_token WHERE tenant = ?1 AND hash = ?2")   \
	X(LOGIN_INSERT,                                                                \
	  "INSERT INTO login_token (tenant, hash, user, role, expires_at) "            \
	  "VALUES (?1, ?2, ?3, ?4, ?5)")                                               \
	X(LOGIN_TAKE, "DELETE FROM login_token WHERE tenant = ?1 AND hash = ?2 "       \
		      "AND expires_at > ?3 RETURNING user, role")                      \
	X(SESSION_INSERT,                                                              \
	  "INSERT INTO session (tenant, hash, user, role, created_at, "                \
	  "expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                               \
	X(SESSION_GET, "SELECT hash, user, role, created_at, expires_at FROM session " \
		       "WHERE tenant = ?1 AND hash = ?2 AND expires_at > ?3")          \
	X(SESSION_DELETE, "DELETE FROM session WHERE tenant = ?1 AND hash = ?2")       \
	X(SETTING_GET, "SELECT value FROM setting WHERE tenant = ?1 AND name = ?2")    \
	X(SETTING_PUT,                                                                 \
	  "INSERT INTO setting (tenant, name, value) VALUES (?1, ?2, ?3) "             \
	  "ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value")           \
	X(EXPIRE_SESSIONS,                                                             \
	  "DELETE FROM session WHERE tenant = ?1 AND expires_at <= ?2")                \
	X(EXPIRE_LOGINS,                                                               \
	  "DELETE FROM login_token WHERE tenant = ?1 AND expires_at <= ?2")

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_PEOPLE
/* clang-format on */

#endif
