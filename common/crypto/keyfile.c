/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sealed is the key as PKCS#8 PEM; what is authenticated with it is everything
 * else in the file, as the canonical form of the object without "sealed". So role, demo
 * mark, public half and cost parameters cannot be altered without the passphrase.
 */
#include "keyfile.h"

#include "digest.h"

#include "../base/file.h"
#include "../base/text.h"
#include "../json/json.h"

#include <sodium.h>
#include <string.h>

#define FILE_MAX_BYTES 16384
#define PEM_MAX_BYTES 1024
#define SALT_LEN crypto_pwhash_SALTBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEAL_KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES

/* What we write. Without a passphrase there is nothing to stretch: the least the format
 * allows. */
#define OPS_LEAST 2u
#define MEM_LEAST (64u << 20)
#define OPS_WRITE 3u
#define MEM_WRITE (256u << 20)
/* What we are willing to spend on a file that somebody gave us. */
#define OPS_MAX 16u
#define MEM_MAX (1u << 30)

static const char *const scheme_names[] = {
    [KEY_ED25519] = "ed25519", [KEY_ECDSA_P256] = "ecdsa-sha2-nistp256"};

static const char *const members[] = {"_type",	"format", "role",   "scheme", "demo",
				      "public", "kdf",	  "cipher", "nonce",  "sealed"};

struct kdf {
	uint64_t ops;
	uint64_t mem;
	uint8_t salt[SALT_LEN];
};

struct seal_key {
	uint8_t bytes[SEAL_KEY_LEN];
};

static void seal_key_fini(struct seal_key *k)
{
	sodium_memzero(k, sizeof(*k));
}

/* A buffer for a secret: reserved in full beforehand, so that it never moves, and
 * wiped. */
struct secret {
	struct buf b;
};

static void secret_fini(struct secret *s)
{
	if (s->b.data != NULL)
		sodium_memzero(s->b.data, s->b.room);
	buf_fini(&s->b);
}

static int derive(const char *passphrase, const struct kdf *kdf, struct seal_key *ret,
		  struct err *e)
{
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium does not start");
	if (crypto_pwhash(ret->bytes, sizeof(ret->bytes), passphrase,
			  strlen(passphrase), kdf->salt, kdf->ops, (size_t)kdf->mem,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, ERR_NO_MEMORY, "key derivation: out of memory");
	return 0;
}

/* The authenticated data: the whole object but for "sealed". */
static int outline(const struct json *file, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *rest = json_clone(file);

	if (rest == NULL)
		return err_nomem(e);
	json_remove(rest, "sealed");
	return json_write_canonical(rest, ret, e);
}

static struct json *kdf_to_json(const struct kdf *kdf, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();

	if (json_set(j, "name", json_new_text("argon2id13"), e) < 0 ||
	    json_set(j, "ops", json_new_int((int64_t)kdf->ops), e) < 0 ||
	    json_set(j, "mem", json_new_int((int64_t)kdf->mem), e) < 0 ||
	    json_set(j, "salt", json_new_hex(kdf->salt, sizeof(kdf->salt)), e) < 0)
		return NULL;
	return TAKE(j);
}

static int add_public(struct json *file, const struct privkey *key, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, e);
	AUTO(buf) struct buf text = BUF_INIT(PEM_MAX_BYTES);

	if (public == NULL || pubkey_to_text(public, &text, e) < 0)
		return -1;
	if (json_set(file, "scheme", json_new_text(scheme_names[pubkey_scheme(public)]),
		     e) < 0)
		return -1;
	return json_set(file, "public", json_new_text(buf_str(&text)), e);
}

static struct json *new_file(const struct privkey *key, const char *role, bool demo,
			     const struct kdf *kdf, const uint8_t nonce[NONCE_LEN],
			     struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();
	struct json *kdf_json = kdf_to_json(kdf, e);

	if (kdf_json == NULL || json_set(j, "kdf", kdf_json, e) < 0 ||
	    json_set(j, "_type", json_new_text("ota-key"), e) < 0 ||
	    json_set(j, "format", json_new_int(1), e) < 0 ||
	    json_set(j, "role", json_new_text(role), e) < 0 ||
	    json_set(j, "demo", json_new_bool(demo), e) < 0 ||
	    json_set(j, "cipher", json_new_text("xchacha20-poly1305"), e) < 0 ||
	    json_set(j, "nonce", json_new_hex(nonce, NONCE_LEN), e) < 0 ||
	    add_public(j, key, e) < 0)
		return NULL;
	return TAKE(j);
}

