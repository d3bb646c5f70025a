/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota keys rotate, ota keys push: another root key.
 *
 *	newest root, verified by itself
 *	-> the old root key opened, a new one made, sealed under the same passphrase
 *	-> the next version: the new key in the place of the old, all else as it was
 *	-> signed by both (TUF 1.0, 6.1: who trusts the old key follows, and from then
 *	   on trusts the new one alone)
 *	-> verified as a device would
 *	-> the whole directory replaced at once; what was is DIR.before-N
 *
 * Offline: nothing here needs the server. Devices follow once `ota keys push`, or the
 * next `ota release push`, took it there. Until every device has, the old directory is
 * worth as much as before: who holds the old key can lead those elsewhere that did not
 * follow yet.
 */
#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/tuf/trusted.h"
#include "../publish/repo/repo.h"
#include "key_place.h"
#include "keys.h"
#include "passphrase.h"
#include "root_send.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

const struct option keys_rotate_options[] = {
    {NULL, "root-lifetime", OPT_DURATION, AT(root_lifetime_ms), "3650d", NULL,
     "How long the new root.json is valid"},
    OPTIONS_PASSPHRASE,
    OPTION_END,
};

const struct option keys_push_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

struct rotation {
	struct tuf_root *root; /* the newest there is */
	struct privkey *old_key, *new_key;
	struct pubkey *old_public, *new_public;
	bool demo;
	struct buf next; /* the root that is made */
};

static void rotation_fini(struct rotation *r)
{
	tuf_root_free(r->root);
	privkey_free(r->old_key);
	privkey_free(r->new_key);
	pubkey_free(r->old_public);
	pubkey_free(r->new_public);
	buf_fini(&r->next);
}

/* ---- what there is ---- */

static int load_root(struct rotation *r, const char *dir, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(TUF_ROOT_MAX_BYTES);
	uint64_t newest;

	if (keys_newest(dir, "root", &newest, e) < 0)
		return -1;
	if (newest == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no root in %s", dir);
	if (keys_read_metadata(dir, "root", newest, &bytes, e) < 0)
		return -1;
	r->root = tuf_root_verify_self(bytes.data, bytes.len, e);
	if (r->root == NULL)
		return err_wrap(e, "root version %" PRIu64, newest);
	return 0;
}

/* Roots that several people sign are theirs to make: nobody holds all of the keys. */
static int check_ours(const struct rotation *r, struct err *e)
{
	const struct tuf_role *role = &r->root->roles[TUF_ROOT];

	if (role->n_keys != 1 || role->threshold != 1)
		return err_set(e, ERR_UNSUPPORTED,
			       "this root has %zu keys and a threshold of %" PRIu64
			       ", only one key is replaced here",
			       role->n_keys, role->threshold);
	if (role->keys[0]->key == NULL ||
	    !pubkey_equal(role->keys[0]->key, r->old_public))
		return err_set(e, ERR_UNTRUSTED,
			       "root.key is not the key that root version %" PRIu64
			       " names",
			       r->root->common.version);
	return 0;
}

static int open_keys(struct rotation *r, const struct ota *o, const char *dir,
		     struct passphrase *pass, struct err *e)
{
	struct keyfile_info info;
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), e, "%s/root.key", dir) < 0)
		return -1;
	r->old_public = keyfile_read_public(path, &info, e);
	if (r->old_public == NULL || check_ours(r, e) < 0)
		return -1;
	r->demo = info.demo;
	r->old_key = key_open(o, dir, "root.key", "root", pass, e);
	if (r->old_key == NULL)
		return -1;
	r->new_key = privkey_generate(KEY_ED25519, e);
	if (r->new_key != NULL)
		r->new_public = privkey_public(r->new_key, e);
	return r->new_public != NULL ? 0 : -1;
}

/* ---- what comes ---- */

#define MAX_KEYS 16

/* A role's keys as they are. */
static int keep_role(const struct tuf_role *role, const struct pubkey *room[MAX_KEYS],
		     struct repo_role_keys *ret, struct err *e)
{
	if (role->n_keys > MAX_KEYS)
		return err_set(e, ERR_LIMIT, "a role of %zu keys", role->n_keys);
	for (size_t i = 0; i < role->n_keys; i++) {
		if (role->keys[i]->key == NULL)
			return err_set(e, ERR_UNSUPPORTED, "a key of another scheme");
		room[i] = role->keys[i]->key;
	}
	*ret = (struct repo_role_keys){room, role->n_keys, (unsigned)role->threshold};
	return 0;
}

