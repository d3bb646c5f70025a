/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model check of the rollout policy: every state that a small rollout can come to, by
 * anything that devices, people, a freeze and the clock can do, in any order.
 *
 * The rollout has two waves of two devices. A state holds what is stored of the rollout
 * and how many devices of each wave are where; devices of a wave are alike, so counts
 * tell all. From each state each single event leads to others, until there are no new
 * ones. In each, what the policy decides is held against rules that are written here
 * anew, from the contract and not from the code.
 */
#include "testing.h"

#include "../../server/rollout/policy.h"

#include <stdlib.h>

#define WAVES 2
#define DEVICES 2 /* of each wave */
#define NOW 1000000
#define SOAK 1000
#define MAX_STATES (1u << 21)
#define TABLE (1u << 22)

enum place {
	WAITING,
	FLYING,
	PROVEN,
	REPORTED,
	FAILED,
	SILENT,
	ABSENT,
	LEFT,
	N_PLACES
};

struct model { /* bytes only: compared and hashed as such */
	uint8_t state, reason, approvals, frozen;
	uint8_t wave[WAVES], approved[WAVES], soaked[WAVES];
	uint8_t at[WAVES][N_PLACES];
	uint8_t forgiven[WAVES][N_PLACES];
};

static struct rollout_plan plan;
static bool freezes; /* somebody may freeze and thaw at any time */

/* ---- between the model and what the policy sees ---- */

static struct wave_counts counts_of(const uint8_t at[N_PLACES])
{
	return (struct wave_counts){.members = DEVICES,
				    .in_flight = at[FLYING],
				    .proven = at[PROVEN],
				    .reported = at[REPORTED],
				    .failed = at[FAILED],
				    .silent = at[SILENT],
				    .absent = at[ABSENT],
				    .cancelled = at[LEFT]};
}

static struct rollout_progress progress_of(const struct model *m)
{
	struct rollout_progress p = {.state = (enum rollout_state)m->state,
				     .reason = (enum rollout_reason)m->reason,
				     .approvals = m->approvals};

	for (size_t w = 0; w < WAVES; w++) {
		p.waves[w].state = (enum wave_state)m->wave[w];
		p.waves[w].approved = m->approved[w] != 0;
		p.waves[w].soaking_at = m->soaked[w] ? NOW - SOAK : NOW;
		p.waves[w].counts = counts_of(m->at[w]);
		p.waves[w].forgiven = counts_of(m->forgiven[w]);
	}
	return p;
}

static void take_back(struct model *m, const struct rollout_progress *p)
{
	m->state = (uint8_t)p->state;
	m->reason = (uint8_t)p->reason;
	for (size_t w = 0; w < WAVES; w++) {
		const struct wave_counts *f = &p->waves[w].forgiven;

		m->wave[w] = (uint8_t)p->waves[w].state;
		if (m->wave[w] != WAVE_SOAKING)
			m->soaked[w] = 0;
		m->forgiven[w][PROVEN] = (uint8_t)f->proven;
		m->forgiven[w][REPORTED] = (uint8_t)f->reported;
		m->forgiven[w][FAILED] = (uint8_t)f->failed;
		m->forgiven[w][SILENT] = (uint8_t)f->silent;
		m->forgiven[w][ABSENT] = (uint8_t)f->absent;
	}
}

static void decide(const struct model *m, struct decision *d)
{
	const struct freeze f = {.on = m->frozen != 0, .reason = "why"};
	const struct rollout_progress p = progress_of(m);

	rollout_decide(&plan, &p, &f, NOW, d);
}

static void apply(struct model *m, const struct decision *d)
{
	struct rollout_progress p = progress_of(m);

	rollout_apply(&p, d, NOW);
	take_back(m, &p);
}

/* ---- the rules ---- */

static void fail_rule(const char *rule, const struct model *m, const struct decision *d)
{
	fail_msg("%s\n%s: %s\nrollout %u, waves %u %u, places %u%u%u%u%u%u%u%u "
		 "%u%u%u%u%u%u%u%u",
		 rule, decision_kind_name(d->kind), d->text, m->state, m->wave[0],
		 m->wave[1], m->at[0][0], m->at[0][1], m->at[0][2], m->at[0][3],
		 m->at[0][4], m->at[0][5], m->at[0][6], m->at[0][7], m->at[1][0],
		 m->at[1][1], m->at[1][2], m->at[1][3], m->at[1][4], m->at[1][5],
		 m->at[1][6], m->at[1][7]);
}

static int since(const struct model *m, size_t w, enum place p)
{
	int n = m->at[w][p] - m->forgiven[w][p];

	return n > 0 ? n : 0;
}

static bool all_ended(const struct model *m, size_t w)
{
	return m->at[w][WAITING] == 0 && m->at[w][FLYING] == 0;
}

static bool is_success(enum place p)
{
	return p == PROVEN || (p == REPORTED && plan.accepts == GRADE_REPORTED);
}

