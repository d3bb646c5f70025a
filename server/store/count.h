/* SPDX-License-Identifier: Apache-2.0 */
/* What the store counts (server/metrics): calls by verb and outcome, how long they took,
 * what waits, how many writes shared a flush. Kept by store.c and the writer. */
#ifndef OTA_SERVER_STORE_COUNT_H
#define OTA_SERVER_STORE_COUNT_H

#include "../metrics/metrics.h"
#include "store.h"

struct store_counts {
	struct metric *calls, *duration, *waiting, *group;
};

/* NULL without metrics or memory. Freed by the owner when nobody calls any more. */
struct store_counts *store_counts_new(struct metrics *m);

/* A call is taken; it ends with store_counts_end(), once. */
void store_counts_begin(const struct store_counts *n, struct store_call *c);
/* c->err says how. Calls that were not begun are not counted. */
void store_counts_end(struct store_call *c);
/* So many writes were committed together. */
void store_counts_group(const struct store_counts *n, size_t n_calls);

#endif
