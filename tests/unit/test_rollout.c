/* SPDX-License-Identifier: Apache-2.0 */
/* What a rollout does next: a row for each edge, without mocks. */
#include "testing.h"

#include "../../common/base/text.h"
#include "../../server/rollout/policy.h"

#include <stdio.h>

#define NOW INT64_C(1700000000000)
#define HOUR INT64_C(3600000)

static const struct freeze thawed = {.on = false};
static const struct freeze frozen = {
    .on = true, .since = NOW - HOUR, .by = "anna", .reason = "a bad week"};

/* Three waves; 90 % success, 20 % errors, from 5 that ended; watched for an hour. */
static struct rollout_plan the_plan(void)
{
	struct rollout_plan p = {.n_waves = 3, .accepts = GRADE_PROVEN};

	for (size_t i = 0; i < 3; i++)
		p.waves[i] = (struct wave_plan){.by = WAVE_BY_PERCENT,
						.percent_bp = PLAN_ALL_BP,
						.success_bp = 9000,
						.error_bp = 2000,
						.min_finished = 5,
						.deadline_ms = HOUR,
						.soak_ms = HOUR};
	return p;
}

/* ---- a running rollout: what the first wave's counts make of it ---- */

struct row {
	const char *what;
	enum wave_state from;
	struct wave_counts counts;
	enum decision_kind kind;
	enum rollout_reason reason;
	const char *text; /* NULL: any */
};

#define OF(n) .members = (n)
#define R WAVE_RUNNING
#define S WAVE_SOAKING
#define BECAUSE(x) ROLLOUT_BECAUSE_##x

static const struct row rows[] = {
    {"nobody has ended",
     R,
     {OF(10), .in_flight = 10},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     "wave 1 of 3: of 10 devices 0 succeeded, 0 failed, 10 are left; 90 % success is "
     "wanted"},
    {"four failures are too few to count",
     R,
     {OF(10), .in_flight = 6, .failed = 4},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"two of five are more than a fifth",
     R,
     {OF(100), .in_flight = 95, .proven = 3, .failed = 1, .rolled_back = 1},
     DECIDE_PAUSE,
     BECAUSE(ERRORS),
     "wave 1: 2 of 5 devices that ended failed, 40 % where 20 % is borne (1 failed, 1 "
     "rolled back, 0 silent, 0 absent)"},
    {"exactly a fifth is borne",
     R,
     {OF(100), .in_flight = 95, .proven = 4, .failed = 1},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"silent devices are failures",
     R,
     {OF(100), .in_flight = 95, .proven = 3, .silent = 2},
     DECIDE_PAUSE,
     BECAUSE(ERRORS),
     NULL},
    {"devices that never came are failures",
     R,
     {OF(100), .in_flight = 95, .proven = 3, .absent = 2},
     DECIDE_PAUSE,
     BECAUSE(ERRORS),
     NULL},
    {"those who left are not",
     R,
     {OF(100), .in_flight = 93, .proven = 5, .cancelled = 2},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"a small wave counts when all have ended",
     R,
     {OF(2), .proven = 1, .failed = 1},
     DECIDE_PAUSE,
     BECAUSE(ERRORS),
     NULL},
    {"success is out of reach",
     R,
     {OF(20), .in_flight = 5, .proven = 12, .failed = 3},
     DECIDE_PAUSE,
     BECAUSE(OUT_OF_REACH),
     "wave 1: 90 % success cannot be reached any more: of 20 devices 12 succeeded, 3 "
     "failed, 0 ended without the accepted proof, 5 are left"},
    {"it is not while those that are left can make it",
     R,
     {OF(20), .in_flight = 5, .proven = 13, .failed = 2},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"success that nobody proved is none",
     R,
     {OF(10), .proven = 5, .reported = 5},
     DECIDE_PAUSE,
     BECAUSE(OUT_OF_REACH),
     NULL},
    {"but no failure either",
     R,
     {OF(100), .in_flight = 90, .reported = 10},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"nine of ten succeeded: it is watched",
     R,
     {OF(10), .in_flight = 1, .proven = 9},
     DECIDE_SOAK,
     BECAUSE(SUCCESS),
     "wave 1: 9 of 10 devices succeeded; it is watched until 2023-11-14T23:13:20Z"},
    {"enough of few that count, but too few ended",
     R,
     {OF(4), .in_flight = 1, .proven = 3},
     DECIDE_WAIT,
     BECAUSE(IN_PROGRESS),
     NULL},
    {"nine of ten that are left over",
     R,
     {OF(12), .proven = 9, .failed = 1, .cancelled = 2},
     DECIDE_SOAK,
     BECAUSE(SUCCESS),
     NULL},
    {"an empty wave passes by", R, {OF(0)}, DECIDE_SOAK, BECAUSE(SUCCESS), NULL},
    {"a wave that all left passes by",
     R,
     {OF(3), .cancelled = 3},
     DECIDE_SOAK,
     BECAUSE(SUCCESS),
     NULL},
    {"while it is watched it goes on watching",
     S,
     {OF(10), .in_flight = 1, .proven = 9},
     DECIDE_WAIT,
     BECAUSE(SOAK),
     "wave 1 of 3 succeeded and is watched until 2023-11-14T22:43:20Z"},
    {"failures while it is watched stop it",
     S,
     {OF(20), .proven = 18, .rolled_back = 2, .reported = 0},
     DECIDE_WAIT,
     BECAUSE(SOAK),
     NULL},
    {"more than are borne",
     S,
     {OF(20), .proven = 10, .rolled_back = 6, .in_flight = 4},
     DECIDE_PAUSE,
     BECAUSE(ERRORS),
     NULL},
    {"late joiners bring the share down",
     S,
     {OF(20), .in_flight = 10, .proven = 10},
     DECIDE_REOPEN,
     BECAUSE(REOPENED),
     NULL},
};

