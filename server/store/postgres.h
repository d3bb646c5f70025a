/* SPDX-License-Identifier: Apache-2.0 */
/* The back-end for PostgreSQL 14 or newer. */
#ifndef OTA_SERVER_STORE_POSTGRES_H
#define OTA_SERVER_STORE_POSTGRES_H

#include "open.h"

/* As store_open(), for postgresql:// and postgres:// URLs. */
struct store *store_postgres_open(const struct store_place *p, enum store_opener who,
				  const struct log *log, struct err *e) MUST_USE;

#endif
