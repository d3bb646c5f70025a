/* SPDX-License-Identifier: Apache-2.0 */
/* One rule a function; rollout_decide() asks them in the order that policy.h states. */
#include "tally.h"

#include "../../common/base/text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

typedef unsigned long long ull;

struct view { /* what the rules look at */
	const struct rollout_plan *plan;
	const struct rollout_progress *p;
	const struct freeze *freeze;
	int64_t now;
	struct tally tallies[PLAN_MAX_WAVES];
};

/* ---- saying it ---- */

/* The longest text that is put in is a freeze's reason, half of the room. */
static void say(struct decision *d, enum decision_kind kind, enum rollout_reason reason,
		const char *fmt, ...) PRINTF_LIKE(4, 5);

static void say(struct decision *d, enum decision_kind kind, enum rollout_reason reason,
		const char *fmt, ...)
{
	va_list ap;

	d->kind = kind;
	d->reason = reason;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
}

struct share {
	char text[SHARE_TEXT_LEN + 1];
};

static struct share share_of(uint64_t part, uint64_t whole)
{
	struct share s;

	share_format(whole == 0 ? PLAN_ALL_BP : part * PLAN_ALL_BP / whole, s.text);
	return s;
}

static struct share share_bp(uint32_t bp)
{
	struct share s;

	share_format(bp, s.text);
	return s;
}

/* ---- what stops it ---- */

static bool broken_by_errors(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];
	const struct wave_counts *c = &v->p->waves[i].counts;

	if (!t->errors)
		return false;
	say(d, DECIDE_PAUSE, ROLLOUT_BECAUSE_ERRORS,
	    "wave %u: %llu of %llu devices that ended failed, %s where %s is borne "
	    "(%llu failed, %llu rolled back, %llu silent, %llu absent)",
	    i + 1, (ull)t->bad, (ull)t->ended, share_of(t->bad, t->ended).text,
	    share_bp(v->plan->waves[i].error_bp).text, (ull)c->failed,
	    (ull)c->rolled_back, (ull)c->silent, (ull)c->absent);
	return true;
}

static bool broken_by_reach(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];

	if (!t->out_of_reach)
		return false;
	say(d, DECIDE_PAUSE, ROLLOUT_BECAUSE_OUT_OF_REACH,
	    "wave %u: %s success cannot be reached any more: of %llu devices %llu "
	    "succeeded, %llu failed, %llu ended without the accepted proof, %llu are "
	    "left",
	    i + 1, share_bp(v->plan->waves[i].success_bp).text, (ull)t->members,
	    (ull)t->succeeded, (ull)t->bad, (ull)t->unproven, (ull)t->waiting);
	return true;
}

static bool is_started(const struct view *v, unsigned i)
{
	return v->p->waves[i].state != WAVE_PENDING;
}

/* To two digits, upwards: it is said to be below that. */
static double round_up(double v)
{
	double unit = pow(10, floor(log10(v)) - 1);

	return ceil(v / unit) * unit;
}

static bool broken_by_gate(const struct view *v, struct decision *d)
{
	struct gate_evidence evidence[PLAN_MAX_WAVES];
	const struct gate_plan *g = &v->plan->gate;
	struct gate_verdict verdict;
	double e;

	tally_gate(v->plan, v->p, evidence, &verdict);
	if (!verdict.stop)
		return false;
	e = gate_e(&verdict);
	d->wave = verdict.worst;
	say(d, DECIDE_PAUSE, ROLLOUT_BECAUSE_GATE,
	    "wave %u: %llu of %llu devices failed: e = %.3g, the failure rate is above "
	    "%s with error probability below %.2g %%",
	    verdict.worst + 1, (ull)evidence[verdict.worst].failed,
	    (ull)evidence[verdict.worst].offered, e,
	    share_bp(g->baseline_bp + g->tolerated_bp).text, round_up(100 / e));
	return true;
}

static bool is_broken(const struct view *v, struct decision *d)
{
	for (unsigned i = 0; i < v->plan->n_waves; i++) {
		d->wave = i;
		if (is_started(v, i) &&
		    (broken_by_errors(v, i, d) || broken_by_reach(v, i, d)))
			return true;
	}
	return broken_by_gate(v, d);
}

/* ---- what brings it on ---- */

