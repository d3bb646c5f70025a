/* SPDX-License-Identifier: Apache-2.0 */
/* "Why isn't this device updating?": a row for each answer. */
#include "testing.h"

#include "../../server/rollout/why.h"

#include <stdio.h>

#define NOW INT64_C(1700000000000) /* 2023-11-14T22:13:20Z, a Tuesday */
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

/* All that an answer hangs on; a row changes what it is about. */
struct world {
	struct freeze freeze;
	struct device device;
	struct release release;
	struct rollout_plan plan;
	struct rollout_progress progress;
	struct deployment deployment;
	struct why_input in;
};

/* A device that gets the release when it polls next. */
static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->device.id, "gw-1");
	strcpy(w->device.product, "gateway");
	strcpy(w->device.hardware, "revB");
	strcpy(w->device.version, "1.0.0");
	strcpy(w->device.site, "hall 4");
	w->device.grade = GRADE_PROVEN;
	w->device.seen_at = NOW - MINUTE;
	strcpy(w->release.id, "0123456789abcdef");
	strcpy(w->release.product, "gateway");
	strcpy(w->release.version, "2.0.0");
	strcpy(w->release.hardware[0], "revB");
	w->release.n_hardware = 1;
	w->release.security_version = 3;
	w->plan.n_waves = 3;
	w->plan.accepts = GRADE_PROVEN;
	for (size_t i = 0; i < 3; i++) {
		w->plan.waves[i].soak_ms = HOUR;
		w->plan.waves[i].success_bp = PLAN_ALL_BP;
	}
	w->progress.state = ROLLOUT_RUNNING;
	w->progress.waves[0].state = WAVE_RUNNING;
	w->progress.waves[0].counts =
	    (struct wave_counts){.members = 10, .in_flight = 6, .proven = 4};
	w->in = (struct why_input){.now = NOW,
				   .freeze = &w->freeze,
				   .device = &w->device,
				   .poll_interval_ms = 5 * MINUTE,
				   .plan = &w->plan,
				   .progress = &w->progress,
				   .release = &w->release};
}

static void deploy(struct world *w, enum deployment_state s, bool offered)
{
	w->deployment.state = s;
	w->deployment.offered = offered;
	w->deployment.updated_at = NOW - HOUR;
	w->in.deployment = &w->deployment;
	w->in.offered_at = offered ? NOW - HOUR : 0;
}

/* ---- one change a row ---- */

static void as_it_is(struct world *w)
{
	(void)w;
}

static void runs_it(struct world *w)
{
	strcpy(w->device.version, "2.0.0");
}

static void says_it_runs_it(struct world *w)
{
	runs_it(w);
	w->device.grade = GRADE_REPORTED;
}

static void freeze(struct world *w)
{
	w->freeze = (struct freeze){
	    .on = true, .since = NOW - HOUR, .by = "anna", .reason = "a bad week"};
}

static void nothing_selects_it(struct world *w)
{
	w->in.plan = NULL;
	w->in.progress = NULL;
	w->in.release = NULL;
}

static void other_hardware(struct world *w)
{
	strcpy(w->device.hardware, "revA");
}

/* World's release has no image. */
static void runs_the_agent(struct world *w)
{
	strcpy(w->device.agent_version, "0.2.0");
}

static void high_floor(struct world *w)
{
	w->device.security_floor = 5;
}

static void equal_floor(struct world *w)
{
	w->device.security_floor = 3;
}

static void pin(struct world *w)
{
	w->device.pin = PIN_AS_IT_IS;
	strcpy(w->device.pin_reason, "on loan to the lab");
	w->in.pinned_by = "anna";
}

static void pin_to_another(struct world *w)
{
	w->device.pin = PIN_RELEASE;
	strcpy(w->device.pin_release, "fedcba9876543210");
}

static void pin_to_this(struct world *w)
{
	w->device.pin = PIN_RELEASE;
	strcpy(w->device.pin_release, w->release.id);
}

static void draft(struct world *w)
{
	w->progress.state = ROLLOUT_DRAFT;
}

static void scheduled(struct world *w)
{
	w->progress.state = ROLLOUT_SCHEDULED;
	w->plan.start_at = NOW + HOUR;
}

static void due_to_start(struct world *w)
{
	w->progress.state = ROLLOUT_SCHEDULED;
}

