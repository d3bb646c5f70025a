/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include "../base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const top_role_names[N_TUF_TOP_ROLES] = {
    [TUF_ROOT] = "root",
    [TUF_TIMESTAMP] = "timestamp",
    [TUF_SNAPSHOT] = "snapshot",
    [TUF_TARGETS] = "targets",
};

const char *tuf_top_role_name(enum tuf_top_role role)
{
	return top_role_names[role];
}

/* ------------------------------------------------------------------ envelope */

void tuf_envelope_fini(struct tuf_envelope *env)
{
	json_free(env->json);
	buf_fini(&env->canonical);
	*env = (struct tuf_envelope){0};
}

int tuf_envelope_parse(const void *data, size_t len, struct tuf_envelope *ret,
		       struct err *e)
{
	struct tuf_envelope env = {.canonical = BUF_INIT(len + 1)};

	env.json = json_parse_strict(data, len, e);
	if (env.json == NULL ||
	    json_get_object(env.json, "signed", &env.body, e) != 0 ||
	    json_get_array(env.json, "signatures", &env.signatures, e) != 0 ||
	    json_write_canonical(env.body, &env.canonical, e) != 0) {
		tuf_envelope_fini(&env);
		return -1;
	}
	if (json_len(env.signatures) > TUF_MAX_SIGNATURES) {
		tuf_envelope_fini(&env);
		return err_set(e, ERR_LIMIT, "more than %d signatures",
			       TUF_MAX_SIGNATURES);
	}
	*ret = env;
	return 0;
}

/* ------------------------------------------------------------------ shared parts */

static int spec_version_check(const struct json *body, struct err *e)
{
	const char *spec = NULL;

	if (json_get_text(body, "spec_version", &spec, e) != 0)
		return -1;
	if (strncmp(spec, "1.", 2) != 0)
		return err_set(e, ERR_UNSUPPORTED, "spec_version \"%s\" is not 1.x",
			       spec);
	return 0;
}

static void common_fini(struct tuf_common *c)
{
	json_free(c->json);
	c->json = NULL;
}

int tuf_common_parse(struct tuf_envelope *env, const char *type, struct tuf_common *ret,
		     struct err *e)
{
	const struct json *body = env->body;
	const char *have = NULL, *expires = NULL;

	ret->json = TAKE(env->json);
	if (json_get_text(body, "_type", &have, e) != 0 ||
	    spec_version_check(body, e) != 0 ||
	    json_get_u64(body, "version", &ret->version, e) != 0 ||
	    json_get_text(body, "expires", &expires, e) != 0)
		return -1;
	if (strcmp(have, type) != 0)
		return err_set(e, ERR_FORMAT, "_type is \"%s\", not \"%s\"", have,
			       type);
	if (ret->version == 0)
		return err_set(e, ERR_FORMAT, "version is 0");
	if (time_parse(expires, &ret->expires_utc_ms, e) != 0)
		return err_wrap(e, "expires");
	return 0;
}

int tuf_hashes_parse(const struct json *object, bool *ret_has, uint8_t ret[SHA256_LEN],
		     struct err *e)
{
	const struct json *hashes = json_get(object, "hashes");

	*ret_has = hashes != NULL;
	if (hashes == NULL)
		return 0;
	if (!json_is_object(hashes))
		return err_set(e, ERR_FORMAT, "field \"hashes\": not an object");
	if (json_get(hashes, "sha256") == NULL)
		return err_set(e, ERR_UNSUPPORTED, "hashes without sha256");
	return json_get_hex(hashes, "sha256", ret, SHA256_LEN, e);
}

/* ------------------------------------------------------------------ keys and roles */

static const struct {
	const char *keytype;
	const char *name;
	enum key_scheme scheme;
} schemes[] = {
    {"ed25519", "ed25519", KEY_ED25519},
    {"ecdsa", "ecdsa-sha2-nistp256", KEY_ECDSA_P256},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", KEY_ECDSA_P256}, /* older writers */
};

static struct pubkey *key_material(const char *keytype, const char *scheme,
				   const char *text)
{
	for (size_t i = 0; i < N_ELEMS(schemes); i++) {
		if (strcmp(schemes[i].keytype, keytype) == 0 &&
		    strcmp(schemes[i].name, scheme) == 0)
			return pubkey_from_text(schemes[i].scheme, text, NULL);
	}
	return NULL;
}

