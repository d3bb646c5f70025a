/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

int verb_WATCH_TOTALS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_WATCH_TOTALS, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.watch.seen_since))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (!row)
		return err_set(e, ERR_INTERNAL, "nothing was counted");
	c->out.watch = (struct watch_totals){
	    .n_seen = (uint64_t)query_int(&q, 0),
	    .n_artifacts = (uint64_t)query_int(&q, 1),
	    .artifact_bytes = (uint64_t)query_int(&q, 2),
	    .n_open = (uint64_t)query_int(&q, 3),
	};
	for (int i = 0; i < N_DELTA_PROGRESSES; i++)
		c->out.watch.n_deltas[i] = (uint64_t)query_int(&q, 4 + i);
	c->out.watch.n_by_delta = (uint64_t)query_int(&q, 4 + N_DELTA_PROGRESSES);
	c->out.watch.saved_bytes = (uint64_t)query_int(&q, 5 + N_DELTA_PROGRESSES);
	return 0;
}