static void fail_decision(const char *what, const struct decision *d)
{
	fail_msg("%s: %s, %s: %s", what, decision_kind_name(d->kind),
		 rollout_reason_name(d->reason), d->text);
}

static void counts_decide_as_the_table_says(void **state)
{
	struct rollout_plan plan = the_plan();

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct row *r = &rows[i];
		struct rollout_progress p = {.state = ROLLOUT_RUNNING};
		struct decision d;

		p.waves[0] = (struct wave_progress){.state = r->from,
						    .soaking_at = NOW - HOUR / 2,
						    .counts = r->counts};
		rollout_decide(&plan, &p, &thawed, NOW, &d);
		if (d.kind != r->kind || d.reason != r->reason || d.wave != 0 ||
		    (r->text != NULL && strcmp(d.text, r->text) != 0))
			fail_decision(r->what, &d);
	}
}

static void
a_roll_back_does_not_finish_before_whoever_is_at_the_bad_release(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING, .to_come = 2};
	struct decision d;

	(void)state;
	plan.n_waves = 1;
	p.waves[0] = (struct wave_progress){.state = WAVE_PASSED,
					    .counts = {OF(3), .proven = 3}};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
	assert_int_equal(d.reason, ROLLOUT_BECAUSE_TO_COME);
	assert_string_equal(d.text,
			    "all 1 waves passed; 2 devices were at the release that is "
			    "rolled back and may still arrive at it");
	p.to_come = 0;
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_FINISH);
}

/* ---- from draft to finished ---- */

static const struct wave_counts good = {OF(10), .proven = 10};

static void expect(const struct rollout_plan *plan, struct rollout_progress *p,
		   int64_t now, enum decision_kind kind, const char *text)
{
	struct decision d;

	rollout_decide(plan, p, &thawed, now, &d);
	if (d.kind != kind || strcmp(d.text, text) != 0)
		fail_decision(text, &d);
	rollout_apply(p, &d, now);
}

