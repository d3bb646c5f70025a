/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of a tenant once a minute: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_WATCH_H
#define OTA_SERVER_STORE_MODEL_WATCH_H

#include "model_delta.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_watch.c. */
/* clang-format off */
#define STORE_VERBS_WATCH(X)                                                             \
	X(WATCH_TOTALS, STORE_SCAN)	  /* in.watch.seen_since -> out.watch */
/* clang-format on */

struct watch_totals {
	int64_t seen_since; /* in */
	uint64_t n_seen;    /* devices that called since then */
	uint64_t n_artifacts;
	uint64_t artifact_bytes;
	uint64_t n_open; /* deployments */
	uint64_t n_deltas[N_DELTA_PROGRESSES];
	uint64_t n_by_delta;  /* installs that came by one and were proven */
	uint64_t saved_bytes; /* by them, against as many full payloads */
};

#endif
