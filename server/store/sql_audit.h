/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_AUDIT_H
#define OTA_SERVER_STORE_SQL_AUDIT_H

/* clang-format off */
#define SQL_AUDIT(X)

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_AUDIT
/* clang-format on */

#endif
