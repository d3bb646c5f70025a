/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: the server tells others what happens.
 *
 *	store (events, webhooks) --every LOOK_MS--> engine: a thread with a loop of its own
 *	    ^                                          | a hook: next event after its cursor
 *	    |                                          v
 *	    `---- cursor, delivery: one write <---- POST, signed (policy.h)
 *
 * One message of a webhook is under way at a time, so that events arrive in their order;
 * an answer that is no success holds back those behind it until it is delivered or given
 * up (policy.h says when). A webhook that was given up is inactive, says why, and goes on
 * at its cursor when a person makes it active again. Events that were dropped in between
 * (retention) are skipped.
 *
 * After a crash: the cursor moves in the write that stores the delivery, so what was sent
 * and not stored is sent once more, with the same webhook-id: at least once, in order.
 *
 * Towards whom: https only, to addresses that address.h lets through when the socket
 * connects; no redirects, no proxy, bounded answers. It is not one of the HTTP threads
 * that waits for a slow receiver. One engine a database: with several nodes one of them
 * runs it.
 */
#ifndef OTA_SERVER_WEBHOOK_WEBHOOK_H
#define OTA_SERVER_WEBHOOK_WEBHOOK_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../../common/crypto/seal.h"
#include "../metrics/metrics.h"
#include "../store/store.h"
#include "address.h"
#include "policy.h"

#define WEBHOOK_MAX_ALLOWED 64

struct webhooks_config {
	struct store *store; /* borrowed, like all here */
	const struct clock *clock;
	const struct log *log;
	const char
	    *secrets_file;   /* the key that secrets are sealed with; made if absent */
	const char *ca_file; /* who vouches for receivers */
	const struct address_range *allowed; /* besides public addresses; copied */
	size_t n_allowed;		     /* at most WEBHOOK_MAX_ALLOWED */
	uint64_t timeout_ms;		     /* of a delivery; 0: 15 s */
	unsigned max_attempts;		     /* 0: 12 */
	/* Called in the engine's thread once an attempt stands in the log; NULL: nobody
	 * wants to know. */
	void (*tried)(void *ctx, const char *tenant, const char *webhook);
	void *tried_ctx;
	struct metrics *metrics; /* where deliveries are counted; NULL: nowhere */
};

struct webhooks;

/* Starts the thread. */
struct webhooks *webhooks_new(const struct webhooks_config *c, struct err *e) MUST_USE;
/* Stops it; what is under way is cut off and will be sent again. Before the store is
 * closed. NULL is fine. */
void webhooks_free(struct webhooks *w);
AUTO_PTR_DEFINE(webhooks)

/* Fills h->sealed with the secret's sealed form; h->id and the tenant must be there. Any
 * thread. */
int webhooks_seal(struct webhooks *w, const char *tenant,
		  const uint8_t key[WEBHOOK_KEY_LEN], struct webhook *h,
		  struct err *e) MUST_USE;

/* Sends an event once more, now and once, beside what else is under way; the outcome is
 * a delivery of its own. Any thread; ERR_BUSY: too many at once. */
int webhooks_replay(struct webhooks *w, const char *tenant, const char *webhook,
		    uint64_t event, struct err *e) MUST_USE;

#endif
