/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/install/journal.h"
#include "device_bench.h"

#include "testing.h"

/* An install that was begun, with what it needs. */
struct run {
	struct device *d;
	struct boot *boot;
	struct slot_record record;
	struct install_spec spec;
	struct install *in;
};

static void run_init(struct run *r)
{
	struct err e = ERR_INIT;

	*r = (struct run){.d = device_new()};
	OK(device_open(r->d, &r->boot, &r->record, &e));
	device_spec(r->d, r->boot, &r->record, &r->spec);
	r->in = install_new(&r->spec, &e);
	assert_non_null(r->in);
}

static void run_fini(struct run *r)
{
	install_free(r->in);
	boot_close(r->boot);
	device_free(r->d);
}

static void a_release_is_installed_and_armed(void **state)
{
	struct device *d = device_new();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(device_boot(d), 0);
	OK(device_install(d, &e));
	assert_true(d->n_fetched == d->v2.body_size);
	OK(device_check_slot(d, 1, &d->v2, &e));
	OK(device_check_slot(d, 0, &d->v1, &e));
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

static void a_second_install_of_the_same_release_fetches_nothing(void **state)
{
	struct device *d = device_new();
	struct err e = ERR_INIT;

	(void)state;
	OK(device_install(d, &e));
	d->n_fetched = 0;
	sim_power_on(&d->sim);
	OK(device_install(d, &e));
	assert_int_equal(d->n_fetched, 0);
	assert_int_equal(d->sim.n_changes, 0);
	device_free(d);
}

static void the_body_may_come_in_pieces_of_any_size(void **state)
{
	static const size_t sizes[] = {1, 17, 4096, 65536, 65537, 1 << 20};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		AUTO(run) struct run r;
		enum install_want want = INSTALL_STEP;
		uint64_t offset;

		run_init(&r);
		OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
		assert_int_equal(offset, 0);
		while (want != INSTALL_WRITTEN && offset < r.d->v2.body_size) {
			uint64_t left = r.d->v2.body_size - offset;
			size_t n = left < sizes[i] ? (size_t)left : sizes[i];

			OK(install_push(r.in, r.d->v2.body + offset, n, &want, &e));
			offset += n;
		}
		assert_int_equal(want, INSTALL_WRITTEN);
		assert_int_equal(r.record.slots[1].state, SLOT_WRITTEN);
		OK(device_check_slot(r.d, 1, &r.d->v2, &e));
	}
}

/* Steps until the body is wanted; the number of media operations of the largest
 * step. */
static unsigned long largest_step(struct run *r, enum install_want *want)
{
	unsigned long most = 0;
	struct err e = ERR_INIT;

	do {
		unsigned long before = r->d->sim.n_changes;

		OK(install_step(r->in, want, &e));
		if (r->d->sim.n_changes - before > most)
			most = r->d->sim.n_changes - before;
	} while (*want == INSTALL_STEP);
	return most;
}

static void a_step_is_short(void **state)
{
	AUTO(run) struct run r;
	enum install_want want;
	uint64_t offset;
	unsigned long most = 0, n;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
	for (;;) {
		n = largest_step(&r, &want);
		most = n > most ? n : most;
		if (want == INSTALL_WRITTEN)
			break;
		assert_true(install_feed(r.in, r.d->v2.body + offset, 70000) <= 65536);
		offset += 65536;
	}
	assert_true(most <= 2); /* a write; the record: a write and a flush */
}

static void blocks_that_are_there_already_are_not_written(void **state)
{
	AUTO(run) struct run r;
	struct install_progress p;
	enum install_want want;
	uint64_t offset;
	struct err e = ERR_INIT;
	struct sim_medium *target;

	(void)state;
	run_init(&r);
	target = (struct sim_medium *)r.d->images[1][0];
	memcpy(target->durable, r.d->v1.images[0].data, r.d->v1.images[0].len);
	sim_power_on(&r.d->sim);
	OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
	OK(install_push(r.in, r.d->v2.body, (size_t)r.d->v2.body_size, &want, &e));
	assert_int_equal(want, INSTALL_WRITTEN);
	install_progress(r.in, &p);
	/* 300 KiB in front are the same in both, and so is the segment of zeros. */
	assert_int_equal(p.blocks_skipped, 75 + 256);
	assert_int_equal(p.blocks_done, p.blocks);
	assert_int_equal(p.blocks_read_back, p.blocks);
	assert_int_equal(target->n_written_bytes,
			 r.d->v2.images[0].len - (75 + 256) * 4096);
}

/* Every byte of the body, one at a time here and there: refused, nothing armed, A as it
 * was. */
