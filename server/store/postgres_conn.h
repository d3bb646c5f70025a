/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to PostgreSQL (14 or newer); see sql_conn.h.
 *
 * It connects by itself when it is asked to be ready, and again after it was lost: while
 * the database is away a call costs no more than one attempt a second. No statement waits
 * for ever: after a while without an answer the connection is given up.
 */
#ifndef OTA_SERVER_STORE_POSTGRES_CONN_H
#define OTA_SERVER_STORE_POSTGRES_CONN_H

#include "../../common/base/log.h"
#include "postgres_place.h"
#include "sql_conn.h"

/* What every writer's transaction holds: "OTAS". */
#define POSTGRES_WRITER_LOCK "1330921811"
#define POSTGRES_CHANNEL "ota_event"

/* Not connected yet. p is copied; errors are those of postgres_place_check(). log: when
 * the database goes and comes back; NULL says nothing. */
struct conn *postgres_conn_new(const struct postgres_place *p, const struct log *log,
			       struct err *e) MUST_USE;

/* Why it is not connected; ERR_NONE before the first attempt. */
void postgres_conn_why_away(const struct conn *c, struct err *ret);

/* From now on a transaction begins only if the database has this schema: another node may
 * have migrated it. */
void postgres_conn_expect_schema(struct conn *c, unsigned schema);

/* LISTEN on POSTGRES_CHANNEL; after conn_ready(). */
int postgres_conn_listen(struct conn *c, struct err *e) MUST_USE;
/* Waits for a notification until `stop_fd` becomes readable or the connection ends.
 * *ret_heard: one came. ERR_BUSY: the connection was lost. */
int postgres_conn_await(struct conn *c, int stop_fd, bool *ret_heard,
			struct err *e) MUST_USE;

#endif
