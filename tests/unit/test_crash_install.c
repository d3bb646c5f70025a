/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power is cut at every operation of an install, arming included: by the full
 * payload, and by a delta from the slot that runs.
 *
 * For each write and flush k, and for each way in which a cut can leave the media (the
 * write torn at sectors, from the front or from the back; all unflushed writes kept or
 * lost), the device starts anew in fresh memory. Then must hold:
 *
 *	(a) the bytes of the running slot are what they were
 *	(b) the bootloader's choice verifies to its last byte
 *	(c) the update completes by itself
 *	(d) and no more is fetched again than the open segment and a chunk
 *
 * And the test tests itself: with any one flush of the slot left out it must find a
 * state from which the update does not go on as it should.
 *
 * Over a delta the ways of a cut take turns, and of its many reads a sample fails: its
 * decoder takes longer. Over an unwrapped one, whose frames are encoded again, the same,
 * of every third operation; those on the scratch medium are among them. A second cut, in
 * the recovery, is made for a sample. Then the same with errors in place of cuts: every
 * operation, reads too, fails once; the next attempt must succeed.
 */
#include "device_bench.h"

#include "testing.h"

static const struct sim_tear tears[] = {
    {.cache_lost = false, .eighths = 0},
    {.cache_lost = false, .eighths = 3},
    {.cache_lost = false, .eighths = 8},
    {.cache_lost = false, .tail = true, .eighths = 5},
    {.cache_lost = true, .eighths = 0},
    {.cache_lost = true, .eighths = 4},
    {.cache_lost = true, .tail = true, .eighths = 4},
};

/* The device and what its media held before the install. */
struct scene {
	struct device *d;
	struct sim before;
	uint64_t again; /* bytes of body that a cut may cost at most */
};

/* The most bytes that go on from each other, and what is read before any of them. */
static uint64_t fetched_again(const struct device *d)
{
	const struct install_material m = device_material(d);
	uint64_t maps = 0, chain = 0, longest = 0;
	struct container_head h;
	struct err e = ERR_INIT;

	if (d->is_packed) /* one frame may be most of the image */
		return device_body_size(d) + BENCH_PIECE;
	OK(container_head_parse(m.head, m.head_len, &h, &e));
	for (size_t i = 0; i < h.n_segments; i++) {
		const struct segment *s = &h.segments[i];

		if ((s->flags & SEG_MAP) != 0)
			maps += s->body_size;
		chain = (s->flags & SEG_CONTINUES) != 0 ? chain : 0;
		chain += s->body_size;
		longest = chain > longest ? chain : longest;
	}
	container_head_fini(&h);
	return maps + longest + (maps > 0 ? 2 : 1) * (CONTAINER_CHUNK + BENCH_PIECE);
}

/* What an install goes by; a test's state points to one. */
enum way { BY_FULL, BY_DELTA, BY_UNWRAPPED };

static void scene_init(struct scene *s, void *const *state)
{
	const enum way *way = *state;

	*s = (struct scene){.d = *way == BY_UNWRAPPED ? device_new_packed()
						      : device_new()};
	if (*way != BY_FULL)
		device_add_delta(s->d);
	for (size_t i = 0; i < s->d->sim.n_media; i++)
		(void)sim_add(&s->before, s->d->sim.media[i].base.name,
			      (size_t)s->d->sim.media[i].base.size);
	sim_copy(&s->before, &s->d->sim);
	s->again = fetched_again(s->d);
}

static void scene_fini(struct scene *s)
{
	sim_fini(&s->before);
	device_free(s->d);
}

static void start_over(struct scene *s)
{
	sim_copy(&s->d->sim, &s->before);
	s->d->n_fetched = 0;
}

static void arrange(struct sim *s, enum sim_fault fault, unsigned long at,
		    struct sim_tear tear)
{
	s->fault = fault;
	s->at = at;
	s->tear = tear;
}

static void check_running_slot(const struct scene *s)
{
	for (size_t i = 0; i < s->d->sim.n_media; i++) {
		const struct sim_medium *now = &s->d->sim.media[i];

		if (strncmp(now->base.name, "slot A", 6) == 0)
			assert_memory_equal(now->durable, s->before.media[i].durable,
					    now->base.size);
	}
}

