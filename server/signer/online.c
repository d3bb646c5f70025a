/* SPDX-License-Identifier: Apache-2.0 */
#include "online.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/format/version.h"
#include "../../common/crypto/keyfile.h"
#include "../../common/json/json.h"
#include "../../common/tuf/tuf.h"
#include "../../common/tuf/verify.h"
#include "../../publish/repo/repo.h"

#include <string.h>
#include <unistd.h>

#define DAY_MS 86400000ull
#define SNAPSHOT_LIFE_MAX_MS (366 * DAY_MS)
#define TIMESTAMP_LIFE_MAX_MS (31 * DAY_MS)
#define VERSION_MAX ((1ull << 53) - 1)
#define DELTA_ROLE "delta"
#define DELTA_PREFIX "delta/"

void signer_answer_fini(struct signer_answer *a)
{
	buf_fini(&a->snapshot);
	buf_fini(&a->timestamp);
}

/* ------------------------------------------------------------------ at rest */

static int in_dir(const struct online *o, const char *name, char ret[4200],
		  struct err *e)
{
	return text_format(ret, 4200, e, "%s/%s", o->dir, name);
}

static int issued_load(struct online *o, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	AUTO_PTR(json) struct json *j = NULL;
	char path[4200];

	if (in_dir(o, "issued.json", path, e) != 0)
		return -1;
	if (!file_exists(path))
		return 0;
	if (file_read(path, &text, e) != 0)
		return -1;
	j = json_parse_strict(text.data, text.len, e);
	if (j == NULL || json_get_u64(j, "snapshot", &o->snapshot, e) != 0 ||
	    json_get_u64(j, "timestamp", &o->timestamp, e) != 0 ||
	    json_get_u64(j, "targets", &o->targets, e) != 0 ||
	    json_get_u64(j, "renewed", &o->renewed, e) != 0 ||
	    json_opt_u64(j, "roles", &o->roles, e) != 0)
		return err_wrap(e, "%s", path);
	return 0;
}

static int issued_store(const struct online *o, struct err *e)
{
	char path[4200], text[256];

	if (in_dir(o, "issued.json", path, e) != 0 ||
	    text_format(text, sizeof(text), e,
			"{\"snapshot\":%llu,\"timestamp\":%llu,\"targets\":%llu,"
			"\"renewed\":%llu,\"roles\":%llu}\n",
			(unsigned long long)o->snapshot,
			(unsigned long long)o->timestamp,
			(unsigned long long)o->targets, (unsigned long long)o->renewed,
			(unsigned long long)o->roles) != 0)
		return -1;
	return file_replace(path, text, strlen(text), 0600, e);
}

/* The key of this role; made if this is the first start. */
static struct privkey *key_load(const struct online *o, const char *role, struct err *e)
{
	AUTO_PTR(privkey) struct privkey *key = NULL;
	struct keyfile_info info = {0};
	char name[32], path[4200];

	if (text_format(name, sizeof(name), e, "%s.key", role) != 0 ||
	    in_dir(o, name, path, e) != 0)
		return NULL;
	if (file_exists(path)) {
		key = keyfile_read(path, "", false, &info, e);
		if (key != NULL && strcmp(info.role, role) != 0) {
			(void)err_set(e, ERR_UNTRUSTED, "%s is a key for \"%s\"", path,
				      info.role);
			return NULL;
		}
		return TAKE(key);
	}
	key = privkey_generate(KEY_ED25519, e);
	if (key == NULL || keyfile_write(path, key, role, false, "", e) != 0)
		return NULL;
	return TAKE(key);
}

/* Two at once would give one version to two contents. */
static int directory_take(struct online *o, const char *dir, struct err *e)
{
	char path[4200];

	if (text_copy(o->dir, sizeof(o->dir), dir, "directory", e) != 0 ||
	    dir_make(dir, 0700, e) != 0 || in_dir(o, "lock", path, e) != 0)
		return -1;
	return file_lock(path, &o->lock_fd, e);
}

static int keys_load(struct online *o, struct err *e)
{
	o->snapshot_key = key_load(o, "snapshot", e);
	if (o->snapshot_key != NULL)
		o->timestamp_key = key_load(o, "timestamp", e);
	if (o->timestamp_key != NULL)
		o->snapshot_public = privkey_public(o->snapshot_key, e);
	if (o->snapshot_public != NULL)
		o->timestamp_public = privkey_public(o->timestamp_key, e);
	return o->timestamp_public == NULL ? -1 : 0;
}

int online_init(struct online *o, const char *dir, const struct clock *clock,
		struct err *e)
{
	*o = (struct online){.clock = clock, .lock_fd = -1};
	if (directory_take(o, dir, e) == 0 && issued_load(o, e) == 0 &&
	    keys_load(o, e) == 0)
		return 0;
	online_fini(o);
	return err_wrap(e, "signer");
}

