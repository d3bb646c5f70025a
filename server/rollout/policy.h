/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollout does next: pure, from its plan, what is stored of it, and the clock.
 *
 *	DRAFT --submit--> AWAITING_APPROVAL --approved--> SCHEDULED --start--> RUNNING
 *	RUNNING --pause--> PAUSED --resume--> RUNNING --finish--> FINISHED
 *	any but STOPPED --stop--> STOPPED
 *
 * and each of its waves:
 *
 *	PENDING --start--> RUNNING --soak--> SOAKING --pass--> PASSED
 *	SOAKING --reopen--> RUNNING	(late joiners brought the share down)
 *	RUNNING, SOAKING, PASSED --fail--> FAILED --resume--> RUNNING
 *
 * Who carries it out (the engine) reads the progress, asks rollout_decide(), stores
 * what rollout_apply() makes of it together with the reason, in one transaction that
 * compares the revision, and asks again until the answer is DECIDE_WAIT. Nothing is
 * remembered elsewhere, so a restart, or another node, goes on where this one stopped.
 *
 * Rules that hold whatever happens (tests/unit/test_rollout.c walks all small states):
 * wave n+1 starts only when all before it have passed; a pause is left only by a
 * person; a rollout does not finish while a threshold is broken; when every device has
 * ended or fallen silent it finishes or pauses, or waits for a person or for a time
 * that it names.
 *
 * Counting. Of a wave's members, `cancelled` are out of the reckoning. A success counts
 * only with the grade that the plan accepts; another one is neither success nor
 * failure. Failures are failed, rolled back, silent (offered and without an end when
 * the deadline passed) and absent (never offered, and not seen since the wave began,
 * when the deadline passed). A silent or absent device that ends later counts as what
 * it became. The error share is of those that ended, the success share of all members.
 * With KIND_DOWNLOAD_ONLY a finished download is success; nothing is proven by it.
 *
 * Resume after a pause that the policy made forgives: who failed until then leaves the
 * reckoning, and error threshold and gate judge what ends after it.
 */
#ifndef OTA_SERVER_ROLLOUT_POLICY_H
#define OTA_SERVER_ROLLOUT_POLICY_H

#include "../store/model_rollout.h"
#include "plan.h"

/* columns: state, word of the API, may its members be offered the release */
#define ROLLOUT_STATES(X)                                                              \
	X(DRAFT, "draft", false)                                                       \
	X(AWAITING_APPROVAL, "awaiting-approval", false)                               \
	X(SCHEDULED, "scheduled", false)                                               \
	X(RUNNING, "running", true)                                                    \
	X(PAUSED, "paused", false)                                                     \
	X(FINISHED, "finished",                                                        \
	  true) /* those that were silent, when they come back */                      \
	X(STOPPED, "stopped", false)

enum rollout_state {
#define X(state, word, offers) ROLLOUT_##state,
	ROLLOUT_STATES(X)
#undef X
	    N_ROLLOUT_STATES
};

enum rollout_event {
	ROLLOUT_EVENT_SUBMIT,	/* a person */
	ROLLOUT_EVENT_APPROVED, /* the policy: enough people */
	ROLLOUT_EVENT_START,	/* the policy: the time has come */
	ROLLOUT_EVENT_PAUSE,	/* either */
	ROLLOUT_EVENT_RESUME,	/* a person */
	ROLLOUT_EVENT_FINISH,	/* the policy */
	ROLLOUT_EVENT_STOP,	/* a person */
	N_ROLLOUT_EVENTS
};

enum wave_state {
	WAVE_PENDING,
	WAVE_RUNNING,
	WAVE_SOAKING,
	WAVE_PASSED,
	WAVE_FAILED,
	N_WAVE_STATES
};

const char *rollout_state_name(enum rollout_state s);
int rollout_state_parse(const char *text, enum rollout_state *ret,
			struct err *e) MUST_USE;
bool rollout_state_offers(enum rollout_state s);
const char *wave_state_name(enum wave_state s);
int wave_state_parse(const char *text, enum wave_state *ret, struct err *e) MUST_USE;

/* Each member is in exactly one of these, or in none: then it waits to be offered. */
struct wave_counts {
	uint64_t members;   /* all of them */
	uint64_t in_flight; /* offered (or asked for consent), within its deadline */
	uint64_t proven;    /* ended in success, by grade */
	uint64_t reported;
	uint64_t downloaded; /* ended a download-only deployment */
	uint64_t failed;
	uint64_t rolled_back;
	uint64_t silent;    /* rollout_silent_at() has passed, and it was offered */
	uint64_t absent;    /* the same, and it never was */
	uint64_t cancelled; /* left: cancelled, refused, pinned, superseded, deleted */
};

struct wave_progress {
	enum wave_state state;
	bool approved; /* by a person, if the plan asks for it */
	int64_t started_at;
	int64_t clock_at; /* start or last resume: absence counts from here */
	int64_t soaking_at;
	int64_t passed_at;
	struct wave_counts counts;
	struct wave_counts forgiven; /* counts at the last resume that forgives, or 0 */
	/* of those in flight or waiting, the next that falls silent: the smallest
	 * rollout_silent_at(); 0: none */
	int64_t next_silent_at;
};

