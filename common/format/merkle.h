/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256: a log that can be appended to
 * and not rewritten without everybody who holds an earlier root noticing.
 *
 *	leaf  = SHA-256(0x00 || entry)
 *	node  = SHA-256(0x01 || left || right)
 *
 * A *subtree* (level, i) is the complete one over leaves [i << level, (i + 1) << level).
 * A tree of any size is the row of complete subtrees that the bits of its size name,
 * largest first: its *frontier*, which is all that appending and the root need. Proofs
 * need subtrees of the middle; who asks for one brings a function that reads them.
 *
 * Pure: no I/O, no state of its own, any thread. Sizes and indices are below 2^62.
 */
#ifndef OTA_FORMAT_MERKLE_H
#define OTA_FORMAT_MERKLE_H

#include "../base/buf.h"
#include "../crypto/digest.h"

#include <stdint.h>

#define MERKLE_MAX_LEVELS 62
#define MERKLE_MAX_PROOF (2 * MERKLE_MAX_LEVELS)

/* The right edge of a tree; all zero is the empty tree. */
struct merkle_frontier {
	uint64_t size;
	/* of the set bits of size, the highest first */
	uint8_t hashes[MERKLE_MAX_LEVELS][SHA256_LEN];
};

struct merkle_proof {
	size_t n;
	uint8_t hashes[MERKLE_MAX_PROOF][SHA256_LEN];
};

int merkle_leaf(const void *entry, size_t len, uint8_t ret[SHA256_LEN],
		struct err *e) MUST_USE;
int merkle_node(const uint8_t left[SHA256_LEN], const uint8_t right[SHA256_LEN],
		uint8_t ret[SHA256_LEN], struct err *e) MUST_USE;

/* How many hashes a frontier of this size holds. */
unsigned merkle_frontier_len(uint64_t size);

/* Told of each subtree of level >= 1 that an append completes, smallest first. */
typedef int merkle_completed(void *ctx, unsigned level, uint64_t i,
			     const uint8_t hash[SHA256_LEN], struct err *e);

/* Appends a leaf. completed may be NULL. After an error *f is of no use. */
int merkle_append(struct merkle_frontier *f, const uint8_t leaf[SHA256_LEN],
		  merkle_completed *completed, void *ctx, struct err *e) MUST_USE;

/* The root hash; of the empty tree SHA-256 of nothing. */
int merkle_root(const struct merkle_frontier *f, uint8_t ret[SHA256_LEN],
		struct err *e) MUST_USE;

/* Reads the hash of subtree (level, i). */
typedef int merkle_read(void *ctx, unsigned level, uint64_t i, uint8_t ret[SHA256_LEN],
			struct err *e);

/* The root of the first `size` leaves. */
int merkle_root_at(merkle_read *read, void *ctx, uint64_t size, uint8_t ret[SHA256_LEN],
		   struct err *e) MUST_USE;

/* PATH(index, D[size]) of section 2.1.1; ERR_FORMAT unless index < size. */
int merkle_prove_inclusion(merkle_read *read, void *ctx, uint64_t index, uint64_t size,
			   struct merkle_proof *ret, struct err *e) MUST_USE;

/* PROOF(from, D[to]) of section 2.1.2; ERR_FORMAT unless from <= to. Empty if from is 0
 * or equal to to: then there is nothing to prove. */
int merkle_prove_consistency(merkle_read *read, void *ctx, uint64_t from, uint64_t to,
			     struct merkle_proof *ret, struct err *e) MUST_USE;

/* 0 if the proof shows that `leaf` is at `index` of the tree (size, root);
 * ERR_UNTRUSTED if not. */
int merkle_check_inclusion(const uint8_t leaf[SHA256_LEN], uint64_t index,
			   uint64_t size, const uint8_t root[SHA256_LEN],
			   const struct merkle_proof *p, struct err *e) MUST_USE;

/* 0 if the proof shows that the tree (to, to_root) continues (from, from_root);
 * ERR_UNTRUSTED if not. */
int merkle_check_consistency(uint64_t from, const uint8_t from_root[SHA256_LEN],
			     uint64_t to, const uint8_t to_root[SHA256_LEN],
			     const struct merkle_proof *p, struct err *e) MUST_USE;

#endif
