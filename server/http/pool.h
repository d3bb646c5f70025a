/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for what would block a loop: reading artifact files, writing ticket keys. */
#ifndef OTA_HTTP_POOL_H
#define OTA_HTTP_POOL_H

#include "../../common/loop/loop.h"

struct pool;

/* A piece of work, embedded in its owner's struct. From pool_submit() until done() it
 * belongs to the pool; work() runs in a pool thread, done() in the loop's; loop NULL:
 * without done(). */
struct pool_job {
	void (*work)(struct pool_job *j);
	void (*done)(struct pool_job *j);
	struct loop *loop;
	struct pool_job *next; /* the pool's */
};

struct pool *pool_new(unsigned n_threads, struct err *e) MUST_USE;
/* Finishes what was submitted (done() included, as far as loops still run) and joins.
 */
void pool_free(struct pool *p);
/* Any thread; never fails, never waits. */
void pool_submit(struct pool *p, struct pool_job *j);

#endif
