/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: carries out what server/rollout/policy.h decides.
 *
 *	people (API) --ROLLOUT_APPLY--> store <--- devices' reports move the counters
 *	                                  ^
 *	engine_wake() --> a thread: read, ask the policy, store the move with its reason,
 *	                  choose members, assign waves, mark who is silent; sleep until
 *	                  the policy's time, or until it is woken
 *
 * It has no state that matters: all is in the store, each write is idempotent or compares
 * a revision, and carries the leader's epoch. So a kill at any point costs the batch under
 * way, and the next engine, here or on another node, goes on with the next one. What a
 * device is offered is decided where it polls, not here: without the engine nothing new
 * is assigned and no wave is begun or stopped, and that is all.
 *
 * A thread of its own, which waits for the store; engine_wake() may be called from any.
 */
#ifndef OTA_SERVER_ROLLOUT_ENGINE_H
#define OTA_SERVER_ROLLOUT_ENGINE_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../store/store.h"

struct engine;

struct engine_config {
	struct store *store; /* the whole one: the engine serves all tenants */
	const struct clock *clock;
	const struct log *log;
	/* Tells a device that there is something for it; NULL: it finds out by polling. */
	void (*poke)(void *ctx, const char *tenant, const char *device);
	void *ctx;
	/* Nobody else can run an engine on this store: take the lead at once. */
	bool exclusive;
	uint64_t settle_ms; /* reports of so long are judged together */
	uint64_t join_ms; /* look for late joiners, and for members that fit no more, so
			   * often */
	uint64_t
	    retry_ms; /* try again to assign those that something else was open for */
};

struct engine *engine_new(const struct engine_config *c, struct err *e) MUST_USE;
/* Ends after the call to the store that is under way. NULL is fine. */
void engine_free(struct engine *n);
AUTO_PTR_DEFINE(engine)

/* Something happened that the policy may have waited for. NULL is fine. */
void engine_wake(struct engine *n);

#endif
