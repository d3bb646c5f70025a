/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of rollouts and their members: rows of the suite that every back-end runs. */
#include "store_fixture.h"

#include "../../server/fleet/filter.h"

/* States as server/rollout/policy.h numbers them. */
enum { DRAFT, RUNNING = 3, PAUSED = 4, STOPPED = 6 };

static struct rollout make_rollout(struct store *s, unsigned priority, unsigned n_waves)
{
	struct store_call *c = verb(STORE_ROLLOUT_CREATE);
	struct rollout o;
	struct err e = ERR_INIT;

	strcpy(c->in.rollout.name, "spring");
	strcpy(c->in.rollout.release, "r1");
	strcpy(c->in.rollout.author, "ann");
	c->in.rollout.priority = priority;
	c->in.rollout.n_waves = n_waves;
	c->in.rollout.payload_bytes = 1000;
	OK(buf_add_str(&c->blob, "{\"plan\":1}", &e));
	store_call_event_of(c, EVENT_ROLLOUT, NULL);
	must(s, c);
	o = c->out.rollout;
	store_call_free(c);
	return o;
}

static struct store_call *update_call(struct rollout o)
{
	struct store_call *c = verb(STORE_ROLLOUT_UPDATE);
	struct err e = ERR_INIT;

	c->in.rollout = o;
	OK(buf_add_str(&c->blob, "{}", &e));
	return c;
}

static struct rollout get_rollout(struct store *s, uint64_t id,
				  struct rollout_wave ret_waves[ROLLOUT_MAX_WAVES])
{
	struct store_call *c = verb(STORE_ROLLOUT_GET);
	struct rollout o;

	c->in.rollout_id = id;
	must(s, c);
	o = c->out.rollout;
	memcpy(ret_waves, c->items, c->n_items * sizeof(ret_waves[0]));
	store_call_free(c);
	return o;
}

static void fill_step(struct store *s, uint64_t id, enum fill_step step,
		      const char *const *devices, size_t n, unsigned wave,
		      const char *site)
{
	struct store_call *c = verb(STORE_ROLLOUT_FILL);
	struct rollout_member *m = store_call_items(c, n, sizeof(*m), NULL);

	for (size_t i = 0; i < n; i++) {
		strcpy(m[i].device, devices[i]);
		strcpy(m[i].site, site);
		m[i].wave = wave;
		m[i].place = (int64_t)i + 1;
	}
	c->in.rollout_fill.id = id;
	c->in.rollout_fill.step = step;
	done(s, c);
}

static void apply_state(struct store *s, uint64_t id, int state, bool offers)
{
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct rollout o = get_rollout(s, id, waves);
	struct store_call *c = verb(STORE_ROLLOUT_APPLY);
	struct rollout_wave *w = store_call_items(c, o.n_waves, sizeof(*w), NULL);

	for (unsigned i = 0; i < o.n_waves; i++) {
		w[i].wave = i;
		w[i].state = 1;
		w[i].started_at = w[i].clock_at = 500;
	}
	c->in.rollout_apply.id = id;
	c->in.rollout_apply.expect_revision = o.revision;
	c->in.rollout_apply.state = state;
	c->in.rollout_apply.offers = offers;
	c->in.rollout_apply.active = true;
	strcpy(c->in.rollout_apply.decision.detail, "because");
	done(s, c);
}

/* Three devices in wave 0 of a running rollout; the last is of another site. */
static const char *const trio[] = {"a", "b", "c"};

static struct rollout running_rollout(struct store *s, unsigned priority)
{
	struct rollout o = make_rollout(s, priority, 2);

	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 2, 0, "north");
	fill_step(s, o.id, FILL_ADD, trio + 2, 1, 0, "south");
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, o.id, RUNNING, true);
	return o;
}

static void make_trio(struct store *s)
{
	for (size_t i = 0; i < 3; i++)
		make_device(s, trio[i]);
	make_release(s, "r1", "1.0");
	make_release(s, "r2", "2.0");
}

static struct store_call *assign_members(uint64_t id, const char *const *devices,
					 size_t n)
{
	struct store_call *c = verb(STORE_ROLLOUT_ASSIGN);
	struct rollout_task *t = store_call_items(c, n, sizeof(*t), NULL);

	for (size_t i = 0; i < n; i++)
		strcpy(t[i].device, devices[i]);
	c->in.rollout_assign.id = id;
	return c;
}

