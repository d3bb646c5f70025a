/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/boot/boot_model.h"
#include "../../client/boot/handover.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* ---- a medium that can be cut at any byte -------------------------------------- */

#define ERASE 4096u

struct flash {
	struct dev base;
	uint8_t bytes[2 * ERASE];
	uint8_t pending[2 * ERASE]; /* what the cache holds */
	int fail_read_of;	    /* copy, or -1 */
	unsigned n_fail;	    /* so many reads of it, then it answers again */
	bool fail_flush;
	bool forget_flush; /* says yes and does nothing */
	/* of a write only so many bytes arrive; then the power is gone */
	size_t torn_at;
	bool dead;
};

static struct flash *flash_of(struct dev *d)
{
	return (struct flash *)d;
}

static int flash_read(struct dev *d, uint64_t offset, void *ret, size_t len,
		      struct err *e)
{
	(void)e;
	memcpy(ret, flash_of(d)->pending + offset, len);
	return 0;
}

static int flash_read_medium(struct dev *d, uint64_t offset, void *ret, size_t len,
			     struct err *e)
{
	struct flash *f = flash_of(d);

	if (f->dead || (f->fail_read_of == (offset >= ERASE) && f->n_fail > 0)) {
		f->n_fail -= f->n_fail > 0;
		return err_set(e, ERR_IO, "unreadable");
	}
	memcpy(ret, f->bytes + offset, len);
	return 0;
}

static int flash_write(struct dev *d, uint64_t offset, const void *data, size_t len,
		       struct err *e)
{
	struct flash *f = flash_of(d);

	memcpy(f->pending + offset, data, len);
	if (f->torn_at == SIZE_MAX)
		return 0;
	memcpy(f->bytes + offset, data, f->torn_at);
	f->dead = true;
	return err_set(e, ERR_IO, "power is gone");
}

static int flash_flush(struct dev *d, struct err *e)
{
	struct flash *f = flash_of(d);

	if (f->fail_flush)
		return err_set(e, ERR_IO, "flush failed");
	if (!f->forget_flush)
		memcpy(f->bytes, f->pending, sizeof(f->bytes));
	return 0;
}

static void flash_close(struct dev *d)
{
	(void)d;
}

static const struct dev_ops flash_ops = {flash_read, flash_read_medium, flash_write,
					 flash_flush, flash_close};

static struct flash new_flash(void)
{
	struct flash f = {
	    .base = {.ops = &flash_ops, .size = 2 * ERASE, .name = "record"},
	    .fail_read_of = -1,
	    .n_fail = UINT_MAX,
	    .torn_at = SIZE_MAX,
	};

	memset(f.bytes, 0xff, sizeof(f.bytes));
	memset(f.pending, 0xff, sizeof(f.pending));
	return f;
}

static struct boot *open_on(struct flash *f)
{
	struct boot_params p = {
	    .erase_size_bytes = ERASE, .handover_fd = -1, .watchdog_fd = -1};
	struct boot *b = NULL;
	struct err e = ERR_INIT;

	f->torn_at = SIZE_MAX;
	f->dead = false;
	memcpy(f->pending, f->bytes, sizeof(f->bytes));
	OK(boot_model_new(&f->base, &p, &b, &e));
	return b;
}

static struct slot_record factory(void)
{
	struct slot_content c = {.version = "1.0.0", .security_version = 1};
	struct slot_record r;
	struct err e = ERR_INIT;

	OK(record_init_factory(&r, 0, &c, &e));
	return r;
}

/* ---- the record ---------------------------------------------------------------- */

static void an_empty_medium_is_a_lost_record(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r;
	struct err e = ERR_INIT;

	(void)state;
	FAILS(boot_load(b, &r, &e), ERR_NOT_FOUND);
	f.fail_read_of = 1;
	FAILS(boot_load(b, &r, &e), ERR_IO);
}

