/* SPDX-License-Identifier: Apache-2.0 */
/* Known roots are those of the Certificate Transparency project's test data (eight
 * leaves) and of a direct transcription of section 2.1 in Python (1000 leaves). */
#include "../../common/format/merkle.h"

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#define N_BIG 1000
#define N_TABLE_LEVELS 11

/* Every complete subtree of up to 1,024 leaves. */
struct table {
	uint8_t hash[N_TABLE_LEVELS][1024][SHA256_LEN];
	unsigned n_known[N_TABLE_LEVELS];
};

static int note(void *ctx, unsigned level, uint64_t i, const uint8_t hash[SHA256_LEN],
		struct err *e)
{
	struct table *t = ctx;

	(void)e;
	assert_true(level < N_TABLE_LEVELS);
	assert_int_equal(i, t->n_known[level]); /* each once, in order */
	memcpy(t->hash[level][i], hash, SHA256_LEN);
	t->n_known[level]++;
	return 0;
}

static int look(void *ctx, unsigned level, uint64_t i, uint8_t ret[SHA256_LEN],
		struct err *e)
{
	const struct table *t = ctx;

	if (level >= N_TABLE_LEVELS || i >= t->n_known[level])
		return err_set(e, ERR_NOT_FOUND, "level %u has no subtree %llu", level,
			       (unsigned long long)i);
	memcpy(ret, t->hash[level][i], SHA256_LEN);
	return 0;
}

static void add(struct merkle_frontier *f, struct table *t, const void *entry,
		size_t len)
{
	struct err e = ERR_INIT;
	uint8_t leaf[SHA256_LEN];

	OK(merkle_leaf(entry, len, leaf, &e));
	OK(note(t, 0, f->size, leaf, &e));
	OK(merkle_append(f, leaf, note, t, &e));
}

