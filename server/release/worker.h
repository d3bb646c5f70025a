/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for what must not hold up a loop: disk flushes, hashing, the signer.
 *
 * A job is embedded in what needs it. run() is called in a worker's thread and may
 * wait; done() afterwards in the loop's thread that it names. Jobs begin in the order
 * they are given.
 */
#ifndef OTA_SERVER_WORKER_H
#define OTA_SERVER_WORKER_H

#include "../../common/loop/loop.h"

struct job {
	void (*run)(struct job *j);
	void (*done)(struct job *j); /* owns j from here on */
	struct loop *loop; /* where done() runs; NULL: in the worker's thread */
	struct job *next;  /* the worker's */
};

struct worker;

struct worker *worker_new(unsigned n_threads, struct err *e) MUST_USE;
/* Finishes the jobs that were given, then joins. NULL is fine. */
void worker_free(struct worker *w);
AUTO_PTR_DEFINE(worker)

/* Any thread. j must live until done(). */
void worker_submit(struct worker *w, struct job *j);

#endif
