/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota release sign: the offline step. On the release machine, with no network:
 *
 *	verify the newest targets in the key directory against its root
 *	-> check the bundle: every hash again, the boot key's signature, and with
 *	   --image the root hashes from the builder's own files
 *	-> show what will be different -> sign -> verify what was signed
 *	-> DIR/repository/N.targets.json
 *	-> the bundle, with root chain and targets in it
 *
 * A cut between the last two leaves a signed list and a bundle without it: the same
 * command again finds the release listed and only finishes the bundle.
 */
#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/tuf/trusted.h"
#include "../publish/repo/repo.h"
#include "keys.h"
#include "package.h"
#include "passphrase.h"
#include "table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

const struct option release_sign_options[] = {
    {NULL, "keys", OPT_PATH, AT(keys_dir), NULL, "DIR", "Key directory"},
    {NULL, "image", OPT_LIST, AT(images), NULL, "NAME=FILE",
     "Compute this image's root hash again from the builder's file"},
    {NULL, "targets-lifetime", OPT_DURATION, AT(targets_lifetime_ms), "1095d", NULL,
     "How long the new list of releases is valid"},
    OPTIONS_PASSPHRASE,
    OPTION_END,
};

/* What is known before anything is signed. */
struct signing {
	const struct ota *o;
	FILE *words; /* what the signer reads: not where the JSON goes */
	struct package package;
	struct buf root_bytes;
	struct tuf_root *root;
	struct buf current_bytes; /* the newest targets */
	struct tuf_targets *current;
	struct buf next_bytes;
};

static void signing_init(struct signing *s, const struct ota *o)
{
	*s = (struct signing){.o = o,
			      .words = o->json ? stderr : stdout,
			      .package = {.fd = -1},
			      .root_bytes = BUF_INIT(TUF_ROOT_MAX_BYTES),
			      .current_bytes = BUF_INIT(TUF_TARGETS_MAX_BYTES),
			      .next_bytes = BUF_INIT(TUF_TARGETS_MAX_BYTES)};
}

static void signing_fini(struct signing *s)
{
	package_fini(&s->package);
	buf_fini(&s->root_bytes);
	buf_fini(&s->current_bytes);
	buf_fini(&s->next_bytes);
	tuf_root_free(s->root);
	tuf_targets_free(s->current);
}

static int load_current(struct signing *s, struct err *e)
{
	const char *dir = s->o->keys_dir;
	uint64_t root_version;
	uint64_t targets_version;

	if (keys_newest(dir, "root", &root_version, e) < 0 ||
	    keys_newest(dir, "targets", &targets_version, e) < 0)
		return -1;
	if (root_version == 0 || targets_version == 0)
		return err_set(e, ERR_NOT_FOUND, "%s is not a key directory", dir);
	if (keys_read_metadata(dir, "root", root_version, &s->root_bytes, e) < 0 ||
	    keys_read_metadata(dir, "targets", targets_version, &s->current_bytes, e) <
		0)
		return -1;
	s->root = tuf_root_verify_self(s->root_bytes.data, s->root_bytes.len, e);
	if (s->root == NULL)
		return err_wrap(e, "%s", dir);
	if (s->root->common.expires_utc_ms <= clock_utc_ms(&clock_system))
		return err_set(e, ERR_EXPIRED, "root version %" PRIu64 " has expired",
			       root_version);
	s->current =
	    targets_verify(s->root, s->current_bytes.data, s->current_bytes.len, e);
	if (s->current == NULL)
		return err_wrap(e, "%s", dir);
	if (s->current->common.version != targets_version)
		return err_set(e, ERR_ROLLBACK,
			       "%s: %" PRIu64 ".targets.json is version %" PRIu64, dir,
			       targets_version, s->current->common.version);
	return 0;
}

/* The builder's own file, hashed as the device will see it. */
static int hash_file(const char *path, const uint8_t *salt, uint64_t *ret_size,
		     uint8_t ret_root[SHA256_LEN], struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_PTR(verity_hasher) struct verity_hasher *h = NULL;
	uint8_t block[VERITY_BLOCK];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	*ret_size = (uint64_t)st.st_size;
	h = verity_hasher_new(salt, *ret_size, e);
	if (h == NULL)
		return -1;
	for (uint64_t at = 0; at < *ret_size; at += VERITY_BLOCK) {
		size_t n = *ret_size - at < VERITY_BLOCK ? (size_t)(*ret_size - at)
							 : VERITY_BLOCK;

		memset(block, 0, sizeof(block));
		if (fd_pread_full(fd, block, n, at, e) < 0 ||
		    verity_hasher_add(h, block, e) < 0)
			return err_wrap(e, "%s", path);
	}
	return verity_hasher_end(h, ret_root, NULL, NULL, e);
}

