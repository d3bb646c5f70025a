/* SPDX-License-Identifier: Apache-2.0 */
#include "trusted.h"

#include "../base/text.h"
#include "verify.h"

#include <string.h>

/* "<64 hex digits>.json" */
#define STORE_NAME_LEN (2 * SHA256_LEN + 5)

void tuf_trusted_fini(struct tuf_trusted *t)
{
	tuf_root_free(TAKE(t->root));
	tuf_timestamp_free(TAKE(t->timestamp));
	tuf_snapshot_free(TAKE(t->snapshot));
	tuf_targets_free(TAKE(t->targets));
}

static int expiry_check(const struct tuf_trusted *t, const struct tuf_common *c,
			struct err *e)
{
	char expires[TIME_TEXT_LEN + 1], now[TIME_TEXT_LEN + 1];

	if (c->expires_utc_ms > t->policy.now_utc_ms)
		return 0;
	time_format(c->expires_utc_ms, expires);
	time_format(t->policy.now_utc_ms, now);
	return err_set(e, ERR_EXPIRED, "version %llu expired at %s (it is %s)",
		       (unsigned long long)c->version, expires, now);
}

/* Online roles expire quickly, so that a frozen repository is noticed. A bundle is read
 * days or years after it was made: there their expiry says nothing. */
static int online_expiry_check(const struct tuf_trusted *t, const struct tuf_common *c,
			       struct err *e)
{
	return t->policy.offline ? 0 : expiry_check(t, c, e);
}

static int rollback(struct err *e, const char *what, uint64_t have, uint64_t trusted)
{
	return err_set(e, ERR_ROLLBACK,
		       "%s version %llu is older than the trusted %llu", what,
		       (unsigned long long)have, (unsigned long long)trusted);
}

static int store_put(const struct tuf_trusted *t, enum tuf_top_role role,
		     const void *data, size_t len, struct err *e)
{
	char name[32];

	if (text_format(name, sizeof(name), e, "%s.json", tuf_top_role_name(role)) != 0)
		return -1;
	return t->store.put(t->store.ctx, name, data, len, e);
}

/* ------------------------------------------------------------------ root */

struct tuf_root *tuf_root_verify_self(const void *data, size_t len, struct err *e)
{
	__attribute__((cleanup(tuf_envelope_fini))) struct tuf_envelope env = {0};
	AUTO_PTR(tuf_root) struct tuf_root *root = NULL;

	if (len > TUF_ROOT_MAX_BYTES) {
		(void)err_set(e, ERR_LIMIT, "root: %zu bytes", len);
		return NULL;
	}
	if (tuf_envelope_parse(data, len, &env, e) == 0)
		root = tuf_root_parse(&env, e);
	if (root == NULL || tuf_verify(&env, &root->roles[TUF_ROOT], e) != 0) {
		(void)err_wrap(e, "root");
		return NULL;
	}
	return TAKE(root);
}

/* A key that was withdrawn may have signed versions that no honest signer will reach
 * again: what it vouched for must not hold the new keys back (fast-forward attack). */
static int forget_withdrawn(struct tuf_trusted *t, const struct tuf_root *next,
			    struct err *e)
{
	const struct tuf_role *was = t->root->roles, *is = next->roles;

	if (tuf_role_keys_within(&was[TUF_TIMESTAMP], &is[TUF_TIMESTAMP]) &&
	    tuf_role_keys_within(&was[TUF_SNAPSHOT], &is[TUF_SNAPSHOT]))
		return 0;
	if (t->store.del(t->store.ctx, "timestamp.json", e) != 0 ||
	    t->store.del(t->store.ctx, "snapshot.json", e) != 0)
		return -1;
	tuf_timestamp_free(TAKE(t->timestamp));
	tuf_snapshot_free(TAKE(t->snapshot));
	return 0;
}

int tuf_trusted_give_root(struct tuf_trusted *t, const void *data, size_t len,
			  struct err *e)
{
	__attribute__((cleanup(tuf_envelope_fini))) struct tuf_envelope env = {0};
	AUTO_PTR(tuf_root) struct tuf_root *next = NULL;
	uint64_t expected = t->root->common.version + 1;

