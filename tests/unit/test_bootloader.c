/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/bootloader/provision.h"
#include "../../client/bootloader/recovery.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <fcntl.h>
#include <stdio.h>

#define IMAGE_LEN 10000u
#define MEDIUM_LEN 16384u

/* --- a bootloader's store that can fail ------------------------------------------- */

struct fake_boot {
	struct boot base;
	struct slot_record record; /* on the medium */
	bool lost;
	int stores_left; /* then they fail; -1: never */
	unsigned n_stores;
};

static int fake_load(struct boot *b, struct slot_record *ret, struct err *e)
{
	struct fake_boot *f = (struct fake_boot *)b;

	if (f->lost)
		return err_set(e, ERR_NOT_FOUND, "lost");
	*ret = f->record;
	return 0;
}

static int fake_store(struct boot *b, const struct slot_record *r, struct err *e)
{
	struct fake_boot *f = (struct fake_boot *)b;

	if (f->stores_left == 0)
		return err_set(e, ERR_IO, "the medium is worn out");
	f->stores_left -= f->stores_left > 0;
	f->record = *r;
	f->lost = false;
	f->n_stores++;
	return 0;
}

static const struct boot_ops fake_ops = {
    .name = "fake", .load = fake_load, .store = fake_store};

/* --- a device with two slots ------------------------------------------------------ */

struct bench {
	char dir[64];
	char paths[N_SLOTS][3][96]; /* firmware, rootfs, descriptor */
	struct privkey *key;
	struct pubkey *public;
	struct factory factory;
	struct client_config config;
	struct bootloader loader;
	struct fake_boot boot;
	uint8_t root_hash[N_SLOTS][SHA256_LEN]; /* of the descriptors */
};

static void fill(uint8_t *ret, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

static void root_of(struct image *image, const uint8_t *data)
{
	struct err e = ERR_INIT;
	struct verity_hasher *h = verity_hasher_new(image->salt, image->size, &e);
	const uint8_t *groups;
	size_t n_groups;

	assert_non_null(h);
	for (size_t at = 0; at < image->size; at += VERITY_BLOCK) {
		uint8_t block[VERITY_BLOCK] = {0};
		size_t len = image->size - at;

		memcpy(block, data + at, len < VERITY_BLOCK ? len : VERITY_BLOCK);
		OK(verity_hasher_add(h, block, &e));
	}
	OK(verity_hasher_end(h, image->root_hash, &groups, &n_groups, &e));
	verity_hasher_free(h);
}

static struct descriptor release(unsigned slot, uint32_t security_version)
{
	struct descriptor d = {
	    .security_version = security_version,
	    .product = "gateway",
	    .hardware = {"revA"},
	    .n_hardware = 1,
	    .n_images = 1,
	};
	uint8_t data[IMAGE_LEN];

	(void)snprintf(d.version, sizeof(d.version), "%u.0.0", slot + 1);
	(void)snprintf(d.images[0].name, sizeof(d.images[0].name), "firmware");
	d.images[0].size = IMAGE_LEN;
	fill(data, sizeof(data), slot);
	root_of(&d.images[0], data);
	return d;
}

static void write_at(const char *path, uint64_t at, const void *data, size_t len)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	struct err e = ERR_INIT;

	assert_true(fd >= 0);
	OK(fd_pwrite_full(fd, data, len, at, &e));
}

static void put_descriptor(struct bench *b, unsigned slot, const struct descriptor *d)
{
	struct err e = ERR_INIT;
	uint8_t bytes[DESCRIPTOR_LEN];

	OK(descriptor_sign(d, b->key, bytes, &e));
	OK(sha256(bytes, sizeof(bytes), b->root_hash[slot], &e));
	write_at(b->paths[slot][2], 0, bytes, sizeof(bytes));
}

static void make_slot(struct bench *b, unsigned slot)
{
	static const char *const names[] = {"firmware", "rootfs", "descriptor"};
	struct descriptor d = release(slot, slot + 1);
	uint8_t data[MEDIUM_LEN] = {0};
	struct slot_layout *l = &b->loader.slots[slot];
	struct err e = ERR_INIT;

	fill(data, IMAGE_LEN, slot);
	for (size_t i = 0; i < 3; i++) {
		OK(text_format(b->paths[slot][i], sizeof(b->paths[slot][i]), &e,
			       "%s/%c.%s", b->dir, slot_letter(slot), names[i]));
		OK(file_replace(b->paths[slot][i], data, sizeof(data), 0600, &e));
	}
	for (size_t i = 0; i < 2; i++) {
		OK(text_copy(l->images[i].name, sizeof(l->images[i].name), names[i],
			     "name", &e));
		l->images[i].path = b->paths[slot][i];
	}
	l->n_images = 2;
	l->descriptor = b->paths[slot][2];
	put_descriptor(b, slot, &d);
}

