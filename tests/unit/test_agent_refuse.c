/* SPDX-License-Identifier: Apache-2.0 */
/* A bad way, what is not as signed, and bundles. */
#include "agent_bench.h"

/* ---- the way is bad ---- */

static void a_payload_cut_short_goes_on_where_it_ended(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1};
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
	bench_offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1};
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

			bench_offer(&b);
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

static void a_server_that_ignores_the_range_is_read_past_what_is_there(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;

	(void)state;
	bench_offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_CUT, .at = 550000, .times = 1};
	b.faults[1] =
	    (struct bench_fault){.match = "/body", .kind = FAULT_NO_RANGE, .times = 1};
	bench_start(&b);
	bench_until_reboot(&b);
	OK(device_check_slot(b.d, 1, &b.d->v2, &e));
	assert_int_equal(b.faults[1].times, 0);
	bench_fini(&b);
}

/* The round under way when an update fails does not offer it again: it must not put the
 * next attempt off to the next regular poll either. */
static void
a_poll_beside_an_update_that_fails_does_not_delay_the_next_attempt(void **state)
{
	static const char *const places[] = {"/timestamp.json", "cdn/manifest", "/head",
					     "/body"};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(places); i++) {
		struct bench b;
		struct err e = ERR_INIT;
		int64_t begin;

		bench_offer(&b);
		b.faults[0] = (struct bench_fault){
		    .match = places[i], .kind = FAULT_UNREACHABLE, .times = 1};
		bench_start(&b);
		bench_until_asked(&b, places[i]);
		begin = b.mono;
		OK(agent_poll_now(b.a, &e));
		bench_until_reboot(&b);
		assert_true(b.mono - begin < 30000);
		bench_fini(&b);
	}
}

/* ---- what is not as signed ---- */

static void a_byte_altered_once_on_the_way_is_fetched_again(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/body", .kind = FAULT_FLIP, .at = 200000, .times = 1};
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

		bench_offer(&b);
		b.faults[0] = (struct bench_fault){
		    .match = places[i], .kind = FAULT_FLIP, .at = 100, .times = -1};
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
	bench_offer(&b);
	b.spec.hardware = "revZ";
	expect_refusal(&b, "revZ");
	bench_offer(&b);
	b.spec.product = "toaster";
	expect_refusal(&b, "toaster");
}

static void a_release_below_the_floor_is_refused(void **state)
{
	struct bench b;
	struct slot_record r;
	struct err e = ERR_INIT;

	(void)state;
	bench_offer(&b);
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
	bench_offer(&b);
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
	bench_offer(&b);
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
	bench_offer(&b);
	b.spec.boot_keys = &keys;
	expect_refusal(&b, "begin to install");
}

static void a_payload_beyond_the_limit_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.spec.max_payload_bytes = 1000;
	expect_refusal(&b, "not at most 1000");
}

static void a_plain_ddi_deployment_is_refused_with_a_clear_word(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
	b.plain = true;
	expect_refusal(&b, "has no signed manifest");
}

static void what_failed_here_is_told_again_and_not_tried_again(void **state)
{
	struct bench b;

	(void)state;
	bench_offer(&b);
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
	bench_offer(&b);
	b.update = b.download = "skip";
	bench_start(&b);
	bench_for(&b, 300000);
	assert_int_equal(b.n_body_bytes, 0);
	assert_string_equal(b.heard, "");
	b.update = "forced";
	b.download = NULL;
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
	bench_offer(&b);
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
	bench_offer(&b);
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
	    cmocka_unit_test(a_payload_cut_short_goes_on_where_it_ended),
	    cmocka_unit_test(
		manifest_head_and_metadata_are_not_fetched_again_after_a_cut),
	    cmocka_unit_test(trouble_on_the_way_only_delays),
	    cmocka_unit_test(
		a_server_that_ignores_the_range_is_read_past_what_is_there),
	    cmocka_unit_test(
		a_poll_beside_an_update_that_fails_does_not_delay_the_next_attempt),
	    cmocka_unit_test(a_byte_altered_once_on_the_way_is_fetched_again),
	    cmocka_unit_test(a_byte_altered_each_time_is_refused_and_nothing_is_armed),
	    cmocka_unit_test(a_release_for_another_product_or_hardware_is_refused),
	    cmocka_unit_test(a_release_below_the_floor_is_refused),
	    cmocka_unit_test(a_release_that_is_not_listed_is_refused),
	    cmocka_unit_test(targets_signed_by_a_stranger_are_refused),
	    cmocka_unit_test(a_descriptor_of_another_boot_key_is_refused),
	    cmocka_unit_test(a_payload_beyond_the_limit_is_refused),
	    cmocka_unit_test(a_plain_ddi_deployment_is_refused_with_a_clear_word),
	    cmocka_unit_test(what_failed_here_is_told_again_and_not_tried_again),
	    cmocka_unit_test(a_deployment_outside_its_window_waits),
	    cmocka_unit_test(a_bundle_installs_on_a_device_without_a_server),
	    cmocka_unit_test(a_bundle_altered_anywhere_in_its_payload_is_refused),
	    cmocka_unit_test(a_bundle_by_a_stranger_is_refused_at_once),
	    cmocka_unit_test(what_is_no_bundle_is_refused_at_once),
	    cmocka_unit_test(a_bundle_is_not_taken_in_the_middle_of_something_else),
	    cmocka_unit_test(
		without_a_hand_over_a_bundle_goes_to_the_slot_that_would_not_boot),
	    cmocka_unit_test(the_status_says_what_goes_on),
	};

	return cmocka_run_group_tests_name("agent_refuse", tests, NULL, NULL);
}
