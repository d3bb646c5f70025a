/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks and their deliveries. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_WEBHOOK_H
#define OTA_SERVER_STORE_SQL_WEBHOOK_H

/* clang-format off */
#define SQL_WEBHOOK(X)

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_WEBHOOK
/* clang-format on */

#endif
