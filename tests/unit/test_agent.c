/* SPDX-License-Identifier: Apache-2.0 */
/* The agent from offer to confirmed boot; cancels, reports, the event stream. */
#include "agent_bench.h"

/* ---- quiet days ---- */

static void
a_device_with_nothing_to_do_tells_of_itself_once_and_polls_as_told(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.wants_config = true;
	bench_start(&b);
	bench_for(&b, 10 * 60000);
	assert_in_range(b.n_polls, 9, 12);
	assert_int_equal(b.n_configs, 1);
	assert_non_null(strstr(b.config, "\"product\":\"gateway\""));
	assert_non_null(strstr(b.config, "\"slot.a.state\":\"GOOD\""));
	assert_non_null(strstr(b.config, "\"slot.booted\":\"A\""));
	assert_non_null(strstr(b.config, "\"clock\":\"system\""));
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	assert_true(b.n_fed >= 10 * 60 / 3 - 2);
	bench_fini(&b);
}

static void a_server_that_is_away_for_an_hour_is_asked_ever_less_often(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.faults[0] = (struct bench_fault){
	    .match = BENCH_BASE, .kind = FAULT_UNREACHABLE, .times = -1};
	bench_start(&b);
	bench_for(&b, 3600000);
	assert_in_range(bench_count(b.asked, "GET " BENCH_BASE " "), 12, 20);
	assert_int_equal(agent_state(b.a), AGENT_BACKING_OFF);
	b.faults[0].times = 0;
	bench_for(&b, 600000);
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	bench_fini(&b);
}

static void retry_after_is_honoured(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.faults[0] = (struct bench_fault){.match = BENCH_BASE,
					   .kind = FAULT_STATUS,
					   .status = 503,
					   .retry_after_ms = 120000,
					   .times = 1};
	bench_start(&b);
	bench_for(&b, 119000);
	assert_int_equal(bench_count(b.asked, "GET"), 1);
	bench_for(&b, 20000);
	assert_true(b.n_polls >= 1);
	bench_fini(&b);
}

static void a_log_in_page_instead_of_the_server_changes_nothing(void **state)
{
	struct bench b;
	struct slot_record before;

	(void)state;
	bench_init(&b);
	before = bench_record(&b);
	b.faults[0] =
	    (struct bench_fault){.match = BENCH_BASE, .kind = FAULT_HTML, .times = 3};
	bench_start(&b);
	bench_until(&b, AGENT_BACKING_OFF);
	assert_int_equal(bench_record(&b).sequence, before.sequence);
	b.deployment = ID;
	bench_until_reboot(&b);
	bench_fini(&b);
}

/* ---- the whole way ---- */

static void an_update_is_installed_armed_and_booted(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_PENDING);
	OK(device_check_slot(b.d, 1, &b.d->v2, &e));
	assert_int_equal(b.n_body_bytes, b.d->v2.body_size);
	assert_true(bench_heard(&b, "slot B is armed: rebooting"));
	assert_false(bench_heard(&b, "\"closed\""));
	bench_stop(&b);
	assert_int_equal(bench_boot(&b), 1);
	bench_fini(&b);
}

static void success_is_said_by_the_new_firmware_with_the_bootloaders_proof(void **state)
{
	struct bench b;
	char root[2 * SHA256_LEN + 1];

	(void)state;
	bench_arm(&b);
	bench_start(&b);
	assert_int_equal(agent_state(b.a), AGENT_CHECKING);
	bench_until_heard(&b, SUCCESS);
	assert_string_equal(b.commands, "check one|check two|");
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_GOOD);
	hex_encode(b.handover.root_hash, SHA256_LEN, root);
	assert_true(bench_heard(&b, "\"ota:proof\":{\"rootHash\":\""));
	assert_true(bench_heard(&b, root));
	bench_for(&b, 120000);
	assert_int_equal(bench_count(b.heard, SUCCESS), 1);
	assert_int_equal(record_n_events(&(struct slot_record){0}), 0);
	assert_int_equal(bench_record(&b).events[0].id, 0); /* all acknowledged */
	assert_non_null(strstr(b.config, "\"version\":\"2.0.0\""));
	bench_fini(&b);
}

static void success_is_not_said_before_the_health_checks_are_over(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.statuses[0] = -2; /* hangs */
	bench_start(&b);
	bench_for(&b, 60000);
	assert_int_equal(agent_state(b.a), AGENT_CHECKING);
	assert_false(bench_heard(&b, "\"success\""));
	bench_fini(&b);
}