static int seal(struct json *file, const struct privkey *key, const uint8_t *nonce,
		const struct seal_key *k, struct err *e)
{
	AUTO(secret) struct secret pem = {.b = BUF_INIT(PEM_MAX_BYTES)};
	AUTO(buf) struct buf ad = BUF_INIT(FILE_MAX_BYTES);
	uint8_t sealed[PEM_MAX_BYTES + TAG_LEN];
	unsigned long long len;

	if (buf_reserve(&pem.b, PEM_MAX_BYTES, e) < 0 ||
	    privkey_to_pem(key, &pem.b, e) < 0 || outline(file, &ad, e) < 0)
		return -1;
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, &len, pem.b.data,
							 pem.b.len, ad.data, ad.len,
							 NULL, nonce, k->bytes);
	return json_set(file, "sealed", json_new_hex(sealed, (size_t)len), e);
}

/* Keys of the offline roles are protected by a passphrase, if they are not for show. */
static int check_passphrase(const char *role, bool demo, const char *passphrase,
			    struct err *e)
{
	static const char *const offline[] = {"root", "targets", "boot"};

	for (size_t i = 0; i < N_ELEMS(offline); i++) {
		if (strcmp(role, offline[i]) == 0 && *passphrase == '\0' && !demo)
			return err_set(e, ERR_USAGE, "a %s key needs a passphrase",
				       role);
	}
	return 0;
}

int keyfile_write(const char *path, const struct privkey *key, const char *role,
		  bool demo, const char *passphrase, struct err *e)
{
	bool open = *passphrase == '\0';
	struct kdf kdf = {.ops = open ? OPS_LEAST : OPS_WRITE,
			  .mem = open ? MEM_LEAST : MEM_WRITE};
	AUTO_PTR(json) struct json *file = NULL;
	AUTO(seal_key) struct seal_key k = {{0}};
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	uint8_t nonce[NONCE_LEN];

	if (!text_is_name(role, sizeof(((struct keyfile_info *)0)->role) - 1, "-_"))
		return err_set(e, ERR_USAGE, "\"%s\" is not a role", role);
	if (check_passphrase(role, demo, passphrase, e) < 0 ||
	    random_bytes(kdf.salt, sizeof(kdf.salt), e) < 0 ||
	    random_bytes(nonce, sizeof(nonce), e) < 0 ||
	    derive(passphrase, &kdf, &k, e) < 0)
		return err_wrap(e, "write key %s", path);
	file = new_file(key, role, demo, &kdf, nonce, e);
	if (file == NULL || seal(file, key, nonce, &k, e) < 0 ||
	    json_write_pretty(file, &text, e) < 0 || buf_add_str(&text, "\n", e) < 0 ||
	    file_create(path, text.data, text.len, 0600, e) < 0)
		return err_wrap(e, "write key %s", path);
	return 0;
}

/* Reading. */

static int check_members(const struct json *file, struct err *e)
{
	if (!json_is_object(file))
		return err_set(e, ERR_FORMAT, "not an object");
	for (void *it = json_first(file); it != NULL; it = json_next(file, it)) {
		bool known = false;

		for (size_t i = 0; i < N_ELEMS(members); i++)
			known = known || strcmp(members[i], json_key(it)) == 0;
		if (!known)
			return err_set(e, ERR_UNSUPPORTED, "unknown field \"%s\"",
				       json_key(it));
	}
	return 0;
}

static int expect_text(const struct json *j, const char *key, const char *wanted,
		       struct err *e)
{
	const char *text;

	if (json_get_text(j, key, &text, e) < 0)
		return -1;
	if (strcmp(text, wanted) != 0)
		return err_set(e, ERR_UNSUPPORTED, "field \"%s\": \"%s\" is not \"%s\"",
			       key, text, wanted);
	return 0;
}

static struct json *load(const char *path, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	AUTO_PTR(json) struct json *file = NULL;
	uint64_t format;

	if (file_read(path, &text, e) < 0)
		return NULL;
	file = json_parse_strict(text.data, text.len, e);
	if (file == NULL || check_members(file, e) < 0 ||
	    expect_text(file, "_type", "ota-key", e) < 0 ||
	    json_get_u64(file, "format", &format, e) < 0)
		return NULL;
	if (format != 1) {
		(void)err_set(e, ERR_UNSUPPORTED, "key file format %d is not 1",
			      (int)format);
		return NULL;
	}
	return TAKE(file);
}

static int read_scheme(const struct json *file, enum key_scheme *ret, struct err *e)
{
	const char *name;

	if (json_get_text(file, "scheme", &name, e) < 0)
		return -1;
	for (size_t i = 0; i < N_ELEMS(scheme_names); i++) {
		if (strcmp(scheme_names[i], name) == 0) {
			*ret = (enum key_scheme)i;
			return 0;
		}
	}
	return err_set(e, ERR_UNSUPPORTED, "scheme \"%s\"", name);
}

static struct pubkey *read_public(const struct json *file,
				  struct keyfile_info *ret_info, struct err *e)
{
	const char *role;
	const char *text;

