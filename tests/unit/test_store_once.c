/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys, a row of the suite that every back-end runs. */
#include "store_fixture.h"

#define NOW 1000000

static struct store_call *begin_call(const char *key, const char *request)
{
	struct store_call *c = verb(STORE_ONCE_BEGIN);

	c->now_ms = NOW;
	c->in.once.since = NOW - 500;
	c->in.once.max_keys = 1000;
	memcpy(c->in.once.key, key, strlen(key));
	memcpy(c->in.once.request, request, strlen(request));
	return c;
}

/* How a key is found; the answer's first byte is in *ret_first where there is one. */
static enum once_state begin(struct store *s, const char *key, int64_t now)
{
	struct store_call *c = begin_call(key, "request");
	enum once_state found;

	c->now_ms = now;
	c->in.once.since = now - 500;
	must(s, c);
	found = c->out.once.state;
	store_call_free(c);
	return found;
}

static void end(struct store *s, const char *key, const char *answer)
{
	struct store_call *c = verb(STORE_ONCE_END);
	struct err e = ERR_INIT;

	memcpy(c->in.once.key, key, strlen(key));
	c->in.once.status = 201;
	strcpy(c->in.once.type, "application/json");
	OK(buf_add_str(&c->blob, answer, &e));
	done(s, c);
}

static void a_key_is_new_then_open_then_done_with_its_answer(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	assert_int_equal(begin(s, "key", NOW), ONCE_NEW);
	assert_int_equal(begin(s, "key", NOW + 1), ONCE_OPEN);
	end(s, "key", "{}");
	c = begin_call("key", "another request");
	must(s, c);
	assert_int_equal(c->out.once.state, ONCE_DONE);
	assert_int_equal(c->out.once.status, 201);
	assert_int_equal(c->out.once.at, NOW);
	assert_string_equal(c->out.once.type, "application/json");
	assert_string_equal(buf_str(&c->blob), "{}");
	/* what it was for, to be compared with what is asked now */
	assert_memory_equal(c->out.once.request, "request", 7);
	store_call_free(c);
}

static void the_first_answer_stays(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	assert_int_equal(begin(s, "key", NOW), ONCE_NEW);
	end(s, "key", "first");
	end(s, "key", "second");
	c = begin_call("key", "request");
	must(s, c);
	assert_string_equal(buf_str(&c->blob), "first");
	store_call_free(c);
}

static void what_was_not_done_is_dropped_and_what_was_done_is_not(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	assert_int_equal(begin(s, "open", NOW), ONCE_NEW);
	assert_int_equal(begin(s, "done", NOW), ONCE_NEW);
	end(s, "done", "{}");
	for (int i = 0; i < 2; i++) {
		c = verb(STORE_ONCE_DROP);
		memcpy(c->in.once.key, i == 0 ? "open" : "done", 4);
		done(s, c);
	}
	assert_int_equal(begin(s, "open", NOW), ONCE_NEW);
	assert_int_equal(begin(s, "done", NOW), ONCE_DONE);
}

static void after_a_day_a_key_is_as_good_as_none(void **state)
{
	struct store *s = store_of(state);

	assert_int_equal(begin(s, "key", NOW), ONCE_NEW);
	end(s, "key", "{}");
	assert_int_equal(begin(s, "key", NOW + 500), ONCE_DONE);
	assert_int_equal(begin(s, "key", NOW + 501), ONCE_NEW);
	assert_int_equal(begin(s, "key", NOW + 502), ONCE_OPEN);
}

/* More than one sweep takes: the one that is asked for is forgotten all the same. */
static void many_old_keys_do_not_hide_that_one_is_old(void **state)
{
	struct store *s = store_of(state);
	char key[16];

	for (int i = 0; i < 40; i++) {
		assert_true(snprintf(key, sizeof(key), "key %d", i) > 0);
		assert_int_equal(begin(s, key, NOW), ONCE_NEW);
	}
	assert_int_equal(begin(s, "key 39", NOW + 501), ONCE_NEW);
	assert_int_equal(begin(s, "key 0", NOW + 501), ONCE_NEW);
	assert_int_equal(begin(s, "key 39", NOW + 502), ONCE_OPEN);
}

static void one_tenants_keys_are_not_anothers(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = begin_call("key", "request");

	assert_int_equal(begin(s, "key", NOW), ONCE_NEW);
	strcpy(c->tenant, "other");
	must(s, c);
	assert_int_equal(c->out.once.state, ONCE_NEW);
	store_call_free(c);
}

static enum err_code begin_as(struct store *s, const char *owner, const char *key,
			      int64_t now)
{
	struct store_call *c = begin_call(key, "request");
	struct err e = ERR_INIT;

	c->now_ms = now;
	c->in.once.since = now - 500;
	c->in.once.max_keys = 3;
	memcpy(c->in.once.owner, owner, strlen(owner));
	(void)!store_wait(s, c, &e);
	store_call_free(c);
	return e.code;
}

static void who_used_up_their_keys_keeps_nobody_else_from_theirs(void **state)
{
	struct store *s = store_of(state);

	assert_int_equal(begin_as(s, "one", "1", NOW), ERR_NONE);
	assert_int_equal(begin_as(s, "one", "2", NOW), ERR_NONE);
	assert_int_equal(begin_as(s, "one", "3", NOW), ERR_NONE);
	assert_int_equal(begin_as(s, "one", "4", NOW), ERR_RATE);
	assert_int_equal(begin_as(s, "one", "3", NOW), ERR_NONE); /* known */
	assert_int_equal(begin_as(s, "two", "5", NOW), ERR_NONE);
	assert_int_equal(begin_as(s, "two", "6", NOW), ERR_NONE);
	/* a day later */
	assert_int_equal(begin_as(s, "one", "4", NOW + 501), ERR_NONE);
}

#define SUITE(X)                                                                       \
	X(a_key_is_new_then_open_then_done_with_its_answer)                            \
	X(the_first_answer_stays)                                                      \
	X(what_was_not_done_is_dropped_and_what_was_done_is_not)                       \
	X(after_a_day_a_key_is_as_good_as_none)                                        \
	X(many_old_keys_do_not_hide_that_one_is_old)                                   \
	X(one_tenants_keys_are_not_anothers)                                           \
	X(who_used_up_their_keys_keeps_nobody_else_from_theirs)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("once", cases, N_ELEMS(cases));
}
