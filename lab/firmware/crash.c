/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include <stdlib.h>

static int crash(const struct client_config *c, struct boot *b, const struct log *log,
		 struct err *e)
{
	(void)c;
	(void)b;
	(void)e;
	log_error(log, "firmware", "this release crashes as soon as it starts", NULL);
	abort();
}

const struct firmware firmware = {
    .name = "crash",
    .summary = "Firmware that crashes as soon as it starts",
    .run = crash,
};
