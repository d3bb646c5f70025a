/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of products, groups and filters: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_FLEET_H
#define OTA_SERVER_STORE_MODEL_FLEET_H

#include "model.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_fleet.c. */
/* clang-format off */
#define STORE_VERBS_FLEET(X)
/* clang-format on */

#endif
