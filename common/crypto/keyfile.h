/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys at rest: a JSON file, the secret sealed by XChaCha20-Poly1305 under
 * argon2id(passphrase, salt) (libsodium; opslimit and memlimit stand in the file, at
 * least t=2, 64 MiB when we write, refused above 1 GiB when we read). Described byte by
 * byte in docs/formats/keyfile.md.
 *
 * A demo key carries "demo": true, which is authenticated with the secret. Loading one
 * without allow_demo is ERR_UNTRUSTED: development keys never reach production.
 */
#ifndef OTA_CRYPTO_KEYFILE_H
#define OTA_CRYPTO_KEYFILE_H

#include "sign.h"

struct keyfile_info {
	enum key_scheme scheme;
	char role[32]; /* "root", "targets", "boot", "snapshot", "timestamp" */
	bool demo;
};

/* passphrase may be "" only for demo keys and for the server's own online keys, whose
 * file is then sealed under the empty passphrase (the file's mode 0600 is the
 * protection). */
int keyfile_write(const char *path, const struct privkey *key, const char *role,
		  bool demo, const char *passphrase, struct err *e) MUST_USE;

struct privkey *keyfile_read(const char *path, const char *passphrase, bool allow_demo,
			     struct keyfile_info *ret_info, struct err *e) MUST_USE;

/* The public half is readable without the passphrase (and checked when unsealing). */
struct pubkey *keyfile_read_public(const char *path, struct keyfile_info *ret_info,
				   struct err *e) MUST_USE;

#endif
