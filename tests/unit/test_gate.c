/* SPDX-License-Identifier: Apache-2.0 */
/* The health gate: its value against the formula, how often it stops what is healthy,
 * and how soon it stops what is not (`--measure` prints docs/ROLLOUTS.md's figures). */
#include "testing.h"

#include "../../server/rollout/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROLLOUTS 10000u
#define REPORTS 1000u
#define MAX_IN_FLIGHT REPORTS

static const struct gate_plan gate = {
    .on = true, .alpha_bp = 500, .baseline_bp = 100, .tolerated_bp = 0};

/* ---- a world with a seed ---- */

/* splitmix64 (Steele, Lea, Flood 2014): each rollout has its own stream. */
static uint64_t next_random(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool happens(uint64_t *s, double p)
{
	return (double)(next_random(s) >> 11) * 0x1p-53 < p;
}

/* How the world may delay what it knows. */
enum arrival {
	ONE_BY_ONE,	/* the next device is offered it when the last has ended */
	ALL_AT_ONCE,	/* all are offered it, and end in any order */
	FAILURES_FIRST, /* all are offered it, and those that fail end first */
	N_ARRIVALS
};

struct world {
	double p; /* of failing */
	enum arrival arrival;
	size_t n_waves, per_wave;
};

/* The outcomes of one wave's devices, in the order in which they are reported. */
static void draw(const struct world *w, uint64_t *s, bool *fails)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < w->per_wave; i++) {
		fails[i] = happens(s, w->p);
		n_failed += fails[i];
	}
	for (size_t i = 0; w->arrival == FAILURES_FIRST && i < w->per_wave; i++)
		fails[i] = i < n_failed;
}

/* The number of reports until it stops, 0 if it never does. */
static size_t run(const struct gate_plan *g, const struct world *w, uint64_t seed)
{
	struct gate_evidence v[PLAN_MAX_WAVES] = {{0, 0}};
	uint64_t s = seed * UINT64_C(0xd1342543de82ef95) + 1;
	struct gate_verdict verdict;
	bool fails[MAX_IN_FLIGHT];
	size_t reports = 0;

	for (size_t wave = 0; wave < w->n_waves; wave++) {
		draw(w, &s, fails);
		for (size_t i = 0; i < w->per_wave; i++) {
			v[wave].offered =
			    w->arrival == ONE_BY_ONE ? i + 1 : w->per_wave;
			v[wave].failed += fails[i];
			reports++;
			if (!fails[i] && i + 1 < w->per_wave)
				continue; /* only a failure raises it */
			gate_judge(g, v, w->n_waves, &verdict);
			if (verdict.stop)
				return reports;
		}
	}
	return 0;
}

/* ---- its value ---- */

static double by_the_formula(double p0, double n, double k)
{
	double sum = 0;

	for (int j = 1; j <= GATE_GRID; j++) {
		double p = exp(log(p0) * (1 - j / (double)(GATE_GRID + 1)));

		sum += pow(p / p0, k) * pow((1 - p) / (1 - p0), n - k);
	}
	return sum / GATE_GRID;
}

static void its_value_is_the_mean_of_likelihood_ratios(void **state)
{
	static const struct gate_evidence rows[] = {{0, 0},  {1, 0},	{1, 1},
						    {10, 1}, {20, 5},	{100, 1},
						    {60, 5}, {300, 12}, {500, 0}};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		double e = by_the_formula(0.01, (double)rows[i].offered,
					  (double)rows[i].failed);

		assert_true(fabs(gate_wave_log_e(&gate, &rows[i]) - log(e)) < 1e-9);
	}
	assert_true(gate_wave_log_e(&gate, &rows[0]) == 0);
}

