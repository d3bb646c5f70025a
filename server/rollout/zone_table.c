/* SPDX-License-Identifier: Apache-2.0 */
/* Zones from the system's files, each read once. */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "zone.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_DIR "/usr/share/zoneinfo/"
#define MAX_ZONES 2048 /* tzdata has some 600 names, and aliases of them */
#define MAX_NONE 256 /* names of no zone that are remembered: anybody can invent them */

/* No dot: so no way out of the directory, and none of tzdata's tables. */
int zone_name_check(const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (!text_is_name(text, ZONE_NAME_MAX_LEN, "_+-/") || text[0] == '/' ||
	    text[len - 1] == '/' || strstr(text, "//") != NULL)
		return err_set(e, ERR_FORMAT, "\"%.64s\" is no time zone's name", text);
	return 0;
}

struct zone *zone_open(const char *name, struct err *e)
{
	char path[sizeof(ZONE_DIR) + ZONE_NAME_MAX_LEN];
	AUTO(buf) struct buf content = BUF_INIT(ZONE_FILE_MAX_LEN);
	struct zone *z = NULL;

	if (zone_name_check(name, e) < 0 ||
	    text_format(path, sizeof(path), e, "%s%s", ZONE_DIR, name) < 0)
		return NULL;
	if (file_read(path, &content, e) == 0)
		z = zone_parse(content.data, content.len, e);
	if (z == NULL)
		(void)err_set(e, ERR_NOT_FOUND, "there is no time zone \"%s\"", name);
	return z;
}

struct entry {
	char name[ZONE_NAME_MAX_LEN + 1];
	struct zone *zone; /* NULL: there is none of this name */
};

struct zone_table {
	pthread_mutex_t lock;
	size_t n, n_none;
	struct entry entries[MAX_ZONES];
};

struct zone_table *zone_table_new(struct err *e)
{
	struct zone_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	return t;
}

void zone_table_free(struct zone_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		zone_free(t->entries[i].zone);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* NULL: there is none. */
static const struct zone *look_up(struct zone_table *t, const char *name, struct err *e)
{
	struct zone *z;

	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->entries[i].name, name) == 0)
			return t->entries[i].zone;
	}
	if (t->n == MAX_ZONES)
		return NULL;
	z = zone_open(name, e);
	if (z == NULL && t->n_none == MAX_NONE)
		return NULL;
	t->n_none += z == NULL;
	memcpy(t->entries[t->n].name, name, strlen(name) + 1);
	t->entries[t->n++].zone = z;
	return z;
}

const struct zone *zone_table_get(struct zone_table *t, const char *name, struct err *e)
{
	const struct zone *z;

	if (zone_name_check(name, e) < 0)
		return NULL;
	(void)pthread_mutex_lock(&t->lock);
	z = look_up(t, name, e);
	(void)pthread_mutex_unlock(&t->lock);
	if (z == NULL)
		(void)err_set(e, ERR_NOT_FOUND, "there is no time zone \"%s\"", name);
	return z;
}
