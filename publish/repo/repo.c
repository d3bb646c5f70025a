/* SPDX-License-Identifier: Apache-2.0 */
#include "repo.h"

#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"
#include "../../common/json/json.h"

#include <string.h>

#define SPEC_VERSION "1.0.34"
#define CANONICAL_MAX_BYTES (8u * 1024 * 1024)
#define KEYID_LEN (2 * SHA256_LEN)

static const struct {
	const char *keytype;
	const char *scheme;
} schemes[] = {
    [KEY_ED25519] = {"ed25519", "ed25519"},
    [KEY_ECDSA_P256] = {"ecdsa", "ecdsa-sha2-nistp256"},
};

/* ------------------------------------------------------------------ keys */

static struct json *key_object(const struct pubkey *key, struct err *e)
{
	AUTO_PTR(json) struct json *object = json_new_object();
	AUTO(buf) struct buf text = BUF_INIT(4096);
	struct json *keyval = json_new_object();
	enum key_scheme scheme = pubkey_scheme(key);

	if (pubkey_to_text(key, &text, e) != 0 ||
	    json_set(keyval, "public", json_new_text(buf_str(&text)), e) != 0) {
		json_free(keyval);
		return NULL;
	}
	if (json_set(object, "keyval", keyval, e) != 0 ||
	    json_set(object, "keytype", json_new_text(schemes[scheme].keytype), e) !=
		0 ||
	    json_set(object, "scheme", json_new_text(schemes[scheme].scheme), e) != 0)
		return NULL;
	return TAKE(object);
}

static int keyid_of(const struct json *key, char ret[KEYID_LEN + 1], struct err *e)
{
	AUTO(buf) struct buf canonical = BUF_INIT(8192);
	uint8_t hash[SHA256_LEN];

	if (json_write_canonical(key, &canonical, e) != 0 ||
	    sha256(canonical.data, canonical.len, hash, e) != 0)
		return -1;
	hex_encode(hash, sizeof(hash), ret);
	return 0;
}

/* ------------------------------------------------------------------ pieces of metadata
 */

static int set_common(struct json *body, const char *type, uint64_t version,
		      int64_t expires_utc_ms, struct err *e)
{
	char expires[TIME_TEXT_LEN + 1];

	time_format(expires_utc_ms, expires);
	if (json_set(body, "_type", json_new_text(type), e) != 0 ||
	    json_set(body, "spec_version", json_new_text(SPEC_VERSION), e) != 0 ||
	    json_set(body, "version", json_new_int((int64_t)version), e) != 0)
		return -1;
	return json_set(body, "expires", json_new_text(expires), e);
}

static struct json *hashes_object(const uint8_t hash[SHA256_LEN], struct err *e)
{
	AUTO_PTR(json) struct json *hashes = json_new_object();

	if (json_set(hashes, "sha256", json_new_hex(hash, SHA256_LEN), e) != 0)
		return NULL;
	return TAKE(hashes);
}

/* {"length","hashes"} and, if version is not 0, "version". */
static struct json *file_object(uint64_t len, const uint8_t hash[SHA256_LEN],
				uint64_t version, struct err *e)
{
	AUTO_PTR(json) struct json *file = json_new_object();

	if (json_set(file, "length", json_new_int((int64_t)len), e) != 0 ||
	    json_set(file, "hashes", hashes_object(hash, e), e) != 0)
		return NULL;
	if (version != 0 &&
	    json_set(file, "version", json_new_int((int64_t)version), e) != 0)
		return NULL;
	return TAKE(file);
}

/* Takes body over. */
static int write_unsigned(struct json *body, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *envelope = json_new_object();

	if (json_set(envelope, "signatures", json_new_array(), e) != 0) {
		json_free(body);
		return -1;
	}
	if (json_set(envelope, "signed", body, e) != 0)
		return -1;
	return json_write(envelope, ret, e);
}

/* ------------------------------------------------------------------ signing */

/* signatures without those of keyid, and with a new one of it. */
static struct json *signatures_with(const struct json *old, const char *keyid,
				    const uint8_t *sig, size_t sig_len, struct err *e)
{
	AUTO_PTR(json) struct json *all = json_new_array();
	struct json *own;

	for (size_t i = 0; i < json_len(old); i++) {
		const struct json *s = json_at(old, i);
		const char *id = json_text(json_get(s, "keyid"));

		if (id != NULL && strcmp(id, keyid) == 0)
			continue;
		if (json_append(all, json_clone(s), e) != 0)
			return NULL;
	}
	own = json_new_object();
	if (json_set(own, "keyid", json_new_text(keyid), e) != 0 ||
	    json_set(own, "sig", json_new_hex(sig, sig_len), e) != 0) {
		json_free(own);
		return NULL;
	}
	return json_append(all, own, e) == 0 ? TAKE(all) : NULL;
}