/* Of a wave that has ended, by the contract: are its thresholds kept? */
static bool is_kept(const struct model *m, size_t w)
{
	int bad = since(m, w, FAILED) + since(m, w, SILENT) + since(m, w, ABSENT);
	int ended = bad + since(m, w, PROVEN) + since(m, w, REPORTED);
	int unproven = is_success(REPORTED) ? 0 : since(m, w, REPORTED);
	int good = m->at[w][PROVEN] + (is_success(REPORTED) ? m->at[w][REPORTED] : 0);

	return bad * 10000 <= ended * (int)plan.waves[w].error_bp &&
	       good * 10000 >= (good + bad + unproven) * (int)plan.waves[w].success_bp;
}

static void check_start(const struct model *m, const struct decision *d)
{
	if (d->kind != DECIDE_START_WAVE)
		return;
	if (m->state != ROLLOUT_RUNNING || m->wave[d->wave] != WAVE_PENDING)
		fail_rule("only a pending wave of a running rollout starts", m, d);
	for (size_t w = 0; w < d->wave; w++) {
		if (m->wave[w] != WAVE_PASSED)
			fail_rule("a wave starts when all before it passed", m, d);
	}
	if (m->frozen)
		fail_rule("no wave starts in a freeze", m, d);
	if (plan.waves[d->wave].needs_approval && !m->approved[d->wave])
		fail_rule("no wave starts without its approval", m, d);
}

static void check_finish(const struct model *m, const struct decision *d)
{
	if (d->kind != DECIDE_FINISH)
		return;
	for (size_t w = 0; w < WAVES; w++) {
		if (m->wave[w] != WAVE_PASSED || !all_ended(m, w))
			fail_rule("it finishes when all waves passed and ended", m, d);
		if (!is_kept(m, w))
			fail_rule("it never finishes with a broken threshold", m, d);
	}
}

static void check_rest(const struct model *m, const struct decision *d)
{
	bool person = m->state == ROLLOUT_DRAFT || m->state == ROLLOUT_PAUSED ||
		      m->state == ROLLOUT_STOPPED || m->state == ROLLOUT_FINISHED;

	if (person && d->kind != DECIDE_WAIT)
		fail_rule("only a person moves what is paused, stopped or a draft", m,
			  d);
	if (m->state == ROLLOUT_AWAITING_APPROVAL && d->kind != DECIDE_WAIT &&
	    m->approvals < plan.approvals)
		fail_rule("nothing goes on without the approvals", m, d);
	if (d->text[0] == '\0')
		fail_rule("each decision has a reason in words", m, d);
}

/* Who waits for devices has some that have not ended; else it must move. */
static void check_progress(const struct model *m, const struct decision *d)
{
	bool someone = false;

	if (m->state != ROLLOUT_RUNNING || d->kind != DECIDE_WAIT)
		return;
	for (size_t w = 0; w < WAVES; w++)
		someone |= m->wave[w] != WAVE_PENDING && !all_ended(m, w);
	if (someone)
		return;
	if (d->reason == ROLLOUT_BECAUSE_SOAK && d->at != INT64_MAX)
		return; /* the clock moves it */
	if (d->reason == ROLLOUT_BECAUSE_FROZEN && m->frozen)
		return;
	if (d->reason == ROLLOUT_BECAUSE_WAVE_APPROVAL)
		return;
	fail_rule("when all have ended it goes on, finishes or pauses", m, d);
}

/* Its own moves come to rest. */
static void check_rests(struct model m)
{
	struct decision d;

	for (int i = 0; i < 12; i++) {
		decide(&m, &d);
		if (d.kind == DECIDE_WAIT)
			return;
		apply(&m, &d);
	}
	fail_rule("it goes round in circles", &m, &d);
}

/* ---- the walk ---- */

static struct model *found;
static uint32_t *table; /* index + 1 into found */
static uint32_t n_found;

