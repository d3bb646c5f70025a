/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Why isn't this device updating?", and the same question asked by the server itself:
 * may this device be offered the release now? One function answers both, so the answer
 * that a person gets is the reason the server acts on.
 *
 * The reasons come in the order in which they must change: while the first one stands,
 * changing those after it is of no use. A device may be offered the release, or shown
 * it again, exactly when no reason blocks. What was offered once goes on whatever else
 * changes, but for a window that closes before the device began.
 *
 * Pure; any thread. Nothing in the input is kept.
 */
#ifndef OTA_SERVER_ROLLOUT_WHY_H
#define OTA_SERVER_ROLLOUT_WHY_H

#include "order.h"
#include "policy.h"

/* columns: code, slug of the API, does it keep the device from being offered it */
#define WHY_CODES(X)                                                                   \
	X(UP_TO_DATE, "up-to-date", true)                                              \
	X(FROZEN, "frozen", true)                                                      \
	X(NO_ROLLOUT, "no-rollout", true)                                              \
	X(INCOMPATIBLE, "incompatible", true)                                          \
	X(SECURITY_FLOOR, "security-floor", true)                                      \
	X(PINNED, "pinned", true)                                                      \
	X(STOPPED, "stopped", true)                                                    \
	X(NOT_STARTED, "not-started", true) /* draft, or its time has not come */      \
	X(AWAITING_APPROVAL, "awaiting-approval", true)                                \
	X(PAUSED, "paused", true)                                                      \
	X(NO_WAVE, "no-wave", true) /* selected, but in no wave */                     \
	X(WAVE_NOT_STARTED, "wave-not-started", true)                                  \
	X(ENDED, "ended", true)	     /* it had its attempt */                          \
	X(RUNNING, "running", false) /* it is at it */                                 \
	X(OFFERED, "offered", false) /* and has not reacted */                         \
	X(NOT_SEEN, "not-seen", false)                                                 \
	X(AWAITING_DELTA, "awaiting-delta", true)                                      \
	X(OUTSIDE_WINDOW, "outside-window", true)                                      \
	X(AWAITING_CONSENT, "awaiting-consent", true)                                  \
	X(CONSENT_DENIED, "consent-denied", true)                                      \
	X(POWER, "power", false) /* the device says so, and decides */                 \
	X(IN_FLIGHT_LIMIT, "in-flight-limit", true)                                    \
	X(SITE_LIMIT, "site-limit", true)                                              \
	X(RATE_LIMITED, "rate-limited", true)                                          \
	X(DUE, "due", false) /* it gets it when it asks next */

enum why_code {
#define X(code, slug, blocks) WHY_##code,
	WHY_CODES(X)
#undef X
	    N_WHY_CODES
};
const char *why_code_name(enum why_code c);

/* A delta from what the device runs to the release. */
enum why_delta {
	WHY_DELTA_READY,   /* or nobody waits for it */
	WHY_DELTA_TO_COME, /* it is being made, or may be */
	WHY_DELTA_NEVER,
};

/* Borrowed pointers; NULL where said. */
struct why_input {
	int64_t now;
	const struct freeze *freeze;
	const struct device *device;
	const char *pinned_by; /* who pinned it; NULL: not known */
	const char *power;     /* what it says holds it back ("battery 12 %"); NULL */
	uint64_t poll_interval_ms;

	/* of the rollout with the highest priority that selects it; NULL: none */
	const struct rollout_plan *plan;
	const struct rollout_progress *progress;
	const char *paused_text;       /* the decision's text while PAUSED; or NULL */
	const struct release *release; /* NULL as plan is */
	const struct zone *zone;       /* the windows'; NULL: plan has no windows */
	unsigned wave;		       /* its own; ORDER_NO_WAVE: not a member */
	/* of this rollout for this device, or one that a person assigned; NULL */
	const struct deployment *deployment;
	int64_t offered_at;    /* of it, or of the question to its user; 0: not yet */
	bool in_flight_itself; /* it is one of those below */

	bool takes_no_full; /* the device: deltas alone go over its link */
	enum why_delta delta;
	const char *no_delta; /* of NEVER: why, as in "no delta leads there: .." */

	/* how much of the limits is used */
	uint64_t in_flight, in_flight_at_site;
	int64_t egress_free_at; /* when the next offer fits the bytes a second */
};

struct why_reason {
	enum why_code code;
	int64_t at; /* when it ends by itself (a window opens); 0: not known */
	char text[DETAIL_MAX_LEN + 1]; /* one sentence */
};

#define WHY_MAX_REASONS 16

struct why {
	bool may_offer;
	/* nothing blocks but that its user was not asked yet, or has not answered */
	bool may_ask;
	/* may_ask, and for the first time: from now on it is in flight */
	bool asks_now;
	struct why_reason reasons[WHY_MAX_REASONS]; /* at least one */
	size_t n_reasons;
};

void rollout_why(const struct why_input *in, struct why *ret);

/* {"may_offer","text","reasons":[{"code","text","at"?}]}: `text` is the first reason's.
 * The caller owns it; NULL: out of memory. */
struct json *why_write(const struct why *w, struct err *e) MUST_USE;

#endif
