/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works through jobs (store/model_job.h), one batch after the other, in the main loop.
 *
 *	IDLE --wake, timer--> NEXT --job--> SELECT --devices--> STEP --progress--> NEXT ..
 *	 ^                     | none, trouble
 *	 `---------------------'
 *
 * It keeps nothing: which job and how far it came is asked of the store before each
 * batch, so a start goes on where the last life ended, and another node that took the
 * batch makes ours fail its comparison and nothing else.
 */
#ifndef OTA_SERVER_JOB_RUNNER_H
#define OTA_SERVER_JOB_RUNNER_H

#include "../../common/base/log.h"
#include "../event/hub.h"

struct job_runner;

/* All borrowed; begins at once. */
struct job_runner *job_runner_new(struct store *store, struct hub *hub, struct loop *l,
				  const struct log *log, struct err *e) MUST_USE;
/* When l does not run any more and the store is closed. NULL is fine. */
void job_runner_free(struct job_runner *r);

/* Any thread: there may be a new job. */
void job_runner_wake(struct job_runner *r);

#endif