/* Slot A: 1.0.0, GOOD. Slot B: 2.0.0, PENDING. */
static void make_record(struct bench *b)
{
	struct slot_content a = {.version = "1.0.0", .security_version = 1};
	struct slot_record *r = &b->boot.record;
	struct err e = ERR_INIT;

	memcpy(a.root_hash, b->root_hash[0], SHA256_LEN);
	OK(record_init_factory(r, 0, &a, &e));
	OK(record_write_begin(r, 1, 0, &e));
	OK(record_write_done(r, 1, b->root_hash[1], "2.0.0", 2, &e));
	OK(record_arm(r, 1, 3, &e));
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err e = ERR_INIT;

	assert_non_null(b);
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/ota-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->key = privkey_generate(KEY_ED25519, &e);
	assert_non_null(b->key);
	b->public = privkey_public(b->key, &e);
	assert_non_null(b->public);
	b->factory = (struct factory){.product = "gateway", .hardware = "revA"};
	b->factory.boot_keys.keys[0] = b->public;
	b->loader = (struct bootloader){.config = &b->config, .factory = &b->factory};
	b->boot = (struct fake_boot){.base.ops = &fake_ops, .stores_left = -1};
	make_slot(b, 0);
	make_slot(b, 1);
	make_record(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	for (unsigned s = 0; s < N_SLOTS; s++)
		for (size_t i = 0; i < 3; i++)
			(void)unlink(b->paths[s][i]);
	assert_int_equal(rmdir(b->dir), 0);
	privkey_free(b->key);
	pubkey_free(b->public);
	free(b);
	return 0;
}

/* The board's next boot: the slot that is started, or NO_SLOT for a halt. */
static unsigned boots(struct bench *b, struct handover *ret, struct err *e)
{
	struct launch l;

	if (bootloader_boot(&b->loader, &b->boot.base, &l, e) < 0)
		return NO_SLOT;
	if (ret != NULL)
		*ret = l.handover;
	(void)close(l.firmware_fd);
	return l.handover.slot;
}

static void damage(struct bench *b, unsigned slot)
{
	write_at(b->paths[slot][0], 5000, "damage", 6);
}

/* --- the steps -------------------------------------------------------------------- */

static void a_try_is_stored_before_the_jump(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	struct handover h;

	assert_int_equal(boots(b, &h, &e), 1);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_TRYING);
	assert_int_equal(b->boot.record.slots[1].tries, 2);
	assert_int_equal(h.tries, 2);
	assert_int_equal(h.boot_count, 1);
	assert_int_equal(h.security_version, 2);
	assert_string_equal(h.version, "2.0.0");
	assert_memory_equal(h.root_hash, b->root_hash[1], SHA256_LEN);
}

static void each_boot_has_an_id_of_its_own(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	struct handover one, two;

	assert_int_equal(boots(b, &one, &e), 1);
	assert_int_equal(boots(b, &two, &e), 1);
	assert_memory_not_equal(one.boot_id, two.boot_id, BOOT_ID_LEN);
}

static void three_tries_then_the_good_slot(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	for (int i = 0; i < 3; i++)
		assert_int_equal(boots(b, NULL, &e), 1);
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_BAD);
	assert_int_equal(b->boot.record.slots[1].reason, REASON_EXHAUSTED);
}

static void a_try_that_cannot_be_stored_is_not_made(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	struct handover h;

	b->boot.stores_left = 0;
	assert_int_equal(boots(b, &h, &e), 0);
	assert_int_equal(h.boot_count, 1);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_PENDING);
	/* And without a GOOD slot nothing runs. */
	damage(b, 0);
	assert_int_equal(boots(b, NULL, &e), NO_SLOT);
	assert_int_equal(e.code, ERR_IO);
}

static void exhaustion_that_cannot_be_stored_still_boots_the_good_slot(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	b->boot.stores_left = 3;
	for (int i = 0; i < 3; i++)
		assert_int_equal(boots(b, NULL, &e), 1);
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_TRYING);
}

static void a_new_slot_that_does_not_verify_turns_bad_without_a_try(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	damage(b, 1);
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_BAD);
	assert_int_equal(b->boot.record.slots[1].reason, REASON_UNVERIFIED);
	assert_int_equal(b->boot.record.boot_count, 1);
}

