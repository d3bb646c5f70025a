/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/slot/record.h"
#include "../../common/base/bytes.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <stdio.h>

static const uint8_t root_1[SHA256_LEN] = {1};
static const uint8_t root_2[SHA256_LEN] = {2};

static struct slot_record factory(void)
{
	struct err e = ERR_INIT;
	struct slot_record r;
	struct slot_content c = {.version = "1.0.0", .security_version = 1};

	memcpy(c.root_hash, root_1, SHA256_LEN);
	OK(record_init_factory(&r, 0, &c, &e));
	return r;
}

/* Slot B with v2 in a given state; A runs, GOOD. */
static struct slot_record with_b(enum slot_state state)
{
	struct err e = ERR_INIT;
	struct slot_record r = factory();

	if (state >= SLOT_WRITING)
		OK(record_write_begin(&r, 1, 0, &e));
	if (state >= SLOT_WRITTEN)
		OK(record_write_done(&r, 1, root_2, "2.0.0", 2, &e));
	if (state >= SLOT_PENDING)
		OK(record_arm(&r, 1, DEFAULT_TRIES, &e));
	if (state >= SLOT_TRYING)
		OK(record_boot_try(&r, 1, &e));
	if (state == SLOT_GOOD)
		OK(record_confirm(&r, 1, root_2, &e));
	if (state == SLOT_BAD)
		OK(record_reject(&r, 1, REASON_HEALTH, &e));
	assert_int_equal(r.slots[1].state, state);
	return r;
}

/* ---- every state times every transition ---------------------------------------- */

enum transition { BEGIN, DONE, ARM, TRY, CONFIRM, REJECT, N_TRANSITIONS };

static int apply(struct slot_record *r, enum transition t, struct err *e)
{
	switch (t) {
	case BEGIN:
		return record_write_begin(r, 1, 0, e);
	case DONE:
		return record_write_done(r, 1, root_2, "2.0.0", 2, e);
	case ARM:
		return record_arm(r, 1, DEFAULT_TRIES, e);
	case TRY:
		return record_boot_try(r, 1, e);
	case CONFIRM:
		return record_confirm(r, 1, root_2, e);
	case REJECT:
		return record_reject(r, 1, REASON_OPERATOR, e);
	case N_TRANSITIONS:
	default:
		abort();
	}
}

#define NO (-1)

/* Read across: what becomes of slot B; NO is a refusal that changes nothing. */
static const int wanted[N_SLOT_STATES][N_TRANSITIONS] = {
    /*		   BEGIN	 DONE	       ARM	     TRY	  CONFIRM REJECT
     */
    [SLOT_EMPTY] = {SLOT_WRITING, NO, NO, NO, NO, NO},
    [SLOT_WRITING] = {SLOT_WRITING, SLOT_WRITTEN, NO, NO, NO, NO},
    [SLOT_WRITTEN] = {SLOT_WRITING, NO, SLOT_PENDING, NO, NO, NO},
    [SLOT_PENDING] = {SLOT_WRITING, NO, NO, SLOT_TRYING, NO, SLOT_BAD},
    [SLOT_TRYING] = {SLOT_WRITING, NO, NO, SLOT_TRYING, SLOT_GOOD, SLOT_BAD},
    [SLOT_GOOD] = {SLOT_WRITING, NO, NO, NO, NO, SLOT_BAD},
    [SLOT_BAD] = {SLOT_WRITING, NO, NO, NO, NO, NO},
};

static void each_transition_does_what_the_table_says_from_each_state(void **state)
{
	(void)state;
	for (int from = 0; from < N_SLOT_STATES; from++) {
		for (int t = 0; t < N_TRANSITIONS; t++) {
			struct slot_record r = with_b((enum slot_state)from), old = r;
			struct err e = ERR_INIT;
			int got = apply(&r, (enum transition)t, &e);

			if (wanted[from][t] == NO) {
				assert_int_equal(got, -1);
				assert_int_equal(e.code, ERR_CONFLICT);
				assert_non_null(strstr(
				    e.text, slot_state_name(old.slots[1].state)));
				assert_memory_equal(&r, &old, sizeof(r));
				continue;
			}
			OK(got);
			assert_int_equal(r.slots[1].state, wanted[from][t]);
			assert_true(r.sequence == old.sequence + 1);
			assert_int_equal(r.next_event_id, old.next_event_id + 1);
		}
	}
}

