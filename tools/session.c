/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/json/json.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY ".config/ota"
#define FILE_MAX_BYTES 16384

/* Where the members of the file go. */
static const struct member {
	const char *key;
	size_t offset, room;
} members[] = {
#define MEMBER(name)                                                                   \
	{                                                                              \
#name, offsetof(struct session, name),                                 \
		    sizeof(((struct session *)0)->name)                                \
	}
    MEMBER(server), MEMBER(ca), MEMBER(tenant), MEMBER(user), MEMBER(secret),
#undef MEMBER
};

void session_fini(struct session *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int find(const char *tail, char ret[PATH_MAX], struct err *e)
{
	const char *home = getenv("HOME");

	if (home == NULL || home[0] != '/')
		return err_set(e, ERR_CONFIG,
			       "HOME does not say where to keep a session");
	return text_format(ret, PATH_MAX, e, "%s/%s%s", home, DIRECTORY, tail);
}

static int take(const struct json *j, struct session *ret, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(members); i++) {
		const struct member *m = &members[i];
		const char *text;

		if (json_get_text(j, m->key, &text, e) < 0 ||
		    text_copy((char *)ret + m->offset, m->room, text, m->key, e) < 0)
			return -1;
	}
	for (const char *c = ret->secret; *c != '\0'; c++) {
		if (*c <= ' ' || *c >= 0x7f || *c == ';')
			return err_set(e, ERR_FORMAT, "field \"secret\": no cookie");
	}
	return 0;
}

static int read_session(const char *path, struct session *ret, struct err *e)
{
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	AUTO_PTR(json) struct json *j = NULL;
	int result = file_read(path, &text, e);

	if (result == 0) {
		j = json_parse(text.data, text.len, e);
		result = j == NULL ? -1 : take(j, ret, e);
	}
	if (text.data != NULL)
		explicit_bzero(text.data, text.room);
	buf_fini(&text);
	return result;
}

int session_load(struct session *ret, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	*ret = (struct session){0};
	if (getenv("HOME") == NULL)
		return 0;
	if (find("/session", path, e) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "%s", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_UNTRUSTED,
			       "%s: others may read it; ota logout, then log in anew",
			       path);
	if (read_session(path, ret, e) < 0)
		return err_wrap(e, "%s", path);
	return 1;
}

int session_keep(const struct session *s, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	char path[PATH_MAX];
	int result = 0;

	for (size_t i = 0; i < N_ELEMS(members) && result == 0; i++)
		result =
		    json_set(j, members[i].key,
			     json_new_text((const char *)s + members[i].offset), e);
	if (result == 0)
		result = json_write(j, &text, e);
	if (result == 0)
		result = find("", path, e);
	if (result == 0)
		result = dir_make(path, 0700, e);
	if (result == 0)
		result = find("/session", path, e);
	if (result == 0)
		result = file_replace(path, text.data, text.len, 0600, e);
	if (text.data != NULL)
		explicit_bzero(text.data, text.room);
	buf_fini(&text);
	return result < 0 ? err_wrap(e, "keep the session") : 0;
}

int session_forget(struct err *e)
{
	char path[PATH_MAX];

	if (find("/session", path, e) < 0)
		return -1;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	return 0;
}