static int key_parse(const struct json *object, struct tuf_key *ret, struct err *e)
{
	const char *keytype = NULL, *scheme = NULL, *text = NULL;
	const struct json *keyval = NULL;

	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "not an object");
	if (json_get_text(object, "keytype", &keytype, e) != 0 ||
	    json_get_text(object, "scheme", &scheme, e) != 0 ||
	    json_get_object(object, "keyval", &keyval, e) != 0 ||
	    json_get_text(keyval, "public", &text, e) != 0)
		return -1;
	ret->key = key_material(keytype, scheme, text);
	return 0;
}

void tuf_keys_fini(struct tuf_keys *k)
{
	for (size_t i = 0; i < k->n_items; i++)
		pubkey_free(k->items[i].key);
	free(k->items);
	*k = (struct tuf_keys){0};
}

int tuf_keys_parse(const struct json *object, struct tuf_keys *ret, struct err *e)
{
	size_t n = json_len(object);

	if (n > TUF_MAX_KEYS)
		return err_set(e, ERR_LIMIT, "more than %d keys", TUF_MAX_KEYS);
	ret->items = calloc(n + 1, sizeof(*ret->items));
	if (ret->items == NULL)
		return err_nomem(e);
	for (void *it = json_first(object); it != NULL; it = json_next(object, it)) {
		struct tuf_key *key = &ret->items[ret->n_items++];

		key->keyid = json_key(it);
		if (key_parse(json_value(it), key, e) != 0)
			return err_wrap(e, "key \"%.16s\"", key->keyid);
	}
	return 0;
}

static const struct tuf_key *key_find(const struct tuf_keys *keys, const char *keyid)
{
	for (size_t i = 0; i < keys->n_items; i++) {
		if (strcmp(keys->items[i].keyid, keyid) == 0)
			return &keys->items[i];
	}
	return NULL;
}

void tuf_role_fini(struct tuf_role *r)
{
	free(r->keys);
	*r = (struct tuf_role){0};
}

int tuf_role_parse(const struct json *object, const struct tuf_keys *keys,
		   struct tuf_role *ret, struct err *e)
{
	const struct json *ids = NULL;
	size_t n;

	if (json_get_u64(object, "threshold", &ret->threshold, e) != 0 ||
	    json_get_array(object, "keyids", &ids, e) != 0)
		return -1;
	n = json_len(ids);
	if (ret->threshold == 0)
		return err_set(e, ERR_FORMAT, "threshold is 0");
	if (n > TUF_MAX_KEYS)
		return err_set(e, ERR_LIMIT, "more than %d key ids", TUF_MAX_KEYS);
	ret->keys = calloc(n + 1, sizeof(*ret->keys));
	if (ret->keys == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		const char *keyid = json_text(json_at(ids, i));

		if (keyid == NULL)
			return err_set(e, ERR_FORMAT, "a key id is not text");
		const struct tuf_key *key = key_find(keys, keyid);

		if (key != NULL) /* an id without a key can sign nothing */
			ret->keys[ret->n_keys++] = key;
	}
	return 0;
}

/* ------------------------------------------------------------------ root */

void tuf_root_free(struct tuf_root *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < N_TUF_TOP_ROLES; i++)
		tuf_role_fini(&r->roles[i]);
	tuf_keys_fini(&r->keys);
	common_fini(&r->common);
	free(r);
}

static int root_roles_parse(const struct json *roles, struct tuf_root *r, struct err *e)
{
	for (size_t i = 0; i < N_TUF_TOP_ROLES; i++) {
		const struct json *role = NULL;

		if (json_get_object(roles, top_role_names[i], &role, e) != 0)
			return -1;
		if (tuf_role_parse(role, &r->keys, &r->roles[i], e) != 0)
			return err_wrap(e, "role %s", top_role_names[i]);
	}
	return 0;
}

