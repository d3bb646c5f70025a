/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota keys: makes the offline keys and the first root and targets metadata.
 *
 * A directory is made under another name and put in place whole: either all of it is
 * there or none, and keys that exist are never written over. No private key ever
 * crosses: the server's two online keys come as public halves (GET
 * /api/v1/repository/keys).
 */
#include "keys.h"

#include "api.h"
#include "key_place.h"

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../publish/repo/repo.h"
#include "passphrase.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define ONLINE_MAX_BYTES (64u * 1024)

const struct option keys_init_options[] = {
    {NULL, "online", OPT_PATH, AT(online_file), NULL, "FILE",
     "The server's own public keys: what GET /api/v1/repository/keys answers"},
    {NULL, "root-lifetime", OPT_DURATION, AT(root_lifetime_ms), "3650d", NULL,
     "How long root.json is valid"},
    {NULL, "targets-lifetime", OPT_DURATION, AT(targets_lifetime_ms), "1095d", NULL,
     "How long the list of releases is valid"},
    OPTIONS_PASSPHRASE,
    OPTION_END,
};

const struct option keys_online_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

enum role { ROOT, TARGETS, BOOT, SNAPSHOT, TIMESTAMP, N_ROLES };
#define N_OFFLINE SNAPSHOT /* the roles whose private keys are ours */

static const struct {
	const char *role;
	const char *key_file;
	const char *public_file;
} files[N_OFFLINE] = {
    [ROOT] = {"root", "root.key", "root.pub"},
    [TARGETS] = {"targets", "targets.key", "targets.pub"},
    [BOOT] = {"boot", "boot-0.key", "boot-key-0.pub"},
};

struct key_set {
	struct privkey *private[N_OFFLINE];
	struct pubkey *public[N_ROLES];
};

static void key_set_fini(struct key_set *k)
{
	for (size_t i = 0; i < N_OFFLINE; i++)
		privkey_free(k->private[i]);
	for (size_t i = 0; i < N_ROLES; i++)
		pubkey_free(k->public[i]);
}

/* {"keytype":..,"scheme":..,"public":..} */
static struct pubkey *online_key(const struct json *all, const char *role,
				 struct err *e)
{
	const struct json *j;
	const char *scheme;
	const char *text;
	struct pubkey *key = NULL;

	if (json_get_object(all, role, &j, e) < 0 ||
	    json_get_text(j, "scheme", &scheme, e) < 0 ||
	    json_get_text(j, "public", &text, e) < 0)
		return NULL;
	if (strcmp(scheme, "ed25519") == 0)
		key = pubkey_from_text(KEY_ED25519, text, e);
	else if (strcmp(scheme, "ecdsa-sha2-nistp256") == 0)
		key = pubkey_from_text(KEY_ECDSA_P256, text, e);
	else
		(void)err_set(e, ERR_UNSUPPORTED, "scheme \"%.40s\"", scheme);
	if (key == NULL)
		(void)err_wrap(e, "key for %s", role);
	return key;
}

static int load_online(struct key_set *k, const char *path, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(ONLINE_MAX_BYTES);
	AUTO_PTR(json) struct json *j = NULL;

	if (path == NULL)
		return err_set(
		    e, ERR_USAGE,
		    "--online is missing: the public keys that the server made "
		    "for snapshot and timestamp");
	if (file_read(path, &text, e) < 0)
		return -1;
	j = json_parse(text.data, text.len, e);
	if (j == NULL)
		return err_wrap(e, "%s", path);
	k->public[SNAPSHOT] = online_key(j, "snapshot", e);
	if (k->public[SNAPSHOT] != NULL)
		k->public[TIMESTAMP] = online_key(j, "timestamp", e);
	return k->public[TIMESTAMP] != NULL ? 0 : err_wrap(e, "%s", path);
}

static int generate(struct key_set *k, struct err *e)
{
	for (size_t i = 0; i < N_OFFLINE; i++) {
		k->private[i] = privkey_generate(KEY_ED25519, e);
		if (k->private[i] == NULL)
			return -1;
		k->public[i] = privkey_public(k->private[i], e);
		if (k->public[i] == NULL)
			return -1;
	}
	return 0;
}

