/* SPDX-License-Identifier: Apache-2.0 */
/* How firmware runs the agent. */
#ifndef OTA_LAB_RUN_AGENT_H
#define OTA_LAB_RUN_AGENT_H

#include "firmware.h"

/* Until the firmware is to end: 0, or an error. */
int run_agent(const struct client_config *c, struct boot *b, const char *health_command,
	      const struct log *log, struct err *e) MUST_USE;

#endif
