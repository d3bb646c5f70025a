/* SPDX-License-Identifier: Apache-2.0 */
/* The agent from offer to confirmed boot, and every way that this can go otherwise. */
#include "agent_bench.h"

#define ID "100042"
#define FEEDBACK "/deploymentBase/" ID "/feedback "
#define SUCCESS "\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}"
#define FAILURE "\"execution\":\"closed\",\"result\":{\"finished\":\"failure\"}"

static void offer(struct bench *b)
{
	bench_init(b);
	b->deployment = ID;
}

/* The update is armed and the device has booted the new slot, on trial. */
static void arm(struct bench *b)
{
	offer(b);
	bench_start(b);
	bench_until_reboot(b);
	bench_stop(b);
	assert_int_equal(bench_boot(b), 1);
}

static void fault(struct bench *b, struct bench_fault f)
{
	b->faults[0] = f;
}

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
	fault(&b, (struct bench_fault){
		      .match = BENCH_BASE, .kind = FAULT_UNREACHABLE, .times = -1});
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
	fault(&b, (struct bench_fault){.match = BENCH_BASE,
				       .kind = FAULT_STATUS,
				       .status = 503,
				       .retry_after_ms = 120000,
				       .times = 1});
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
	fault(&b, (struct bench_fault){
		      .match = BENCH_BASE, .kind = FAULT_HTML, .times = 3});
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
	offer(&b);
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
	arm(&b);
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
	arm(&b);
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
	arm(&b);
	fault(&b, (struct bench_fault){
		      .match = "feedback", .kind = FAULT_UNREACHABLE, .times = -1});
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
	arm(&b);
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
	offer(&b);
	bench_start(&b);
	bench_until_reboot(&b);
	/* No time passes while the bench delivers, so one report of each kind is all. */
	assert_true(bench_count(b.heard, "\"download\"") <= 3);
	assert_true(bench_heard(&b, "\"progress\":{\"cnt\":0,\"of\":100}"));
	bench_fini(&b);
}

/* ---- new firmware that is not well ---- */

static void an_unhealthy_release_is_rejected_and_the_old_one_says_why(void **state)
{
	struct bench b;

	(void)state;
	arm(&b);
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
	arm(&b);
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
	arm(&b);
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
	arm(&b);
	b.spec.server_deadline_ms = 60000;
	fault(&b, (struct bench_fault){
		      .match = BENCH_ORIGIN, .kind = FAULT_UNREACHABLE, .times = -1});
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
	arm(&b);
	b.spec.server_deadline_ms = 60000;
	fault(&b, (struct bench_fault){
		      .match = BENCH_ORIGIN, .kind = FAULT_UNREACHABLE, .times = 3});
	bench_start(&b);
	bench_until_heard(&b, SUCCESS);
	bench_fini(&b);
}

static void after_the_confirm_deadline_the_watchdog_is_not_fed(void **state)
{
	struct bench b;
	unsigned fed;

	(void)state;
	arm(&b);
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
	arm(&b);
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
	arm(&b); /* its first try; no agent comes up */
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
	arm(&b);
	while (bench_boot(&b) == 1)
		;
	fault(&b, (struct bench_fault){.match = "feedback",
				       .kind = FAULT_STATUS,
				       .status = 503,
				       .times = 5});
	bench_start(&b);
	bench_until_asked(&b, "feedback");
	bench_start(&b); /* restarted in between */
	bench_until_heard(&b, "tries exhausted");
	assert_true(bench_count(b.asked, "feedback") >= 6);
	bench_fini(&b);
}

static void confirming_that_cannot_be_stored_is_tried_again(void **state)
{
	struct bench b;

	(void)state;
	arm(&b);
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
	arm(&b);
	b.handover.root_hash[0] ^= 1;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_BAD);
	assert_int_equal(bench_record(&b).slots[1].reason, REASON_UNVERIFIED);
	assert_false(bench_heard(&b, "\"success\""));
	bench_fini(&b);
}

/* ---- the way is bad ---- */

