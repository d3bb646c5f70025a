/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/limit/limit.h"
#include "../../server/limit/turn.h"
#include "testing.h"

#include <stdio.h>

static int64_t now_ms;

static int64_t say_now(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clock test_clock = {.utc_ms = say_now, .mono_ms = say_now};

static struct limiter *fresh(uint64_t rate, uint64_t burst, size_t n)
{
	struct err e = ERR_INIT;
	struct limiter *l = limiter_new(&test_clock, rate, burst, n, &e);

	if (l == NULL)
		fail_msg("%s", e.text);
	return l;
}

static struct limit_verdict take(struct limiter *l, const char *name)
{
	return limiter_take(l, name, strlen(name));
}

static void a_burst_passes_and_then_the_rate_holds(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(10, 5, 64);
	struct limit_verdict v;

	(void)state;
	now_ms = 1000000;
	for (unsigned i = 0; i < 5; i++) {
		v = take(l, "one");
		assert_true(v.allowed);
		assert_int_equal(v.limit, 5);
		assert_int_equal(v.remaining, 4 - i);
		assert_int_equal(v.reset_s, 1);
	}
	v = take(l, "one");
	assert_false(v.allowed);
	assert_int_equal(v.remaining, 0);
	assert_int_equal(v.retry_after_ms, 100);
	now_ms += 99;
	assert_false(take(l, "one").allowed);
	now_ms += 1;
	assert_true(take(l, "one").allowed);
	assert_false(take(l, "one").allowed);
}

static void who_is_refused_pays_nothing(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(1, 1, 64);

	(void)state;
	now_ms = 5000;
	assert_true(take(l, "one").allowed);
	for (int i = 0; i < 1000; i++)
		assert_false(take(l, "one").allowed);
	now_ms += 1000;
	assert_true(take(l, "one").allowed);
}

static void one_callers_flood_is_nobody_elses(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(10, 2, 4096);
	char name[24];

	(void)state;
	now_ms = 5000;
	for (int i = 0; i < 100; i++)
		(void)take(l, "flood");
	assert_false(take(l, "flood").allowed);
	for (int i = 0; i < 100; i++) {
		assert_true(snprintf(name, sizeof(name), "quiet %d", i) > 0);
		assert_true(take(l, name).allowed);
	}
}

static void a_bucket_is_never_fuller_than_full(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(100, 3, 64);

	(void)state;
	now_ms = 1000;
	assert_true(take(l, "one").allowed);
	now_ms += 1000000;
	for (int i = 0; i < 3; i++)
		assert_true(take(l, "one").allowed);
	assert_false(take(l, "one").allowed);
}

/* A table of one row: many strangers come by, and who is being held back stays so, for
 * the others' buckets are full again sooner. */
static void strangers_do_not_wash_a_flooder_out_of_a_small_table(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(10, 50, 4);
	char name[24];

	(void)state;
	now_ms = 5000;
	while (take(l, "flood").allowed)
		;
	for (int i = 0; i < 10000; i++) {
		assert_true(snprintf(name, sizeof(name), "stranger %d", i) > 0);
		assert_true(take(l, name).allowed);
	}
	assert_false(take(l, "flood").allowed);
}

static void a_rate_of_zero_limits_nobody(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(0, 0, 64);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(take(l, "one").allowed);
	assert_true(limiter_take(NULL, "x", 1).allowed);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_null(limiter_new(&test_clock, 1, 0, 64, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(limiter_new(&test_clock, LIMIT_MAX_RATE + 1, 1, 64, &e));
	assert_null(limiter_new(&test_clock, 1, LIMIT_MAX_BURST + 1, 64, &e));
}

static void long_names_and_those_that_begin_alike_are_told_apart(void **state)
{
	AUTO_PTR(limiter) struct limiter *l = fresh(1, 1, 4096);
	char name[200];

	(void)state;
	now_ms = 5000;
	memset(name, 'a', sizeof(name));
	for (size_t len = 1; len <= sizeof(name); len++)
		assert_true(limiter_take(l, name, len).allowed);
	for (size_t len = 1; len <= sizeof(name); len++)
		assert_false(limiter_take(l, name, len).allowed);
}

static enum err_code take_turn(struct turns *t, const char *name)
{
	uint8_t who[SHA256_LEN] = {0};
	struct err e = ERR_INIT;

	memcpy(who, name, strlen(name));
	(void)!turns_take(t, who, &e);
	return e.code;
}

static void give_turn(struct turns *t, const char *name)
{
	uint8_t who[SHA256_LEN] = {0};

	memcpy(who, name, strlen(name));
	turns_give(t, who);
}

static void a_turn_is_one_a_caller_and_a_few_in_all(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(turns) struct turns *t = turns_new(2, &e);

	(void)state;
	assert_non_null(t);
	assert_int_equal(take_turn(t, "one"), ERR_NONE);
	assert_int_equal(take_turn(t, "one"), ERR_RATE);
	assert_int_equal(take_turn(t, "two"), ERR_NONE);
	assert_int_equal(take_turn(t, "three"), ERR_RATE);
	give_turn(t, "three"); /* it had none: nobody loses theirs */
	assert_int_equal(take_turn(t, "three"), ERR_RATE);
	give_turn(t, "one");
	assert_int_equal(take_turn(t, "two"), ERR_RATE);
	assert_int_equal(take_turn(t, "three"), ERR_NONE);
	assert_null(turns_new(0, NULL));
	assert_null(turns_new(TURNS_MAX + 1, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_burst_passes_and_then_the_rate_holds),
	    cmocka_unit_test(who_is_refused_pays_nothing),
	    cmocka_unit_test(one_callers_flood_is_nobody_elses),
	    cmocka_unit_test(a_bucket_is_never_fuller_than_full),
	    cmocka_unit_test(strangers_do_not_wash_a_flooder_out_of_a_small_table),
	    cmocka_unit_test(a_rate_of_zero_limits_nobody),
	    cmocka_unit_test(what_makes_no_sense_is_refused),
	    cmocka_unit_test(long_names_and_those_that_begin_alike_are_told_apart),
	    cmocka_unit_test(a_turn_is_one_a_caller_and_a_few_in_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