struct tuf_root *tuf_root_parse(struct tuf_envelope *env, struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *r = calloc(1, sizeof(*r));
	const struct json *body = env->body, *keys = NULL, *roles = NULL;

	if (r == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (tuf_common_parse(env, "root", &r->common, e) != 0 ||
	    json_opt_bool(body, "consistent_snapshot", &r->consistent_snapshot, e) !=
		0 ||
	    json_get_object(body, "keys", &keys, e) != 0 ||
	    json_get_object(body, "roles", &roles, e) != 0 ||
	    tuf_keys_parse(keys, &r->keys, e) != 0 ||
	    root_roles_parse(roles, r, e) != 0)
		return NULL;
	return TAKE(r);
}

/* ------------------------------------------------------- timestamp, snapshot */

static int file_parse(const char *name, const struct json *object, struct tuf_file *ret,
		      struct err *e)
{
	ret->name = name;
	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "not an object");
	ret->has_length = json_get(object, "length") != NULL;
	if (json_get_u64(object, "version", &ret->version, e) != 0 ||
	    json_opt_u64(object, "length", &ret->length, e) != 0 ||
	    tuf_hashes_parse(object, &ret->has_sha256, ret->sha256, e) != 0)
		return -1;
	if (ret->version == 0)
		return err_set(e, ERR_FORMAT, "version is 0");
	return 0;
}

void tuf_timestamp_free(struct tuf_timestamp *t)
{
	if (t == NULL)
		return;
	common_fini(&t->common);
	free(t);
}

struct tuf_timestamp *tuf_timestamp_parse(struct tuf_envelope *env, struct err *e)
{
	AUTO_PTR(tuf_timestamp) struct tuf_timestamp *t = calloc(1, sizeof(*t));
	const struct json *body = env->body, *meta = NULL, *line = NULL;

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (tuf_common_parse(env, "timestamp", &t->common, e) != 0 ||
	    json_get_object(body, "meta", &meta, e) != 0 ||
	    json_get_object(meta, "snapshot.json", &line, e) != 0)
		return NULL;
	if (file_parse("snapshot.json", line, &t->snapshot, e) != 0) {
		(void)err_wrap(e, "meta of snapshot.json");
		return NULL;
	}
	return TAKE(t);
}

void tuf_snapshot_free(struct tuf_snapshot *s)
{
	if (s == NULL)
		return;
	free(s->files);
	common_fini(&s->common);
	free(s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tuf_file *)a)->name,
		      ((const struct tuf_file *)b)->name);
}

static int files_parse(const struct json *meta, struct tuf_snapshot *s, struct err *e)
{
	s->files = calloc(json_len(meta) + 1, sizeof(*s->files));
	if (s->files == NULL)
		return err_nomem(e);
	for (void *it = json_first(meta); it != NULL; it = json_next(meta, it)) {
		if (file_parse(json_key(it), json_value(it), &s->files[s->n_files++],
			       e) != 0)
			return err_wrap(e, "meta of %s", json_key(it));
	}
	qsort(s->files, s->n_files, sizeof(*s->files), by_name);
	return 0;
}

struct tuf_snapshot *tuf_snapshot_parse(struct tuf_envelope *env, struct err *e)
{
	AUTO_PTR(tuf_snapshot) struct tuf_snapshot *s = calloc(1, sizeof(*s));
	const struct json *body = env->body, *meta = NULL;

	if (s == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (tuf_common_parse(env, "snapshot", &s->common, e) != 0 ||
	    json_get_object(body, "meta", &meta, e) != 0 ||
	    files_parse(meta, s, e) != 0)
		return NULL;
	return TAKE(s);
}

const struct tuf_file *tuf_snapshot_find(const struct tuf_snapshot *s, const char *name)
{
	const struct tuf_file wanted = {.name = name};

	return bsearch(&wanted, s->files, s->n_files, sizeof(*s->files), by_name);
}

int tuf_file_check(const struct tuf_file *f, const void *data, size_t len,
		   struct err *e)
{
	uint8_t have[SHA256_LEN];

	if (f->has_length && f->length != len)
		return err_set(e, ERR_DIGEST, "%zu bytes instead of %llu", len,
			       (unsigned long long)f->length);
	if (!f->has_sha256)
		return 0;
	if (sha256(data, len, have, e) != 0)
		return -1;
	if (memcmp(have, f->sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "its hash is not the one that was signed");
	return 0;
}
