/* SPDX-License-Identifier: Apache-2.0 */
/* Devices kept in memory: what is answered from it, what is forgotten when, how much fits.
 * That every verb of the store forgets what it changes is checked by must() in the store's
 * own suites. */
#include "store_fixture.h"

#include "../../server/store/device_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- the cache alone: the test is the back-end ---- */

static struct store_call *ask(const char *tenant, const char *token)
{
	struct store_call *c = verb(STORE_DEVICE_BY_TOKEN);

	strcpy(c->tenant, tenant);
	memcpy(c->in.hash, token, strlen(token));
	return c;
}

static bool is_kept(struct device_cache *k, const char *tenant, const char *token,
		    struct device *ret)
{
	struct store_call *c = ask(tenant, token);
	bool kept = device_cache_answer(k, c);

	*ret = c->out.device;
	store_call_free(c);
	return kept;
}

static void keep(struct device_cache *k, const char *tenant, const char *token,
		 const struct device *d)
{
	struct store_call *c = ask(tenant, token);

	assert_false(device_cache_answer(k, c));
	c->out.device = *d;
	device_cache_end(c);
	store_call_free(c);
}

static struct device a_device(const char *id)
{
	struct device d = {.revision = UINT64_MAX,
			   .grade = GRADE_PROVEN,
			   .security_floor = 3,
			   .wants_attributes = true,
			   .open_deployment = 100001};

	strcpy(d.id, id);
	strcpy(d.version, "1.2.3");
	return d;
}

/* A write of `v` that ends with `code`; `id` goes where the verb has its device. */
static void write_of(struct device_cache *k, enum store_verb v, enum err_code code)
{
	struct store_call *c = verb(v);
	struct rollout_task *t;

	strcpy(c->in.device_id, "one");
	assert_false(device_cache_answer(k, c));
	if (v == STORE_DEPLOYMENT_MOVE)
		strcpy(c->out.deployment.device, "one");
	if (v == STORE_ROLLOUT_ASSIGN) {
		t = store_call_items(c, 2, sizeof(*t), NULL);
		strcpy(t[0].device, "three");
		strcpy(t[1].device, "one");
	}
	if (code != ERR_NONE)
		(void)err_set(&c->err, code, "as asked");
	device_cache_end(c);
	store_call_free(c);
}

static struct device_cache *new_cache(size_t max_bytes)
{
	struct err e = ERR_INIT;
	struct device_cache *k = device_cache_new(max_bytes, NULL, &e);

	assert_non_null(k);
	return k;
}

static void a_device_comes_back_as_it_was_in_its_own_tenant(void **state)
{
	struct device_cache *k = new_cache(1 << 20);
	struct device d, got;

	(void)state;
	d = a_device("one");
	memset(d.slots, 'x', sizeof(d.slots) - 1);
	keep(k, "default", "token", &d);
	assert_true(is_kept(k, "default", "token", &got));
	assert_memory_equal(&got, &d, sizeof(d));
	assert_false(is_kept(k, "other", "token", &got));
	assert_false(is_kept(k, "default", "token2", &got));
	device_cache_free(k);
}

/* No run of zeros in it, and nothing but runs: the worst that packing may meet. */
static void a_device_of_any_bytes_comes_back(void **state)
{
	struct device_cache *k = new_cache(1 << 20);
	struct device d, got;
	char token[16];

	(void)state;
	for (unsigned period = 1; period < 12; period++) {
		for (size_t i = 0; i < sizeof(d); i++)
			((uint8_t *)&d)[i] = i % period == 0 ? 1 : 0;
		memset(d.id, 0, sizeof(d.id));
		strcpy(d.id, "any");
		snprintf(token, sizeof(token), "token%u", period);
		keep(k, "default", token, &d);
		assert_true(is_kept(k, "default", token, &got));
		assert_memory_equal(&got, &d, sizeof(d));
	}
	device_cache_free(k);
}

static void a_write_forgets_what_it_may_have_changed_and_no_more(void **state)
{
	static const struct {
		enum store_verb verb;
		enum err_code code;
		bool one_stays, two_stays;
	} rows[] = {
	    {STORE_DEVICE_SET_ATTRIBUTES, ERR_NONE, false, true},
	    {STORE_DEVICE_PATCH, ERR_NONE, false, true},
	    {STORE_DEVICE_SET_TOKEN, ERR_NONE, false, true},
	    {STORE_DEVICE_DELETE, ERR_NONE, false, true},
	    {STORE_DEPLOYMENT_ASSIGN, ERR_NONE, false, true},
	    {STORE_DEPLOYMENT_MOVE, ERR_NONE, false, true},
	    {STORE_ROLLOUT_ASSIGN, ERR_NONE, false, true},
	    {STORE_JOB_STEP, ERR_NONE, false, false},
	    {STORE_RELEASE_CANCEL, ERR_NONE, false, false},
	    {STORE_PERSON_CREATE, ERR_NONE, false, false}, /* has no row */
	    {STORE_DEVICE_SEEN, ERR_NONE, true, true},
	    {STORE_SESSION_TOUCH, ERR_NONE, true, true},
	    /* refused: nothing was changed */
	    {STORE_DEPLOYMENT_MOVE, ERR_PRECONDITION, true, true},
	    {STORE_JOB_STEP, ERR_TIMEOUT, true, true},
	    /* nobody knows what was */
	    {STORE_DEPLOYMENT_MOVE, ERR_IO, false, false},
	    {STORE_DEVICE_PATCH, ERR_INTERNAL, false, false},
	};
	const struct device one = a_device("one"), two = a_device("two");
	struct device got;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct device_cache *k = new_cache(1 << 20);

		keep(k, "default", "token one", &one);
		keep(k, "default", "token two", &two);
		write_of(k, rows[i].verb, rows[i].code);
		if (is_kept(k, "default", "token one", &got) != rows[i].one_stays ||
		    is_kept(k, "default", "token two", &got) != rows[i].two_stays)
			fail_msg("row %zu (%s)", i, store_verb_name(rows[i].verb));
		device_cache_free(k);
	}
}

