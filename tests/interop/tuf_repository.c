/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a repository with publish/repo, for other people's clients to read:
 *
 *	tuf_repository DIR
 *
 * DIR/metadata gets two roots (the second by other root keys, one of them P-256),
 * targets, snapshot and timestamp; DIR/targets the one target,
 * "release/gateway/1.0.0.json", whose bytes are "hello\n".
 */
#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"
#include "../../publish/repo/repo.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define YEAR_MS (365ll * 86400000)
#define CONTENT "hello\n"

enum { ROOT_ONE, ROOT_TWO, TARGETS, SNAPSHOT, TIMESTAMP, N_KEYS };

struct maker {
	const char *dir;
	struct privkey *key[N_KEYS];
	struct pubkey *public[N_KEYS];
	int64_t expires;
};

static int put(const struct maker *m, const char *name, const struct buf *data,
	       struct err *e)
{
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), e, "%s/metadata/%s", m->dir, name) != 0)
		return -1;
	return file_replace(path, data->data, data->len, 0644, e);
}

static int make_root(const struct maker *m, uint64_t version, const char *name,
		     struct err *e)
{
	const struct pubkey *const *keys = (const struct pubkey *const *)m->public;
	const struct privkey *signers[] = {m->key[ROOT_ONE], m->key[ROOT_TWO]};
	const struct repo_root_spec spec = {
	    .root = {version == 1 ? &keys[ROOT_ONE] : &keys[ROOT_TWO], 1, 1},
	    .targets = {&keys[TARGETS], 1, 1},
	    .snapshot = {&keys[SNAPSHOT], 1, 1},
	    .timestamp = {&keys[TIMESTAMP], 1, 1},
	    .version = version,
	    .expires_utc_ms = m->expires,
	};
	AUTO(buf) struct buf root = BUF_INIT(1u << 16);

	if (repo_make_root(&spec, signers, version == 1 ? 1 : 2, &root, e) != 0)
		return -1;
	return put(m, name, &root, e);
}

static int make_targets(const struct maker *m, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf empty = BUF_INIT(1u << 16), draft = BUF_INIT(1u << 16);
	char path[PATH_MAX], hex[2 * SHA256_LEN + 1];
	uint8_t hash[SHA256_LEN];

	if (sha256(CONTENT, strlen(CONTENT), hash, e) != 0 ||
	    repo_draft_targets_empty(m->expires, &empty, e) != 0 ||
	    repo_draft_targets_add(empty.data, empty.len, "release/gateway/1.0.0.json",
				   strlen(CONTENT), hash, m->expires, &draft, e) != 0 ||
	    repo_sign(draft.data, draft.len, m->key[TARGETS], ret, e) != 0)
		return -1;
	hex_encode(hash, sizeof(hash), hex);
	if (text_format(path, sizeof(path), e, "%s/targets/release/gateway", m->dir) !=
		0 ||
	    dir_make(path, 0755, e) != 0 ||
	    text_format(path, sizeof(path), e,
			"%s/targets/release/gateway/%s.1.0.0.json", m->dir, hex) != 0 ||
	    file_replace(path, CONTENT, strlen(CONTENT), 0644, e) != 0)
		return -1;
	return put(m, "2.targets.json", ret, e);
}

static int make(struct maker *m, struct err *e)
{
	AUTO(buf)
	struct buf targets = BUF_INIT(1u << 16), snapshot = BUF_INIT(1u << 16);
	AUTO(buf) struct buf timestamp = BUF_INIT(1u << 16);
	char path[PATH_MAX];

	for (int i = 0; i < N_KEYS; i++) {
		m->key[i] =
		    privkey_generate(i == ROOT_TWO ? KEY_ECDSA_P256 : KEY_ED25519, e);
		m->public[i] = m->key[i] == NULL ? NULL : privkey_public(m->key[i], e);
		if (m->public[i] == NULL)
			return -1;
	}
	if (text_format(path, sizeof(path), e, "%s/metadata", m->dir) != 0 ||
	    dir_make(path, 0755, e) != 0 || make_root(m, 1, "1.root.json", e) != 0 ||
	    make_root(m, 2, "2.root.json", e) != 0 ||
	    make_targets(m, &targets, e) != 0 ||
	    repo_make_snapshot(targets.data, targets.len, 7, m->expires,
			       m->key[SNAPSHOT], &snapshot, e) != 0 ||
	    put(m, "7.snapshot.json", &snapshot, e) != 0 ||
	    repo_make_timestamp(snapshot.data, snapshot.len, 9, m->expires,
				m->key[TIMESTAMP], &timestamp, e) != 0)
		return -1;
	return put(m, "timestamp.json", &timestamp, e);
}

int main(int argc, char **argv)
{
	struct maker m = {.dir = argc == 2 ? argv[1] : "",
			  .expires = clock_utc_ms(&clock_system) + YEAR_MS};
	struct err e = ERR_INIT;
	int result =
	    argc == 2 ? make(&m, &e) : err_set(&e, ERR_USAGE, "needs a directory");

	if (result != 0)
		(void)fprintf(stderr, "tuf_repository: %s\n", e.text);
	for (int i = 0; i < N_KEYS; i++) {
		privkey_free(m.key[i]);
		pubkey_free(m.public[i]);
	}
	return result == 0 ? 0 : 1;
}