static void unapproved(struct world *w)
{
	w->progress.state = ROLLOUT_AWAITING_APPROVAL;
	w->plan.approvals = 2;
	w->progress.approvals = 1;
}

static void in_wave_2(struct world *w)
{
	w->in.wave = 1;
}

static void in_wave_2_unapproved(struct world *w)
{
	w->in.wave = 1;
	w->progress.waves[0].state = WAVE_PASSED;
	w->plan.waves[1].needs_approval = true;
}

static void in_wave_2_at_once(struct world *w)
{
	w->in.wave = 1;
	w->progress.waves[0].state = WAVE_PASSED;
}

static void in_wave_3_watched(struct world *w)
{
	w->in.wave = 2;
	w->progress.waves[0].state = WAVE_SOAKING;
	w->progress.waves[0].soaking_at = NOW - HOUR / 2;
}

static void paused(struct world *w)
{
	w->progress.state = ROLLOUT_PAUSED;
	w->in.paused_text = "wave 1: 2 of 5 devices that ended failed";
}

static void paused_by_somebody(struct world *w)
{
	w->progress.state = ROLLOUT_PAUSED;
	w->progress.reason = ROLLOUT_BECAUSE_OPERATOR;
}

static void stopped(struct world *w)
{
	w->progress.state = ROLLOUT_STOPPED;
}

static void no_member(struct world *w)
{
	w->in.wave = ORDER_NO_WAVE;
}

static void left_over(struct world *w)
{
	w->in.wave = ORDER_NO_WAVE;
	w->plan.late_joiners = LATE_LAST_WAVE;
}

static void failed(struct world *w)
{
	deploy(w, DEPLOYMENT_FAILED, true);
	strcpy(w->deployment.detail, "block 7 does not match");
}

static void rolled_back(struct world *w)
{
	deploy(w, DEPLOYMENT_ROLLED_BACK, true);
}

static void downloading(struct world *w)
{
	deploy(w, DEPLOYMENT_DOWNLOADING, true);
	w->deployment.progress = 34;
}

static void offered(struct world *w)
{
	deploy(w, DEPLOYMENT_ASSIGNED, true);
}

static void offered_then_frozen_and_paused(struct world *w)
{
	offered(w);
	freeze(w);
	paused(w);
}

static void offered_and_gone(struct world *w)
{
	offered(w);
	w->device.seen_at = NOW - 24 * HOUR;
}

static void assigned(struct world *w)
{
	deploy(w, DEPLOYMENT_ASSIGNED, false);
}

static void assigned_by_hand(struct world *w)
{
	assigned(w);
	w->in.plan = NULL;
	w->in.progress = NULL;
}

static void assigned_for_later(struct world *w)
{
	assigned_by_hand(w);
	w->deployment.not_before = NOW + HOUR;
}

static void gone(struct world *w)
{
	w->device.seen_at = NOW - 16 * MINUTE;
}

static void never_came(struct world *w)
{
	w->device.seen_at = 0;
}

static void closed_window(struct world *w)
{
	w->plan.windows = (struct window_plan){
	    .windows = {{.days = 127, .from_minute = 120, .to_minute = 240}},
	    .n_windows = 1};
}

static void offered_and_closed(struct world *w)
{
	closed_window(w);
	offered(w);
}

static void installing_and_closed(struct world *w)
{
	closed_window(w);
	deploy(w, DEPLOYMENT_INSTALLING, true);
	w->deployment.progress = 70;
}

static void consent(struct world *w)
{
	w->plan.needs_consent = true;
}

static void consent_asked(struct world *w)
{
	consent(w);
	offered(w);
	w->deployment.offered = false;
	w->deployment.consent = CONSENT_ASKED;
	w->in.in_flight_itself = true;
}

static void consent_refused(struct world *w)
{
	consent_asked(w);
	w->deployment.consent = CONSENT_DENIED;
}

static void consent_given(struct world *w)
{
	consent_asked(w);
	w->deployment.consent = CONSENT_GIVEN;
}

static void consented_when_no_place_is_left(struct world *w)
{
	consent_given(w);
	w->plan.limits.in_flight = w->plan.limits.per_site = 1;
	w->in.in_flight = w->in.in_flight_at_site = 1; /* itself */
}