static void a_payload_cut_short_goes_on_where_it_ended(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	fault(&b, (struct bench_fault){
		      .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1});
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, "/body from"), 2);
	assert_null(strstr(strstr(b.asked, "/body from 0") + 1, "/body from 0"));
	/* What was fetched twice is less than a segment and a chunk. */
	assert_true(b.n_body_bytes - b.d->v2.body_size <
		    CONTAINER_SEGMENT + CONTAINER_CHUNK);
	bench_fini(&b);
}

static void manifest_head_and_metadata_are_not_fetched_again_after_a_cut(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	fault(&b, (struct bench_fault){
		      .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1});
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, "https://cdn/manifest"), 1);
	assert_int_equal(bench_count(b.asked, "/head"), 1);
	assert_int_equal(bench_count(b.asked, "/descriptor"), 1);
	bench_fini(&b);
}

/* Each place, each kind of trouble, twice: the update completes all the same. */
static void trouble_on_the_way_only_delays(void **state)
{
	static const char *const places[] = {"/deploymentBase/" ID "?",
					     "/timestamp.json",
					     "cdn/manifest",
					     "/descriptor",
					     "/head",
					     "/body",
					     "/configData"};
	static const struct bench_fault kinds[] = {
	    {.kind = FAULT_STATUS, .status = 500},
	    {.kind = FAULT_STATUS, .status = 503, .retry_after_ms = 5000},
	    {.kind = FAULT_STATUS, .status = 401},
	    {.kind = FAULT_HTML},
	    {.kind = FAULT_UNREACHABLE},
	    {.kind = FAULT_CUT, .at = 10},
	};

	(void)state;
	for (size_t p = 0; p < N_ELEMS(places); p++) {
		for (size_t k = p % 2; k < N_ELEMS(kinds); k += 2) {
			struct bench b;

			offer(&b);
			b.faults[0] = kinds[k];
			b.faults[0].match = places[p];
			b.faults[0].times = 2;
			bench_start(&b);
			bench_until_reboot(&b);
			assert_int_equal(b.faults[0].times, 0);
			assert_int_equal(bench_record(&b).slots[1].state, SLOT_PENDING);
			assert_false(bench_heard(&b, FAILURE));
			bench_fini(&b);
		}
	}
}

static void a_server_that_ignores_the_range_is_not_written(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1};
	b.faults[1] =
	    (struct bench_fault){.match = "/body", .kind = FAULT_NO_RANGE, .times = 2};
	bench_start(&b);
	bench_until_reboot(&b);
	OK(device_check_slot(b.d, 1, &b.d->v2, &e));
	assert_int_equal(b.faults[1].times, 0);
	bench_fini(&b);
}

/* ---- what is not as signed ---- */

static void a_byte_altered_once_on_the_way_is_fetched_again(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	fault(&b, (struct bench_fault){
		      .match = "/body", .kind = FAULT_FLIP, .at = 200000, .times = 1});
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_PENDING);
	bench_fini(&b);
}

static void a_byte_altered_each_time_is_refused_and_nothing_is_armed(void **state)
{
	static const char *const places[] = {"/body", "/head", "/descriptor",
					     "cdn/manifest"};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(places); i++) {
		struct bench b;

		offer(&b);
		fault(&b, (struct bench_fault){.match = places[i],
					       .kind = FAULT_FLIP,
					       .at = 100,
					       .times = -1});
		bench_start(&b);
		bench_until_heard(&b, FAILURE);
		assert_true(bench_heard(&b, "refused: "));
		assert_int_not_equal(bench_record(&b).slots[1].state, SLOT_PENDING);
		bench_for(&b, 600000);
		assert_int_equal(bench_count(b.heard, FAILURE), 1);
		assert_false(b.rebooted);
		bench_fini(&b);
	}
}

static void expect_refusal(struct bench *b, const char *text)
{
	struct slot_record before = bench_record(b);

	bench_start(b);
	bench_until_heard(b, FAILURE);
	if (!bench_heard(b, text))
		fail_msg("\"%s\" is not in %s", text, b->heard);
	assert_int_equal(bench_record(b).slots[1].state, before.slots[1].state);
	assert_int_equal(b->n_body_bytes, 0);
	bench_fini(b);
}

static void a_release_for_another_product_or_hardware_is_refused(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	b.spec.hardware = "revZ";
	expect_refusal(&b, "revZ");
	offer(&b);
	b.spec.product = "toaster";
	expect_refusal(&b, "toaster");
}

