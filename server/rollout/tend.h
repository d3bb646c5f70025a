/* SPDX-License-Identifier: Apache-2.0 */
/* One look of the engine at one rollout; for engine.c only. Waits for the store. */
#ifndef OTA_SERVER_ROLLOUT_TEND_H
#define OTA_SERVER_ROLLOUT_TEND_H

#include "engine.h"
#include "select.h"

/* What is convenient to remember of a rollout; losing it costs a look too many. */
struct tended {
	struct tended *next;
	uint64_t id;
	int64_t assign_at; /* the next pass over those that wait; INT64_MAX: nobody */
	int64_t join_at;   /* the next look for late joiners */
	int64_t check_at;  /* the next look for members that fit no more */
};

struct tending {
	const struct engine_config *config;
	char holder[33]; /* of the lead: random */
	uint64_t epoch;
	bool (*stopping)(void *ctx);
	/* Renews the lease when it is time. -1: somebody else led in between, so what was
	 * read before is not to be built upon. */
	int (*keep_lead)(void *ctx, struct err *e);
	void *ctx;
	struct tended *known;
};

#define TEND_TROUBLE_MS 60000 /* what a person must mend is tried again so often */

/* *ret_again_at: UTC ms; INT64_MAX: only when something happens. ERR_PRECONDITION:
 * somebody else moved it in between, or leads. */
int tend_rollout(struct tending *t, const struct rollout_ref *r, int64_t *ret_again_at,
		 struct err *e) MUST_USE;
/* Drops what is remembered of those that are not among refs. */
void tend_forget(struct tending *t, const struct rollout_ref *refs, size_t n);
void tend_fini(struct tending *t);

#endif