/* Power is back: (a) to (d). n_cuts: how many attempts were interrupted. */
static void check_recovery(struct scene *s, unsigned n_cuts)
{
	struct device *d = s->d;
	struct err e = ERR_INIT;

	sim_power_on(&d->sim);
	check_running_slot(s);
	(void)device_boot(d);
	OK(device_install(d, &e));
	check_running_slot(s);
	assert_int_equal(device_boot(d), 1);
	assert_true(d->n_fetched <= device_body_size(d) + n_cuts * s->again);
}

/* Writes and flushes of an install that nothing interrupts. */
static unsigned long count_changes(struct scene *s)
{
	struct err e = ERR_INIT;

	start_over(s);
	OK(device_install(s->d, &e));
	return s->d->sim.n_changes;
}

/* Where the power goes on the scratch medium, that is what the delta failed for. */
static void is_cut_off(struct scene *s)
{
	struct err e = ERR_INIT;

	assert_int_equal(device_install(s->d, &e), -1);
	assert_true(e.code == ERR_IO ||
		    (s->d->is_packed && e.code == ERR_INCOMPATIBLE));
}

static void the_power_may_go_at_every_operation(void **state)
{
	AUTO(scene) struct scene s;
	unsigned long n, n_states = 0;

	scene_init(&s, state);
	n = count_changes(&s);
	assert_true(n > 30);
	for (unsigned long k = 0; k < n; k += s.d->is_packed ? 3 : 1) {
		size_t step = s.d->is_packed ? 7 : s.d->by_delta ? 3 : 1;

		for (size_t t = k % step; t < N_ELEMS(tears); t += step, n_states++) {
			start_over(&s);
			arrange(&s.d->sim, SIM_CUT, k, tears[t]);
			is_cut_off(&s);
			check_recovery(&s, 1);
		}
	}
	print_message("%lu operations, %lu states after a cut\n", n, n_states);
}

static void the_power_may_go_again_in_the_recovery(void **state)
{
	AUTO(scene) struct scene s;
	unsigned long n, n_states = 0;
	struct err e = ERR_INIT;

	scene_init(&s, state);
	n = count_changes(&s);
	for (unsigned long k = 0; k < n; k += s.d->is_packed ? 16 : 2) {
		unsigned long step = s.d->is_packed ? 40 : s.d->by_delta ? 15 : 5;

		for (unsigned long again = k % 3; again < n - k;
		     again += step, n_states++) {
			start_over(&s);
			arrange(&s.d->sim, SIM_CUT, k, tears[k % N_ELEMS(tears)]);
			is_cut_off(&s);
			sim_power_on(&s.d->sim);
			arrange(&s.d->sim, SIM_CUT, again,
				tears[again % N_ELEMS(tears)]);
			/* The recovery may be done before the second cut. */
			e = ERR_INIT;
			if (device_install(s.d, &e) < 0)
				assert_true(
				    e.code == ERR_IO ||
				    (s.d->is_packed && e.code == ERR_INCOMPATIBLE));
			check_recovery(&s, 2);
		}
	}
	print_message("%lu states after two cuts\n", n_states);
}

/* The fewer the longer an install takes. */
static unsigned long fault_step(const struct scene *s)
{
	return s->d->is_packed ? 97 : s->d->by_delta ? 13 : 1;
}

