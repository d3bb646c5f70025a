/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet's versions over time: a point an hour, written by housekeeping. */
#ifndef OTA_SERVER_FLEET_SAMPLER_H
#define OTA_SERVER_FLEET_SAMPLER_H

#include "../store/store.h"

/*
 * Counts the devices of `view`'s tenant and stores the point of this hour, in place of one
 * that is there. Answers come in l's thread; `whole` is the store itself, which outlives
 * them. What fails leaves a gap: the next hour has its own point.
 */
void sampler_take(struct store *view, struct store *whole, struct loop *l);

#endif
