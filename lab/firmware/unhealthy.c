/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

const struct firmware firmware = {
    .name = "unhealthy",
    .summary = "Firmware whose health check fails",
    .health_command = "/bin/false",
};