static size_t assign_all(struct store *s, uint64_t id)
{
	struct store_call *c = assign_members(id, trio, 3);
	const struct rollout_task *t;
	size_t n = 0;

	must(s, c);
	t = c->items;
	for (size_t i = 0; i < c->n_items; i++)
		n += t[i].assigned;
	store_call_free(c);
	return n;
}

static struct rollout_look look(struct store *s, const char *device)
{
	struct store_call *c = verb(STORE_ROLLOUT_LOOK);
	struct rollout_look l;

	strcpy(c->in.rollout_look.device, device);
	must(s, c);
	l = c->out.rollout_look;
	store_call_free(c);
	return l;
}

static struct store_call *offer_call(struct store *s, const char *device)
{
	struct deployment d = get_deployment(s, look(s, device).member.deployment);
	struct store_call *c = move_call(&d, d.state);

	c->in.move.offering = true;
	return c;
}

static void offer(struct store *s, const char *device)
{
	done(s, offer_call(s, device));
}

static void refuse_offer(struct store *s, const char *device, enum err_code code)
{
	struct store_call *c = offer_call(s, device);

	must_fail(s, c, code);
	store_call_free(c);
}

static uint64_t counted(struct store *s, uint64_t id, enum member_status status)
{
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];

	(void)get_rollout(s, id, waves);
	return waves[0].counts[status];
}

/* ---- the row ---- */

static void a_rollout_begins_as_a_draft_with_its_waves(void **state)
{
	struct store *s = store_of(state);
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct store_call *c;
	struct rollout o;

	make_trio(s);
	o = make_rollout(s, 50, 3);
	assert_int_equal(o.state, DRAFT);
	assert_int_equal(o.n_waves, 3);
	o = get_rollout(s, o.id, waves);
	assert_string_equal(o.author, "ann");
	assert_int_equal(waves[2].wave, 2);
	assert_int_equal(o.membership, MEMBERSHIP_NONE);
	c = verb(STORE_ROLLOUT_GET);
	c->in.rollout_id = o.id;
	must(s, c);
	assert_string_equal(buf_str(&c->blob), "{\"plan\":1}");
	c->in.rollout_id = 99;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_rollout_needs_a_release_that_exists(void **state)
{
	struct store_call *c = verb(STORE_ROLLOUT_CREATE);
	struct err e = ERR_INIT;

	strcpy(c->in.rollout.release, "nope");
	c->in.rollout.n_waves = 1;
	OK(buf_add_str(&c->blob, "{}", &e));
	must_fail(store_of(state), c, ERR_NOT_FOUND);
	c->in.rollout.n_waves = 0;
	must_fail(store_of(state), c, ERR_LIMIT);
	store_call_free(c);
}

static void a_draft_is_changed_and_deleted_and_nothing_else_is(void **state)
{
	struct store *s = store_of(state);
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct store_call *c;
	struct rollout o;

	make_trio(s);
	o = make_rollout(s, 50, 3);
	c = update_call(o);
	c->in.rollout.n_waves = 2;
	strcpy(c->in.rollout.release, "r2");
	must(s, c);
	must_fail(s, c, ERR_PRECONDITION); /* of the old revision */
	assert_string_equal(get_rollout(s, o.id, waves).release, "r2");
	apply_state(s, o.id, RUNNING, true);
	c->in.rollout.revision = get_rollout(s, o.id, waves).revision;
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	c = verb(STORE_ROLLOUT_DELETE);
	c->in.rollout_id = o.id;
	must_fail(s, c, ERR_CONFLICT);
	c->in.rollout_id = make_rollout(s, 1, 1).id;
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_move_is_stored_with_its_reason_or_not_at_all(void **state)
{
	struct store *s = store_of(state);
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct store_call *c;
	const struct rollout_decision *d;
	struct rollout o;

	make_trio(s);
	o = make_rollout(s, 50, 1);
	apply_state(s, o.id, RUNNING, true);
	c = verb(STORE_ROLLOUT_APPLY);
	c->in.rollout_apply.id = o.id;
	c->in.rollout_apply.expect_revision = o.revision; /* the one before */
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	assert_int_equal(get_rollout(s, o.id, waves).state, RUNNING);
	assert_int_equal(waves[0].started_at, 500);
	c = verb(STORE_ROLLOUT_DECISIONS);
	c->in.page.rollout = o.id;
	must(s, c);
	d = c->items;
	assert_int_equal(c->n_items, 1);
	assert_string_equal(d[0].detail, "because");
	store_call_free(c);
}

static void two_people_approve_and_the_author_is_none_of_them(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_ROLLOUT_APPROVE);

	make_trio(s);
	c->in.rollout_approve.id = make_rollout(s, 50, 1).id;
	strcpy(c->in.rollout_approve.by, "ann");
	must_fail(s, c, ERR_FORBIDDEN);
	strcpy(c->in.rollout_approve.by, "bob");
	must(s, c);
	assert_int_equal(c->out.rollout.approvals, 1);
	must_fail(s, c, ERR_CONFLICT);
	strcpy(c->in.rollout_approve.by, "cleo");
	must(s, c);
	assert_int_equal(c->out.rollout.approvals, 2);
	store_call_free(c);
}

/* ---- members ---- */

static void an_attempt_to_choose_members_that_was_cut_is_begun_anew(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	struct rollout o;

	make_trio(s);
	o = make_rollout(s, 50, 1);
	c = verb(STORE_ROLLOUT_FILL);
	c->in.rollout_fill.id = o.id;
	c->in.rollout_fill.step = FILL_ADD;
	must_fail(s, c, ERR_PRECONDITION); /* nothing was begun */
	store_call_free(c);
	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 2, 0, "");
	assert_int_equal(counted(s, o.id, MEMBER_WAITING), 2);
	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, ""); /* after the crash */
	assert_int_equal(counted(s, o.id, MEMBER_WAITING), 0);
	fill_step(s, o.id, FILL_ADD, trio, 3, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 3, 0, ""); /* the answer was lost */
	assert_int_equal(counted(s, o.id, MEMBER_WAITING), 3);
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	c = verb(STORE_ROLLOUT_FILL);
	c->in.rollout_fill.id = o.id;
	c->in.rollout_fill.step = FILL_CLEAR;
	must_fail(s, c, ERR_PRECONDITION); /* frozen */
	store_call_free(c);
}

