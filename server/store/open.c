/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include "postgres.h"
#include "schema.h"
#include "sqlite.h"

#include <string.h>

struct backend {
	const char *scheme;
	struct store *(*open)(const struct store_place *p, enum store_opener who,
			      const struct log *log, struct err *e);
};

static const struct backend backends[] = {
    {"postgresql://", store_postgres_open},
    {"postgres://", store_postgres_open},
};

/* In the order of enum store_opener. */
static struct store *(*const file_openers[])(const char *path, const struct log *log,
					     struct err *e) = {
    store_sqlite_open, store_sqlite_open_existing, store_sqlite_open_look};

bool store_place_is_file(const struct store_place *p)
{
	return p->url == NULL || p->url[0] == '\0';
}

struct store *store_open(const struct store_place *p, enum store_opener who,
			 const struct log *log, struct err *e)
{
	if (store_place_is_file(p))
		return file_openers[who](p->path, log, e);
	for (size_t i = 0; i < N_ELEMS(backends); i++) {
		if (strncmp(p->url, backends[i].scheme, strlen(backends[i].scheme)) ==
		    0)
			return backends[i].open(p, who, log, e);
	}
	(void)err_set(e, ERR_CONFIG, "[store] url: it begins with postgresql://");
	return NULL;
}

/* "postgresql://USER:SECRET@HOST/DB?password=SECRET" -> "postgresql://HOST/DB" */
int store_place_name(const struct store_place *p, struct buf *ret, struct err *e)
{
	const char *rest, *at, *end;

	if (store_place_is_file(p))
		return buf_add_str(ret, p->path, e);
	rest = strstr(p->url, "://");
	if (rest == NULL)
		return buf_add_str(ret, "?", e);
	rest += 3;
	end = rest + strcspn(rest, "?#");
	at = memrchr(rest, '@', (size_t)(end - rest));
	if (at != NULL)
		rest = at + 1;
	if (buf_add_str(ret, "postgresql://", e) < 0)
		return -1;
	return buf_add(ret, rest, (size_t)(end - rest), e);
}

unsigned store_schema(void)
{
	return store_n_migrations;
}
