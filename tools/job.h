/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: one change to a device, or to all that --filter selects. */
#ifndef OTA_TOOLS_JOB_H
#define OTA_TOOLS_JOB_H

#include "view.h"

/*
 * Makes a job of `body` (taken; its other members are the action's) and waits for its end
 * unless --no-wait. device NULL: --filter selects. Fails where the job did, and where one
 * device was named that is not there or was left as it was.
 */
int job_run(const struct ota *o, const char *action, const char *device,
	    struct json *taken_body, struct err *e) MUST_USE;

#endif