void online_fini(struct online *o)
{
	privkey_free(TAKE(o->snapshot_key));
	privkey_free(TAKE(o->timestamp_key));
	pubkey_free(TAKE(o->snapshot_public));
	pubkey_free(TAKE(o->timestamp_public));
	if (o->lock_fd >= 0)
		(void)close(TAKE_FD(o->lock_fd));
}

/* ------------------------------------------------------------------ signing */

static uint64_t next_version(const struct online *o, uint64_t last, uint64_t floor)
{
	int64_t now_s = clock_utc_ms(o->clock) / 1000;
	uint64_t next = now_s > 0 ? (uint64_t)now_s : 1;

	if (next <= last)
		next = last + 1;
	return next <= floor ? floor + 1 : next;
}

static int ask_check(const struct signer_ask *ask, struct err *e)
{
	if (ask->snapshot_life_ms == 0 ||
	    ask->snapshot_life_ms > SNAPSHOT_LIFE_MAX_MS ||
	    ask->timestamp_life_ms == 0 ||
	    ask->timestamp_life_ms > TIMESTAMP_LIFE_MAX_MS)
		return err_set(e, ERR_USAGE, "a life longer than is allowed");
	if (ask->snapshot_floor >= VERSION_MAX || ask->timestamp_floor >= VERSION_MAX)
		return err_set(e, ERR_LIMIT, "no version is left");
	return 0;
}

static int64_t expiry(const struct online *o, uint64_t life_ms)
{
	return clock_utc_ms(o->clock) + (int64_t)life_ms;
}

static void answer_init(struct signer_answer *ret)
{
	*ret = (struct signer_answer){
	    .snapshot = BUF_INIT(TUF_SNAPSHOT_MAX_BYTES),
	    .timestamp = BUF_INIT(TUF_TIMESTAMP_MAX_BYTES),
	};
}

static int sign_both(struct online *o, const struct signer_ask *ask,
		     struct signer_answer *ret, struct err *e)
{
	ret->snapshot_version = next_version(o, o->snapshot, ask->snapshot_floor);
	ret->timestamp_version = next_version(o, o->timestamp, ask->timestamp_floor);
	o->snapshot = ret->snapshot_version;
	o->timestamp = ret->timestamp_version;
	if (issued_store(o, e) != 0 ||
	    repo_make_snapshot_of(ask->targets, ask->targets_len, ask->roles,
				  ask->n_roles, ret->snapshot_version,
				  expiry(o, ask->snapshot_life_ms), o->snapshot_key,
				  &ret->snapshot, e) != 0)
		return -1;
	return repo_make_timestamp(
	    ret->snapshot.data, ret->snapshot.len, ret->timestamp_version,
	    expiry(o, ask->timestamp_life_ms), o->timestamp_key, &ret->timestamp, e);
}

int online_sign(struct online *o, const struct signer_ask *ask,
		struct signer_answer *ret, struct err *e)
{
	uint64_t version = 0;
	int64_t expires = 0;

	answer_init(ret);
	if (ask_check(ask, e) != 0 || repo_peek(ask->targets, ask->targets_len,
						"targets", &version, &expires, e) != 0)
		return -1;
	if (version < o->targets)
		return err_set(e, ERR_ROLLBACK,
			       "targets version %llu is older than the %llu signed for",
			       (unsigned long long)version,
			       (unsigned long long)o->targets);
	o->targets = version;
	if (sign_both(o, ask, ret, e) != 0) {
		signer_answer_fini(ret);
		return -1;
	}
	return 0;
}

/* The version of a snapshot that this signer's key has signed. */
static int own_snapshot(const struct online *o, const struct signer_ask *ask,
			uint64_t *ret_version, struct err *e)
{
	struct tuf_key key = {"", o->snapshot_public};
	const struct tuf_key *keys[] = {&key};
	struct tuf_role role = {keys, 1, 1};
	struct tuf_envelope env = {0};
	int64_t expires = 0;
	int result;

	if (repo_peek(ask->snapshot, ask->snapshot_len, "snapshot", ret_version,
		      &expires, e) != 0 ||
	    tuf_envelope_parse(ask->snapshot, ask->snapshot_len, &env, e) != 0)
		return -1;
	/* It carries one signature, whose key id is whatever was in use: ours, by
	 * material. */
	key.keyid = json_text(json_get(json_at(env.signatures, 0), "keyid"));
	result = key.keyid == NULL ? -1 : tuf_verify(&env, &role, NULL);
	tuf_envelope_fini(&env);
	if (result != 0)
		return err_set(e, ERR_UNTRUSTED, "the snapshot is not this signer's");
	return 0;
}