static void success_waits_for_its_acknowledgement_across_restarts(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "feedback", .kind = FAULT_UNREACHABLE, .times = -1};
	bench_start(&b);
	bench_until(&b, AGENT_IDLE);
	bench_for(&b, 100000);
	assert_false(bench_heard(&b, "\"success\""));
	assert_int_equal(bench_boot(&b), 1);
	b.faults[0].times = 0;
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void a_release_that_runs_already_is_not_installed_again(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_for(&b, 1000);
	b.deployment = "100050";
	b.n_body_bytes = 0;
	bench_until_heard(&b, "/deploymentBase/100050/feedback");
	bench_until_heard(&b, "runs already in slot B");
	assert_int_equal(b.n_body_bytes, 0);
	bench_fini(&b);
}

static void progress_comes_at_most_once_a_second(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	/* No time passes while the bench delivers, so one report of each kind is
	 * all. */
	assert_true(bench_count(b.heard, "\"download\"") <= 3);
	assert_true(bench_heard(&b, "\"progress\":{\"cnt\":0,\"of\":100}"));
	bench_fini(&b);
}

/* ---- cancel ---- */

static void a_cancel_while_downloading_stops_it(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until(&b, AGENT_INSTALLING);
	b.cancel = ID;
	OK(agent_poll_now(b.a, &e));
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, SUCCESS));
	bench_for(&b, 120000);
	assert_false(b.rebooted);
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	assert_int_not_equal(bench_record(&b).slots[1].state, SLOT_PENDING);
	bench_fini(&b);
}

static void a_cancel_after_arming_comes_too_late_and_is_told_so(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.cancel = ID;
	bench_start(&b);
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, "too late"));
	bench_until_heard(&b, FEEDBACK);
	bench_until_heard(&b, "\"ota:proof\"");
	bench_fini(&b);
}

static void a_cancel_of_what_is_armed_but_was_not_tried_comes_too_late(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	b.rebooted = false; /* the same boot goes on */
	b.cancel = ID;
	bench_start(&b);
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, "too late"));
	bench_fini(&b);
}

static void an_update_that_the_server_closed_stops(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until(&b, AGENT_FETCHING);
	b.deployment = NULL;
	b.faults[0] = (struct bench_fault){
	    .match = "feedback", .kind = FAULT_STATUS, .status = 410, .times = -1};
	bench_for(&b, 300000);
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	assert_false(b.rebooted);
	bench_fini(&b);
}

static void a_web_page_is_no_acknowledgement(void **state)
{
	struct bench b;

	(void)state;
	bench_arm(&b);
	b.faults[0] =
	    (struct bench_fault){.match = "feedback", .kind = FAULT_HTML, .times = 6};
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	assert_int_equal(b.faults[0].times, 0);
	bench_fini(&b);
}

static void a_cancel_of_what_never_began_is_confirmed(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.cancel = ID;
	bench_start(&b);
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, SUCCESS));
	bench_for(&b, 120000);
	assert_false(b.rebooted);
	bench_fini(&b);
}

/* ---- reports ---- */

static void a_report_that_the_server_has_no_use_for_is_not_repeated(void **state)
{
	static const int statuses[] = {400, 404, 409, 410};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(statuses); i++) {
		struct bench b;

		bench_arm(&b);
		b.faults[0] = (struct bench_fault){.match = "feedback",
						   .kind = FAULT_STATUS,
						   .status = statuses[i],
						   .times = -1};
		b.asked[0] = '\0';
		bench_start(&b);
		bench_until(&b, AGENT_IDLE);
		bench_for(&b, 1000);
		b.deployment = NULL;
		b.asked[0] = '\0';
		bench_for(&b, 600000);
		assert_int_equal(bench_count(b.asked, "feedback"), 0);
		assert_int_equal(bench_record(&b).events[0].id, 0);
		bench_fini(&b);
	}
}

static void the_token_goes_to_the_server_and_to_nobody_else(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	bench_start(&b);
	bench_until_asked(&b, BENCH_BASE);
	assert_string_equal(b.calls[AGENT_CALL].authorization,
			    "Authorization: TargetToken secret");
	bench_until_asked(&b, "https://cdn/manifest");
	assert_string_equal(b.calls[AGENT_FETCH].authorization, "");
	bench_fini(&b);
}

static uint64_t proof_counter(const struct bench *b)
{
	const char *at = strstr(b->heard, "\"counter\":");

	assert_non_null(at);
	return strtoull(at + 10, NULL, 10);
}