/* Why the last move was made. Slugs are stable, for machines. */
#define ROLLOUT_REASONS(X)                                                             \
	X(NONE, "none")                                                                \
	X(DRAFT, "draft")	/* nobody submitted it */                              \
	X(APPROVAL, "approval") /* people must approve */                              \
	X(APPROVED, "approved")                                                        \
	X(START_TIME, "start-time")	  /* waits for, or reached it */               \
	X(WAVE_APPROVAL, "wave-approval") /* a person must approve the wave */         \
	X(WAVE_STARTED, "wave-started")                                                \
	X(IN_PROGRESS, "in-progress")	/* devices are at work */                      \
	X(SUCCESS, "success-threshold") /* reached */                                  \
	X(SOAK, "soak")                                                                \
	X(REOPENED, "reopened")                                                        \
	X(WAVE_PASSED, "wave-passed")                                                  \
	X(STRAGGLERS, "stragglers") /* all passed, some devices not ended */           \
	X(FINISHED, "finished")                                                        \
	X(FROZEN, "frozen")                                                            \
	X(ERRORS, "error-threshold") /* broken */                                      \
	X(GATE, "health-gate")                                                         \
	X(OUT_OF_REACH, "success-out-of-reach")                                        \
	X(OPERATOR, "operator")	  /* a person paused, resumed or stopped it */         \
	X(WITHDRAWN, "withdrawn") /* its release was taken back */                     \
	X(LATE, "late-joiners")	  /* were taken in */                                  \
	X(TO_COME, "may-arrive")  /* at the release that is rolled back */

enum rollout_reason {
#define X(reason, slug) ROLLOUT_BECAUSE_##reason,
	ROLLOUT_REASONS(X)
#undef X
	    N_ROLLOUT_REASONS
};
const char *rollout_reason_name(enum rollout_reason r);
int rollout_reason_parse(const char *text, enum rollout_reason *ret,
			 struct err *e) MUST_USE;

struct rollout_progress {
	enum rollout_state state;
	enum rollout_reason reason; /* of the last move */
	uint32_t approvals;	    /* people other than the author who approved */
	/* Of a roll back: devices that may still arrive at the release that is rolled
	 * back. It does not finish before each of them has ended. */
	uint64_t to_come;
	struct wave_progress waves[PLAN_MAX_WAVES]; /* plan->n_waves of them */
};

enum decision_kind {
	DECIDE_WAIT, /* nothing to do before `at`, or before something is reported */
	DECIDE_APPROVED,   /* -> SCHEDULED */
	DECIDE_START,	   /* -> RUNNING */
	DECIDE_START_WAVE, /* members of `wave` may be offered the release */
	DECIDE_SOAK,
	DECIDE_REOPEN,
	DECIDE_PASS_WAVE,
	DECIDE_PAUSE, /* because of `wave` */
	DECIDE_FINISH,
	DECIDE_TAKE_IN, /* late joiners; the engine's, never of rollout_decide() */
	N_DECISION_KINDS
};
const char *decision_kind_name(enum decision_kind k);

struct decision {
	enum decision_kind kind;
	unsigned wave; /* of what concerns one */
	int64_t at; /* WAIT: look again then at the latest; INT64_MAX: no such time */
	enum rollout_reason reason;
	char text[DETAIL_MAX_LEN + 1]; /* one sentence, with the numbers */
};

void rollout_decide(const struct rollout_plan *plan, const struct rollout_progress *p,
		    const struct freeze *freeze, int64_t now, struct decision *ret);

/* Makes the moves of a decision. Counts and next_silent_at are the caller's. */
void rollout_apply(struct rollout_progress *p, const struct decision *d, int64_t now);

/* What a person asks: SUBMIT, PAUSE, RESUME, STOP. ERR_CONFLICT in one sentence if the
 * state does not allow it; *p is as before then. RESUME forgives as said above. */
int rollout_command(const struct rollout_plan *plan, struct rollout_progress *p,
		    enum rollout_event command, int64_t now, struct err *e) MUST_USE;

/* A person approves wave `wave` (0..). ERR_CONFLICT: it needs none, or has started. */
int rollout_approve_wave(const struct rollout_plan *plan, struct rollout_progress *p,
			 unsigned wave, struct err *e) MUST_USE;

/* The first wave that has not passed; plan->n_waves if all have. */
unsigned rollout_current_wave(const struct rollout_plan *plan,
			      const struct rollout_progress *p);

/*
 * When a member that has not ended counts as silent (it was offered) or absent (it was
 * not, and seen_at is before the wave's clock); INT64_MAX: never, as it stands. While
 * nothing may be offered (paused, frozen) nobody becomes absent: the wave's clock
 * begins anew at resume, and at the end of a freeze. For counting in a database:
 * members are
 *	silent	if offered_at != 0 and offered_at + deadline_ms <= now
 *	absent	if offered_at == 0 and seen_at < clock and clock + deadline_ms <= now,
 * with clock from rollout_absence_clock(), which is INT64_MAX while it does not run.
 */
int64_t rollout_absence_clock(const struct rollout_progress *p, unsigned wave,
			      const struct freeze *freeze);
int64_t rollout_silent_at(const struct wave_plan *w, int64_t absence_clock,
			  int64_t offered_at, int64_t seen_at);

/* How a deployment of this rollout is to be offered now: forced or not. */
bool rollout_is_forced(const struct rollout_plan *plan, int64_t now);

#endif