	next = tuf_root_verify_self(data, len, e);
	if (next == NULL)
		return -1;
	if (tuf_envelope_parse(data, len, &env, e) != 0)
		return err_wrap(e, "root");
	if (tuf_verify(&env, &t->root->roles[TUF_ROOT], e) != 0)
		return err_wrap(e, "root %llu, by the keys of the one before",
				(unsigned long long)expected);
	if (next->common.version != expected)
		return err_set(e, ERR_ROLLBACK, "root: version %llu where %llu is due",
			       (unsigned long long)next->common.version,
			       (unsigned long long)expected);
	if (store_put(t, TUF_ROOT, data, len, e) != 0 ||
	    forget_withdrawn(t, next, e) != 0)
		return err_wrap(e, "root");
	tuf_root_free(t->root);
	t->root = TAKE(next);
	return 0;
}

/* ----------------------------------------------------- verifying by the root */

static int envelope_verified(const struct tuf_role *role, const void *data, size_t len,
			     struct tuf_envelope *ret, struct err *e)
{
	if (tuf_envelope_parse(data, len, ret, e) != 0)
		return -1;
	return tuf_verify(ret, role, e);
}

static struct tuf_timestamp *timestamp_verified(const struct tuf_trusted *t,
						const void *data, size_t len,
						struct err *e)
{
	__attribute__((cleanup(tuf_envelope_fini))) struct tuf_envelope env = {0};

	if (envelope_verified(&t->root->roles[TUF_TIMESTAMP], data, len, &env, e) != 0)
		return NULL;
	return tuf_timestamp_parse(&env, e);
}

static struct tuf_snapshot *snapshot_verified(const struct tuf_trusted *t,
					      const void *data, size_t len,
					      struct err *e)
{
	__attribute__((cleanup(tuf_envelope_fini))) struct tuf_envelope env = {0};

	if (envelope_verified(&t->root->roles[TUF_SNAPSHOT], data, len, &env, e) != 0)
		return NULL;
	return tuf_snapshot_parse(&env, e);
}

/* Also what the snapshot says of it (f), and that it has not expired. */
static struct tuf_targets *targets_verified(const struct tuf_trusted *t,
					    const struct tuf_role *role,
					    const struct tuf_file *f, const void *data,
					    size_t len, struct err *e)
{
	__attribute__((cleanup(tuf_envelope_fini))) struct tuf_envelope env = {0};
	AUTO_PTR(tuf_targets) struct tuf_targets *targets = NULL;

	if (tuf_file_check(f, data, len, e) != 0 ||
	    envelope_verified(role, data, len, &env, e) != 0)
		return NULL;
	targets = tuf_targets_parse(&env, e);
	if (targets == NULL)
		return NULL;
	if (targets->common.version != f->version) {
		(void)err_set(e, ERR_DIGEST,
			      "version %llu where the snapshot names %llu",
			      (unsigned long long)targets->common.version,
			      (unsigned long long)f->version);
		return NULL;
	}
	if (expiry_check(t, &targets->common, e) != 0)
		return NULL;
	return TAKE(targets);
}

/* ------------------------------------------------------------------ timestamp */

static int timestamp_not_older(const struct tuf_trusted *t,
			       const struct tuf_timestamp *next, struct err *e)
{
	const struct tuf_timestamp *old = t->timestamp;

	if (old == NULL)
		return 0;
	if (next->common.version < old->common.version)
		return rollback(e, "its", next->common.version, old->common.version);
	if (next->common.version > old->common.version &&
	    next->snapshot.version < old->snapshot.version)
		return rollback(e, "the snapshot's", next->snapshot.version,
				old->snapshot.version);
	return 0;
}

int tuf_trusted_give_timestamp(struct tuf_trusted *t, const void *data, size_t len,
			       struct err *e)
{
	AUTO_PTR(tuf_timestamp) struct tuf_timestamp *next = NULL;

	next = timestamp_verified(t, data, len, e);
	if (next == NULL || timestamp_not_older(t, next, e) != 0)
		return err_wrap(e, "timestamp");
	if (t->timestamp != NULL &&
	    next->common.version == t->timestamp->common.version) {
		if (online_expiry_check(t, &t->timestamp->common, e) != 0)
			return err_wrap(e, "timestamp");
		return 0;
	}
	if (online_expiry_check(t, &next->common, e) != 0 ||
	    store_put(t, TUF_TIMESTAMP, data, len, e) != 0)
		return err_wrap(e, "timestamp");
	tuf_timestamp_free(t->timestamp);
	t->timestamp = TAKE(next);
	return 0;
}

