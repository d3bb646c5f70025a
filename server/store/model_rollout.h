/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of rollouts, waves and freezes: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_ROLLOUT_H
#define OTA_SERVER_STORE_MODEL_ROLLOUT_H

#include "model.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_rollout.c. */
/* clang-format off */
#define STORE_VERBS_ROLLOUT(X)
/* clang-format on */

#endif
