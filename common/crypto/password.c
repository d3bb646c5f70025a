/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#define OPS 2u
#define MEM ((size_t)19456 * 1024)

/* Of a password that nobody knows: what is tried where there is no user. */
#define NOBODY                                                                         \
	"$argon2id$v=19$m=19456,t=2,p=1$NUScTEn7DJZP0G2OXge2wA"                        \
	"$FnbE5CWqmqyW8z4kVPmAxyDvP/OWARLc2V2g2BKxxTw"

int password_check(const char *password, const char *user, struct err *e)
{
	size_t len = strlen(password);

	if (len < PASSWORD_MIN_LEN || len > PASSWORD_MAX_LEN)
		return err_set(e, ERR_FORMAT, "a password has %d to %d characters",
			       PASSWORD_MIN_LEN, PASSWORD_MAX_LEN);
	if (strspn(password, (char[]){password[0], '\0'}) == len)
		return err_set(e, ERR_FORMAT,
			       "a password is more than one character all over");
	if (strcasecmp(password, user) == 0)
		return err_set(e, ERR_FORMAT, "a password is not the user's name");
	return 0;
}

int password_hash(const char *password, char ret[PASSWORD_HASH_MAX_LEN + 1],
		  struct err *e)
{
	_Static_assert(crypto_pwhash_STRBYTES == PASSWORD_HASH_MAX_LEN + 1,
		       "room for libsodium's text form");
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium does not start");
	if (crypto_pwhash_str_alg(ret, password, strlen(password), OPS, MEM,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_nomem(e);
	return 0;
}

int password_verify(const char *hash, const char *password, bool *ret_right,
		    struct err *e)
{
	bool nobody = hash == NULL || hash[0] == '\0';

	*ret_right = false;
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium does not start");
	errno = 0;
	if (crypto_pwhash_str_verify(nobody ? NOBODY : hash, password,
				     strlen(password)) == 0) {
		*ret_right = !nobody;
		return 0;
	}
	if (errno == EINVAL) /* what libsodium says of a wrong one */
		return 0;
	return err_set(e, ERR_NO_MEMORY,
		       "check a password: no memory, or its hash is damaged");
}
