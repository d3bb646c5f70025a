/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

void rollout_view_free(struct rollout_view *v)
{
	free(v);
}

/* ---- from the store ---- */

/* Which counter of the policy a status is; WAITING is in none. */
static const size_t counter_of[N_MEMBER_STATUSES] = {
    [MEMBER_WAITING] = SIZE_MAX,
    [MEMBER_IN_FLIGHT] = offsetof(struct wave_counts, in_flight),
    [MEMBER_PROVEN] = offsetof(struct wave_counts, proven),
    [MEMBER_REPORTED] = offsetof(struct wave_counts, reported),
    [MEMBER_DOWNLOADED] = offsetof(struct wave_counts, downloaded),
    [MEMBER_FAILED] = offsetof(struct wave_counts, failed),
    [MEMBER_ROLLED_BACK] = offsetof(struct wave_counts, rolled_back),
    [MEMBER_SILENT] = offsetof(struct wave_counts, silent),
    [MEMBER_ABSENT] = offsetof(struct wave_counts, absent),
    [MEMBER_CANCELLED] = offsetof(struct wave_counts, cancelled),
};

static void read_counts(const uint64_t from[N_MEMBER_STATUSES], struct wave_counts *to)
{
	*to = (struct wave_counts){.members = 0};
	for (int s = 0; s < N_MEMBER_STATUSES; s++) {
		to->members += from[s];
		if (counter_of[s] != SIZE_MAX)
			*(uint64_t *)(void *)((char *)to + counter_of[s]) = from[s];
	}
}

static void write_counts(const struct wave_counts *from, uint64_t to[N_MEMBER_STATUSES])
{
	uint64_t others = 0;

	for (int s = 0; s < N_MEMBER_STATUSES; s++) {
		if (counter_of[s] == SIZE_MAX)
			continue;
		to[s] = *(const uint64_t *)(const void *)((const char *)from +
							  counter_of[s]);
		others += to[s];
	}
	to[MEMBER_WAITING] = from->members - others;
}

/* The next moment at which a member of wave w falls silent; 0: none. Who waits and was
 * not seen yet does at the clock's deadline; those of later have been swept. */
static int64_t next_silent_at(const struct rollout_view *v, unsigned w,
			      const struct rollout_wave *row,
			      const struct freeze *freeze, int64_t now)
{
	const struct wave_plan *plan = &v->plan.waves[w];
	int64_t clock = rollout_absence_clock(&v->progress, w, freeze);
	int64_t offered = row->oldest_offer_at == 0
			      ? INT64_MAX
			      : rollout_silent_at(plan, clock, row->oldest_offer_at, 0);
	int64_t waiting = row->counts[MEMBER_WAITING] == 0
			      ? INT64_MAX
			      : rollout_silent_at(plan, clock, 0, 0);
	int64_t at = offered;

	if (waiting > now && waiting < at)
		at = waiting;
	return at == INT64_MAX ? 0 : at;
}

static void read_waves(struct rollout_view *v, const struct rollout_wave *waves,
		       const struct freeze *freeze, int64_t now)
{
	for (unsigned w = 0; w < v->plan.n_waves; w++) {
		struct wave_progress *p = &v->progress.waves[w];

		p->state = (enum wave_state)waves[w].state;
		p->approved = waves[w].approved;
		p->started_at = waves[w].started_at;
		p->clock_at = waves[w].clock_at;
		p->soaking_at = waves[w].soaking_at;
		p->passed_at = waves[w].passed_at;
		read_counts(waves[w].counts, &p->counts);
		read_counts(waves[w].forgiven, &p->forgiven);
	}
	for (unsigned w = 0; w < v->plan.n_waves; w++)
		v->progress.waves[w].next_silent_at =
		    next_silent_at(v, w, &waves[w], freeze, now);
}

static int read_plan(const struct buf *text, struct rollout_plan *ret, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_parse(buf_str(text), text->len, e);

	return o == NULL ? -1 : plan_read(o, ret, e);
}