static void the_only_good_slot_keeps_its_state_though_it_does_not_verify(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	struct slot_record before;

	damage(b, 0);
	damage(b, 1);
	assert_int_equal(boots(b, NULL, &e), NO_SLOT);
	assert_int_equal(e.code, ERR_DIGEST);
	assert_int_equal(b->boot.record.slots[0].state, SLOT_GOOD);
	before = b->boot.record;
	assert_int_equal(boots(b, NULL, &e), NO_SLOT);
	assert_memory_equal(&before, &b->boot.record, sizeof(before));
}

static void a_damaged_good_slot_leaves_the_floor_to_one_that_is_tried(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	b->boot.record.slots[0].priority = 3; /* A goes first */
	damage(b, 0);
	assert_int_equal(boots(b, NULL, &e), 1);
	assert_int_equal(b->boot.record.slots[0].state, SLOT_GOOD);
	OK(record_confirm(&b->boot.record, 1, b->root_hash[1], &e));
	assert_int_equal(boots(b, NULL, &e), 1);
	assert_int_equal(b->boot.record.slots[0].state, SLOT_BAD);
	assert_int_equal(b->boot.record.slots[0].reason, REASON_UNVERIFIED);
}

static void a_slot_whose_medium_is_gone_loses_a_try_each_boot(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	assert_int_equal(unlink(b->paths[1][0]), 0);
	for (int left = 2; left >= 0; left--) {
		assert_int_equal(boots(b, NULL, &e), 0);
		assert_int_equal(b->boot.record.slots[1].tries, left);
	}
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(b->boot.record.slots[1].reason, REASON_EXHAUSTED);
}

/* --- verification ----------------------------------------------------------------- */