static int make_next(struct rotation *r, int64_t expires_ms, struct err *e)
{
	const struct pubkey *rooms[N_TUF_TOP_ROLES][MAX_KEYS];
	const struct pubkey *const new_public = r->new_public;
	const struct privkey *const signers[] = {r->old_key, r->new_key};
	struct repo_root_spec spec = {.root = {&new_public, 1, 1},
				      .version = r->root->common.version + 1,
				      .expires_utc_ms = expires_ms,
				      .demo = r->demo};
	struct repo_role_keys *const kept[N_TUF_TOP_ROLES] = {
	    [TUF_TARGETS] = &spec.targets,
	    [TUF_SNAPSHOT] = &spec.snapshot,
	    [TUF_TIMESTAMP] = &spec.timestamp};
	AUTO_PTR(tuf_root) struct tuf_root *next = NULL;

	for (size_t i = 0; i < N_TUF_TOP_ROLES; i++) {
		if (kept[i] != NULL &&
		    keep_role(&r->root->roles[i], rooms[i], kept[i], e) < 0)
			return -1;
	}
	if (repo_make_root(&spec, signers, N_ELEMS(signers), &r->next, e) < 0)
		return -1;
	next = root_verify_next(r->root, r->next.data, r->next.len, e);
	return next != NULL ? 0 : -1;
}

static int put_next(const struct rotation *r, const struct key_place *p,
		    const char *pass, struct err *e)
{
	static const char *const replaced[] = {"root.key", "root.pub", "root.json",
					       NULL};
	AUTO(buf) struct buf public = BUF_INIT(256);
	char path[PATH_MAX], name[64];

	if (key_place_copy(p, replaced, e) < 0 ||
	    key_place_path(p, "root.key", path, e) < 0 ||
	    keyfile_write(path, r->new_key, "root", r->demo, pass, e) < 0 ||
	    pubkey_to_text(r->new_public, &public, e) < 0 ||
	    buf_add_str(&public, r->demo ? KEY_DEMO_MARK "\n" : "\n", e) < 0 ||
	    key_place_put(p, "root.pub", public.data, public.len, e) < 0 ||
	    key_place_put(p, "root.json", r->next.data, r->next.len, e) < 0 ||
	    text_format(name, sizeof(name), e, "repository/%" PRIu64 ".root.json",
			r->root->common.version + 1) < 0)
		return -1;
	return key_place_put(p, name, r->next.data, r->next.len, e);
}

static int rotate(struct rotation *r, const struct ota *o, const char *dir,
		  char before[PATH_MAX], struct err *e)
{
	AUTO(passphrase) struct passphrase pass = {0};
	AUTO(key_place) struct key_place place = {0};
	int64_t expires = clock_utc_ms(&clock_system) + (int64_t)o->root_lifetime_ms;

	if (load_root(r, dir, e) < 0 || open_keys(r, o, dir, &pass, e) < 0 ||
	    make_next(r, expires, e) < 0 || key_place_begin(&place, dir, e) < 0 ||
	    put_next(r, &place, r->demo ? "" : pass.text, e) < 0 ||
	    text_format(before, PATH_MAX, e, "%s.before-%" PRIu64, place.dir,
			r->root->common.version + 1) < 0)
		return -1;
	return key_place_replace(&place, before, e);
}

RUN(keys_rotate)
{
	const struct ota *o = values;
	AUTO(rotation) struct rotation r = {.next = BUF_INIT(TUF_ROOT_MAX_BYTES)};
	char before[PATH_MAX];

	(void)n_operands;
	(void)log;
	if (rotate(&r, o, operands[0], before, e) < 0)
		return err_wrap(e, "rotate the root key");
	if (o->json)
		return keys_print(operands[0], e);
	(void)printf(
	    "Made a new root key and root.json version %" PRIu64
	    ", signed by the old key and the new one.\n"
	    "Next: ota keys push %s. The old key is in %s: destroy it when every "
	    "device has followed.\n",
	    r.root->common.version + 1, operands[0], before);
	return 0;
}

/* ---- to the server ---- */

RUN(keys_push)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	uint64_t known, newest;

	(void)n_operands;
	(void)log;
	if (keys_newest(operands[0], "root", &newest, e) < 0 ||
	    api_init(&a, o, true, e) < 0 || root_known(&a, &known, e) < 0)
		return -1;
	for (uint64_t v = known + 1; v <= newest; v++) {
		AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);

		if (keys_read_metadata(operands[0], "root", v, &root, e) < 0 ||
		    root_send(&a, &root, e) < 0)
			return err_wrap(e, "root version %" PRIu64, v);
	}
	if (!o->json)
		(void)printf("The server has root version %" PRIu64 ".\n",
			     known > newest ? known : newest);
	return 0;
}
