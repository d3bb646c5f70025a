/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include "tally.h"

#include <math.h>
#include <stdlib.h>

#define LOG_10 2.302585092994046

struct evidence_span evidence_span_of(const struct rollout *o, int64_t now)
{
	struct evidence_span s = {.from = o->started_at, .to = now, .step_ms = 1000};

	if (o->ended_at != 0 && o->ended_at < now)
		s.to = o->ended_at;
	if (s.from == 0 || s.to < s.from)
		s.from = s.to;
	while ((s.to - s.from) / s.step_ms >= EVIDENCE_STEPS)
		s.step_ms *= 2;
	return s;
}

/* Counts up to and with each step; [0] is of the wave numbered 0. */
struct curve {
	uint64_t offered[PLAN_MAX_WAVES][EVIDENCE_STEPS];
	uint64_t ended[PLAN_MAX_WAVES][EVIDENCE_STEPS];
	uint64_t failed[PLAN_MAX_WAVES][EVIDENCE_STEPS];
	size_t n; /* steps */
};

/* The step of a row, within the span: what came later stands in the last. */
static size_t step_of(const struct rollout_view *v, const struct evidence_span *s,
		      const struct evidence_row *r, size_t n)
{
	int64_t step = r->step;

	if (r->status == MEMBER_SILENT)
		step += v->plan.waves[r->wave].deadline_ms / s->step_ms;
	if (step < 0)
		return 0;
	return (uint64_t)step >= n ? n - 1 : (size_t)step;
}

static void count_up(struct curve *c, const struct rollout_view *v,
		     const struct evidence_span *s, const struct evidence_row *rows,
		     size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct evidence_row *r = &rows[i];
		size_t step;

		if (r->wave >= v->plan.n_waves)
			continue;
		step = step_of(v, s, r, c->n);
		if (r->status == MEMBER_WAITING) {
			c->offered[r->wave][step] += r->n;
			continue;
		}
		c->ended[r->wave][step] += r->n;
		if (r->status >= MEMBER_FAILED)
			c->failed[r->wave][step] += r->n;
	}
	for (size_t w = 0; w < v->plan.n_waves; w++) {
		for (size_t i = 1; i < c->n; i++) {
			c->offered[w][i] += c->offered[w][i - 1];
			c->ended[w][i] += c->ended[w][i - 1];
			c->failed[w][i] += c->failed[w][i - 1];
		}
	}
}

/* Whether a person's resume here forgives: the last move before it was the policy's
 * pause. decisions[at] is the resume; the list is newest first. */
static bool forgives(const struct rollout_decision *decisions, size_t n, size_t at)
{
	return at + 1 < n && decisions[at].by[0] != '\0' &&
	       decisions[at + 1].kind == DECIDE_PAUSE &&
	       decisions[at + 1].by[0] == '\0';
}

/* The first step in which what failed before `at` does not count any more; c->n: none. */
static size_t next_amnesty(const struct curve *c, const struct evidence_span *s,
			   const struct rollout_decision *decisions, size_t n,
			   size_t *left)
{
	while (*left > 0) {
		size_t at = --*left;

		if (forgives(decisions, n, at) && decisions[at].at >= s->from) {
			int64_t step = (decisions[at].at - s->from) / s->step_ms;

			return (uint64_t)step >= c->n ? c->n - 1 : (size_t)step;
		}
	}
	return c->n;
}

static struct json *render_point(const struct gate_verdict *verdict, int64_t at,
				 const struct gate_evidence *waves, size_t n,
				 struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	uint64_t offered = 0, failed = 0;

	for (size_t w = 0; w < n; w++) {
		offered += waves[w].offered;
		failed += waves[w].failed;
	}
	if (o == NULL || json_set(o, "at", json_new_int(at), e) < 0 ||
	    json_set(o, "log10_e", json_new_number(verdict->log_e / LOG_10), e) < 0 ||
	    json_set(o, "offered", json_new_int((int64_t)offered), e) < 0 ||
	    json_set(o, "failed", json_new_int((int64_t)failed), e) < 0)
		return NULL;
	return TAKE(o);
}

