/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of rollouts and their members: rows of the suite that every back-end runs. */
#include "rollout_fixture.h"

#include "../../server/fleet/filter.h"

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

#define LATER_MS ((int64_t)86400000)

static void a_lease_that_a_clock_ahead_took_holds_nobody_up(void **state)
{
	static const struct {
		int64_t now;
		enum err_code code;
	} rows[] = {
	    {LATER_MS, ERR_CONFLICT},	    /* it is held */
	    {LATER_MS - 100, ERR_CONFLICT}, /* a clock a little behind the holder's */
	    {LATER_MS - 101, ERR_NONE},	    /* no lease is that long */
	};
	struct store *s = store_of(state);

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct store_call *c = verb(STORE_LEAD_TAKE);

		strcpy(c->in.lead.holder, "ahead");
		c->in.lead.lease_ms = 100;
		c->in.lead.force = true;
		c->now_ms = LATER_MS;
		must(s, c);
		strcpy(c->in.lead.holder, "right");
		c->in.lead.force = false;
		c->now_ms = rows[i].now;
		if (rows[i].code == ERR_NONE)
			must(s, c);
		else
			must_fail(s, c, rows[i].code);
		store_call_free(c);
	}
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
	X(paused_nothing_new_is_offered_and_nothing_assigned)                          \
	X(who_is_silent_is_counted_so_until_it_ends)                                   \
	X(a_stop_cancels_what_was_not_shown_and_the_rest_by_choice)                    \
	X(candidates_come_by_filter_with_their_strata_and_waves)                       \
	X(members_are_listed_by_wave_and_status)                                       \
	X(a_lease_that_a_clock_ahead_took_holds_nobody_up)                             \
	X(an_engine_that_lost_the_lead_writes_nothing)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("rollouts", cases, N_ELEMS(cases));
}
