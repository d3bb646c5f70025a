/* SPDX-License-Identifier: Apache-2.0 */
/* A delta from the slot that runs into the other one. */
#include "../../client/install/journal.h"
#include "device_bench.h"

#include "testing.h"

struct run {
	struct device *d;
	struct boot *boot;
	struct slot_record record;
	struct install_spec spec;
	struct install_material m;
	struct install *in;
};

static void run_begin(struct run *r, struct device *d)
{
	struct err e = ERR_INIT;

	*r = (struct run){.d = d};
	device_add_delta(r->d);
	OK(device_open(r->d, &r->boot, &r->record, &e));
	device_spec(r->d, r->boot, &r->record, &r->spec);
	r->m = device_material(r->d);
	r->in = install_new(&r->spec, &e);
	assert_non_null(r->in);
}

static void run_init(struct run *r)
{
	run_begin(r, device_new());
}

static void run_fini(struct run *r)
{
	install_free(r->in);
	boot_close(r->boot);
	device_free(r->d);
}

/* From where the install wants it; -1 if it ends so. */
static int push(struct run *r, const uint8_t *body, size_t piece, uint64_t stop_blocks,
		struct err *e)
{
	enum install_want want;
	struct install_progress p = {0};

	if (install_push(r->in, NULL, 0, &want, e) < 0)
		return -1;
	while (want == INSTALL_FEED && p.blocks_kept < stop_blocks) {
		uint64_t at = install_body_offset(r->in);
		uint64_t left = r->d->delta_body.len - at;

		assert_true(left > 0);
		r->d->n_fetched += left < piece ? left : piece;
		if (install_push(r->in, body + at, left < piece ? left : piece, &want,
				 e) < 0)
			return -1;
		install_progress(r->in, &p);
	}
	return 0;
}

static void a_delta_is_installed_and_armed(void **state)
{
	struct device *d = device_new();
	struct err e = ERR_INIT;

	(void)state;
	device_add_delta(d);
	assert_true(d->delta_body.len < d->v2.body_size);
	OK(device_install(d, &e));
	OK(device_check_slot(d, 1, &d->v2, &e));
	OK(device_check_slot(d, 0, &d->v1, &e));
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

static void its_body_may_come_in_pieces_of_any_size(void **state)
{
	static const size_t sizes[] = {1, 1021, 65536, 1 << 20};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		AUTO(run) struct run r;
		uint64_t offset;

		run_init(&r);
		OK(install_begin(r.in, &r.m, &offset, &e));
		assert_int_equal(offset, 0);
		OK(push(&r, r.d->delta_body.data, sizes[i], UINT64_MAX, &e));
		assert_int_equal(r.record.slots[1].state, SLOT_WRITTEN);
		OK(device_check_slot(r.d, 1, &r.d->v2, &e));
	}
}

static void a_changed_byte_of_its_body_is_refused(void **state)
{
	AUTO(run) struct run r;
	uint64_t offset;
	uint8_t *body;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	body = r.d->delta_body.data;
	for (size_t at = 0; at < r.d->delta_body.len; at += 40009) {
		body[at] ^= 1;
		OK(install_begin(r.in, &r.m, &offset, &e));
		FAILS(push(&r, body, 70000, UINT64_MAX, &e), ERR_DIGEST);
		FAILS(install_arm(r.in, DEFAULT_TRIES, &e), ERR_CONFLICT);
		body[at] ^= 1;
	}
	assert_int_equal(device_boot(r.d), 0);
}

/* The old image was altered at rest since the bootloader looked: what comes out is
 * wrong, and none of it is written. */
static void a_wrong_old_block_is_found_in_what_it_makes(void **state)
{
	AUTO(run) struct run r;
	struct sim_medium *old, *target;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	old = (struct sim_medium *)r.d->images[0][IMAGE_FIRMWARE];
	target = (struct sim_medium *)r.d->images[1][IMAGE_FIRMWARE];
	old->seen[100000] ^= 1;
	OK(install_begin(r.in, &r.m, &offset, &e));
	FAILS(push(&r, r.d->delta_body.data, 70000, UINT64_MAX, &e), ERR_DIGEST);
	assert_non_null(strstr(e.text, "blocks 0 to 127 are not what was signed"));
	assert_int_equal(target->n_written_bytes, 0);
}