static void what_was_read_while_something_was_written_is_not_kept(void **state)
{
	struct device_cache *k = new_cache(1 << 20);
	const struct device one = a_device("one");
	struct store_call *c = ask("default", "token");
	struct device got;

	(void)state;
	assert_false(device_cache_answer(k, c)); /* the read begins */
	write_of(k, STORE_DEVICE_PATCH, ERR_NONE);
	c->out.device = one;
	device_cache_end(c);
	store_call_free(c);
	assert_false(is_kept(k, "default", "token", &got));
	keep(k, "default", "token", &one);
	assert_true(is_kept(k, "default", "token", &got));
	device_cache_free(k);
}

/* The token's first byte chooses the part, of which each has a share. */
static void the_device_unused_for_the_longest_goes_first(void **state)
{
	struct device_cache *k = new_cache(64 * 2000);
	struct device got;
	char token[16];
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct device d;

		snprintf(token, sizeof(token), "t%u", i);
		d = a_device(token);
		keep(k, "default", token, &d);
		assert_true(is_kept(k, "default", "t0", &got)); /* in use */
	}
	for (unsigned i = 0; i < 300; i++) {
		snprintf(token, sizeof(token), "t%u", i);
		n += is_kept(k, "default", token, &got);
	}
	assert_in_range(n, 3, 20);
	assert_true(is_kept(k, "default", "t299", &got));
	assert_false(is_kept(k, "default", "t1", &got));
	device_cache_free(k);
}

static void a_read_that_failed_or_of_a_scope_is_not_kept(void **state)
{
	struct device_cache *k = new_cache(1 << 20);
	struct store_call *c = ask("default", "token");
	struct device got;

	(void)state;
	assert_false(device_cache_answer(k, c));
	c->out.device = a_device("one");
	(void)err_set(&c->err, ERR_NOT_FOUND, "it is not there");
	device_cache_end(c);
	store_call_free(c);
	assert_false(is_kept(k, "default", "token", &got));
	c = ask("default", "token");
	strcpy(c->scope, " plant ");
	assert_false(device_cache_answer(k, c));
	c->out.device = a_device("one");
	device_cache_end(c);
	store_call_free(c);
	assert_false(is_kept(k, "default", "token", &got));
	device_cache_free(k);
}

/* ---- in a store ---- */

static void a_token_that_was_replaced_ends_at_once(void **state)
{
	struct store *s = store_of(state);
	struct device d;
	struct store_call *c = verb(STORE_DEVICE_SET_TOKEN);

	make_device(s, "a");
	assert_int_equal(poll_as(s, "a", &d), ERR_NONE);
	assert_int_equal(poll_as(s, "a", &d), ERR_NONE);
	strcpy(c->in.device_token.id, "a");
	memset(c->in.device_token.token_hash, 7, SHA256_LEN);
	done(s, c);
	assert_int_equal(poll_as(s, "a", &d), ERR_NOT_FOUND);
}

static void a_device_is_told_of_its_deployment_at_its_next_poll(void **state)
{
	struct store *s = store_of(state);
	struct device d;
	uint64_t id;

	make_device(s, "a");
	make_release(s, "0123456789abcdef", "1.0.0");
	assert_int_equal(poll_as(s, "a", &d), ERR_NONE);
	assert_int_equal(d.open_deployment, 0);
	id = assign(s, "a", "0123456789abcdef");
	assert_int_equal(poll_as(s, "a", &d), ERR_NONE);
	assert_int_equal(d.open_deployment, id);
	move(s, id, DEPLOYMENT_CONFIRMED);
	assert_int_equal(poll_as(s, "a", &d), ERR_NONE);
	assert_int_equal(d.open_deployment, 0);
}

int main(void)
{
	const struct CMUnitTest alone[] = {
	    cmocka_unit_test(a_device_comes_back_as_it_was_in_its_own_tenant),
	    cmocka_unit_test(a_device_of_any_bytes_comes_back),
	    cmocka_unit_test(a_write_forgets_what_it_may_have_changed_and_no_more),
	    cmocka_unit_test(what_was_read_while_something_was_written_is_not_kept),
	    cmocka_unit_test(the_device_unused_for_the_longest_goes_first),
	    cmocka_unit_test(a_read_that_failed_or_of_a_scope_is_not_kept),
	};
	const struct CMUnitTest stored[] = {
	    cmocka_unit_test(a_token_that_was_replaced_ends_at_once),
	    cmocka_unit_test(a_device_is_told_of_its_deployment_at_its_next_poll),
	};

	return cmocka_run_group_tests(alone, NULL, NULL) +
	       store_run_everywhere("device cache", stored, N_ELEMS(stored));
}
