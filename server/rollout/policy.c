/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include "tally.h"

#include <string.h>

/* ---- words ---- */

static const struct {
	const char *word;
	bool offers;
} states[N_ROLLOUT_STATES] = {
#define X(state, word, offers) {word, offers},
    ROLLOUT_STATES(X)
#undef X
};

static const char *const wave_states[N_WAVE_STATES] = {
    [WAVE_PENDING] = "pending", [WAVE_RUNNING] = "running", [WAVE_SOAKING] = "soaking",
    [WAVE_PASSED] = "passed",	[WAVE_FAILED] = "failed",
};

static const char *const reasons[N_ROLLOUT_REASONS] = {
#define X(reason, slug) slug,
    ROLLOUT_REASONS(X)
#undef X
};

const char *rollout_state_name(enum rollout_state s)
{
	return states[s].word;
}

int rollout_state_parse(const char *text, enum rollout_state *ret, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(states); i++) {
		if (strcmp(text, states[i].word) == 0) {
			*ret = (enum rollout_state)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.40s\" is no state of a rollout", text);
}

bool rollout_state_offers(enum rollout_state s)
{
	return states[s].offers;
}

const char *wave_state_name(enum wave_state s)
{
	return wave_states[s];
}

int wave_state_parse(const char *text, enum wave_state *ret, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(wave_states); i++) {
		if (strcmp(text, wave_states[i]) == 0) {
			*ret = (enum wave_state)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.40s\" is no state of a wave", text);
}

const char *rollout_reason_name(enum rollout_reason r)
{
	return reasons[r];
}

int rollout_reason_parse(const char *text, enum rollout_reason *ret, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(reasons); i++) {
		if (strcmp(text, reasons[i]) == 0) {
			*ret = (enum rollout_reason)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.40s\" is no reason of a rollout", text);
}

/* ---- edges ---- */

#define NO N_ROLLOUT_STATES

/* [from][event] -> to; the drawing of policy.h. */
static const enum rollout_state edges[N_ROLLOUT_STATES][N_ROLLOUT_EVENTS] = {
    /* submit, approved, start, pause, resume, finish, stop */
    [ROLLOUT_DRAFT] = {ROLLOUT_AWAITING_APPROVAL, NO, NO, NO, NO, NO, ROLLOUT_STOPPED},
    [ROLLOUT_AWAITING_APPROVAL] = {NO, ROLLOUT_SCHEDULED, NO, NO, NO, NO,
				   ROLLOUT_STOPPED},
    [ROLLOUT_SCHEDULED] = {NO, NO, ROLLOUT_RUNNING, NO, NO, NO, ROLLOUT_STOPPED},
    [ROLLOUT_RUNNING] = {NO, NO, NO, ROLLOUT_PAUSED, NO, ROLLOUT_FINISHED,
			 ROLLOUT_STOPPED},
    [ROLLOUT_PAUSED] = {NO, NO, NO, NO, ROLLOUT_RUNNING, NO, ROLLOUT_STOPPED},
    [ROLLOUT_FINISHED] = {NO, NO, NO, NO, NO, NO, ROLLOUT_STOPPED},
    [ROLLOUT_STOPPED] = {NO, NO, NO, NO, NO, NO, NO},
};

static const char *const commands[N_ROLLOUT_EVENTS] = {
    [ROLLOUT_EVENT_SUBMIT] = "submitted",
    [ROLLOUT_EVENT_PAUSE] = "paused",
    [ROLLOUT_EVENT_RESUME] = "resumed",
    [ROLLOUT_EVENT_STOP] = "stopped",
};

/* What each decision does: to the rollout, or to a wave. */
static const struct {
	const char *name;
	enum rollout_event event; /* N_ROLLOUT_EVENTS: none */
	enum wave_state wave;	  /* N_WAVE_STATES: as it is */
} moves[N_DECISION_KINDS] = {
    [DECIDE_WAIT] = {"wait", N_ROLLOUT_EVENTS, N_WAVE_STATES},
    [DECIDE_APPROVED] = {"approved", ROLLOUT_EVENT_APPROVED, N_WAVE_STATES},
    [DECIDE_START] = {"start", ROLLOUT_EVENT_START, N_WAVE_STATES},
    [DECIDE_START_WAVE] = {"start-wave", N_ROLLOUT_EVENTS, WAVE_RUNNING},
    [DECIDE_SOAK] = {"soak", N_ROLLOUT_EVENTS, WAVE_SOAKING},
    [DECIDE_REOPEN] = {"reopen", N_ROLLOUT_EVENTS, WAVE_RUNNING},
    [DECIDE_PASS_WAVE] = {"pass-wave", N_ROLLOUT_EVENTS, WAVE_PASSED},
    [DECIDE_PAUSE] = {"pause", ROLLOUT_EVENT_PAUSE, WAVE_FAILED},
    [DECIDE_FINISH] = {"finish", ROLLOUT_EVENT_FINISH, N_WAVE_STATES},
    [DECIDE_TAKE_IN] = {"take-in", N_ROLLOUT_EVENTS, N_WAVE_STATES},
};

