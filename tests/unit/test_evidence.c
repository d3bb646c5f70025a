/* SPDX-License-Identifier: Apache-2.0 */
/* The curve of the gate's evidence, against numbers that were reckoned by hand
 * (docs/ROLLOUTS.md, "Check it by hand"). */
#include "testing.h"

#include "../../server/rollout/evidence.h"

#include <math.h>
#include <stdlib.h>

#define START INT64_C(1795500000000)

/* Three waves of a rollout that began at START; counts of the first as given. */
static struct rollout_view *view_of(uint64_t proven, uint64_t failed,
				    uint64_t in_flight)
{
	struct rollout_view *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	v->row.started_at = START;
	v->plan.n_waves = 3;
	v->plan.gate = (struct gate_plan){
	    .on = true, .alpha_bp = 100, .baseline_bp = 100, .tolerated_bp = 0};
	for (size_t w = 0; w < 3; w++)
		v->plan.waves[w].deadline_ms = 2000;
	v->progress.waves[0].counts = (struct wave_counts){
	    .proven = proven, .failed = failed, .in_flight = in_flight};
	return v;
}

static const struct json *point(const struct json *o, size_t i)
{
	return json_at(json_get(o, "points"), i);
}

static double number(const struct json *o, const char *key)
{
	const struct json *value = json_get(o, key);

	assert_non_null(value);
	return json_is_int(value) ? (double)json_int(value) : json_number(value);
}

static void the_last_point_is_what_the_gate_says_of_the_counters(void **state)
{
	struct rollout_view *v = view_of(50, 6, 0);
	const struct evidence_span span = {START, START + 2500, 1000};
	struct err e = ERR_INIT;
	AUTO_PTR(json)
	struct json *o = render_evidence(v, &span, NULL, 0, NULL, 0, &e);

	(void)state;
	assert_non_null(o);
	assert_int_equal(json_len(json_get(o, "points")), 3);
	assert_true(fabs(pow(10, number(point(o, 2), "log10_e")) - 624) < 1);
	assert_int_equal((int)number(point(o, 2), "offered"), 56);
	assert_true(fabs(number(o, "log10_limit") - 2) < 1e-9);
	rollout_view_free(v);
}

static void it_grows_with_failures_when_they_came(void **state)
{
	static const struct evidence_row rows[] = {
	    {0, MEMBER_WAITING, 0, 56},
	    {0, MEMBER_PROVEN, 1, 50},
	    {0, MEMBER_FAILED, 1, 2},
	    {0, MEMBER_SILENT, 0, 4}, /* two steps after its offer */
	};
	struct rollout_view *v = view_of(50, 2, 0);
	const struct evidence_span span = {START, START + 4500, 1000};
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *o = NULL;

	(void)state;
	v->progress.waves[0].counts.silent = 4;
	o = render_evidence(v, &span, rows, N_ELEMS(rows), NULL, 0, &e);
	assert_non_null(o);
	assert_int_equal((int)number(point(o, 0), "failed"), 0);
	assert_int_equal((int)number(point(o, 1), "failed"), 2);
	assert_int_equal((int)number(point(o, 2), "failed"), 6);
	assert_true(number(point(o, 0), "log10_e") < number(point(o, 1), "log10_e"));
	assert_true(fabs(number(point(o, 2), "log10_e") -
			 number(point(o, 4), "log10_e")) < 1e-9);
	rollout_view_free(v);
}

static void
a_resume_after_the_policys_pause_takes_it_down_and_a_persons_own_does_not(void **state)
{
	static const struct evidence_row rows[] = {
	    {0, MEMBER_WAITING, 0, 56},
	    {0, MEMBER_FAILED, 0, 6},
	};
	struct rollout_decision list[] = {
	    {.at = START + 2100, .kind = -1, .by = "ann"},
	    {.at = START + 1100, .kind = DECIDE_PAUSE},
	};
	const struct evidence_span span = {START, START + 4500, 1000};

	(void)state;
	for (int own = 0; own < 2; own++) {
		struct rollout_view *v = view_of(0, 6, 50);
		struct err e = ERR_INIT;
		AUTO_PTR(json) struct json *o = NULL;

		strcpy(list[1].by, own ? "ann" : "");
		o = render_evidence(v, &span, rows, N_ELEMS(rows), list, 2, &e);
		assert_non_null(o);
		assert_int_equal((int)number(point(o, 1), "failed"), 6);
		assert_int_equal((int)number(point(o, 2), "failed"), own ? 6 : 0);
		assert_int_equal((int)number(point(o, 2), "offered"), own ? 56 : 50);
		rollout_view_free(v);
	}
}

static void a_span_has_no_more_steps_than_there_is_room_for(void **state)
{
	static const int64_t lengths[] = {0,	  999,	    1000,
					  240000, 86400000, INT64_C(86400000) * 400};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(lengths); i++) {
		struct rollout o = {.started_at = START,
				    .ended_at = START + lengths[i]};
		struct evidence_span s = evidence_span_of(&o, START + lengths[i] + 5);

		assert_int_equal(s.from, START);
		assert_int_equal(s.to - s.from, lengths[i]);
		assert_true((s.to - s.from) / s.step_ms < EVIDENCE_STEPS);
	}
}

static void without_a_gate_or_a_start_there_is_no_curve(void **state)
{
	struct rollout_view *v = view_of(1, 1, 1);
	struct err e = ERR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evidence_span span = evidence_span_of(&v->row, START + 5000);
		AUTO_PTR(json) struct json *o = NULL;

		v->plan.gate.on = i == 1;
		v->row.started_at = i == 1 ? 0 : START;
		o = render_evidence(v, &span, NULL, 0, NULL, 0, &e);
		assert_non_null(o);
		assert_int_equal(json_len(json_get(o, "points")), 0);
	}
	rollout_view_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_point_is_what_the_gate_says_of_the_counters),
	    cmocka_unit_test(it_grows_with_failures_when_they_came),
	    cmocka_unit_test(
		a_resume_after_the_policys_pause_takes_it_down_and_a_persons_own_does_not),
	    cmocka_unit_test(a_span_has_no_more_steps_than_there_is_room_for),
	    cmocka_unit_test(without_a_gate_or_a_start_there_is_no_curve),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
