/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/metrics/metrics.h"
#include "../../server/metrics/process.h"
#include "testing.h"

#include <pthread.h>
#include <stdlib.h>

static const char *const colours[] = {"red", "dark \"blue\"\\\n"};
static const char *const sizes[] = {"s", "l"};

#define EXPECT(m, wanted)                                                              \
	do {                                                                           \
		AUTO(buf) struct buf text_ = BUF_INIT(METRICS_MAX_TEXT);               \
		struct err e = ERR_INIT;                                               \
		OK(metrics_write(m, &text_, &e));                                      \
		assert_string_equal(buf_str(&text_), wanted);                          \
	} while (0)

static struct metrics *fresh(void)
{
	struct err e = ERR_INIT;
	struct metrics *m = metrics_new(&e);

	assert_non_null(m);
	return m;
}

static void a_counter_without_labels_is_there_before_it_counts(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	struct metric *f = metrics_add(
	    m, &(struct metric_desc){
		   .name = "x_total", .help = "Things.", .kind = METRIC_COUNTER});

	(void)state;
	EXPECT(m, "# HELP x_total Things.\n# TYPE x_total counter\nx_total 0\n");
	metric_count(f, 0, 0, 41);
	metric_count(f, 0, 0, 1);
	EXPECT(m, "# HELP x_total Things.\n# TYPE x_total counter\nx_total 42\n");
}

static void two_labels_make_a_series_of_each_pair_and_values_are_escaped(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	struct metric *f =
	    metrics_add(m, &(struct metric_desc){
			       .name = "g",
			       .help = "G.",
			       .kind = METRIC_GAUGE,
			       .labels = {{"colour", colours, 2}, {"size", sizes, 2}}});

	(void)state;
	metric_set(f, 1, 0, -7);
	metric_move(f, 0, 1, 3);
	metric_move(f, 0, 1, -1);
	EXPECT(m, "# HELP g G.\n# TYPE g gauge\n"
		  "g{colour=\"red\",size=\"s\"} 0\ng{colour=\"red\",size=\"l\"} 2\n"
		  "g{colour=\"dark \\\"blue\\\"\\\\\\n\",size=\"s\"} -7\n"
		  "g{colour=\"dark \\\"blue\\\"\\\\\\n\",size=\"l\"} 0\n");
}

static void a_histogram_is_cumulative_and_its_bounds_are_exact_in_its_unit(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	struct metric *f =
	    metrics_add(m, &(struct metric_desc){.name = "h_seconds",
						 .help = "H.",
						 .kind = METRIC_HISTOGRAM,
						 .labels = {{"size", sizes, 1}},
						 .bounds = {500, 5000, 1000000},
						 .n_bounds = 3,
						 .scale = 1000000});

	(void)state;
	metric_observe(f, 0, 0, 500); /* a bound belongs to its bucket */
	metric_observe(f, 0, 0, 501);
	metric_observe(f, 0, 0, 2500000);
	EXPECT(m, "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
		  "h_seconds_bucket{size=\"s\",le=\"0.0005\"} 1\n"
		  "h_seconds_bucket{size=\"s\",le=\"0.005\"} 2\n"
		  "h_seconds_bucket{size=\"s\",le=\"1\"} 2\n"
		  "h_seconds_bucket{size=\"s\",le=\"+Inf\"} 3\n"
		  "h_seconds_sum{size=\"s\"} 2.501001\n"
		  "h_seconds_count{size=\"s\"} 3\n");
}

static void what_is_out_of_range_or_no_family_is_not_counted(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	struct metric *f =
	    metrics_add(m, &(struct metric_desc){.name = "x_total",
						 .help = "X.",
						 .kind = METRIC_COUNTER,
						 .labels = {{"size", sizes, 2}}});

	(void)state;
	metric_count(f, 2, 0, 1);
	metric_count(f, 0, 1, 1);
	metric_count(f, SIZE_MAX, 0, 1);
	metric_count(NULL, 0, 0, 1);
	metric_observe(NULL, 0, 0, 1);
	assert_null(metrics_add(NULL, &(struct metric_desc){.name = "y"}));
	EXPECT(m, "# HELP x_total X.\n# TYPE x_total counter\n"
		  "x_total{size=\"s\"} 0\nx_total{size=\"l\"} 0\n");
}

