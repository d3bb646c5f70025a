/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of people at rest: argon2id (RFC 9106, version 1.3) with 19 MiB, t=2, p=1
 * and 16 random bytes of salt, in the usual text form
 *
 *	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
 *
 * Both calls take tens of milliseconds and 19 MiB: never in an event loop's thread, and
 * only so many at once as memory allows. Thread safe.
 */
#ifndef OTA_CRYPTO_PASSWORD_H
#define OTA_CRYPTO_PASSWORD_H

#include "../base/err.h"

#include <stdbool.h>

#define PASSWORD_HASH_MAX_LEN 127
#define PASSWORD_MIN_LEN 12
#define PASSWORD_MAX_LEN 256 /* bytes, of the password itself */

/* ERR_FORMAT: too short, too long, the user's own name, or one character all over. */
int password_check(const char *password, const char *user, struct err *e) MUST_USE;

int password_hash(const char *password, char ret[PASSWORD_HASH_MAX_LEN + 1],
		  struct err *e) MUST_USE;

/* *ret_right: it is this one. hash NULL or "": there is nobody of that name; takes as
 * long and is never right. ERR_NO_MEMORY. */
int password_verify(const char *hash, const char *password, bool *ret_right,
		    struct err *e) MUST_USE;

#endif