static void each_member_is_assigned_exactly_once(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;
	struct deployment d;

	make_trio(s);
	o = running_rollout(s, 50);
	assert_int_equal(assign_all(s, o.id), 3);
	assert_int_equal(assign_all(s, o.id), 0); /* after a crash, once more */
	d = get_deployment(s, look(s, "b").member.deployment);
	assert_int_equal(d.rollout, o.id);
	assert_int_equal(d.wave, 0);
	assert_string_equal(d.release, "r1");
	assert_false(d.offered);
	assert_int_equal(counted(s, o.id, MEMBER_WAITING), 3);
}

static void members_follow_their_deployments_and_are_counted_with_them(void **state)
{
	struct store *s = store_of(state);
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct rollout o;
	struct deployment d;
	struct store_call *c;

	make_trio(s);
	o = running_rollout(s, 50);
	assign_all(s, o.id);
	for (size_t i = 0; i < 3; i++)
		offer(s, trio[i]);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 3);
	assert_int_equal(look(s, "a").member.offered_at, 1000);
	move(s, look(s, "a").member.deployment, DEPLOYMENT_INSTALLING);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 3);
	d = get_deployment(s, look(s, "a").member.deployment);
	c = move_call(&d, DEPLOYMENT_CONFIRMED);
	c->in.move.grade = GRADE_PROVEN;
	done(s, c);
	move(s, look(s, "b").member.deployment, DEPLOYMENT_ROLLED_BACK);
	c = verb(STORE_DEVICE_DELETE);
	strcpy(c->in.device_id, "c");
	done(s, c);
	o = get_rollout(s, o.id, waves);
	assert_int_equal(waves[0].counts[MEMBER_PROVEN], 1);
	assert_int_equal(waves[0].counts[MEMBER_ROLLED_BACK], 1);
	assert_int_equal(waves[0].counts[MEMBER_CANCELLED], 1);
	assert_int_equal(waves[0].counts[MEMBER_IN_FLIGHT], 0);
	assert_int_equal(o.n_members, 3);
	assert_int_equal(o.n_succeeded, 1);
	assert_int_equal(o.n_ended, 2);
}

static void what_a_person_assigns_goes_before_and_takes_the_member_out(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;

	make_trio(s);
	o = running_rollout(s, 100);
	assign(s, "a", "r2");
	assert_int_equal(assign_all(s, o.id), 2); /* a waits */
	assert_int_equal(look(s, "a").member.deployment, 0);
	assign(s, "b", "r2");
	assert_int_equal(look(s, "b").member.status, MEMBER_CANCELLED);
	assert_int_equal(counted(s, o.id, MEMBER_CANCELLED), 1);
}