static int check_image(const struct signing *s, const char *text, struct err *e)
{
	const struct package *p = &s->package;
	const char *path = strchr(text, '=');
	uint8_t root[SHA256_LEN];
	uint64_t size;

	if (path == NULL)
		return err_set(e, ERR_USAGE, "--image: \"%s\" is not NAME=FILE", text);
	for (size_t i = 0; i < p->manifest.n_images; i++) {
		const struct image *image = &p->manifest.images[i];

		if (strlen(image->name) != (size_t)(path - text) ||
		    strncmp(image->name, text, strlen(image->name)) != 0)
			continue;
		if (hash_file(path + 1, image->salt, &size, root, e) < 0)
			return -1;
		if (size != image->size ||
		    memcmp(root, image->root_hash, sizeof(root)) != 0)
			return err_set(e, ERR_DIGEST,
				       "%s is not what the bundle holds as %s",
				       path + 1, image->name);
		(void)fprintf(s->words, "ok           %s is the bundle's image %s\n",
			      path + 1, image->name);
		return 0;
	}
	return err_set(e, ERR_USAGE, "--image: the bundle has no image \"%.*s\"",
		       (int)(path - text), text);
}

static int check_boot_key(const struct signing *s, unsigned *ret_index, struct err *e)
{
	AUTO(boot_key_ring) struct boot_key_ring ring = {0};
	struct descriptor d;

	if (boot_key_ring_load(&ring, s->o->keys_dir, e) < 0)
		return -1;
	if (descriptor_verify(s->package.descriptor_bytes, &ring.keys, 0, &d, e) < 0)
		return err_wrap(e, "%s: slot descriptor", s->package.path);
	*ret_index = d.key_index;
	return 0;
}

static int check_package(const struct signing *s, struct err *e)
{
	const struct manifest *m = &s->package.manifest;
	unsigned index = 0;

	if (m->n_images > 0 && check_boot_key(s, &index, e) < 0)
		return -1;
	if (package_check_body(&s->package, e) < 0)
		return -1;
	if (m->n_images > 0)
		(void)fprintf(
		    s->words,
		    "ok           manifest, slot descriptor (boot key %u) and "
		    "all %zu chunks\n",
		    index, s->package.head.n_chunks);
	for (size_t i = 0; i < m->n_files; i++)
		(void)fprintf(s->words, "ok           file %s (%s)\n", m->files[i].name,
			      file_part_name(m->files[i].part));
	for (size_t i = 0; i < s->o->images.n_items; i++) {
		if (check_image(s, s->o->images.items[i], e) < 0)
			return -1;
	}
	return 0;
}

/* 1 if this very manifest is listed already, 0 if the name is free. */
static int listed(const struct signing *s, struct err *e)
{
	const struct tuf_target_line *line =
	    tuf_targets_find(s->current, s->package.target);

	if (line == NULL)
		return 0;
	if (line->length == s->package.manifest_bytes.len &&
	    memcmp(line->sha256, s->package.manifest_sha256, SHA256_LEN) == 0)
		return 1;
	return err_set(
	    e, ERR_CONFLICT,
	    "%s %s is signed already with other content: a version is never reused",
	    s->package.manifest.product, s->package.manifest.version);
}

static void show_difference(const struct signing *s)
{
	const struct manifest *m = &s->package.manifest;
	char hash[2 * SHA256_LEN + 1];

	hex_encode(s->package.manifest_sha256, SHA256_LEN, hash);
	(void)fprintf(
	    s->words,
	    "targets      version %" PRIu64 " -> %" PRIu64 ", %zu releases -> %zu\n"
	    "+ %s\n"
	    "  %zu bytes, sha256 %s\n"
	    "  security version %" PRIu32 "%s%s\n",
	    s->current->common.version, s->current->common.version + 1,
	    s->current->n_targets, s->current->n_targets + 1, s->package.target,
	    s->package.manifest_bytes.len, hash, m->security_version,
	    m->raise_floor_to > 0 ? ", raises the floor" : "",
	    m->security_only ? ", marked as security only" : "");
	(void)fflush(s->words);
}

