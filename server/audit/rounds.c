/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"

#include <stdlib.h>

struct audit_rounds {
	struct job job; /* first */
	struct audit_log *log;
	struct store *store;
	struct worker *worker;
	struct loop_timer *timer;
	const struct log *told;
	int64_t interval_ms;
};

static void sign_one(struct audit_rounds *r, const char *tenant)
{
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	struct err e = ERR_INIT;

	if (audit_log_checkpoint(r->log, tenant, &note, &e) < 0)
		log_failure(r->told, LOG_ERROR, "audit", "no checkpoint", &e);
}

static void run_round(struct job *j)
{
	struct audit_rounds *r = (struct audit_rounds *)j;
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_TENANT_LIST, NULL, NULL, NULL, &e);
	const struct tenant *t;

	if (c == NULL || store_wait(r->store, c, &e) < 0) {
		log_failure(r->told, LOG_WARN, "audit", "tenants cannot be read", &e);
		return;
	}
	t = c->items;
	for (size_t i = 0; i < c->n_items; i++)
		sign_one(r, t[i].name);
}

static void ended_round(struct job *j)
{
	struct audit_rounds *r = (struct audit_rounds *)j;

	loop_timer_set(r->timer, r->interval_ms);
}

static void begin_round(void *ctx)
{
	struct audit_rounds *r = ctx;

	worker_submit(r->worker, &r->job);
}

struct audit_rounds *audit_rounds_new(struct audit_log *log, struct store *store,
				      struct worker *w, struct loop *l,
				      const struct log *told, int64_t interval_ms,
				      struct err *e)
{
	struct audit_rounds *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	*r = (struct audit_rounds){
	    .job = {.run = run_round, .done = ended_round, .loop = l},
	    .log = log,
	    .store = store,
	    .worker = w,
	    .told = told,
	    .interval_ms = interval_ms,
	    .timer = loop_timer_new(l, begin_round, r, e),
	};
	if (r->timer == NULL) {
		free(r);
		return NULL;
	}
	loop_timer_set(r->timer, 0);
	return r;
}

void audit_rounds_free(struct audit_rounds *r)
{
	if (r == NULL)
		return;
	loop_timer_free(r->timer);
	free(r);
}
