/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the online role `delta` and those of its products list: made from the deltas that
 * the store has (model_delta.h), signed by the signer.
 *
 *	targets --delegates delta/ to--> delta --delta/<product>/ to--> delta-<product>
 *
 * A delta's target is its head, under the name delta/<product>/<from>:<to>. A role is
 * made anew when one of its deltas is, and before it expires; what a device looks at is
 * then one small file about its own product. A release that was withdrawn takes its
 * deltas off the list. For worker threads: it waits for the store and the signer.
 */
#ifndef OTA_SERVER_ROLES_H
#define OTA_SERVER_ROLES_H

#include "../signer/signer.h"
#include "repository.h"

#define DELTA_TARGET_MAX_LEN (PRODUCT_MAX_LEN + 2 * VERSION_MAX_LEN + 18)

int delta_target_name(const struct fleet_delta *d, char ret[DELTA_TARGET_MAX_LEN + 1],
		      struct err *e) MUST_USE;

/* The version that `name` leads from, if it is a delta's to this version of this
 * product; false: it is not. */
bool delta_target_from(const char *name, const char *product, const char *to,
		       char ret[VERSION_MAX_LEN + 1], bool *ret_unwraps);

struct roles_config {
	struct store *store; /* all borrowed */
	struct signer *signer;
	const struct clock *clock;
};

/* What is new, for METADATA_PUBLISH; rows borrow from the repository. */
struct roles_made {
	struct online_role *rows;
	size_t n_rows;
	uint64_t *deltas; /* those that are listed for the first time */
	size_t n_deltas;
	struct fleet_delta example; /* one of them; id 0: none */
};
void roles_made_fini(struct roles_made *m);

/* ERR_UNSUPPORTED: the targets published in r do not let our signer list deltas. */
int roles_check_delegated(const struct repository *r, const struct signer *s,
			  struct err *e) MUST_USE;

/* Puts new metadata of all roles that need it into r; none does: n_rows is 0. */
int roles_renew(const struct roles_config *c, struct repository *r,
		struct roles_made *ret, struct err *e) MUST_USE;

/* What the snapshot says of r's roles: r->n_roles of them. */
int roles_describe(const struct repository *r, struct repo_file **ret,
		   struct err *e) MUST_USE;

#endif