/* It fell silent before its user answered, and another one took its place. */
static void consented_late(struct world *w)
{
	consented_when_no_place_is_left(w);
	w->in.in_flight_itself = false;
}

static void consented_outside_the_window(struct world *w)
{
	consent_given(w);
	closed_window(w);
}

static void consented_in_a_freeze(struct world *w)
{
	consent_given(w);
	freeze(w);
}

static void consented_and_shown(struct world *w)
{
	consent_given(w);
	w->deployment.offered = true;
}

static void low_battery(struct world *w)
{
	w->in.power = "battery 12 %";
}

static void waits_an_hour_for_deltas(struct world *w)
{
	w->plan.delta_wait_ms = HOUR;
	w->progress.waves[0].started_at = NOW - HOUR / 2;
	w->in.delta = WHY_DELTA_TO_COME;
}

static void waited_an_hour_for_deltas(struct world *w)
{
	waits_an_hour_for_deltas(w);
	w->progress.waves[0].started_at = NOW - HOUR;
}

static void its_delta_is_there(struct world *w)
{
	waits_an_hour_for_deltas(w);
	w->in.delta = WHY_DELTA_READY;
}

static void its_delta_never_comes(struct world *w)
{
	waits_an_hour_for_deltas(w);
	w->in.delta = WHY_DELTA_NEVER;
	w->in.no_delta = "no delta leads there from 1.0.0: 9 MiB instead of 10 MiB";
}

static void waits_for_deltas_before_its_wave(struct world *w)
{
	waits_an_hour_for_deltas(w);
	w->in.wave = 1;
}

static void thin_link_to_come(struct world *w)
{
	waited_an_hour_for_deltas(w);
	w->in.takes_no_full = true;
}

static void thin_link_without(struct world *w)
{
	its_delta_never_comes(w);
	w->in.takes_no_full = true;
}

static void thin_link_by_hand(struct world *w)
{
	assigned_by_hand(w);
	w->in.takes_no_full = true;
	w->in.delta = WHY_DELTA_TO_COME;
}

static void thin_link_with_delta(struct world *w)
{
	its_delta_is_there(w);
	w->in.takes_no_full = true;
}

static void many_in_flight(struct world *w)
{
	w->plan.limits.in_flight = 100;
	w->in.in_flight = 100;
}

static void room_in_flight(struct world *w)
{
	w->plan.limits.in_flight = 100;
	w->in.in_flight = 99;
}

static void busy_site(struct world *w)
{
	w->plan.limits.per_site = 2;
	w->in.in_flight_at_site = 2;
}

static void slow_uplink(struct world *w)
{
	w->plan.limits.egress_bytes_per_s = 1048576;
	w->in.egress_free_at = NOW + MINUTE;
}

static void consented_with_a_slow_uplink(struct world *w)
{
	consent_given(w);
	slow_uplink(w);
}

static void asked_within_limits(struct world *w)
{
	consent_asked(w);
	many_in_flight(w);
}

