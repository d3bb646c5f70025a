/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUF repository and a device in memory, for tests: keys, what the repository serves,
 * what the device stores, and a driver that writes down what was asked for.
 */
#ifndef OTA_TESTS_TUF_WORLD_H
#define OTA_TESTS_TUF_WORLD_H

#include "testing.h"

#include "../../common/base/text.h"
#include "../../common/tuf/tuf.h"
#include "../../publish/repo/repo.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS (86400ll * 1000)
#define YEAR_MS (365 * DAY_MS)
#define FAR "\"expires\":\"2036-01-01T00:00:00Z\",\"spec_version\":\"1.0.34\""

enum who { ROOT_A, ROOT_B, TARGETS, SNAPSHOT, TIMESTAMP, DELTA, NEXT, STRANGER, N_WHO };

struct file {
	char name[300];
	struct buf data;
};

struct files {
	struct file items[96];
	size_t n;
};

struct world {
	struct privkey *key[N_WHO];
	struct pubkey *pub[N_WHO];
	struct files repo;  /* by path below the metadata URL */
	struct files store; /* what the device trusts */
	char asked[8192];   /* "2.root.json timestamp.json ..." */
	int64_t now;
	bool any_names, offline;
	uint64_t root_version, snapshot_version, timestamp_version;
	struct buf targets; /* the current envelope, signed */
	int puts_left;	    /* the store fails when it reaches 0; negative: never */
};

/* ------------------------------------------------------------------ files */

static inline struct file *files_find(struct files *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->items[i].name, name) == 0)
			return &f->items[i];
	}
	return NULL;
}

/* The same, but it must be there. */
static inline struct file *files_need(struct files *f, const char *name)
{
	struct file *file = files_find(f, name);

	if (file == NULL) {
		fail_msg("there is no %s", name);
		abort(); /* not reached; fail_msg() does not say so to the compiler */
	}
	return file;
}

/* The text after the first occurrence of mark, which must occur. */
static inline char *text_after(struct file *f, const char *mark)
{
	char *at = strstr((char *)f->data.data, mark);

	if (at == NULL) {
		fail_msg("%s: no %s", f->name, mark);
		abort();
	}
	return at + strlen(mark);
}

static inline void files_put(struct files *f, const char *name, const void *data,
			     size_t len)
{
	struct file *file = files_find(f, name);

	if (file == NULL) {
		assert_true(f->n < N_ELEMS(f->items));
		file = &f->items[f->n++];
		snprintf(file->name, sizeof(file->name), "%s", name);
		buf_init(&file->data, 8u << 20);
	}
	buf_clear(&file->data);
	assert_int_equal(buf_add(&file->data, data, len, NULL), 0);
}

static inline void files_del(struct files *f, const char *name)
{
	struct file *file = files_find(f, name);

	if (file == NULL)
		return;
	buf_fini(&file->data);
	*file = f->items[--f->n];
}

static inline void files_clear(struct files *f)
{
	while (f->n > 0)
		buf_fini(&f->items[--f->n].data);
}

/* ------------------------------------------------------------------ the device's store
 */

static inline int mem_get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	struct world *w = ctx;
	struct file *file = files_find(&w->store, name);

	if (file == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s", name);
	return buf_add(ret, file->data.data, file->data.len, e);
}

static inline int mem_put(void *ctx, const char *name, const void *data, size_t len,
			  struct err *e)
{
	struct world *w = ctx;

	if (w->puts_left == 0)
		return err_set(e, ERR_NO_SPACE, "the medium is full");
	w->puts_left--;
	files_put(&w->store, name, data, len);
	return 0;
}

static inline int mem_del(void *ctx, const char *name, struct err *e)
{
	struct world *w = ctx;

	(void)e;
	files_del(&w->store, name);
	return 0;
}

static inline struct tuf_store world_store(struct world *w)
{
	return (struct tuf_store){mem_get, mem_put, mem_del, w};
}

/* ------------------------------------------------------------------ the repository */

static inline void repo_put(struct world *w, const char *path, const struct buf *data)
{
	files_put(&w->repo, path, data->data, data->len);
}

/* Serves an envelope around body, signed by the n keys. */
static inline void repo_put_signed(struct world *w, const char *path, const char *body,
				   const enum who *signers, size_t n)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf env = BUF_INIT(8u << 20);

	OK(buf_printf(&env, &e, "{\"signatures\":[],\"signed\":%s}", body));
	for (size_t i = 0; i < n; i++) {
		AUTO(buf) struct buf next = BUF_INIT(8u << 20);

		OK(repo_sign(env.data, env.len, w->key[signers[i]], &next, &e));
		buf_clear(&env);
		OK(buf_add(&env, next.data, next.len, &e));
	}
	repo_put(w, path, &env);
}

static inline struct repo_root_spec world_spec(struct world *w, uint64_t version)
{
	return (struct repo_root_spec){
	    .root = {(const struct pubkey *const *)&w->pub[ROOT_A], 2, 1},
	    .targets = {(const struct pubkey *const *)&w->pub[TARGETS], 1, 1},
	    .snapshot = {(const struct pubkey *const *)&w->pub[SNAPSHOT], 1, 1},
	    .timestamp = {(const struct pubkey *const *)&w->pub[TIMESTAMP], 1, 1},
	    .version = version,
	    .expires_utc_ms = w->now + 5 * YEAR_MS,
	};
}

static inline void repo_put_root(struct world *w, const struct repo_root_spec *spec,
				 const enum who *signers, size_t n)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
	const struct privkey *keys[4];
	char path[64];

	for (size_t i = 0; i < n; i++)
		keys[i] = w->key[signers[i]];
	OK(repo_make_root(spec, keys, n, &root, &e));
	snprintf(path, sizeof(path), "%llu.root.json",
		 (unsigned long long)spec->version);
	repo_put(w, path, &root);
}

