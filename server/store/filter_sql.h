/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter's tree as a condition over the table device, called d: what filter_match()
 * says of one device, for all of them. Every value is an argument.
 *
 * A group stands for its members or, if it has a rule, for that rule's filter, put in its
 * place; a group that does not exist, or whose rules lead back to itself, is ERR_USAGE.
 */
#ifndef OTA_SERVER_STORE_FILTER_SQL_H
#define OTA_SERVER_STORE_FILTER_SQL_H

#include "../fleet/filter.h"
#include "sql_make.h"

#define FILTER_MAX_GROUP_DEPTH 8u

struct filter_scope {
	struct conn *db; /* where groups are looked up */
	const char *tenant;
	int64_t now_ms;
	unsigned depth;		/* 0; grows within groups */
	bool no_group_is_empty; /* one that does not exist has no members; no error */
};

/* Adds "(...)", which is "(1 = 1)" for the empty filter. Failures are m's. */
void filter_sql_add(struct sql_make *m, const struct filter *f,
		    const struct filter_scope *scope);

/* Adds "(...)": the device is in one of the groups of a call's scope (scope_write()).
 * One that was deleted has no members: who was let into it sees less, not an error. */
void filter_sql_add_scope(struct sql_make *m, const char *groups,
			  const struct filter_scope *scope);

/*
 * A test that an index answers, as a sub-select of device ids: of each test that all of
 * the filter hangs on (its root, or a child of a root AND). False if node `i` is none of
 * them. The whole filter still has to be asked: this only narrows.
 */
bool filter_sql_add_ids(struct sql_make *m, const struct filter *f, uint16_t i,
			const struct filter_scope *scope);

/* "(column >= ? AND column < ?)": prefix is not empty and ends in an ASCII character
 * below '~'. */
void filter_sql_add_prefix(struct sql_make *m, const char *column, const char *prefix);

#endif
