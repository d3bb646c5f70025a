/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include "digest.h"
#include "openssl_err.h"
#include "pkey.h"

#include "../base/text.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <limits.h>
#include <string.h>

#define PEM_MAX_LEN 4096
#define P256_SPKI_LEN 91 /* uncompressed point, named curve: the one form we take */

void pubkey_free(struct pubkey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* OpenSSL cleanses the secret when the last reference goes. */
void privkey_free(struct privkey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

static int scheme_of(const EVP_PKEY *pkey, enum key_scheme *ret, struct err *e)
{
	char group[32] = "";
	size_t len;

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*ret = KEY_ED25519;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
	    strcmp(group, "prime256v1") == 0) {
		*ret = KEY_ECDSA_P256;
		return 0;
	}
	ERR_clear_error();
	return err_set(e, ERR_UNSUPPORTED,
		       "the key is neither Ed25519 nor ECDSA P-256");
}

/*
 * One key, one encoding: pubkey_equal() and fingerprints must agree. So a P-256 key
 * with explicit parameters or a compressed point is refused, and an Ed25519 point that
 * is not canonical or of small order (for which anyone can forge) as well.
 */
static int check_public(const struct pubkey *k, struct err *e)
{
	uint8_t raw[ED25519_PUBLIC_LEN];

	if (k->scheme == KEY_ECDSA_P256) {
		if (i2d_PUBKEY(k->pkey, NULL) == P256_SPKI_LEN)
			return 0;
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "the P-256 key is not an uncompressed point on a named curve");
	}
	if (pubkey_to_ed25519(k, raw, e) < 0)
		return -1;
	if (crypto_core_ed25519_is_valid_point(raw) != 1)
		return err_set(e, ERR_FORMAT, "not a valid Ed25519 public key");
	return 0;
}

struct pubkey *pubkey_wrap(EVP_PKEY *pkey, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		(void)err_nomem(e);
		return NULL;
	}
	k->pkey = pkey;
	if (scheme_of(pkey, &k->scheme, e) < 0 || check_public(k, e) < 0)
		return NULL;
	return TAKE(k);
}

static struct privkey *privkey_wrap(EVP_PKEY *pkey, struct err *e)
{
	AUTO_PTR(privkey) struct privkey *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		(void)err_nomem(e);
		return NULL;
	}
	k->pkey = pkey;
	if (scheme_of(pkey, &k->scheme, e) < 0)
		return NULL;
	return TAKE(k);
}

struct pubkey *pubkey_from_ed25519(const uint8_t raw[ED25519_PUBLIC_LEN], struct err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw,
							ED25519_PUBLIC_LEN);

	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_FORMAT, "Ed25519 public key");
		return NULL;
	}
	return pubkey_wrap(pkey, e);
}

static struct pubkey *pubkey_from_pem(const char *pem, struct err *e)
{
	size_t len = strnlen(pem, PEM_MAX_LEN + 1);
	AUTO_BIO BIO *b = NULL;
	EVP_PKEY *pkey;

	if (len > PEM_MAX_LEN) {
		(void)err_set(e, ERR_LIMIT, "a PEM key of more than %d bytes",
			      PEM_MAX_LEN);
		return NULL;
	}
	b = BIO_new_mem_buf(pem, (int)len);
	pkey = b != NULL ? PEM_read_bio_PUBKEY(b, NULL, NULL, NULL) : NULL;
	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_FORMAT, "not a public key in PEM");
		return NULL;
	}
	return pubkey_wrap(pkey, e);
}

static bool is_pem(const char *text)
{
	return strncmp(text, "-----BEGIN", 10) == 0;
}

struct pubkey *pubkey_from_text(enum key_scheme scheme, const char *text, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *k = NULL;
	uint8_t raw[ED25519_PUBLIC_LEN];

	if (scheme == KEY_ED25519 && !is_pem(text)) {
		if (hex_decode(text, raw, sizeof(raw), e) < 0) {
			(void)err_wrap(e, "Ed25519 public key");
			return NULL;
		}
		return pubkey_from_ed25519(raw, e);
	}
	k = pubkey_from_pem(text, e);
	if (k == NULL)
		return NULL;
	if (k->scheme != scheme) {
		(void)err_set(e, ERR_FORMAT,
			      "the key is not of the scheme it is said to be");
		return NULL;
	}
	return TAKE(k);
}

enum key_scheme pubkey_scheme(const struct pubkey *k)
{
	return k->scheme;
}

int bio_to_buf(BIO *b, struct buf *ret, struct err *e)
{
	char *data;
	long len = BIO_get_mem_data(b, &data);

	if (len <= 0)
		return openssl_failed(e, ERR_INTERNAL, "nothing was written");
	return buf_add(ret, data, (size_t)len, e);
}

