/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/err.h"
#include "../../common/ddi/capability.h"

#include "testing.h"

static void a_word_is_had_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_true(capability_has("full delta", "delta"));
	assert_true(capability_has("delta", "delta"));
	assert_false(capability_has("full delta-only", "delta"));
	assert_false(capability_has("", "delta"));
	assert_true(capability_unwraps("full unwrap-xz-5.4.1"));
	assert_false(capability_unwraps("full unwrap- rewrap-x"));
}

#define HAS                                                                            \
	"delta unwrap-zstd-1.5.4 unwrap-xz-5.4.1 unwrap-memory-1000 unwrap-scratch-0"

static void needs_are_covered_by_all_of_their_words(void **state)
{
	static const struct {
		const char *needs;
		bool covered;
	} rows[] = {
	    {"", true},
	    {"unwrap-zstd-1.5.4", true},
	    {"unwrap-zstd-1.5.4 unwrap-xz-5.4.1 unwrap-memory-1000", true},
	    {"unwrap-zstd-1.5.5", false},
	    {"unwrap-zstd-1.5", false},
	    {"unwrap-zstd-1.5.4 unwrap-lz4-1.9.4", false},
	    {"unwrap-memory-999", true},
	    {"unwrap-memory-1001", false},
	    {"unwrap-scratch-0", true},
	    {"unwrap-scratch-1", false},
	    {"unwrap-memory-", false},
	    {"unwrap-memory-1x", false},
	    {"unwrap-memory--1", false},
	    {"unwrap-memory-99999999999999999999", false},
	    {"something-else", false},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (capability_covers(HAS, rows[i].needs) != rows[i].covered)
			fail_msg("\"%s\"", rows[i].needs);
	}
	assert_false(capability_covers("unwrap-memory-x", "unwrap-memory-0"));
	assert_false(capability_covers("", "unwrap-memory-0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_word_is_had_whole_or_not_at_all),
	    cmocka_unit_test(needs_are_covered_by_all_of_their_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
