/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUF metadata: any bytes as each of the four kinds. What parses has what its struct
 * promises, and looking names up in it, matching its patterns and verifying it never
 * leaves it.
 */
#include "../../common/tuf/metadata.h"
#include "../../common/tuf/verify.h"

#include <stddef.h>
#include <stdlib.h>

#define CHECK(condition)                                                               \
	do {                                                                           \
		if (!(condition))                                                      \
			abort();                                                       \
	} while (0)

static void look_at_root(struct tuf_envelope *env)
{
	AUTO_PTR(tuf_root) struct tuf_root *r = tuf_root_parse(env, NULL);

	for (size_t i = 0; r != NULL && i < N_TUF_TOP_ROLES; i++) {
		CHECK(r->roles[i].threshold >= 1);
		CHECK(tuf_role_keys_within(&r->roles[i], &r->roles[i]));
		if (tuf_verify(env, &r->roles[i], NULL) == 0)
			CHECK(json_len(env->signatures) >= r->roles[i].threshold);
	}
}

static void look_at_snapshot(struct tuf_envelope *env)
{
	AUTO_PTR(tuf_snapshot) struct tuf_snapshot *s = tuf_snapshot_parse(env, NULL);

	for (size_t i = 0; s != NULL && i < s->n_files; i++) {
		CHECK(tuf_snapshot_find(s, s->files[i].name) == &s->files[i]);
		CHECK(s->files[i].version >= 1);
	}
}

static void look_at_targets(struct tuf_envelope *env)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *t = tuf_targets_parse(env, NULL);

	for (size_t i = 0; t != NULL && i < t->n_targets; i++)
		CHECK(tuf_targets_find(t, t->targets[i].name) == &t->targets[i]);
	for (size_t i = 0; t != NULL && i < t->n_delegations; i++) {
		(void)tuf_delegation_matches(&t->delegations[i],
					     "release/gateway/1.json");
		if (tuf_verify(env, &t->delegations[i].role, NULL) == 0)
			CHECK(json_len(env->signatures) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int kind = 0; kind < 4; kind++) {
		struct tuf_envelope env = {0};

		if (tuf_envelope_parse(data, size, &env, NULL) != 0)
			return 0;
		if (kind == 0)
			look_at_root(&env);
		else if (kind == 1)
			tuf_timestamp_free(tuf_timestamp_parse(&env, NULL));
		else if (kind == 2)
			look_at_snapshot(&env);
		else
			look_at_targets(&env);
		tuf_envelope_fini(&env);
	}
	return 0;
}