static void a_release_below_the_floor_is_refused(void **state)
{
	struct bench b;
	struct slot_record r;
	struct err e = ERR_INIT;

	(void)state;
	offer(&b);
	r = bench_record(&b);
	r.floor = 3;
	r.slots[0].security_version = 3;
	r.sequence++;
	OK(boot_store(b.model, &r, &e));
	expect_refusal(&b, "below the floor 3");
}

static void a_release_that_is_not_listed_is_refused(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);

	(void)state;
	offer(&b);
	OK(repo_draft_targets_remove(b.w.targets.data, b.w.targets.len, BENCH_TARGET,
				     b.w.now + YEAR_MS, &draft, &e));
	buf_clear(&b.w.targets);
	OK(repo_sign(draft.data, draft.len, b.w.key[TARGETS], &b.w.targets, &e));
	repo_publish(&b.w);
	expect_refusal(&b, "look for the release in the signed targets");
}

static void targets_signed_by_a_stranger_are_refused(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	world_add_target(&b.w, "release/gateway/3.0.0.json", STRANGER);
	repo_publish(&b.w);
	expect_refusal(&b, "check the repository");
}

static void a_descriptor_of_another_boot_key_is_refused(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ED25519, &e);
	AUTO_PTR(pubkey) struct pubkey *pub = privkey_public(key, &e);
	struct boot_keys keys = {.keys = {pub}};

	(void)state;
	offer(&b);
	b.spec.boot_keys = &keys;
	expect_refusal(&b, "begin to install");
}

static void a_payload_beyond_the_limit_is_refused(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	b.spec.max_payload_bytes = 1000;
	expect_refusal(&b, "not at most 1000");
}

static void a_plain_ddi_deployment_is_refused_with_a_clear_word(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	b.plain = true;
	expect_refusal(&b, "has no signed manifest");
}

static void what_failed_here_is_told_again_and_not_tried_again(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	b.plain = true;
	b.closes = false; /* a server that goes on offering it */
	bench_start(&b);
	bench_for(&b, 300000);
	assert_true(bench_count(b.heard, FAILURE) >= 3);
	assert_true(bench_count(b.heard, FAILURE) <= 8);
	b.plain = false;
	bench_start(&b); /* and a restart makes no difference */
	bench_for(&b, 300000);
	assert_int_equal(b.n_body_bytes, 0);
	bench_fini(&b);
}

static void a_deployment_outside_its_window_waits(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	b.update = "skip";
	bench_start(&b);
	bench_for(&b, 300000);
	assert_int_equal(b.n_body_bytes, 0);
	assert_string_equal(b.heard, "");
	b.update = "forced";
	bench_until_reboot(&b);
	bench_fini(&b);
}

/* ---- cancel ---- */

static void a_cancel_while_downloading_stops_it(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	offer(&b);
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
	arm(&b);
	b.cancel = ID;
	bench_start(&b);
	bench_until_heard(&b, "/cancelAction/" ID "/feedback");
	assert_true(bench_heard(&b, "too late"));
	bench_until_heard(&b, FEEDBACK);
	bench_until_heard(&b, "\"ota:proof\"");
	bench_fini(&b);
}