static void each_store_goes_to_the_other_copy(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory(), got;
	struct err e = ERR_INIT;

	(void)state;
	for (int i = 0; i < 6; i++) {
		uint8_t before[2 * ERASE];
		size_t kept = i % 2 == 0 ? ERASE : 0;

		memcpy(before, f.bytes, sizeof(before));
		OK(boot_store(b, &r, &e));
		OK(boot_load(b, &got, &e));
		assert_memory_equal(&got, &r, sizeof(r));
		assert_memory_equal(before + kept, f.bytes + kept, ERASE);
		assert_memory_not_equal(before + (ERASE - kept),
					f.bytes + (ERASE - kept), RECORD_LEN);
		r.sequence++;
	}
}

static void a_record_that_is_not_newer_is_not_stored(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory();
	struct err e = ERR_INIT;

	(void)state;
	OK(boot_store(b, &r, &e));
	FAILS(boot_store(b, &r, &e), ERR_PRECONDITION);
}

static void a_store_cut_at_any_byte_leaves_the_old_record_or_the_new_one(void **state)
{
	struct slot_record old = factory(), new = old, got;
	struct err e = ERR_INIT;

	(void)state;
	new.sequence++;
	new.boot_count++;
	for (size_t cut = 0; cut <= RECORD_LEN; cut++) {
		struct flash f = new_flash();
		struct boot *b = open_on(&f);

		OK(boot_store(b, &old, &e));
		f.torn_at = cut;
		FAILS(boot_store(b, &new, &e), ERR_IO);
		boot_close(b);
		b = open_on(&f);
		OK(boot_load(b, &got, &e));
		assert_int_equal(got.boot_count, cut == RECORD_LEN ? 1 : 0);
		/* And it can be written again. */
		got.sequence++;
		OK(boot_store(b, &got, &e));
		boot_close(b);
	}
}

static void a_flush_that_fails_or_lies_is_noticed(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory(), got;
	struct err e = ERR_INIT;

	(void)state;
	OK(boot_store(b, &r, &e));
	r.sequence++;
	f.forget_flush = true;
	FAILS(boot_store(b, &r, &e), ERR_IO);
	f.forget_flush = false;
	f.fail_flush = true;
	FAILS(boot_store(b, &r, &e), ERR_IO);
	OK(boot_load(b, &got, &e));
	assert_int_equal(got.sequence, 1);
}

static void one_unreadable_copy_does_not_stop_the_other(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory(), got;
	struct err e = ERR_INIT;

	(void)state;
	OK(boot_store(b, &r, &e));
	r.sequence++;
	OK(boot_store(b, &r, &e));
	f.fail_read_of = 1;
	OK(boot_load(b, &got, &e));
	assert_int_equal(got.sequence, 1);
	f.fail_read_of = 0;
	OK(boot_load(b, &got, &e));
	assert_int_equal(got.sequence, 2);
}

/* Else the record would go back by a transition, unnoticed. */
static void a_copy_that_does_not_answer_at_once_is_asked_again(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory(), got;
	struct err e = ERR_INIT;

	(void)state;
	OK(boot_store(b, &r, &e));
	r.sequence++;
	OK(boot_store(b, &r, &e));
	f.fail_read_of = 1; /* the one that counts */
	f.n_fail = 2;
	OK(boot_load(b, &got, &e));
	assert_int_equal(got.sequence, 2);
}

/* The copy that counts cannot be read when its successor is stored: were it taken for
 * the older one and the power went in that write, the record before it would come
 * back. */
static void the_copy_that_counts_is_not_overwritten_while_unreadable(void **state)
{
	(void)state;
	for (int counts = 0; counts < 2; counts++) {
		struct flash f = new_flash();
		AUTO_PTR(boot) struct boot *b = open_on(&f);
		struct slot_record r = factory(), got;
		uint8_t before[sizeof(f.bytes)];
		struct err e = ERR_INIT;

		for (int i = 0; i < 2 + counts; i++, r.sequence++)
			OK(boot_store(b, &r, &e));
		memcpy(before, f.bytes, sizeof(before));
		f.fail_read_of = !counts;
		FAILS(boot_store(b, &r, &e), ERR_IO);
		assert_memory_equal(f.bytes, before, sizeof(before));
		f.fail_read_of = -1;
		OK(boot_load(b, &got, &e));
		assert_int_equal(got.sequence, r.sequence - 1);
	}
}