struct rollout_view *rollout_view_new(const struct rollout *row,
				      const struct rollout_wave *waves, size_t n_waves,
				      const struct buf *plan,
				      const struct freeze *freeze, int64_t now,
				      struct err *e)
{
	AUTO_PTR(rollout_view) struct rollout_view *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	v->row = *row;
	if (read_plan(plan, &v->plan, e) < 0 || v->plan.n_waves != n_waves) {
		(void)err_set(e, ERR_IO, "the plan of rollout %llu is damaged",
			      (unsigned long long)row->id);
		return NULL;
	}
	if (v->plan.seed[0] == '\0')
		(void)snprintf(v->plan.seed, sizeof(v->plan.seed), "%llu",
			       (unsigned long long)row->id);
	v->progress.state = (enum rollout_state)row->state;
	v->progress.reason = (enum rollout_reason)row->reason;
	v->progress.approvals = row->approvals;
	v->progress.to_come = row->n_to_come;
	read_waves(v, waves, freeze, now);
	return TAKE(v);
}

struct rollout_view *rollout_view_of(const struct store_call *got,
				     const struct freeze *freeze, struct err *e)
{
	return rollout_view_new(&got->out.rollout, got->items, got->n_items, &got->blob,
				freeze, got->now_ms, e);
}

/* ---- to the store ---- */

static void write_wave(const struct wave_progress *p, unsigned w,
		       struct rollout_wave *ret)
{
	*ret = (struct rollout_wave){
	    .wave = w,
	    .state = p->state,
	    .approved = p->approved,
	    .started_at = p->started_at,
	    .clock_at = p->clock_at,
	    .soaking_at = p->soaking_at,
	    .passed_at = p->passed_at,
	};
	write_counts(&p->forgiven, ret->forgiven);
}

static void write_times(const struct rollout_view *v, int64_t now,
			struct rollout_apply *a)
{
	enum rollout_state to = v->progress.state;

	if (v->row.submitted_at == 0 && to != ROLLOUT_DRAFT)
		a->submitted_at = now;
	if (v->row.started_at == 0 && to == ROLLOUT_RUNNING)
		a->started_at = now;
	if (v->row.ended_at == 0 && (to == ROLLOUT_FINISHED || to == ROLLOUT_STOPPED))
		a->ended_at = now;
}

int rollout_view_apply(const struct rollout_view *v, struct store_call *c,
		       const char *by, int kind, int wave, const char *text,
		       struct err *e)
{
	struct rollout_apply *a = &c->in.rollout_apply;
	struct rollout_wave *items =
	    store_call_items(c, v->plan.n_waves, sizeof(*items), e);

	if (items == NULL)
		return -1;
	for (unsigned w = 0; w < v->plan.n_waves; w++)
		write_wave(&v->progress.waves[w], w, &items[w]);
	a->id = v->row.id;
	a->expect_revision = v->row.revision;
	a->state = v->progress.state;
	a->reason = v->progress.reason;
	a->offers = rollout_state_offers(v->progress.state);
	a->active =
	    v->progress.state != ROLLOUT_DRAFT && v->progress.state != ROLLOUT_FINISHED;
	write_times(v, c->now_ms, a);
	a->decision.kind = kind;
	a->decision.wave = wave;
	a->decision.reason = v->progress.reason;
	(void)snprintf(a->decision.by, sizeof(a->decision.by), "%s",
		       by == NULL ? "" : by);
	(void)snprintf(a->decision.detail, sizeof(a->decision.detail), "%s", text);
	return 0;
}

int rollout_row_fill(struct store_call *c, const struct rollout_plan *p,
		     const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *text = plan_write(p, e);
	struct rollout *o = &c->in.rollout;

	buf_clear(&c->blob);
	if (text == NULL || json_write(text, &c->blob, e) < 0)
		return -1;
	memcpy(o->name, p->name, sizeof(o->name));
	memcpy(o->release, p->release, sizeof(o->release));
	o->priority = p->priority;
	o->n_waves = (unsigned)p->n_waves;
	o->max_in_flight = p->limits.in_flight;
	o->max_per_site = p->limits.per_site;
	o->max_bytes_per_s = p->limits.egress_bytes_per_s;
	o->payload_bytes = r->head_size + r->body_size;
	return 0;
}
