/* SPDX-License-Identifier: Apache-2.0 */
/* The agent and a delta: taken where it can be, given up for the full payload where it
 * fails, in the same deployment and once. */
#include "agent_bench.h"

#define DELTA_BODY "GET " BENCH_ORIGIN "/delta-body"
#define SAID_BY_DELTA "\"ota:delta\":{\"name\":\"delta/"
#define FULL_BODY "GET " BENCH_ORIGIN "/body"

static void offer(struct bench *b)
{
	bench_init(b);
	bench_add_delta(b);
	b->deployment = ID;
	bench_start(b);
}

/* On a link for deltas alone. */
static void init_thin(struct bench *b)
{
	bench_init(b);
	b->spec.delta_only = true;
	b->deployment = ID;
}

/* The other slot runs version 2 and has said so. */
static void check_success(struct bench *b)
{
	bench_stop(b);
	assert_int_equal(bench_boot(b), 1);
	bench_start(b);
	bench_until_heard(b, SUCCESS);
	assert_false(bench_heard(b, FAILURE));
}

static void a_release_is_installed_by_its_delta(void **state)
{
	struct bench b;

	(void)state;
	offer(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, DELTA_BODY), 1);
	assert_int_equal(bench_count(b.asked, "/delta-head"), 1);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	assert_non_null(strstr(b.asked, "50.delta.json"));
	check_success(&b); /* in another boot: what it came by was kept */
	assert_false(bench_heard(&b, "delta failed"));
	assert_non_null(strstr(strstr(b.heard, SUCCESS), SAID_BY_DELTA));
	bench_fini(&b);
}

static void on_a_link_for_deltas_alone_a_delta_is_waited_for(void **state)
{
	struct bench b;

	(void)state;
	init_thin(&b);
	b.wants_config = true;
	bench_start(&b);
	bench_for(&b, 2 * 300000);
	assert_non_null(strstr(b.config, "\"full,resume,offline,delta,delta-only\""));
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	assert_int_equal(bench_count(b.asked, "/head"), 0);
	assert_false(bench_heard(&b, FAILURE));
	bench_add_delta(&b); /* now it is there */
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, DELTA_BODY), 1);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	check_success(&b);
	bench_fini(&b);
}

static void what_a_device_can_take_is_told(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	b.wants_config = true;
	bench_start(&b);
	bench_for(&b, 1000);
	assert_non_null(strstr(b.config, "\"full,resume,offline,delta\""));
	assert_non_null(strstr(b.config, "\"delta.memory\":\"2097152\""));
	bench_fini(&b);
}

static void without_memory_for_it_no_delta_is_looked_at(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.spec.delta_memory_bytes = 0;
	b.deployment = ID;
	b.wants_config = true;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, "delta"), 0);
	assert_non_null(strstr(b.config, "\"full,resume,offline\""));
	assert_false(bench_heard(&b, "delta"));
	bench_fini(&b);
}

/* ---- each way in which a delta can fail ---- */

static void spoil_base_root(struct bench *b)
{
	b->d->delta_head.data[64 + 40] ^= 1;
	bench_list_delta(b, 51);
}

/* Another group hash: what the delta makes is not what this head says, nor is the head
 * the manifest's. */
static void spoil_group(struct bench *b)
{
	b->d->delta_head.data[64 + 2 * 72] ^= 1;
	bench_list_delta(b, 51);
}

static void spoil_old_image(struct bench *b)
{
	((struct sim_medium *)b->d->images[0][0])->seen[100000] ^= 1;
}

static void spoil_listing(struct bench *b)
{
	struct file *f = files_need(&b->w.repo, "50.delta.json");

	text_after(f, "\"length\":")[0] ^= 1;
}

static void spoil_nothing(struct bench *b)
{
	(void)b;
}

static void spoil_memory(struct bench *b)
{
	b->spec.delta_memory_bytes = 1u << 20;
}

