/* SPDX-License-Identifier: Apache-2.0 */
/* Zones from the system's files, each read once. */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "zone.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_DIR "/usr/share/zoneinfo/"
#define MAX_ZONES 1024 /* tzdata has some 600 names */

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
	size_t n;
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

/* The entry of a name that is one; a new one is read. NULL: the table is full. */
static const struct entry *look_up(struct zone_table *t, const char *name,
				   struct err *e)
{
	struct entry *entry;

	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->entries[i].name, name) == 0)
			return &t->entries[i];
	}
	if (t->n == MAX_ZONES)
		return NULL;
	entry = &t->entries[t->n++];
	if (text_copy(entry->name, sizeof(entry->name), name, "zone", e) == 0)
		entry->zone = zone_open(name, e);
	return entry;
}

const struct zone *zone_table_get(struct zone_table *t, const char *name, struct err *e)
{
	const struct entry *entry;

	if (zone_name_check(name, e) < 0)
		return NULL;
	(void)pthread_mutex_lock(&t->lock);
	entry = look_up(t, name, e);
	(void)pthread_mutex_unlock(&t->lock);
	if (entry != NULL && entry->zone != NULL)
		return entry->zone;
	(void)err_set(e, ERR_NOT_FOUND, "there is no time zone \"%s\"", name);
	return NULL;
}