static void each_refusal_names_what_forbids_it(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_TRYING);

	(void)state;
	FAILS(record_write_begin(&r, 0, 1, &e), ERR_CONFLICT);
	assert_string_equal(e.text,
			    "slot B runs as TRYING, not as GOOD: slot A is kept as "
			    "its fallback");
	FAILS(record_write_begin(&r, 1, 1, &e), ERR_CONFLICT);
	assert_string_equal(e.text,
			    "slot B is running: the running slot is never written");
	FAILS(record_write_begin(&r, 1, NO_SLOT, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "slot B is on trial and may be running: it is not "
				    "written without the bootloader's hand-over");
	FAILS(record_write_begin(&r, 0, NO_SLOT, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "slot A is the only GOOD one: it is not written");
	FAILS(record_confirm(&r, 1, root_1, &e), ERR_DIGEST);
	FAILS(record_reject(&r, 1, REASON_EXHAUSTED, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "slot B has 2 tries left");
	FAILS(record_reject(&r, 1, REASON_NONE, &e), ERR_USAGE);
	FAILS(record_reject(&r, 0, REASON_VERITY, &e), ERR_CONFLICT);
	assert_string_equal(e.text, "slot A is the only GOOD one: it cannot go to BAD "
				    "(corrupted on the medium)");
	FAILS(record_arm(&r, 2, 3, &e), ERR_USAGE);
	r = with_b(SLOT_WRITTEN);
	FAILS(record_arm(&r, 1, 2, &e), ERR_USAGE);
	r = with_b(SLOT_GOOD);
	FAILS(record_reject(&r, 0, REASON_HEALTH, &e), ERR_CONFLICT);
	r = with_b(SLOT_WRITING);
	FAILS(record_write_done(&r, 1, root_2, "", 2, &e), ERR_FORMAT);
}

static void a_new_slot_is_tried_three_times_then_the_good_one_boots(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_PENDING);
	unsigned slot = 9;

	(void)state;
	for (int left = 2; left >= 0; left--) {
		assert_int_equal(record_choose(&r, &slot), BOOT_TRY);
		assert_int_equal(slot, 1);
		OK(record_boot_try(&r, 1, &e));
		assert_int_equal(r.slots[1].tries, left);
	}
	assert_int_equal(record_choose(&r, &slot), BOOT_EXHAUST);
	FAILS(record_boot_try(&r, 1, &e), ERR_CONFLICT);
	OK(record_reject(&r, slot, REASON_EXHAUSTED, &e));
	assert_int_equal(record_choose(&r, &slot), BOOT_SLOT);
	assert_int_equal(slot, 0);
	assert_int_equal(r.boot_count, 3);
}

static void a_confirmed_slot_goes_before_the_older_one(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_GOOD);
	unsigned slot = 9;

	(void)state;
	assert_int_equal(record_choose(&r, &slot), BOOT_SLOT);
	assert_int_equal(slot, 1);
	assert_int_equal(record_choose_except(&r, 1u << 1, &slot), BOOT_SLOT);
	assert_int_equal(slot, 0);
	assert_int_equal(record_choose_except(&r, 3, &slot), BOOT_NONE);
	OK(record_reject(&r, 1, REASON_VERITY, &e));
	assert_true(r.slots[1].verity_bad);
	assert_true(record_best_good(&r, &slot));
	assert_int_equal(slot, 0);
}

static void the_floor_rises_only_from_a_good_slot_and_ends_what_is_below(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_TRYING);
	unsigned slot = 9;

	(void)state;
	FAILS(record_raise_floor(&r, 1, 2, &e), ERR_CONFLICT);
	OK(record_confirm(&r, 1, root_2, &e));
	FAILS(record_raise_floor(&r, 1, 3, &e), ERR_CONFLICT);
	FAILS(record_raise_floor(&r, 1, 0, &e), ERR_CONFLICT);
	OK(record_raise_floor(&r, 1, 1, &e));
	assert_int_equal(r.slots[0].state, SLOT_GOOD);
	OK(record_raise_floor(&r, 1, 2, &e));
	assert_int_equal(r.slots[0].state, SLOT_BAD);
	assert_int_equal(r.slots[0].reason, REASON_FLOOR);
	assert_int_equal(record_choose(&r, &slot), BOOT_SLOT);
	assert_int_equal(slot, 1);
	OK(record_write_begin(&r, 0, 1, &e));
	FAILS(record_write_done(&r, 0, root_1, "1.5.0", 1, &e), ERR_ROLLBACK);
}

