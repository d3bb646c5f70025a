/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus is told of things that have to be looked up: the fleet, rollouts, the
 * repository's and the certificate's days left, the disk.
 *
 * Looked up now and then, once a minute, by a worker's thread; a scrape gets what was found last, so
 * that no scrape scans anything and none waits. ota_watch_timestamp_seconds says when
 * that was.
 */
#ifndef OTA_SERVER_WATCH_H
#define OTA_SERVER_WATCH_H

#include "../common/base/clock.h"
#include "../common/base/log.h"
#include "metrics/metrics.h"
#include "release/home.h"

struct watch_config { /* all borrowed */
	struct homes *homes;
	struct worker *worker;
	struct metrics *metrics;
	const struct clock *clock;
	const struct log *log;
	struct loop *loop;	 /* the main one */
	const char *certificate; /* PEM that is served */
	const char *root;	 /* the data directory */
	uint64_t every_ms;
};

struct watch;

/* Begins to look; the first round is done as soon as the loop runs. */
struct watch *watch_new(const struct watch_config *c, struct err *e) MUST_USE;
/* In the main loop's thread, after the worker: nothing is looked up any more. */
void watch_free(struct watch *w);
AUTO_PTR_DEFINE(watch)

#endif