static void a_rollout_goes_its_way_from_draft_to_finished(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_DRAFT};
	struct err e = ERR_INIT;

	(void)state;
	plan.n_waves = 2;
	plan.approvals = 2;
	plan.start_at = NOW;
	plan.waves[1].soak_ms = 0;
	plan.waves[1].needs_approval = true;
	p.waves[0].counts = p.waves[1].counts = (struct wave_counts){OF(10)};
	expect(&plan, &p, 1, DECIDE_WAIT, "a draft: nobody submitted it");
	OK(rollout_command(&plan, &p, ROLLOUT_EVENT_SUBMIT, 1, &e));
	p.approvals = 1;
	expect(&plan, &p, 1, DECIDE_WAIT, "1 of 2 people approved");
	p.approvals = 2;
	expect(&plan, &p, 1, DECIDE_APPROVED, "2 of 2 people approved");
	expect(&plan, &p, NOW - 1, DECIDE_WAIT, "starts at 2023-11-14T22:13:20Z");
	expect(&plan, &p, NOW, DECIDE_START, "its time has come");
	expect(&plan, &p, NOW, DECIDE_START_WAVE, "wave 1 of 2 starts with 10 devices");
	assert_true(p.waves[0].started_at == NOW && p.waves[0].clock_at == NOW);
	p.waves[0].counts = good;
	expect(&plan, &p, NOW, DECIDE_SOAK,
	       "wave 1: 10 of 10 devices succeeded; it is watched until "
	       "2023-11-14T23:13:20Z");
	expect(&plan, &p, NOW + HOUR - 1, DECIDE_WAIT,
	       "wave 1 of 2 succeeded and is watched until 2023-11-14T23:13:20Z");
	expect(&plan, &p, NOW + HOUR, DECIDE_PASS_WAVE,
	       "wave 1 of 2 passed: 10 of 10 devices succeeded, 100 % where 90 % is "
	       "wanted");
	assert_true(p.waves[0].passed_at == NOW + HOUR);
	expect(&plan, &p, NOW + HOUR, DECIDE_WAIT,
	       "wave 2 of 2 waits for a person to approve it");
	OK(rollout_approve_wave(&plan, &p, 1, &e));
	expect(&plan, &p, NOW + HOUR, DECIDE_START_WAVE,
	       "wave 2 of 2 starts with 10 devices");
	p.waves[1].counts = (struct wave_counts){OF(10), .in_flight = 1, .proven = 9};
	expect(&plan, &p, NOW + HOUR, DECIDE_PASS_WAVE,
	       "wave 2 of 2 passed: 9 of 10 devices succeeded, 90 % where 90 % is "
	       "wanted");
	expect(&plan, &p, NOW + HOUR, DECIDE_WAIT,
	       "all 2 waves passed; 1 still to end");
	p.waves[1].counts = (struct wave_counts){OF(10), .silent = 1, .proven = 9};
	expect(&plan, &p, NOW + HOUR, DECIDE_FINISH,
	       "finished: 19 of 20 devices succeeded (95 %)");
	assert_int_equal(p.state, ROLLOUT_FINISHED);
	expect(&plan, &p, NOW + HOUR, DECIDE_WAIT, "finished");
}

/* ---- times ---- */

static void it_says_when_to_look_again(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts = (struct wave_counts){OF(10), .in_flight = 10};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_true(d.kind == DECIDE_WAIT && d.at == INT64_MAX);
	p.waves[0].next_silent_at = NOW + 5;
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_true(d.at == NOW + 5);
	rollout_decide(&plan, &p, &thawed, NOW + 9, &d);
	assert_true(d.at == NOW + 10); /* never the past: no endless loop */
	p.waves[0].state = WAVE_SOAKING;
	p.waves[0].soaking_at = NOW;
	p.waves[0].counts = good;
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_true(d.at == NOW + 5);
	p.waves[0].next_silent_at = 0;
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_true(d.at == NOW + HOUR);
	plan.start_at = NOW + 7;
	p = (struct rollout_progress){.state = ROLLOUT_SCHEDULED};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_true(d.kind == DECIDE_WAIT && d.at == NOW + 7);
}

static void a_device_is_silent_or_absent_when_its_deadline_passed(void **state)
{
	static const struct {
		const char *what;
		int64_t clock, offered_at, seen_at, at;
	} times[] = {
	    {"offered: from the offer", NOW, NOW + 10, NOW + 10, NOW + 10 + HOUR},
	    {"offered: also while nothing may be offered", INT64_MAX, NOW, 0,
	     NOW + HOUR},
	    {"never seen: from the wave's clock", NOW, 0, 0, NOW + HOUR},
	    {"seen before the wave only", NOW, 0, NOW - 1, NOW + HOUR},
	    {"it comes and is held back by a limit", NOW, 0, NOW, INT64_MAX},
	    {"paused or frozen", INT64_MAX, 0, 0, INT64_MAX},
	};
	const struct wave_plan w = {.deadline_ms = HOUR};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(times); i++) {
		if (rollout_silent_at(&w, times[i].clock, times[i].offered_at,
				      times[i].seen_at) != times[i].at)
			fail_msg("%s", times[i].what);
	}
}