static void a_proofs_counter_never_comes_twice(void **state)
{
	struct bench b;
	uint64_t first;

	(void)state;
	bench_arm(&b);
	b.closes = false;
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	first = proof_counter(&b);
	bench_start(&b);
	b.heard[0] = '\0';
	b.deployment = "100050";
	bench_until_heard(&b, SUCCESS);
	assert_true(proof_counter(&b) > first);
	bench_fini(&b);
}

/* ---- the event stream ---- */

static void a_poll_event_makes_the_agent_poll_at_once(void **state)
{
	static const char event[] = ": hello\n\nevent: poll\ndata: {}\n\n";
	struct bench b;
	struct err e = ERR_INIT;
	int64_t asked_at;

	(void)state;
	bench_init(&b);
	b.offers_events = true;
	bench_start(&b);
	bench_until_asked(&b, "/ota/events");
	bench_for(&b, 1000);
	b.deployment = ID;
	asked_at = b.mono;
	OK(agent_on_data(b.a, AGENT_EVENTS, event, 20, &e)); /* in two pieces */
	OK(agent_on_data(b.a, AGENT_EVENTS, event + 20, sizeof(event) - 21, &e));
	bench_until(&b, AGENT_REFRESHING);
	assert_true(b.mono - asked_at < 1000);
	bench_fini(&b);
}

static void an_event_stream_that_ends_is_opened_again_with_patience(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.offers_events = true;
	b.faults[0] = (struct bench_fault){.match = "/ota/events",
					   .kind = FAULT_STATUS,
					   .status = 503,
					   .retry_after_ms = 30000,
					   .times = -1};
	bench_start(&b);
	bench_for(&b, 600000);
	assert_in_range(bench_count(b.asked, "/ota/events"), 3, 12);
	bench_fini(&b);
}

static void a_stream_that_comes_back_is_followed_by_a_poll(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	unsigned n_polls;

	(void)state;
	bench_init(&b);
	b.offers_events = true;
	b.faults[0] = (struct bench_fault){
	    .match = "/ota/events", .kind = FAULT_UNREACHABLE, .times = 1};
	bench_start(&b);
	bench_for(&b, 5000);
	n_polls = b.n_polls;
	OK(agent_on_data(b.a, AGENT_EVENTS, ": hello\n", 8, &e));
	bench_for(&b, 1000);
	assert_int_equal(b.n_polls, n_polls + 1);
	bench_fini(&b);
}

static void a_silent_event_stream_is_taken_for_dead(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.offers_events = true;
	bench_start(&b);
	bench_for(&b, 12 * 60000);
	assert_in_range(bench_count(b.asked, "/ota/events"), 2, 4);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_device_with_nothing_to_do_tells_of_itself_once_and_polls_as_told),
	    cmocka_unit_test(
		a_server_that_is_away_for_an_hour_is_asked_ever_less_often),
	    cmocka_unit_test(retry_after_is_honoured),
	    cmocka_unit_test(a_log_in_page_instead_of_the_server_changes_nothing),
	    cmocka_unit_test(an_update_is_installed_armed_and_booted),
	    cmocka_unit_test(
		success_is_said_by_the_new_firmware_with_the_bootloaders_proof),
	    cmocka_unit_test(success_is_not_said_before_the_health_checks_are_over),
	    cmocka_unit_test(success_waits_for_its_acknowledgement_across_restarts),
	    cmocka_unit_test(a_release_that_runs_already_is_not_installed_again),
	    cmocka_unit_test(progress_comes_at_most_once_a_second),
	    cmocka_unit_test(a_cancel_while_downloading_stops_it),
	    cmocka_unit_test(a_cancel_after_arming_comes_too_late_and_is_told_so),
	    cmocka_unit_test(
		a_cancel_of_what_is_armed_but_was_not_tried_comes_too_late),
	    cmocka_unit_test(an_update_that_the_server_closed_stops),
	    cmocka_unit_test(a_web_page_is_no_acknowledgement),
	    cmocka_unit_test(a_cancel_of_what_never_began_is_confirmed),
	    cmocka_unit_test(a_report_that_the_server_has_no_use_for_is_not_repeated),
	    cmocka_unit_test(the_token_goes_to_the_server_and_to_nobody_else),
	    cmocka_unit_test(a_proofs_counter_never_comes_twice),
	    cmocka_unit_test(a_poll_event_makes_the_agent_poll_at_once),
	    cmocka_unit_test(an_event_stream_that_ends_is_opened_again_with_patience),
	    cmocka_unit_test(a_stream_that_comes_back_is_followed_by_a_poll),
	    cmocka_unit_test(a_silent_event_stream_is_taken_for_dead),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
