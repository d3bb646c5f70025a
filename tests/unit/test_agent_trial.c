/* SPDX-License-Identifier: Apache-2.0 */
/* New firmware on trial, restarts in each state, and time. */
#include "agent_bench.h"

/* ---- new firmware that is not well ---- */

static void an_unhealthy_release_is_rejected_and_the_old_one_says_why(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = 0;
	b.statuses[1] = 3;
	b.statuses[2] = 3;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_BAD);
	assert_int_equal(bench_record(&b).slots[1].reason, REASON_HEALTH);
	assert_string_equal(b.commands, "check one|check two|check two|");
	assert_false(bench_heard(&b, "\"closed\""));
	bench_stop(&b);
	assert_int_equal(bench_boot(&b), 0);
	bench_start(&b);
	bench_until_heard(&b, FAILURE);
	assert_true(bench_heard(&b, "rolled back: slot B is BAD: health check failed"));
	assert_true(bench_heard(&b, "health command \\\"check two\\\" exited with 3"));
	bench_for(&b, 200000);
	assert_int_equal(bench_count(b.heard, FAILURE), 1);
	assert_int_equal(bench_record(&b).events[0].id, 0);
	bench_fini(&b);
}

static void a_health_command_that_fails_once_is_tried_again(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = 1;
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	assert_string_equal(b.commands, "check one|check one|check two|");
	bench_fini(&b);
}

static void a_health_command_that_times_out_is_named(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = b.statuses[1] = -1;
	bench_start(&b);
	bench_until_reboot(&b);
	(void)bench_boot(&b);
	bench_start(&b);
	bench_until_heard(
	    &b, "health command \\\"check one\\\" timed out (attempt 2 of 2)");
	bench_fini(&b);
}

static void a_release_that_does_not_reach_the_server_in_time_is_rejected(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.spec.server_deadline_ms = 60000;
	b.faults[0] = (struct bench_fault){
	    .match = BENCH_ORIGIN, .kind = FAULT_UNREACHABLE, .times = -1};
	bench_start(&b);
	bench_until_reboot(&b);
	assert_in_range(b.mono, 60000, 120000);
	assert_int_equal(bench_boot(&b), 0);
	b.faults[0].times = 0;
	bench_start(&b);
	bench_until_heard(&b, "the server was not reached within 60 s");
	bench_fini(&b);
}

static void a_release_that_reaches_the_server_in_time_is_confirmed(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.spec.server_deadline_ms = 60000;
	b.faults[0] = (struct bench_fault){
	    .match = BENCH_ORIGIN, .kind = FAULT_UNREACHABLE, .times = 3};
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void after_the_confirm_deadline_the_watchdog_is_not_fed(void **state)
{
	struct bench b;
	unsigned fed;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = -2;
	b.stores_left = 0; /* not even the rejection can be stored */
	bench_start(&b);
	bench_for(&b, 300000);
	assert_true(b.rebooted);
	fed = b.n_fed;
	b.rebooted = false; /* suppose that the reboot does not work either */
	bench_for(&b, 60000);
	assert_int_equal(b.n_fed, fed);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_TRYING);
	bench_fini(&b);
}

static void a_deadline_that_passes_is_a_reason_of_its_own(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = -2;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].reason, REASON_DEADLINE);
	assert_int_equal(bench_boot(&b), 0);
	bench_start(&b);
	bench_until_heard(&b, "not confirmed in time");
	bench_fini(&b);
}

static void a_release_that_crashes_on_every_try_is_reported_by_the_old_one(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b); /* its first try; no agent comes up */
	assert_int_equal(bench_boot(&b), 1);
	assert_int_equal(bench_boot(&b), 1);
	assert_int_equal(bench_boot(&b), 0);
	bench_start(&b);
	bench_until_heard(&b, FAILURE);
	assert_true(bench_heard(&b, "tries exhausted"));
	bench_fini(&b);
}

