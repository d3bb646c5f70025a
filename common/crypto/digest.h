/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and MACs by OpenSSL's EVP. SHA-256 is what everything here trusts; SHA-1 and
 * MD5 exist only because device clients of the hawkBit API compare them. */
#ifndef OTA_CRYPTO_DIGEST_H
#define OTA_CRYPTO_DIGEST_H

#include "../base/err.h"

#include <stdint.h>

#define SHA256_LEN 32
#define SHA1_LEN 20
#define MD5_LEN 16
#define DIGEST_MAX_LEN 32

enum digest_kind { DIGEST_SHA256, DIGEST_SHA1, DIGEST_MD5 };

struct digest; /* a running computation; not shared between threads */

struct digest *digest_new(enum digest_kind kind, struct err *e) MUST_USE;
void digest_free(struct digest *d);
AUTO_PTR_DEFINE(digest)
int digest_add(struct digest *d, const void *data, size_t len, struct err *e) MUST_USE;
/* Writes the digest (its kind's length) and makes d ready to start anew. */
int digest_end(struct digest *d, uint8_t *ret, struct err *e) MUST_USE;

/* In one go. */
int sha256(const void *data, size_t len, uint8_t ret[SHA256_LEN],
	   struct err *e) MUST_USE;
/* SHA-256 of a followed by b: the salted block hash of dm-verity. */
int sha256_two(const void *a, size_t a_len, const void *b, size_t b_len,
	       uint8_t ret[SHA256_LEN], struct err *e) MUST_USE;
int hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		uint8_t ret[SHA256_LEN], struct err *e) MUST_USE;

/* Cryptographically secure. Fails only if the system has no entropy source. */
int random_bytes(void *ret, size_t len, struct err *e) MUST_USE;

#endif
