/* SPDX-License-Identifier: Apache-2.0 */
#include "merkle.h"

#include <stdbool.h>
#include <string.h>

#define SIZE_MAX_BITS 62

int merkle_leaf(const void *entry, size_t len, uint8_t ret[SHA256_LEN], struct err *e)
{
	static const uint8_t prefix = 0;

	return sha256_two(&prefix, 1, entry, len, ret, e);
}

int merkle_node(const uint8_t left[SHA256_LEN], const uint8_t right[SHA256_LEN],
		uint8_t ret[SHA256_LEN], struct err *e)
{
	uint8_t both[1 + 2 * SHA256_LEN] = {1};

	memcpy(both + 1, left, SHA256_LEN);
	memcpy(both + 1 + SHA256_LEN, right, SHA256_LEN);
	return sha256(both, sizeof(both), ret, e);
}

unsigned merkle_frontier_len(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

static int check_size(uint64_t size, struct err *e)
{
	if (size >> SIZE_MAX_BITS != 0)
		return err_set(e, ERR_LIMIT, "a tree of %llu leaves",
			       (unsigned long long)size);
	return 0;
}

/* ---- appending: like adding one to a binary number, a carry is a node ---- */

int merkle_append(struct merkle_frontier *f, const uint8_t leaf[SHA256_LEN],
		  merkle_completed *completed, void *ctx, struct err *e)
{
	unsigned n = merkle_frontier_len(f->size);
	uint8_t hash[SHA256_LEN];
	unsigned level = 0;

	if (check_size(f->size + 1, e) < 0)
		return -1;
	memcpy(hash, leaf, SHA256_LEN);
	for (; (f->size >> level & 1) != 0; level++) {
		if (merkle_node(f->hashes[--n], hash, hash, e) < 0)
			return -1;
		if (completed != NULL &&
		    completed(ctx, level + 1, f->size >> (level + 1), hash, e) < 0)
			return -1;
	}
	memcpy(f->hashes[n], hash, SHA256_LEN);
	f->size++;
	return 0;
}

int merkle_root(const struct merkle_frontier *f, uint8_t ret[SHA256_LEN], struct err *e)
{
	unsigned n = merkle_frontier_len(f->size);

	if (n == 0)
		return sha256("", 0, ret, e);
	memcpy(ret, f->hashes[--n], SHA256_LEN);
	while (n > 0) {
		if (merkle_node(f->hashes[--n], ret, ret, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- subtrees, complete or the ragged one at the right ---- */

struct range {
	uint64_t from, to; /* leaves [from, to); from is a multiple of its left half */
};

static uint64_t width(struct range r)
{
	return r.to - r.from;
}

/* The largest power of two below n; n > 1. */
static uint64_t left_half(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

struct source {
	merkle_read *read;
	void *ctx;
};

static int hash_of(const struct source *s, struct range r, uint8_t ret[SHA256_LEN],
		   struct err *e)
{
	uint64_t n = width(r);
	uint8_t right[SHA256_LEN];
	struct range left, rest;

	if ((n & (n - 1)) == 0) {
		unsigned level = (unsigned)__builtin_ctzll(n);

		return s->read(s->ctx, level, r.from >> level, ret, e);
	}
	left = (struct range){r.from, r.from + left_half(n)};
	rest = (struct range){left.to, r.to};
	if (hash_of(s, left, ret, e) < 0 || hash_of(s, rest, right, e) < 0)
		return -1;
	return merkle_node(ret, right, ret, e);
}

int merkle_root_at(merkle_read *read, void *ctx, uint64_t size, uint8_t ret[SHA256_LEN],
		   struct err *e)
{
	const struct source s = {read, ctx};

	if (check_size(size, e) < 0)
		return -1;
	if (size == 0)
		return sha256("", 0, ret, e);
	return hash_of(&s, (struct range){0, size}, ret, e);
}

/* ---- proofs ---- */

static int prove(const struct source *s, struct range r, struct merkle_proof *p,
		 struct err *e)
{
	if (p->n == MERKLE_MAX_PROOF)
		return err_set(e, ERR_INTERNAL, "a proof grows too long");
	return hash_of(s, r, p->hashes[p->n++], e);
}

/* RFC 6962 writes the deepest sibling first: turn what was found from the root down. */
static void reverse(struct merkle_proof *p)
{
	uint8_t t[SHA256_LEN];

	for (size_t i = 0; i < p->n / 2; i++) {
		memcpy(t, p->hashes[i], SHA256_LEN);
		memcpy(p->hashes[i], p->hashes[p->n - 1 - i], SHA256_LEN);
		memcpy(p->hashes[p->n - 1 - i], t, SHA256_LEN);
	}
}

/* Goes down to the half that holds `index`, noting the other one. */
static int step_down(const struct source *s, struct range *r, uint64_t index,
		     struct merkle_proof *p, struct err *e)
{
	uint64_t middle = r->from + left_half(width(*r));
	struct range left = {r->from, middle}, right = {middle, r->to};
	bool goes_left = index < middle;

	*r = goes_left ? left : right;
	return prove(s, goes_left ? right : left, p, e);
}

int merkle_prove_inclusion(merkle_read *read, void *ctx, uint64_t index, uint64_t size,
			   struct merkle_proof *ret, struct err *e)
{
	const struct source s = {read, ctx};
	struct range r = {0, size};

	ret->n = 0;
	if (check_size(size, e) < 0)
		return -1;
	if (index >= size)
		return err_set(e, ERR_FORMAT, "entry %llu is not among the first %llu",
			       (unsigned long long)index, (unsigned long long)size);
	while (width(r) > 1) {
		if (step_down(&s, &r, index, ret, e) < 0)
			return -1;
	}
	reverse(ret);
	return 0;
}

/* SUBPROOF: down to the subtree that ends with the old tree's last leaf. That one is
 * known to the verifier only if it is the whole old tree, which is when it begins at 0.
 */
int merkle_prove_consistency(merkle_read *read, void *ctx, uint64_t from, uint64_t to,
			     struct merkle_proof *ret, struct err *e)
{
	const struct source s = {read, ctx};
	struct range r = {0, to};

	ret->n = 0;
	if (check_size(to, e) < 0)
		return -1;
	if (from > to)
		return err_set(e, ERR_FORMAT, "%llu entries are not the first of %llu",
			       (unsigned long long)from, (unsigned long long)to);
	if (from == 0 || from == to)
		return 0;
	while (r.to != from) {
		if (step_down(&s, &r, from - 1, ret, e) < 0)
			return -1;
	}
	if (r.from != 0 && prove(&s, r, ret, e) < 0)
		return -1;
	reverse(ret);
	return 0;
}

/* ---- checking: the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, which are
 * those of RFC 6962 said without recursion ---- */

static int not_proven(struct err *e, const char *what)
{
	return err_set(e, ERR_UNTRUSTED, "the proof does not show that %s", what);
}

static int same(const uint8_t a[SHA256_LEN], const uint8_t b[SHA256_LEN])
{
	return memcmp(a, b, SHA256_LEN) == 0;
}

int merkle_check_inclusion(const uint8_t leaf[SHA256_LEN], uint64_t index,
			   uint64_t size, const uint8_t root[SHA256_LEN],
			   const struct merkle_proof *p, struct err *e)
{
	static const char what[] = "the entry is in the log";
	uint64_t at = index, last = size - 1;
	uint8_t hash[SHA256_LEN];

	if (index >= size)
		return not_proven(e, what);
	memcpy(hash, leaf, SHA256_LEN);
	for (size_t i = 0; i < p->n; i++, at >>= 1, last >>= 1) {
		bool on_left = (at & 1) != 0 || at == last;

		if (last == 0)
			return not_proven(e, what);
		if (merkle_node(on_left ? p->hashes[i] : hash,
				on_left ? hash : p->hashes[i], hash, e) < 0)
			return -1;
		for (; on_left && (at & 1) == 0 && at != 0; at >>= 1)
			last >>= 1;
	}
	return last == 0 && same(hash, root) ? 0 : not_proven(e, what);
}

int merkle_check_consistency(uint64_t from, const uint8_t from_root[SHA256_LEN],
			     uint64_t to, const uint8_t to_root[SHA256_LEN],
			     const struct merkle_proof *p, struct err *e)
{
	static const char what[] = "the log only grew";
	bool whole = (from & (from - 1)) == 0; /* the old root is itself a subtree */
	uint8_t old_hash[SHA256_LEN], new_hash[SHA256_LEN];
	uint64_t at = from - 1, last = to - 1;
	size_t i = whole ? 0 : 1;

	if (from > to || (from == to && !same(from_root, to_root)))
		return not_proven(e, what);
	if (from == 0 || from == to)
		return p->n == 0 ? 0 : not_proven(e, what);
	if (p->n == 0)
		return not_proven(e, what);
	for (; (at & 1) != 0; at >>= 1)
		last >>= 1;
	memcpy(old_hash, whole ? from_root : p->hashes[0], SHA256_LEN);
	memcpy(new_hash, old_hash, SHA256_LEN);
	for (; i < p->n; i++, at >>= 1, last >>= 1) {
		const uint8_t *next = p->hashes[i];
		bool on_left = (at & 1) != 0 || at == last;

		if (last == 0)
			return not_proven(e, what);
		if (on_left && merkle_node(next, old_hash, old_hash, e) < 0)
			return -1;
		if (merkle_node(on_left ? next : new_hash, on_left ? new_hash : next,
				new_hash, e) < 0)
			return -1;
		for (; on_left && (at & 1) == 0 && at != 0; at >>= 1)
			last >>= 1;
	}
	if (last != 0 || !same(old_hash, from_root) || !same(new_hash, to_root))
		return not_proven(e, what);
	return 0;
}
