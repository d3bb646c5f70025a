/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent does before it may install: it fetches and holds, and asks for
 * consent. */
#include "agent_bench.h"

#define DOWNLOADED "\"execution\":\"downloaded\""
#define CONSENT "/confirmationBase/" ID "/feedback "

static enum slot_state target_state(struct bench *b)
{
	return bench_record(b).slots[1].state;
}

static void a_window_that_is_not_open_is_used_to_fetch(void **state)
{
	struct bench b;
	uint64_t fetched;

	(void)state;
	bench_offer(&b);
	b.update = "skip";
	b.window = "unavailable";
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	bench_for(&b, 600000);
	assert_int_equal(target_state(&b), SLOT_WRITTEN);
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	assert_int_equal(bench_count(b.heard, DOWNLOADED), 1); /* once is enough */
	assert_int_equal(b.n_reboots, 0);
	fetched = b.n_body_bytes;
	b.update = "forced";
	b.window = NULL;
	bench_until_reboot(&b);
	assert_int_equal(b.n_body_bytes, fetched); /* nothing of it again */
	assert_int_equal(bench_boot(&b), 1);
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void a_restart_while_it_waits_changes_nothing(void **state)
{
	struct bench b;
	uint64_t fetched;

	(void)state;
	bench_offer(&b);
	b.update = "skip";
	b.window = "unavailable";
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	fetched = b.n_body_bytes;
	bench_stop(&b);
	assert_int_equal(bench_boot(&b), 0); /* it is not armed */
	bench_start(&b);
	bench_for(&b, 300000);
	assert_int_equal(target_state(&b), SLOT_WRITTEN);
	assert_int_equal(b.n_body_bytes, fetched);
	b.update = "forced";
	bench_until_reboot(&b);
	bench_fini(&b);
}

static void a_download_only_deployment_is_told_until_the_server_hears(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.update = "skip";
	b.faults[0] = (struct bench_fault){
	    .match = "/feedback", .kind = FAULT_UNREACHABLE, .times = -1};
	bench_start(&b);
	bench_for(&b, 300000);
	assert_int_equal(target_state(&b), SLOT_WRITTEN);
	assert_false(bench_heard(&b, DOWNLOADED));
	b.faults[0].times = 0;
	bench_until_heard(&b, DOWNLOADED);
	b.deployment = NULL; /* that ended it */
	bench_for(&b, 300000);
	b.deployment = "100077"; /* and now for good */
	b.update = "forced";
	bench_until_reboot(&b);
	assert_int_equal(b.n_reboots, 1);
	bench_fini(&b);
}

static void what_is_held_may_be_cancelled(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.update = "skip";
	b.window = "unavailable";
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	b.cancel = ID;
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, SUCCESS));
	assert_int_equal(b.n_reboots, 0);
	bench_fini(&b);
}

/* ---- soft ---- */

static void offer_softly(struct bench *b)
{
	bench_offer(b);
	b->update = "attempt";
	b->spec.soft_command = "is-free";
}

static void a_soft_one_is_written_and_waits_until_the_device_is_free(void **state)
{
	struct bench b;
	uint64_t fetched;

	(void)state;
	offer_softly(&b);
	for (int i = 0; i < 4; i++)
		b.statuses[i] = 1;
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	fetched = b.n_body_bytes;
	while (b.n_runs < 4) {
		assert_int_equal(b.n_reboots, 0);
		assert_int_equal(target_state(&b), SLOT_WRITTEN);
		bench_for(&b, 10000);
	}
	bench_until_reboot(&b); /* then it is */
	assert_int_equal(b.n_runs, 5);
	assert_int_equal(b.n_body_bytes, fetched);
	assert_int_equal(bench_count(b.heard, DOWNLOADED), 1); /* once is enough */
	assert_int_equal(bench_boot(&b), 1);
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void a_device_that_is_free_does_not_wait_for_another_poll(void **state)
{
	struct bench b;
	int64_t begun;

	(void)state;
	offer_softly(&b);
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	begun = b.mono;
	bench_until_reboot(&b);
	assert_string_equal(b.commands, "is-free|");
	assert_true(b.mono - begun < 60000);
	bench_fini(&b);
}

static void forced_goes_at_once_whatever_the_device_does(void **state)
{
	struct bench b;

	(void)state;
	offer_softly(&b);
	b.update = "forced";
	bench_start(&b);
	bench_until_reboot(&b);
	assert_string_equal(b.commands, "");
	bench_fini(&b);
}

static void a_soft_one_that_is_forced_later_waits_no_more(void **state)
{
	struct bench b;

	(void)state;
	offer_softly(&b);
	for (int i = 0; i < 8; i++)
		b.statuses[i] = 1;
	bench_start(&b);
	bench_until(&b, AGENT_ASKING);
	bench_for(&b, 100000);
	assert_int_equal(b.n_reboots, 0);
	b.update = "forced";
	bench_until_reboot(&b);
	bench_fini(&b);
}

/* It never ends, is killed, or cannot be started: nobody said that it is free. */
static void a_device_that_does_not_say_that_it_is_free_is_in_use(void **state)
{
	struct bench b;

	(void)state;
	offer_softly(&b);
	for (int i = 0; i < 8; i++)
		b.statuses[i] = -1;
	bench_start(&b);
	bench_until_heard(&b, DOWNLOADED);
	bench_for(&b, 200000);
	assert_true(b.n_runs >= 2);
	assert_int_equal(b.n_reboots, 0);
	assert_int_equal(agent_last_error(b.a)->code, ERR_INTERNAL);
	bench_fini(&b);
}

static void what_is_asked_for_may_be_cancelled_and_restarted(void **state)
{
	struct bench b;

	(void)state;
	offer_softly(&b);
	b.statuses[0] = -2;
	bench_start(&b);
	bench_until(&b, AGENT_ASKING);
	bench_start(&b); /* another life: written already, and asked again */
	b.statuses[b.n_runs] = -2;
	bench_until(&b, AGENT_ASKING);
	b.cancel = ID;
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, SUCCESS));
	assert_int_equal(agent_state(b.a), AGENT_IDLE);
	assert_int_equal(b.n_reboots, 0);
	bench_fini(&b);
}