int pubkey_to_text(const struct pubkey *k, struct buf *ret, struct err *e)
{
	AUTO_BIO BIO *b = NULL;
	uint8_t raw[ED25519_PUBLIC_LEN];
	char text[2 * ED25519_PUBLIC_LEN + 1];

	if (k->scheme == KEY_ED25519) {
		if (pubkey_to_ed25519(k, raw, e) < 0)
			return -1;
		hex_encode(raw, sizeof(raw), text);
		return buf_add_str(ret, text, e);
	}
	b = BIO_new(BIO_s_mem());
	if (b == NULL || PEM_write_bio_PUBKEY(b, k->pkey) != 1)
		return openssl_failed(e, ERR_INTERNAL, "public key to PEM");
	return bio_to_buf(b, ret, e);
}

int pubkey_to_ed25519(const struct pubkey *k, uint8_t ret[ED25519_PUBLIC_LEN],
		      struct err *e)
{
	size_t len = ED25519_PUBLIC_LEN;

	if (k->scheme != KEY_ED25519)
		return err_set(e, ERR_UNSUPPORTED, "the key is not Ed25519");
	if (EVP_PKEY_get_raw_public_key(k->pkey, ret, &len) != 1)
		return openssl_failed(e, ERR_INTERNAL, "Ed25519 public key");
	return 0;
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	bool equal = a->scheme == b->scheme && EVP_PKEY_eq(a->pkey, b->pkey) == 1;

	ERR_clear_error();
	return equal;
}

int pubkey_fingerprint(const struct pubkey *k, uint8_t ret[32], struct err *e)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(k->pkey, &der);
	int result;

	if (len <= 0)
		return openssl_failed(e, ERR_INTERNAL, "public key to DER");
	result = sha256(der, (size_t)len, ret, e);
	OPENSSL_free(der);
	return result;
}

struct privkey *privkey_generate(enum key_scheme scheme, struct err *e)
{
	EVP_PKEY *pkey = scheme == KEY_ED25519
			     ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
			     : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_INTERNAL, "key generation");
		return NULL;
	}
	return privkey_wrap(pkey, e);
}

struct privkey *privkey_from_ed25519_seed(const uint8_t seed[ED25519_SEED_LEN],
					  struct err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed,
							 ED25519_SEED_LEN);

	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_FORMAT, "Ed25519 private key");
		return NULL;
	}
	return privkey_wrap(pkey, e);
}

/* Without it OpenSSL would ask the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

struct privkey *privkey_from_pem(const char *pem, struct err *e)
{
	size_t len = strnlen(pem, PEM_MAX_LEN + 1);
	AUTO_BIO BIO *b = NULL;
	EVP_PKEY *pkey;

	if (len > PEM_MAX_LEN) {
		(void)err_set(e, ERR_LIMIT, "a PEM key of more than %d bytes",
			      PEM_MAX_LEN);
		return NULL;
	}
	b = BIO_new_mem_buf(pem, (int)len);
	pkey = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;
	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_FORMAT,
				     "not an unencrypted private key in PEM");
		return NULL;
	}
	return privkey_wrap(pkey, e);
}

int privkey_to_pem(const struct privkey *k, struct buf *ret, struct err *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_secmem()); /* wiped when freed */

	if (b == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return openssl_failed(e, ERR_INTERNAL, "private key to PEM");
	return bio_to_buf(b, ret, e);
}

struct pubkey *privkey_public(const struct privkey *k, struct err *e)
{
	uint8_t *der = NULL;
	const uint8_t *p;
	int len = i2d_PUBKEY(k->pkey, &der);
	EVP_PKEY *pkey;

	p = der;
	pkey = len > 0 ? d2i_PUBKEY(NULL, &p, len) : NULL;
	OPENSSL_free(der);
	if (pkey == NULL) {
		(void)openssl_failed(e, ERR_INTERNAL, "public half of a key");
		return NULL;
	}
	return pubkey_wrap(pkey, e);
}

static inline void EVP_MD_CTX_cleanup_(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}
#define AUTO_MD_CTX __attribute__((cleanup(EVP_MD_CTX_cleanup_)))

/* Ed25519 hashes by itself. */
static const char *digest_of(enum key_scheme scheme)
{
	return scheme == KEY_ED25519 ? NULL : "SHA256";
}

int sign_message(const struct privkey *k, const void *data, size_t len,
		 uint8_t ret_sig[SIG_MAX_LEN], size_t *ret_len, struct err *e)
{
	AUTO_MD_CTX EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	*ret_len = SIG_MAX_LEN;
	if (ctx == NULL ||
	    EVP_DigestSignInit_ex(ctx, NULL, digest_of(k->scheme), NULL, NULL, k->pkey,
				  NULL) != 1 ||
	    EVP_DigestSign(ctx, ret_sig, ret_len, data, len) != 1)
		return openssl_failed(e, ERR_INTERNAL, "sign");
	return 0;
}

int verify_message(const struct pubkey *k, const void *data, size_t len,
		   const uint8_t *sig, size_t sig_len, struct err *e)
{
	AUTO_MD_CTX EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, digest_of(k->scheme),
						   NULL, NULL, k->pkey, NULL) != 1)
		return openssl_failed(e, ERR_INTERNAL, "verify");
	if (EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1)
		return 0;
	ERR_clear_error();
	return err_set(e, ERR_SIGNATURE, "the signature is not this key's");
}