static inline void repo_put_targets(struct world *w, uint64_t version)
{
	char path[64];

	snprintf(path, sizeof(path), "%llu.targets.json", (unsigned long long)version);
	repo_put(w, path, &w->targets);
}

/* Next snapshot and timestamp over what w->targets is now. */
static inline void repo_publish(struct world *w)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf snapshot = BUF_INIT(1u << 20);
	AUTO(buf) struct buf timestamp = BUF_INIT(1u << 16);
	uint64_t version = 0;
	int64_t expires = 0;
	char path[64];

	OK(repo_peek(w->targets.data, w->targets.len, "targets", &version, &expires,
		     &e));
	repo_put_targets(w, version);
	OK(repo_make_snapshot(w->targets.data, w->targets.len, ++w->snapshot_version,
			      w->now + 30 * DAY_MS, w->key[SNAPSHOT], &snapshot, &e));
	snprintf(path, sizeof(path), "%llu.snapshot.json",
		 (unsigned long long)w->snapshot_version);
	repo_put(w, path, &snapshot);
	OK(repo_make_timestamp(snapshot.data, snapshot.len, ++w->timestamp_version,
			       w->now + 7 * DAY_MS, w->key[TIMESTAMP], &timestamp, &e));
	repo_put(w, "timestamp.json", &timestamp);
}

/* Signs the next targets that also list name (its bytes are its name), by `signer`. */
static inline void world_add_target(struct world *w, const char *name, enum who signer)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	uint8_t hash[SHA256_LEN];

	OK(sha256(name, strlen(name), hash, &e));
	OK(repo_draft_targets_add(w->targets.data, w->targets.len, name, strlen(name),
				  hash, w->now + YEAR_MS, &draft, &e));
	buf_clear(&w->targets);
	OK(repo_sign(draft.data, draft.len, w->key[signer], &w->targets, &e));
}

/* ------------------------------------------------------------------ life */

static inline void world_init(struct world *w)
{
	static const enum who root_keys[] = {ROOT_A};
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);

	memset(w, 0, sizeof(*w));
	w->puts_left = -1;
	OK(time_parse("2026-11-23T12:00:00Z", &w->now, &e));
	for (int i = 0; i < N_WHO; i++) {
		w->key[i] = privkey_generate(
		    i == SNAPSHOT || i % 2 == 0 ? KEY_ED25519 : KEY_ECDSA_P256, &e);
		assert_non_null(w->key[i]);
		w->pub[i] = privkey_public(w->key[i], &e);
		assert_non_null(w->pub[i]);
	}
	buf_init(&w->targets, TUF_TARGETS_MAX_BYTES);
	w->root_version = 1;
	struct repo_root_spec spec = world_spec(w, 1);

	repo_put_root(w, &spec, root_keys, 1);
	OK(repo_draft_targets_empty(w->now + YEAR_MS, &draft, &e));
	OK(repo_sign(draft.data, draft.len, w->key[TARGETS], &w->targets, &e));
	world_add_target(w, "release/gateway/1.0.0.json", TARGETS);
	repo_publish(w);

	struct tuf_store store = world_store(w);
	struct file *root = files_need(&w->repo, "1.root.json");

	OK(tuf_init(&store, root->data.data, root->data.len, &e));
}

static inline void world_fini(struct world *w)
{
	for (int i = 0; i < N_WHO; i++) {
		privkey_free(w->key[i]);
		pubkey_free(w->pub[i]);
	}
	buf_fini(&w->targets);
	files_clear(&w->repo);
	files_clear(&w->store);
}

/* ------------------------------------------------------------------ the driver */

static inline struct tuf_client *world_client(struct world *w, struct err *e)
{
	struct tuf_store store = world_store(w);
	struct tuf_policy policy = {w->now, w->offline, w->any_names};

	return tuf_client_new(&store, &policy, e);
}

static inline int world_drive(struct world *w, struct tuf_client *c, struct err *e)
{
	struct tuf_request r;

	while (tuf_client_next(c, &r) == TUF_FETCH) {
		struct file *file = files_find(&w->repo, r.path);
		size_t used = strlen(w->asked);

		snprintf(w->asked + used, sizeof(w->asked) - used, "%s%s",
			 used == 0 ? "" : " ", r.path);
		if (file == NULL
			? tuf_client_missing(c, e) != 0
			: tuf_client_give(c, file->data.data, file->data.len, e) != 0)
			return -1;
	}
	return 0;
}

static inline int world_refresh(struct world *w, struct err *e)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = world_client(w, e);

	w->asked[0] = '\0';
	if (c == NULL || tuf_client_refresh(c, e) != 0)
		return -1;
	return world_drive(w, c, e);
}

/* Refreshes and looks name up; ERR_NOT_FOUND if nobody lists it. */
static inline int world_find(struct world *w, const char *name, struct tuf_target *ret,
			     struct err *e)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = world_client(w, e);

	w->asked[0] = '\0';
	if (c == NULL || tuf_client_refresh(c, e) != 0 || world_drive(w, c, e) != 0 ||
	    tuf_client_seek(c, name, e) != 0 || world_drive(w, c, e) != 0)
		return -1;
	return tuf_client_found(c, ret, e);
}

/* The version of a role that the device trusts, 0 if none. */
static inline uint64_t world_trusts(struct world *w, const char *role)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = world_client(w, NULL);
	uint64_t version = 0;
	int64_t expires;

	if (c == NULL || tuf_client_role(c, role, &version, &expires, NULL) != 0)
		return 0;
	return version;
}

#endif