static void of_two_rollouts_the_higher_priority_wins_a_device(void **state)
{
	struct store *s = store_of(state);
	struct rollout low, high, equal;
	struct store_call *c;

	make_trio(s);
	low = running_rollout(s, 10);
	assign_all(s, low.id);
	c = update_call(make_rollout(s, 20, 2));
	strcpy(c->in.rollout.release, "r2");
	must(s, c);
	high = c->out.rollout;
	store_call_free(c);
	fill_step(s, high.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, high.id, FILL_ADD, trio, 3, 0, "");
	fill_step(s, high.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, high.id, RUNNING, true);
	assert_int_equal(assign_all(s, high.id), 3);
	assert_int_equal(counted(s, low.id, MEMBER_CANCELLED), 3);
	assert_int_equal(look(s, "a").rollout.id, high.id);
	equal = running_rollout(s, 20);
	assert_int_equal(assign_all(s, equal.id), 0); /* who came first stays */
}

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

static void paused_nothing_new_is_offered_and_nothing_assigned(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;
	struct store_call *c;

	make_trio(s);
	o = running_rollout(s, 50);
	c = assign_members(o.id, trio, 1);
	done(s, c);
	apply_state(s, o.id, PAUSED, false);
	refuse_offer(s, "a", ERR_CONFLICT);
	c = assign_members(o.id, trio + 1, 1);
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
}

static void sweep(struct store *s, uint64_t id, int64_t offered_until,
		  int64_t seen_before)
{
	struct store_call *c = verb(STORE_ROLLOUT_SWEEP);

	c->in.rollout_sweep.id = id;
	c->in.rollout_sweep.offered_until = offered_until;
	c->in.rollout_sweep.seen_before = seen_before;
	must(s, c);
	assert_false(c->more);
	store_call_free(c);
}

static void who_is_silent_is_counted_so_until_it_ends(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;

	make_trio(s);
	o = running_rollout(s, 50);
	assign_all(s, o.id);
	offer(s, "a"); /* at 1000 */
	sweep(s, o.id, 999, INT64_MIN);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 0);
	sweep(s, o.id, 1000, 600); /* none of them was seen since 600 */
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 1);
	assert_int_equal(counted(s, o.id, MEMBER_ABSENT), 2);
	move(s, look(s, "a").member.deployment, DEPLOYMENT_DOWNLOADING);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 1);
	move(s, look(s, "a").member.deployment, DEPLOYMENT_CONFIRMED);
	assert_int_equal(counted(s, o.id, MEMBER_SILENT), 0);
	assert_int_equal(counted(s, o.id, MEMBER_REPORTED), 1);
	offer(s, "b"); /* came back */
	assert_int_equal(counted(s, o.id, MEMBER_ABSENT), 1);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 1);
}

static void a_stop_cancels_what_was_not_shown_and_the_rest_by_choice(void **state)
{
	struct store *s = store_of(state);
	struct rollout o;
	struct store_call *c;

	make_trio(s);
	o = running_rollout(s, 50);
	assign_all(s, o.id);
	offer(s, "a");
	apply_state(s, o.id, STOPPED, false);
	c = verb(STORE_ROLLOUT_CANCEL);
	c->in.rollout_cancel.id = o.id;
	strcpy(c->in.rollout_cancel.detail, "stopped");
	must(s, c);
	assert_int_equal(c->n_items, 2);
	assert_int_equal(counted(s, o.id, MEMBER_CANCELLED), 2);
	assert_int_equal(counted(s, o.id, MEMBER_IN_FLIGHT), 1);
	c->in.rollout_cancel.shown = true;
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_int_equal(get_deployment(s, look(s, "a").member.deployment).state,
			 DEPLOYMENT_CANCELLING);
	store_call_free(c);
	c = verb(STORE_ROLLOUT_ACTIVE);
	must(s, c);
	assert_int_equal(c->n_items, 0); /* nothing is left to be done */
	store_call_free(c);
}

