/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a rollout's members are, and in which wave: the devices that its selection finds,
 * without those that cannot or need not take the release, in their order.
 *
 * Reads the store page by page and waits for it: for the engine's thread and for worker
 * threads. Holds some 100 bytes a device; SELECTION_MAX of them.
 */
#ifndef OTA_SERVER_ROLLOUT_SELECT_H
#define OTA_SERVER_ROLLOUT_SELECT_H

#include "order.h"
#include "view.h"

#define SELECTION_MAX 4000000u

struct selection {
	struct order_entry *entries; /* in their order, with their waves */
	size_t n, room;
	struct buf texts; /* of entry.index: its id NUL its site NUL, at offsets[] */
	uint32_t *offsets;
	uint64_t members[PLAN_MAX_WAVES];
	struct rollout_left_out left_out;
};

/* between, where not NULL, is called before each page is read: what takes longer than a
 * lease renews it there. -1 ends it with that error. */
int selection_make(struct store *s, const char *tenant, const struct rollout_view *v,
		   const struct release *r, int (*between)(void *ctx, struct err *e),
		   void *ctx, struct selection *ret, struct err *e) MUST_USE;
void selection_fini(struct selection *s);

/* Members first..first+n of the order, those without a wave left out; *ret_n of them. */
void selection_members(const struct selection *s, size_t first, size_t n,
		       struct rollout_member *ret, size_t *ret_n);

/* Devices that the selection finds now and that are no members yet, from `after` on, as
 * candidates (c->items): for late joiners. */
int selection_joiners(struct store *s, const char *tenant, const struct rollout_view *v,
		      const char *after, struct store_call **ret,
		      struct err *e) MUST_USE;

/* Whether a release is for this device at all, and news to it, and the device is not
 * pinned to another one. ret_why, where not NULL: if it does not fit, a sentence. */
enum rollout_fit { FITS, FIT_INCOMPATIBLE, FIT_UP_TO_DATE, FIT_PINNED };
enum rollout_fit rollout_fit_of(const struct rollout_candidate *d,
				const struct release *r, struct err *ret_why);

#endif
