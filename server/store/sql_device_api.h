/* SPDX-License-Identifier: Apache-2.0 */
/* What the device API remembers. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_DEVICE_API_H
#define OTA_SERVER_STORE_SQL_DEVICE_API_H

/* clang-format off */
#define SQL_DEVICE_API(X)

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_DEVICE_API
/* clang-format on */

#endif