	if (read_scheme(file, &ret_info->scheme, e) < 0 ||
	    json_get_text(file, "role", &role, e) < 0 ||
	    text_copy(ret_info->role, sizeof(ret_info->role), role, "role", e) < 0 ||
	    json_get_bool(file, "demo", &ret_info->demo, e) < 0 ||
	    json_get_text(file, "public", &text, e) < 0)
		return NULL;
	return pubkey_from_text(ret_info->scheme, text, e);
}

static int read_kdf(const struct json *file, struct kdf *ret, struct err *e)
{
	const struct json *j;

	if (json_get_object(file, "kdf", &j, e) < 0 ||
	    expect_text(j, "name", "argon2id13", e) < 0 ||
	    json_get_u64(j, "ops", &ret->ops, e) < 0 ||
	    json_get_u64(j, "mem", &ret->mem, e) < 0 ||
	    json_get_hex(j, "salt", ret->salt, sizeof(ret->salt), e) < 0)
		return -1;
	if (ret->ops < 1 || ret->ops > OPS_MAX ||
	    ret->mem < crypto_pwhash_MEMLIMIT_MIN || ret->mem > MEM_MAX)
		return err_set(e, ERR_LIMIT,
			       "key derivation at a cost beyond the limits");
	return 0;
}

static int open_seal(const struct json *file, const struct seal_key *k,
		     struct buf *ret_pem, struct err *e)
{
	AUTO(buf) struct buf ad = BUF_INIT(FILE_MAX_BYTES);
	uint8_t sealed[PEM_MAX_BYTES + TAG_LEN];
	uint8_t nonce[NONCE_LEN];
	const char *text;
	size_t len;

	if (json_get_text(file, "sealed", &text, e) < 0 ||
	    json_get_hex(file, "nonce", nonce, sizeof(nonce), e) < 0)
		return -1;
	len = strlen(text) / 2;
	if (len <= TAG_LEN || len > sizeof(sealed))
		return err_set(e, ERR_FORMAT, "field \"sealed\": wrong length");
	if (hex_decode(text, sealed, len, e) < 0 || outline(file, &ad, e) < 0 ||
	    buf_reserve(ret_pem, len, e) < 0)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret_pem->data, NULL, NULL,
						       sealed, len, ad.data, ad.len,
						       nonce, k->bytes) != 0)
		return err_set(e, ERR_AUTH,
			       "wrong passphrase, or the file was altered");
	ret_pem->len = len - TAG_LEN;
	ret_pem->data[ret_pem->len] = '\0';
	return 0;
}

static struct privkey *unseal(const struct json *file, const char *passphrase,
			      const struct pubkey *expected, struct err *e)
{
	AUTO(secret) struct secret pem = {.b = BUF_INIT(PEM_MAX_BYTES + TAG_LEN)};
	AUTO_PTR(privkey) struct privkey *key = NULL;
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	AUTO(seal_key) struct seal_key k = {{0}};
	struct kdf kdf;

	if (expect_text(file, "cipher", "xchacha20-poly1305", e) < 0 ||
	    read_kdf(file, &kdf, e) < 0 || derive(passphrase, &kdf, &k, e) < 0 ||
	    open_seal(file, &k, &pem.b, e) < 0)
		return NULL;
	key = privkey_from_pem(buf_str(&pem.b), e);
	public = key != NULL ? privkey_public(key, e) : NULL;
	if (public == NULL)
		return NULL;
	if (!pubkey_equal(public, expected)) {
		(void)err_set(e, ERR_FORMAT, "the public half is not the secret's");
		return NULL;
	}
	return TAKE(key);
}

struct privkey *keyfile_read(const char *path, const char *passphrase, bool allow_demo,
			     struct keyfile_info *ret_info, struct err *e)
{
	AUTO_PTR(json) struct json *file = load(path, e);
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	AUTO_PTR(privkey) struct privkey *key = NULL;
	struct keyfile_info info = {.demo = true};

	public = file != NULL ? read_public(file, &info, e) : NULL;
	if (public != NULL && info.demo && !allow_demo)
		(void)err_set(e, ERR_UNTRUSTED, "this is a demo key");
	else if (public != NULL)
		key = unseal(file, passphrase, public, e);
	if (key == NULL) {
		(void)err_wrap(e, "read key %s", path);
		return NULL;
	}
	if (ret_info != NULL)
		*ret_info = info;
	return TAKE(key);
}

struct pubkey *keyfile_read_public(const char *path, struct keyfile_info *ret_info,
				   struct err *e)
{
	AUTO_PTR(json) struct json *file = load(path, e);
	struct keyfile_info info;
	struct pubkey *public = file != NULL ? read_public(file, &info, e) : NULL;

	if (public == NULL) {
		(void)err_wrap(e, "read key %s", path);
		return NULL;
	}
	if (ret_info != NULL)
		*ret_info = info;
	return public;
}