static void absence_counts_only_while_devices_could_have_come(void **state)
{
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct freeze over = {.ended_at = NOW + 5};

	(void)state;
	assert_true(rollout_absence_clock(&p, 0, &thawed) == INT64_MAX);
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].clock_at = NOW;
	assert_true(rollout_absence_clock(&p, 0, &thawed) == NOW);
	assert_true(rollout_absence_clock(&p, 0, &frozen) == INT64_MAX);
	assert_true(rollout_absence_clock(&p, 0, &over) == NOW + 5);
	p.state = ROLLOUT_PAUSED;
	assert_true(rollout_absence_clock(&p, 0, &thawed) == INT64_MAX);
}

/* ---- freeze, types, grades, gate ---- */

static void a_freeze_holds_back_the_next_wave_and_nothing_else(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	rollout_decide(&plan, &p, &frozen, NOW, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
	assert_int_equal(d.reason, ROLLOUT_BECAUSE_FROZEN);
	assert_string_equal(d.text,
			    "wave 1 of 3 waits: everything is frozen: a bad week");
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts = good;
	rollout_decide(&plan, &p, &frozen, NOW, &d);
	assert_int_equal(d.kind, DECIDE_SOAK);
	p.waves[0].counts = (struct wave_counts){OF(10), .failed = 5, .in_flight = 5};
	rollout_decide(&plan, &p, &frozen, NOW, &d);
	assert_int_equal(d.kind, DECIDE_PAUSE);
}

static void success_is_what_the_plan_accepts(void **state)
{
	static const struct {
		enum deployment_kind type;
		enum grade accepts;
		struct wave_counts counts;
		enum decision_kind kind;
	} cases[] = {
	    {KIND_SOFT, GRADE_PROVEN, {OF(10), .reported = 10}, DECIDE_PAUSE},
	    {KIND_SOFT, GRADE_REPORTED, {OF(10), .reported = 10}, DECIDE_SOAK},
	    {KIND_SOFT,
	     GRADE_REPORTED,
	     {OF(10), .reported = 5, .proven = 5},
	     DECIDE_SOAK},
	    {KIND_DOWNLOAD_ONLY, GRADE_PROVEN, {OF(10), .downloaded = 10}, DECIDE_SOAK},
	    {KIND_FORCED, GRADE_REPORTED, {OF(10), .downloaded = 10}, DECIDE_PAUSE},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(cases); i++) {
		struct rollout_plan plan = the_plan();
		struct rollout_progress p = {.state = ROLLOUT_RUNNING};
		struct decision d;

		plan.type = cases[i].type;
		plan.accepts = cases[i].accepts;
		p.waves[0].state = WAVE_RUNNING;
		p.waves[0].counts = cases[i].counts;
		rollout_decide(&plan, &p, &thawed, NOW, &d);
		if (d.kind != cases[i].kind)
			fail_decision("success", &d);
	}
}

static void the_gate_stops_a_wave_before_its_threshold_would(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	plan.gate = (struct gate_plan){.on = true, .alpha_bp = 500, .baseline_bp = 100};
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts = (struct wave_counts){
	    OF(1000), .in_flight = 10, .proven = 40, .failed = 5, .rolled_back = 1};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_PAUSE);
	assert_int_equal(d.reason, ROLLOUT_BECAUSE_GATE);
	assert_string_equal(d.text,
			    "wave 1: 6 of 56 devices failed: e = 624, the failure rate "
			    "is above 1 % with error probability below 0.17 %");
	/* absent devices never had the release: no evidence against it */
	p.waves[0].counts = (struct wave_counts){OF(1000), .proven = 90, .absent = 8};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
}

static void a_wave_that_passed_still_stops_the_next_one(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	plan.waves[0].success_bp = 5000;
	p.waves[0].state = WAVE_PASSED;
	p.waves[0].counts = (struct wave_counts){OF(20), .proven = 10, .failed = 10};
	p.waves[1].state = WAVE_RUNNING;
	p.waves[1].counts = (struct wave_counts){OF(20), .in_flight = 20};
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_PAUSE);
	assert_int_equal(d.wave, 0);
	rollout_apply(&p, &d, NOW);
	assert_int_equal(p.waves[0].state, WAVE_FAILED);
}

static void forced_is_forced_from_its_time_on(void **state)
{
	struct rollout_plan p = {.type = KIND_TIME_FORCED, .force_at = NOW};

	(void)state;
	assert_false(rollout_is_forced(&p, NOW - 1));
	assert_true(rollout_is_forced(&p, NOW));
	p.type = KIND_SOFT;
	assert_false(rollout_is_forced(&p, NOW));
	p.type = KIND_FORCED;
	assert_true(rollout_is_forced(&p, 0));
	p.type = KIND_DOWNLOAD_ONLY;
	assert_true(rollout_is_forced(&p, 0));
}