static int keyid_of_private(const struct privkey *key, char ret[KEYID_LEN + 1],
			    struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, e);
	AUTO_PTR(json) struct json *object = NULL;

	if (public != NULL)
		object = key_object(public, e);
	return object == NULL ? -1 : keyid_of(object, ret, e);
}

int repo_sign(const void *envelope, size_t len, const struct privkey *key,
	      struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *env = json_parse_strict(envelope, len, e);
	AUTO(buf) struct buf canonical = BUF_INIT(CANONICAL_MAX_BYTES);
	const struct json *body = NULL, *signatures = NULL;
	char keyid[KEYID_LEN + 1];
	uint8_t sig[SIG_MAX_LEN];
	size_t sig_len = 0;

	if (env == NULL || json_get_object(env, "signed", &body, e) != 0 ||
	    json_get_array(env, "signatures", &signatures, e) != 0 ||
	    json_write_canonical(body, &canonical, e) != 0 ||
	    keyid_of_private(key, keyid, e) != 0 ||
	    sign_message(key, canonical.data, canonical.len, sig, &sig_len, e) != 0)
		return err_wrap(e, "sign metadata");
	if (json_set(env, "signatures",
		     signatures_with(signatures, keyid, sig, sig_len, e), e) != 0)
		return err_wrap(e, "sign metadata");
	return json_write(env, ret, e);
}

/* Replaces b's content by itself with key's signature. */
static int sign_in_place(struct buf *b, const struct privkey *key, struct err *e)
{
	AUTO(buf) struct buf signed_ = BUF_INIT(b->cap);

	if (repo_sign(b->data, b->len, key, &signed_, e) != 0)
		return -1;
	buf_clear(b);
	return buf_add(b, signed_.data, signed_.len, e);
}

/* ------------------------------------------------------------------ root */

/* Adds the role's keys to all, and makes its {"keyids","threshold"}. */
static struct json *role_object(const struct repo_role_keys *role, struct json *all,
				struct err *e)
{
	AUTO_PTR(json) struct json *object = json_new_object();
	AUTO_PTR(json) struct json *ids = json_new_array();
	char keyid[KEYID_LEN + 1];

	if (role->threshold == 0 || role->threshold > role->n_keys) {
		(void)err_set(e, ERR_USAGE, "a threshold of %u with %zu keys",
			      role->threshold, role->n_keys);
		return NULL;
	}
	for (size_t i = 0; i < role->n_keys; i++) {
		struct json *key = key_object(role->keys[i], e);

		if (key == NULL || keyid_of(key, keyid, e) != 0) {
			json_free(key);
			return NULL;
		}
		if (json_set(all, keyid, key, e) != 0 ||
		    json_append(ids, json_new_text(keyid), e) != 0)
			return NULL;
	}
	if (json_set(object, "keyids", TAKE(ids), e) != 0 ||
	    json_set(object, "threshold", json_new_int(role->threshold), e) != 0)
		return NULL;
	return TAKE(object);
}

static int set_roles(struct json *body, const struct repo_root_spec *spec,
		     struct err *e)
{
	const struct {
		const char *name;
		const struct repo_role_keys *role;
	} rows[] = {
	    {"root", &spec->root},
	    {"targets", &spec->targets},
	    {"snapshot", &spec->snapshot},
	    {"timestamp", &spec->timestamp},
	};
	AUTO_PTR(json) struct json *keys = json_new_object();
	AUTO_PTR(json) struct json *roles = json_new_object();

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct json *role = role_object(rows[i].role, keys, e);

		if (role == NULL || json_set(roles, rows[i].name, role, e) != 0)
			return err_wrap(e, "role %s", rows[i].name);
	}
	if (json_set(body, "keys", TAKE(keys), e) != 0)
		return -1;
	return json_set(body, "roles", TAKE(roles), e);
}

int repo_make_root(const struct repo_root_spec *spec,
		   const struct privkey *const *signers, size_t n_signers,
		   struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (set_common(body, "root", spec->version, spec->expires_utc_ms, e) != 0 ||
	    json_set(body, "consistent_snapshot", json_new_bool(true), e) != 0 ||
	    set_roles(body, spec, e) != 0 ||
	    (spec->demo && json_set(body, "x-ota-demo", json_new_bool(true), e) != 0))
		return err_wrap(e, "make root");
	buf_clear(ret);
	if (write_unsigned(TAKE(body), ret, e) != 0)
		return err_wrap(e, "make root");
	for (size_t i = 0; i < n_signers; i++) {
		if (sign_in_place(ret, signers[i], e) != 0)
			return err_wrap(e, "make root");
	}
	return 0;
}

/* ------------------------------------------------------------------ targets */