const char *decision_kind_name(enum decision_kind k)
{
	return moves[k].name;
}

static void move_wave(struct wave_progress *w, enum wave_state to, int64_t now)
{
	bool first = w->state == WAVE_PENDING;

	w->state = to;
	if (first) {
		w->started_at = now;
		w->clock_at = now;
	}
	if (to == WAVE_SOAKING)
		w->soaking_at = now;
	if (to == WAVE_PASSED)
		w->passed_at = now;
}

void rollout_apply(struct rollout_progress *p, const struct decision *d, int64_t now)
{
	enum rollout_event event = moves[d->kind].event;

	if (d->kind == DECIDE_WAIT)
		return;
	if (event != N_ROLLOUT_EVENTS)
		p->state = edges[p->state][event];
	if (moves[d->kind].wave != N_WAVE_STATES)
		move_wave(&p->waves[d->wave], moves[d->kind].wave, now);
	p->reason = d->reason;
}

/* ---- what a person asks ---- */

static bool paused_by_policy(const struct rollout_progress *p)
{
	return p->reason == ROLLOUT_BECAUSE_ERRORS ||
	       p->reason == ROLLOUT_BECAUSE_GATE ||
	       p->reason == ROLLOUT_BECAUSE_OUT_OF_REACH;
}

static void resume_wave(struct wave_progress *w, bool forgive, int64_t now)
{
	if (w->state == WAVE_PENDING)
		return;
	if (forgive)
		w->forgiven = w->counts;
	if (w->state == WAVE_FAILED)
		w->state = WAVE_RUNNING;
	w->clock_at = now;
}

int rollout_command(const struct rollout_plan *plan, struct rollout_progress *p,
		    enum rollout_event command, int64_t now, struct err *e)
{
	enum rollout_state to = edges[p->state][command];

	if (commands[command] == NULL)
		return err_set(e, ERR_INTERNAL, "event %d is no person's to command",
			       (int)command);
	if (to == NO)
		return err_set(e, ERR_CONFLICT, "a rollout that is %s cannot be %s",
			       states[p->state].word, commands[command]);
	for (size_t i = 0; command == ROLLOUT_EVENT_RESUME && i < plan->n_waves; i++)
		resume_wave(&p->waves[i], paused_by_policy(p), now);
	p->state = to;
	p->reason = ROLLOUT_BECAUSE_OPERATOR;
	return 0;
}

int rollout_approve_wave(const struct rollout_plan *plan, struct rollout_progress *p,
			 unsigned wave, struct err *e)
{
	if (wave >= plan->n_waves)
		return err_set(e, ERR_NOT_FOUND, "the rollout has %zu waves, not %u",
			       plan->n_waves, wave + 1);
	if (!plan->waves[wave].needs_approval)
		return err_set(e, ERR_CONFLICT, "wave %u needs no approval", wave + 1);
	if (p->waves[wave].state != WAVE_PENDING)
		return err_set(e, ERR_CONFLICT, "wave %u is %s already", wave + 1,
			       wave_state_name(p->waves[wave].state));
	if (p->state == ROLLOUT_STOPPED)
		return err_set(e, ERR_CONFLICT, "the rollout was stopped");
	p->waves[wave].approved = true;
	return 0;
}

/* ---- clocks ---- */

unsigned rollout_current_wave(const struct rollout_plan *plan,
			      const struct rollout_progress *p)
{
	unsigned i = 0;

	while (i < plan->n_waves && p->waves[i].state == WAVE_PASSED)
		i++;
	return i;
}

int64_t rollout_absence_clock(const struct rollout_progress *p, unsigned wave,
			      const struct freeze *freeze)
{
	const struct wave_progress *w = &p->waves[wave];

	if (freeze->on || !states[p->state].offers || w->state == WAVE_PENDING)
		return INT64_MAX;
	return w->clock_at > freeze->ended_at ? w->clock_at : freeze->ended_at;
}

int64_t rollout_silent_at(const struct wave_plan *w, int64_t absence_clock,
			  int64_t offered_at, int64_t seen_at)
{
	if (offered_at != 0)
		return offered_at + w->deadline_ms;
	if (absence_clock == INT64_MAX || seen_at >= absence_clock)
		return INT64_MAX;
	return absence_clock + w->deadline_ms;
}

bool rollout_is_forced(const struct rollout_plan *plan, int64_t now)
{
	return plan->type == KIND_FORCED || plan->type == KIND_DOWNLOAD_ONLY ||
	       (plan->type == KIND_TIME_FORCED && now >= plan->force_at);
}
