/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, one script a schema number. What has been released is never edited. */
#include "schema.h"

/* Enum values stand as the integers of model.h: those enums only grow at their end, but
 * for deployment states, where `< 5` means open. */
static const char *const schema_1[] = {
    "CREATE TABLE device ("
    "  tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',"
    "  product TEXT NOT NULL DEFAULT '', hardware TEXT NOT NULL DEFAULT '',"
    "  version TEXT NOT NULL DEFAULT '', grade INTEGER NOT NULL DEFAULT 0,"
    "  state INTEGER NOT NULL DEFAULT 0, agent_version TEXT NOT NULL DEFAULT '',"
    "  capabilities TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '',"
    "  slots TEXT NOT NULL DEFAULT '', wants_attributes INTEGER NOT NULL DEFAULT 1,"
    "  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL DEFAULT 0,"
    "  installed_deployment INTEGER NOT NULL DEFAULT 0,"
    "  revision INTEGER NOT NULL DEFAULT 1, token_hash BLOB NOT NULL,"
    "  PRIMARY KEY (tenant, id)) WITHOUT ROWID, STRICT;"
    "CREATE UNIQUE INDEX device_token ON device (tenant, token_hash);"
    "CREATE INDEX device_version ON device (tenant, product, version, grade);",
    "CREATE TABLE attribute ("
    "  tenant TEXT NOT NULL, device TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT "
    "NULL,"
    "  PRIMARY KEY (tenant, device, key),"
    "  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE) WITHOUT "
    "ROWID, STRICT;",
    "CREATE TABLE release ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL,"
    "  product TEXT NOT NULL, version TEXT NOT NULL, security_version INTEGER NOT NULL,"
    "  hardware TEXT NOT NULL, notes TEXT NOT NULL, manifest_sha256 BLOB NOT NULL,"
    "  descriptor_sha256 BLOB NOT NULL, head_sha256 BLOB NOT NULL, body_sha256 BLOB "
    "NOT NULL,"
    "  head_size INTEGER NOT NULL, body_size INTEGER NOT NULL, created_at INTEGER NOT "
    "NULL,"
    "  UNIQUE (tenant, id), UNIQUE (tenant, product, version)) STRICT;",
    "CREATE TABLE image ("
    "  tenant TEXT NOT NULL, release TEXT NOT NULL, n INTEGER NOT NULL, name TEXT NOT "
    "NULL,"
    "  size INTEGER NOT NULL, salt BLOB NOT NULL, root_hash BLOB NOT NULL,"
    "  PRIMARY KEY (tenant, release, n),"
    "  FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)) WITHOUT ROWID, "
    "STRICT;",
    "CREATE TABLE deployment ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, device TEXT NOT "
    "NULL,"
    "  release TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    "  detail TEXT NOT NULL DEFAULT '', grade INTEGER NOT NULL DEFAULT 0,"
    "  forced INTEGER NOT NULL, offered INTEGER NOT NULL DEFAULT 0,"
    "  progress INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL, proof_root BLOB, proof_boot BLOB, proof_slot TEXT,"
    "  proof_counter INTEGER, n_statuses INTEGER NOT NULL DEFAULT 0,"
    "  content INTEGER NOT NULL DEFAULT 1, revision INTEGER NOT NULL DEFAULT 1,"
    "  FOREIGN KEY (tenant, device) REFERENCES device ON DELETE CASCADE,"
    "  FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)) STRICT;",
    /* Action ids begin at 100001: some clients drop the first digit of a shorter one.
     */
    ONLY_SQLITE
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('deployment', 100000);",
    ONLY_POSTGRES "ALTER TABLE deployment ALTER COLUMN id RESTART WITH 100001;",
    "CREATE INDEX deployment_device ON deployment (tenant, device, id);"
    "CREATE INDEX deployment_open ON deployment (tenant, device, id) WHERE state < 5;",
    "CREATE TABLE status ("
    "  n INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  deployment INTEGER NOT NULL REFERENCES deployment ON DELETE CASCADE,"
    "  at INTEGER NOT NULL, execution TEXT NOT NULL, finished TEXT NOT NULL,"
    "  details TEXT NOT NULL) STRICT;"
    "CREATE INDEX status_deployment ON status (deployment, n);",
    "CREATE TABLE artifact ("
    "  tenant TEXT NOT NULL, sha256 BLOB NOT NULL, sha1 BLOB NOT NULL, md5 BLOB NOT "
    "NULL,"
    "  size INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, sha256)) WITHOUT ROWID, STRICT;",
    "CREATE TABLE upload ("
    "  tenant TEXT NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT "
    "NULL,"
    "  offset INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, id), UNIQUE (tenant, sha256, size)) WITHOUT ROWID, STRICT;",
    "CREATE TABLE metadata ("
    "  tenant TEXT NOT NULL, role INTEGER NOT NULL, version INTEGER NOT NULL,"
    "  data BLOB NOT NULL, PRIMARY KEY (tenant, role, version)) STRICT;",
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, at INTEGER NOT NULL,"
    "  type INTEGER NOT NULL, device TEXT NOT NULL, deployment INTEGER NOT NULL,"
    "  release TEXT NOT NULL) STRICT;",
    "CREATE TABLE api_token ("
    "  tenant TEXT NOT NULL, hash BLOB NOT NULL, prefix TEXT NOT NULL, name TEXT NOT "
    "NULL,"
    "  role INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, hash)) WITHOUT ROWID, STRICT;",
    "CREATE TABLE login_token ("
    "  tenant TEXT NOT NULL, hash BLOB NOT NULL, user TEXT NOT NULL, role INTEGER NOT "
    "NULL,"
    "  expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, hash)) WITHOUT ROWID, STRICT;",
    "CREATE TABLE session ("
    "  tenant TEXT NOT NULL, hash BLOB NOT NULL, user TEXT NOT NULL, role INTEGER NOT "
    "NULL,"
    "  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, hash)) WITHOUT ROWID, STRICT;",
    "CREATE TABLE setting ("
    "  tenant TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY (tenant, name)) WITHOUT ROWID, STRICT;",
    NULL,
};

/* Not released: grows until it is. Its parts stand in sql_<subject>.h. */
static const char *const schema_2[] = {SCHEMA_2 NULL};

const char *const *const store_migrations[] = {schema_1, schema_2};
const unsigned store_n_migrations = N_ELEMS(store_migrations);
