/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line to a PostgreSQL server, for postgres_conn.c: made, lost, made again. Whatever
 * waits on it waits for a limited time.
 */
#ifndef OTA_SERVER_STORE_POSTGRES_LINK_H
#define OTA_SERVER_STORE_POSTGRES_LINK_H

#include "../../common/base/log.h"
#include "postgres_place.h"

#include <libpq-fe.h>
#include <stdint.h>

struct pg_link {
	struct postgres_params params;
	const struct log *log;
	PGconn *pg;	/* NULL: not connected */
	struct err why; /* it is not connected */
	bool log_lost;	/* the loss has been told: tell the return too */
	int64_t retry_at_ms;
};

/* Not connected yet. log: losses and returns; may be NULL. */
int pg_link_init(struct pg_link *l, const struct postgres_place *p,
		 const struct log *log, struct err *e) MUST_USE;
void pg_link_fini(struct pg_link *l);

/* False also if the server has closed an idle connection: then it may be opened at once. */
bool pg_link_is_up(struct pg_link *l);
/* Connects; at most once a second, between that ERR_BUSY at once. */
int pg_link_open(struct pg_link *l, struct err *e) MUST_USE;
/* It is of use: the next loss is told again. */
void pg_link_welcome(struct pg_link *l);

/* Closes the line and says why, in the log and in l->why; the transaction is gone with it.
 * Returns -1 with ERR_BUSY, as what its caller returns. */
int pg_link_lose(struct pg_link *l, const char *why, struct err *e);
/* The same with libpq's reason. */
int pg_link_lose_broken(struct pg_link *l, struct err *e);

/* The error of a result that is one. Loses the line if it is of no more use. */
int pg_link_fail(struct pg_link *l, const PGresult *r, struct err *e);

/* The next result, or *ret NULL at the end of a command's. until_ms: monotonic. */
int pg_link_result(struct pg_link *l, int64_t until_ms, PGresult **ret,
		   struct err *e) MUST_USE;

#endif
