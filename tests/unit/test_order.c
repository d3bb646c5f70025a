/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes when, and in which wave (`--measure` prints docs/ROLLOUTS.md's figure). */
#include "testing.h"

#include "../../common/base/clock.h"
#include "../../server/rollout/order.h"

#include <stdio.h>
#include <stdlib.h>

#define N 10000u

static struct rollout_plan plan_of(const char *const *waves, size_t n)
{
	struct rollout_plan p = {.n_waves = n};

	for (size_t i = 0; i < n; i++) {
		struct wave_plan *w = &p.waves[i];
		unsigned value = 0;

		if (sscanf(waves[i], "%u%%", &value) == 1 && strchr(waves[i], '%')) {
			w->by = WAVE_BY_PERCENT;
			w->percent_bp = value * 100;
		} else if (value > 0) {
			w->by = WAVE_BY_COUNT;
			w->count = value;
		} else {
			w->by = WAVE_BY_FILTER;
			strcpy(w->filter, waves[i]);
		}
	}
	return p;
}

static struct order_entry *devices(const char *seed, size_t n)
{
	struct order_entry *list = calloc(n, sizeof(*list));
	struct err e = ERR_INIT;
	char id[32];

	assert_non_null(list);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "dev-%06zu", i);
		OK(order_key(seed, id, &list[i].key, &e));
		list[i].index = (uint32_t)i;
	}
	return list;
}

/* printf 's\0dev-1' | sha256sum */
static void the_order_is_that_of_the_hash_of_seed_and_id(void **state)
{
	struct err e = ERR_INIT;
	uint64_t key, other;

	(void)state;
	OK(order_key("s", "dev-1", &key, &e));
	assert_true(key == UINT64_C(0xe962cf6ce2f7bb14));
	OK(order_key("sd", "ev-1", &other, &e));
	assert_true(key != other);
}

