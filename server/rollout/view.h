/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rollout as the store has it, made into what the policy reads, and back.
 *
 * Pure but for memory; any thread. A view is some 30 KiB: on the heap.
 */
#ifndef OTA_SERVER_ROLLOUT_VIEW_H
#define OTA_SERVER_ROLLOUT_VIEW_H

#include "../store/store.h"
#include "policy.h"

struct rollout_view {
	struct rollout row;
	struct rollout_plan plan;
	struct rollout_progress progress;
};

/* row, waves (n_waves of them, by number) and the plan's JSON as the store gave them.
 * ERR_IO: what the store has is no plan. The caller frees it; NULL: e. */
struct rollout_view *rollout_view_new(const struct rollout *row,
				      const struct rollout_wave *waves, size_t n_waves,
				      const struct buf *plan,
				      const struct freeze *freeze, int64_t now,
				      struct err *e) MUST_USE;
/* The same of an answered ROLLOUT_GET. */
struct rollout_view *rollout_view_of(const struct store_call *got,
				     const struct freeze *freeze,
				     struct err *e) MUST_USE;
void rollout_view_free(struct rollout_view *v);
AUTO_PTR_DEFINE(rollout_view)

/* Fills in.rollout_apply and the items of a ROLLOUT_APPLY with the view's progress; who
 * and why are the caller's: by (NULL: the policy), kind (an enum decision_kind or -1),
 * wave (-1: none), text. */
int rollout_view_apply(const struct rollout_view *v, struct store_call *c,
		       const char *by, int kind, int wave, const char *text,
		       struct err *e) MUST_USE;

/* The plan's parts that the store keeps in columns, and its JSON into c->blob. */
int rollout_row_fill(struct store_call *c, const struct rollout_plan *p,
		     const struct release *r, struct err *e) MUST_USE;

#endif
