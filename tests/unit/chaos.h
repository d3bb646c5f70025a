/* SPDX-License-Identifier: Apache-2.0 */
/* A store back-end for tests: wraps another, answers late and, if asked, fails at
 * random. */
#ifndef OTA_TESTS_CHAOS_H
#define OTA_TESTS_CHAOS_H

#include "../../server/store/store.h"

struct chaos_plan {
	unsigned seed;
	unsigned max_delay_ms;
	unsigned refuse_percent; /* ERR_BUSY: nothing was done */
	/* ERR_IO: it was done, and the answer says it was not */
	unsigned forget_percent;
};

/* Takes inner; store_close() closes both. */
struct store *store_chaos_new(struct store *inner, const struct chaos_plan *plan,
			      struct err *e) MUST_USE;

#endif