/* The copy that died is the older one: it is the one to be written, and may mend by
 * it. */
static void an_unreadable_older_copy_is_written(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct slot_record r = factory(), got;
	struct err e = ERR_INIT;

	(void)state;
	OK(boot_store(b, &r, &e));
	r.sequence++;
	OK(boot_store(b, &r, &e));
	r.sequence++;
	f.fail_read_of = 0;
	f.n_fail = 3;
	OK(boot_store(b, &r, &e));
	OK(boot_load(b, &got, &e));
	assert_int_equal(got.sequence, 3);
}

static void a_medium_without_room_for_two_copies_is_refused(void **state)
{
	struct flash f = new_flash();
	struct boot_params p = {
	    .erase_size_bytes = ERASE, .handover_fd = -1, .watchdog_fd = -1};
	struct boot *b = NULL;
	struct err e = ERR_INIT;

	(void)state;
	f.base.size = ERASE + 511;
	FAILS(boot_model_new(&f.base, &p, &b, &e), ERR_CONFIG);
	p.erase_size_bytes = 100;
	FAILS(boot_model_new(&f.base, &p, &b, &e), ERR_CONFIG);
	FAILS(boot_open("model", &p, &b, &e), ERR_CONFIG);
	FAILS(boot_open("uboot", &p, &b, &e), ERR_CONFIG);
	assert_string_equal(e.text,
			    "there is no boot back-end \"uboot\" (there is \"model\")");
}

/* ---- hand-over and watchdog ---------------------------------------------------- */

static struct handover some_handover(void)
{
	struct handover h = {
	    .slot = 1,
	    .root_hash = {2},
	    .boot_count = 7,
	    .tries = 2,
	    .version = "2.0.0",
	    .security_version = 2,
	};

	for (size_t i = 0; i < BOOT_ID_LEN; i++)
		h.boot_id[i] = (uint8_t)(16 + i);
	return h;
}

/* The vector of docs/formats/handover.md. */
static void the_handover_has_the_documented_bytes(void **state)
{
	static const struct {
		size_t offset;
		const char *hex;
	} vector[] = {
	    {0, "4f544148414e44310100010200000000"
		"0700000002000000101112131415161718191a1b1c1d1e1f02"},
	    {72, "322e302e30"},
	};
	struct handover h = some_handover(), back;
	uint8_t bytes[HANDOVER_LEN], want[HANDOVER_LEN] = {0};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(vector); i++)
		OK(hex_decode(vector[i].hex, want + vector[i].offset,
			      strlen(vector[i].hex) / 2, &e));
	handover_encode(&h, bytes);
	assert_memory_equal(bytes, want, HANDOVER_LEN);
	OK(handover_decode(bytes, &back, &e));
	assert_memory_equal(&h, &back, sizeof(h));
}

static void a_handover_that_was_never_made_is_refused(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT},   {8, 2, ERR_UNSUPPORTED}, {12, 1, ERR_UNSUPPORTED},
	    {10, 2, ERR_FORMAT},    {72, 0, ERR_FORMAT},     {73, '/', ERR_FORMAT},
	    {135, 'x', ERR_FORMAT}, {136, 1, ERR_FORMAT},    {159, 1, ERR_FORMAT},
	};
	struct handover h = some_handover();

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		uint8_t bytes[HANDOVER_LEN];
		struct err e = ERR_INIT;

		handover_encode(&h, bytes);
		bytes[rows[i].offset] = rows[i].value;
		FAILS(handover_decode(bytes, &h, &e), rows[i].code);
		h = some_handover();
	}
}