int online_renew(struct online *o, const struct signer_ask *ask,
		 struct signer_answer *ret, struct err *e)
{
	uint64_t version = 0;

	answer_init(ret);
	if (ask_check(ask, e) != 0 || own_snapshot(o, ask, &version, e) != 0)
		return -1;
	if (version < o->renewed)
		return err_set(e, ERR_ROLLBACK,
			       "snapshot version %llu is older than the %llu renewed",
			       (unsigned long long)version,
			       (unsigned long long)o->renewed);
	ret->timestamp_version = next_version(o, o->timestamp, ask->timestamp_floor);
	o->timestamp = ret->timestamp_version;
	o->renewed = version;
	ret->snapshot_version = version;
	if (issued_store(o, e) != 0 ||
	    repo_make_timestamp(ask->snapshot, ask->snapshot_len,
				ret->timestamp_version,
				expiry(o, ask->timestamp_life_ms), o->timestamp_key,
				&ret->timestamp, e) != 0) {
		signer_answer_fini(ret);
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ the role delta */

/* Whatever the server asks for, names of releases are not ours to sign. */
static int check_line(const struct signer_role_ask *ask, const struct repo_line *l,
		      struct err *e)
{
	char prefix[sizeof(DELTA_PREFIX) + PRODUCT_MAX_LEN + 1];
	size_t len;

	if (ask->product[0] == '\0')
		return product_check(l->name, e);
	if (text_format(prefix, sizeof(prefix), e, DELTA_PREFIX "%s/", ask->product) !=
	    0)
		return -1;
	len = strlen(prefix);
	if (strncmp(l->name, prefix, len) != 0 || l->name[len] == '\0' ||
	    strchr(l->name + len, '/') != NULL)
		return err_set(e, ERR_UNTRUSTED, "\"%s\" is not below %s", l->name,
			       prefix);
	return 0;
}

static int check_role_ask(const struct signer_role_ask *ask, struct err *e)
{
	if (ask->life_ms == 0 || ask->life_ms > SNAPSHOT_LIFE_MAX_MS)
		return err_set(e, ERR_USAGE, "a life longer than is allowed");
	if (ask->floor >= VERSION_MAX)
		return err_set(e, ERR_LIMIT, "no version is left");
	if (ask->n_lines > SIGNER_MAX_LINES)
		return err_set(e, ERR_LIMIT, "%zu lines", ask->n_lines);
	if (ask->product[0] != '\0' && product_check(ask->product, e) != 0)
		return -1;
	for (size_t i = 0; i < ask->n_lines; i++) {
		if (check_line(ask, &ask->lines[i], e) != 0)
			return -1;
	}
	return 0;
}

struct role_names {
	char name[sizeof(DELTA_ROLE) + 1 + PRODUCT_MAX_LEN];
	char path[sizeof(DELTA_PREFIX) + PRODUCT_MAX_LEN + 3];
};

/* The role delta: one delegation a product. */
static int make_top(const struct online *o, const struct signer_role_ask *ask,
		    struct repo_role_spec *spec, struct buf *ret, struct err *e)
{
	const struct pubkey *const keys[] = {o->snapshot_public};
	AUTO_FREE struct repo_delegation *d = calloc(ask->n_lines + 1, sizeof(*d));
	AUTO_FREE struct role_names *names = calloc(ask->n_lines + 1, sizeof(*names));

	if (d == NULL || names == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ask->n_lines; i++) {
		const char *product = ask->lines[i].name;

		if (text_format(names[i].name, sizeof(names[i].name), e,
				DELTA_ROLE "-%s", product) != 0 ||
		    text_format(names[i].path, sizeof(names[i].path), e,
				DELTA_PREFIX "%s/*", product) != 0)
			return -1;
		d[i] = (struct repo_delegation){
		    names[i].name, names[i].path, {keys, 1, 1}};
	}
	spec->delegations = d;
	spec->n_delegations = ask->n_lines;
	return repo_make_role(spec, o->snapshot_key, ret, e);
}

int online_role(struct online *o, const struct signer_role_ask *ask, struct buf *ret,
		uint64_t *ret_version, struct err *e)
{
	struct repo_role_spec spec;

	if (check_role_ask(ask, e) != 0)
		return -1;
	o->roles = next_version(o, o->roles, ask->floor);
	if (issued_store(o, e) != 0)
		return -1;
	*ret_version = o->roles;
	spec = (struct repo_role_spec){.version = o->roles,
				       .expires_utc_ms = expiry(o, ask->life_ms)};
	if (ask->product[0] == '\0')
		return make_top(o, ask, &spec, ret, e);
	spec.lines = ask->lines;
	spec.n_lines = ask->n_lines;
	return repo_make_role(&spec, o->snapshot_key, ret, e);
}
