/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the deltas that the fleet is waiting for, one after the other, in the background.
 *
 *	every minute, and when woken, for each tenant
 *	  plan		pairs of releases between which devices wait: those that serve
 *			most devices first (model_delta.h)
 *	  take		one of them, with a lease: stored before anything is made
 *	  make		in a child process, bounded (maker.h); it ends when its release
 *			is withdrawn and when the server stops
 *	  keep		both files become artifacts if they are small enough, or it is
 *			stored why not
 *	  publish	in the metadata of the online role (release/roles.h); from then
 *			on devices are offered it
 *
 * It keeps nothing: after a crash the lease ends and the same pair is taken again. A
 * child that was killed leaves files in its scratch directory, which is emptied before
 * the next one.
 */
#ifndef OTA_SERVER_DELTAS_H
#define OTA_SERVER_DELTAS_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../release/home.h"

struct deltas_config {
	struct homes *homes; /* all borrowed */
	const struct clock *clock;
	const struct log *log;
	struct loop *loop;
	const char *program; /* ota-delta-maker; copied */
	uint64_t max_memory; /* bytes of one maker; 0: no limit */
	uint64_t max_ms;     /* of one delta */
	uint64_t every_ms;   /* between two looks */
	/* One that is larger than so many percent of the full payload is not kept. */
	uint64_t max_percent;
};

struct deltas;

struct deltas *deltas_new(const struct deltas_config *c, struct err *e) MUST_USE;
/* In its loop's thread; ends the maker that runs. NULL is fine. */
void deltas_free(struct deltas *d);
AUTO_PTR_DEFINE(deltas)

/* Any thread: there may be something to make. */
void deltas_wake(struct deltas *d);

#endif