static void the_sealed_copy_does_not_change_with_the_medium(void **state)
{
	struct bench *b = *state;
	struct launch l;
	struct err e = ERR_INIT;
	uint8_t want[IMAGE_LEN], got[IMAGE_LEN];

	OK(bootloader_boot(&b->loader, &b->boot.base, &l, &e));
	damage(b, 1);
	fill(want, sizeof(want), 1);
	OK(fd_pread_full(l.firmware_fd, got, sizeof(got), 0, &e));
	assert_memory_equal(want, got, sizeof(got));
	assert_int_equal(pwrite(l.firmware_fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(l.firmware_fd, 0), -1);
	(void)close(l.firmware_fd);
}

static void what_the_descriptor_asks_for_must_be_there(void **state)
{
	struct bench *b = *state;
	struct verify_rules rules = {.factory = &b->factory};
	struct verified v;
	struct descriptor d = release(1, 2);
	struct err e = ERR_INIT;
	uint8_t data[IMAGE_LEN];

	(void)snprintf(d.images[0].name, sizeof(d.images[0].name), "kernel");
	put_descriptor(b, 1, &d);
	FAILS(slot_verify(&b->loader.slots[1], 1, &rules, &v, NULL, &e),
	      ERR_INCOMPATIBLE);
	assert_string_equal(e.text,
			    "slot B: image kernel: this device has no place for it");
	(void)snprintf(d.images[0].name, sizeof(d.images[0].name), "rootfs");
	put_descriptor(b, 1, &d);
	FAILS(slot_verify(&b->loader.slots[1], 1, &rules, &v, NULL, &e),
	      ERR_INCOMPATIBLE);
	assert_string_equal(e.text, "slot B: there is no image \"firmware\" to start");
	d = release(1, 2);
	d.images[0].size = MEDIUM_LEN + 1;
	put_descriptor(b, 1, &d);
	FAILS(slot_verify(&b->loader.slots[1], 1, &rules, &v, NULL, &e),
	      ERR_INCOMPATIBLE);
	/* Two images, the second one altered. */
	d = release(1, 2);
	d.images[1] = d.images[0];
	(void)snprintf(d.images[1].name, sizeof(d.images[1].name), "rootfs");
	d.n_images = 2;
	put_descriptor(b, 1, &d);
	OK(slot_verify(&b->loader.slots[1], 1, &rules, &v, NULL, &e));
	fill(data, sizeof(data), 9);
	write_at(b->paths[1][1], 0, data, sizeof(data));
	FAILS(slot_verify(&b->loader.slots[1], 1, &rules, &v, NULL, &e), ERR_DIGEST);
}

static void the_rules_of_the_record_hold_for_the_descriptor(void **state)
{
	struct bench *b = *state;
	struct verify_rules rules = {.factory = &b->factory, .floor = 3};
	const struct slot_layout *l = &b->loader.slots[1];
	struct verified v;
	struct err e = ERR_INIT;

	FAILS(slot_verify(l, 1, &rules, &v, NULL, &e), ERR_ROLLBACK);
	rules = (struct verify_rules){.factory = &b->factory, .min_key_index = 1};
	assert_int_equal(slot_verify(l, 1, &rules, &v, NULL, &e), -1);
	assert_int_equal(err_exit(&e), EXIT_REFUSED);
	rules =
	    (struct verify_rules){.factory = &b->factory, .root_hash = b->root_hash[0]};
	FAILS(slot_verify(l, 1, &rules, &v, NULL, &e), ERR_DIGEST);
	rules.root_hash = b->root_hash[1];
	OK(slot_verify(l, 1, &rules, &v, NULL, &e));
	assert_memory_equal(v.root_hash, b->root_hash[1], SHA256_LEN);
}

/* --- recovery and factory --------------------------------------------------------- */

static void a_lost_record_is_rebuilt_from_slots_that_verify(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	b->boot.lost = true;
	assert_int_equal(boots(b, NULL, &e), 1);
	assert_int_equal(b->boot.record.floor, 2);
	assert_int_equal(b->boot.record.slots[0].reason, REASON_FLOOR);
	assert_int_equal(b->boot.record.slots[1].state, SLOT_TRYING);
	b->boot.lost = true;
	damage(b, 1);
	assert_int_equal(boots(b, NULL, &e), 0);
	assert_int_equal(b->boot.record.floor, 1);
	b->boot.lost = true;
	damage(b, 0);
	assert_int_equal(boots(b, NULL, &e), NO_SLOT);
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void recovery_that_cannot_be_stored_does_not_boot(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;

	b->boot.lost = true;
	b->boot.stores_left = 0;
	assert_int_equal(boots(b, NULL, &e), NO_SLOT);
	assert_int_equal(e.code, ERR_IO);
}

static void the_factory_writes_both_copies_of_the_record(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	char image[128], record[96];
	char *images[] = {image};
	uint8_t blank[8192];

	OK(text_format(record, sizeof(record), &e, "%s/record", b->dir));
	OK(text_format(image, sizeof(image), &e, "firmware=%s/image", b->dir));
	memset(blank, 0xff, sizeof(blank));
	OK(file_create(record, blank, sizeof(blank), 0600, &e));
	fill(blank, sizeof(blank), 0);
	{
		uint8_t data[IMAGE_LEN], bytes[DESCRIPTOR_LEN];
		struct descriptor d = release(0, 1);

		fill(data, sizeof(data), 0);
		OK(file_create(image + 9, data, sizeof(data), 0600, &e));
		damage(b, 0);
		OK(descriptor_sign(&d, b->key, bytes, &e));
		OK(file_replace(b->paths[1][2], bytes, sizeof(bytes), 0600, &e));
	}
	b->config.boot.backend = "model";
	b->config.boot.record = record;
	b->config.boot.erase_size_bytes = 4096;
	OK(bootloader_provision(&b->loader, b->paths[1][2], images, 1, &e));
	{
		AUTO(buf) struct buf content = BUF_INIT(8192);
		struct slot_record one, two;

		OK(file_read(record, &content, &e));
		OK(record_decode(content.data, &one, &e));
		OK(record_decode(content.data + 4096, &two, &e));
		assert_int_equal(one.slots[0].state, SLOT_GOOD);
		assert_true(two.sequence == one.sequence + 1);
	}
	FAILS(bootloader_provision(&b->loader, b->paths[1][2], images, 1, &e),
	      ERR_CONFLICT);
	assert_int_equal(unlink(record), 0);
	assert_int_equal(unlink(image + 9), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_try_is_stored_before_the_jump),
	    T(each_boot_has_an_id_of_its_own),
	    T(three_tries_then_the_good_slot),
	    T(a_try_that_cannot_be_stored_is_not_made),
	    T(exhaustion_that_cannot_be_stored_still_boots_the_good_slot),
	    T(a_new_slot_that_does_not_verify_turns_bad_without_a_try),
	    T(the_only_good_slot_keeps_its_state_though_it_does_not_verify),
	    T(a_damaged_good_slot_leaves_the_floor_to_one_that_is_tried),
	    T(a_slot_whose_medium_is_gone_loses_a_try_each_boot),
	    T(the_sealed_copy_does_not_change_with_the_medium),
	    T(what_the_descriptor_asks_for_must_be_there),
	    T(the_rules_of_the_record_hold_for_the_descriptor),
	    T(a_lost_record_is_rebuilt_from_slots_that_verify),
	    T(recovery_that_cannot_be_stored_does_not_boot),
	    T(the_factory_writes_both_copies_of_the_record),
	};

	return cmocka_run_group_tests_name("bootloader", tests, NULL, NULL);
}
