/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, as the databases have it. */
#include "fleet_fixture.h"

#define RELEASE "00000000000000aa"
#define OTHER "00000000000000bb"

static void fail_with(struct store *s, const char *device, const char *release,
		      enum deployment_state to, const char *detail, int64_t at)
{
	uint64_t id = assign(s, device, release);
	struct deployment d = get_deployment(s, id);
	struct store_call *c = move_call(&d, to);

	c->now_ms = at;
	c->in.move.device.set_state = true;
	c->in.move.device.state =
	    to == DEPLOYMENT_ROLLED_BACK ? DEVICE_ROLLED_BACK : DEVICE_FAILED;
	strcpy(c->in.move.detail, detail);
	done(s, c);
}

static struct store_call *failures(struct store *s, int64_t since, const char *release)
{
	struct store_call *c = verb(STORE_FAILURE_LIST);

	c->in.failures.since = since;
	strcpy(c->in.failures.release, release);
	must(s, c);
	return c;
}

static void devices_that_failed_alike_are_counted_and_the_mended_are_not(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	const struct failure *f;

	five_devices(s);
	make_release(s, RELEASE, "3.0");
	make_release(s, OTHER, "4.0");
	fail_with(s, "a", RELEASE, DEPLOYMENT_FAILED, "no space", NOW);
	fail_with(s, "b", RELEASE, DEPLOYMENT_ROLLED_BACK, "health check failed", NOW);
	fail_with(s, "d", RELEASE, DEPLOYMENT_FAILED, "no space", NOW);
	fail_with(s, "e", OTHER, DEPLOYMENT_FAILED, "no space", NOW - HOUR);
	fail_with(s, "c", RELEASE, DEPLOYMENT_FAILED, "no space", NOW);
	move(s, assign(s, "c", OTHER), DEPLOYMENT_CONFIRMED);

	c = failures(s, 0, "");
	assert_int_equal(c->n_items, 4);
	assert_false(c->more);
	store_call_free(c);
	c = failures(s, NOW, RELEASE);
	assert_int_equal(c->n_items, 3);
	f = c->items;
	assert_string_equal(f[0].release, RELEASE);
	assert_string_equal(f[0].version, "3.0");
	assert_int_equal(f[0].n_devices, 1);
	assert_int_equal(f[0].last_at, NOW);
	store_call_free(c);
	c = failures(s, 0, OTHER);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((const struct failure *)c->items)->device, "e");
	store_call_free(c);
	must_select(s, "deployment.detail=='no *'", "a d e");
}

static void another_tenants_failures_are_not_there(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_FAILURE_LIST);

	five_devices(s);
	make_release(s, RELEASE, "3.0");
	fail_with(s, "a", RELEASE, DEPLOYMENT_FAILED, "no space", NOW);
	strcpy(c->tenant, "another");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

static void evidence_wants_steps_of_some_length(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_ROLLOUT_EVIDENCE);

	c->in.evidence.rollout = 1;
	must_fail(s, c, ERR_INTERNAL);
	c->in.evidence.step_ms = 1000;
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(
		devices_that_failed_alike_are_counted_and_the_mended_are_not),
	    cmocka_unit_test(another_tenants_failures_are_not_there),
	    cmocka_unit_test(evidence_wants_steps_of_some_length),
	};

	return store_run_everywhere("store_failure", cases, N_ELEMS(cases));
}
