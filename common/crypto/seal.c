/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include "../base/file.h"
#include "digest.h"

#include <sodium.h>
#include <string.h>

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(NONCE_LEN + TAG_LEN == SEAL_EXTRA_LEN, "the header says so");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SEAL_KEY_LEN,
	       "the header says so");

static int start(struct err *e)
{
	return sodium_init() < 0 ? err_set(e, ERR_INTERNAL, "libsodium does not start")
				 : 0;
}

static int make_key(const char *path, struct seal_key *ret, struct err *e)
{
	if (random_bytes(ret->bytes, SEAL_KEY_LEN, e) < 0)
		return -1;
	return file_create(path, ret->bytes, SEAL_KEY_LEN, 0600, e);
}

int seal_key_open(const char *path, bool make, struct seal_key *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(SEAL_KEY_LEN);

	if (make && !file_exists(path))
		return make_key(path, ret, e) < 0 ? err_wrap(e, "make %s", path) : 0;
	/* in one piece, so that it can be wiped */
	if (buf_reserve(&bytes, SEAL_KEY_LEN, e) < 0 || file_read(path, &bytes, e) < 0)
		return err_wrap(e, "read %s", path);
	if (bytes.len != SEAL_KEY_LEN)
		return err_set(e, ERR_FORMAT, "%s: %zu bytes are no key", path,
			       bytes.len);
	memcpy(ret->bytes, bytes.data, SEAL_KEY_LEN);
	sodium_memzero(bytes.data, bytes.len);
	return 0;
}

void seal_key_fini(struct seal_key *k)
{
	sodium_memzero(k, sizeof(*k));
}

int seal(const struct seal_key *k, const char *label, const void *data, size_t len,
	 struct buf *ret, struct err *e)
{
	uint8_t nonce[NONCE_LEN];
	unsigned long long sealed_len = 0;

	if (start(e) < 0 || random_bytes(nonce, sizeof(nonce), e) < 0 ||
	    buf_reserve(ret, len + SEAL_EXTRA_LEN, e) < 0 ||
	    buf_add(ret, nonce, sizeof(nonce), e) < 0)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(
		ret->data + ret->len, &sealed_len, data, len, (const uint8_t *)label,
		strlen(label), NULL, nonce, k->bytes) != 0)
		return err_set(e, ERR_INTERNAL, "seal");
	ret->len += (size_t)sealed_len;
	ret->data[ret->len] = '\0';
	return 0;
}

int unseal(const struct seal_key *k, const char *label, const void *sealed, size_t len,
	   struct buf *ret, struct err *e)
{
	const uint8_t *p = sealed;
	unsigned long long open_len = 0;

	if (len < SEAL_EXTRA_LEN)
		return err_set(e, ERR_UNTRUSTED, "too short to be a sealed secret");
	if (start(e) < 0 || buf_reserve(ret, len - SEAL_EXTRA_LEN, e) < 0)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		ret->data + ret->len, &open_len, NULL, p + NONCE_LEN, len - NONCE_LEN,
		(const uint8_t *)label, strlen(label), p, k->bytes) != 0)
		return err_set(e, ERR_UNTRUSTED,
			       "the secret was sealed by another key, or altered");
	ret->len += (size_t)open_len;
	ret->data[ret->len] = '\0';
	return 0;
}