static void a_cancel_of_what_never_began_is_confirmed(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
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

		arm(&b);
		fault(&b, (struct bench_fault){.match = "feedback",
					       .kind = FAULT_STATUS,
					       .status = statuses[i],
					       .times = -1});
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
	offer(&b);
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
	arm(&b);
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
	fault(&b, (struct bench_fault){.match = "/ota/events",
				       .kind = FAULT_STATUS,
				       .status = 503,
				       .retry_after_ms = 30000,
				       .times = -1});
	bench_start(&b);
	bench_for(&b, 600000);
	assert_in_range(bench_count(b.asked, "/ota/events"), 3, 12);
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

		offer(&b);
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

		arm(&b);
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
	offer(&b);
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
	offer(&b);
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

/* The state directory fills up at any moment: nothing untrue is said, and once there is room again
 * the update completes. */
static void a_full_state_directory_delays_and_never_lies(void **state)
{
	(void)state;
	for (int k = 0; k < 12; k++) {
		struct bench b;

		offer(&b);
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
	arm(&b);
	files_put(&b.files, "agent.json", "{broken", 7);
	bench_start(&b);
	bench_until(&b, AGENT_IDLE);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_GOOD);
	/* The server still offers it: what runs is what it wants. */
	bench_until_heard(&b, "runs already in slot B");
	bench_fini(&b);
}

/* ---- time ---- */

static void
a_clock_that_was_never_set_does_not_keep_a_device_from_its_update(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
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
	offer(&b);
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

/* ---- bundles ---- */

static void a_bundle_installs_on_a_device_without_a_server(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	b.spec.base = b.spec.origin = NULL;
	bench_start(&b);
	OK(agent_install_bundle(b.a, bench_bundle(&b, -1), &e));
	bench_until_reboot(&b);
	assert_int_equal(bench_boot(&b), 1);
	bench_start(&b);
	bench_until(&b, AGENT_IDLE);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_GOOD);
	assert_string_equal(b.asked, "");
	bench_fini(&b);
}

static void a_bundle_altered_anywhere_in_its_payload_is_refused(void **state)
{
	static const int64_t places[] = {0, 70000, 300000};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(places); i++) {
		struct bench b;
		struct err e = ERR_INIT;

		bench_init(&b);
		b.spec.base = NULL;
		bench_start(&b);
		OK(agent_install_bundle(b.a, bench_bundle(&b, places[i]), &e));
		bench_until(&b, AGENT_IDLE);
		assert_int_equal(agent_last_error(b.a)->code, ERR_DIGEST);
		assert_int_equal(bench_record(&b).slots[1].state, SLOT_WRITING);
		bench_fini(&b);
	}
}

static void a_bundle_by_a_stranger_is_refused_at_once(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	world_add_target(&b.w, "release/gateway/3.0.0.json", STRANGER);
	repo_publish(&b.w);
	bench_start(&b);
	FAILS(agent_install_bundle(b.a, bench_bundle(&b, -1), &e), ERR_SIGNATURE);
	assert_int_equal(bench_record(&b).slots[1].state, SLOT_EMPTY);
	bench_fini(&b);
}

static void what_is_no_bundle_is_refused_at_once(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	struct dev *bundle;

	(void)state;
	bench_init(&b);
	bench_start(&b);
	bundle = bench_bundle(&b, -1);
	bundle->size = 10;
	FAILS(agent_install_bundle(b.a, bundle, &e), ERR_FORMAT);
	bench_until(&b, AGENT_IDLE);
	bench_fini(&b);
}

static void a_bundle_is_not_taken_in_the_middle_of_something_else(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	offer(&b);
	bench_start(&b);
	bench_until(&b, AGENT_INSTALLING);
	FAILS(agent_install_bundle(b.a, bench_bundle(&b, -1), &e), ERR_CONFLICT);
	bench_until_reboot(&b);
	bench_fini(&b);
}

static void
without_a_hand_over_a_bundle_goes_to_the_slot_that_would_not_boot(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	b.spec.base = NULL;
	b.handover.slot = NO_SLOT;
	b.a = agent_new(&b.spec, &e);
	FAILS(agent_start(b.a, &e), ERR_NOT_FOUND);
	bench_stop(&b);
	b.spec.without_handover = true;
	bench_start(&b);
	OK(agent_install_bundle(b.a, bench_bundle(&b, -1), &e));
	bench_until(&b, AGENT_REBOOTING);
	bench_for(&b, 1000);
	assert_false(b.rebooted);
	bench_stop(&b);
	assert_int_equal(bench_boot(&b), 1);
	bench_fini(&b);
}

