/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: Ed25519 (RFC 8032) and ECDSA P-256 with SHA-256. No RSA.
 *
 * A public key travels as TUF key object fields (scheme, public text): Ed25519 as 64
 * hex digits, P-256 as PEM SubjectPublicKeyInfo. Two keys are the same key iff their
 * key material is (pubkey_equal), whatever they are called.
 */
#ifndef OTA_CRYPTO_SIGN_H
#define OTA_CRYPTO_SIGN_H

#include "../base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define ED25519_PUBLIC_LEN 32
#define ED25519_SEED_LEN 32
#define ED25519_SIG_LEN 64
#define SIG_MAX_LEN 80 /* DER ECDSA P-256 is at most 72 */

enum key_scheme { KEY_ED25519, KEY_ECDSA_P256 };

struct pubkey;
struct privkey;

void pubkey_free(struct pubkey *k);
void privkey_free(struct privkey *k); /* wipes the secret */
AUTO_PTR_DEFINE(pubkey)
AUTO_PTR_DEFINE(privkey)

struct pubkey *pubkey_from_ed25519(const uint8_t raw[ED25519_PUBLIC_LEN],
				   struct err *e) MUST_USE;
/* As it stands in TUF metadata: hex for Ed25519 (PEM is taken as well), PEM for
 * P-256. */
struct pubkey *pubkey_from_text(enum key_scheme scheme, const char *text,
				struct err *e) MUST_USE;
enum key_scheme pubkey_scheme(const struct pubkey *k);
int pubkey_to_text(const struct pubkey *k, struct buf *ret, struct err *e) MUST_USE;
/* Raw 32 bytes; ERR_UNSUPPORTED for another scheme. */
int pubkey_to_ed25519(const struct pubkey *k, uint8_t ret[ED25519_PUBLIC_LEN],
		      struct err *e) MUST_USE;
bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* SHA-256 of the DER SubjectPublicKeyInfo. */
int pubkey_fingerprint(const struct pubkey *k, uint8_t ret[32], struct err *e) MUST_USE;

struct privkey *privkey_generate(enum key_scheme scheme, struct err *e) MUST_USE;
struct privkey *privkey_from_ed25519_seed(const uint8_t seed[ED25519_SEED_LEN],
					  struct err *e) MUST_USE;
struct privkey *privkey_from_pem(const char *pem,
				 struct err *e) MUST_USE; /* unencrypted PKCS#8 */
int privkey_to_pem(const struct privkey *k, struct buf *ret, struct err *e) MUST_USE;
struct pubkey *privkey_public(const struct privkey *k, struct err *e) MUST_USE;

/* *ret_len: 64 for Ed25519, DER length for ECDSA. */
int sign_message(const struct privkey *k, const void *data, size_t len,
		 uint8_t ret_sig[SIG_MAX_LEN], size_t *ret_len, struct err *e) MUST_USE;

/* 0 if sig is k's signature over data; ERR_SIGNATURE if not. */
int verify_message(const struct pubkey *k, const void *data, size_t len,
		   const uint8_t *sig, size_t sig_len, struct err *e) MUST_USE;

#endif