static void collect(struct metrics_text *t, void *ctx)
{
	const char *const labels[][2] = {{"product", "gate\"way"}, {"version", "1.0"}};

	metrics_family(t, "fleet", METRIC_GAUGE, "Devices.");
	metrics_sample(t, *(double *)ctx, 2, labels);
	metrics_sample(t, 2, 0, NULL);
}

static void a_collector_is_asked_at_each_scrape(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	double n = 1.5;

	(void)state;
	metrics_add_collector(m, collect, &n);
	EXPECT(m, "# HELP fleet Devices.\n# TYPE fleet gauge\n"
		  "fleet{product=\"gate\\\"way\",version=\"1.0\"} 1.5\nfleet 2\n");
	n = 1e9;
	EXPECT(m,
	       "# HELP fleet Devices.\n# TYPE fleet gauge\n"
	       "fleet{product=\"gate\\\"way\",version=\"1.0\"} 1000000000\nfleet 2\n");
}

static void a_text_that_grows_too_long_fails_as_a_whole(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	AUTO(buf) struct buf text = BUF_INIT(20);
	struct err e = ERR_INIT;
	double n = 0;

	(void)state;
	metrics_add_collector(m, collect, &n);
	FAILS(metrics_write(m, &text, &e), ERR_LIMIT);
}

#define N_EACH 20000

static void *count_many(void *f)
{
	for (int i = 0; i < N_EACH; i++)
		metric_count(f, 0, 0, 1);
	return NULL;
}

static void threads_that_count_at_once_lose_nothing(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	struct metric *f = metrics_add(
	    m, &(struct metric_desc){
		   .name = "x_total", .help = "X.", .kind = METRIC_COUNTER});
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, f), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	EXPECT(m, "# HELP x_total X.\n# TYPE x_total counter\nx_total 80000\n");
}

static double value_of(const char *text, const char *name)
{
	char line[64];
	const char *at;

	assert_true(snprintf(line, sizeof(line), "\n%s ", name) < (int)sizeof(line));
	at = strstr(text, line);
	if (at == NULL)
		fail_msg("%s is missing in:\n%s", name, text);
	return strtod(at + strlen(line), NULL);
}

static void the_process_tells_of_itself(void **state)
{
	AUTO_PTR(metrics) struct metrics *m = fresh();
	AUTO(buf) struct buf text = BUF_INIT(METRICS_MAX_TEXT);
	struct err e = ERR_INIT;

	(void)state;
	metrics_add_process(m);
	OK(metrics_write(m, &text, &e));
	assert_true(value_of(buf_str(&text), "process_open_fds") >= 3);
	assert_true(value_of(buf_str(&text), "process_max_fds") >= 3);
	assert_true(value_of(buf_str(&text), "process_resident_memory_bytes") > 100000);
	assert_true(value_of(buf_str(&text), "process_virtual_memory_bytes") > 100000);
	assert_true(value_of(buf_str(&text), "process_cpu_seconds_total") >= 0);
	/* this process began after 2020 and not in the future */
	assert_true(value_of(buf_str(&text), "process_start_time_seconds") > 1.57e9);
	assert_true(value_of(buf_str(&text), "process_start_time_seconds") <=
		    (double)time(NULL) + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_counter_without_labels_is_there_before_it_counts),
	    cmocka_unit_test(
		two_labels_make_a_series_of_each_pair_and_values_are_escaped),
	    cmocka_unit_test(
		a_histogram_is_cumulative_and_its_bounds_are_exact_in_its_unit),
	    cmocka_unit_test(what_is_out_of_range_or_no_family_is_not_counted),
	    cmocka_unit_test(a_collector_is_asked_at_each_scrape),
	    cmocka_unit_test(a_text_that_grows_too_long_fails_as_a_whole),
	    cmocka_unit_test(threads_that_count_at_once_lose_nothing),
	    cmocka_unit_test(the_process_tells_of_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
