/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

const struct firmware firmware = {
    .name = "healthy",
    .summary = "Firmware that works",
};
