/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_schema.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* "OTAS": tells our database from anybody else's. */
#define APPLICATION_ID "1330921811"

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
    "  FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)) STRICT;"
    /* Action ids begin at 100001: some clients drop the first digit of a shorter one.
     */
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('deployment', 100000);"
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

const char *const *const store_migrations[] = {schema_1};
const unsigned store_n_migrations = N_ELEMS(store_migrations);

static int read_schema(struct conn *c, unsigned *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(c, SQL_SCHEMA, &q, e, NO_ARGS) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	*ret = row ? (unsigned)query_int(&q, 0) : 0;
	return 0;
}

static int check_sound(struct conn *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char answer[128];
	bool row;

	if (query_open(c, SQL_QUICK_CHECK, &q, e, NO_ARGS) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	query_text(&q, 0, answer, sizeof(answer));
	for (char *at = answer; *at != '\0'; at++) /* an error is one line */
		*at = *at == '\n' ? ' ' : *at;
	if (!row || strcmp(answer, "ok") != 0)
		return err_set(e, ERR_FORMAT, "%s", answer);
	return 0;
}

/* VACUUM INTO does not flush what it wrote; its name is flushed with the database's
 * own. */
static int flush_file(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, "flush %s", path);
	return 0;
}

/* VACUUM INTO takes no file that exists. A copy that is there is of an earlier attempt,
 * which left the database as it was: replace it. */
static int write_backup(struct conn *c, const char *path, unsigned schema,
			struct err *e)
{
	char backup[PATH_MAX], script[PATH_MAX + 64];

	if (text_format(backup, sizeof(backup), e, "%s.schema-%u", path, schema) < 0)
		return -1;
	if (strchr(backup, '\'') != NULL)
		return err_set(e, ERR_UNSUPPORTED, "a path with a quote in it: %s",
			       backup);
	if (unlink(backup) < 0 && errno != ENOENT)
		return err_sys(e, "%s", backup);
	if (text_format(script, sizeof(script), e, "VACUUM INTO '%s'", backup) < 0)
		return -1;
	if (conn_script(c, script, e) < 0 || flush_file(backup, e) < 0)
		return err_wrap(e, "write %s", backup);
	return 0;
}

static int run_scripts(struct conn *c, const char *const *const *migrations,
		       unsigned from, unsigned to, struct err *e)
{
	char stamp[96];

	for (unsigned i = from; i < to; i++) {
		for (const char *const *text = migrations[i]; *text != NULL; text++) {
			if (conn_script(c, *text, e) < 0)
				return err_wrap(e, "migrate from schema %u to %u", i,
						i + 1);
		}
	}
	if (text_format(stamp, sizeof(stamp), e,
			"PRAGMA application_id = " APPLICATION_ID
			"; PRAGMA user_version = %u;",
			to) < 0)
		return -1;
	return conn_script(c, stamp, e);
}

static int migrate(struct conn *c, const char *const *const *migrations, unsigned from,
		   unsigned to, struct err *e)
{
	if (query_run(c, SQL_BEGIN, e, NO_ARGS) < 0)
		return -1;
	if (run_scripts(c, migrations, from, to, e) == 0 &&
	    query_run(c, SQL_COMMIT, e, NO_ARGS) == 0)
		return 0;
	if (conn_in_transaction(c))
		query_try(c, SQL_ROLLBACK); /* closing would do it too */
	return -1;
}

static void log_migration(const struct log *log, unsigned from, unsigned to)
{
	char a[12], b[12];

	(void)snprintf(a, sizeof(a), "%u", from);
	(void)snprintf(b, sizeof(b), "%u", to);
	log_info(log, "store", "database migrated", "from", a, "to", b, NULL);
}

/* *ret_schema is at most n. */
static int read_known_schema(struct conn *c, unsigned n, unsigned *ret_schema,
			     struct err *e)
{
	if (check_sound(c, e) < 0 || read_schema(c, ret_schema, e) < 0)
		return -1;
	if (*ret_schema > n)
		return err_set(e, ERR_CONFLICT,
			       "it has schema %u and this server knows up to %u: "
			       "run the newer server that made it",
			       *ret_schema, n);
	return 0;
}

int schema_check(struct conn *c, unsigned n, struct err *e)
{
	unsigned schema = 0;

	if (read_known_schema(c, n, &schema, e) < 0)
		return -1;
	if (schema < n)
		return err_set(e, ERR_PRECONDITION,
			       "it has schema %u and this program wants %u: start the "
			       "server of this version first, which migrates it",
			       schema, n);
	return 0;
}

int schema_prepare(struct conn *c, const char *path,
		   const char *const *const *migrations, unsigned n,
		   const struct log *log, struct err *e)
{
	unsigned schema = 0;

	if (read_known_schema(c, n, &schema, e) < 0)
		return -1;
	if (schema == n)
		return 0;
	if (schema > 0 && write_backup(c, path, schema, e) < 0)
		return err_wrap(e, "back up before migrating");
	if (migrate(c, migrations, schema, n, e) < 0)
		return -1;
	if (schema > 0)
		log_migration(log, schema, n);
	return 0;
}