static const struct {
	void (*change)(struct world *);
	enum why_code code;
	bool may_offer, may_ask;
	int64_t at;
	const char *text;
} rows[] = {
    {as_it_is, WHY_DUE, true, false, 0, "it gets the release when it polls next"},
    {runs_it, WHY_UP_TO_DATE, false, false, 0, "it runs 2.0.0 already (proven)"},
    {says_it_runs_it, WHY_DUE, true, false, 0,
     "it gets the release when it polls next"},
    {freeze, WHY_FROZEN, false, false, 0,
     "everything is frozen since 2023-11-14T21:13:20Z, by anna: a bad week"},
    {nothing_selects_it, WHY_NO_ROLLOUT, false, false, 0,
     "no rollout selects it and nobody assigned it a release"},
    {other_hardware, WHY_INCOMPATIBLE, false, false, 0,
     "the release is not for hardware revA, which device \"gw-1\" is"},
    {runs_the_agent, WHY_INCOMPATIBLE, false, false, 0,
     "release 2.0.0 has files for other clients and no image, and device \"gw-1\" runs "
     "the agent (ota-client)"},
    {high_floor, WHY_SECURITY_FLOOR, false, false, 0,
     "release 2.0.0 has security version 3 and device \"gw-1\" accepts none below 5"},
    {equal_floor, WHY_DUE, true, false, 0, NULL},
    {waits_an_hour_for_deltas, WHY_AWAITING_DELTA, false, false, NOW + HOUR / 2,
     "its delta is being made; from 2023-11-14T22:43:20Z on it gets the full payload"},
    {waited_an_hour_for_deltas, WHY_DUE, true, false, 0, NULL},
    {its_delta_is_there, WHY_DUE, true, false, 0, NULL},
    {its_delta_never_comes, WHY_DUE, true, false, 0, NULL},
    {waits_for_deltas_before_its_wave, WHY_WAVE_NOT_STARTED, false, false, 0, NULL},
    {thin_link_to_come, WHY_AWAITING_DELTA, false, false, 0,
     "it takes no full payload over its link, and its delta is not made yet"},
    {thin_link_without, WHY_AWAITING_DELTA, false, false, 0,
     "it takes no full payload over its link, and no delta leads there from 1.0.0: 9 "
     "MiB "
     "instead of 10 MiB"},
    {thin_link_by_hand, WHY_AWAITING_DELTA, false, false, 0, NULL},
    {thin_link_with_delta, WHY_DUE, true, false, 0, NULL},
    {pin, WHY_PINNED, false, false, 0,
     "it is pinned to what it runs by anna: on loan to the lab"},
    {pin_to_another, WHY_PINNED, false, false, 0,
     "it is pinned to release fedcba9876543210"},
    {pin_to_this, WHY_DUE, true, false, 0, NULL},
    {draft, WHY_NOT_STARTED, false, false, 0,
     "the rollout is a draft that nobody submitted"},
    {scheduled, WHY_NOT_STARTED, false, false, NOW + HOUR,
     "the rollout starts at 2023-11-14T23:13:20Z"},
    {due_to_start, WHY_NOT_STARTED, false, false, 0,
     "the rollout starts within moments"},
    {unapproved, WHY_AWAITING_APPROVAL, false, false, 0,
     "the rollout waits for approval: 1 of 2 people gave it"},
    {in_wave_2_unapproved, WHY_AWAITING_APPROVAL, false, false, 0,
     "wave 2 of 3, its own, waits for a person to approve it"},
    {in_wave_2, WHY_WAVE_NOT_STARTED, false, false, 0,
     "it is in wave 2 of 3; wave 1 is running: 4 of 10 devices succeeded"},
    {in_wave_2_at_once, WHY_WAVE_NOT_STARTED, false, false, 0,
     "it is in wave 2 of 3, which starts within moments"},
    {in_wave_3_watched, WHY_WAVE_NOT_STARTED, false, false, NOW + HOUR / 2,
     "it is in wave 3 of 3; wave 1 is watched until 2023-11-14T22:43:20Z"},
    {paused, WHY_PAUSED, false, false, 0,
     "the rollout is paused: wave 1: 2 of 5 devices that ended failed"},
    {paused_by_somebody, WHY_PAUSED, false, false, 0,
     "the rollout is paused: operator"},
    {stopped, WHY_STOPPED, false, false, 0, "the rollout was stopped"},
    {no_member, WHY_NO_WAVE, false, false, 0,
     "the rollout selects it, but it is in none of its waves: these were fixed when "
     "the rollout started"},
    {left_over, WHY_NO_WAVE, false, false, 0,
     "the rollout selects it, but it is in none of its waves: it was left over when "
     "these were filled"},
    {failed, WHY_ENDED, false, false, 0,
     "its attempt is over: failed at 2023-11-14T21:13:20Z: block 7 does not match"},
    {rolled_back, WHY_ENDED, false, false, 0,
     "its attempt is over: rolled-back at 2023-11-14T21:13:20Z"},
    {downloading, WHY_RUNNING, true, false, 0, "it is at it: downloading, 34 %"},
    {offered, WHY_OFFERED, true, false, 0,
     "it was offered the release at 2023-11-14T21:13:20Z and has not reacted"},
    {offered_then_frozen_and_paused, WHY_OFFERED, true, false, 0, NULL},
    {offered_and_gone, WHY_OFFERED, true, false, 0, NULL},
    {assigned, WHY_DUE, true, false, 0, "it gets the release when it polls next"},
    {assigned_by_hand, WHY_DUE, true, false, 0, NULL},
    {assigned_for_later, WHY_OUTSIDE_WINDOW, false, false, NOW + HOUR,
     "its maintenance window opens at 2023-11-14T23:13:20Z"},
    {gone, WHY_NOT_SEEN, true, false, 0, "it was last seen at 2023-11-14T21:57:20Z"},
    {never_came, WHY_NOT_SEEN, true, false, 0, "it was never seen"},
    {closed_window, WHY_OUTSIDE_WINDOW, false, false, INT64_C(1700013600000),
     "its maintenance window opens at 2023-11-15T02:00:00Z"},
    {offered_and_closed, WHY_OFFERED, false, false, 0, NULL},
    {installing_and_closed, WHY_RUNNING, true, false, 0,
     "it is at it: installing, 70 %"},
    {consent, WHY_AWAITING_CONSENT, false, true, 0,
     "its user is asked for consent when it polls next"},
    {consent_asked, WHY_AWAITING_CONSENT, false, true, 0,
     "its user was asked for consent at 2023-11-14T21:13:20Z and has not answered"},
    {consent_refused, WHY_CONSENT_DENIED, false, false, 0,
     "its user refused the update"},
    {consent_given, WHY_DUE, true, false, 0, NULL},
    {consented_when_no_place_is_left, WHY_DUE, true, false, 0, NULL},
    {consented_late, WHY_IN_FLIGHT_LIMIT, false, false, 0, NULL},
    {consented_outside_the_window, WHY_OUTSIDE_WINDOW, false, false,
     INT64_C(1700013600000), NULL},
    {consented_in_a_freeze, WHY_FROZEN, false, false, 0, NULL},
    {consented_with_a_slow_uplink, WHY_RATE_LIMITED, false, false, NOW + MINUTE, NULL},
    {consented_and_shown, WHY_OFFERED, true, false, 0, NULL},
    {low_battery, WHY_POWER, true, false, 0,
     "it says that it waits for power: battery 12 %"},
    {many_in_flight, WHY_IN_FLIGHT_LIMIT, false, false, 0,
     "100 devices are at it, and no more than 100 may be"},
    {room_in_flight, WHY_DUE, true, false, 0, NULL},
    {busy_site, WHY_SITE_LIMIT, false, false, 0,
     "2 devices at site \"hall 4\" are at it, and no more than 2 may be"},
    {slow_uplink, WHY_RATE_LIMITED, false, false, NOW + MINUTE,
     "1048576 bytes a second are handed out; its turn may come at "
     "2023-11-14T22:14:20Z"},
    {asked_within_limits, WHY_AWAITING_CONSENT, false, true, 0, NULL},
};

