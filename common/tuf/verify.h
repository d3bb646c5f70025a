/* SPDX-License-Identifier: Apache-2.0 */
/* Do enough of the right keys vouch for these bytes? */
#ifndef OTA_TUF_VERIFY_H
#define OTA_TUF_VERIFY_H

#include "metadata.h"

/*
 * 0 if at least role->threshold distinct keys of the role have signed env's body. A key
 * counts once however many ids or signatures it has: distinct means distinct key
 * material. Signatures by others, by unknown schemes or not in hex are passed over.
 * ERR_UNSIGNED if the envelope has no signature at all, else ERR_SIGNATURE.
 */
int tuf_verify(const struct tuf_envelope *env, const struct tuf_role *role,
	       struct err *e) MUST_USE;

/* True if every key of a is, by material, in b. Keys nobody can use count by their id.
 */
bool tuf_role_keys_within(const struct tuf_role *a, const struct tuf_role *b);

#endif
