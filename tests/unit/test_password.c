/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords at rest, what is one, and how often somebody may try. */
#include "../../common/crypto/password.h"
#include "../../server/auth/hasher.h"
#include "../../server/auth/throttle.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

/* ---- hashes ---- */

static void a_password_is_known_again_and_no_other(void **state)
{
	char hash[PASSWORD_HASH_MAX_LEN + 1], again[PASSWORD_HASH_MAX_LEN + 1];
	struct err e = ERR_INIT;
	bool right;

	(void)state;
	OK(password_hash("correct horse battery", hash, &e));
	OK(password_hash("correct horse battery", again, &e));
	assert_string_not_equal(hash, again); /* salted */
	assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
	OK(password_verify(hash, "correct horse battery", &right, &e));
	assert_true(right);
	OK(password_verify(hash, "correct horse batterz", &right, &e));
	assert_false(right);
	OK(password_verify(hash, "", &right, &e));
	assert_false(right);
}

static void nobodys_password_is_never_right(void **state)
{
	struct err e = ERR_INIT;
	bool right = true;

	(void)state;
	OK(password_verify(NULL, "correct horse battery", &right, &e));
	assert_false(right);
	right = true;
	OK(password_verify("", "", &right, &e));
	assert_false(right);
}

static void what_is_no_good_password_is_refused(void **state)
{
	char longest[PASSWORD_MAX_LEN + 2];
	struct err e = ERR_INIT;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = 'y';
	longest[PASSWORD_MAX_LEN] = '\0';
	OK(password_check("twelve chars", "a", &e));
	OK(password_check(longest, "a", &e));
	longest[PASSWORD_MAX_LEN] = 'x';
	longest[PASSWORD_MAX_LEN + 1] = '\0';
	FAILS(password_check(longest, "a", &e), ERR_FORMAT);
	FAILS(password_check("eleven char", "a", &e), ERR_FORMAT);
	FAILS(password_check("", "a", &e), ERR_FORMAT);
	FAILS(password_check("aaaaaaaaaaaaaa", "a", &e), ERR_FORMAT);
	FAILS(password_check("Somebody@example", "somebody@example", &e), ERR_FORMAT);
}

/* ---- beside the loop ---- */

struct bench {
	struct loop *loop;
	unsigned n_right, n_done, n_wanted;
};

static void looked_at(void *ctx, const struct hash_answer *answer)
{
	struct bench *b = ctx;

	assert_int_equal(answer->err.code, ERR_NONE);
	b->n_right += answer->right;
	if (++b->n_done == b->n_wanted)
		loop_stop(b->loop);
}

static void a_flood_is_told_to_come_again_and_what_was_taken_is_answered(void **state)
{
	struct bench b = {0};
	struct err e = ERR_INIT;
	struct hasher *h = hasher_new(&e);
	char hash[PASSWORD_HASH_MAX_LEN + 1];
	unsigned n_refused = 0;

	(void)state;
	b.loop = loop_new(&e);
	OK(password_hash("correct horse battery", hash, &e));
	for (unsigned i = 0; i < 3 * HASHER_MAX_WAITING; i++) {
		if (hasher_verify(h, b.loop, hash, "correct horse battery", looked_at,
				  &b, &e) == 0)
			b.n_wanted++;
		else
			n_refused += e.code == ERR_BUSY;
	}
	assert_true(b.n_wanted >= HASHER_MAX_WAITING);
	assert_true(n_refused > 0 && n_refused + b.n_wanted == 3 * HASHER_MAX_WAITING);
	OK(loop_run(b.loop, &e));
	assert_int_equal(b.n_right, b.n_wanted);
	hasher_free(h);
	loop_free(b.loop);
}

/* ---- how often ---- */

static int64_t mono(void *ctx)
{
	return *(int64_t *)ctx;
}

static struct clock clock_at(int64_t *now_ms)
{
	return (struct clock){.mono_ms = mono, .utc_ms = mono, .ctx = now_ms};
}

static enum err_code try(struct throttle *t, const char *user, const char *address,
			 unsigned *ret_wait_s)
{
	struct err e = ERR_INIT;

	return throttle_take(t, user, address, ret_wait_s, &e) == 0 ? ERR_NONE : e.code;
}

static void a_user_is_tried_ten_times_and_then_once_in_thirty_seconds(void **state)
{
	int64_t now_ms = 1;
	const struct clock fake = clock_at(&now_ms);
	struct err e = ERR_INIT;
	struct throttle *t = throttle_new(&fake, &e);
	unsigned wait;

	(void)state;
	for (int i = 0; i < THROTTLE_USER_BURST; i++)
		assert_int_equal(try(t, "a", "192.0.2.1", &wait), ERR_NONE);
	assert_int_equal(try(t, "a", "192.0.2.2", &wait), ERR_RATE);
	assert_int_equal(wait, 30);
	assert_int_equal(try(t, "b", "192.0.2.1", &wait), ERR_NONE);
	now_ms += 29000;
	assert_int_equal(try(t, "a", "192.0.2.3", &wait), ERR_RATE);
	assert_int_equal(wait, 1);
	now_ms += 1000;
	assert_int_equal(try(t, "a", "192.0.2.3", &wait), ERR_NONE);
	assert_int_equal(try(t, "a", "192.0.2.3", &wait), ERR_RATE);
	throttle_free(t);
}

static void a_right_password_does_not_count(void **state)
{
	int64_t now_ms = 1;
	const struct clock fake = clock_at(&now_ms);
	struct err e = ERR_INIT;
	struct throttle *t = throttle_new(&fake, &e);
	unsigned wait;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(try(t, "a", "192.0.2.1", &wait), ERR_NONE);
		throttle_give_back(t, "a", "192.0.2.1");
	}
	throttle_free(t);
}

static void an_address_tries_thirty_users_and_not_a_whole_list(void **state)
{
	int64_t now_ms = 1;
	const struct clock fake = clock_at(&now_ms);
	struct err e = ERR_INIT;
	struct throttle *t = throttle_new(&fake, &e);
	char user[16], address[40];
	unsigned wait, n = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "user-%d", i);
		/* one network of IPv6 is one address */
		snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
		n += try(t, user, address, &wait) == ERR_NONE;
	}
	assert_int_equal(n, THROTTLE_ADDRESS_BURST);
	assert_int_equal(wait, 5);
	assert_int_equal(try(t, "user-0", "2001:db8:0:1::1", &wait), ERR_NONE);
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_password_is_known_again_and_no_other),
	    cmocka_unit_test(nobodys_password_is_never_right),
	    cmocka_unit_test(what_is_no_good_password_is_refused),
	    cmocka_unit_test(
		a_flood_is_told_to_come_again_and_what_was_taken_is_answered),
	    cmocka_unit_test(a_user_is_tried_ten_times_and_then_once_in_thirty_seconds),
	    cmocka_unit_test(a_right_password_does_not_count),
	    cmocka_unit_test(an_address_tries_thirty_users_and_not_a_whole_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
