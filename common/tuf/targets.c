/* SPDX-License-Identifier: Apache-2.0 */
/* Targets metadata: what it lists, and whom it delegates to. */
#include "metadata.h"

#include "../base/text.h"
#include "tuf.h"

#include <string.h>

void tuf_targets_free(struct tuf_targets *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_delegations; i++)
		tuf_role_fini(&t->delegations[i].role);
	free(t->delegations);
	tuf_keys_fini(&t->keys);
	free(t->targets);
	json_free(t->common.json);
	free(t);
}

static int line_parse(const char *name, const struct json *object,
		      struct tuf_target_line *ret, struct err *e)
{
	bool has_hash = false;

	ret->name = name;
	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "not an object");
	if (name[0] == '\0' || strlen(name) > TUF_PATH_MAX_LEN)
		return err_set(e, ERR_LIMIT, "a name of %zu bytes", strlen(name));
	if (json_get_u64(object, "length", &ret->length, e) != 0 ||
	    tuf_hashes_parse(object, &has_hash, ret->sha256, e) != 0)
		return -1;
	if (!has_hash)
		return err_set(e, ERR_FORMAT, "field \"hashes\": missing");
	return 0;
}

static int lines_parse(const struct json *targets, struct tuf_targets *t, struct err *e)
{
	t->targets = calloc(json_len(targets) + 1, sizeof(*t->targets));
	if (t->targets == NULL)
		return err_nomem(e);
	for (void *it = json_first(targets); it != NULL; it = json_next(targets, it)) {
		if (line_parse(json_key(it), json_value(it),
			       &t->targets[t->n_targets++], e) != 0)
			return err_wrap(e, "target \"%.64s\"", json_key(it));
	}
	return 0;
}

static int texts_check(const struct json *array, const char *key, struct err *e)
{
	for (size_t i = 0; i < json_len(array); i++) {
		if (json_text(json_at(array, i)) == NULL)
			return err_set(e, ERR_FORMAT,
				       "field \"%s\": an element is not text", key);
	}
	return 0;
}

/* An absent member and an explicit null both mean: not by this. */
static int patterns_parse(const struct json *object, const char *key,
			  const struct json **ret, struct err *e)
{
	const struct json *v = json_get(object, key);

	if (v == NULL || json_is_null(v))
		return 0;
	if (json_get_array(object, key, ret, e) != 0)
		return -1;
	return texts_check(*ret, key, e);
}

static int delegation_parse(const struct json *object, const struct tuf_keys *keys,
			    struct tuf_delegation *ret, struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "not an object");
	if (json_get_text(object, "name", &ret->name, e) != 0)
		return -1;
	if (ret->name[0] == '\0' || strlen(ret->name) > TUF_ROLE_NAME_MAX_LEN)
		return err_set(e, ERR_LIMIT, "a name of %zu bytes", strlen(ret->name));
	for (size_t i = 0; i < N_TUF_TOP_ROLES; i++) {
		if (strcmp(ret->name, tuf_top_role_name((enum tuf_top_role)i)) == 0)
			return err_set(e, ERR_FORMAT, "\"%s\" cannot be delegated",
				       ret->name);
	}
	if (json_get_bool(object, "terminating", &ret->terminating, e) != 0 ||
	    patterns_parse(object, "paths", &ret->paths, e) != 0 ||
	    patterns_parse(object, "path_hash_prefixes", &ret->prefixes, e) != 0 ||
	    tuf_role_parse(object, keys, &ret->role, e) != 0)
		return err_wrap(e, "role \"%s\"", ret->name);
	if ((ret->paths == NULL) == (ret->prefixes == NULL))
		return err_set(
		    e, ERR_FORMAT,
		    "role \"%s\": needs paths or path_hash_prefixes, not both",
		    ret->name);
	return 0;
}

static int delegations_parse(const struct json *object, struct tuf_targets *t,
			     struct err *e)
{
	const struct json *keys = NULL, *roles = NULL;
	size_t n;

	if (json_get_object(object, "keys", &keys, e) != 0 ||
	    json_get_array(object, "roles", &roles, e) != 0 ||
	    tuf_keys_parse(keys, &t->keys, e) != 0)
		return -1;
	n = json_len(roles);
	if (n > TUF_MAX_ROLES)
		return err_set(e, ERR_LIMIT, "more than %d roles", TUF_MAX_ROLES);
	t->delegations = calloc(n + 1, sizeof(*t->delegations));
	if (t->delegations == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		if (delegation_parse(json_at(roles, i), &t->keys,
				     &t->delegations[t->n_delegations++], e) != 0)
			return -1;
	}
	return 0;
}

struct tuf_targets *tuf_targets_parse(struct tuf_envelope *env, struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *t = calloc(1, sizeof(*t));
	const struct json *body = env->body, *targets = NULL, *delegations;

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (tuf_common_parse(env, "targets", &t->common, e) != 0 ||
	    json_get_object(body, "targets", &targets, e) != 0 ||
	    lines_parse(targets, t, e) != 0)
		return NULL;
	delegations = json_get(body, "delegations");
	if (delegations == NULL)
		return TAKE(t);
	if (json_get_object(body, "delegations", &delegations, e) != 0 ||
	    delegations_parse(delegations, t, e) != 0) {
		(void)err_wrap(e, "delegations");
		return NULL;
	}
	return TAKE(t);
}

const struct tuf_target_line *tuf_targets_find(const struct tuf_targets *t,
					       const char *name)
{
	for (size_t i = 0; i < t->n_targets; i++) {
		if (strcmp(t->targets[i].name, name) == 0)
			return &t->targets[i];
	}
	return NULL;
}

/* ------------------------------------------------------------------ patterns */

/*
 * '*' is any run of characters and '?' any one, but neither is '/'; all else is itself.
 * Backtracks to the last star only, so its time is bounded by the product of the
 * lengths: fnmatch()'s is not, and patterns come from whoever may sign for a delegated
 * role.
 */
static bool path_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = name;
		} else if (*pattern == *name || (*pattern == '?' && *name != '/')) {
			pattern++;
			name++;
		} else if (star != NULL && *resume != '/') {
			pattern = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool tuf_delegation_matches(const struct tuf_delegation *d, const char *name)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < json_len(d->paths); i++) {
		if (path_matches(json_text(json_at(d->paths, i)), name))
			return true;
	}
	if (d->prefixes == NULL || sha256(name, strlen(name), hash, NULL) != 0)
		return false;
	hex_encode(hash, sizeof(hash), hex);
	for (size_t i = 0; i < json_len(d->prefixes); i++) {
		const char *prefix = json_text(json_at(d->prefixes, i));

		if (prefix[0] != '\0' && strncmp(hex, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}