/* Under the null the expected value after each outcome is the value before it. */
static void it_is_a_martingale_at_the_border_and_falls_below_it(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 200; n += 7) {
		for (uint64_t k = 0; k <= n && k < 20; k++) {
			double e =
			    exp(gate_wave_log_e(&gate, &(struct gate_evidence){n, k}));
			double good = exp(
			    gate_wave_log_e(&gate, &(struct gate_evidence){n + 1, k}));
			double bad = exp(gate_wave_log_e(
			    &gate, &(struct gate_evidence){n + 1, k + 1}));

			assert_true(fabs(0.99 * good + 0.01 * bad - e) < 1e-9 * e);
			assert_true(0.995 * good + 0.005 * bad < e);
			assert_true(good < e && bad > e);
		}
	}
}

static void nothing_overflows_with_ten_million_devices(void **state)
{
	const struct gate_evidence all = {10000000, 10000000}, none = {10000000, 0};
	struct gate_verdict v;

	(void)state;
	assert_true(isfinite(gate_wave_log_e(&gate, &all)));
	assert_true(isfinite(gate_wave_log_e(&gate, &none)));
	gate_judge(&gate, &all, 1, &v);
	assert_true(v.stop);
	gate_judge(&gate, &none, 1, &v);
	assert_false(v.stop);
}

static void a_rollout_is_judged_by_the_mean_of_its_waves(void **state)
{
	const struct gate_evidence waves[4] = {{100, 0}, {40, 6}, {0, 0}, {0, 0}};
	struct gate_verdict one, four;
	double sum = 0;

	(void)state;
	gate_judge(&gate, &waves[1], 1, &one);
	gate_judge(&gate, waves, 4, &four);
	for (size_t i = 0; i < 4; i++)
		sum += exp(gate_wave_log_e(&gate, &waves[i]));
	assert_true(fabs(four.log_e - log(sum / 4)) < 1e-12);
	assert_true(four.log_e < one.log_e);
	assert_int_equal(four.worst, 1);
}

static void a_gate_that_is_off_never_stops(void **state)
{
	const struct gate_plan off = {.on = false};
	const struct gate_evidence v = {100, 100};
	struct gate_verdict verdict;

	(void)state;
	gate_judge(&off, &v, 1, &verdict);
	assert_false(verdict.stop);
}

/* ---- how often it is wrong ---- */

/*
 * A true rate of at most alpha gives at most n * alpha false stops on average, with a
 * standard deviation of at most sqrt(n * alpha * (1 - alpha)): 21.8 for 10,000 at 5 %.
 * The seeds are fixed, so the test cannot fail by chance tomorrow; three deviations are
 * what a true rate of exactly alpha would exceed once in 740 choices of seeds.
 */
static double most_false_stops(const struct gate_plan *g)
{
	double alpha = g->alpha_bp / (double)PLAN_ALL_BP;

	return ROLLOUTS * alpha + 3 * sqrt(ROLLOUTS * alpha * (1 - alpha));
}

static size_t count_stops(const struct gate_plan *g, const struct world *w)
{
	size_t n = 0;

	for (uint64_t seed = 0; seed < ROLLOUTS; seed++)
		n += run(g, w, seed) != 0;
	return n;
}

static void ten_thousand_healthy_rollouts_are_stopped_no_more_than_alpha(void **state)
{
	static const struct world worlds[] = {
	    {0.01, ONE_BY_ONE, 1, REPORTS},	{0.01, ALL_AT_ONCE, 1, REPORTS},
	    {0.01, FAILURES_FIRST, 1, REPORTS}, {0.01, ONE_BY_ONE, 5, 200},
	    {0.01, FAILURES_FIRST, 5, 200},	{0.005, ONE_BY_ONE, 1, REPORTS},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(worlds); i++) {
		size_t stops = count_stops(&gate, &worlds[i]);

		if ((double)stops > most_false_stops(&gate))
			fail_msg("world %zu: %zu of %u stopped", i, stops, ROLLOUTS);
	}
}

/* That the test above can fail: the same with a threshold that forgets looking often. */
static void a_test_that_is_looked_at_too_often_would_be_caught(void **state)
{
	const struct world w = {0.01, ONE_BY_ONE, 1, REPORTS};
	struct gate_plan naive = gate;

	(void)state;
	naive.alpha_bp = 2000; /* stops at e >= 5 */
	assert_true((double)count_stops(&naive, &w) > most_false_stops(&gate));
}

