/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of what went wrong. */
#include "scope.h"
#include "sql_make.h"
#include "verbs.h"

static int load_failure(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	struct failure *f = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, f->product, sizeof(f->product));
	query_text(q, 1, f->hardware, sizeof(f->hardware));
	query_text(q, 2, f->from, sizeof(f->from));
	query_text(q, 3, f->release, sizeof(f->release));
	query_text(q, 4, f->version, sizeof(f->version));
	f->state = (enum deployment_state)query_int(q, 5);
	query_text(q, 6, f->detail, sizeof(f->detail));
	f->n_devices = (uint64_t)query_int(q, 7);
	f->first_at = query_int(q, 8);
	f->last_at = query_int(q, 9);
	query_text(q, 10, f->device, sizeof(f->device));
	return 0;
}

/* From the devices whose state says so (an index), not from all deployments that ever
 * were: what it costs grows with what is wrong now. */
static void ask_failures(struct sql_make *m, struct conn *db,
			 const struct store_call *c)
{
	sql_make_add(m, "SELECT d.product, d.hardware, d.version, p.release, "
			"r.version, p.state, p.detail, count(*), min(p.updated_at), "
			"max(p.updated_at), min(d.id) FROM device d "
			"JOIN deployment p ON p.id = (SELECT max(n.id) FROM "
			"deployment n WHERE n.tenant = d.tenant AND n.device = d.id) "
			"JOIN release r ON r.tenant = p.tenant AND r.id = p.release "
			"WHERE d.tenant = ");
	sql_make_text(m, c->tenant);
	sql_make_add(m, " AND d.state IN (");
	sql_make_int(m, DEVICE_FAILED);
	sql_make_add(m, ", ");
	sql_make_int(m, DEVICE_ROLLED_BACK);
	sql_make_add(m, ") AND p.state IN (");
	sql_make_int(m, DEPLOYMENT_FAILED);
	sql_make_add(m, ", ");
	sql_make_int(m, DEPLOYMENT_ROLLED_BACK);
	sql_make_add(m, ") AND p.updated_at >= ");
	sql_make_int(m, c->in.failures.since);
	if (c->in.failures.release[0] != '\0') {
		sql_make_add(m, " AND p.release = ");
		sql_make_text(m, c->in.failures.release);
	}
	scope_add(m, db, c);
	sql_make_add(m, " GROUP BY d.product, d.hardware, d.version, p.release, "
			"r.version, p.state, p.detail "
			"ORDER BY 8 DESC, 10 DESC, 11 LIMIT ");
	sql_make_int(m, FAILURES_MAX + 1);
}

int verb_FAILURE_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;

	sql_make_init(&m);
	ask_failures(&m, db, c);
	if (sql_make_open(&m, db, &q, e) < 0)
		return -1;
	return load_items(&q, c, FAILURES_MAX, sizeof(struct failure), load_failure, e);
}

static int load_evidence(struct conn *db, const char *tenant, const struct query *q,
			 void *ret, struct err *e)
{
	(void)db;
	(void)tenant;
	(void)e;
	*(struct evidence_row *)ret = (struct evidence_row){
	    .wave = (unsigned)query_int(q, 0),
	    .status = (enum member_status)query_int(q, 1),
	    .step = query_int(q, 2),
	    .n = (uint64_t)query_int(q, 3),
	};
	return 0;
}

int verb_ROLLOUT_EVIDENCE(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	int64_t step_ms = c->in.evidence.step_ms;

	if (step_ms <= 0)
		return err_set(e, ERR_INTERNAL, "evidence in steps of no length");
	if (query_open(db, SQL_EVIDENCE_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.evidence.rollout),
			    ARG_I(c->in.evidence.from), ARG_I(step_ms))) < 0)
		return -1;
	return load_items(&q, c, 7u * ROLLOUT_MAX_WAVES * (EVIDENCE_STEPS + 2),
			  sizeof(struct evidence_row), load_evidence, e);
}
