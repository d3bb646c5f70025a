/* SPDX-License-Identifier: Apache-2.0 */
/* `ota-client doctor`: looks at all that the agent needs, and says of each "ok" or what
 * to do. */
#ifndef OTA_CLIENT_DOCTOR_H
#define OTA_CLIENT_DOCTOR_H

#include "../config/config.h"

/* Prints one line a check. ERR_CONFLICT if any failed. */
int doctor_run(const struct client_config *c, struct err *e) MUST_USE;

#endif
