/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps for the device API alone: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_DEVICE_API_H
#define OTA_SERVER_STORE_MODEL_DEVICE_API_H

#include "model.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_device_api.c. */
/* clang-format off */
#define STORE_VERBS_DEVICE_API(X)
/* clang-format on */

#endif