/* ---- consent ---- */

static void begin_waiting(struct bench *b)
{
	bench_offer(b);
	b->confirm = b->deployment;
	b->deployment = NULL;
	bench_start(b);
	bench_until_asked(b, "GET " BENCH_BASE "/confirmationBase/" ID "?c=7");
	bench_for(b, 300000);
}

static void nothing_is_fetched_before_the_user_consents(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *status = NULL;

	(void)state;
	begin_waiting(&b);
	assert_int_equal(b.n_body_bytes, 0);
	assert_int_equal(bench_count(b.asked, "/confirmationBase/"), 1);
	status = agent_status(b.a, &e);
	assert_string_equal(
	    json_text(json_get(json_get(status, "consent"), "deployment")), ID);
	OK(agent_consent(b.a, true, &e));
	bench_until_heard(&b, CONSENT "{\"confirmation\":\"confirmed\"");
	bench_until_reboot(&b);
	bench_fini(&b);
}

static void denied_goes_on_waiting(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	begin_waiting(&b);
	OK(agent_consent(b.a, false, &e));
	bench_until_heard(&b, CONSENT "{\"confirmation\":\"denied\"");
	bench_for(&b, 300000);
	assert_int_equal(bench_count(b.heard, "denied"), 1);
	OK(agent_consent(b.a, true, &e)); /* thought better of it */
	bench_until_reboot(&b);
	bench_fini(&b);
}

static void an_answer_that_was_not_heard_is_told_again(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	begin_waiting(&b);
	b.faults[0] =
	    (struct bench_fault){.match = "POST " BENCH_BASE "/confirmationBase",
				 .kind = FAULT_UNREACHABLE,
				 .times = 2};
	OK(agent_consent(b.a, true, &e));
	bench_until_reboot(&b);
	assert_int_equal(b.faults[0].times, 0);
	bench_fini(&b);
}

static void an_answer_is_about_the_deployment_that_was_shown(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	begin_waiting(&b);
	b.confirm = "100099"; /* another one, by the time it could be told */
	OK(agent_consent(b.a, true, &e));
	bench_for(&b, 300000);
	assert_string_equal(b.heard, "");
	b.confirm = NULL;
	bench_for(&b, 300000);
	FAILS(agent_consent(b.a, true, &e), ERR_CONFLICT);
	bench_fini(&b);
}

static void without_a_question_there_is_no_answer(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	bench_start(&b);
	bench_for(&b, 100000);
	FAILS(agent_consent(b.a, true, &e), ERR_CONFLICT);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_window_that_is_not_open_is_used_to_fetch),
	    cmocka_unit_test(a_restart_while_it_waits_changes_nothing),
	    cmocka_unit_test(a_download_only_deployment_is_told_until_the_server_hears),
	    cmocka_unit_test(what_is_held_may_be_cancelled),
	    cmocka_unit_test(a_soft_one_is_written_and_waits_until_the_device_is_free),
	    cmocka_unit_test(a_device_that_is_free_does_not_wait_for_another_poll),
	    cmocka_unit_test(forced_goes_at_once_whatever_the_device_does),
	    cmocka_unit_test(a_soft_one_that_is_forced_later_waits_no_more),
	    cmocka_unit_test(a_device_that_does_not_say_that_it_is_free_is_in_use),
	    cmocka_unit_test(what_is_asked_for_may_be_cancelled_and_restarted),
	    cmocka_unit_test(nothing_is_fetched_before_the_user_consents),
	    cmocka_unit_test(denied_goes_on_waiting),
	    cmocka_unit_test(an_answer_that_was_not_heard_is_told_again),
	    cmocka_unit_test(an_answer_is_about_the_deployment_that_was_shown),
	    cmocka_unit_test(without_a_question_there_is_no_answer),
	};

	return cmocka_run_group_tests_name("agent_wait", tests, NULL, NULL);
}
