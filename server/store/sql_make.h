/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement in the making: text of the dialect of sql.h, and its arguments.
 *
 *	AUTO(sql_make) struct sql_make m;
 *
 *	sql_make_init(&m);
 *	sql_make_add(&m, "SELECT id FROM device WHERE tenant = ");
 *	sql_make_text(&m, tenant);
 *	if (sql_make_open(&m, db, &q, e) < 0)
 *		return -1;
 *
 * Values only ever become arguments; what is added as text is written in our sources. The
 * first failure is kept and told by whoever ends the making, so adding needs no checks.
 */
#ifndef OTA_SERVER_STORE_SQL_MAKE_H
#define OTA_SERVER_STORE_SQL_MAKE_H

#include "sql_conn.h"

#define SQL_MAKE_MAX_ARGS 4096u

struct sql_make {
	struct buf text;
	struct arg *args; /* their texts are copies, owned */
	size_t n_args, room;
	struct err err;
};

void sql_make_init(struct sql_make *m);
void sql_make_fini(struct sql_make *m);

/* Text as it is: never of a value. */
void sql_make_add(struct sql_make *m, const char *sql);
/* "?N", and the value as its argument. */
void sql_make_text(struct sql_make *m, const char *value);
void sql_make_int(struct sql_make *m, int64_t value);

/* Takes e as the failure, if it is the first. */
void sql_make_fail(struct sql_make *m, const struct err *why);

/* As query_open_text(), query_run_text(); the arguments live as long as m. */
int sql_make_open(struct sql_make *m, struct conn *db, struct query *ret,
		  struct err *e) MUST_USE;
int sql_make_run(struct sql_make *m, struct conn *db, struct err *e) MUST_USE;

#endif
