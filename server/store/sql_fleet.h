/* SPDX-License-Identifier: Apache-2.0 */
/* Products, groups, filters. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_FLEET_H
#define OTA_SERVER_STORE_SQL_FLEET_H

/* clang-format off */
#define SQL_FLEET(X)

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_FLEET
/* clang-format on */

#endif