static uint64_t hash(const struct model *m)
{
	const uint8_t *p = (const uint8_t *)m;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(*m); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static void visit(const struct model *m)
{
	uint64_t i = hash(m) % TABLE;

	for (; table[i] != 0; i = (i + 1) % TABLE) {
		if (memcmp(&found[table[i] - 1], m, sizeof(*m)) == 0)
			return;
	}
	assert_true(n_found < MAX_STATES);
	found[n_found++] = *m;
	table[i] = n_found;
}

static void visit_policy(const struct model *m)
{
	struct model next = *m;
	struct decision d;

	decide(m, &d);
	check_start(m, &d);
	check_finish(m, &d);
	check_rest(m, &d);
	check_progress(m, &d);
	check_rests(*m);
	if (d.kind == DECIDE_WAIT)
		return;
	apply(&next, &d);
	visit(&next);
}

static void visit_people(const struct model *m)
{
	static const enum rollout_event commands[] = {
	    ROLLOUT_EVENT_SUBMIT, ROLLOUT_EVENT_PAUSE, ROLLOUT_EVENT_RESUME,
	    ROLLOUT_EVENT_STOP};

	for (size_t i = 0; i < N_ELEMS(commands); i++) {
		struct rollout_progress p = progress_of(m);
		struct model next = *m;

		if (rollout_command(&plan, &p, commands[i], NOW, NULL) < 0)
			continue;
		take_back(&next, &p);
		visit(&next);
	}
	for (unsigned w = 0; w < WAVES; w++) {
		struct rollout_progress p = progress_of(m);
		struct model next = *m;

		if (rollout_approve_wave(&plan, &p, w, NULL) < 0)
			continue;
		next.approved[w] = 1;
		visit(&next);
	}
}

/* columns: from, to, only while its members may be offered the release */
static const struct {
	enum place from, to;
	bool offers;
} steps[] = {
    {WAITING, FLYING, true}, {WAITING, ABSENT, true}, {ABSENT, FLYING, true},
    {WAITING, LEFT, false},  {FLYING, PROVEN, false}, {FLYING, REPORTED, false},
    {FLYING, FAILED, false}, {FLYING, SILENT, false}, {FLYING, LEFT, false},
    {SILENT, PROVEN, false}, {SILENT, FAILED, false},
};

static bool may_step(const struct model *m, size_t w, size_t step)
{
	if (m->at[w][steps[step].from] == 0)
		return false;
	return !steps[step].offers ||
	       (rollout_state_offers((enum rollout_state)m->state) && !m->frozen &&
		m->wave[w] != WAVE_PENDING);
}

static void visit_devices(const struct model *m)
{
	for (size_t w = 0; w < WAVES; w++) {
		for (size_t i = 0; i < N_ELEMS(steps); i++) {
			struct model next = *m;

			if (!may_step(m, w, i))
				continue;
			next.at[w][steps[i].from]--;
			next.at[w][steps[i].to]++;
			visit(&next);
		}
	}
}

static void visit_clock(const struct model *m)
{
	struct model next = *m;

	next.frozen = freezes && !m->frozen;
	visit(&next);
	for (size_t w = 0; w < WAVES; w++) {
		next = *m;
		next.soaked[w] = m->wave[w] == WAVE_SOAKING;
		visit(&next);
	}
	next = *m;
	if (next.approvals < plan.approvals && next.state == ROLLOUT_AWAITING_APPROVAL)
		next.approvals++;
	visit(&next);
}

static void walk(void)
{
	struct model first = {.state = ROLLOUT_DRAFT};
	size_t n_finished = 0, n_paused = 0;

	found = calloc(MAX_STATES, sizeof(*found));
	table = calloc(TABLE, sizeof(*table));
	assert_non_null(found);
	assert_non_null(table);
	n_found = 0;
	for (size_t w = 0; w < WAVES; w++)
		first.at[w][WAITING] = DEVICES;
	visit(&first);
	for (uint32_t i = 0; i < n_found; i++) {
		const struct model m = found[i];

		n_finished += m.state == ROLLOUT_FINISHED;
		n_paused += m.state == ROLLOUT_PAUSED;
		visit_policy(&m);
		visit_people(&m);
		visit_devices(&m);
		visit_clock(&m);
	}
	/* it was a walk, not a step */
	assert_true(n_finished > 0 && n_paused > 0 && n_found > 10000);
	free(found);
	free(table);
}

static struct rollout_plan plan_with(uint32_t success_bp, uint32_t error_bp,
				     uint32_t min_finished, int64_t soak_ms)
{
	struct rollout_plan p = {.n_waves = WAVES, .accepts = GRADE_PROVEN};

	for (size_t w = 0; w < WAVES; w++)
		p.waves[w] = (struct wave_plan){.success_bp = success_bp,
						.error_bp = error_bp,
						.min_finished = min_finished,
						.soak_ms = soak_ms,
						.deadline_ms = 1};
	return p;
}

static void a_strict_rollout_keeps_the_rules(void **state)
{
	(void)state;
	plan = plan_with(10000, 0, 1, 0);
	freezes = true;
	walk();
	freezes = false;
}

static void a_lenient_rollout_that_is_watched_keeps_the_rules(void **state)
{
	(void)state;
	plan = plan_with(5000, 5000, 1, SOAK);
	plan.accepts = GRADE_REPORTED;
	walk();
}

static void a_rollout_with_approvals_keeps_the_rules(void **state)
{
	(void)state;
	plan = plan_with(5000, 10000, 2, 0);
	plan.approvals = 1;
	plan.waves[1].needs_approval = true;
	walk();
}

static void a_rollout_with_a_gate_keeps_the_rules(void **state)
{
	(void)state;
	plan = plan_with(5000, 10000, 2, 0);
	plan.gate = (struct gate_plan){.on = true, .alpha_bp = 500, .baseline_bp = 100};
	walk();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_strict_rollout_keeps_the_rules),
	    cmocka_unit_test(a_lenient_rollout_that_is_watched_keeps_the_rules),
	    cmocka_unit_test(a_rollout_with_approvals_keeps_the_rules),
	    cmocka_unit_test(a_rollout_with_a_gate_keeps_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
