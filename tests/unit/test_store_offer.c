/* SPDX-License-Identifier: Apache-2.0 */
/* What holds where a member is offered its release, or its user asked: limits, pins,
 * consent. Rows of the suite that every back-end runs. */
#include "rollout_fixture.h"

static void limits_hold_where_an_offer_is_made(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;
	struct store_call *c;

	make_trio(s);
	c = update_call(make_rollout(s, 50, 1));
	c->in.rollout.max_in_flight = 2;
	c->in.rollout.max_per_site = 1;
	must(s, c);
	o = c->out.rollout;
	store_call_free(c);
	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 2, 0, "north");
	fill_step(s, o.id, FILL_ADD, trio + 2, 1, 0, "");
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, o.id, RUNNING, true);
	assign_all(s, o.id);
	offer(s, "a");
	refuse_offer(s, "b", ERR_RATE); /* its site */
	offer(s, "c");			/* of no site */
	move(s, look(s, "a").member.deployment, DEPLOYMENT_CONFIRMED);
	offer(s, "b");
	assert_int_equal(look(s, "b").in_flight, 2);
	assert_int_equal(look(s, "b").in_flight_at_site, 1);
}

static void egress_is_given_out_no_faster_than_its_limit(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;
	struct store_call *c;

	make_trio(s);
	c = update_call(make_rollout(s, 50, 1));
	c->in.rollout.max_bytes_per_s = 500; /* two seconds for 1,000 bytes */
	must(s, c);
	o = c->out.rollout;
	store_call_free(c);
	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 3, 0, "");
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, o.id, RUNNING, true);
	assign_all(s, o.id);
	offer(s, "a");
	c = offer_call(s, "b");
	c->now_ms = 2999;
	must_fail(s, c, ERR_RATE);
	c->now_ms = 3000;
	must(s, c);
	store_call_free(c);
}

/* ---- asking the user ---- */

static struct store_call *question_call(struct store *s, const char *device)
{
	struct deployment d = get_deployment(s, look(s, device).member.deployment);
	struct store_call *c = move_call(&d, d.state);

	c->in.move.offered = false;
	c->in.move.asking = true;
	return c;
}

static void answer(struct store *s, const char *device, enum consent said)
{
	struct deployment d = get_deployment(s, look(s, device).member.deployment);
	struct store_call *c = move_call(&d, d.state);

	c->in.move.offered = d.offered;
	c->in.move.set_consent = true;
	c->in.move.consent = said;
	done(s, c);
}

static struct rollout asking_rollout(struct store *s)
{
	struct store_call *c;
	struct rollout o;

	make_trio(s);
	c = update_call(make_rollout(s, 50, 1));
	c->in.rollout.max_in_flight = 2;
	c->in.rollout.max_bytes_per_s = 500;
	must(s, c);
	o = c->out.rollout;
	store_call_free(c);
	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 3, 0, "");
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, o.id, RUNNING, true);
	c = assign_members(o.id, trio, 3);
	c->in.rollout_assign.needs_consent = true;
	done(s, c);
	return o;
}

static void whose_user_was_asked_is_in_flight_and_falls_silent(void **state)
{
	struct store *s = store_of(state);
	struct rollout o = asking_rollout(s);
	struct store_call *c = question_call(s, "a");

	c->now_ms = 5000;
	done(s, c);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 1);
	assert_int_equal(look(s, "a").member.offered_at, 5000);
	assert_false(get_deployment(s, look(s, "a").member.deployment).offered);
	c = verb(STORE_ROLLOUT_SWEEP);
	c->in.rollout_sweep.id = o.id;
	c->in.rollout_sweep.offered_until = 4999;
	c->in.rollout_sweep.seen_before = INT64_MIN;
	must(s, c);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 0);
	c->in.rollout_sweep.offered_until = 5000;
	must(s, c);
	store_call_free(c);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 1);
	answer(s, "a", CONSENT_GIVEN); /* late, and it counts until it ends */
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 1);
	offer(s, "a");
	move(s, look(s, "a").member.deployment, DEPLOYMENT_CONFIRMED);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 0);
	assert_int_equal(counted(s, o.id, MEMBER_REPORTED), 1);
}

