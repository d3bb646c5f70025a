/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "../../common/base/text.h"

#include <string.h>

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, text[0] == '\0' ? json_new_null() : json_new_text(text),
			e);
}

static int set_int(struct json *o, const char *key, uint64_t v, struct err *e)
{
	return json_set(o, key, json_new_int((int64_t)v), e);
}

static int set_id(struct json *o, const char *key, uint64_t id, struct err *e)
{
	char text[24];

	if (id == 0)
		return json_set(o, key, json_new_null(), e);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	return json_set(o, key, json_new_text(text), e);
}

static int set_time(struct json *o, const char *key, int64_t at, struct err *e)
{
	return json_set(o, key, at == 0 ? json_new_null() : json_new_int(at), e);
}

/* ---- one ---- */

static struct json *render_left_out(const struct rollout_left_out *l, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_int(o, "incompatible", l->incompatible, e) < 0 ||
	    set_int(o, "up_to_date", l->up_to_date, e) < 0 ||
	    set_int(o, "pinned", l->pinned, e) < 0 ||
	    set_int(o, "no_wave", l->no_wave, e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *render_devices(const struct rollout *r, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_int(o, "members", r->n_members, e) < 0 ||
	    set_int(o, "ended", r->n_ended, e) < 0 ||
	    set_int(o, "succeeded", r->n_succeeded, e) < 0)
		return NULL;
	return TAKE(o);
}

static int set_times(struct json *o, const struct rollout *r, struct err *e)
{
	if (set_time(o, "created_at", r->created_at, e) < 0 ||
	    set_time(o, "submitted_at", r->submitted_at, e) < 0 ||
	    set_time(o, "started_at", r->started_at, e) < 0 ||
	    set_time(o, "ended_at", r->ended_at, e) < 0)
		return -1;
	return set_time(o, "updated_at", r->updated_at, e);
}

static const char *const memberships[] = {[MEMBERSHIP_NONE] = "none",
					  [MEMBERSHIP_FILLING] = "filling",
					  [MEMBERSHIP_COMPLETE] = "complete"};

struct json *render_rollout(const struct rollout *r, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_id(o, "id", r->id, e) < 0 ||
	    set_text(o, "name", r->name, e) < 0 ||
	    set_text(o, "release", r->release, e) < 0 ||
	    set_int(o, "priority", r->priority, e) < 0 ||
	    set_text(o, "state", rollout_state_name((enum rollout_state)r->state), e) <
		0 ||
	    set_text(o, "reason", rollout_reason_name((enum rollout_reason)r->reason),
		     e) < 0 ||
	    set_text(o, "detail", r->detail, e) < 0 ||
	    set_text(o, "author", r->author, e) < 0 ||
	    set_int(o, "approvals", r->approvals, e) < 0 ||
	    set_id(o, "rollback_of", r->members_of, e) < 0 ||
	    set_text(o, "membership", memberships[r->membership], e) < 0 ||
	    json_set(o, "devices", render_devices(r, e), e) < 0 ||
	    json_set(o, "left_out", render_left_out(&r->left_out, e), e) < 0 ||
	    set_times(o, r, e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *render_counts(const uint64_t counts[N_MEMBER_STATUSES],
				  struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	uint64_t all = 0;

	for (int s = 0; s < N_MEMBER_STATUSES; s++) {
		all += counts[s];
		if (set_int(o, member_status_name((enum member_status)s), counts[s],
			    e) < 0)
			return NULL;
	}
	if (set_int(o, "members", all, e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *render_wave(const struct rollout_wave *w, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_int(o, "wave", w->wave + 1, e) < 0 ||
	    set_text(o, "state", wave_state_name((enum wave_state)w->state), e) < 0 ||
	    json_set(o, "approved", json_new_bool(w->approved), e) < 0 ||
	    set_time(o, "started_at", w->started_at, e) < 0 ||
	    set_time(o, "soaking_at", w->soaking_at, e) < 0 ||
	    set_time(o, "passed_at", w->passed_at, e) < 0 ||
	    json_set(o, "counts", render_counts(w->counts, e), e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_rollout_whole(const struct rollout_view *v,
				  const struct rollout_wave *waves, struct err *e)
{
	AUTO_PTR(json) struct json *o = render_rollout(&v->row, e);
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t w = 0; w < v->plan.n_waves; w++) {
		if (json_append(list, render_wave(&waves[w], e), e) < 0)
			return NULL;
	}
	if (o == NULL || json_set(o, "waves", TAKE(list), e) < 0 ||
	    json_set(o, "plan", plan_write(&v->plan, e), e) < 0)
		return NULL;
	return TAKE(o);
}

/* ---- rows of lists ---- */

struct json *render_rollout_member(const struct rollout_member *m, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "device", m->device, e) < 0 ||
	    set_int(o, "wave", m->wave + 1, e) < 0 ||
	    set_text(o, "state", member_status_name(m->status), e) < 0 ||
	    set_text(o, "site", m->site, e) < 0 ||
	    set_id(o, "deployment", m->deployment, e) < 0 ||
	    set_time(o, "offered_at", m->offered_at, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_rollout_decision(const struct rollout_decision *d, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	const char *kind =
	    d->kind < 0 ? "" : decision_kind_name((enum decision_kind)d->kind);

	if (o == NULL || set_id(o, "id", d->n, e) < 0 ||
	    set_time(o, "at", d->at, e) < 0 || set_text(o, "kind", kind, e) < 0 ||
	    set_text(o, "reason", rollout_reason_name((enum rollout_reason)d->reason),
		     e) < 0 ||
	    json_set(o, "wave",
		     d->wave < 0 ? json_new_null() : json_new_int(d->wave + 1),
		     e) < 0 ||
	    set_text(o, "by", d->by, e) < 0 || set_text(o, "detail", d->detail, e) < 0)
		return NULL;
	return TAKE(o);
}

/* ---- preview ---- */

static struct json *render_preview_wave(const struct rollout_view *v,
					const struct selection *s, size_t w,
					struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_int(o, "wave", w + 1, e) < 0 ||
	    set_int(o, "devices", s->members[w], e) < 0 ||
	    set_int(o, "bytes", s->members[w] * v->row.payload_bytes, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_rollout_preview(const struct rollout_view *v,
				    const struct selection *s, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *list = json_new_array();
	uint64_t all = 0;

	for (size_t w = 0; w < v->plan.n_waves; w++) {
		all += s->members[w];
		if (json_append(list, render_preview_wave(v, s, w, e), e) < 0)
			return NULL;
	}
	if (o == NULL || json_set(o, "waves", TAKE(list), e) < 0 ||
	    set_int(o, "devices", all, e) < 0 ||
	    set_int(o, "bytes", all * v->row.payload_bytes, e) < 0 ||
	    json_set(o, "left_out", render_left_out(&s->left_out, e), e) < 0)
		return NULL;
	return TAKE(o);
}