static void each_reason_is_given_in_words_and_as_a_code(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(zone) struct zone *utc = zone_open("UTC", &e);
	bool seen[N_WHY_CODES] = {false};
	static struct world w;
	static struct why got;

	(void)state;
	assert_non_null(utc);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		begin(&w);
		rows[i].change(&w);
		w.in.zone = utc;
		rollout_why(&w.in, &got);
		seen[rows[i].code] = true;
		if (got.n_reasons == 0 || got.reasons[0].code != rows[i].code ||
		    got.may_offer != rows[i].may_offer ||
		    got.may_ask != rows[i].may_ask || got.reasons[0].at != rows[i].at ||
		    (rows[i].text != NULL &&
		     strcmp(got.reasons[0].text, rows[i].text) != 0))
			fail_msg("row %zu: %s, %d, %d: %s", i,
				 why_code_name(got.reasons[0].code), got.may_offer,
				 got.may_ask, got.reasons[0].text);
	}
	for (size_t c = 0; c < N_WHY_CODES; c++) {
		if (!seen[c])
			fail_msg("no row has %s", why_code_name((enum why_code)c));
	}
}

/* ---- several at once ---- */

static void expect_codes(const struct why *w, const enum why_code *codes, size_t n)
{
	for (size_t i = 0; i < n && i < w->n_reasons; i++) {
		if (w->reasons[i].code != codes[i])
			fail_msg("reason %zu: %s", i,
				 why_code_name(w->reasons[i].code));
	}
	assert_int_equal(w->n_reasons, n);
}