static void the_status_says_what_goes_on(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *status = NULL;
	AUTO(buf) struct buf text = BUF_INIT(10000);

	(void)state;
	offer(&b);
	bench_start(&b);
	bench_until(&b, AGENT_INSTALLING);
	status = agent_status(b.a, &e);
	OK(json_write(status, &text, &e));
	assert_non_null(strstr(buf_str(&text), "\"state\":\"INSTALLING\""));
	assert_non_null(strstr(buf_str(&text), "\"deployment\":\"" ID "\""));
	assert_non_null(strstr(buf_str(&text), "\"version\":\"2.0.0\""));
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
	    T(a_device_with_nothing_to_do_tells_of_itself_once_and_polls_as_told),
	    T(a_server_that_is_away_for_an_hour_is_asked_ever_less_often),
	    T(retry_after_is_honoured),
	    T(a_log_in_page_instead_of_the_server_changes_nothing),
	    T(an_update_is_installed_armed_and_booted),
	    T(success_is_said_by_the_new_firmware_with_the_bootloaders_proof),
	    T(success_is_not_said_before_the_health_checks_are_over),
	    T(success_waits_for_its_acknowledgement_across_restarts),
	    T(a_release_that_runs_already_is_not_installed_again),
	    T(progress_comes_at_most_once_a_second),
	    T(an_unhealthy_release_is_rejected_and_the_old_one_says_why),
	    T(a_health_command_that_fails_once_is_tried_again),
	    T(a_health_command_that_times_out_is_named),
	    T(a_release_that_does_not_reach_the_server_in_time_is_rejected),
	    T(a_release_that_reaches_the_server_in_time_is_confirmed),
	    T(after_the_confirm_deadline_the_watchdog_is_not_fed),
	    T(a_deadline_that_passes_is_a_reason_of_its_own),
	    T(a_release_that_crashes_on_every_try_is_reported_by_the_old_one),
	    T(a_rollback_is_told_until_the_server_acknowledges_it),
	    T(confirming_that_cannot_be_stored_is_tried_again),
	    T(what_runs_but_was_not_installed_is_never_confirmed),
	    T(a_payload_cut_short_goes_on_where_it_ended),
	    T(manifest_head_and_metadata_are_not_fetched_again_after_a_cut),
	    T(trouble_on_the_way_only_delays),
	    T(a_server_that_ignores_the_range_is_not_written),
	    T(a_byte_altered_once_on_the_way_is_fetched_again),
	    T(a_byte_altered_each_time_is_refused_and_nothing_is_armed),
	    T(a_release_for_another_product_or_hardware_is_refused),
	    T(a_release_below_the_floor_is_refused),
	    T(a_release_that_is_not_listed_is_refused),
	    T(targets_signed_by_a_stranger_are_refused),
	    T(a_descriptor_of_another_boot_key_is_refused),
	    T(a_payload_beyond_the_limit_is_refused),
	    T(a_plain_ddi_deployment_is_refused_with_a_clear_word),
	    T(what_failed_here_is_told_again_and_not_tried_again),
	    T(a_deployment_outside_its_window_waits),
	    T(a_cancel_while_downloading_stops_it),
	    T(a_cancel_after_arming_comes_too_late_and_is_told_so),
	    T(a_cancel_of_what_never_began_is_confirmed),
	    T(a_report_that_the_server_has_no_use_for_is_not_repeated),
	    T(the_token_goes_to_the_server_and_to_nobody_else),
	    T(a_proofs_counter_never_comes_twice),
	    T(a_poll_event_makes_the_agent_poll_at_once),
	    T(an_event_stream_that_ends_is_opened_again_with_patience),
	    T(a_silent_event_stream_is_taken_for_dead),
	    T(a_restart_in_each_state_before_the_reboot_loses_nothing),
	    T(a_restart_on_trial_counts_a_try_and_checks_anew),
	    T(an_install_interrupted_many_times_completes),
	    T(an_armed_slot_that_was_not_tried_is_tried_again_later),
	    T(a_full_state_directory_delays_and_never_lies),
	    T(a_lost_memory_costs_the_report_and_not_the_device),
	    T(a_clock_that_was_never_set_does_not_keep_a_device_from_its_update),
	    T(expired_metadata_is_waited_out_and_not_believed),
	    T(a_bundle_installs_on_a_device_without_a_server),
	    T(a_bundle_altered_anywhere_in_its_payload_is_refused),
	    T(a_bundle_by_a_stranger_is_refused_at_once),
	    T(what_is_no_bundle_is_refused_at_once),
	    T(a_bundle_is_not_taken_in_the_middle_of_something_else),
	    T(without_a_hand_over_a_bundle_goes_to_the_slot_that_would_not_boot),
	    T(the_status_says_what_goes_on),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