static void assert_root(const uint8_t root[SHA256_LEN], const char *hex)
{
	char text[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", root[i]);
	assert_string_equal(text, hex);
}

static struct table *big_tree(uint8_t roots[N_BIG + 1][SHA256_LEN])
{
	struct table *t = calloc(1, sizeof(*t));
	struct merkle_frontier f = {0};
	struct err e = ERR_INIT;
	char entry[32];

	assert_non_null(t);
	OK(merkle_root(&f, roots[0], &e));
	for (unsigned i = 0; i < N_BIG; i++) {
		snprintf(entry, sizeof(entry), "entry %u", i);
		add(&f, t, entry, strlen(entry));
		OK(merkle_root(&f, roots[i + 1], &e));
	}
	return t;
}

static void the_roots_are_those_that_everybody_knows(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *root;
	} rows[] = {
	    {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	    {"\0", 1,
	     "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	    {"\x10", 1,
	     "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	    {"\x20\x21", 2,
	     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	    {"\x30\x31", 2,
	     "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	    {"\x40\x41\x42\x43", 4,
	     "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	     "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	};
	struct table *t = calloc(1, sizeof(*t));
	struct merkle_frontier f = {0};
	struct err e = ERR_INIT;
	uint8_t root[SHA256_LEN];

	(void)state;
	OK(merkle_root(&f, root, &e));
	assert_root(root,
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		add(&f, t, rows[i].bytes, rows[i].len);
		OK(merkle_root(&f, root, &e));
		assert_root(root, rows[i].root);
	}
	free(t);
}

static void a_thousand_leaves_have_the_roots_of_the_reference(void **state)
{
	static uint8_t roots[N_BIG + 1][SHA256_LEN];
	struct table *t = big_tree(roots);

	(void)state;
	assert_root(roots[255],
		    "cf66793e6329dff242eb3cee0a6f36ad3e3a196dcc573a1ec775e102be863f1c");
	assert_root(roots[256],
		    "da6596d95369f5fef322ab8e4e0da3b0b50236aa9c8a3b1d246f7411c9e2e32e");
	assert_root(roots[257],
		    "5c1fdfe835358022f2392de478dbe053fc130cfe1d3a082879a90cf6bf14bf7e");
	assert_root(roots[1000],
		    "346c6b9cb89c4b76fac9dcb20cda86e3a01c0a57417c139028eacd4538fde95b");
	free(t);
}

static void the_root_of_any_earlier_size_follows_from_subtrees(void **state)
{
	static uint8_t roots[N_BIG + 1][SHA256_LEN];
	struct table *t = big_tree(roots);
	struct err e = ERR_INIT;
	uint8_t root[SHA256_LEN];

	(void)state;
	for (unsigned n = 0; n <= N_BIG; n++) {
		OK(merkle_root_at(look, t, n, root, &e));
		assert_memory_equal(root, roots[n], SHA256_LEN);
	}
	FAILS(merkle_root_at(look, t, N_BIG + 1, root, &e), ERR_NOT_FOUND);
	free(t);
}

static void every_leaf_of_every_small_tree_proves_that_it_is_in(void **state)
{
	static uint8_t roots[N_BIG + 1][SHA256_LEN];
	struct table *t = big_tree(roots);
	struct merkle_proof p;
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned size = 1; size <= 70; size++) {
		for (unsigned i = 0; i < size; i++) {
			OK(merkle_prove_inclusion(look, t, i, size, &p, &e));
			OK(merkle_check_inclusion(t->hash[0][i], i, size, roots[size],
						  &p, &e));
			FAILS(merkle_check_inclusion(t->hash[0][i + 1], i, size,
						     roots[size], &p, &e),
			      ERR_UNTRUSTED);
			if (size > 1)
				FAILS(merkle_check_inclusion(t->hash[0][i],
							     (i + 1) % size, size,
							     roots[size], &p, &e),
				      ERR_UNTRUSTED);
		}
	}
	FAILS(merkle_prove_inclusion(look, t, 5, 5, &p, &e), ERR_FORMAT);
	free(t);
}

static void any_tree_proves_that_it_continues_any_earlier_one(void **state)
{
	static uint8_t roots[N_BIG + 1][SHA256_LEN];
	struct table *t = big_tree(roots);
	struct merkle_proof p;
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned to = 0; to <= 66; to++) {
		for (unsigned from = 0; from <= to; from++) {
			OK(merkle_prove_consistency(look, t, from, to, &p, &e));
			OK(merkle_check_consistency(from, roots[from], to, roots[to],
						    &p, &e));
			if (from == 0)
				continue;
			FAILS(merkle_check_consistency(from, roots[from + 1], to,
						       roots[to], &p, &e),
			      ERR_UNTRUSTED);
			FAILS(merkle_check_consistency(from, roots[from], to,
						       roots[to + 1], &p, &e),
			      ERR_UNTRUSTED);
		}
	}
	OK(merkle_prove_consistency(look, t, 513, 1000, &p, &e));
	OK(merkle_check_consistency(513, roots[513], 1000, roots[1000], &p, &e));
	FAILS(merkle_prove_consistency(look, t, 6, 5, &p, &e), ERR_FORMAT);
	FAILS(merkle_check_consistency(6, roots[6], 5, roots[5], &p, &e),
	      ERR_UNTRUSTED);
	free(t);
}

static void a_proof_that_is_cut_lengthened_or_flipped_shows_nothing(void **state)
{
	static uint8_t roots[N_BIG + 1][SHA256_LEN];
	struct table *t = big_tree(roots);
	struct merkle_proof p, bad;
	struct err e = ERR_INIT;

	(void)state;
	OK(merkle_prove_consistency(look, t, 300, 1000, &p, &e));
	for (size_t i = 0; i < p.n; i++) {
		bad = p;
		bad.hashes[i][7] ^= 1;
		FAILS(merkle_check_consistency(300, roots[300], 1000, roots[1000], &bad,
					       &e),
		      ERR_UNTRUSTED);
		bad = p;
		bad.n = i;
		FAILS(merkle_check_consistency(300, roots[300], 1000, roots[1000], &bad,
					       &e),
		      ERR_UNTRUSTED);
	}
	bad = p;
	memset(bad.hashes[bad.n++], 0, SHA256_LEN);
	FAILS(merkle_check_consistency(300, roots[300], 1000, roots[1000], &bad, &e),
	      ERR_UNTRUSTED);
	OK(merkle_prove_inclusion(look, t, 300, 1000, &p, &e));
	for (size_t i = 0; i < p.n; i++) {
		bad = p;
		bad.n = i;
		FAILS(merkle_check_inclusion(t->hash[0][300], 300, 1000, roots[1000],
					     &bad, &e),
		      ERR_UNTRUSTED);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_roots_are_those_that_everybody_knows),
	    cmocka_unit_test(a_thousand_leaves_have_the_roots_of_the_reference),
	    cmocka_unit_test(the_root_of_any_earlier_size_follows_from_subtrees),
	    cmocka_unit_test(every_leaf_of_every_small_tree_proves_that_it_is_in),
	    cmocka_unit_test(any_tree_proves_that_it_continues_any_earlier_one),
	    cmocka_unit_test(a_proof_that_is_cut_lengthened_or_flipped_shows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