/* ---- people ---- */

/* [from][command] -> to, N_ROLLOUT_STATES: refused */
static void a_person_may_do_what_the_drawing_says(void **state)
{
#define NO N_ROLLOUT_STATES
#define STOP ROLLOUT_STOPPED
	static const struct {
		enum rollout_state submit, pause, resume, stop;
	} allowed[N_ROLLOUT_STATES] = {
	    [ROLLOUT_DRAFT] = {ROLLOUT_AWAITING_APPROVAL, NO, NO, STOP},
	    [ROLLOUT_AWAITING_APPROVAL] = {NO, NO, NO, STOP},
	    [ROLLOUT_SCHEDULED] = {NO, NO, NO, STOP},
	    [ROLLOUT_RUNNING] = {NO, ROLLOUT_PAUSED, NO, STOP},
	    [ROLLOUT_PAUSED] = {NO, NO, ROLLOUT_RUNNING, STOP},
	    [ROLLOUT_FINISHED] = {NO, NO, NO, STOP},
	    [ROLLOUT_STOPPED] = {NO, NO, NO, NO},
	};
	static const enum rollout_event events[] = {
	    ROLLOUT_EVENT_SUBMIT, ROLLOUT_EVENT_PAUSE, ROLLOUT_EVENT_RESUME,
	    ROLLOUT_EVENT_STOP};
	struct rollout_plan plan = the_plan();
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned s = 0; s < N_ROLLOUT_STATES; s++) {
		for (size_t i = 0; i < N_ELEMS(events); i++) {
			struct rollout_progress p = {.state = (enum rollout_state)s};
			enum rollout_state to = (&allowed[s].submit)[i];

			if (to == NO) {
				FAILS(rollout_command(&plan, &p, events[i], NOW, &e),
				      ERR_CONFLICT);
				assert_int_equal(p.state, s);
			} else {
				OK(rollout_command(&plan, &p, events[i], NOW, &e));
				assert_int_equal(p.state, to);
				assert_int_equal(p.reason, ROLLOUT_BECAUSE_OPERATOR);
			}
		}
	}
}