static int put_keys(const struct key_place *p, const struct key_set *k, bool demo,
		    const char *pass, struct err *e)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < N_OFFLINE; i++) {
		AUTO(buf) struct buf text = BUF_INIT(256);

		if (key_place_path(p, files[i].key_file, path, e) < 0 ||
		    keyfile_write(path, k->private[i], files[i].role, demo, pass, e) <
			0 ||
		    pubkey_to_text(k->public[i], &text, e) < 0 ||
		    buf_add_str(&text, demo ? KEY_DEMO_MARK "\n" : "\n", e) < 0 ||
		    key_place_put(p, files[i].public_file, text.data, text.len, e) < 0)
			return -1;
	}
	return 0;
}

static int put_root(const struct key_place *p, const struct key_set *k, bool demo,
		    int64_t expires_ms, struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
	const struct pubkey *const *keys = (const struct pubkey *const *)k->public;
	const struct privkey *signer = k->private[ROOT];
	struct repo_root_spec spec = {
	    .root = {&keys[ROOT], 1, 1},
	    .targets = {&keys[TARGETS], 1, 1},
	    .snapshot = {&keys[SNAPSHOT], 1, 1},
	    .timestamp = {&keys[TIMESTAMP], 1, 1},
	    .version = 1,
	    .expires_utc_ms = expires_ms,
	    .demo = demo,
	};

	if (repo_make_root(&spec, &signer, 1, &root, e) < 0 ||
	    key_place_put(p, "repository/1.root.json", root.data, root.len, e) < 0)
		return -1;
	return key_place_put(p, "root.json", root.data, root.len, e);
}

static int put_targets(const struct key_place *p, const struct key_set *k,
		       int64_t expires_ms, struct err *e)
{
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	AUTO(buf) struct buf signed_ = BUF_INIT(TUF_TARGETS_MAX_BYTES);

	if (repo_draft_targets_empty(expires_ms, &draft, e) < 0 ||
	    repo_sign(draft.data, draft.len, k->private[TARGETS], &signed_, e) < 0)
		return -1;
	return key_place_put(p, "repository/1.targets.json", signed_.data, signed_.len,
			     e);
}

static int fill(const struct key_place *p, const struct key_set *k, const struct ota *o,
		const char *pass, struct err *e)
{
	static const char mark[] = "These keys are for demonstrations only.\n";
	int64_t now = clock_utc_ms(&clock_system);
	char path[PATH_MAX];

	if (key_place_path(p, "repository", path, e) < 0 ||
	    dir_make(path, 0755, e) < 0 || put_keys(p, k, o->demo, pass, e) < 0 ||
	    put_root(p, k, o->demo, now + (int64_t)o->root_lifetime_ms, e) < 0 ||
	    put_targets(p, k, now + (int64_t)o->targets_lifetime_ms, e) < 0)
		return -1;
	return o->demo ? key_place_put(p, "demo", mark, sizeof(mark) - 1, e) : 0;
}

static int refuse_existing(const char *dir, struct err *e)
{
	if (rmdir(dir) < 0 && errno != ENOENT)
		return err_set(e, ERR_CONFLICT,
			       "%s exists already: keys are never written over", dir);
	return 0;
}

RUN(keys_online)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *keys = NULL;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_init(&a, values, true, e) < 0 ||
	    api_call(&a, "GET", "/api/v1/repository/keys", NULL, &keys, e) < 0)
		return -1;
	return print_json(keys, e);
}

/* what is in a key directory */

static int fingerprint_text(const struct pubkey *k, char ret[2 * 32 + 1], struct err *e)
{
	uint8_t raw[32];

	if (pubkey_fingerprint(k, raw, e) < 0)
		return -1;
	hex_encode(raw, sizeof(raw), ret);
	return 0;
}

static int show_key(const char *dir, size_t i, struct table *t, struct json *list,
		    struct err *e)
{
	char path[PATH_MAX];
	char print[2 * 32 + 1];
	struct keyfile_info info;
	AUTO_PTR(pubkey) struct pubkey *key = NULL;
	struct json *row = json_new_object();

	if (json_append(list, row, e) < 0 ||
	    text_format(path, sizeof(path), e, "%s/%s", dir, files[i].key_file) < 0)
		return -1;
	key = keyfile_read_public(path, &info, e);
	if (key == NULL || fingerprint_text(key, print, e) < 0 ||
	    json_set(row, "role", json_new_text(info.role), e) < 0 ||
	    json_set(row, "demo", json_new_bool(info.demo), e) < 0 ||
	    json_set(row, "fingerprint", json_new_text(print), e) < 0)
		return -1;
	return table_add(
	    t, (const char *const[]){info.role, info.demo ? "demo" : "sealed", print},
	    e);
}