/* The new list must verify, hold this release, and have lost none. */
static int check_next(const struct signing *s, struct err *e)
{
	AUTO_PTR(tuf_targets)
	struct tuf_targets *next =
	    targets_verify(s->root, s->next_bytes.data, s->next_bytes.len, e);

	if (next == NULL)
		return err_wrap(e, "what was just signed");
	if (next->common.version != s->current->common.version + 1 ||
	    next->n_targets != s->current->n_targets + 1 ||
	    tuf_targets_find(next, s->package.target) == NULL)
		return err_set(e, ERR_INTERNAL,
			       "what was just signed is not what was drafted");
	return 0;
}

static int sign_next(struct signing *s, struct err *e)
{
	int64_t expires =
	    clock_utc_ms(&clock_system) + (int64_t)s->o->targets_lifetime_ms;
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	AUTO(passphrase) struct passphrase pass = {0};
	AUTO_PTR(privkey) struct privkey *key = NULL;
	char path[PATH_MAX];
	bool deltas = false;

	show_difference(s);
	if (repo_draft_targets_add(s->current_bytes.data, s->current_bytes.len,
				   s->package.target, s->package.manifest_bytes.len,
				   s->package.manifest_sha256, expires, &draft,
				   e) < 0 ||
	    targets_delegate_deltas(s->root, s->current, &draft, &deltas, e) < 0)
		return -1;
	if (deltas)
		(void)fprintf(s->words, "+ delta/ may be listed by the server, whose "
					"snapshot key the root names\n");
	key = key_open(s->o, s->o->keys_dir, "targets.key", "targets", &pass, e);
	if (key == NULL ||
	    repo_sign(draft.data, draft.len, key, &s->next_bytes, e) < 0 ||
	    check_next(s, e) < 0 ||
	    text_format(path, sizeof(path), e, "%s/repository/%" PRIu64 ".targets.json",
			s->o->keys_dir, s->current->common.version + 1) < 0)
		return -1;
	return file_create(path, s->next_bytes.data, s->next_bytes.len, 0644, e);
}

/* Puts root chain and targets into the bundle. */
static int finish_bundle(const struct signing *s, const struct buf *targets,
			 struct err *e)
{
	AUTO(package_metadata) struct package_metadata m;
	uint64_t newest = s->root->common.version;

	package_metadata_init(&m);
	if (newest > PACKAGE_MAX_ROOTS)
		return err_set(e, ERR_LIMIT, "%" PRIu64 " root versions, more than %d",
			       newest, PACKAGE_MAX_ROOTS);
	for (; m.n_roots < newest; m.n_roots++) {
		if (keys_read_metadata(s->o->keys_dir, "root", m.n_roots + 1,
				       &m.roots[m.n_roots], e) < 0)
			return -1;
	}
	if (buf_add(&m.targets, targets->data, targets->len, e) < 0)
		return -1;
	return package_write(&s->package, &m, s->package.path, e);
}

static int tell(const struct signing *s, const char *path, bool before, struct err *e)
{
	const struct manifest *m = &s->package.manifest;
	uint64_t version = s->current->common.version + !before;
	AUTO_PTR(json) struct json *j = json_new_object();

	if (!s->o->json) {
		(void)printf("%s: signed in targets version %" PRIu64
			     ". Next: ota release push.\n",
			     path, version);
		return 0;
	}
	if (json_set(j, "product", json_new_text(m->product), e) < 0 ||
	    json_set(j, "version", json_new_text(m->version), e) < 0 ||
	    json_set(j, "target", json_new_text(s->package.target), e) < 0 ||
	    json_set(j, "targets_version", json_new_int((int64_t)version), e) < 0 ||
	    json_set(j, "signed_before", json_new_bool(before), e) < 0)
		return -1;
	return print_json(j, e);
}

static int sign_release(struct signing *s, const char *path, struct err *e)
{
	int known;

	if (s->o->keys_dir == NULL)
		return err_set(e, ERR_USAGE, "--keys is missing");
	if (load_current(s, e) < 0 || package_open(&s->package, path, e) < 0)
		return -1;
	if (bundle_find(&s->package.table, PART_TIMESTAMP, 0) != NULL)
		return err_set(e, ERR_CONFLICT, "%s is signed and published already",
			       path);
	if (check_package(s, e) < 0)
		return -1;
	known = listed(s, e);
	if (known < 0)
		return -1;
	if (known == 0 && sign_next(s, e) < 0)
		return -1;
	if (finish_bundle(s, known == 1 ? &s->current_bytes : &s->next_bytes, e) < 0)
		return -1;
	return tell(s, path, known == 1, e);
}

RUN(release_sign)
{
	AUTO(signing) struct signing s;

	(void)n_operands;
	(void)log;
	signing_init(&s, values);
	return sign_release(&s, operands[0], e);
}
