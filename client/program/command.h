/* SPDX-License-Identifier: Apache-2.0 */
/* A child process on the loop: started, timed, and never left behind. Private. */
#ifndef OTA_CLIENT_COMMAND_H
#define OTA_CLIENT_COMMAND_H

#include "../../common/loop/loop.h"

struct command;

/* Runs text, its words split at blanks (no shell), in a process group of its own.
 * done(ctx, exit status, NULL), or done(ctx, -1, why) after a signal or the timeout,
 * comes from the loop once; it may free the command. */
struct command *command_new(struct loop *l, const char *text, uint64_t timeout_ms,
			    void (*done)(void *ctx, int status, const char *why),
			    void *ctx, struct err *e) MUST_USE;
void command_free(struct command *c); /* kills its group if it still runs */

#endif