static void a_rollback_is_told_until_the_server_acknowledges_it(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	while (bench_boot(&b) == 1)
		;
	b.faults[0] = (struct bench_fault){
	    .match = "feedback", .kind = FAULT_STATUS, .status = 503, .times = 5};
	bench_start(&b);
	bench_until_asked(&b, "feedback");
	bench_start(&b); /* restarted in between */
	bench_until_heard(&b, "tries exhausted");
	assert_true(bench_count(b.asked, "feedback") >= 6);
	bench_fini(&b);
}

static void a_rollback_not_yet_told_survives_an_install_from_a_file(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_arm(&b);
	while (bench_boot(&b) == 1)
		;
	b.faults[0] = (struct bench_fault){
	    .match = BENCH_ORIGIN, .kind = FAULT_UNREACHABLE, .times = -1};
	bench_start(&b);
	bench_until(&b, AGENT_BACKING_OFF);
	OK(agent_install_bundle(b.a, bench_bundle(&b, -1), &e));
	bench_until_reboot(&b);
	assert_int_equal(bench_boot(&b), 1);
	b.faults[0].times = 0;
	bench_start(&b);
	bench_until_heard(&b, FAILURE);
	assert_true(bench_heard(&b, "tries exhausted"));
	bench_fini(&b);
}

static void confirming_that_cannot_be_stored_is_tried_again(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.stores_left = 0;
	bench_start(&b);
	bench_until(&b, AGENT_CONFIRMING);
	bench_for(&b, 10000);
	assert_int_equal(agent_state(b.a), AGENT_CONFIRMING);
	assert_false(bench_heard(&b, "\"success\""));
	b.stores_left = -1;
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void what_runs_but_was_not_installed_is_never_confirmed(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.handover.root_hash[0] ^= 1;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_BAD);
	assert_int_equal(bench_record(&b).slots[1].reason, REASON_UNVERIFIED);
	assert_false(bench_heard(&b, "\"success\""));
	bench_fini(&b);
}

/* ---- restarts ---- */

/* Whatever state the agent dies in, the next life completes the update. */
static void a_restart_in_each_state_before_the_reboot_loses_nothing(void **state)
{
	static const enum agent_state states[] = {
	    AGENT_IDLE,	      AGENT_POLLING,   AGENT_REFRESHING, AGENT_FETCHING,
	    AGENT_INSTALLING, AGENT_VERIFYING, AGENT_REBOOTING};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(states); i++) {
		struct bench b;

		bench_offer(&b);
		bench_start(&b);
		bench_until(&b, states[i]);
		bench_start(&b);
		bench_until_reboot(&b);
		assert_int_equal(bench_boot(&b), 1);
		bench_start(&b);
		bench_until_heard(&b, SUCCESS);
		assert_false(bench_heard(&b, FAILURE));
		bench_fini(&b);
	}
}

static void a_restart_on_trial_counts_a_try_and_checks_anew(void **state)
{
	static const enum agent_state states[] = {AGENT_CHECKING, AGENT_CONFIRMING};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(states); i++) {
		struct bench b;

		bench_arm(&b);
		b.stores_left = 0;
		bench_start(&b);
		bench_until(&b, states[i]);
		b.stores_left = -1;
		bench_stop(&b);
		assert_int_equal(bench_boot(&b), 1);
		assert_int_equal(bench_record(&b).slots[1].tries, 1);
		bench_start(&b);
		bench_until_heard(&b, SUCCESS);
		bench_fini(&b);
	}
}

static void an_install_interrupted_many_times_completes(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	for (unsigned i = 1; i < 12; i++) {
		uint64_t stop_at = b.n_body_bytes + 60000;

		bench_start(&b);
		bench_until(&b, AGENT_INSTALLING);
		while (b.n_body_bytes < stop_at && agent_state(b.a) == AGENT_INSTALLING)
			bench_for(&b, 0);
		if (b.rebooted)
			break;
	}
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_boot(&b), 1);
	bench_fini(&b);
}