static void a_question_takes_a_place_and_the_offer_after_it_no_other(void **state)
{
	struct store *s = store_of(state);
	struct rollout o = asking_rollout(s);
	struct store_call *c;

	done(s, question_call(s, "a"));
	done(s, question_call(s, "b")); /* no bytes yet: the egress does not matter */
	c = question_call(s, "c");
	must_fail(s, c, ERR_RATE);
	store_call_free(c);
	answer(s, "a", CONSENT_GIVEN);
	answer(s, "b", CONSENT_GIVEN);
	offer(s, "a");
	refuse_offer(s, "b", ERR_RATE); /* but now it does */
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 2);
}

static void whose_user_refuses_has_left_until_that_user_thinks_better(void **state)
{
	struct store *s = store_of(state);
	struct rollout o = asking_rollout(s);
	struct store_call *c;

	done(s, question_call(s, "a"));
	answer(s, "a", CONSENT_DENIED);
	assert_int_equal(counted(s, o.id, MEMBER_CANCELLED), 1);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 0);
	answer(s, "a", CONSENT_GIVEN);
	assert_int_equal(counted(s, o.id, MEMBER_CANCELLED), 0);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 1);
	answer(s, "a", CONSENT_DENIED);
	apply_state(s, o.id, STOPPED, false);
	c = verb(STORE_ROLLOUT_CANCEL);
	c->in.rollout_cancel.id = o.id;
	strcpy(c->in.rollout_cancel.detail, "stopped");
	must(s, c);
	assert_int_equal(c->n_items, 3); /* the refused one too: nothing is left open */
	store_call_free(c);
}

static void what_a_pin_or_a_pause_forbids_is_not_even_asked(void **state)
{
	struct store *s = store_of(state);
	struct rollout o = asking_rollout(s);
	struct store_call *c = verb(STORE_DEVICE_PATCH);

	strcpy(c->in.patch.id, "a");
	c->in.patch.set_pin = true;
	c->in.patch.pin = PIN_AS_IT_IS;
	done(s, c);
	c = question_call(s, "a");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	apply_state(s, o.id, PAUSED, false);
	c = question_call(s, "b");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	assert_int_equal(counted(s, o.id, MEMBER_WAITING), 3);
}

/* ---- pins ---- */

static void pin_to(struct store *s, const char *device, enum pin pin,
		   const char *release)
{
	struct store_call *c = verb(STORE_DEVICE_PATCH);

	strcpy(c->in.patch.id, device);
	c->in.patch.set_pin = true;
	c->in.patch.pin = pin;
	strcpy(c->in.patch.pin_release, release);
	done(s, c);
}

/* It came between the reading and the offer. */
static void a_pin_holds_where_an_offer_is_made(void **state)
{
	struct store *s = store_of(state);
	struct store_call *early;
	struct rollout o;

	make_trio(s);
	o = running_rollout(s, 50);
	assign_all(s, o.id);
	early = offer_call(s, "a");
	pin_to(s, "a", PIN_AS_IT_IS, "");
	must_fail(s, early, ERR_NOT_FOUND);
	pin_to(s, "a", PIN_RELEASE, "r2");
	must_fail(s, early, ERR_NOT_FOUND);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 0);
	pin_to(s, "a", PIN_RELEASE, "r1"); /* to what it is offered */
	done(s, early);
	pin_to(s, "a", PIN_AS_IT_IS, ""); /* what it was shown goes on */
	move(s, look(s, "a").member.deployment, DEPLOYMENT_CONFIRMED);
	assert_int_equal(counted(s, o.id, MEMBER_REPORTED), 1);
}

#define SUITE(X)                                                                       \
	X(limits_hold_where_an_offer_is_made)                                          \
	X(whose_user_was_asked_is_in_flight_and_falls_silent)                          \
	X(a_question_takes_a_place_and_the_offer_after_it_no_other)                    \
	X(whose_user_refuses_has_left_until_that_user_thinks_better)                   \
	X(what_a_pin_or_a_pause_forbids_is_not_even_asked)                             \
	X(a_pin_holds_where_an_offer_is_made)                                          \
	X(egress_is_given_out_no_faster_than_its_limit)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("offers", cases, N_ELEMS(cases));
}