static int show_metadata(const char *dir, const char *role, struct json *ret,
			 struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	char expires[TIME_TEXT_LEN + 1];
	uint64_t version;
	int64_t expires_ms;
	struct json *j = json_new_object();

	if (json_set(ret, role, j, e) < 0 || keys_newest(dir, role, &version, e) < 0 ||
	    keys_read_metadata(dir, role, version, &text, e) < 0 ||
	    repo_peek(text.data, text.len, role, &version, &expires_ms, e) < 0 ||
	    json_set(j, "version", json_new_int((int64_t)version), e) < 0)
		return -1;
	time_format(expires_ms, expires);
	return json_set(j, "expires", json_new_text(expires), e);
}

static void print_metadata(const struct json *all, const char *role)
{
	const struct json *j = json_get(all, role);

	(void)printf("%s: version %" PRId64 ", valid until %s\n", role,
		     json_int(json_get(j, "version")),
		     json_text(json_get(j, "expires")));
}

static int show(const char *dir, bool as_json, struct err *e)
{
	static const char *const titles[] = {"ROLE", "SECRET", "FINGERPRINT"};
	AUTO_PTR(table) struct table *t = table_new(titles, N_ELEMS(titles), e);
	AUTO_PTR(json) struct json *all = json_new_object();
	struct json *list = json_new_array();

	if (t == NULL || json_set(all, "keys", list, e) < 0)
		return -1;
	for (size_t i = 0; i < N_OFFLINE; i++) {
		if (show_key(dir, i, t, list, e) < 0)
			return -1;
	}
	if (show_metadata(dir, "root", all, e) < 0 ||
	    show_metadata(dir, "targets", all, e) < 0)
		return -1;
	if (as_json)
		return print_json(all, e);
	table_print(t, "no keys");
	print_metadata(all, "root");
	print_metadata(all, "targets");
	return 0;
}

int keys_print(const char *dir, struct err *e)
{
	return show(dir, true, e);
}

RUN(keys_show)
{
	const struct ota *o = values;

	(void)n_operands;
	(void)log;
	return show(operands[0], o->json, e);
}

RUN(keys_init)
{
	const struct ota *o = values;
	AUTO(key_place) struct key_place place = {0};
	AUTO(passphrase) struct passphrase pass = {0};
	AUTO(key_set) struct key_set k = {0};

	(void)n_operands;
	(void)log;
	if (load_online(&k, o->online_file, e) < 0 ||
	    refuse_existing(operands[0], e) < 0 || passphrase_choose(&pass, o, e) < 0 ||
	    generate(&k, e) < 0 || key_place_begin(&place, operands[0], e) < 0 ||
	    fill(&place, &k, o, pass.text, e) < 0 || key_place_finish(&place, e) < 0)
		return -1;
	if (o->json)
		return keys_print(operands[0], e);
	(void)printf(
	    "Made %skeys for root, targets and boot in %s, root.json version 1 and an "
	    "empty list of releases.\n"
	    "Into each device go: root.json, boot-key-0.pub.\n",
	    o->demo ? "demo " : "", place.dir);
	return 0;
}

/* ---- deltas ---- */

#define MAX_SNAPSHOT_KEYS 8

/* One signature of any of them: each server signs with a key of its own. */
int targets_delegate_deltas(const struct tuf_root *root,
			    const struct tuf_targets *current, struct buf *draft,
			    bool *ret_added, struct err *e)
{
	const struct tuf_role *role = &root->roles[TUF_SNAPSHOT];
	const struct pubkey *keys[MAX_SNAPSHOT_KEYS];
	struct repo_delegation d = {"delta", "delta/*/*", {keys, 0, 1}};

	*ret_added = false;
	for (size_t i = 0; i < current->n_delegations; i++) {
		if (strcmp(current->delegations[i].name, d.name) != 0)
			return 0;
	}
	for (size_t i = 0; i < role->n_keys && d.by.n_keys < N_ELEMS(keys); i++) {
		if (role->keys[i]->key != NULL)
			keys[d.by.n_keys++] = role->keys[i]->key;
	}
	if (d.by.n_keys == 0)
		return 0;
	*ret_added = current->n_delegations == 0;
	return repo_draft_delegate(draft, &d, 1, e);
}
