/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices by the hash of their token, so that a poll with nothing to do costs no read.
 *
 *	store_submit() --DEVICE_BY_TOKEN--> known: answered in place
 *	                                 `-> not: read, and kept when the answer comes
 *	a write ends --> what it may have changed is forgotten, then it is answered
 *
 * Who was told that a write is done therefore never reads what was before it. A read that
 * overlaps a write is not kept. What a write touches is a row of a table by verb; a verb
 * without a row touches every device, so a new one is slow before it is wrong.
 *
 * It needs to see all that changes a device's row, so it is for a back-end that one process
 * serves (store_keep_devices()). Other processes that visit a data directory write people, tokens
 * and freezes, and ask for cancellation of what a device was shown: none of it changes a row
 * that is kept here. When a device was last seen is not kept fresh: it is seen now.
 *
 * Memory is bounded: the device unused for the longest goes first.
 */
#ifndef OTA_SERVER_STORE_DEVICE_CACHE_H
#define OTA_SERVER_STORE_DEVICE_CACHE_H

#include "../metrics/metrics.h"
#include "store.h"

struct device_cache;

/* About max_bytes of memory, 300 a device. m: counts hits, misses and bytes there; NULL:
 * nowhere; else it must outlive the cache. */
struct device_cache *device_cache_new(size_t max_bytes, struct metrics *m,
				      struct err *e) MUST_USE;
/* When no call is under way. NULL is fine. */
void device_cache_free(struct device_cache *k);

/* Any thread, before c goes to the back-end. True: c->out and c->err are its answer. False: the
 * back-end must answer it, and device_cache_end() must see it then. k NULL: false. */
bool device_cache_answer(struct device_cache *k, struct store_call *c) MUST_USE;

/* Any thread, when the back-end has answered and before anybody hears of it: keeps what was
 * read, forgets what was written. */
void device_cache_end(struct store_call *c);

#endif