static void the_lowest_boot_key_rises_only_up_to_the_running_one(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_TRYING);

	(void)state;
	FAILS(record_raise_min_key(&r, 1, 1, 1, &e), ERR_CONFLICT);
	OK(record_confirm(&r, 1, root_2, &e));
	FAILS(record_raise_min_key(&r, 1, 1, 2, &e), ERR_CONFLICT);
	OK(record_raise_min_key(&r, 1, 1, 1, &e));
	FAILS(record_raise_min_key(&r, 1, 1, 1, &e), ERR_CONFLICT);
	assert_int_equal(r.min_key_index, 1);
}

/* ---- recovery ------------------------------------------------------------------ */

static void a_lost_record_is_made_anew_from_what_verifies(void **state)
{
	struct slot_content low = {
	    .version = "1", .security_version = 1, .key_index = 2};
	struct slot_content high = {
	    .version = "2", .security_version = 2, .key_index = 1};
	const struct slot_content *both[] = {&low, &high}, *one[] = {&low, NULL},
				  *none[] = {NULL, NULL}, *same[] = {&high, &high};
	struct err e = ERR_INIT;
	struct slot_record r;
	unsigned slot = 9;

	(void)state;
	OK(record_init_recovery(&r, both, &e));
	assert_int_equal(r.floor, 2);
	assert_int_equal(r.min_key_index, 1);
	assert_int_equal(r.slots[0].state, SLOT_BAD);
	assert_int_equal(r.slots[1].state, SLOT_PENDING);
	assert_int_equal(record_choose(&r, &slot), BOOT_TRY);
	assert_int_equal(slot, 1);
	OK(record_init_recovery(&r, one, &e));
	assert_int_equal(r.slots[0].tries, 3);
	assert_int_equal(r.slots[1].state, SLOT_EMPTY);
	OK(record_init_recovery(&r, same, &e));
	assert_int_equal(r.slots[0].state, SLOT_PENDING);
	assert_int_equal(r.slots[1].state, SLOT_PENDING);
	FAILS(record_init_recovery(&r, none, &e), ERR_NOT_FOUND);
}

/* ---- events -------------------------------------------------------------------- */

static void an_update_that_failed_stays_in_the_ring_until_acknowledged(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_BAD);
	uint32_t bad_id = r.next_event_id - 1;
	uint64_t sequence;
	size_t n;

	(void)state;
	for (int i = 0; i < 3; i++) {
		OK(record_write_begin(&r, 1, 0, &e));
		OK(record_write_done(&r, 1, root_2, "2.0.1", 2, &e));
		OK(record_arm(&r, 1, 3, &e));
		OK(record_boot_try(&r, 1, &e));
		OK(record_confirm(&r, 1, root_2, &e));
	}
	assert_int_equal(record_n_events(&r), RECORD_N_EVENTS);
	assert_int_equal(r.events[0].id, bad_id);
	assert_int_equal(r.events[0].reason, REASON_HEALTH);
	assert_int_equal(r.events[0].tries, 2);
	assert_int_equal(r.events[0].transaction, 1);
	sequence = r.sequence;
	record_ack_events(&r, bad_id);
	n = record_n_events(&r);
	assert_int_equal(n, RECORD_N_EVENTS - 1);
	assert_true(r.events[0].id > bad_id);
	assert_true(r.sequence == sequence + 1);
	record_ack_events(&r, bad_id);
	assert_true(r.sequence == sequence + 1);
}

static void nothing_is_installed_while_the_ring_is_full_of_rollbacks(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_EMPTY);
	int n = 0;

	(void)state;
	while (record_write_begin(&r, 1, 0, &e) == 0) {
		OK(record_write_done(&r, 1, root_2, "2.0.0", 2, &e));
		OK(record_arm(&r, 1, 3, &e));
		OK(record_boot_try(&r, 1, &e));
		OK(record_reject(&r, 1, REASON_HEALTH, &e));
		n++;
	}
	assert_int_equal(n, RECORD_N_EVENTS - 1);
	assert_int_equal(e.code, ERR_BUSY);
	record_ack_events(&r, r.events[0].id);
	OK(record_write_begin(&r, 1, 0, &e));
}

/* ---- bytes --------------------------------------------------------------------- */