static void an_armed_slot_that_was_not_tried_is_tried_again_later(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	b.rebooted = false; /* the same boot goes on: no hand-over of a new slot */
	bench_start(&b);
	assert_int_equal(agent_state(b.a), AGENT_BACKING_OFF);
	bench_for(&b, 5000);
	assert_false(b.rebooted);
	bench_until_reboot(&b);
	assert_int_equal(b.n_reboots, 2);
	assert_int_equal(bench_boot(&b), 1);
	bench_fini(&b);
}

/* The state directory fills up at any moment: nothing untrue is said, and once there is
 * room again the update completes. */
static void a_full_state_directory_delays_and_never_lies(void **state)
{
	(void)state;
	for (int k = 0; k < 12; k++) {
		struct bench b;

		bench_offer(&b);
		b.puts_left = k;
		bench_start(&b);
		bench_for(&b, 30000);
		if (!b.rebooted) {
			b.puts_left = -1;
			bench_until_reboot(&b);
		}
		b.puts_left = -1;
		if (bench_boot(&b) == 1) {
			bench_start(&b);
			bench_until_heard(&b, "\"ota:proof\"");
		}
		assert_false(bench_heard(&b, FAILURE));
		bench_fini(&b);
	}
}

static void a_lost_memory_costs_the_report_and_not_the_device(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	files_put(&b.files, "agent.json", "{broken", 7);
	bench_start(&b);
	bench_until(&b, AGENT_IDLE);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_GOOD);
	/* The server still offers it: what runs is what it wants. */
	bench_until_heard(&b, "runs already in slot B");
	bench_fini(&b);
}

/* ---- a medium that fails ---- */

/* It takes everything and keeps nothing: the read-back finds out each time. Without an
 * end the whole payload would be fetched again for ever. */
static void a_medium_that_lies_is_given_up(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	((struct sim_medium *)b.d->images[1][0])->lies = true;
	bench_start(&b);
	bench_for(&b, DAY_MS);
	assert_true(bench_heard(&b, FAILURE));
	assert_true(bench_heard(&b, "read back: slot B firmware differs"));
	assert_true(b.n_body_bytes <= 3 * b.d->v2.body_size);
	assert_false(b.rebooted);
	bench_fini(&b);
}

/* The connection breaks in the same segment again and again: each attempt waits
 * longer. */
static void
an_attempt_that_completes_no_segment_does_not_count_as_progress(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_CUT, .at = 200000, .times = -1};
	bench_start(&b);
	bench_for(&b, 3600 * 1000);
	assert_true(bench_count(b.asked, "/body") <= 16);
	b.faults[0].times = 0;
	bench_until_reboot(&b);
	bench_fini(&b);
}

/* The bootloader could not read the armed slot, counted a try and booted the old
 * one. */
static void a_slot_on_trial_that_was_passed_over_is_tried_again(void **state)
{
	struct slot_record r;
	struct err e = ERR_INIT;
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	bench_stop(&b);
	r = bench_record(&b);
	OK(record_boot_try(&r, 1, &e));
	OK(boot_store(b.model, &r, &e));
	b.rebooted = false;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_boot(&b), 1);
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

/* ---- the security floor ---- */

/* The manifest of v2, as it is cached, with another floor. */
static void ask_for_floor_2(struct bench *b)
{
	static const char none[] = "\"raise_floor_to\":0";
	struct file *f = files_find(&b->files, "cache-manifest");
	char *at;

	assert_non_null(f);
	at = strstr(buf_str(&f->data), none);
	assert_non_null(at);
	at[sizeof(none) - 2] = '2';
}

static void the_floor_is_raised_where_the_release_asks_for_it(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	ask_for_floor_2(&b);
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	assert_int_equal(bench_record(&b).floor, 2);
	assert_int_equal(bench_record(&b).slots[0].reason, REASON_FLOOR);
	bench_fini(&b);
}