static void spoil_base(struct bench *b)
{
	b->base_is_gone = true;
}

static void spoil_kind(struct bench *b)
{
	const struct install_material *m = &b->d->v2.material;
	struct err e = ERR_INIT;

	buf_clear(&b->d->delta_head);
	OK(buf_add(&b->d->delta_head, m->head, m->head_len, &e));
	bench_list_delta(b, 51);
}

/* Data that no encoder made, behind hashes that vouch for it. */
static void spoil_body(struct bench *b)
{
	struct device *d = b->d;
	struct container_head h;
	size_t at;
	struct err e = ERR_INIT;

	memset(d->delta_body.data + 60, 0xa5, 3000);
	OK(container_head_parse(d->delta_head.data, d->delta_head.len, &h, &e));
	at = (size_t)(h.chunks - h.bytes);
	OK(sha256(d->delta_body.data, CONTAINER_CHUNK, d->delta_head.data + at, &e));
	container_head_fini(&h);
	bench_list_delta(b, 51);
}

static const struct failure {
	const char *what;
	void (*spoil)(struct bench *b);
	struct bench_fault fault;
	const char *said;
} failures[] = {
    {"its head is not there",
     spoil_nothing,
     {.match = "/delta-head", .kind = FAULT_STATUS, .status = 404, .times = -1},
     "the server answered 404"},
    {"its body is not there",
     spoil_nothing,
     {.match = "/delta-body", .kind = FAULT_STATUS, .status = 410, .times = -1},
     "the server answered 410"},
    {"a byte of its head is another",
     spoil_nothing,
     {.match = "/delta-head", .kind = FAULT_FLIP, .at = 70, .times = -1},
     "check the release"},
    {"a byte of its body is another",
     spoil_nothing,
     {.match = "/delta-body", .kind = FAULT_FLIP, .at = 150000, .times = -1},
     "is not what was signed"},
    {"the role that lists it is altered", spoil_listing, {0}, "check the repository"},
    {"it is for another image", spoil_base_root, {0}, "is for another"},
    {"it leads to another image", spoil_group, {0}, "do not lead to the manifest's"},
    {"the old image was altered", spoil_old_image, {0}, "are not what was signed"},
    {"it needs more memory", spoil_memory, {0}, "bytes of memory"},
    {"the slot that runs cannot be read", spoil_base, {0}, "no such device"},
    {"it is a full payload's head", spoil_kind, {0}, "of another kind"},
    {"its body is no delta", spoil_body, {0}, "segment"},
};

static void a_delta_that_fails_gives_way_to_the_full_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(failures); i++) {
		const struct failure *f = &failures[i];
		struct bench b;

		bench_init(&b);
		bench_add_delta(&b);
		f->spoil(&b);
		b.faults[0] = f->fault;
		b.deployment = ID;
		bench_start(&b);
		bench_until_reboot(&b);
		if (bench_count(b.asked, FULL_BODY) != 1)
			fail_msg("%s: the full payload was asked for %u times", f->what,
				 bench_count(b.asked, FULL_BODY));
		assert_true(bench_count(b.asked, DELTA_BODY) <= 1);
		check_success(&b);
		if (bench_heard(&b, SAID_BY_DELTA))
			fail_msg("%s: it is told as come by delta", f->what);
		/* Told with the last report, whatever was lost on the way. */
		if (strstr(strstr(b.heard, SUCCESS), "the delta failed") == NULL ||
		    !bench_heard(&b, f->said))
			fail_msg("%s: said was\n%s", f->what, b.heard);
		bench_fini(&b);
	}
}