static void a_delta_for_another_slot_is_refused_before_anything(void **state)
{
	AUTO(run) struct run r;
	struct install_slot partial;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	install_free(r.in);
	r.d->sim.n_changes = 0;
	r.spec.base = NULL;
	r.in = install_new(&r.spec, &e);
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_NOT_FOUND);
	install_free(r.in);
	partial = r.d->base;
	partial.n_images = 1;
	r.spec.base = &partial;
	r.in = install_new(&r.spec, &e);
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_INCOMPATIBLE);
	install_free(r.in);
	r.spec.base = &r.d->base;
	r.in = install_new(&r.spec, &e);
	/* The base root hash of the first image. */
	r.d->delta_head.data[64 + 40] ^= 1;
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_INCOMPATIBLE);
	assert_non_null(strstr(e.text, "for another \"firmware\""));
	r.d->delta_head.data[64 + 40] ^= 1;
	/* A descriptor that is not the one which the record names. */
	((struct sim_medium *)r.d->descriptors[0])->seen[900] ^= 1;
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_INCOMPATIBLE);
	assert_int_equal(r.d->sim.n_changes, 0);
}

static void it_gets_no_more_memory_than_allowed(void **state)
{
	AUTO(run) struct run r;
	struct container_head h;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	OK(container_head_parse(r.m.head, r.m.head_len, &h, &e));
	install_free(r.in);
	r.d->sim.n_changes = 0;
	r.spec.delta_memory = h.memory - 1;
	r.in = install_new(&r.spec, &e);
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_LIMIT);
	assert_int_equal(r.d->sim.n_changes, 0);
	r.d->delta_head.data[40] -= 1; /* declares less than its map needs */
	container_head_fini(&h);
	OK(install_begin(r.in, &r.m, &offset, &e));
	FAILS(push(&r, r.d->delta_body.data, 70000, UINT64_MAX, &e), ERR_LIMIT);
}

static void a_full_head_is_no_delta_and_a_delta_no_full_one(void **state)
{
	AUTO(run) struct run r;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	r.m.is_delta = false;
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_DIGEST);
	r.m = r.d->v2.material;
	r.m.is_delta = true;
	FAILS(install_begin(r.in, &r.m, &offset, &e), ERR_UNSUPPORTED);
}

/* Given up after so many blocks; the other payload, or the same, ends it. */
static uint64_t fetched_after(uint64_t blocks, bool delta_first, bool delta_then)
{
	AUTO(run) struct run r;
	struct err e = ERR_INIT;
	enum install_want want;
	uint64_t offset, fetched;

	run_init(&r);
	r.m = delta_first ? r.m : r.d->v2.material;
	OK(install_begin(r.in, &r.m, &offset, &e));
	if (delta_first)
		OK(push(&r, r.d->delta_body.data, 4096, blocks, &e));
	else
		OK(install_push(r.in, r.d->v2.body, (size_t)r.d->v2.body_size - 70000,
				&want, &e));
	sim_power_on(&r.d->sim);
	r.d->n_fetched = 0;
	r.d->by_delta = delta_then;
	OK(device_install(r.d, &e));
	OK(device_check_slot(r.d, 1, &r.d->v2, &e));
	fetched = r.d->n_fetched;
	return fetched;
}

static void it_goes_on_where_it_was(void **state)
{
	struct device *d = device_new();
	uint64_t all;

	(void)state;
	device_add_delta(d);
	all = d->delta_body.len;
	/* 128 blocks: the second segment goes on from the first. 384: so does the
	 * fourth. 512: the map, and then what is behind its leap. */
	assert_int_equal(fetched_after(128, true, true), all);
	assert_true(fetched_after(256, true, true) < all);
	assert_true(fetched_after(512, true, true) < fetched_after(0, true, true));
	device_free(d);
}

static void the_full_payload_goes_on_where_a_delta_was_given_up(void **state)
{
	struct device *d = device_new();

	(void)state;
	/* 384 blocks: the full payload's second segment of 256. */
	assert_true(fetched_after(384, true, false) < d->v2.body_size);
	assert_int_equal(fetched_after(128, true, false), d->v2.body_size);
	assert_true(fetched_after(0, false, true) > 0);
	device_free(d);
}

static void an_unwrapped_one_is_installed_and_armed(void **state)
{
	static const size_t sizes[] = {1021, 65536, 1 << 20};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		AUTO(run) struct run r;
		uint64_t offset;

		run_begin(&r, device_new_packed());
		assert_true(r.d->delta_body.len < 100000);
		OK(install_begin(r.in, &r.m, &offset, &e));
		OK(push(&r, r.d->delta_body.data, sizes[i], UINT64_MAX, &e));
		assert_int_equal(r.record.slots[1].state, SLOT_WRITTEN);
		OK(device_check_slot(r.d, 1, &r.d->v2, &e));
		OK(device_check_slot(r.d, 0, &r.d->v1, &e));
	}
}

/* Installs what is there by what this device has. */
static void fails_with(struct run *r, enum err_code code, const char *text)
{
	uint64_t offset;
	struct err e = ERR_INIT;

	install_free(r->in);
	r->in = install_new(&r->spec, &e);
	OK(install_begin(r->in, &r->m, &offset, &e));
	FAILS(push(r, r->d->delta_body.data, 70000, UINT64_MAX, &e), code);
	if (strstr(e.text, text) == NULL)
		fail_msg("%s", e.text);
}