/* The vector of docs/formats/record.md: zero where nothing is said. */
static const struct {
	size_t offset;
	const char *hex;
} vector[] = {
    {0, "4f544152454344310100"},
    {16, "06000000000000000100000000000000060000000100000000"},
    {48, "05000100000000000100000000000000"
	 "0100000000000000000000000000000000000000000000000000000000000000"
	 "312e302e30"},
    {160, "06000000020000000200000000000000"
	  "0200000000000000000000000000000000000000000000000000000000000000"
	  "322e302e30"},
    {272, "0100000001000000010100000000000002000000010000000102000000000000"
	  "0300000001000000010300030000000004000000010000000104000200000000"
	  "05000000010000000106020200000000"},
    {508, "52bb9ba3"},
};

static void the_bytes_are_those_of_the_documented_vector(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_BAD), back;
	uint8_t bytes[RECORD_LEN], want[RECORD_LEN] = {0};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(vector); i++)
		OK(hex_decode(vector[i].hex, want + vector[i].offset,
			      strlen(vector[i].hex) / 2, &e));
	record_encode(&r, bytes);
	assert_memory_equal(bytes, want, RECORD_LEN);
	OK(record_decode(bytes, &back, &e));
	assert_memory_equal(&r, &back, sizeof(r));
}

static void any_flipped_bit_is_noticed(void **state)
{
	struct err e = ERR_INIT;
	struct slot_record r = with_b(SLOT_GOOD), back;
	uint8_t bytes[RECORD_LEN];

	(void)state;
	record_encode(&r, bytes);
	for (size_t bit = 0; bit < 8 * RECORD_LEN; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		FAILS(record_decode(bytes, &back, &e), ERR_FORMAT);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memset(bytes, 0xff, sizeof(bytes));
	FAILS(record_decode(bytes, &back, &e), ERR_FORMAT);
	memset(bytes, 0, sizeof(bytes));
	FAILS(record_decode(bytes, &back, &e), ERR_FORMAT);
}

static void bytes_that_encoding_never_makes_are_refused(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {8, 2, ERR_UNSUPPORTED},  /* format */
	    {12, 1, ERR_UNSUPPORTED}, /* must understand */
	    {10, 1, ERR_FORMAT},      /* reserved */
	    {40, 4, ERR_FORMAT},      /* boot key index */
	    {41, 1, ERR_FORMAT},      /* reserved */
	    {48, 7, ERR_FORMAT},      /* state */
	    {48, 3, ERR_FORMAT},      /* PENDING without tries */
	    {49, 1, ERR_FORMAT},      /* tries of a GOOD slot */
	    {51, 1, ERR_FORMAT},      /* verity without its reason */
	    {51, 2, ERR_FORMAT},      /* unknown flag */
	    {52, 2, ERR_FORMAT},      /* reason of a GOOD slot */
	    {53, 1, ERR_FORMAT},      /* reserved */
	    {96, 0, ERR_FORMAT},      /* no version */
	    {97, '/', ERR_FORMAT},    /* not a version */
	    {159, 'x', ERR_FORMAT},   /* after its end */
	    {32, 5, ERR_FORMAT},      /* next event id not above the last one */
	    {272, 9, ERR_FORMAT},     /* ids descend */
	    {272, 0, ERR_FORMAT},     /* a hole in the ring */
	    {280, 2, ERR_FORMAT},     /* slot */
	    {281, 7, ERR_FORMAT},     /* state */
	    {282, 8, ERR_FORMAT},     /* reason */
	    {284, 1, ERR_FORMAT},     /* reserved */
	    {367, 1, ERR_FORMAT},     /* unused event */
	    {368, 1, ERR_FORMAT},     /* reserved */
	};
	struct slot_record r = with_b(SLOT_GOOD), back;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct err e = ERR_INIT;
		uint8_t bytes[RECORD_LEN];

		record_encode(&r, bytes);
		bytes[rows[i].offset] = rows[i].value;
		store_le32(bytes + 508, crc32_ieee(bytes, 508));
		if (record_decode(bytes, &back, &e) != -1 || e.code != rows[i].code)
			fail_msg("byte %zu = %u: %s", rows[i].offset, rows[i].value,
				 e.text);
	}
}

static void the_newer_of_two_copies_counts(void **state)
{
	struct slot_record old = {.sequence = 4}, new = {.sequence = 5};

	(void)state;
	assert_int_equal(record_pick(&old, &new), 1);
	assert_int_equal(record_pick(&new, &old), 0);
	assert_int_equal(record_pick(NULL, &old), 1);
	assert_int_equal(record_pick(&old, NULL), 0);
	assert_int_equal(record_pick(NULL, NULL), -1);
}