static void several_reasons_come_in_the_order_in_which_they_must_change(void **state)
{
	static const enum why_code all[] = {
	    WHY_FROZEN,		  WHY_PINNED,	   WHY_PAUSED,
	    WHY_WAVE_NOT_STARTED, WHY_NOT_SEEN,	   WHY_OUTSIDE_WINDOW,
	    WHY_AWAITING_CONSENT, WHY_POWER,	   WHY_IN_FLIGHT_LIMIT,
	    WHY_SITE_LIMIT,	  WHY_RATE_LIMITED};
	struct err e = ERR_INIT;
	AUTO_PTR(zone) struct zone *utc = zone_open("UTC", &e);
	static struct world w;
	static struct why got;

	(void)state;
	begin(&w);
	freeze(&w);
	pin(&w);
	in_wave_2(&w);
	paused(&w);
	gone(&w);
	closed_window(&w);
	consent(&w);
	low_battery(&w);
	many_in_flight(&w);
	busy_site(&w);
	slow_uplink(&w);
	w.in.zone = utc;
	rollout_why(&w.in, &got);
	expect_codes(&got, all, N_ELEMS(all));
	assert_false(got.may_offer || got.may_ask);
}

static void after_what_cannot_change_nothing_more_is_said(void **state)
{
	static const enum why_code incompatible[] = {WHY_FROZEN, WHY_INCOMPATIBLE};
	static const enum why_code ended[] = {WHY_FROZEN, WHY_ENDED};
	static struct world w;
	static struct why got;

	(void)state;
	begin(&w);
	freeze(&w);
	other_hardware(&w);
	paused(&w);
	rollout_why(&w.in, &got);
	expect_codes(&got, incompatible, 2);
	begin(&w);
	freeze(&w);
	failed(&w);
	many_in_flight(&w);
	rollout_why(&w.in, &got);
	expect_codes(&got, ended, 2);
}

static void what_hints_but_does_not_block_leaves_the_device_due(void **state)
{
	static const enum why_code codes[] = {WHY_NOT_SEEN, WHY_POWER, WHY_DUE};
	static struct world w;
	static struct why got;

	(void)state;
	begin(&w);
	gone(&w);
	low_battery(&w);
	rollout_why(&w.in, &got);
	expect_codes(&got, codes, 3);
	assert_true(got.may_offer);
}

/* Only then is the question stored as a place in flight. */
static void the_question_is_new_until_it_was_asked(void **state)
{
	static struct world w;
	static struct why got;

	(void)state;
	begin(&w);
	consent(&w);
	rollout_why(&w.in, &got);
	assert_false(got.asks_now); /* it has no deployment yet */
	begin(&w);
	consent_asked(&w);
	rollout_why(&w.in, &got);
	assert_true(got.may_ask && !got.asks_now);
	w.in.offered_at = 0;
	w.in.in_flight_itself = false;
	rollout_why(&w.in, &got);
	assert_true(got.may_ask && got.asks_now);
	paused(&w);
	rollout_why(&w.in, &got);
	assert_false(got.may_ask || got.asks_now);
	begin(&w);
	offered(&w);
	rollout_why(&w.in, &got);
	assert_false(got.may_ask || got.asks_now);
}

static void the_answer_is_written_for_the_api(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	AUTO_PTR(json) struct json *j = NULL;
	struct err e = ERR_INIT;
	static struct world w;
	static struct why got;

	(void)state;
	begin(&w);
	freeze(&w);
	slow_uplink(&w);
	rollout_why(&w.in, &got);
	j = why_write(&got, &e);
	OK(json_write(j, &b, &e));
	assert_string_equal(
	    buf_str(&b),
	    "{\"may_offer\":false,\"text\":\"everything is frozen since "
	    "2023-11-14T21:13:20Z, by anna: a bad week\",\"reasons\":[{\"code\":"
	    "\"frozen\",\"text\":\"everything is frozen since 2023-11-14T21:13:20Z, by "
	    "anna: a bad week\"},{\"code\":\"rate-limited\",\"text\":\"1048576 bytes a "
	    "second are handed out; its turn may come at 2023-11-14T22:14:20Z\","
	    "\"at\":1700000060000}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_reason_is_given_in_words_and_as_a_code),
	    cmocka_unit_test(
		several_reasons_come_in_the_order_in_which_they_must_change),
	    cmocka_unit_test(after_what_cannot_change_nothing_more_is_said),
	    cmocka_unit_test(what_hints_but_does_not_block_leaves_the_device_due),
	    cmocka_unit_test(the_question_is_new_until_it_was_asked),
	    cmocka_unit_test(the_answer_is_written_for_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
