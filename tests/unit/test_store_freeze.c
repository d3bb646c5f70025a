/* SPDX-License-Identifier: Apache-2.0 */
/* The freeze's verbs, a row of the suite that every back-end runs. */
#include "store_fixture.h"

static void freeze(struct store *s, const char *reason, bool cancel_running)
{
	struct store_call *c = verb(STORE_FREEZE_PUT);

	strcpy(c->in.freeze.reason, reason);
	strcpy(c->in.freeze.by, "ann");
	c->in.freeze.cancel_running = cancel_running;
	store_call_event_of(c, EVENT_FREEZE, NULL);
	done(s, c);
}

static void show_device(struct store *s, uint64_t id, enum err_code code)
{
	struct deployment d = get_deployment(s, id);
	struct store_call *c = move_call(&d, d.state);

	c->in.move.offering = true;
	if (code == ERR_NONE)
		must(s, c);
	else
		must_fail(s, c, code);
	store_call_free(c);
}

static void a_freeze_keeps_who_why_and_since_when(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_FREEZE_GET);

	must(s, c);
	assert_false(c->out.freeze.on);
	freeze(s, "brown-out", false);
	must(s, c);
	assert_true(c->out.freeze.on);
	assert_string_equal(c->out.freeze.reason, "brown-out");
	assert_string_equal(c->out.freeze.by, "ann");
	assert_int_equal(c->out.freeze.since, 1000);
	assert_false(c->out.freeze.cancel_running);
	store_call_free(c);
	c = verb(STORE_FREEZE_PUT);
	c->now_ms = 2000;
	strcpy(c->in.freeze.reason, "still");
	must(s, c);
	assert_string_equal(c->out.freeze.reason, "still");
	assert_int_equal(c->out.freeze.since, 1000);
	store_call_free(c);
}

static void frozen_nothing_is_assigned_and_nothing_new_is_shown(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	uint64_t shown, waiting;

	make_device(s, "a");
	make_device(s, "b");
	make_release(s, "r1", "1.0");
	shown = assign(s, "a", "r1");
	waiting = assign(s, "b", "r1");
	show_device(s, shown, ERR_NONE);
	freeze(s, "stop", false);
	show_device(s, waiting, ERR_FROZEN);
	assert_false(get_deployment(s, waiting).offered);
	assert_true(get_deployment(s, waiting).frozen);
	move(s, shown, DEPLOYMENT_CONFIRMED); /* what runs goes on */
	c = assign_call("a", "r1");
	must_fail(s, c, ERR_FROZEN);
	store_call_free(c);
	done(s, verb(STORE_FREEZE_DELETE));
	assert_false(get_deployment(s, waiting).frozen);
	show_device(s, waiting, ERR_NONE);
	assign(s, "a", "r1");
}

static void the_end_of_a_freeze_is_remembered(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_FREEZE_DELETE);

	freeze(s, "stop", false);
	c->now_ms = 5000;
	done(s, c);
	c = verb(STORE_FREEZE_GET);
	must(s, c);
	assert_false(c->out.freeze.on);
	assert_int_equal(c->out.freeze.ended_at, 5000);
	store_call_free(c);
	c = verb(STORE_FREEZE_PUT);
	c->now_ms = 7000;
	must(s, c);
	assert_int_equal(c->out.freeze.since, 7000);
	store_call_free(c);
}

static void a_thaw_of_nothing_says_so(void **state)
{
	struct store_call *c = verb(STORE_FREEZE_DELETE);

	must_fail(store_of(state), c, ERR_NOT_FOUND);
	store_call_free(c);
}

#define N_MANY (FREEZE_CANCEL_BATCH + 50)

static void what_runs_is_cancelled_batch_by_batch_and_the_rest_is_left(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_FREEZE_CANCEL);
	uint64_t ids[N_MANY], unseen;
	char id[16];

	make_release(s, "r1", "1.0");
	for (int i = 0; i < N_MANY; i++) {
		(void)snprintf(id, sizeof(id), "dev-%03d", i);
		make_device(s, id);
		ids[i] = assign(s, id, "r1");
		show_device(s, ids[i], ERR_NONE);
	}
	make_device(s, "unseen");
	unseen = assign(s, "unseen", "r1");
	must_fail(s, c, ERR_CONFLICT); /* not frozen */
	freeze(s, "stop", false);
	must_fail(s, c, ERR_CONFLICT); /* what runs may finish */
	freeze(s, "stop", true);
	must(s, c);
	assert_int_equal(c->n_items, FREEZE_CANCEL_BATCH);
	assert_true(c->more);
	strcpy(c->in.device_id, ((struct frozen_out *)c->items)[c->n_items - 1].device);
	must(s, c);
	assert_int_equal(c->n_items, 50);
	assert_false(c->more);
	assert_int_equal(get_deployment(s, ids[0]).state, DEPLOYMENT_CANCELLING);
	assert_string_equal(get_deployment(s, ids[N_MANY - 1]).detail, "frozen: stop");
	assert_int_equal(get_deployment(s, unseen).state, DEPLOYMENT_ASSIGNED);
	c->in.device_id[0] = '\0';
	must(s, c); /* again: nothing is left to do */
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

static void one_tenants_freeze_is_not_anothers(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_FREEZE_GET);

	freeze(s, "stop", false);
	strcpy(c->tenant, "other");
	must(s, c);
	assert_false(c->out.freeze.on);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(a_freeze_keeps_who_why_and_since_when)                                       \
	X(frozen_nothing_is_assigned_and_nothing_new_is_shown)                         \
	X(the_end_of_a_freeze_is_remembered)                                           \
	X(a_thaw_of_nothing_says_so)                                                   \
	X(what_runs_is_cancelled_batch_by_batch_and_the_rest_is_left)                  \
	X(one_tenants_freeze_is_not_anothers)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("freeze", cases, N_ELEMS(cases));
}
