/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include <unistd.h>

static int hang(const struct client_config *c, struct boot *b, const struct log *log,
		struct err *e)
{
	(void)c;
	(void)b;
	(void)e;
	log_error(log, "firmware", "this release hangs and feeds no watchdog", NULL);
	while (pause() < 0)
		; /* no signal handler ends it */
	return 0;
}

const struct firmware firmware = {
    .name = "hang",
    .summary = "Firmware that hangs and feeds no watchdog",
    .run = hang,
};