static void waves_cascade_over_what_is_left(void **state)
{
	static const struct {
		const char *waves[5];
		size_t n;
		uint64_t sizes[5];
	} rows[] = {
	    {{"100%"}, 10000, {10000}},
	    {{"10", "10%", "100%"}, 10000, {10, 999, 8991}},
	    {{"1%", "10%", "50%", "100%"}, 10000, {100, 990, 4455, 4455}},
	    {{"50%", "50%"}, 10000, {5000, 2500}},
	    {{"20000", "100%"}, 10000, {10000, 0}},
	    {{"1%"}, 1, {1}},
	    {{"1%", "100%"}, 3, {1, 2}},
	    {{"10", "100%"}, 0, {0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		size_t n_waves = 0;
		uint64_t members[PLAN_MAX_WAVES], in_wave[5] = {0};
		struct order_entry *list = devices("a", rows[i].n + 1);
		struct rollout_plan p;

		while (n_waves < 5 && rows[i].waves[n_waves] != NULL)
			n_waves++;
		p = plan_of(rows[i].waves, n_waves);
		order_assign(&p, list, rows[i].n, members);
		for (size_t w = 0; w < n_waves; w++)
			assert_int_equal(members[w], rows[i].sizes[w]);
		for (size_t d = 0; d < rows[i].n; d++) {
			if (list[d].wave != ORDER_NO_WAVE)
				in_wave[list[d].wave]++;
			assert_true(d == 0 || list[d].key > list[d - 1].key);
		}
		for (size_t w = 0; w < n_waves; w++)
			assert_int_equal(in_wave[w], members[w]);
		free(list);
	}
}

static void a_filter_takes_those_who_match_and_are_left(void **state)
{
	static const char *const waves[] = {"10", "tag==lab", "10%", "tag==field",
					    "100%"};
	struct rollout_plan p = plan_of(waves, N_ELEMS(waves));
	struct order_entry *list = devices("a", 1000);
	uint64_t members[PLAN_MAX_WAVES];
	size_t lab_first = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		list[i].matches = (uint16_t)((i % 10 == 0) << 1 | (i % 2 == 0) << 3);
	order_assign(&p, list, 1000, members);
	assert_int_equal(members[0], 10);
	for (size_t i = 0; i < 1000; i++) {
		bool lab = list[i].index % 10 == 0;

		lab_first += lab && list[i].wave == 0;
		assert_true(!lab || list[i].wave <= 1);
		assert_true(list[i].wave != 1 || lab);
		assert_true(list[i].wave != 3 || list[i].index % 2 == 0);
		assert_true(list[i].wave != 4 || list[i].index % 2 == 1);
	}
	assert_int_equal(members[1], 100 - lab_first);
	assert_int_equal(members[2], (1000 - 10 - members[1] + 9) / 10);
	free(list);
}

static int by_index(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static void the_same_seed_gives_the_same_waves_however_they_come(void **state)
{
	static const char *const waves[] = {"10%", "100%"};
	struct rollout_plan p = plan_of(waves, 2);
	struct order_entry *one = devices("a", N), *two = devices("a", N);
	struct order_entry *other = devices("b", N);
	uint64_t members[PLAN_MAX_WAVES];
	size_t moved = 0;

	(void)state;
	for (size_t i = 0; i < N / 2; i++) { /* backwards */
		struct order_entry t = two[i];

		two[i] = two[N - 1 - i];
		two[N - 1 - i] = t;
	}
	order_assign(&p, one, N, members);
	order_assign(&p, two, N, members);
	order_assign(&p, other, N, members);
	assert_memory_equal(one, two, N * sizeof(*one));
	qsort(one, N, sizeof(*one), by_index);
	qsort(other, N, sizeof(*other), by_index);
	for (size_t i = 0; i < N; i++)
		moved += one[i].wave != other[i].wave;
	assert_in_range(moved, 1600, 2000); /* 2 * 0.1 * 0.9 of them */
	free(one);
	free(two);
	free(other);
}

/* ---- strata ---- */

/* Sites of 1, 2, 4 .. 512, and one of all the rest. */
static size_t site_of(size_t i)
{
	size_t site = 0;

	while (site < 10 && i >= (((size_t)2 << site) - 1))
		site++;
	return site;
}

static struct order_entry *devices_at_sites(size_t n)
{
	struct order_entry *list = devices("a", n);
	struct err e = ERR_INIT;
	char site[16];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(site, sizeof(site), "site-%zu", site_of(i));
		OK(order_key("a", site, &list[i].stratum, &e));
	}
	return list;
}

/* Of each site no prefix of the order has more than its share and one device. */
static void a_site_is_spread_evenly_over_the_whole_order(void **state)
{
	struct rollout_plan p = {
	    .waves = {{.by = WAVE_BY_PERCENT, .percent_bp = PLAN_ALL_BP}},
	    .n_waves = 1,
	    .stratify_by = "site"};
	struct order_entry *list = devices_at_sites(N);
	uint64_t members[PLAN_MAX_WAVES];
	size_t total[11] = {0}, so_far[11] = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		total[site_of(i)]++;
	order_assign(&p, list, N, members);
	for (size_t i = 0; i < N; i++) {
		size_t site = site_of(list[i].index);
		double share;

		so_far[site]++;
		share = (double)total[site] * (double)(i + 1) / N;
		/* the order's own grain is one device of each of eleven sites */
		assert_true((double)so_far[site] <
			    share + 1.001 + 11.0 * (double)total[site] / N);
		assert_true(i == 0 || list[i].place >= list[i - 1].place);
	}
	free(list);
}

static void a_wave_of_a_tenth_takes_no_more_than_a_tenth_of_a_site_and_one(void **state)
{
	static const char *const waves[] = {"10%", "100%"};
	struct rollout_plan p = plan_of(waves, 2);
	struct order_entry *list = devices_at_sites(N);
	uint64_t members[PLAN_MAX_WAVES];
	size_t total[11] = {0}, first[11] = {0};

	(void)state;
	strcpy(p.stratify_by, "site");
	order_assign(&p, list, N, members);
	for (size_t i = 0; i < N; i++) {
		total[site_of(list[i].index)]++;
		first[site_of(list[i].index)] += list[i].wave == 0;
	}
	for (size_t s = 0; s < 11; s++) {
		assert_true(first[s] <= total[s] / 10 + 2);
		assert_true(total[s] < 2 || first[s] < total[s]);
	}
	free(list);
}

static void a_million_devices_are_ordered_in_bounded_memory(void **state)
{
	static const char *const waves[] = {"10", "1%", "10%", "100%"};
	struct rollout_plan p = plan_of(waves, 4);
	struct order_entry *list = calloc(1000000, sizeof(*list));
	uint64_t members[PLAN_MAX_WAVES], x = 1;

	(void)state;
	assert_non_null(list);
	assert_int_equal(sizeof(*list), 32);
	strcpy(p.stratify_by, "site");
	for (uint32_t i = 0; i < 1000000; i++) {
		x = x * UINT64_C(6364136223846793005) + 1;
		list[i] = (struct order_entry){
		    .key = x, .stratum = (x >> 50) << 40, .index = i};
	}
	order_assign(&p, list, 1000000, members);
	assert_int_equal(members[0] + members[1] + members[2] + members[3], 1000000);
	free(list);
}

static void nobody_is_in_no_wave(void **state)
{
	static const char *const waves[] = {"10%", "100%"};
	struct rollout_plan p = plan_of(waves, 2);
	uint64_t members[PLAN_MAX_WAVES] = {7, 7};

	(void)state;
	strcpy(p.stratify_by, "site");
	order_assign(&p, NULL, 0, members);
	assert_int_equal(members[0] + members[1], 0);
}

static int print_figures(void)
{
	static const char *const waves[] = {"10", "1%", "10%", "100%"};
	struct rollout_plan p = plan_of(waves, 4);
	int64_t begin = clock_mono_ms(&clock_system), hashed, ordered;
	struct order_entry *list = devices("a", 1000000);
	uint64_t members[PLAN_MAX_WAVES];

	for (uint32_t i = 0; i < 1000000; i++)
		list[i].stratum = (list[i].key >> 50) << 40;
	hashed = clock_mono_ms(&clock_system);
	strcpy(p.stratify_by, "site");
	order_assign(&p, list, 1000000, members);
	ordered = clock_mono_ms(&clock_system);
	(void)printf(
	    "1,000,000 devices: hashed in %lld ms, spread and in waves in %lld "
	    "ms\n",
	    (long long)(hashed - begin), (long long)(ordered - hashed));
	free(list);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_order_is_that_of_the_hash_of_seed_and_id),
	    cmocka_unit_test(waves_cascade_over_what_is_left),
	    cmocka_unit_test(a_filter_takes_those_who_match_and_are_left),
	    cmocka_unit_test(the_same_seed_gives_the_same_waves_however_they_come),
	    cmocka_unit_test(a_site_is_spread_evenly_over_the_whole_order),
	    cmocka_unit_test(
		a_wave_of_a_tenth_takes_no_more_than_a_tenth_of_a_site_and_one),
	    cmocka_unit_test(a_million_devices_are_ordered_in_bounded_memory),
	    cmocka_unit_test(nobody_is_in_no_wave),
	};

	if (argc == 2 && strcmp(argv[1], "--measure") == 0)
		return print_figures();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
