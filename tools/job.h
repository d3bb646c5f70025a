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

/*
 * Before --filter does what cannot be taken back: without --yes ERR_USAGE says how many
 * devices match and that --yes does `what` ("deletes them"). Nothing is done.
 */
int job_confirm(const struct ota *o, const char *what, struct err *e) MUST_USE;

/* Of what may be done to one device or to all that match. */
#define OPTIONS_MATCHING                                                               \
	{NULL,                                                                         \
	 "filter",                                                                     \
	 OPT_TEXT,                                                                     \
	 AT(filter),                                                                   \
	 NULL,                                                                         \
	 "FILTER",                                                                     \
	 "All devices that match, e.g. tag==lab;version=lt=2.0"},                      \
	{                                                                              \
		NULL, "no-wait", OPT_FLAG, AT(no_wait), NULL, NULL,                    \
		    "Do not wait for the job to end; see ota job show"                 \
	}
#define OPTION_YES                                                                     \
	{                                                                              \
		NULL, "yes", OPT_FLAG, AT(yes), NULL, NULL,                            \
		    "With --filter: do it; without, only say how many match"           \
	}

#endif