static void a_device_without_the_means_refuses_an_unwrapped_one(void **state)
{
	static const struct recode_codec *const other[] = {&recode_xz, NULL};
	AUTO(run) struct run r;
	struct install_spec has;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_begin(&r, device_new_packed());
	has = r.spec;
	r.spec.unwrap = (struct recode_means){0};
	fails_with(&r, ERR_LIMIT, "plan");
	r.spec.unwrap = has.unwrap;
	r.spec.unwrap.codecs = other;
	fails_with(&r, ERR_UNSUPPORTED, "is not here");
	r.spec.unwrap = has.unwrap;
	r.spec.unwrap.limit.memory_bytes = 300000;
	fails_with(&r, ERR_LIMIT, "bytes of memory");
	r.spec = has;
	r.spec.scratch = NULL;
	fails_with(&r, ERR_LIMIT, "scratch");
	/* And the full payload goes on from there. */
	r.m = r.d->v2.material;
	OK(install_begin(r.in, &r.m, &offset, &e));
	sim_power_on(&r.d->sim);
	r.d->by_delta = false;
	OK(device_install(r.d, &e));
	OK(device_check_slot(r.d, 1, &r.d->v2, &e));
}

/* One thing after the other, until so many blocks are kept; small bodies come whole. */
static void step_until(struct run *r, uint64_t blocks)
{
	enum install_want want = INSTALL_STEP;
	struct install_progress p = {0};
	struct err e = ERR_INIT;

	while (p.blocks_kept < blocks) {
		uint64_t at = install_body_offset(r->in);

		(void)install_feed(r->in, r->d->delta_body.data + at,
				   r->d->delta_body.len - (size_t)at);
		OK(install_step(r->in, &want, &e));
		assert_int_not_equal(want, INSTALL_WRITTEN);
		install_progress(r->in, &p);
	}
}

/* What was decoded once and has changed since makes another image, none of which is
 * written. */
static void a_scratch_medium_that_forgets_does_no_harm(void **state)
{
	AUTO(run) struct run r;
	uint64_t offset;
	struct sim_medium *scratch;
	struct err e = ERR_INIT;

	(void)state;
	run_begin(&r, device_new_packed());
	scratch = (struct sim_medium *)r.d->scratch;
	OK(install_begin(r.in, &r.m, &offset, &e));
	step_until(&r, 128);
	scratch->seen[900000] ^= 1;
	FAILS(push(&r, r.d->delta_body.data, 512, UINT64_MAX, &e), ERR_DIGEST);
	sim_power_on(&r.d->sim);
	OK(device_install(r.d, &e));
	OK(device_check_slot(r.d, 1, &r.d->v2, &e));
}

static void an_unwrapped_one_goes_on_where_it_was(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (uint64_t blocks = 1; blocks <= 128; blocks += 127) {
		AUTO(run) struct run r;
		struct sim_medium *target;
		uint64_t offset, written;

		run_begin(&r, device_new_packed());
		target = (struct sim_medium *)r.d->images[1][IMAGE_FIRMWARE];
		OK(install_begin(r.in, &r.m, &offset, &e));
		step_until(&r, blocks);
		sim_power_on(&r.d->sim);
		written = target->n_written_bytes;
		OK(device_install(r.d, &e));
		OK(device_check_slot(r.d, 1, &r.d->v2, &e));
		assert_true(target->n_written_bytes - written <=
			    r.d->v2.images[IMAGE_FIRMWARE].len - blocks * VERITY_BLOCK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_delta_is_installed_and_armed),
	    cmocka_unit_test(its_body_may_come_in_pieces_of_any_size),
	    cmocka_unit_test(a_changed_byte_of_its_body_is_refused),
	    cmocka_unit_test(a_wrong_old_block_is_found_in_what_it_makes),
	    cmocka_unit_test(a_delta_for_another_slot_is_refused_before_anything),
	    cmocka_unit_test(it_gets_no_more_memory_than_allowed),
	    cmocka_unit_test(a_full_head_is_no_delta_and_a_delta_no_full_one),
	    cmocka_unit_test(it_goes_on_where_it_was),
	    cmocka_unit_test(the_full_payload_goes_on_where_a_delta_was_given_up),
	    cmocka_unit_test(an_unwrapped_one_is_installed_and_armed),
	    cmocka_unit_test(a_device_without_the_means_refuses_an_unwrapped_one),
	    cmocka_unit_test(a_scratch_medium_that_forgets_does_no_harm),
	    cmocka_unit_test(an_unwrapped_one_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