static void a_floor_that_a_power_cut_kept_down_is_raised_at_the_next_start(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	ask_for_floor_2(&b);
	b.stores_left = 1; /* to confirm; the power goes before the next one */
	bench_start(&b);
	bench_until(&b, AGENT_IDLE);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_GOOD);
	assert_int_equal(bench_record(&b).floor, 0);
	bench_stop(&b);
	b.stores_left = -1;
	assert_int_equal(bench_boot(&b), 1);
	bench_start(&b);
	assert_int_equal(bench_record(&b).floor, 2);
	bench_fini(&b);
}

/* ---- time ---- */

static void
a_clock_that_was_never_set_does_not_keep_a_device_from_its_update(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.utc = 0; /* 1970 */
	bench_start(&b);
	bench_until_reboot(&b);
	assert_non_null(strstr(b.config, "\"clock\":\"floor\""));
	bench_fini(&b);
}

static void expired_metadata_is_waited_out_and_not_believed(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.utc += 8 * DAY_MS; /* the timestamp lives seven */
	bench_start(&b);
	bench_for(&b, 300000);
	assert_int_equal(b.n_body_bytes, 0);
	assert_false(bench_heard(&b, FAILURE));
	b.w.now = b.utc;
	repo_publish(&b.w);
	bench_until_reboot(&b);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_unhealthy_release_is_rejected_and_the_old_one_says_why),
	    cmocka_unit_test(a_health_command_that_fails_once_is_tried_again),
	    cmocka_unit_test(a_health_command_that_times_out_is_named),
	    cmocka_unit_test(
		a_release_that_does_not_reach_the_server_in_time_is_rejected),
	    cmocka_unit_test(a_release_that_reaches_the_server_in_time_is_confirmed),
	    cmocka_unit_test(after_the_confirm_deadline_the_watchdog_is_not_fed),
	    cmocka_unit_test(a_deadline_that_passes_is_a_reason_of_its_own),
	    cmocka_unit_test(
		a_release_that_crashes_on_every_try_is_reported_by_the_old_one),
	    cmocka_unit_test(a_rollback_is_told_until_the_server_acknowledges_it),
	    cmocka_unit_test(a_rollback_not_yet_told_survives_an_install_from_a_file),
	    cmocka_unit_test(confirming_that_cannot_be_stored_is_tried_again),
	    cmocka_unit_test(what_runs_but_was_not_installed_is_never_confirmed),
	    cmocka_unit_test(a_restart_in_each_state_before_the_reboot_loses_nothing),
	    cmocka_unit_test(a_restart_on_trial_counts_a_try_and_checks_anew),
	    cmocka_unit_test(an_install_interrupted_many_times_completes),
	    cmocka_unit_test(an_armed_slot_that_was_not_tried_is_tried_again_later),
	    cmocka_unit_test(a_full_state_directory_delays_and_never_lies),
	    cmocka_unit_test(a_lost_memory_costs_the_report_and_not_the_device),
	    cmocka_unit_test(a_medium_that_lies_is_given_up),
	    cmocka_unit_test(
		an_attempt_that_completes_no_segment_does_not_count_as_progress),
	    cmocka_unit_test(a_slot_on_trial_that_was_passed_over_is_tried_again),
	    cmocka_unit_test(the_floor_is_raised_where_the_release_asks_for_it),
	    cmocka_unit_test(
		a_floor_that_a_power_cut_kept_down_is_raised_at_the_next_start),
	    cmocka_unit_test(
		a_clock_that_was_never_set_does_not_keep_a_device_from_its_update),
	    cmocka_unit_test(expired_metadata_is_waited_out_and_not_believed),
	};

	return cmocka_run_group_tests_name("agent_trial", tests, NULL, NULL);
}