/* -------------------------------------------------------------- every reachable record
 *
 * A device is its record and the slot that runs (or none: the bootloader). From the
 * factory's record every possible move of agent, bootloader and server is made, also
 * those that make no sense, and the successors are explored until there are none that
 * are new. Counters and hashes do not decide anything and are left out of what makes
 * two devices different; the events count only by the number of rollbacks among them.
 */
struct device {
	struct slot_record r;
	unsigned running;
};

enum { MAX_DEVICES = 200000, N_BUCKETS = 1 << 18, MAX_SECURITY = 2 };

struct explored {
	struct device *all;
	size_t n;
	uint32_t *buckets; /* index + 1 */
	size_t n_moves;
};

static unsigned n_rollbacks(const struct slot_record *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < RECORD_N_EVENTS; i++)
		n += r->events[i].id != 0 && r->events[i].to_state == SLOT_BAD;
	return n;
}

static uint64_t key_of(const struct device *d)
{
	uint64_t key = d->running * 8 + n_rollbacks(&d->r);

	for (unsigned i = 0; i < N_SLOTS; i++) {
		const struct slot *s = &d->r.slots[i];

		key = key * 8 + s->state;
		key = key * 4 + s->tries;
		key = key * 4 + s->priority;
		key = key * 8 + s->reason;
		key = key * 4 + s->security_version;
	}
	return key * 4 + d->r.floor;
}

static void add_device(struct explored *x, const struct device *d)
{
	uint64_t key = key_of(d);
	size_t at = (key * 0x9e3779b97f4a7c15ull) >> 46;

	for (; x->buckets[at] != 0; at = (at + 1) % N_BUCKETS)
		if (key_of(&x->all[x->buckets[at] - 1]) == key)
			return;
	assert_true(x->n < MAX_DEVICES);
	x->all[x->n++] = *d;
	x->buckets[at] = (uint32_t)x->n;
}

static bool is_safe_harbour(const struct slot_record *r, unsigned slot)
{
	const struct slot *s = &r->slots[slot];

	return s->state == SLOT_GOOD && !s->verity_bad &&
	       s->security_version >= r->floor;
}

/* What must hold of every device that can come to be. */
static void check_device(const struct device *d)
{
	const struct slot_record *r = &d->r;
	uint8_t bytes[RECORD_LEN];
	struct slot_record back;
	struct err e = ERR_INIT;
	unsigned slot = 9;

	assert_true(is_safe_harbour(r, 0) || is_safe_harbour(r, 1));
	assert_int_not_equal(record_choose(r, &slot), BOOT_NONE);
	assert_true(r->slots[slot].security_version >= r->floor);
	assert_true(record_best_good(r, &slot));
	if (d->running != NO_SLOT) {
		enum slot_state s = r->slots[d->running].state;

		assert_true(s == SLOT_TRYING || s == SLOT_GOOD || s == SLOT_BAD);
	}
	record_encode(r, bytes);
	OK(record_decode(bytes, &back, &e));
	assert_memory_equal(r, &back, sizeof(back));
}

/* What no single step may do. */
static void check_step(const struct device *from, const struct device *to)
{
	const struct slot_record *a = &from->r, *b = &to->r;

	assert_true(b->floor >= a->floor);
	assert_true(b->sequence > a->sequence);
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (a->slots[i].state == SLOT_BAD)
			assert_true(b->slots[i].state == SLOT_BAD ||
				    b->slots[i].state == SLOT_WRITING);
}

/* A rollback is never lost: each one that was in the ring is still there. */
static void check_events_kept(const struct slot_record *a, const struct slot_record *b)
{
	for (size_t i = 0; i < RECORD_N_EVENTS; i++) {
		bool found = a->events[i].id == 0 || a->events[i].to_state != SLOT_BAD;

		for (size_t k = 0; k < RECORD_N_EVENTS && !found; k++)
			found = b->events[k].id == a->events[i].id;
		assert_true(found);
	}
}

static void visit(struct explored *x, const struct device *from, int failed,
		  struct device *to)
{
	x->n_moves++;
	if (failed != 0) {
		assert_memory_equal(&from->r, &to->r, sizeof(from->r));
		return;
	}
	check_step(from, to);
	check_events_kept(&from->r, &to->r);
	add_device(x, to);
}

