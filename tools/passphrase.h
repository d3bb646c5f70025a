/* SPDX-License-Identifier: Apache-2.0 */
/* A passphrase comes from the terminal, without echo, or from a descriptor. Never from
 * the command line or the environment, where others can see it. */
#ifndef OTA_TOOLS_PASSPHRASE_H
#define OTA_TOOLS_PASSPHRASE_H

#include "../common/base/passphrase_input.h"
#include "../common/crypto/keyfile.h"
#include "ota.h"

#define PASSPHRASE_MAX_LEN PASSPHRASE_INPUT_MAX_LEN

/* Asked for once a run, when it is first needed. */
struct passphrase {
	char text[PASSPHRASE_MAX_LEN + 1];
	bool known;
};
void passphrase_fini(struct passphrase *p); /* wipes */

/* For new keys: asked twice on the terminal, at least 8 characters. "" with o->demo. */
int passphrase_choose(struct passphrase *p, const struct ota *o,
		      struct err *e) MUST_USE;

/* Opens dir/file, which must be a key of this role. A demo key is opened without
 * asking, and only with o->demo. */
struct privkey *key_open(const struct ota *o, const char *dir, const char *file,
			 const char *role, struct passphrase *p,
			 struct err *e) MUST_USE;

#endif
