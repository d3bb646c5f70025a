/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

/* A device that was forgiven may end otherwise after all: its count then is below what
 * was forgiven, never less than nothing. */
static uint64_t less(uint64_t count, uint64_t forgiven)
{
	return count > forgiven ? count - forgiven : 0;
}

/* What ended since the last resume. */
static struct wave_counts count_since(const struct wave_progress *p)
{
	const struct wave_counts *c = &p->counts, *f = &p->forgiven;

	return (struct wave_counts){
	    .proven = less(c->proven, f->proven),
	    .reported = less(c->reported, f->reported),
	    .downloaded = less(c->downloaded, f->downloaded),
	    .failed = less(c->failed, f->failed),
	    .rolled_back = less(c->rolled_back, f->rolled_back),
	    .silent = less(c->silent, f->silent),
	    .absent = less(c->absent, f->absent),
	};
}

static uint64_t count_good(const struct wave_counts *c)
{
	return c->proven + c->reported + c->downloaded;
}

static uint64_t count_succeeded(const struct rollout_plan *plan,
				const struct wave_counts *c)
{
	if (plan->type == KIND_DOWNLOAD_ONLY)
		return count_good(c);
	return plan->accepts == GRADE_PROVEN ? c->proven : c->proven + c->reported;
}

static uint64_t count_bad(const struct wave_counts *c)
{
	return c->failed + c->rolled_back + c->silent + c->absent;
}

/* Products stay below 2^64: counts are below 2^48, basis points below 2^14. */
static void judge(const struct wave_plan *w, struct tally *t)
{
	uint64_t wanted = t->members * w->success_bp;

	t->counts = t->ended >= w->min_finished || t->waiting == 0;
	if (!t->counts)
		return;
	t->errors = t->bad * PLAN_ALL_BP > t->ended * w->error_bp;
	t->reached = t->succeeded * PLAN_ALL_BP >= wanted;
	t->out_of_reach = (t->succeeded + t->waiting) * PLAN_ALL_BP < wanted;
}

void tally_wave(const struct rollout_plan *plan, const struct wave_plan *w,
		const struct wave_progress *p, struct tally *ret)
{
	const struct wave_counts *c = &p->counts;
	struct wave_counts since = count_since(p);
	uint64_t succeeded = count_succeeded(plan, c);
	uint64_t there = less(c->members, c->cancelled);

	*ret = (struct tally){
	    .succeeded = succeeded,
	    .bad = count_bad(&since),
	    .unproven = count_good(&since) - count_succeeded(plan, &since),
	    .ended = count_good(&since) + count_bad(&since),
	    .waiting = less(there, count_good(c) + count_bad(c)),
	};
	ret->members = ret->succeeded + ret->unproven + ret->bad + ret->waiting;
	judge(w, ret);
}

void tally_evidence(const struct wave_progress *p, struct gate_evidence *ret)
{
	struct wave_counts since = count_since(p);

	ret->failed = since.failed + since.rolled_back + since.silent;
	ret->offered = count_good(&since) + ret->failed + p->counts.in_flight;
}

void tally_gate(const struct rollout_plan *plan, const struct rollout_progress *p,
		struct gate_evidence ret_evidence[PLAN_MAX_WAVES],
		struct gate_verdict *ret)
{
	for (size_t i = 0; i < plan->n_waves; i++) {
		ret_evidence[i] = (struct gate_evidence){0};
		if (p->waves[i].state != WAVE_PENDING)
			tally_evidence(&p->waves[i], &ret_evidence[i]);
	}
	gate_judge(&plan->gate, ret_evidence, plan->n_waves, ret);
}