/* ---- how soon it is right ---- */

struct power {
	size_t median, ninth; /* reports until it stops: half, and nine of ten */
	double stopped;	      /* share, within the reports there are */
};

static int by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct power measure(const struct gate_plan *g, const struct world *w, size_t n)
{
	size_t *reports = calloc(n, sizeof(*reports)), stopped = 0;
	struct power p;

	assert_non_null(reports);
	for (size_t i = 0; i < n; i++) {
		size_t r = run(g, w, 1000000 + i);

		stopped += r != 0;
		reports[i] = r == 0 ? SIZE_MAX : r;
	}
	qsort(reports, n, sizeof(*reports), by_size);
	p = (struct power){reports[n / 2], reports[n * 9 / 10],
			   (double)stopped / (double)n};
	free(reports);
	return p;
}

static void what_is_sick_is_stopped_soon(void **state)
{
	static const struct {
		double p;
		size_t median, ninth;
	} rows[] = {{0.05, 160, 400}, {0.10, 60, 130}, {0.20, 30, 50}};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct world w = {rows[i].p, ONE_BY_ONE, 1, REPORTS};
		struct power got = measure(&gate, &w, 1000);

		if (got.median > rows[i].median || got.ninth > rows[i].ninth)
			fail_msg("%g: %zu, %zu", rows[i].p, got.median, got.ninth);
	}
}

/* ---- figures ---- */

static void print_row(const struct gate_plan *g, const struct world *w, const char *how)
{
	struct power p = measure(g, w, ROLLOUTS);

	if (p.median == SIZE_MAX)
		(void)printf("| %g %% | %s | - | - | %.2f %% |\n", w->p * 100, how,
			     p.stopped * 100);
	else if (p.ninth == SIZE_MAX)
		(void)printf("| %g %% | %s | %zu | - | %.2f %% |\n", w->p * 100, how,
			     p.median, p.stopped * 100);
	else
		(void)printf("| %g %% | %s | %zu | %zu | %.2f %% |\n", w->p * 100, how,
			     p.median, p.ninth, p.stopped * 100);
}

static int print_figures(void)
{
	static const char *const hows[N_ARRIVALS] = {
	    "one after another", "1,000 at once", "1,000 at once, failures first"};
	static const double rates[] = {0.005, 0.01, 0.02, 0.03, 0.05, 0.10, 0.20};

	static const uint32_t alphas[] = {500, 100};

	for (size_t k = 0; k < N_ELEMS(alphas); k++) {
		struct gate_plan g = gate;

		g.alpha_bp = alphas[k];
		(void)printf("alpha %u %%, baseline 1 %%, %u rollouts of %u devices\n",
			     g.alpha_bp / 100, ROLLOUTS, REPORTS);
		for (size_t i = 0; i < N_ELEMS(rates); i++) {
			for (unsigned a = 0; a < N_ARRIVALS; a++) {
				const struct world w = {rates[i], (enum arrival)a, 1,
							REPORTS};

				print_row(&g, &w, hows[a]);
			}
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(its_value_is_the_mean_of_likelihood_ratios),
	    cmocka_unit_test(it_is_a_martingale_at_the_border_and_falls_below_it),
	    cmocka_unit_test(nothing_overflows_with_ten_million_devices),
	    cmocka_unit_test(a_rollout_is_judged_by_the_mean_of_its_waves),
	    cmocka_unit_test(a_gate_that_is_off_never_stops),
	    cmocka_unit_test(
		ten_thousand_healthy_rollouts_are_stopped_no_more_than_alpha),
	    cmocka_unit_test(a_test_that_is_looked_at_too_often_would_be_caught),
	    cmocka_unit_test(what_is_sick_is_stopped_soon),
	};

	if (argc == 2 && strcmp(argv[1], "--measure") == 0)
		return print_figures();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
