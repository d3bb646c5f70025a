/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a rollout could have: devices by filter, with what decides on their wave. */
#include "filter_sql.h"
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

#define CANDIDATES_MAX 4000
#define ATTRIBUTE_PREFIX "attribute."

static void add_stratum(struct sql_make *m, const char *by)
{
	if (strcmp(by, "site") == 0) {
		sql_make_add(m, "d.site");
	} else if (strncmp(by, ATTRIBUTE_PREFIX, strlen(ATTRIBUTE_PREFIX)) == 0) {
		sql_make_add(m, "coalesce((SELECT a.value FROM attribute a WHERE "
				"a.tenant = d.tenant AND a.device = d.id AND a.key = ");
		sql_make_text(m, by + strlen(ATTRIBUTE_PREFIX));
		sql_make_add(m, "), '')");
	} else {
		sql_make_add(m, "''");
	}
}

/* A number whose bit w says whether the filter of wave w holds. */
static void add_matches(struct sql_make *m, const struct rollout_query *r,
			const struct filter_scope *scope)
{
	sql_make_add(m, "0");
	for (unsigned w = 0; w < ROLLOUT_MAX_WAVES; w++) {
		char end[48];

		if (r->waves[w] == NULL)
			continue;
		sql_make_add(m, " + CASE WHEN ");
		filter_sql_add(m, r->waves[w], scope);
		(void)snprintf(end, sizeof(end), " THEN %u ELSE 0 END", 1u << w);
		sql_make_add(m, end);
	}
}

static void add_member_test(struct sql_make *m, const char *test, uint64_t rollout)
{
	if (rollout == 0)
		return;
	sql_make_add(m, test);
	sql_make_add(m, " (SELECT 1 FROM rollout_member m WHERE m.tenant = d.tenant "
			"AND m.device = d.id AND m.rollout = ");
	sql_make_int(m, (int64_t)rollout);
	sql_make_add(m, ")");
}

static void make_query(struct sql_make *m, const struct store_call *c,
		       const struct filter_scope *scope, unsigned limit)
{
	const struct rollout_query *r = &c->in.rollout_query;

	sql_make_add(m, "SELECT d.id, d.product, d.hardware, d.version, d.site, d.pin, "
			"d.pin_release, d.security_floor, "
			"d.agent_version, ");
	add_stratum(m, r->stratify_by);
	sql_make_add(m, ", ");
	add_matches(m, r, scope);
	sql_make_add(m, " FROM device d WHERE d.tenant = ");
	sql_make_text(m, c->tenant);
	sql_make_add(m, " AND d.id > ");
	sql_make_text(m, r->after);
	sql_make_add(m, " AND ");
	filter_sql_add(m, r->selection, scope);
	add_member_test(m, " AND EXISTS", r->members_of);
	add_member_test(m, " AND NOT EXISTS", r->not_of);
	sql_make_add(m, " ORDER BY d.id LIMIT ");
	sql_make_int(m, (int64_t)limit + 1);
}

static int load_candidate(struct conn *db, const char *tenant, const struct query *q,
			  void *ret, struct err *e)
{
	struct rollout_candidate *d = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*d = (struct rollout_candidate){.pin = (enum pin)query_int(q, 5),
					.security_floor = (uint32_t)query_int(q, 7),
					.matches = (uint16_t)query_int(q, 10)};
	query_text(q, 0, d->id, sizeof(d->id));
	query_text(q, 1, d->product, sizeof(d->product));
	query_text(q, 2, d->hardware, sizeof(d->hardware));
	query_text(q, 3, d->version, sizeof(d->version));
	query_text(q, 4, d->site, sizeof(d->site));
	query_text(q, 6, d->pin_release, sizeof(d->pin_release));
	query_text(q, 8, d->agent_version, sizeof(d->agent_version));
	query_text(q, 9, d->stratum, sizeof(d->stratum));
	return 0;
}

int verb_ROLLOUT_CANDIDATES(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	AUTO(sql_make) struct sql_make m;
	const struct filter_scope scope = {
	    .db = db, .tenant = c->tenant, .now_ms = c->now_ms};
	unsigned limit = c->in.rollout_query.limit;

	if (limit == 0 || limit > CANDIDATES_MAX)
		limit = CANDIDATES_MAX;
	sql_make_init(&m);
	make_query(&m, c, &scope, limit);
	if (sql_make_open(&m, db, &q, e) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct rollout_candidate),
			  load_candidate, e);
}
