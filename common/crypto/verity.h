/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dm-verity v1 hash tree (Linux
 * Documentation/admin-guide/device-mapper/verity.rst): 4 KiB data and hash blocks,
 * SHA-256, the salt in front of each block.
 *
 *	root   = H(salt || top hash block)
 *	hash block = 128 digests of 32 bytes, zero padded
 *	leaf   = H(salt || data block)
 *
 * We name the level above the leaves *groups*: a group covers 128 blocks = 512 KiB and
 * its hash is H(salt || hash block of its leaves). The payload head carries all group
 * hashes; from them the root follows, so who holds a root that matches can check any
 * group and, with the group's leaves, any block, without the whole tree. `veritysetup
 * verify` agrees (tests).
 *
 * An image of one single block has no hash block: its root is the leaf itself, and it
 * has no groups to speak of: its one group hash is, by definition here, the root.
 */
#ifndef OTA_CRYPTO_VERITY_H
#define OTA_CRYPTO_VERITY_H

#include "digest.h"

#include <stddef.h>

#define VERITY_BLOCK 4096u
#define VERITY_SALT_LEN 32u
#define VERITY_FANOUT 128u			    /* digests in a hash block */
#define VERITY_GROUP (VERITY_BLOCK * VERITY_FANOUT) /* bytes of data a group covers */

/* Blocks of an image of `size` bytes, the last one zero-padded; 0 for size 0. */
uint64_t verity_n_blocks(uint64_t size);
uint64_t verity_n_groups(uint64_t size);

/* H(salt || 4 KiB). */
int verity_leaf(const uint8_t salt[VERITY_SALT_LEN], const uint8_t block[VERITY_BLOCK],
		uint8_t ret[SHA256_LEN], struct err *e) MUST_USE;

/* The leaves of n_blocks adjacent blocks, one after the other in ret_leaves. Whoever
 * has several blocks calls this once and spares the set-up of a hash for each (7 % of
 * its cost). */
int verity_leaves(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *blocks,
		  size_t n_blocks, uint8_t *ret_leaves, struct err *e) MUST_USE;

/* The hash of a group of n leaves (1..128); n_blocks is that of the whole image. */
int verity_group(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *leaves, size_t n,
		 uint64_t n_blocks, uint8_t ret[SHA256_LEN], struct err *e) MUST_USE;

/* The root of an image of n_blocks from all of its group hashes. */
int verity_root(const uint8_t salt[VERITY_SALT_LEN], const uint8_t *groups,
		size_t n_groups, uint64_t n_blocks, uint8_t ret[SHA256_LEN],
		struct err *e) MUST_USE;

/* Hashing a whole image as it comes by: feed 4 KiB blocks in order, then end. Keeps one
 * group's leaves and all group hashes (32 bytes for each 512 KiB). */
struct verity_hasher;
struct verity_hasher *verity_hasher_new(const uint8_t salt[VERITY_SALT_LEN],
					uint64_t size, struct err *e) MUST_USE;
void verity_hasher_free(struct verity_hasher *h);
AUTO_PTR_DEFINE(verity_hasher)
int verity_hasher_add(struct verity_hasher *h, const uint8_t block[VERITY_BLOCK],
		      struct err *e) MUST_USE;
/* ERR_INTERNAL unless exactly verity_n_blocks(size) blocks came. Groups stay owned by
 * h. */
int verity_hasher_end(struct verity_hasher *h, uint8_t ret_root[SHA256_LEN],
		      const uint8_t **ret_groups, size_t *ret_n_groups,
		      struct err *e) MUST_USE;

#endif
