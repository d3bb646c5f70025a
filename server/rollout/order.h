/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes when: the order of a rollout's devices, and their waves.
 *
 * The order is that of SHA-256(seed NUL device id), so nobody's choice, the same at each
 * attempt, another one for another seed. With strata (sites, say) each stratum is
 * spread evenly over the whole order: the j-th of a stratum's n devices in hash order
 * stands at (j + u) / n, u being the stratum's own hash in [0, 1). A wave of a tenth
 * then has about a tenth of each site, and no site updates at once.
 *
 * Waves cascade: each takes from those that the waves before it left. Who is left after
 * the last one is in no wave and no member.
 *
 * For 1,000,000 devices that is 32 MB and two sorts; the caller streams the devices in
 * and the waves out. Pure; any thread.
 */
#ifndef OTA_SERVER_ROLLOUT_ORDER_H
#define OTA_SERVER_ROLLOUT_ORDER_H

#include "plan.h"

#define ORDER_NO_WAVE 0xff

struct order_entry {
	uint64_t key;	  /* in: order_key(seed, device id) */
	uint64_t stratum; /* in: order_key(seed, attribute's value); 0 without strata */
	uint32_t index;	  /* in: the caller's number of it, unique; settles ties */
	uint16_t matches; /* in: bit w: it matches the filter of wave w */
	uint8_t wave;	  /* out: 0.. or ORDER_NO_WAVE */
	uint64_t place;	  /* out: position of 2^64 in the whole order */
};

int order_key(const char *seed, const char *text, uint64_t *ret,
	      struct err *e) MUST_USE;

/* Sorts the entries into their order and gives each its wave; the sizes of the waves go
 * to ret_members (PLAN_MAX_WAVES of them). entries may be NULL if n is 0. */
void order_assign(const struct rollout_plan *p, struct order_entry *entries, size_t n,
		  uint64_t ret_members[PLAN_MAX_WAVES]);

#endif
