/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for reads that may look at many rows, for back-ends that answer other reads in
 * the caller's thread. Calls begin in the order they are given; one whose deadline passed
 * while it waited is ERR_TIMEOUT.
 */
#ifndef OTA_SERVER_STORE_SCAN_H
#define OTA_SERVER_STORE_SCAN_H

#include "store.h"

struct scanners;

/* run() fills c's answer or c->err; it is called in any of the threads, which keep what
 * is theirs by thread-specific keys. */
struct scanners *scanners_new(unsigned n_threads,
			      void (*run)(void *ctx, struct store_call *c), void *ctx,
			      struct err *e) MUST_USE;
/* Answers what was submitted, then joins. NULL is fine. */
void scanners_free(struct scanners *s);

/* Any thread. Takes c until done(). */
void scanners_submit(struct scanners *s, struct store_call *c);

#endif