static void every_operation_may_fail_once(void **state)
{
	static const enum sim_fault faults[] = {SIM_EIO, SIM_ENOSPC};
	AUTO(scene) struct scene s;
	unsigned long n_failed = 0, n_borne = 0;
	struct err e = ERR_INIT;

	scene_init(&s, state);
	for (size_t f = 0; f < N_ELEMS(faults); f++) {
		for (unsigned long k = 0;; k += fault_step(&s)) {
			start_over(&s);
			arrange(&s.d->sim, faults[f], k, tears[0]);
			e = ERR_INIT;
			if (device_install(s.d, &e) < 0) {
				assert_true(
				    e.code == ERR_IO || e.code == ERR_NO_SPACE ||
				    /* the old image cannot be read */
				    (s.d->by_delta && e.code == ERR_INCOMPATIBLE));
				n_failed++;
			} else if (s.d->sim.n_ops > k) {
				n_borne++; /* a read that may fail */
			} else {
				break;
			}
			check_recovery(&s, 1);
		}
	}
	assert_true(n_failed > (s.d->is_packed ? 5 : s.d->by_delta ? 50 : 100));
	print_message("%lu installs failed and were repeated, %lu bore it\n", n_failed,
		      n_borne);
}

/* The next attempt after a cut at change `at`, before which flush k did nothing: does it
 * go wrong? by_delta: that attempt; the other payload may be what goes on. */
static bool goes_wrong(struct scene *s, unsigned long k, unsigned long at,
		       bool by_delta)
{
	const struct sim_tear lost = {.cache_lost = true};
	bool before = s->d->by_delta, wrong;
	struct err e = ERR_INIT;

	start_over(s);
	s->d->sim.lie_at = k;
	arrange(&s->d->sim, SIM_CUT, at, lost);
	if (device_install(s->d, &e) == 0 || !s->d->sim.dead)
		return true; /* the read-back found it before the cut */
	sim_power_on(&s->d->sim);
	s->d->by_delta = by_delta;
	wrong = device_install(s->d, &e) < 0;
	s->d->by_delta = before;
	return wrong;
}

/* With flush k left out: is there a later cut after which the next attempt goes
 * wrong? */
static bool missing_flush_is_found(struct scene *s, unsigned long k, unsigned long n)
{
	for (unsigned long at = k + 1; at < n; at++) {
		if (goes_wrong(s, k, at, false) ||
		    (s->d->by_delta && goes_wrong(s, k, at, true)))
			return true;
	}
	return false;
}

static void a_missing_flush_would_be_found(void **state)
{
	AUTO(scene) struct scene s;
	struct sim_change log[SIM_MAX_CHANGES];
	unsigned long n, n_found = 0, n_spared = 0;

	scene_init(&s, state);
	n = count_changes(&s);
	assert_true(n <= SIM_MAX_CHANGES);
	memcpy(log, s.d->sim.log, sizeof(log));
	for (unsigned long k = 0; k < n; k++) {
		const char *name = s.d->sim.media[log[k].medium].base.name;

		if (!log[k].flush || !log[k].dirty || strncmp(name, "slot B", 6) != 0)
			continue;
		if (missing_flush_is_found(&s, k, n))
			n_found++;
		else if (s.d->by_delta && n_spared == 0)
			n_spared++; /* the first 512 KiB: neither payload begins after */
		else
			fail_msg("without flush %lu of %s nothing is amiss", k, name);
	}
	assert_true(n_found >= 4); /* two segments of firmware, rootfs, descriptor */
	print_message("%lu missing flushes found\n", n_found);
}

static enum way ways[] = {BY_FULL, BY_DELTA, BY_UNWRAPPED};
#define OVER(way, test)                                                                \
	{                                                                              \
#test "_" #way, test, NULL, NULL, &ways[way]                           \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OVER(BY_FULL, the_power_may_go_at_every_operation),
	    OVER(BY_FULL, the_power_may_go_again_in_the_recovery),
	    OVER(BY_FULL, every_operation_may_fail_once),
	    OVER(BY_FULL, a_missing_flush_would_be_found),
	    OVER(BY_DELTA, the_power_may_go_at_every_operation),
	    OVER(BY_DELTA, the_power_may_go_again_in_the_recovery),
	    OVER(BY_DELTA, every_operation_may_fail_once),
	    OVER(BY_DELTA, a_missing_flush_would_be_found),
	    OVER(BY_UNWRAPPED, the_power_may_go_at_every_operation),
	    OVER(BY_UNWRAPPED, the_power_may_go_again_in_the_recovery),
	    OVER(BY_UNWRAPPED, every_operation_may_fail_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
