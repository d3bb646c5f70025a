/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../server/fleet/failure.h"
#include "../../server/fleet/filter.h"

#include <stdio.h>

static void what_varies_is_a_star_in_the_words(void **state)
{
	static const struct {
		const char *detail, *words;
	} rows[] = {
	    {"", ""},
	    {"health check failed", "health check failed"},
	    {"block 4711: digest mismatch", "block *: digest mismatch"},
	    {"at 12.5 MiB of 80", "at *.* MiB of *"},
	    {"root 41c9aa01deadbeef is not 0123456789abcdef", "root * is not *"},
	    {"facade decade", "facade decade"},
	    {"deadbeef feedface", "deadbeef feedface"},
	    {"0123456g", "*g"},
	    {"two\nlines", "two*lines"},
	    {"**", "*"},
	    {"slot B2", "slot B*"},
	};
	char words[FAILURE_WORDS_MAX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		failure_words(rows[i].detail, words);
		assert_string_equal(words, rows[i].words);
	}
}

static void long_words_are_cut_between_characters_and_end_in_a_star(void **state)
{
	char words[FAILURE_WORDS_MAX_LEN + 1];
	char text[DETAIL_MAX_LEN + 1];

	(void)state;
	for (size_t before = 0; before < 4; before++) {
		memset(text, 0, sizeof(text));
		memset(text, 'x', before);
		while (strlen(text) < 300)
			strcat(text, "\xe2\x82\xac");
		failure_words(text, words);
		assert_true(strlen(words) <= FAILURE_WORDS_MAX_LEN);
		assert_int_equal(words[strlen(words) - 1], '*');
		assert_int_equal((strlen(words) - 1 - before) % 3, 0);
	}
	memset(text, 0, sizeof(text));
	memset(text, 'y', FAILURE_WORDS_MAX_LEN);
	failure_words(text, words);
	assert_string_equal(words, text);
}

static struct failure failure_of(const char *detail, const char *hardware, uint64_t n,
				 int64_t at)
{
	struct failure f = {.n_devices = n,
			    .first_at = at,
			    .last_at = at + 1,
			    .state = DEPLOYMENT_FAILED,
			    .product = "gateway",
			    .from = "1.0",
			    .release = "0123456789abcdef",
			    .version = "2.0"};

	(void)snprintf(f.detail, sizeof(f.detail), "%s", detail);
	(void)snprintf(f.hardware, sizeof(f.hardware), "%s", hardware);
	(void)snprintf(f.device, sizeof(f.device), "of-%s", detail);
	return f;
}

static void clusters_that_say_the_same_are_one_and_the_largest_part_speaks(void **state)
{
	struct failure list[] = {
	    failure_of("block 1: bad", "revA", 1, 50),
	    failure_of("no power", "revA", 4, 10),
	    failure_of("block 22: bad", "revA", 3, 20),
	    failure_of("block 3: bad", "revB", 2, 30),
	    failure_of("block 4: bad", "revA", 2, 5),
	};

	(void)state;
	assert_int_equal(failure_merge(list, 0), 0);
	assert_int_equal(failure_merge(list, N_ELEMS(list)), 3);
	assert_int_equal(list[0].n_devices, 6);
	assert_string_equal(list[0].detail, "block 22: bad");
	assert_int_equal(list[0].first_at, 5);
	assert_int_equal(list[0].last_at, 51);
	assert_string_equal(list[1].detail, "no power");
	assert_string_equal(list[2].hardware, "revB");
}

/* What a device said, whatever it is, becomes a filter that parses and finds it. */
static void each_cluster_has_a_filter_that_finds_its_devices(void **state)
{
	static const char *const details[] = {
	    "",	       "block 12: bad",	    "it's; (not) \"quoted\" \\ or *",
	    "a\tb\nc", "\xc3\xa9t\xc3\xa9", "==,=in=(1)",
	};
	static struct filter parsed;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(details); i++) {
		AUTO(buf) struct buf text = BUF_INIT(2048);
		struct failure f = failure_of(details[i], "rev'A", 1, 0);
		struct device d = {.state = DEVICE_FAILED,
				   .product = "gateway",
				   .hardware = "rev'A",
				   .version = "1.0"};
		struct deployment p = {.release = "0123456789abcdef"};
		struct filter_subject s = {.device = &d, .deployment = &p};

		OK(failure_filter(&f, &text, &e));
		(void)snprintf(p.detail, sizeof(p.detail), "%s", details[i]);
		OK(filter_parse(buf_str(&text), &parsed, &e));
		assert_true(filter_match(&parsed, &s, 0));
		(void)snprintf(p.detail, sizeof(p.detail), "x%sx", details[i]);
		assert_false(filter_match(&parsed, &s, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_varies_is_a_star_in_the_words),
	    cmocka_unit_test(long_words_are_cut_between_characters_and_end_in_a_star),
	    cmocka_unit_test(
		clusters_that_say_the_same_are_one_and_the_largest_part_speaks),
	    cmocka_unit_test(each_cluster_has_a_filter_that_finds_its_devices),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