static void a_changed_byte_of_the_body_is_refused(void **state)
{
	AUTO(run) struct run r;
	AUTO_FREE uint8_t *body = NULL;
	enum install_want want;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	body = malloc((size_t)r.d->v2.body_size);
	memcpy(body, r.d->v2.body, (size_t)r.d->v2.body_size);
	for (size_t at = 0; at < r.d->v2.body_size; at += 40009) {
		body[at] ^= 1;
		OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
		FAILS(install_push(r.in, body + offset,
				   (size_t)(r.d->v2.body_size - offset), &want, &e),
		      ERR_DIGEST);
		FAILS(install_step(r.in, &want, &e), ERR_CONFLICT);
		FAILS(install_arm(r.in, DEFAULT_TRIES, &e), ERR_CONFLICT);
		assert_int_equal(r.record.slots[1].state, SLOT_WRITING);
		body[at] ^= 1;
	}
	assert_int_equal(device_boot(r.d), 0);
	OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
	OK(install_push(r.in, body + offset, (size_t)(r.d->v2.body_size - offset),
			&want, &e));
	assert_int_equal(want, INSTALL_WRITTEN);
}

/* Refused before anything is written, each with its own code. */
static void material_that_is_not_what_was_signed_is_refused_first(void **state)
{
	AUTO(run) struct run r;
	struct install_material m;
	uint8_t copy[DESCRIPTOR_LEN];
	AUTO_FREE uint8_t *head = NULL;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	m = r.d->v2.material;
	m.descriptor = r.d->v1.material.descriptor;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_DIGEST);
	m = r.d->v2.material;
	memcpy(copy, m.descriptor, sizeof(copy));
	copy[1000] ^= 1;
	m.descriptor = copy;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_DIGEST);
	m.descriptor_len = DESCRIPTOR_LEN - 1;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_FORMAT);
	m = r.d->v2.material;
	m.head = r.d->v1.material.head;
	m.head_len = r.d->v1.material.head_len;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_DIGEST);
	m = r.d->v2.material;
	head = malloc(m.head_len);
	memcpy(head, m.head, m.head_len);
	head[m.head_len - 1] ^= 1;
	m.head = head;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_DIGEST);
	m = r.d->v2.material;
	m.manifest_len--;
	FAILS(install_begin(r.in, &m, &offset, &e), ERR_FORMAT);
	assert_int_equal(r.d->sim.n_changes, 0);
}

static void a_release_for_another_device_is_refused_first(void **state)
{
	AUTO(run) struct run r;
	const struct install_material *m;
	struct install_spec good, s;
	struct boot_keys none = {{NULL}};
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	m = &r.d->v2.material;
	good = s = r.spec;
	OK(install_check(&s, m, &e));
	s.product = "other";
	FAILS(install_check(&s, m, &e), ERR_INCOMPATIBLE);
	s = good;
	s.hardware = "revB";
	FAILS(install_check(&s, m, &e), ERR_INCOMPATIBLE);
	s = good;
	s.boot_keys = &none;
	FAILS(install_check(&s, m, &e), ERR_UNTRUSTED);
	s = good;
	s.target.images[1].name = "other";
	FAILS(install_check(&s, m, &e), ERR_INCOMPATIBLE);
	s = good;
	s.target.images[2].name = "third";
	s.target.n_images = 3;
	FAILS(install_check(&s, m, &e), ERR_INCOMPATIBLE);
	s = good;
	s.target.images[0].dev = r.d->images[1][1];
	FAILS(install_check(&s, m, &e), ERR_NO_SPACE);
	s = good;
	r.d->descriptors[1]->size = DESCRIPTOR_LEN - 1;
	FAILS(install_check(&s, m, &e), ERR_CONFIG);
	r.d->descriptors[1]->size = DESCRIPTOR_LEN;
	r.d->journal->size = JOURNAL_LEN - 1;
	FAILS(install_check(&s, m, &e), ERR_CONFIG);
	r.d->journal->size = JOURNAL_LEN;
	r.record.floor = 3;
	FAILS(install_check(&good, m, &e), ERR_ROLLBACK);
	r.record.floor = 0;
	r.record.min_key_index = 1;
	FAILS(install_check(&good, m, &e), ERR_UNTRUSTED);
	assert_int_equal(r.d->sim.n_changes, 0);
}

static void the_running_slot_is_never_written(void **state)
{
	AUTO(run) struct run r;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	install_free(r.in);
	r.spec.slot = 0;
	r.in = install_new(&r.spec, &e);
	FAILS(install_begin(r.in, &r.d->v2.material, &offset, &e), ERR_CONFLICT);
	assert_int_equal(r.d->sim.n_changes, 0);
}

/* Up to about half of the body, in a life of its own. */
static void install_half(struct device *d)
{
	AUTO_PTR(boot) struct boot *boot = NULL;
	AUTO_PTR(install) struct install *in = NULL;
	struct slot_record record;
	struct install_spec spec;
	enum install_want want;
	uint64_t offset;
	struct err e = ERR_INIT;

	OK(device_open(d, &boot, &record, &e));
	device_spec(d, boot, &record, &spec);
	in = install_new(&spec, &e);
	OK(install_begin(in, &d->v2.material, &offset, &e));
	OK(install_push(in, d->v2.body, (size_t)d->v2.body_size - 100000, &want, &e));
	assert_int_equal(want, INSTALL_FEED);
}