/* The bootloader boots; `stored` is false where the medium no longer takes a record. */
static void explore_boot(struct explored *x, const struct device *from, bool stored)
{
	struct device to = *from;
	struct err e = ERR_INIT;
	unsigned slot = 9;

	switch (record_choose(&to.r, &slot)) {
	case BOOT_SLOT:
		OK(record_boot_good(&to.r, slot, &e));
		to.running = slot;
		break;
	case BOOT_TRY:
		OK(record_boot_try(&to.r, slot, &e));
		to.running = slot;
		break;
	case BOOT_EXHAUST:
		OK(record_reject(&to.r, slot, REASON_EXHAUSTED, &e));
		to.running = NO_SLOT;
		break;
	case BOOT_NONE:
	default:
		fail_msg("nothing boots");
	}
	x->n_moves++;
	if (stored) {
		check_step(from, &to);
		check_events_kept(&from->r, &to.r);
	} else {
		to = *from;
		assert_true(record_best_good(&to.r, &to.running));
	}
	add_device(x, &to);
}

static void explore_agent(struct explored *x, const struct device *from, unsigned slot)
{
	struct device to = *from;
	struct err e = ERR_INIT;

	visit(x, from, record_write_begin(&to.r, slot, from->running, &e), &to);
	to = *from;
	visit(x, from, record_arm(&to.r, slot, DEFAULT_TRIES, &e), &to);
	for (uint32_t v = 0; v <= MAX_SECURITY; v++) {
		to = *from;
		visit(x, from, record_write_done(&to.r, slot, root_2, "2", v, &e), &to);
	}
	for (unsigned why = 0; why < N_SLOT_REASONS; why++) {
		to = *from;
		visit(x, from, record_reject(&to.r, slot, (enum slot_reason)why, &e),
		      &to);
	}
}

static void explore_running(struct explored *x, const struct device *from)
{
	struct device to = *from;
	struct err e = ERR_INIT;

	visit(x, from,
	      record_confirm(&to.r, from->running,
			     from->r.slots[from->running].root_hash, &e),
	      &to);
	for (uint32_t v = 0; v <= MAX_SECURITY; v++) {
		to = *from;
		visit(x, from, record_raise_floor(&to.r, from->running, v, &e), &to);
	}
}

static void explore_server(struct explored *x, const struct device *from)
{
	struct device to = *from;

	if (record_n_events(&from->r) == 0)
		return;
	record_ack_events(&to.r, to.r.events[0].id);
	check_step(from, &to);
	add_device(x, &to);
}

static void no_reachable_record_leaves_the_device_without_a_good_slot(void **state)
{
	struct explored x = {0};
	struct device first = {.r = factory(), .running = NO_SLOT};

	(void)state;
	x.all = calloc(MAX_DEVICES, sizeof(*x.all));
	x.buckets = calloc(N_BUCKETS, sizeof(*x.buckets));
	assert_non_null(x.all);
	assert_non_null(x.buckets);
	add_device(&x, &first);
	for (size_t i = 0; i < x.n; i++) {
		const struct device *d = &x.all[i];

		check_device(d);
		explore_boot(&x, d, true);
		explore_boot(&x, d, false);
		explore_server(&x, d);
		for (unsigned slot = 0; slot < N_SLOTS; slot++)
			explore_agent(&x, d, slot);
		if (d->running != NO_SLOT)
			explore_running(&x, d);
	}
	print_message("%zu devices, %zu moves\n", x.n, x.n_moves);
	assert_true(x.n > 1000);
	free(x.all);
	free(x.buckets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_transition_does_what_the_table_says_from_each_state),
	    cmocka_unit_test(each_refusal_names_what_forbids_it),
	    cmocka_unit_test(a_new_slot_is_tried_three_times_then_the_good_one_boots),
	    cmocka_unit_test(a_confirmed_slot_goes_before_the_older_one),
	    cmocka_unit_test(
		the_floor_rises_only_from_a_good_slot_and_ends_what_is_below),
	    cmocka_unit_test(the_lowest_boot_key_rises_only_up_to_the_running_one),
	    cmocka_unit_test(a_lost_record_is_made_anew_from_what_verifies),
	    cmocka_unit_test(
		an_update_that_failed_stays_in_the_ring_until_acknowledged),
	    cmocka_unit_test(nothing_is_installed_while_the_ring_is_full_of_rollbacks),
	    cmocka_unit_test(the_bytes_are_those_of_the_documented_vector),
	    cmocka_unit_test(any_flipped_bit_is_noticed),
	    cmocka_unit_test(bytes_that_encoding_never_makes_are_refused),
	    cmocka_unit_test(the_newer_of_two_copies_counts),
	    cmocka_unit_test(no_reachable_record_leaves_the_device_without_a_good_slot),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
