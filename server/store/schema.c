/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <string.h>

/* A text for one dialect alone begins with a comment that names it. */
static bool is_for(const struct conn *c, const char *text)
{
	if (strncmp(text, ONLY, strlen(ONLY)) != 0)
		return true;
	text += strlen(ONLY);
	return strncmp(text, c->ops->name, strlen(c->ops->name)) == 0;
}

static int run_scripts(struct conn *c, const char *const *const *migrations,
		       unsigned from, unsigned to, struct err *e)
{
	for (unsigned i = from; i < to; i++) {
		for (const char *const *text = migrations[i]; *text != NULL; text++) {
			if (is_for(c, *text) && conn_script(c, *text, e) < 0)
				return err_wrap(e, "migrate from schema %u to %u", i,
						i + 1);
		}
	}
	return conn_set_schema(c, to, e);
}

static int migrate(struct conn *c, const char *const *const *migrations, unsigned from,
		   unsigned to, struct err *e)
{
	if (conn_begin(c, e) < 0)
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
	if (conn_check(c, e) < 0 || conn_get_schema(c, ret_schema, e) < 0)
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

int schema_prepare(struct conn *c, const char *const *const *migrations, unsigned n,
		   const struct log *log, struct err *e)
{
	unsigned schema = 0;

	if (read_known_schema(c, n, &schema, e) < 0)
		return -1;
	if (schema == n)
		return 0;
	if (schema > 0 && c->ops->back_up(c, schema, e) < 0)
		return err_wrap(e, "back up before migrating");
	if (migrate(c, migrations, schema, n, e) < 0)
		return -1;
	if (schema > 0)
		log_migration(log, schema, n);
	return 0;
}
