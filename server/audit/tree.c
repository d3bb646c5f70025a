/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <string.h>

static struct store_call *call_of(const struct audit_tree *t, enum store_verb v,
				  struct err *e)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, e);

	if (c != NULL)
		memcpy(c->tenant, t->tenant, sizeof(c->tenant));
	return c;
}

/* Folds n (a power of two) hashes into the first one. */
static int fold(uint8_t (*hashes)[SHA256_LEN], size_t n, struct err *e)
{
	for (; n > 1; n /= 2) {
		for (size_t i = 0; i < n / 2; i++) {
			if (merkle_node(hashes[2 * i], hashes[2 * i + 1], hashes[i],
					e) < 0)
				return -1;
		}
	}
	return 0;
}

/* Only every eighth level is stored: the others are made of the one below. */
int audit_tree_read(void *ctx, unsigned level, uint64_t i, uint8_t ret[SHA256_LEN],
		    struct err *e)
{
	const struct audit_tree *t = ctx;
	AUTO_PTR(store_call)
	struct store_call *c = call_of(t, STORE_AUDIT_HASHES, e);
	uint8_t hashes[AUDIT_TILE_WIDTH][SHA256_LEN];
	unsigned above = level % AUDIT_TILE_HEIGHT;
	size_t n = (size_t)1 << above;

	if (c == NULL)
		return -1;
	c->in.audit_range = (struct audit_range){
	    .tile_level = level / AUDIT_TILE_HEIGHT, .from = i << above, .n = n};
	if (store_wait(t->store, c, e) < 0)
		return -1;
	if (c->blob.len != n * SHA256_LEN)
		return err_set(e, ERR_NOT_FOUND,
			       "the audit log lacks entries of %llu to %llu",
			       (unsigned long long)(i << level),
			       (unsigned long long)((i + 1) << level) - 1);
	memcpy(hashes, c->blob.data, c->blob.len);
	if (fold(hashes, n, e) < 0)
		return -1;
	memcpy(ret, hashes[0], SHA256_LEN);
	return 0;
}

int audit_tree_head(const struct audit_tree *t, struct audit_head *ret, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call_of(t, STORE_AUDIT_HEAD, e);

	if (c == NULL || store_wait(t->store, c, e) < 0)
		return -1;
	*ret = c->out.audit_head;
	return 0;
}

struct store_call *audit_tree_entries(const struct audit_tree *t, uint64_t from,
				      uint64_t n, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call_of(t, STORE_AUDIT_RANGE, e);

	if (c == NULL)
		return NULL;
	c->in.audit_range = (struct audit_range){
	    .from = from, .n = n < AUDIT_TILE_WIDTH ? n : AUDIT_TILE_WIDTH};
	return store_wait(t->store, c, e) < 0 ? NULL : TAKE(c);
}
