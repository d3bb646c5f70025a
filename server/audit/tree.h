/* SPDX-License-Identifier: Apache-2.0 */
/* Subtrees of a tenant's audit log out of the store; waits for it. */
#ifndef OTA_SERVER_AUDIT_TREE_H
#define OTA_SERVER_AUDIT_TREE_H

#include "../../common/format/merkle.h"
#include "../store/store.h"

struct audit_tree {
	struct store *store;
	char tenant[TENANT_MAX_LEN + 1];
};

/* A merkle_read; ctx is a struct audit_tree. ERR_NOT_FOUND: the log has no such subtree. */
int audit_tree_read(void *ctx, unsigned level, uint64_t i, uint8_t ret[SHA256_LEN],
		    struct err *e) MUST_USE;

int audit_tree_head(const struct audit_tree *t, struct audit_head *ret,
		    struct err *e) MUST_USE;

/* The call with up to 256 entries from `from` on; free it. NULL is an error. */
struct store_call *audit_tree_entries(const struct audit_tree *t, uint64_t from,
				      uint64_t n, struct err *e) MUST_USE;

#endif