static void on_a_link_for_deltas_alone_one_that_fails_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(failures); i++) {
		const struct failure *f = &failures[i];
		struct bench b;

		init_thin(&b);
		bench_add_delta(&b);
		f->spoil(&b);
		b.faults[0] = f->fault;
		bench_start(&b);
		bench_until_heard(&b, FAILURE);
		bench_for(&b, 2 * 300000);
		if (bench_count(b.asked, FULL_BODY) != 0 ||
		    bench_count(b.asked, "GET " BENCH_ORIGIN "/head") != 0)
			fail_msg("%s: the full payload was asked for", f->what);
		if (!bench_heard(&b, "refused: install without the full payload: the "
				     "delta failed"))
			fail_msg("%s: said was\n%s", f->what, b.heard);
		assert_false(bench_heard(&b, SUCCESS));
		bench_fini(&b);
	}
}

static void a_delta_that_failed_is_not_tried_again_after_a_restart(void **state)
{
	struct bench b;
	unsigned n;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_FLIP, .at = 150000, .times = 1};
	b.deployment = ID;
	bench_start(&b);
	bench_until_asked(&b, FULL_BODY);
	n = bench_count(b.asked, "/delta-");
	bench_stop(&b);
	sim_power_on(&b.d->sim);
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, "/delta-"), n);
	check_success(&b);
	assert_non_null(strstr(strstr(b.heard, SUCCESS), "the delta failed"));
	bench_fini(&b);
}

/* Were the full payload begun first, a cut would find no word of the failure. */
static void nothing_else_is_begun_before_the_failure_is_stored(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_FLIP, .at = 150000, .times = 1};
	b.deployment = ID;
	bench_start(&b);
	bench_until(&b, AGENT_INSTALLING);
	b.puts_left = 0;
	bench_until(&b, AGENT_BACKING_OFF);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	b.puts_left = -1;
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, DELTA_BODY), 2);
	check_success(&b);
	bench_fini(&b);
}

static void a_line_that_is_cut_goes_on_with_the_delta(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_CUT, .at = 290000, .times = 1};
	b.faults[1] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_UNREACHABLE, .times = 1};
	b.deployment = ID;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	assert_true(bench_count(b.asked, DELTA_BODY) >= 2);
	/* After the map it goes on where it was. */
	assert_true(b.n_body_bytes < 290000 + b.d->delta_body.len);
	check_success(&b);
	assert_false(bench_heard(&b, "delta failed"));
	bench_fini(&b);
}

static void a_body_that_never_comes_is_given_up_after_five_attempts(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_STATUS, .status = 502, .times = -1};
	b.deployment = ID;
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, DELTA_BODY), 5);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 1);
	check_success(&b);
	bench_fini(&b);
}

static void a_cut_in_mid_delta_goes_on_in_the_next_life(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_add_delta(&b);
	b.faults[0] = (struct bench_fault){
	    .match = "/delta-body", .kind = FAULT_CUT, .at = 290000, .times = 1};
	b.deployment = ID;
	bench_start(&b);
	bench_until(&b, AGENT_BACKING_OFF);
	bench_stop(&b);
	sim_power_on(&b.d->sim);
	bench_start(&b);
	bench_until_reboot(&b);
	assert_int_equal(bench_count(b.asked, FULL_BODY), 0);
	check_success(&b);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_release_is_installed_by_its_delta),
	    cmocka_unit_test(on_a_link_for_deltas_alone_a_delta_is_waited_for),
	    cmocka_unit_test(what_a_device_can_take_is_told),
	    cmocka_unit_test(without_memory_for_it_no_delta_is_looked_at),
	    cmocka_unit_test(a_delta_that_fails_gives_way_to_the_full_payload),
	    cmocka_unit_test(on_a_link_for_deltas_alone_one_that_fails_is_refused),
	    cmocka_unit_test(a_delta_that_failed_is_not_tried_again_after_a_restart),
	    cmocka_unit_test(nothing_else_is_begun_before_the_failure_is_stored),
	    cmocka_unit_test(a_line_that_is_cut_goes_on_with_the_delta),
	    cmocka_unit_test(a_body_that_never_comes_is_given_up_after_five_attempts),
	    cmocka_unit_test(a_cut_in_mid_delta_goes_on_in_the_next_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
