/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include "openssl_err.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <limits.h>

/* The algorithm is looked up once for each computation, not for each start: the look-up
 * costs as much as hashing a kilobyte. */
struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static const char *const md_names[] = {
    [DIGEST_SHA256] = "SHA256", [DIGEST_SHA1] = "SHA1", [DIGEST_MD5] = "MD5"};

struct digest *digest_new(enum digest_kind kind, struct err *e)
{
	AUTO_PTR(digest) struct digest *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	d->md = EVP_MD_fetch(NULL, md_names[kind], NULL);
	d->ctx = EVP_MD_CTX_new();
	if (d->md == NULL || d->ctx == NULL ||
	    EVP_DigestInit_ex(d->ctx, d->md, NULL) != 1) {
		(void)openssl_failed(e, ERR_INTERNAL, md_names[kind]);
		return NULL;
	}
	return TAKE(d);
}

void digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->md);
	free(d);
}

int digest_add(struct digest *d, const void *data, size_t len, struct err *e)
{
	if (EVP_DigestUpdate(d->ctx, data, len) != 1)
		return openssl_failed(e, ERR_INTERNAL, "digest");
	return 0;
}

int digest_end(struct digest *d, uint8_t *ret, struct err *e)
{
	if (EVP_DigestFinal_ex(d->ctx, ret, NULL) != 1 ||
	    EVP_DigestInit_ex(d->ctx, d->md, NULL) != 1)
		return openssl_failed(e, ERR_INTERNAL, "digest");
	return 0;
}

int sha256(const void *data, size_t len, uint8_t ret[SHA256_LEN], struct err *e)
{
	return sha256_two(data, len, NULL, 0, ret, e);
}

int sha256_two(const void *a, size_t a_len, const void *b, size_t b_len,
	       uint8_t ret[SHA256_LEN], struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);

	if (d == NULL || digest_add(d, a, a_len, e) < 0 ||
	    digest_add(d, b, b_len, e) < 0)
		return -1;
	return digest_end(d, ret, e);
}

int hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		uint8_t ret[SHA256_LEN], struct err *e)
{
	unsigned ret_len = SHA256_LEN;

	if (key_len > INT_MAX)
		return err_set(e, ERR_LIMIT, "HMAC key of %zu bytes", key_len);
	if (HMAC(EVP_sha256(), key_len > 0 ? key : "", (int)key_len, data, len, ret,
		 &ret_len) == NULL)
		return openssl_failed(e, ERR_INTERNAL, "HMAC");
	return 0;
}

int random_bytes(void *ret, size_t len, struct err *e)
{
	if (len > INT_MAX)
		return err_set(e, ERR_LIMIT, "%zu random bytes at once", len);
	if (RAND_bytes(ret, (int)len) != 1)
		return openssl_failed(e, ERR_INTERNAL, "random bytes");
	return 0;
}
