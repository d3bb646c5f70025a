/* SPDX-License-Identifier: Apache-2.0 */
#include "handling.h"

#define MIN_SLEEP_MS 1000u

/* By deployment_kind, before and after force_at. */
static const struct {
	enum ddi_handling download, update;
} by_kind[N_KINDS][2] = {
    [KIND_SOFT] = {{DDI_ATTEMPT, DDI_ATTEMPT}, {DDI_ATTEMPT, DDI_ATTEMPT}},
    [KIND_FORCED] = {{DDI_FORCED, DDI_FORCED}, {DDI_FORCED, DDI_FORCED}},
    [KIND_TIME_FORCED] = {{DDI_ATTEMPT, DDI_ATTEMPT}, {DDI_FORCED, DDI_FORCED}},
    [KIND_DOWNLOAD_ONLY] = {{DDI_FORCED, DDI_SKIP}, {DDI_FORCED, DDI_SKIP}},
};

static const char *const history_words[N_DEPLOYMENT_STATES] = {
    [DEPLOYMENT_ASSIGNED] = "RETRIEVED",   [DEPLOYMENT_DOWNLOADING] = "DOWNLOAD",
    [DEPLOYMENT_INSTALLING] = "RUNNING",   [DEPLOYMENT_REBOOTING] = "RUNNING",
    [DEPLOYMENT_CANCELLING] = "CANCELING", [DEPLOYMENT_CONFIRMED] = "FINISHED",
    [DEPLOYMENT_FAILED] = "ERROR",	   [DEPLOYMENT_ROLLED_BACK] = "ERROR",
    [DEPLOYMENT_CANCELLED] = "CANCELED",   [DEPLOYMENT_DOWNLOADED] = "DOWNLOADED",
};

static enum showing what_to_show(const struct deployment *d, bool ours, bool too_early)
{
	if (d->id == 0 || !deployment_is_open(d->state) || (d->frozen && !d->offered))
		return SHOW_NOTHING;
	if (d->state == DEPLOYMENT_CANCELLING)
		return SHOW_CANCEL;
	if (consent_is_awaited(d->consent))
		return SHOW_CONFIRMATION;
	return too_early && !ours ? SHOW_NOTHING : SHOW_DEPLOYMENT;
}

/* The sooner of the two moments that are still to come. */
static int64_t next_change(const struct deployment *d, int64_t now_ms)
{
	int64_t at = d->not_before > now_ms ? d->not_before : 0;

	if (d->kind == KIND_TIME_FORCED && d->force_at > now_ms &&
	    (at == 0 || d->force_at < at))
		at = d->force_at;
	return at;
}

void handling_of(const struct deployment *d, bool ours, int64_t now_ms,
		 struct handling *ret)
{
	bool too_early = d->not_before > now_ms;
	bool forced = now_ms >= d->force_at;

	*ret = (struct handling){.show = what_to_show(d, ours, too_early),
				 .download = by_kind[d->kind][forced].download,
				 .update = by_kind[d->kind][forced].update,
				 .window = DDI_WINDOW_NONE,
				 .changes_at = next_change(d, now_ms)};
	if (d->not_before != 0)
		ret->window = too_early ? DDI_WINDOW_UNAVAILABLE : DDI_WINDOW_AVAILABLE;
	if (too_early)
		ret->update = DDI_SKIP;
	ret->content = d->content * 27 + (uint64_t)ret->download * 9 +
		       (uint64_t)ret->update * 3 + (uint64_t)ret->window;
}

uint64_t handling_sleep_ms(const struct handling *h, uint64_t poll_ms, int64_t now_ms)
{
	uint64_t until;

	if (h->changes_at == 0)
		return poll_ms;
	until = (uint64_t)(h->changes_at - now_ms);
	if (until < MIN_SLEEP_MS)
		until = MIN_SLEEP_MS;
	return until < poll_ms ? until : poll_ms;
}

bool handling_gives_files(const struct device *d, const struct release *r)
{
	return r->n_files > 0 && (r->n_images == 0 || !device_is_ours(d));
}

const char *handling_history_status(const struct deployment *d)
{
	if (consent_is_awaited(d->consent) && d->state == DEPLOYMENT_ASSIGNED)
		return "WAIT_FOR_CONFIRMATION";
	return history_words[d->state];
}
