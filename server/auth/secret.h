/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that we give out: 256 random bits with a prefix that says what they open, so
 * that one that leaks into a log or a repository is recognised:
 *
 *	ota_   API token (scripts, `ota`)	otl_   one-time login token
 *	otd_   device token (TargetToken)	ots_   session (in the cookie)
 *
 * Only their SHA-256 is stored and looked up. That is enough for secrets of full
 * entropy, and a look-up by digest tells by its timing nothing about the secret. Pure
 * functions.
 */
#ifndef OTA_AUTH_SECRET_H
#define OTA_AUTH_SECRET_H

#include "../../common/crypto/digest.h"

enum secret_kind {
	SECRET_API,
	SECRET_LOGIN,
	SECRET_DEVICE,
	SECRET_SESSION,
	N_SECRET_KINDS
};

#define SECRET_TEXT_LEN 47u /* prefix (4) and 32 bytes in base64url (43) */
#define SECRET_MAX_LEN                                                                 \
	128u /* of a device token that was brought along from elsewhere */
#define SECRET_LOGIN_LIFE_MS ((int64_t)10 * 60 * 1000)

/* A new secret: its text, to be shown once, and what to store. */
int secret_make(enum secret_kind kind, char ret_text[SECRET_TEXT_LEN + 1],
		uint8_t ret_hash[SHA256_LEN], struct err *e) MUST_USE;

/*
 * What a presented secret is stored under. ERR_AUTH if it cannot be of this kind. A
 * device token may also be one of another system's: 16 to SECRET_MAX_LEN visible
 * characters.
 */
int secret_hash(enum secret_kind kind, const char *text, uint8_t ret_hash[SHA256_LEN],
		struct err *e) MUST_USE;

#endif
