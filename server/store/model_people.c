/* SPDX-License-Identifier: Apache-2.0 */
#include "model_people.h"

#include "../../common/base/text.h"
#include "model_fleet.h"

#include <string.h>

int person_name_check(const char *text, struct err *e)
{
	if (!text_is_name(text, USER_MAX_LEN, "._@+-"))
		return err_set(
		    e, ERR_FORMAT,
		    "\"%.40s\" is not a user's name: 1 to %d letters, digits "
		    "and . _ @ + -",
		    text, USER_MAX_LEN);
	return 0;
}

/* In its order into list, unless it is there. */
static void insert_sorted(const char **list, size_t *n, const char *name)
{
	size_t at = 0;

	while (at < *n && strcmp(list[at], name) < 0)
		at++;
	if (at < *n && strcmp(list[at], name) == 0)
		return;
	memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
	list[at] = name;
	(*n)++;
}

int scope_write(const char *const *groups, size_t n, char ret[SCOPE_TEXT_MAX_LEN + 1],
		struct err *e)
{
	const char *sorted[SCOPE_MAX_GROUPS + 1];
	size_t n_sorted = 0, len = 0;

	for (size_t i = 0; i < n; i++) {
		if (group_name_check(groups[i], e) < 0)
			return -1;
		insert_sorted(sorted, &n_sorted, groups[i]);
		if (n_sorted > SCOPE_MAX_GROUPS)
			return err_set(e, ERR_LIMIT,
				       "a role holds for the whole tenant or for at "
				       "most %d groups",
				       SCOPE_MAX_GROUPS);
	}
	ret[0] = '\0';
	for (size_t i = 0; i < n_sorted; i++) {
		if (text_format(ret + len, SCOPE_TEXT_MAX_LEN + 1 - len, e, "%s%s",
				i > 0 ? " " : "", sorted[i]) < 0)
			return -1;
		len += strlen(ret + len);
	}
	return 0;
}

bool scope_group(const char *scope, size_t i, char ret[GROUP_NAME_MAX_LEN + 1])
{
	size_t len;

	for (; i > 0; i--) {
		scope += strcspn(scope, " ");
		scope += strspn(scope, " ");
	}
	len = strcspn(scope, " ");
	if (len == 0 || len > GROUP_NAME_MAX_LEN)
		return false;
	memcpy(ret, scope, len);
	ret[len] = '\0';
	return true;
}

void secret_id(const uint8_t hash[SHA256_LEN], char ret[SECRET_ID_LEN + 1])
{
	hex_encode(hash, SECRET_ID_LEN / 2, ret);
}
