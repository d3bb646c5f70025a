/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase.h"

#include "../common/base/passphrase_input.h"
#include "../common/base/text.h"

#include <limits.h>
#include <string.h>

#define CHOSEN_MIN_LEN 8

void passphrase_fini(struct passphrase *p)
{
	explicit_bzero(p, sizeof(*p));
}

int passphrase_choose(struct passphrase *p, const struct ota *o, struct err *e)
{
	if (o->demo) {
		p->known = true;
		return 0;
	}
	if (o->passphrase_fd != NULL) {
		if (passphrase_read_fd(o->passphrase_fd, p->text, e) < 0)
			return -1;
	} else if (passphrase_ask_twice("Passphrase for the new keys: ", p->text, e) <
		   0) {
		return -1;
	}
	if (strlen(p->text) < CHOSEN_MIN_LEN)
		return err_set(e, ERR_USAGE,
			       "the passphrase has fewer than %d characters",
			       CHOSEN_MIN_LEN);
	p->known = true;
	return 0;
}

static int passphrase_need(struct passphrase *p, const struct ota *o, const char *file,
			   struct err *e)
{
	char question[128];

	if (p->known)
		return 0;
	if (text_format(question, sizeof(question), e, "Passphrase of %.80s: ", file) <
	    0)
		return -1;
	if (o->passphrase_fd != NULL
		? passphrase_read_fd(o->passphrase_fd, p->text, e) < 0
		: passphrase_ask(question, p->text, e) < 0)
		return -1;
	p->known = true;
	return 0;
}

struct privkey *key_open(const struct ota *o, const char *dir, const char *file,
			 const char *role, struct passphrase *p, struct err *e)
{
	char path[PATH_MAX];
	struct keyfile_info info;
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	struct privkey *key;

	if (text_format(path, sizeof(path), e, "%s/%s", dir, file) < 0)
		return NULL;
	public = keyfile_read_public(path, &info, e);
	if (public == NULL)
		return NULL;
	if (strcmp(info.role, role) != 0) {
		(void)err_set(e, ERR_UNTRUSTED, "%s is a key for %s, not for %s", path,
			      info.role, role);
		return NULL;
	}
	if (!info.demo && passphrase_need(p, o, file, e) < 0)
		return NULL;
	key = keyfile_read(path, info.demo ? "" : p->text, o->demo, NULL, e);
	if (key == NULL && e->code == ERR_UNTRUSTED)
		(void)err_set(e, ERR_UNTRUSTED,
			      "%s is a demo key; --demo allows its use", path);
	return key;
}