int repo_draft_targets_empty(int64_t expires_utc_ms, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (set_common(body, "targets", 1, expires_utc_ms, e) != 0 ||
	    json_set(body, "targets", json_new_object(), e) != 0)
		return err_wrap(e, "draft targets");
	buf_clear(ret);
	return write_unsigned(TAKE(body), ret, e);
}

/* A copy of current's body with version + 1, its new expiry and its targets as an
 * object of its own, to be changed and set back. */
static struct json *draft_next(const void *current, size_t len, int64_t expires_utc_ms,
			       struct json **ret_targets, struct err *e)
{
	AUTO_PTR(json) struct json *env = json_parse_strict(current, len, e);
	AUTO_PTR(json) struct json *next = NULL;
	const struct json *body = NULL, *targets = NULL;
	const char *type = NULL;
	uint64_t version = 0;

	if (env == NULL || json_get_object(env, "signed", &body, e) != 0 ||
	    json_get_text(body, "_type", &type, e) != 0 ||
	    json_get_u64(body, "version", &version, e) != 0 ||
	    json_get_object(body, "targets", &targets, e) != 0)
		return NULL;
	if (strcmp(type, "targets") != 0) {
		(void)err_set(e, ERR_FORMAT, "_type is \"%s\", not \"targets\"", type);
		return NULL;
	}
	next = json_clone(body);
	if (next == NULL ||
	    set_common(next, "targets", version + 1, expires_utc_ms, e) != 0)
		return NULL;
	*ret_targets = json_clone(targets);
	if (*ret_targets == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return TAKE(next);
}

/* Takes body and targets over. */
static int draft_write(struct json *body, struct json *targets, struct buf *ret,
		       struct err *e)
{
	if (json_set(body, "targets", targets, e) != 0) {
		json_free(body);
		return -1;
	}
	buf_clear(ret);
	return write_unsigned(body, ret, e);
}

int repo_draft_targets_add(const void *current, size_t len, const char *name,
			   uint64_t target_len, const uint8_t sha256_[32],
			   int64_t expires_utc_ms, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *targets = NULL;
	AUTO_PTR(json)
	struct json *body = draft_next(current, len, expires_utc_ms, &targets, e);

	if (body == NULL)
		return err_wrap(e, "draft targets");
	if (json_get(targets, name) != NULL)
		return err_set(e, ERR_CONFLICT, "targets list \"%s\" already", name);
	if (json_set(targets, name, file_object(target_len, sha256_, 0, e), e) != 0)
		return err_wrap(e, "draft targets");
	return draft_write(TAKE(body), TAKE(targets), ret, e);
}

int repo_draft_targets_remove(const void *current, size_t len, const char *name,
			      int64_t expires_utc_ms, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *targets = NULL;
	AUTO_PTR(json)
	struct json *body = draft_next(current, len, expires_utc_ms, &targets, e);

	if (body == NULL)
		return err_wrap(e, "draft targets");
	if (json_get(targets, name) == NULL)
		return err_set(e, ERR_NOT_FOUND, "targets do not list \"%s\"", name);
	json_remove(targets, name);
	return draft_write(TAKE(body), TAKE(targets), ret, e);
}

/* ------------------------------------------------------------------ delegations */

/* {"name","keyids","threshold","paths","terminating"}; its keys go to all. */
static struct json *delegation_object(const struct repo_delegation *d, struct json *all,
				      struct err *e)
{
	AUTO_PTR(json) struct json *object = role_object(&d->by, all, e);
	AUTO_PTR(json) struct json *paths = json_new_array();

	if (object == NULL || json_append(paths, json_new_text(d->path), e) != 0 ||
	    json_set(object, "name", json_new_text(d->name), e) != 0 ||
	    json_set(object, "paths", TAKE(paths), e) != 0 ||
	    json_set(object, "terminating", json_new_bool(true), e) != 0)
		return NULL;
	return TAKE(object);
}

static int set_delegations(struct json *body, const struct repo_delegation *d, size_t n,
			   struct err *e)
{
	AUTO_PTR(json) struct json *delegations = json_new_object();
	AUTO_PTR(json) struct json *keys = json_new_object();
	AUTO_PTR(json) struct json *roles = json_new_array();

	for (size_t i = 0; i < n; i++) {
		if (json_append(roles, delegation_object(&d[i], keys, e), e) != 0)
			return -1;
	}
	if (json_set(delegations, "keys", TAKE(keys), e) != 0 ||
	    json_set(delegations, "roles", TAKE(roles), e) != 0)
		return -1;
	return json_set(body, "delegations", TAKE(delegations), e);
}

int repo_draft_delegate(struct buf *draft, const struct repo_delegation *d, size_t n,
			struct err *e)
{
	AUTO_PTR(json) struct json *env = json_parse_strict(draft->data, draft->len, e);
	const struct json *body = NULL;
	struct json *next;