static void candidates_come_by_filter_with_their_strata_and_waves(void **state)
{
	struct store *s = store_of(state);
	static struct filter all, some;
	struct store_call *c = verb(STORE_ROLLOUT_CANDIDATES);
	const struct rollout_candidate *d;
	struct rollout o;
	struct err e = ERR_INIT;

	make_trio(s);
	o = running_rollout(s, 50);
	make_device(s, "d");
	OK(filter_parse("id!=a", &all, &e));
	OK(filter_parse("id==c,id==d", &some, &e));
	c->in.rollout_query.selection = &all;
	c->in.rollout_query.waves[3] = &some;
	strcpy(c->in.rollout_query.stratify_by, "attribute.rack");
	c->in.rollout_query.limit = 2;
	must(s, c);
	d = c->items;
	assert_int_equal(c->n_items, 2);
	assert_true(c->more);
	assert_string_equal(d[0].id, "b");
	assert_int_equal(d[0].matches, 0);
	assert_int_equal(d[1].matches, 1u << 3);
	assert_string_equal(d[1].stratum, "");
	strcpy(c->in.rollout_query.after, "c");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	c->in.rollout_query.after[0] = '\0';
	c->in.rollout_query.not_of = o.id;
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((struct rollout_candidate *)c->items)[0].id, "d");
	c->in.rollout_query.not_of = 0;
	c->in.rollout_query.members_of = o.id;
	must(s, c);
	assert_int_equal(c->n_items, 2);
	store_call_free(c);
}

static void members_are_listed_by_wave_and_status(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_ROLLOUT_MEMBERS);
	struct rollout o;

	make_trio(s);
	o = running_rollout(s, 50);
	assign_all(s, o.id);
	offer(s, "b");
	c->in.rollout_members.id = o.id;
	c->in.rollout_members.wave = -1;
	c->in.rollout_members.status = MEMBER_IN_FLIGHT;
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((struct rollout_member *)c->items)[0].device, "b");
	c->in.rollout_members.status = -1;
	c->in.rollout_members.wave = 1;
	must(s, c);
	assert_int_equal(c->n_items, 0);
	c->in.rollout_members.wave = 0;
	c->in.rollout_members.limit = 2;
	must(s, c);
	assert_true(c->more);
	store_call_free(c);
}

static void an_engine_that_lost_the_lead_writes_nothing(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_LEAD_TAKE);
	uint64_t first;

	make_trio(s);
	strcpy(c->in.lead.holder, "one");
	c->in.lead.lease_ms = 100;
	must(s, c);
	first = c->out.epoch;
	must(s, c); /* renewed */
	assert_int_equal(c->out.epoch, first);
	strcpy(c->in.lead.holder, "two");
	must_fail(s, c, ERR_CONFLICT);
	c->now_ms = 1100;
	must(s, c); /* the lease ran out */
	assert_int_equal(c->out.epoch, first + 1);
	strcpy(c->in.lead.holder, "three");
	c->in.lead.force = true;
	must(s, c);
	assert_int_equal(c->out.epoch, first + 2);
	store_call_free(c);
	c = verb(STORE_ROLLOUT_FILL);
	c->in.rollout_fill.id = make_rollout(s, 1, 1).id;
	c->in.rollout_fill.step = FILL_CLEAR;
	c->in.rollout_fill.epoch = first;
	must_fail(s, c, ERR_PRECONDITION);
	c->in.rollout_fill.epoch = first + 2;
	must(s, c);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(a_rollout_begins_as_a_draft_with_its_waves)                                  \
	X(a_rollout_needs_a_release_that_exists)                                       \
	X(a_draft_is_changed_and_deleted_and_nothing_else_is)                          \
	X(a_move_is_stored_with_its_reason_or_not_at_all)                              \
	X(two_people_approve_and_the_author_is_none_of_them)                           \
	X(an_attempt_to_choose_members_that_was_cut_is_begun_anew)                     \
	X(each_member_is_assigned_exactly_once)                                        \
	X(members_follow_their_deployments_and_are_counted_with_them)                  \
	X(what_a_person_assigns_goes_before_and_takes_the_member_out)                  \
	X(of_two_rollouts_the_higher_priority_wins_a_device)                           \
	X(limits_hold_where_an_offer_is_made)                                          \
	X(whose_user_was_asked_is_in_flight_and_falls_silent)                          \
	X(a_question_takes_a_place_and_the_offer_after_it_no_other)                    \
	X(whose_user_refuses_has_left_until_that_user_thinks_better)                   \
	X(what_a_pin_or_a_pause_forbids_is_not_even_asked)                             \
	X(a_pin_holds_where_an_offer_is_made)                                          \
	X(egress_is_given_out_no_faster_than_its_limit)                                \
	X(paused_nothing_new_is_offered_and_nothing_assigned)                          \
	X(who_is_silent_is_counted_so_until_it_ends)                                   \
	X(a_stop_cancels_what_was_not_shown_and_the_rest_by_choice)                    \
	X(candidates_come_by_filter_with_their_strata_and_waves)                       \
	X(members_are_listed_by_wave_and_status)                                       \
	X(an_engine_that_lost_the_lead_writes_nothing)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("rollouts", cases, N_ELEMS(cases));
}