static void pass(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];

	say(d, DECIDE_PASS_WAVE, ROLLOUT_BECAUSE_WAVE_PASSED,
	    "wave %u of %zu passed: %llu of %llu devices succeeded, %s where %s is "
	    "wanted",
	    i + 1, v->plan->n_waves, (ull)t->succeeded, (ull)t->members,
	    share_of(t->succeeded, t->members).text,
	    share_bp(v->plan->waves[i].success_bp).text);
}

static bool move_running(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];
	char until[TIME_TEXT_LEN + 1];

	if (!t->reached)
		return false;
	if (v->plan->waves[i].soak_ms == 0) {
		pass(v, i, d);
		return true;
	}
	time_format(v->now + v->plan->waves[i].soak_ms, until);
	say(d, DECIDE_SOAK, ROLLOUT_BECAUSE_SUCCESS,
	    "wave %u: %llu of %llu devices succeeded; it is watched until %s", i + 1,
	    (ull)t->succeeded, (ull)t->members, until);
	return true;
}

static int64_t soak_end(const struct view *v, unsigned i)
{
	return v->p->waves[i].soaking_at + v->plan->waves[i].soak_ms;
}

static bool move_soaking(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];

	if (!t->reached)
		say(d, DECIDE_REOPEN, ROLLOUT_BECAUSE_REOPENED,
		    "wave %u: %llu of %llu devices succeeded, which is %s and no "
		    "longer enough",
		    i + 1, (ull)t->succeeded, (ull)t->members,
		    share_of(t->succeeded, t->members).text);
	else if (v->now >= soak_end(v, i))
		pass(v, i, d);
	else
		return false;
	return true;
}

static bool move_wave(const struct view *v, unsigned i, struct decision *d)
{
	d->wave = i;
	if (v->p->waves[i].state == WAVE_RUNNING)
		return move_running(v, i, d);
	return v->p->waves[i].state == WAVE_SOAKING && move_soaking(v, i, d);
}

static void start_wave(const struct view *v, unsigned i, struct decision *d)
{
	d->wave = i;
	if (v->plan->waves[i].needs_approval && !v->p->waves[i].approved)
		say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_WAVE_APPROVAL,
		    "wave %u of %zu waits for a person to approve it", i + 1,
		    v->plan->n_waves);
	else if (v->freeze->on)
		say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_FROZEN,
		    "wave %u of %zu waits: everything is frozen: %s", i + 1,
		    v->plan->n_waves, v->freeze->reason);
	else
		say(d, DECIDE_START_WAVE, ROLLOUT_BECAUSE_WAVE_STARTED,
		    "wave %u of %zu starts with %llu devices", i + 1, v->plan->n_waves,
		    (ull)v->p->waves[i].counts.members);
}

/* ---- waiting ---- */

static void wake_at(struct decision *d, int64_t at)
{
	if (at != 0 && at < d->at)
		d->at = at;
}

/* The earliest time at which the clock alone may change something. */
static void wake_by_clock(const struct view *v, struct decision *d)
{
	for (unsigned i = 0; i < v->plan->n_waves; i++) {
		if (!is_started(v, i))
			continue;
		if (v->p->waves[i].state == WAVE_SOAKING)
			wake_at(d, soak_end(v, i));
		wake_at(d, v->p->waves[i].next_silent_at);
	}
	if (d->at <= v->now)
		d->at = v->now + 1;
}

static void wait_for_wave(const struct view *v, unsigned i, struct decision *d)
{
	const struct tally *t = &v->tallies[i];
	char until[TIME_TEXT_LEN + 1];

	d->wave = i;
	if (v->p->waves[i].state == WAVE_SOAKING) {
		time_format(soak_end(v, i), until);
		say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_SOAK,
		    "wave %u of %zu succeeded and is watched until %s", i + 1,
		    v->plan->n_waves, until);
		return;
	}
	say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_IN_PROGRESS,
	    "wave %u of %zu: of %llu devices %llu succeeded, %llu failed, %llu are "
	    "left; %s success is wanted",
	    i + 1, v->plan->n_waves, (ull)t->members, (ull)t->succeeded, (ull)t->bad,
	    (ull)t->waiting, share_bp(v->plan->waves[i].success_bp).text);
}