static void an_install_goes_on_at_the_segment_where_it_was(void **state)
{
	struct device *d = device_new();
	struct err e = ERR_INIT;
	uint32_t transaction;
	struct boot *boot = NULL;
	struct slot_record record;

	(void)state;
	install_half(d);
	OK(device_open(d, &boot, &record, &e));
	transaction = record.transaction;
	sim_power_on(&d->sim);
	OK(device_install(d, &e));
	assert_true(d->n_fetched <
		    200000 + 200 * SHA256_LEN + VERITY_BLOCK + CONTAINER_CHUNK);
	OK(boot_load(boot, &record, &e));
	assert_int_equal(record.transaction, transaction);
	boot_close(boot);
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

static void another_release_begins_anew(void **state)
{
	struct device *d = device_new();
	struct bench_release swap;
	struct err e = ERR_INIT;

	(void)state;
	install_half(d);
	swap = d->v1;
	d->v1 = d->v2;
	d->v2 = swap;
	OK(device_install(d, &e));
	assert_true(d->n_fetched == d->v2.body_size);
	OK(device_check_slot(d, 1, &d->v2, &e));
	device_free(d);
}

static void without_a_journal_it_begins_anew(void **state)
{
	struct device *d = device_new();
	struct err e = ERR_INIT;

	(void)state;
	install_half(d);
	memset(((struct sim_medium *)d->journal)->durable, 0xff, 2 * JOURNAL_SPACING);
	sim_power_on(&d->sim);
	OK(device_install(d, &e));
	assert_true(d->n_fetched == d->v2.body_size);
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

/* A medium that says it has flushed and has not: caught by the read-back, and the next
 * attempt does not believe the journal. */
static void a_lying_medium_is_found_by_the_read_back(void **state)
{
	struct device *d = device_new();
	struct sim_medium *m = (struct sim_medium *)d->images[1][0];
	struct err e = ERR_INIT;

	(void)state;
	m->lies = true;
	FAILS(device_install(d, &e), ERR_IO);
	assert_non_null(strstr(e.text, "read back: slot B firmware differs"));
	assert_int_equal(device_boot(d), 0);
	m->lies = false;
	d->n_fetched = 0;
	sim_power_on(&d->sim);
	OK(device_install(d, &e));
	assert_true(d->n_fetched == d->v2.body_size);
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

/* A kernel that lost a write reports it once and keeps the page, as clean: compared
 * with that, nothing would ever be written and every read-back would fail. */
static void what_only_the_cache_holds_is_written(void **state)
{
	struct device *d = device_new();
	struct sim_medium *m = (struct sim_medium *)d->images[1][0];
	struct err e = ERR_INIT;

	(void)state;
	memcpy(m->seen, d->v2.images[0].data, d->v2.images[0].len);
	m->stale = true;
	OK(device_install(d, &e));
	m->stale = false;
	sim_power_on(&d->sim);
	assert_int_equal(device_boot(d), 1);
	device_free(d);
}

/* What cannot be read counts as different: writing may well mend it. */
static void a_block_that_cannot_be_read_is_written(void **state)
{
	AUTO(run) struct run r;
	enum install_want want;
	uint64_t offset;
	struct err e = ERR_INIT;

	(void)state;
	run_init(&r);
	OK(install_begin(r.in, &r.d->v2.material, &offset, &e));
	r.d->sim.fault = SIM_EIO;
	r.d->sim.at = r.d->sim.n_ops; /* the next one: the first run is compared */
	OK(install_push(r.in, r.d->v2.body, (size_t)r.d->v2.body_size, &want, &e));
	assert_int_equal(want, INSTALL_WRITTEN);
	OK(device_check_slot(r.d, 1, &r.d->v2, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_release_is_installed_and_armed),
	    cmocka_unit_test(a_second_install_of_the_same_release_fetches_nothing),
	    cmocka_unit_test(the_body_may_come_in_pieces_of_any_size),
	    cmocka_unit_test(a_step_is_short),
	    cmocka_unit_test(blocks_that_are_there_already_are_not_written),
	    cmocka_unit_test(a_changed_byte_of_the_body_is_refused),
	    cmocka_unit_test(material_that_is_not_what_was_signed_is_refused_first),
	    cmocka_unit_test(a_release_for_another_device_is_refused_first),
	    cmocka_unit_test(the_running_slot_is_never_written),
	    cmocka_unit_test(an_install_goes_on_at_the_segment_where_it_was),
	    cmocka_unit_test(another_release_begins_anew),
	    cmocka_unit_test(without_a_journal_it_begins_anew),
	    cmocka_unit_test(a_lying_medium_is_found_by_the_read_back),
	    cmocka_unit_test(what_only_the_cache_holds_is_written),
	    cmocka_unit_test(a_block_that_cannot_be_read_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