/* ------------------------------------------------------------------ snapshot */

static int snapshot_not_older(const struct tuf_snapshot *old,
			      const struct tuf_snapshot *next, struct err *e)
{
	for (size_t i = 0; old != NULL && i < old->n_files; i++) {
		const struct tuf_file *was = &old->files[i];
		const struct tuf_file *is = tuf_snapshot_find(next, was->name);

		if (is == NULL)
			return err_set(e, ERR_ROLLBACK, "%s is no longer listed",
				       was->name);
		if (is->version < was->version)
			return rollback(e, was->name, is->version, was->version);
	}
	return 0;
}

int tuf_trusted_give_snapshot(struct tuf_trusted *t, const void *data, size_t len,
			      struct err *e)
{
	AUTO_PTR(tuf_snapshot) struct tuf_snapshot *next = NULL;
	const struct tuf_file *due = &t->timestamp->snapshot;

	if (tuf_file_check(due, data, len, e) == 0)
		next = snapshot_verified(t, data, len, e);
	if (next == NULL)
		return err_wrap(e, "snapshot");
	if (next->common.version != due->version)
		return err_set(e, ERR_DIGEST,
			       "snapshot: version %llu where the timestamp names %llu",
			       (unsigned long long)next->common.version,
			       (unsigned long long)due->version);
	if (snapshot_not_older(t->snapshot, next, e) != 0 ||
	    online_expiry_check(t, &next->common, e) != 0 ||
	    store_put(t, TUF_SNAPSHOT, data, len, e) != 0)
		return err_wrap(e, "snapshot");
	tuf_snapshot_free(t->snapshot);
	t->snapshot = TAKE(next);
	return 0;
}

/* ------------------------------------------------------------------ targets */

static const struct tuf_file *targets_file(const struct tuf_trusted *t, struct err *e)
{
	const struct tuf_file *f = tuf_snapshot_find(t->snapshot, "targets.json");

	if (f == NULL)
		(void)err_set(e, ERR_FORMAT, "snapshot: does not list targets.json");
	return f;
}

int tuf_trusted_give_targets(struct tuf_trusted *t, const void *data, size_t len,
			     struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *next = NULL;
	const struct tuf_file *f = targets_file(t, e);

	if (f == NULL)
		return -1;
	next = targets_verified(t, &t->root->roles[TUF_TARGETS], f, data, len, e);
	if (next == NULL || store_put(t, TUF_TARGETS, data, len, e) != 0)
		return err_wrap(e, "targets");
	tuf_targets_free(t->targets);
	t->targets = TAKE(next);
	return 0;
}

/* ------------------------------------------------------------------ from the store */

/* 1 read, 0 not there. */
static int store_get(const struct tuf_trusted *t, const char *name, struct buf *ret,
		     struct err *e)
{
	struct err why = ERR_INIT;

	if (t->store.get(t->store.ctx, name, ret, &why) == 0)
		return 1;
	if (why.code == ERR_NOT_FOUND)
		return 0;
	if (e != NULL)
		*e = why;
	return err_wrap(e, "trusted %s", name);
}

static int load_root(struct tuf_trusted *t, struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(TUF_ROOT_MAX_BYTES);
	int found = store_get(t, "root.json", &data, e);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_UNTRUSTED, "there is no trusted root yet");
	t->root = tuf_root_verify_self(data.data, data.len, e);
	return t->root == NULL ? err_wrap(e, "trusted root.json") : 0;
}

/*
 * What does not verify under the present root is not trusted any more: it is passed
 * over here and fetched anew. An expired timestamp or snapshot still serves: later ones
 * are compared with it.
 */
static int load_rest(struct tuf_trusted *t, struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	int found;

	tuf_timestamp_free(TAKE(t->timestamp));
	tuf_snapshot_free(TAKE(t->snapshot));
	found = store_get(t, "timestamp.json", &data, e);
	if (found > 0)
		t->timestamp = timestamp_verified(t, data.data, data.len, NULL);
	buf_clear(&data);
	if (found >= 0)
		found = store_get(t, "snapshot.json", &data, e);
	if (found > 0)
		t->snapshot = snapshot_verified(t, data.data, data.len, NULL);
	return found < 0 ? -1 : 0;
}

