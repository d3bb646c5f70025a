/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include "../../common/base/text.h"

#include <string.h>

#define PREFIX_LEN 4u
#define RANDOM_LEN 32u
#define FOREIGN_MIN_LEN 16u

static const char *const prefixes[N_SECRET_KINDS] = {
    [SECRET_API] = "ota_",
    [SECRET_LOGIN] = "otl_",
    [SECRET_DEVICE] = "otd_",
    [SECRET_SESSION] = "ots_",
};

static const char *const names[N_SECRET_KINDS] = {
    [SECRET_API] = "API token",
    [SECRET_LOGIN] = "login token",
    [SECRET_DEVICE] = "device token",
    [SECRET_SESSION] = "session",
};

int secret_make(enum secret_kind kind, char ret_text[SECRET_TEXT_LEN + 1],
		uint8_t ret_hash[SHA256_LEN], struct err *e)
{
	uint8_t raw[RANDOM_LEN];

	if (random_bytes(raw, sizeof(raw), e) < 0)
		return err_wrap(e, "make a secret");
	memcpy(ret_text, prefixes[kind], PREFIX_LEN);
	base64url_encode(raw, sizeof(raw), ret_text + PREFIX_LEN);
	explicit_bzero(raw, sizeof(raw));
	return sha256(ret_text, SECRET_TEXT_LEN, ret_hash, e);
}

static bool is_ours(enum secret_kind kind, const char *text)
{
	return strlen(text) == SECRET_TEXT_LEN &&
	       memcmp(text, prefixes[kind], PREFIX_LEN) == 0 &&
	       text_is_name(text + PREFIX_LEN, SECRET_TEXT_LEN - PREFIX_LEN, "-_");
}

static bool is_foreign(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= 0x20 || *p >= 0x7f)
			return false;
	}
	return len >= FOREIGN_MIN_LEN && len <= SECRET_MAX_LEN;
}

int secret_hash(enum secret_kind kind, const char *text, uint8_t ret_hash[SHA256_LEN],
		struct err *e)
{
	if (!is_ours(kind, text) && (kind != SECRET_DEVICE || !is_foreign(text)))
		return err_set(e, ERR_AUTH, "that is no %s", names[kind]);
	return sha256(text, strlen(text), ret_hash, e);
}
