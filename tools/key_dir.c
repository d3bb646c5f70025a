/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a key directory; keys.c makes it. */
#include "keys.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/tuf/trusted.h"
#include "../common/tuf/verify.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* N of "N.role.json", or 0. */
static uint64_t version_in_name(const char *name, const char *role)
{
	size_t digits = strspn(name, "0123456789");
	char number[24];
	char rest[64];
	uint64_t version;

	if (digits == 0 || digits >= sizeof(number) ||
	    text_format(rest, sizeof(rest), NULL, ".%s.json", role) < 0 ||
	    strcmp(name + digits, rest) != 0)
		return 0;
	memcpy(number, name, digits);
	number[digits] = '\0';
	return parse_u64(number, &version, NULL) == 0 ? version : 0;
}

int keys_newest(const char *dir, const char *role, uint64_t *ret_version, struct err *e)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *d;

	*ret_version = 0;
	if (text_format(path, sizeof(path), e, "%s/repository", dir) < 0)
		return -1;
	d = opendir(path);
	if (d == NULL)
		return err_sys(e, "key directory %s", path);
	while ((entry = readdir(d)) != NULL) {
		uint64_t version = version_in_name(entry->d_name, role);

		if (version > *ret_version)
			*ret_version = version;
	}
	(void)closedir(d);
	return 0;
}

int keys_read_metadata(const char *dir, const char *role, uint64_t version,
		       struct buf *ret, struct err *e)
{
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), e, "%s/repository/%" PRIu64 ".%s.json", dir,
			version, role) < 0)
		return -1;
	return file_read(path, ret, e);
}

/* Cuts blanks and the mark of a demo key off the end. */
static void cut_end(struct buf *text)
{
	size_t mark = strlen(KEY_DEMO_MARK);

	while (text->len > 0 && strchr("\r\n ", text->data[text->len - 1]) != NULL)
		buf_cut(text, text->len - 1);
	if (text->len > mark &&
	    memcmp(text->data + text->len - mark, KEY_DEMO_MARK, mark) == 0)
		buf_cut(text, text->len - mark);
}

struct pubkey *keys_read_public(const char *path, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(256);
	struct pubkey *key;

	if (file_read(path, &text, e) < 0)
		return NULL;
	cut_end(&text);
	key = pubkey_from_text(KEY_ED25519, buf_str(&text), e);
	if (key == NULL)
		(void)err_wrap(e, "%s", path);
	return key;
}

int boot_key_ring_load(struct boot_key_ring *r, const char *dir, struct err *e)
{
	char path[PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < MAX_BOOT_KEYS; i++) {
		if (text_format(path, sizeof(path), e, "%s/boot-key-%zu.pub", dir, i) <
		    0)
			return -1;
		if (!file_exists(path))
			continue;
		r->owned[i] = keys_read_public(path, e);
		if (r->owned[i] == NULL)
			return -1;
		r->keys.keys[i] = r->owned[i];
		n++;
	}
	if (n == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no boot-key-N.pub in %s",
			       dir);
	return 0;
}

void boot_key_ring_fini(struct boot_key_ring *r)
{
	for (size_t i = 0; i < MAX_BOOT_KEYS; i++)
		pubkey_free(r->owned[i]);
}

struct tuf_root *root_verify_next(const struct tuf_root *trusted, const void *data,
				  size_t len, struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *next = tuf_root_verify_self(data, len, e);
	struct tuf_envelope env = {0};
	int verified;

	if (next == NULL || tuf_envelope_parse(data, len, &env, e) < 0)
		return NULL;
	verified = tuf_verify(&env, &trusted->roles[TUF_ROOT], e);
	tuf_envelope_fini(&env);
	if (verified < 0) {
		(void)err_wrap(e, "root version %" PRIu64, next->common.version);
		return NULL;
	}
	if (next->common.version != trusted->common.version + 1) {
		(void)err_set(e, ERR_ROLLBACK,
			      "root version %" PRIu64 " after %" PRIu64,
			      next->common.version, trusted->common.version);
		return NULL;
	}
	return TAKE(next);
}

struct tuf_targets *targets_verify(const struct tuf_root *root, const void *data,
				   size_t len, struct err *e)
{
	struct tuf_envelope env = {0};
	AUTO_PTR(tuf_targets) struct tuf_targets *targets = NULL;
	int verified = -1;

	if (tuf_envelope_parse(data, len, &env, e) == 0) {
		targets = tuf_targets_parse(&env, e);
		if (targets != NULL)
			verified = tuf_verify(&env, &root->roles[TUF_TARGETS], e);
	}
	tuf_envelope_fini(&env);
	if (verified < 0) {
		(void)err_wrap(e, "targets");
		return NULL;
	}
	return TAKE(targets);
}
