/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small secrets at rest in a database: XChaCha20-Poly1305 under a key from a file.
 *
 *	sealed = nonce (24) || ciphertext || tag (16)
 *
 * Whoever has the database alone has nothing; a sealed value is bound to its place by a
 * label (authenticated, not stored), so that one cannot be put where another belongs.
 */
#ifndef OTA_CRYPTO_SEAL_H
#define OTA_CRYPTO_SEAL_H

#include "../base/buf.h"

#include <stdbool.h>

#define SEAL_KEY_LEN 32
#define SEAL_EXTRA_LEN 40 /* what sealing adds */

struct seal_key {
	uint8_t bytes[SEAL_KEY_LEN];
};

/* Reads the key: SEAL_KEY_LEN bytes. If there is no such file and `make`, one is born
 * (mode 0600). */
int seal_key_open(const char *path, bool make, struct seal_key *ret,
		  struct err *e) MUST_USE;
void seal_key_fini(struct seal_key *k); /* wipes */

/* Appends the sealed form of len bytes. */
int seal(const struct seal_key *k, const char *label, const void *data, size_t len,
	 struct buf *ret, struct err *e) MUST_USE;
/* Appends what was sealed; ERR_UNTRUSTED: another key or label, or altered. */
int unseal(const struct seal_key *k, const char *label, const void *sealed, size_t len,
	   struct buf *ret, struct err *e) MUST_USE;

#endif
