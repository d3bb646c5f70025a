/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server need not keep for ever: old events, uploads that nobody went on with,
 * artifacts that no release refers to, sessions that ended. Waits for disk and store, in
 * small writes between which others get their turn: call it in a worker's thread.
 */
#ifndef OTA_SERVER_RETAIN_H
#define OTA_SERVER_RETAIN_H

#include "upload.h"

struct retention {
	uint64_t max_events; /* ids further behind the newest are dropped */
	uint64_t events_ms;  /* older events are dropped; likewise below; 0: none is */
	uint64_t uploads_ms;
	uint64_t artifacts_ms; /* since it was put last */
};

struct retained {
	size_t n_uploads, n_artifacts; /* dropped */
};

/* Of one tenant. now_ms: UTC. What was dropped before an error is counted. */
int retain(const struct uploads *up, const struct retention *r, int64_t now_ms,
	   struct retained *ret, struct err *e) MUST_USE;

#endif