/* Of the counters as they are: what the gate says now. */
static struct json *render_now(const struct rollout_view *v,
			       const struct evidence_span *s, struct err *e)
{
	struct gate_evidence waves[PLAN_MAX_WAVES];
	struct gate_verdict verdict;

	for (size_t w = 0; w < v->plan.n_waves; w++)
		tally_evidence(&v->progress.waves[w], &waves[w]);
	gate_judge(&v->plan.gate, waves, v->plan.n_waves, &verdict);
	return render_point(&verdict, s->to, waves, v->plan.n_waves, e);
}

/* What left the reckoning at a resume, of each wave. */
struct amnesty {
	uint64_t ended[PLAN_MAX_WAVES], failed[PLAN_MAX_WAVES];
};

static void forgive(struct amnesty *f, const struct curve *c, size_t step)
{
	for (size_t w = 0; step > 0 && w < PLAN_MAX_WAVES; w++) {
		f->ended[w] = c->ended[w][step - 1];
		f->failed[w] = c->failed[w][step - 1];
	}
}

static uint64_t less(uint64_t count, uint64_t forgiven)
{
	return count > forgiven ? count - forgiven : 0;
}

static void evidence_at(const struct curve *c, const struct amnesty *f, size_t step,
			size_t n_waves, struct gate_evidence *ret)
{
	for (size_t w = 0; w < n_waves; w++) {
		ret[w].offered = less(c->offered[w][step], f->ended[w]);
		ret[w].failed = less(c->failed[w][step], f->failed[w]);
		if (ret[w].failed > ret[w].offered)
			ret[w].failed = ret[w].offered;
	}
}

static int append_points(struct json *list, const struct curve *c,
			 const struct rollout_view *v, const struct evidence_span *s,
			 const struct rollout_decision *decisions, size_t n,
			 struct err *e)
{
	struct gate_evidence waves[PLAN_MAX_WAVES];
	struct amnesty forgiven = {.ended = {0}};
	size_t left = n, amnesty = next_amnesty(c, s, decisions, n, &left);
	struct gate_verdict verdict;

	for (size_t i = 0; i + 1 < c->n; i++) {
		int64_t at = s->from + (int64_t)(i + 1) * s->step_ms;

		for (; amnesty == i; amnesty = next_amnesty(c, s, decisions, n, &left))
			forgive(&forgiven, c, i);
		evidence_at(c, &forgiven, i, v->plan.n_waves, waves);
		gate_judge(&v->plan.gate, waves, v->plan.n_waves, &verdict);
		if (json_append(list,
				render_point(&verdict, at, waves, v->plan.n_waves, e),
				e) < 0)
			return -1;
	}
	return json_append(list, render_now(v, s, e), e);
}

static int set_gate(struct json *o, const struct rollout_view *v, struct err *e)
{
	const struct gate_plan *g = &v->plan.gate;

	if (json_set(o, "gate", json_new_bool(g->on), e) < 0)
		return -1;
	return json_set(
	    o, "log10_limit",
	    g->on ? json_new_number(log10((double)PLAN_ALL_BP / (double)g->alpha_bp))
		  : json_new_null(),
	    e);
}

struct json *render_evidence(const struct rollout_view *v,
			     const struct evidence_span *span,
			     const struct evidence_row *rows, size_t n_rows,
			     const struct rollout_decision *decisions,
			     size_t n_decisions, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *points = json_new_array();
	AUTO_FREE struct curve *c = calloc(1, sizeof(*c));

	if (o == NULL || points == NULL || c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	c->n = (size_t)((span->to - span->from) / span->step_ms) + 1;
	count_up(c, v, span, rows, n_rows);
	if ((v->plan.gate.on && v->row.started_at != 0 &&
	     append_points(points, c, v, span, decisions, n_decisions, e) < 0) ||
	    set_gate(o, v, e) < 0 || json_set(o, "points", TAKE(points), e) < 0)
		return NULL;
	return TAKE(o);
}
