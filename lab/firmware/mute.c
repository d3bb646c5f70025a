/* SPDX-License-Identifier: Apache-2.0 */
/* The agent in this release is broken: it keeps the watchdog quiet, but it never polls
 * and never confirms. What saves the device is that the right to feed ends with the
 * confirm deadline. */
#include "firmware.h"

#include "../../common/base/clock.h"

#include <unistd.h>

static int mute(const struct client_config *c, struct boot *b, const struct log *log,
		struct err *e)
{
	int64_t until_ms =
	    clock_mono_ms(&clock_system) + (int64_t)c->health.confirm_deadline_ms;

	log_error(log, "firmware", "the agent of this release never polls", NULL);
	while (clock_mono_ms(&clock_system) < until_ms) {
		if (boot_watchdog_feed(b, e) < 0)
			return -1;
		(void)usleep((useconds_t)(c->boot.watchdog_ms * 1000 / 4));
	}
	log_error(log, "firmware", "confirm deadline: the watchdog is not fed any more",
		  NULL);
	while (pause() < 0)
		; /* no signal handler ends it */
	return 0;
}

const struct firmware firmware = {
    .name = "mute",
    .summary = "Firmware whose agent never polls",
    .run = mute,
};