static void end(const struct view *v, struct decision *d)
{
	uint64_t waiting = 0, succeeded = 0, members = 0;

	for (unsigned i = 0; i < v->plan->n_waves; i++) {
		waiting += v->tallies[i].waiting;
		succeeded += v->tallies[i].succeeded;
		members += v->tallies[i].members;
	}
	d->wave = (unsigned)v->plan->n_waves - 1;
	if (waiting > 0)
		say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_STRAGGLERS,
		    "all %zu waves passed; %llu still to end", v->plan->n_waves,
		    (ull)waiting);
	else if (v->p->to_come > 0)
		say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_TO_COME,
		    "all %zu waves passed; %llu devices were at the release that is "
		    "rolled back and may still arrive at it",
		    v->plan->n_waves, (ull)v->p->to_come);
	else
		say(d, DECIDE_FINISH, ROLLOUT_BECAUSE_FINISHED,
		    "finished: %llu of %llu devices succeeded (%s)", (ull)succeeded,
		    (ull)members, share_of(succeeded, members).text);
}

/* ---- by state ---- */

static void decide_draft(const struct view *v, struct decision *d)
{
	(void)v;
	say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_DRAFT, "a draft: nobody submitted it");
}

static void decide_awaiting(const struct view *v, struct decision *d)
{
	bool enough = v->p->approvals >= v->plan->approvals;

	if (v->plan->approvals == 0) {
		say(d, DECIDE_APPROVED, ROLLOUT_BECAUSE_APPROVED,
		    "it needs nobody's approval");
		return;
	}
	say(d, enough ? DECIDE_APPROVED : DECIDE_WAIT,
	    enough ? ROLLOUT_BECAUSE_APPROVED : ROLLOUT_BECAUSE_APPROVAL,
	    "%u of %u people approved", v->p->approvals, v->plan->approvals);
}

static void decide_scheduled(const struct view *v, struct decision *d)
{
	char at[TIME_TEXT_LEN + 1];

	if (v->now >= v->plan->start_at) {
		say(d, DECIDE_START, ROLLOUT_BECAUSE_START_TIME, "its time has come");
		return;
	}
	time_format(v->plan->start_at, at);
	d->at = v->plan->start_at;
	say(d, DECIDE_WAIT, ROLLOUT_BECAUSE_START_TIME, "starts at %s", at);
}

static void decide_running(const struct view *v, struct decision *d)
{
	unsigned current = rollout_current_wave(v->plan, v->p);

	if (is_broken(v, d))
		return;
	for (unsigned i = 0; i < v->plan->n_waves; i++) {
		if (move_wave(v, i, d))
			return;
	}
	if (current == v->plan->n_waves)
		end(v, d);
	else if (!is_started(v, current))
		start_wave(v, current, d);
	else
		wait_for_wave(v, current, d);
	if (d->kind == DECIDE_WAIT)
		wake_by_clock(v, d);
}

static void decide_paused(const struct view *v, struct decision *d)
{
	say(d, DECIDE_WAIT, v->p->reason,
	    "paused (%s): goes on when a person resumes it",
	    rollout_reason_name(v->p->reason));
}

static void decide_over(const struct view *v, struct decision *d)
{
	say(d, DECIDE_WAIT, v->p->reason, "%s", rollout_state_name(v->p->state));
}

static void (*const by_state[N_ROLLOUT_STATES])(const struct view *,
						struct decision *) = {
    [ROLLOUT_DRAFT] = decide_draft,
    [ROLLOUT_AWAITING_APPROVAL] = decide_awaiting,
    [ROLLOUT_SCHEDULED] = decide_scheduled,
    [ROLLOUT_RUNNING] = decide_running,
    [ROLLOUT_PAUSED] = decide_paused,
    [ROLLOUT_FINISHED] = decide_over,
    [ROLLOUT_STOPPED] = decide_over,
};

void rollout_decide(const struct rollout_plan *plan, const struct rollout_progress *p,
		    const struct freeze *freeze, int64_t now, struct decision *ret)
{
	struct view v = {.plan = plan, .p = p, .freeze = freeze, .now = now};

	for (unsigned i = 0; i < plan->n_waves; i++)
		tally_wave(plan, &plan->waves[i], &p->waves[i], &v.tallies[i]);
	*ret = (struct decision){.at = INT64_MAX};
	by_state[p->state](&v, ret);
}
