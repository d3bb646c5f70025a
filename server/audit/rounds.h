/* SPDX-License-Identifier: Apache-2.0 */
/* Signs every tenant's audit log from time to time, so that its head is in other hands
 * soon after something happened. */
#ifndef OTA_SERVER_AUDIT_ROUNDS_H
#define OTA_SERVER_AUDIT_ROUNDS_H

#include "../release/worker.h"
#include "audit_log.h"

struct audit_rounds;

/* All borrowed. The first round begins soon, the others interval_ms after the one before;
 * a log that did not grow is not signed anew. In l's thread. */
struct audit_rounds *audit_rounds_new(struct audit_log *log, struct store *store,
				      struct worker *w, struct loop *l,
				      const struct log *told, int64_t interval_ms,
				      struct err *e) MUST_USE;
/* After the worker, which may have a round under way. NULL is fine. */
void audit_rounds_free(struct audit_rounds *r);

#endif
