/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts, waves, freezes. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_ROLLOUT_H
#define OTA_SERVER_STORE_SQL_ROLLOUT_H

/* clang-format off */
#define SQL_ROLLOUT(X)

/* What schema 2 adds: texts, each with a comma behind it. */
#define SCHEMA_2_ROLLOUT
/* clang-format on */

#endif
