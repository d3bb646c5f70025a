/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include "../base/text.h"

#include <string.h>

static bool same_key(const struct tuf_key *a, const struct tuf_key *b)
{
	if (a->key == NULL || b->key == NULL)
		return a->key == b->key && strcmp(a->keyid, b->keyid) == 0;
	return pubkey_equal(a->key, b->key);
}

static const struct tuf_key *role_key(const struct tuf_role *role, const char *keyid)
{
	for (size_t i = 0; i < role->n_keys; i++) {
		if (strcmp(role->keys[i]->keyid, keyid) == 0)
			return role->keys[i];
	}
	return NULL;
}

static bool is_counted(const struct tuf_key *const *counted, size_t n,
		       const struct tuf_key *key)
{
	for (size_t i = 0; i < n; i++) {
		if (same_key(counted[i], key))
			return true;
	}
	return false;
}

/* The role's key that this signature proves, or NULL. */
static const struct tuf_key *signer_of(const struct tuf_envelope *env,
				       const struct tuf_role *role,
				       const struct json *signature)
{
	const char *keyid = json_text(json_get(signature, "keyid"));
	const char *hex = json_text(json_get(signature, "sig"));
	const struct tuf_key *key;
	uint8_t sig[SIG_MAX_LEN];
	size_t len;

	if (keyid == NULL || hex == NULL)
		return NULL;
	key = role_key(role, keyid);
	len = strlen(hex) / 2;
	if (key == NULL || key->key == NULL || len == 0 || len > sizeof(sig) ||
	    hex_decode(hex, sig, len, NULL) != 0)
		return NULL;
	if (verify_message(key->key, env->canonical.data, env->canonical.len, sig, len,
			   NULL) != 0)
		return NULL;
	return key;
}

int tuf_verify(const struct tuf_envelope *env, const struct tuf_role *role,
	       struct err *e)
{
	const struct tuf_key *counted[TUF_MAX_SIGNATURES];
	size_t n = 0, n_signatures = json_len(env->signatures);

	if (n_signatures == 0)
		return err_set(e, ERR_UNSIGNED, "not signed");
	for (size_t i = 0; i < n_signatures && n < N_ELEMS(counted); i++) {
		const struct tuf_key *key =
		    signer_of(env, role, json_at(env->signatures, i));

		if (key != NULL && !is_counted(counted, n, key))
			counted[n++] = key;
	}
	if (role->threshold == 0 || n < role->threshold)
		return err_set(e, ERR_SIGNATURE,
			       "signed by %zu of the %llu keys that are needed", n,
			       (unsigned long long)role->threshold);
	return 0;
}

bool tuf_role_keys_within(const struct tuf_role *a, const struct tuf_role *b)
{
	for (size_t i = 0; i < a->n_keys; i++) {
		if (!is_counted(b->keys, b->n_keys, a->keys[i]))
			return false;
	}
	return true;
}
