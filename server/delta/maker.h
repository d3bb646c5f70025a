/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making one delta in a child process (program.c), bounded in memory and in time. Waits:
 * call it in a worker's thread.
 *
 * The child writes two files and then one line to its pipe: MAKER_MADE, or why not. A
 * child that ends without a word, or that takes too long and is killed, made nothing.
 */
#ifndef OTA_SERVER_DELTA_MAKER_H
#define OTA_SERVER_DELTA_MAKER_H

#include "../../common/base/err.h"
#include "../../common/ddi/capability.h"

#include <stdbool.h>
#include <stdint.h>

#define MAKER_TEXT_LEN (CAPABILITIES_MAX_LEN + 16)
#define MAKER_MADE "made" /* and what a device needs for it (common/ddi/capability.h) */

struct maker_job {
	const char *program;
	const char *old_head, *old_body, *new_head, *new_body; /* paths to read */
	const char *head, *body; /* paths to write: whole, or not there */
	bool unwrap;		 /* between what the images are unwrapped */
	uint64_t max_memory;	 /* bytes of address space; 0: no limit */
	uint64_t max_ms;
	/* Asked every second, from this thread: false ends the child. May be NULL. */
	bool (*goes_on)(void *ctx);
	void *ctx;
};

/* ERR_UNSUPPORTED: the child says why there can be none; ERR_TIMEOUT; ERR_CANCELLED:
 * goes_on() said so; others: it could not be started, or died. *ret_cpu_ms is set in any
 * case. */
int maker_make(const struct maker_job *job, char ret_needs[CAPABILITIES_MAX_LEN + 1],
	       uint64_t *ret_cpu_ms, struct err *e) MUST_USE;

#endif
