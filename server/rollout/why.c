/* SPDX-License-Identifier: Apache-2.0 */
/* One rule a reason, in two tables: before the device was offered the release, after. */
#include "why.h"

#include "../../common/base/text.h"
#include "../fleet/policy.h"
#include "tally.h"

#include <stdarg.h>
#include <string.h>

#define MISSED_POLLS 3 /* so many, and it counts as not seen */
#define SEEN_AT_LEAST_MS (15 * INT64_C(60000))

typedef unsigned long long ull;

static const struct {
	const char *slug;
	bool blocks;
} codes[N_WHY_CODES] = {
#define X(code, slug, blocks) {slug, blocks},
    WHY_CODES(X)
#undef X
};

const char *why_code_name(enum why_code c)
{
	return codes[c].slug;
}

/* True, so that a rule can end with it. The longest texts that are put in are a freeze's
 * reason and a deployment's detail; the end of such a one may be cut. */
static bool say(struct why_reason *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool say(struct why_reason *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	return true;
}

struct moment {
	char text[TIME_TEXT_LEN + 1];
};

static struct moment at(int64_t utc_ms)
{
	struct moment m;

	time_format(utc_ms, m.text);
	return m;
}

/* ---- the device and the release ---- */

static bool is_up_to_date(const struct why_input *in, struct why_reason *r)
{
	const struct device *d = in->device;
	enum grade enough = in->plan == NULL ? GRADE_REPORTED : in->plan->accepts;

	return in->release != NULL && d->grade >= enough &&
	       strcmp(d->version, in->release->version) == 0 &&
	       strcmp(d->product, in->release->product) == 0 &&
	       say(r, "it runs %s already (%s)", d->version, grade_name(d->grade));
}

static bool is_frozen(const struct why_input *in, struct why_reason *r)
{
	return in->freeze->on &&
	       say(r, "everything is frozen since %s, by %s: %s",
		   at(in->freeze->since).text, in->freeze->by, in->freeze->reason);
}

static bool has_no_rollout(const struct why_input *in, struct why_reason *r)
{
	bool assigned =
	    in->deployment != NULL && deployment_is_open(in->deployment->state);

	return in->plan == NULL && !assigned &&
	       say(r, "no rollout selects it and nobody assigned it a release");
}

static bool is_incompatible(const struct why_input *in, struct why_reason *r)
{
	struct err e = ERR_INIT;

	return in->release != NULL && policy_fits(in->device, in->release, &e) < 0 &&
	       say(r, "%s", e.text);
}

static bool is_below_floor(const struct why_input *in, struct why_reason *r)
{
	struct err e = ERR_INIT;

	return in->release != NULL && policy_floor(in->device, in->release, &e) < 0 &&
	       say(r, "%s", e.text);
}

static bool is_pinned(const struct why_input *in, struct why_reason *r)
{
	const struct device *d = in->device;
	const char *by = in->pinned_by == NULL ? "" : in->pinned_by;

	if (d->pin == PIN_NONE || (d->pin == PIN_RELEASE && in->release != NULL &&
				   strcmp(d->pin_release, in->release->id) == 0))
		return false;
	return say(r, "it is pinned to %s%s%s%s%s%s",
		   d->pin == PIN_RELEASE ? "release " : "what it runs",
		   d->pin == PIN_RELEASE ? d->pin_release : "",
		   by[0] == '\0' ? "" : " by ", by,
		   d->pin_reason[0] == '\0' ? "" : ": ", d->pin_reason);
}

/* ---- the rollout ---- */

static bool is_in(const struct why_input *in, enum rollout_state s)
{
	return in->plan != NULL && in->progress->state == s;
}

static bool is_stopped(const struct why_input *in, struct why_reason *r)
{
	return is_in(in, ROLLOUT_STOPPED) && say(r, "the rollout was stopped");
}

static bool is_not_started(const struct why_input *in, struct why_reason *r)
{
	if (is_in(in, ROLLOUT_DRAFT))
		return say(r, "the rollout is a draft that nobody submitted");
	if (!is_in(in, ROLLOUT_SCHEDULED))
		return false;
	if (in->plan->start_at <= in->now)
		return say(r, "the rollout starts within moments");
	r->at = in->plan->start_at;
	return say(r, "the rollout starts at %s", at(r->at).text);
}

static bool wave_awaits_approval(const struct why_input *in)
{
	unsigned current;

	if (!is_in(in, ROLLOUT_RUNNING))
		return false;
	current = rollout_current_wave(in->plan, in->progress);
	return current == in->wave && in->plan->waves[current].needs_approval &&
	       !in->progress->waves[current].approved &&
	       in->progress->waves[current].state == WAVE_PENDING;
}

static bool awaits_approval(const struct why_input *in, struct why_reason *r)
{
	if (is_in(in, ROLLOUT_AWAITING_APPROVAL))
		return say(r, "the rollout waits for approval: %u of %u people gave it",
			   in->progress->approvals, in->plan->approvals);
	return wave_awaits_approval(in) &&
	       say(r, "wave %u of %zu, its own, waits for a person to approve it",
		   in->wave + 1, in->plan->n_waves);
}

static bool is_paused(const struct why_input *in, struct why_reason *r)
{
	return is_in(in, ROLLOUT_PAUSED) &&
	       say(r, "the rollout is paused: %s",
		   in->paused_text != NULL && in->paused_text[0] != '\0'
		       ? in->paused_text
		       : rollout_reason_name(in->progress->reason));
}

static bool was_chosen(const struct why_input *in)
{
	return is_in(in, ROLLOUT_RUNNING) || is_in(in, ROLLOUT_PAUSED) ||
	       is_in(in, ROLLOUT_FINISHED);
}

static bool has_no_wave(const struct why_input *in, struct why_reason *r)
{
	return was_chosen(in) && in->wave >= in->plan->n_waves &&
	       say(r, "the rollout selects it, but it is in none of its waves: %s",
		   in->plan->late_joiners == LATE_STAY_OUT
		       ? "these were fixed when the rollout started"
		       : "it was left over when these were filled");
}

static bool wave_is_watched(const struct why_input *in, unsigned before,
			    struct why_reason *r)
{
	const struct wave_progress *w = &in->progress->waves[before];

	if (w->state != WAVE_SOAKING)
		return false;
	r->at = w->soaking_at + in->plan->waves[before].soak_ms;
	return say(r, "it is in wave %u of %zu; wave %u is watched until %s",
		   in->wave + 1, in->plan->n_waves, before + 1, at(r->at).text);
}

static bool wave_not_started(const struct why_input *in, struct why_reason *r)
{
	unsigned before;
	struct tally t;

	if (!was_chosen(in) || in->wave >= in->plan->n_waves ||
	    in->progress->waves[in->wave].state != WAVE_PENDING ||
	    wave_awaits_approval(in))
		return false;
	before = rollout_current_wave(in->plan, in->progress);
	if (before >= in->wave)
		return say(r, "it is in wave %u of %zu, which starts within moments",
			   in->wave + 1, in->plan->n_waves);
	if (wave_is_watched(in, before, r))
		return true;
	tally_wave(in->plan, &in->plan->waves[before], &in->progress->waves[before],
		   &t);
	return say(r,
		   "it is in wave %u of %zu; wave %u is %s: %llu of %llu devices "
		   "succeeded",
		   in->wave + 1, in->plan->n_waves, before + 1,
		   wave_state_name(in->progress->waves[before].state), (ull)t.succeeded,
		   (ull)t.members);
}

/* ---- the attempt ---- */

static bool has_ended(const struct why_input *in, struct why_reason *r)
{
	const struct deployment *d = in->deployment;

	if (d == NULL || deployment_is_open(d->state))
		return false;
	return say(r, "its attempt is over: %s at %s%s%s",
		   deployment_state_name(d->state), at(d->updated_at).text,
		   d->detail[0] == '\0' ? "" : ": ", d->detail);
}

static bool is_running(const struct why_input *in, struct why_reason *r)
{
	const struct deployment *d = in->deployment;

	return d->state != DEPLOYMENT_ASSIGNED &&
	       say(r, "it is at it: %s, %u %%%s%s", deployment_state_name(d->state),
		   d->progress, d->detail[0] == '\0' ? "" : ": ", d->detail);
}

static bool is_offered(const struct why_input *in, struct why_reason *r)
{
	return in->deployment->state == DEPLOYMENT_ASSIGNED &&
	       say(r, "it was offered the release at %s and has not reacted",
		   at(in->offered_at).text);
}

static bool is_not_seen(const struct why_input *in, struct why_reason *r)
{
	int64_t missed = (int64_t)in->poll_interval_ms * MISSED_POLLS;
	int64_t borne = missed > SEEN_AT_LEAST_MS ? missed : SEEN_AT_LEAST_MS;

	if (in->device->seen_at == 0)
		return say(r, "it was never seen");
	return in->now - in->device->seen_at > borne &&
	       say(r, "it was last seen at %s", at(in->device->seen_at).text);
}

static bool awaits_delta(const struct why_input *in, struct why_reason *r)
{
	int64_t until;

	if (in->delta == WHY_DELTA_READY)
		return false;
	if (in->takes_no_full)
		return say(r, "it takes no full payload over its link, and %s",
			   in->delta == WHY_DELTA_NEVER ? in->no_delta
							: "its delta is not made yet");
	if (in->delta == WHY_DELTA_NEVER || in->plan == NULL ||
	    in->wave >= in->plan->n_waves)
		return false;
	until = in->progress->waves[in->wave].started_at + in->plan->delta_wait_ms;
	if (until <= in->now)
		return false;
	r->at = until;
	return say(r, "its delta is being made; from %s on it gets the full payload",
		   at(until).text);
}

static int64_t next_opening(const struct why_input *in)
{
	struct window_now w;

	if (in->plan == NULL || in->plan->windows.n_windows == 0)
		return in->deployment == NULL ? 0 : in->deployment->not_before;
	window_look(&in->plan->windows, in->zone, in->now, &w);
	return w.open ? 0 : w.opens_at;
}

static bool is_outside(const struct why_input *in, struct why_reason *r)
{
	int64_t opens_at = next_opening(in);

	if (opens_at <= in->now)
		return false;
	r->at = opens_at;
	return say(r, "its maintenance window opens at %s", at(opens_at).text);
}

static bool is_outside_before_it_began(const struct why_input *in, struct why_reason *r)
{
	return in->deployment->state == DEPLOYMENT_ASSIGNED && is_outside(in, r);
}

/* It is asked with its deployment, and what it says is kept there. */
static bool needs_consent(const struct why_input *in)
{
	if (in->deployment != NULL)
		return consent_is_awaited(in->deployment->consent);
	return in->plan != NULL && in->plan->needs_consent;
}

static bool awaits_consent(const struct why_input *in, struct why_reason *r)
{
	if (!needs_consent(in))
		return false;
	if (in->deployment == NULL || in->offered_at == 0)
		return say(r, "its user is asked for consent when it polls next");
	return in->deployment->consent == CONSENT_ASKED &&
	       say(r, "its user was asked for consent at %s and has not answered",
		   at(in->offered_at).text);
}

static bool consent_denied(const struct why_input *in, struct why_reason *r)
{
	return in->deployment != NULL && in->deployment->consent == CONSENT_DENIED &&
	       say(r, "its user refused the update");
}

static bool lacks_power(const struct why_input *in, struct why_reason *r)
{
	return in->power != NULL && in->power[0] != '\0' &&
	       say(r, "it says that it waits for power: %.128s", in->power);
}

/* Whose user was asked for consent has its place; its bytes come with the offer. */
static bool is_limited(const struct why_input *in)
{
	return in->plan != NULL && !in->in_flight_itself;
}

static bool exceeds_in_flight(const struct why_input *in, struct why_reason *r)
{
	return is_limited(in) && in->plan->limits.in_flight != 0 &&
	       in->in_flight >= in->plan->limits.in_flight &&
	       say(r, "%llu devices are at it, and no more than %u may be",
		   (ull)in->in_flight, in->plan->limits.in_flight);
}

static bool exceeds_site(const struct why_input *in, struct why_reason *r)
{
	return is_limited(in) && in->plan->limits.per_site != 0 &&
	       in->in_flight_at_site >= in->plan->limits.per_site &&
	       say(r,
		   "%llu devices at site \"%s\" are at it, and no more than %u may be",
		   (ull)in->in_flight_at_site, in->device->site,
		   in->plan->limits.per_site);
}

static bool exceeds_rate(const struct why_input *in, struct why_reason *r)
{
	bool asked = in->in_flight_itself && needs_consent(in);

	if (in->plan == NULL || asked || in->plan->limits.egress_bytes_per_s == 0 ||
	    in->now >= in->egress_free_at)
		return false;
	r->at = in->egress_free_at;
	return say(r, "%llu bytes a second are handed out; its turn may come at %s",
		   (ull)in->plan->limits.egress_bytes_per_s, at(r->at).text);
}

/* ---- in order ---- */

struct rule {
	enum why_code code;
	bool (*holds)(const struct why_input *, struct why_reason *);
	bool last; /* after it nothing matters */
};

static const struct rule before_offer[] = {
    {WHY_UP_TO_DATE, is_up_to_date, true},
    {WHY_FROZEN, is_frozen, false},
    {WHY_NO_ROLLOUT, has_no_rollout, true},
    {WHY_INCOMPATIBLE, is_incompatible, true},
    {WHY_SECURITY_FLOOR, is_below_floor, true},
    {WHY_PINNED, is_pinned, false},
    {WHY_STOPPED, is_stopped, true},
    {WHY_NOT_STARTED, is_not_started, false},
    {WHY_AWAITING_APPROVAL, awaits_approval, false},
    {WHY_PAUSED, is_paused, false},
    {WHY_NO_WAVE, has_no_wave, true},
    {WHY_WAVE_NOT_STARTED, wave_not_started, false},
    {WHY_CONSENT_DENIED, consent_denied, true},
    {WHY_ENDED, has_ended, true},
    {WHY_NOT_SEEN, is_not_seen, false},
    {WHY_AWAITING_DELTA, awaits_delta, false},
    {WHY_OUTSIDE_WINDOW, is_outside, false},
    {WHY_AWAITING_CONSENT, awaits_consent, false},
    {WHY_POWER, lacks_power, false},
    {WHY_IN_FLIGHT_LIMIT, exceeds_in_flight, false},
    {WHY_SITE_LIMIT, exceeds_site, false},
    {WHY_RATE_LIMITED, exceeds_rate, false},
};

static const struct rule after_offer[] = {
    {WHY_RUNNING, is_running, false},
    {WHY_OFFERED, is_offered, false},
    {WHY_NOT_SEEN, is_not_seen, false},
    {WHY_OUTSIDE_WINDOW, is_outside_before_it_began, false},
    {WHY_POWER, lacks_power, false},
};

/* With consent, what was shown so far is the question. */
static bool was_offered(const struct why_input *in)
{
	return in->deployment != NULL && deployment_is_open(in->deployment->state) &&
	       in->deployment->offered && !needs_consent(in);
}

static void ask(const struct rule *rules, size_t n, const struct why_input *in,
		struct why *ret)
{
	for (size_t i = 0; i < n && ret->n_reasons < WHY_MAX_REASONS; i++) {
		struct why_reason *r = &ret->reasons[ret->n_reasons];

		*r = (struct why_reason){.code = rules[i].code};
		if (!rules[i].holds(in, r))
			continue;
		ret->n_reasons++;
		if (rules[i].last)
			return;
	}
}

static void conclude(const struct why_input *in, struct why *ret)
{
	struct why_reason *r;

	ret->may_offer = true;
	ret->may_ask = needs_consent(in);
	for (size_t i = 0; i < ret->n_reasons; i++) {
		enum why_code c = ret->reasons[i].code;

		ret->may_offer &= !codes[c].blocks;
		ret->may_ask &= c == WHY_AWAITING_CONSENT || !codes[c].blocks;
	}
	ret->asks_now = ret->may_ask && in->deployment != NULL && in->offered_at == 0;
	if (!ret->may_offer || was_offered(in) || ret->n_reasons == WHY_MAX_REASONS)
		return;
	r = &ret->reasons[ret->n_reasons++];
	*r = (struct why_reason){.code = WHY_DUE};
	(void)say(r, "it gets the release when it polls next");
}

void rollout_why(const struct why_input *in, struct why *ret)
{
	ret->n_reasons = 0;
	if (was_offered(in))
		ask(after_offer, N_ELEMS(after_offer), in, ret);
	else
		ask(before_offer, N_ELEMS(before_offer), in, ret);
	conclude(in, ret);
}

/* ---- for the API ---- */

static struct json *write_reason(const struct why_reason *r, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (json_set(o, "code", json_new_text(codes[r->code].slug), e) < 0 ||
	    json_set(o, "text", json_new_text(r->text), e) < 0)
		return NULL;
	if (r->at != 0 && json_set(o, "at", json_new_int(r->at), e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *write_reasons(const struct why *w, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < w->n_reasons; i++) {
		if (json_append(list, write_reason(&w->reasons[i], e), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

struct json *why_write(const struct why *w, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (json_set(o, "may_offer", json_new_bool(w->may_offer), e) < 0 ||
	    json_set(o, "text", json_new_text(w->reasons[0].text), e) < 0 ||
	    json_set(o, "reasons", write_reasons(w, e), e) < 0)
		return NULL;
	return TAKE(o);
}