/* Only what the trusted snapshot names is trusted. */
static int load_targets(struct tuf_trusted *t, struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	const struct tuf_file *f = NULL;
	int found;

	tuf_targets_free(TAKE(t->targets));
	if (t->snapshot != NULL)
		f = targets_file(t, NULL);
	if (f == NULL)
		return 0;
	found = store_get(t, "targets.json", &data, e);
	if (found > 0)
		t->targets = targets_verified(t, &t->root->roles[TUF_TARGETS], f,
					      data.data, data.len, NULL);
	return found < 0 ? -1 : 0;
}

int tuf_trusted_load(struct tuf_trusted *t, struct err *e)
{
	if (load_root(t, e) != 0 || load_rest(t, e) != 0)
		return -1;
	return load_targets(t, e);
}

int tuf_trusted_root_final(struct tuf_trusted *t, struct err *e)
{
	if (expiry_check(t, &t->root->common, e) != 0)
		return err_wrap(e, "root");
	return load_rest(t, e);
}

bool tuf_trusted_has_snapshot(const struct tuf_trusted *t)
{
	const struct tuf_file *due = &t->timestamp->snapshot;
	AUTO(buf) struct buf data = BUF_INIT(TUF_SNAPSHOT_MAX_BYTES);

	return t->snapshot != NULL && t->snapshot->common.version == due->version &&
	       online_expiry_check(t, &t->snapshot->common, NULL) == 0 &&
	       store_get(t, "snapshot.json", &data, NULL) > 0 &&
	       tuf_file_check(due, data.data, data.len, NULL) == 0;
}

bool tuf_trusted_has_targets(struct tuf_trusted *t)
{
	return load_targets(t, NULL) == 0 && t->targets != NULL;
}

/* ------------------------------------------------------------------ delegated roles */

/* Role names come from metadata: a hash of one is a harmless file name. */
static int delegated_store_name(const char *role, char ret[STORE_NAME_LEN + 1],
				struct err *e)
{
	uint8_t hash[SHA256_LEN];

	if (sha256(role, strlen(role), hash, e) != 0)
		return -1;
	hex_encode(hash, sizeof(hash), ret);
	memcpy(ret + 2 * SHA256_LEN, ".json", sizeof(".json"));
	return 0;
}

const struct tuf_file *tuf_trusted_delegated_file(const struct tuf_trusted *t,
						  const char *role, struct err *e)
{
	char name[TUF_ROLE_NAME_MAX_LEN + 6];
	const struct tuf_file *f;

	if (text_format(name, sizeof(name), e, "%s.json", role) != 0)
		return NULL;
	f = tuf_snapshot_find(t->snapshot, name);
	if (f == NULL)
		(void)err_set(e, ERR_UNTRUSTED, "role \"%s\" is not in the snapshot",
			      role);
	return f;
}

struct tuf_targets *tuf_trusted_delegated_stored(const struct tuf_trusted *t,
						 const struct tuf_delegation *d)
{
	AUTO(buf) struct buf data = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	const struct tuf_file *f = tuf_trusted_delegated_file(t, d->name, NULL);
	char name[STORE_NAME_LEN + 1];

	if (f == NULL || delegated_store_name(d->name, name, NULL) != 0 ||
	    store_get(t, name, &data, NULL) <= 0)
		return NULL;
	return targets_verified(t, &d->role, f, data.data, data.len, NULL);
}

struct tuf_targets *tuf_trusted_delegated_give(const struct tuf_trusted *t,
					       const struct tuf_delegation *d,
					       const void *data, size_t len,
					       struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *targets = NULL;
	const struct tuf_file *f = tuf_trusted_delegated_file(t, d->name, e);
	char name[STORE_NAME_LEN + 1];

	if (f == NULL)
		return NULL;
	targets = targets_verified(t, &d->role, f, data, len, e);
	if (targets == NULL || delegated_store_name(d->name, name, e) != 0 ||
	    t->store.put(t->store.ctx, name, data, len, e) != 0) {
		(void)err_wrap(e, "role \"%s\"", d->name);
		return NULL;
	}
	return TAKE(targets);
}
