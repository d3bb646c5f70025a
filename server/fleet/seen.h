/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When devices were seen last: in memory, written in batches. A poll must not cost a
 * flush; what a crash loses here is a second of "last seen", nothing that was
 * acknowledged.
 */
#ifndef OTA_SERVER_FLEET_SEEN_H
#define OTA_SERVER_FLEET_SEEN_H

#include "../../common/base/clock.h"
#include "../store/store.h"

struct seen_cache;

struct seen_cache *seen_cache_new(const struct clock *clock, struct err *e) MUST_USE;
void seen_cache_free(struct seen_cache *c);
AUTO_PTR_DEFINE(seen_cache)

/* Any thread. Beyond SEEN_MAX between two flushes the newest are dropped. Returns the
 * time of it, UTC. */
#define SEEN_MAX 65536
int64_t seen_note(struct seen_cache *c, const char *tenant, const char *device,
		  const char *address);

/* Hands what there is to the store; any thread. The answer is not waited for. */
void seen_flush(struct seen_cache *c, struct store *s);

#endif