	if (env == NULL || json_get_object(env, "signed", &body, e) != 0)
		return err_wrap(e, "delegate");
	next = json_clone(body);
	if (next == NULL)
		return err_nomem(e);
	if (set_delegations(next, d, n, e) != 0) {
		json_free(next);
		return err_wrap(e, "delegate");
	}
	buf_clear(draft);
	return write_unsigned(next, draft, e);
}

int repo_make_role(const struct repo_role_spec *spec, const struct privkey *key,
		   struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *targets = json_new_object();

	for (size_t i = 0; i < spec->n_lines; i++) {
		const struct repo_line *l = &spec->lines[i];

		if (json_set(targets, l->name, file_object(l->length, l->sha256, 0, e),
			     e) != 0)
			return err_wrap(e, "make role");
	}
	if (set_common(body, "targets", spec->version, spec->expires_utc_ms, e) != 0 ||
	    json_set(body, "targets", TAKE(targets), e) != 0 ||
	    (spec->n_delegations > 0 &&
	     set_delegations(body, spec->delegations, spec->n_delegations, e) != 0))
		return err_wrap(e, "make role");
	buf_clear(ret);
	if (write_unsigned(TAKE(body), ret, e) != 0)
		return -1;
	return sign_in_place(ret, key, e);
}

/* ------------------------------------------------------- snapshot, timestamp */

/* `type` version `version` whose meta lists one file of another version, and more. */
static int make_listing(const char *type, const char *listed_type,
			const char *listed_name, const void *listed, size_t listed_len,
			const struct repo_file *more, size_t n_more, uint64_t version,
			int64_t expires_utc_ms, const struct privkey *key,
			struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *meta = json_new_object();
	uint64_t listed_version = 0;
	int64_t listed_expires = 0;
	uint8_t hash[SHA256_LEN];

	if (repo_peek(listed, listed_len, listed_type, &listed_version, &listed_expires,
		      e) != 0 ||
	    sha256(listed, listed_len, hash, e) != 0 ||
	    set_common(body, type, version, expires_utc_ms, e) != 0 ||
	    json_set(meta, listed_name,
		     file_object(listed_len, hash, listed_version, e), e) != 0)
		return -1;
	for (size_t i = 0; i < n_more; i++) {
		if (json_set(
			meta, more[i].name,
			file_object(more[i].length, more[i].sha256, more[i].version, e),
			e) != 0)
			return -1;
	}
	if (json_set(body, "meta", TAKE(meta), e) != 0)
		return -1;
	buf_clear(ret);
	if (write_unsigned(TAKE(body), ret, e) != 0)
		return -1;
	return sign_in_place(ret, key, e);
}

int repo_make_snapshot_of(const void *targets, size_t targets_len,
			  const struct repo_file *files, size_t n_files,
			  uint64_t version, int64_t expires_utc_ms,
			  const struct privkey *key, struct buf *ret, struct err *e)
{
	if (make_listing("snapshot", "targets", "targets.json", targets, targets_len,
			 files, n_files, version, expires_utc_ms, key, ret, e) != 0)
		return err_wrap(e, "make snapshot");
	return 0;
}

int repo_make_snapshot(const void *targets, size_t targets_len, uint64_t version,
		       int64_t expires_utc_ms, const struct privkey *key,
		       struct buf *ret, struct err *e)
{
	return repo_make_snapshot_of(targets, targets_len, NULL, 0, version,
				     expires_utc_ms, key, ret, e);
}

int repo_make_timestamp(const void *snapshot, size_t snapshot_len, uint64_t version,
			int64_t expires_utc_ms, const struct privkey *key,
			struct buf *ret, struct err *e)
{
	if (make_listing("timestamp", "snapshot", "snapshot.json", snapshot,
			 snapshot_len, NULL, 0, version, expires_utc_ms, key, ret,
			 e) != 0)
		return err_wrap(e, "make timestamp");
	return 0;
}

int repo_peek(const void *envelope, size_t len, const char *expect_type,
	      uint64_t *ret_version, int64_t *ret_expires_ms, struct err *e)
{
	AUTO_PTR(json) struct json *env = json_parse_strict(envelope, len, e);
	const struct json *body = NULL;
	const char *type = NULL, *expires = NULL;

	if (env == NULL || json_get_object(env, "signed", &body, e) != 0 ||
	    json_get_text(body, "_type", &type, e) != 0)
		return err_wrap(e, "%s", expect_type);
	if (strcmp(type, expect_type) != 0)
		return err_set(e, ERR_FORMAT, "_type is \"%s\", not \"%s\"", type,
			       expect_type);
	if (json_get_u64(body, "version", ret_version, e) != 0 ||
	    json_get_text(body, "expires", &expires, e) != 0 ||
	    time_parse(expires, ret_expires_ms, e) != 0)
		return err_wrap(e, "%s", expect_type);
	return 0;
}
