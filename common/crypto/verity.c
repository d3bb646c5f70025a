/* SPDX-License-Identifier: Apache-2.0 */
#include "verity.h"

#include "../base/bytes.h"

#include <inttypes.h>
#include <string.h>

uint64_t verity_n_blocks(uint64_t size)
{
	return div_up_u64(size, VERITY_BLOCK);
}

uint64_t verity_n_groups(uint64_t size)
{
	return div_up_u64(size, VERITY_GROUP);
}

static int salted(struct digest *d, const uint8_t *salt, const void *block,
		  uint8_t ret[SHA256_LEN], struct err *e)
{
	if (digest_add(d, salt, VERITY_SALT_LEN, e) < 0 ||
	    digest_add(d, block, VERITY_BLOCK, e) < 0)
		return -1;
	return digest_end(d, ret, e);
}

/* H(salt || the hash block of n digests, zero-padded). */
static int hash_block(struct digest *d, const uint8_t *salt, const uint8_t *digests,
		      size_t n, uint8_t ret[SHA256_LEN], struct err *e)
{
	uint8_t block[VERITY_BLOCK] = {0};

	memcpy(block, digests, n * SHA256_LEN);
	return salted(d, salt, block, ret, e);
}

int verity_leaves(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *blocks,
		  size_t n_blocks, uint8_t *ret_leaves, struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);

	if (d == NULL)
		return -1;
	for (size_t i = 0; i < n_blocks; i++) {
		if (salted(d, salt, blocks + i * VERITY_BLOCK,
			   ret_leaves + i * SHA256_LEN, e) < 0)
			return -1;
	}
	return 0;
}

int verity_leaf(const uint8_t salt[VERITY_SALT_LEN], const uint8_t block[VERITY_BLOCK],
		uint8_t ret[SHA256_LEN], struct err *e)
{
	return verity_leaves(salt, block, 1, ret, e);
}

static int group_hash(struct digest *d, const uint8_t *salt, const uint8_t *leaves,
		      size_t n, uint64_t n_blocks, uint8_t ret[SHA256_LEN],
		      struct err *e)
{
	if (n == 0 || n > VERITY_FANOUT || n > n_blocks)
		return err_set(e, ERR_INTERNAL, "a verity group of %zu leaves", n);
	if (n_blocks == 1) {
		memcpy(ret, leaves, SHA256_LEN);
		return 0;
	}
	return hash_block(d, salt, leaves, n, ret, e);
}

int verity_group(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *leaves, size_t n,
		 uint64_t n_blocks, uint8_t ret[SHA256_LEN], struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);

	return d == NULL ? -1 : group_hash(d, salt, leaves, n, n_blocks, ret, e);
}

/* Replaces n digests by those of the level above; returns how many these are, 0 on
 * failure. */
static size_t level_up(struct digest *d, const uint8_t *salt, uint8_t *level, size_t n,
		       struct err *e)
{
	size_t n_above = (size_t)div_up_u64(n, VERITY_FANOUT);

	for (size_t i = 0; i < n_above; i++) {
		size_t first = i * VERITY_FANOUT;
		size_t n_here = n - first < VERITY_FANOUT ? n - first : VERITY_FANOUT;

		if (hash_block(d, salt, level + first * SHA256_LEN, n_here,
			       level + i * SHA256_LEN, e) < 0)
			return 0;
	}
	return n_above;
}

static int root_hash(struct digest *d, const uint8_t *salt, const uint8_t *groups,
		     size_t n_groups, uint64_t n_blocks, uint8_t ret[SHA256_LEN],
		     struct err *e)
{
	AUTO_FREE uint8_t *level = NULL;
	size_t n = n_groups;

	if (n_groups == 0 || n_groups != div_up_u64(n_blocks, VERITY_FANOUT))
		return err_set(e, ERR_INTERNAL,
			       "%zu verity groups for %" PRIu64 " blocks", n_groups,
			       n_blocks);
	level = malloc(n_groups * SHA256_LEN);
	if (level == NULL)
		return err_nomem(e);
	memcpy(level, groups, n_groups * SHA256_LEN);
	while (n > 1) {
		n = level_up(d, salt, level, n, e);
		if (n == 0)
			return -1;
	}
	memcpy(ret, level, SHA256_LEN);
	return 0;
}

int verity_root(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *groups,
		size_t n_groups, uint64_t n_blocks, uint8_t ret[SHA256_LEN],
		struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);

	return d == NULL ? -1 : root_hash(d, salt, groups, n_groups, n_blocks, ret, e);
}

struct verity_hasher {
	struct digest *d;
	uint8_t salt[VERITY_SALT_LEN];
	uint64_t n_blocks; /* of the whole image */
	uint64_t n_seen;
	uint8_t leaves[VERITY_FANOUT * SHA256_LEN]; /* of the open group */
	size_t n_leaves;
	uint8_t *groups; /* room for all, allocated at the start */
	size_t n_groups; /* done so far */
};

struct verity_hasher *verity_hasher_new(const uint8_t salt[VERITY_SALT_LEN],
					uint64_t size, struct err *e)
{
	AUTO_PTR(verity_hasher) struct verity_hasher *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	memcpy(h->salt, salt, VERITY_SALT_LEN);
	h->n_blocks = verity_n_blocks(size);
	h->groups = calloc((size_t)verity_n_groups(size) + 1, SHA256_LEN);
	h->d = digest_new(DIGEST_SHA256, e);
	if (h->d == NULL)
		return NULL;
	if (h->groups == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return TAKE(h);
}

void verity_hasher_free(struct verity_hasher *h)
{
	if (h == NULL)
		return;
	digest_free(h->d);
	free(h->groups);
	free(h);
}

static int close_group(struct verity_hasher *h, struct err *e)
{
	if (group_hash(h->d, h->salt, h->leaves, h->n_leaves, h->n_blocks,
		       h->groups + h->n_groups * SHA256_LEN, e) < 0)
		return -1;
	h->n_groups++;
	h->n_leaves = 0;
	return 0;
}

int verity_hasher_add(struct verity_hasher *h, const uint8_t block[VERITY_BLOCK],
		      struct err *e)
{
	if (h->n_seen == h->n_blocks)
		return err_set(e, ERR_INTERNAL,
			       "more than the %" PRIu64 " blocks announced",
			       h->n_blocks);
	if (salted(h->d, h->salt, block, h->leaves + h->n_leaves * SHA256_LEN, e) < 0)
		return -1;
	h->n_leaves++;
	h->n_seen++;
	if (h->n_leaves == VERITY_FANOUT || h->n_seen == h->n_blocks)
		return close_group(h, e);
	return 0;
}

int verity_hasher_end(struct verity_hasher *h, uint8_t ret_root[SHA256_LEN],
		      const uint8_t **ret_groups, size_t *ret_n_groups, struct err *e)
{
	if (h->n_seen != h->n_blocks)
		return err_set(e, ERR_INTERNAL,
			       "%" PRIu64 " of %" PRIu64 " blocks came", h->n_seen,
			       h->n_blocks);
	if (root_hash(h->d, h->salt, h->groups, h->n_groups, h->n_blocks, ret_root, e) <
	    0)
		return -1;
	if (ret_groups != NULL)
		*ret_groups = h->groups;
	if (ret_n_groups != NULL)
		*ret_n_groups = h->n_groups;
	return 0;
}