static void a_handover_travels_in_a_sealed_file(void **state)
{
	struct handover h = some_handover(), back;
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSE int open_fd = memfd_create("x", MFD_ALLOW_SEALING);
	struct err e = ERR_INIT;
	uint8_t bytes[HANDOVER_LEN];

	(void)state;
	OK(handover_make_fd(&h, &fd, &e));
	OK(handover_read(fd, &back, &e));
	OK(handover_read(fd, &back, &e));
	assert_memory_equal(&h, &back, sizeof(h));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	handover_encode(&h, bytes);
	assert_int_equal(write(open_fd, bytes, sizeof(bytes)), sizeof(bytes));
	FAILS(handover_read(open_fd, &back, &e), ERR_UNTRUSTED);
}

static void the_back_end_hands_over_and_feeds(void **state)
{
	struct flash f = new_flash();
	struct handover h = some_handover(), back;
	struct boot_params p = {.erase_size_bytes = ERASE};
	AUTO_PTR(boot) struct boot *b = NULL;
	struct err e = ERR_INIT;
	char byte = 0, text[16];
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	OK(handover_make_fd(&h, &p.handover_fd, &e));
	(void)snprintf(text, sizeof(text), "%d", p.handover_fd);
	assert_int_equal(setenv(MODEL_HANDOVER_ENV, text, 1), 0);
	(void)snprintf(text, sizeof(text), "%d", pair[0]);
	assert_int_equal(setenv(MODEL_WATCHDOG_ENV, text, 1), 0);
	OK(boot_model_inherited(&p, &e));
	assert_int_equal(p.watchdog_fd, pair[0]);
	OK(boot_model_new(&f.base, &p, &b, &e));
	OK(boot_handover(b, &back, &e));
	assert_int_equal(back.slot, 1);
	OK(boot_watchdog_feed(b, &e));
	assert_int_equal(read(pair[1], &byte, 1), 1);
	assert_int_equal(byte, 'w');
	for (int i = 0; i < 100000; i++)
		OK(boot_watchdog_feed(b, &e));
	(void)close(pair[1]);
	FAILS(boot_watchdog_feed(b, &e), ERR_IO);
	(void)close(pair[0]);
	(void)close(p.handover_fd);
	assert_int_equal(setenv(MODEL_HANDOVER_ENV, "x", 1), 0);
	FAILS(boot_model_inherited(&p, &e), ERR_CONFIG);
	assert_int_equal(unsetenv(MODEL_HANDOVER_ENV), 0);
	assert_int_equal(unsetenv(MODEL_WATCHDOG_ENV), 0);
	OK(boot_model_inherited(&p, &e));
	assert_int_equal(p.handover_fd, -1);
}

static void outside_of_the_bootloader_there_is_no_handover(void **state)
{
	struct flash f = new_flash();
	AUTO_PTR(boot) struct boot *b = open_on(&f);
	struct handover h;
	struct err e = ERR_INIT;

	(void)state;
	FAILS(boot_handover(b, &h, &e), ERR_NOT_FOUND);
	FAILS(boot_reboot(b, &e), ERR_NOT_FOUND);
	OK(boot_watchdog_feed(b, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_medium_is_a_lost_record),
	    cmocka_unit_test(each_store_goes_to_the_other_copy),
	    cmocka_unit_test(a_record_that_is_not_newer_is_not_stored),
	    cmocka_unit_test(
		a_store_cut_at_any_byte_leaves_the_old_record_or_the_new_one),
	    cmocka_unit_test(a_flush_that_fails_or_lies_is_noticed),
	    cmocka_unit_test(one_unreadable_copy_does_not_stop_the_other),
	    cmocka_unit_test(a_copy_that_does_not_answer_at_once_is_asked_again),
	    cmocka_unit_test(the_copy_that_counts_is_not_overwritten_while_unreadable),
	    cmocka_unit_test(an_unreadable_older_copy_is_written),
	    cmocka_unit_test(a_medium_without_room_for_two_copies_is_refused),
	    cmocka_unit_test(the_handover_has_the_documented_bytes),
	    cmocka_unit_test(a_handover_that_was_never_made_is_refused),
	    cmocka_unit_test(a_handover_travels_in_a_sealed_file),
	    cmocka_unit_test(the_back_end_hands_over_and_feeds),
	    cmocka_unit_test(outside_of_the_bootloader_there_is_no_handover),
	};

	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
