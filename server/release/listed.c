/* SPDX-License-Identifier: Apache-2.0 */
#include "listed.h"

#include <string.h>

struct store_call *listed_read_withdrawn(struct store *s, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_RELEASE_WITHDRAWN, NULL, NULL, NULL, e);

	if (c == NULL || store_wait(s, c, e) != 0)
		return NULL;
	return TAKE(c);
}

int listed_check_withdrawn(const struct store_call *withdrawn,
			   const struct tuf_targets *t, struct err *e)
{
	const struct withdrawn_release *w = withdrawn->items;
	char name[TARGET_NAME_MAX_LEN + 1];

	for (size_t i = 0; i < withdrawn->n_items; i++) {
		if (manifest_target_name(w[i].product, w[i].version, name, e) != 0)
			return -1;
		if (tuf_targets_find(t, name) != NULL)
			return err_set(e, ERR_CONFLICT,
				       "they list %s, which was withdrawn: ota release "
				       "unlist %s %s takes it out",
				       name, w[i].product, w[i].version);
	}
	return 0;
}

static int is_withdrawn(const struct store_call *withdrawn, const char *target,
			bool *ret, struct err *e)
{
	const struct withdrawn_release *w = withdrawn->items;
	char name[TARGET_NAME_MAX_LEN + 1];

	*ret = false;
	for (size_t i = 0; i < withdrawn->n_items && !*ret; i++) {
		if (manifest_target_name(w[i].product, w[i].version, name, e) != 0)
			return -1;
		*ret = strcmp(name, target) == 0;
	}
	return 0;
}

int listed_check_kept(const struct store_call *withdrawn, const struct repository *r,
		      const struct tuf_targets *next, struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *now = NULL;
	struct tuf_envelope env = {0};
	bool gone;

	if (r->targets.len == 0)
		return 0;
	if (tuf_envelope_parse(r->targets.data, r->targets.len, &env, e) != 0)
		return -1;
	now = tuf_targets_parse(&env, e);
	tuf_envelope_fini(&env);
	for (size_t i = 0; now != NULL && i < now->n_targets; i++) {
		const struct tuf_target_line *old = &now->targets[i];
		const struct tuf_target_line *line = tuf_targets_find(next, old->name);

		if (is_withdrawn(withdrawn, old->name, &gone, e) != 0)
			return -1;
		if (!gone && line == NULL)
			return err_set(e, ERR_CONFLICT,
				       "%s is missing, and was not withdrawn",
				       old->name);
		if (!gone && memcmp(line->sha256, old->sha256, SHA256_LEN) != 0)
			return err_set(e, ERR_DIGEST, "%s is listed with other content",
				       old->name);
	}
	return now == NULL ? -1 : 0;
}
