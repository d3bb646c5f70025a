/* SPDX-License-Identifier: Apache-2.0 */
/* Inside common/crypto only: what a key is made of. */
#ifndef OTA_CRYPTO_PKEY_H
#define OTA_CRYPTO_PKEY_H

#include "sign.h"

#include <openssl/bio.h>
#include <openssl/evp.h>

struct pubkey {
	enum key_scheme scheme;
	EVP_PKEY *pkey;
};

struct privkey {
	enum key_scheme scheme;
	EVP_PKEY *pkey;
};

static inline void BIO_cleanup_(BIO **b)
{
	(void)BIO_free(*b);
}
#define AUTO_BIO __attribute__((cleanup(BIO_cleanup_)))

/* Takes ownership of pkey, also on failure; ERR_UNSUPPORTED unless it is of one of our
 * schemes. */
struct pubkey *pubkey_wrap(EVP_PKEY *pkey, struct err *e) MUST_USE;

/* Appends what was written to a memory BIO. */
int bio_to_buf(BIO *b, struct buf *ret, struct err *e) MUST_USE;

#endif
