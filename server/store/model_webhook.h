/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of webhooks and their deliveries: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_WEBHOOK_H
#define OTA_SERVER_STORE_MODEL_WEBHOOK_H

#include "model.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_webhook.c. */
/* clang-format off */
#define STORE_VERBS_WEBHOOK(X)
/* clang-format on */

#endif