static void a_refusal_says_what_is_the_matter(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_PAUSED,
				     .reason = ROLLOUT_BECAUSE_ERRORS};
	struct err e = ERR_INIT;

	(void)state;
	FAILS(rollout_command(&plan, &p, ROLLOUT_EVENT_PAUSE, NOW, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "a rollout that is paused cannot be paused");
	FAILS(rollout_command(&plan, &p, ROLLOUT_EVENT_FINISH, NOW, &e), ERR_INTERNAL);
	FAILS(rollout_approve_wave(&plan, &p, 3, &e), ERR_NOT_FOUND);
	FAILS(rollout_approve_wave(&plan, &p, 0, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "wave 1 needs no approval");
	plan.waves[0].needs_approval = true;
	p.waves[0].state = WAVE_RUNNING;
	FAILS(rollout_approve_wave(&plan, &p, 0, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "wave 1 is running already");
	p.waves[0].state = WAVE_PENDING;
	p.state = ROLLOUT_STOPPED;
	FAILS(rollout_approve_wave(&plan, &p, 0, &e), ERR_CONFLICT);
}

static void pause_and_resume(struct rollout_progress *p,
			     const struct rollout_plan *plan)
{
	struct err e = ERR_INIT;
	struct decision d;

	rollout_decide(plan, p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_PAUSE);
	rollout_apply(p, &d, NOW);
	rollout_decide(plan, p, &thawed, NOW + HOUR, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
	assert_int_equal(d.reason, ROLLOUT_BECAUSE_ERRORS);
	OK(rollout_command(plan, p, ROLLOUT_EVENT_RESUME, NOW + HOUR, &e));
}

static void resuming_forgives_what_the_policy_paused_for(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts =
	    (struct wave_counts){OF(20), .in_flight = 10, .proven = 5, .failed = 5};
	pause_and_resume(&p, &plan);
	assert_int_equal(p.waves[0].state, WAVE_RUNNING);
	assert_true(p.waves[0].clock_at == NOW + HOUR);
	rollout_decide(&plan, &p, &thawed, NOW + HOUR, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
	/* of the fifteen that count, all succeed */
	p.waves[0].counts = (struct wave_counts){OF(20), .proven = 15, .failed = 5};
	rollout_decide(&plan, &p, &thawed, NOW + HOUR, &d);
	assert_int_equal(d.kind, DECIDE_SOAK);
	/* or five more fail: it is paused again */
	p.waves[0].counts =
	    (struct wave_counts){OF(20), .in_flight = 2, .proven = 8, .failed = 10};
	pause_and_resume(&p, &plan);
}

static void a_forgiven_device_that_comes_back_is_no_gap_in_the_reckoning(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct decision d;

	(void)state;
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts =
	    (struct wave_counts){OF(20), .in_flight = 10, .proven = 5, .silent = 5};
	pause_and_resume(&p, &plan);
	p.waves[0].counts = (struct wave_counts){OF(20), .proven = 20};
	rollout_decide(&plan, &p, &thawed, NOW + HOUR, &d);
	assert_int_equal(d.kind, DECIDE_SOAK);
	assert_memory_equal(d.text, "wave 1: 20 of 20 devices", 24);
}

static void resuming_after_a_person_paused_forgives_nothing(void **state)
{
	struct rollout_plan plan = the_plan();
	struct rollout_progress p = {.state = ROLLOUT_RUNNING};
	struct err e = ERR_INIT;
	struct decision d;

	(void)state;
	p.waves[0].state = WAVE_RUNNING;
	p.waves[0].counts = (struct wave_counts){OF(20), .in_flight = 20};
	OK(rollout_command(&plan, &p, ROLLOUT_EVENT_PAUSE, NOW, &e));
	p.waves[0].counts = (struct wave_counts){OF(20), .failed = 10, .in_flight = 10};
	OK(rollout_command(&plan, &p, ROLLOUT_EVENT_RESUME, NOW, &e));
	rollout_decide(&plan, &p, &thawed, NOW, &d);
	assert_int_equal(d.kind, DECIDE_PAUSE);
	assert_int_equal(d.reason, ROLLOUT_BECAUSE_ERRORS);
}

static void words_are_read_back_as_they_are_written(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned i = 0; i < N_ROLLOUT_STATES; i++) {
		enum rollout_state got;

		OK(rollout_state_parse(rollout_state_name((enum rollout_state)i), &got,
				       &e));
		assert_int_equal(got, i);
	}
	for (unsigned i = 0; i < N_WAVE_STATES; i++) {
		enum wave_state got;

		OK(wave_state_parse(wave_state_name((enum wave_state)i), &got, &e));
		assert_int_equal(got, i);
		FAILS(wave_state_parse("", &got, &e), ERR_FORMAT);
	}
	for (unsigned i = 0; i < N_ROLLOUT_REASONS; i++) {
		enum rollout_reason got;
		enum rollout_state none;

		OK(rollout_reason_parse(rollout_reason_name((enum rollout_reason)i),
					&got, &e));
		assert_int_equal(got, i);
		FAILS(rollout_reason_parse("?", &got, &e), ERR_FORMAT);
		FAILS(rollout_state_parse("?", &none, &e), ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_decide_as_the_table_says),
	    cmocka_unit_test(
		a_roll_back_does_not_finish_before_whoever_is_at_the_bad_release),
	    cmocka_unit_test(a_rollout_goes_its_way_from_draft_to_finished),
	    cmocka_unit_test(it_says_when_to_look_again),
	    cmocka_unit_test(a_device_is_silent_or_absent_when_its_deadline_passed),
	    cmocka_unit_test(absence_counts_only_while_devices_could_have_come),
	    cmocka_unit_test(a_freeze_holds_back_the_next_wave_and_nothing_else),
	    cmocka_unit_test(success_is_what_the_plan_accepts),
	    cmocka_unit_test(the_gate_stops_a_wave_before_its_threshold_would),
	    cmocka_unit_test(a_wave_that_passed_still_stops_the_next_one),
	    cmocka_unit_test(forced_is_forced_from_its_time_on),
	    cmocka_unit_test(a_person_may_do_what_the_drawing_says),
	    cmocka_unit_test(a_refusal_says_what_is_the_matter),
	    cmocka_unit_test(resuming_forgives_what_the_policy_paused_for),
	    cmocka_unit_test(
		a_forgiven_device_that_comes_back_is_no_gap_in_the_reckoning),
	    cmocka_unit_test(resuming_after_a_person_paused_forgives_nothing),
	    cmocka_unit_test(words_are_read_back_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
