/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../common/base/err.h"
#include "../bench/histogram.h"

static void without_samples_all_is_zero(void **state)
{
	struct histogram h = {0};

	(void)state;
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_int_equal(histogram_percentile(&h, 100), 0);
}

static void percentiles_are_right_to_three_percent(void **state)
{
	static const uint64_t scales[] = {1, 7, 1000, 123456, 3600u * 1000000u / 1000u};
	static const double percents[] = {1, 10, 50, 90, 99, 99.9};

	(void)state;
	for (size_t s = 0; s < N_ELEMS(scales); s++) {
		struct histogram h = {0};

		for (uint64_t i = 1; i <= 1000; i++)
			histogram_add(&h, i * scales[s]);
		for (size_t p = 0; p < N_ELEMS(percents); p++) {
			double want = percents[p] * 10 * (double)scales[s];
			double got = (double)histogram_percentile(&h, percents[p]);

			assert_true(got >= want * 0.999 - 1);
			assert_true(got <= want * 1.0313 + 1);
		}
		assert_int_equal(histogram_percentile(&h, 100), 1000 * scales[s]);
	}
}

static void what_is_longer_than_all_buckets_is_the_maximum(void **state)
{
	struct histogram h = {0};

	(void)state;
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 1);
	assert_true(histogram_percentile(&h, 50) >= (uint64_t)1 << 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_samples_all_is_zero),
	    cmocka_unit_test(percentiles_are_right_to_three_percent),
	    cmocka_unit_test(what_is_longer_than_all_buckets_is_the_maximum),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
