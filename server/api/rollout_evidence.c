/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: how the evidence of a rollout's health gate grew. */
#include "rollout.h"

#include "../rollout/evidence.h"

#include <stdlib.h>
#include <string.h>

struct evidence_answer {
	struct api_call *a;
	struct rollout_view *view;
	struct evidence_span span;
	struct store_call *rows;
};

static void evidence_answer_free(struct evidence_answer *s)
{
	if (s == NULL)
		return;
	rollout_view_free(s->view);
	store_call_free(s->rows);
	free(s);
}
AUTO_PTR_DEFINE(evidence_answer)

static void got_decisions(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	AUTO_PTR(evidence_answer) struct evidence_answer *s = c->ctx;
	struct err e = ERR_INIT;
	struct json *o;

	if (api_failed(s->a, c))
		return;
	o = render_evidence(s->view, &s->span, s->rows->items, s->rows->n_items,
			    c->items, c->n_items, &e);
	if (o == NULL)
		api_fail(s->a, &e);
	else
		api_reply_json(s->a, 200, o);
}

static void got_rows(struct store_call *c)
{
	struct evidence_answer *s = c->ctx;
	struct store_call *next;

	s->rows = c;
	if (api_failed(s->a, c) ||
	    (next = api_store(s->a, STORE_ROLLOUT_DECISIONS, got_decisions)) == NULL) {
		evidence_answer_free(s);
		return;
	}
	next->ctx = s;
	next->in.page.rollout = s->view->row.id;
	next->in.page.limit = STORE_LIST_MAX;
	api_submit(s->a, next);
}

static void begin(struct api_call *a, struct rollout_view *v,
		  const struct store_call *got)
{
	struct evidence_answer *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;
	struct store_call *c;

	(void)v;
	if (s != NULL)
		s->view = rollout_view_of(got, &(struct freeze){.on = false}, &e);
	if (s == NULL || s->view == NULL) {
		(void)err_nomem(&e);
		evidence_answer_free(s);
		api_fail(a, &e);
		return;
	}
	s->a = a;
	s->span = evidence_span_of(&s->view->row, got->now_ms);
	c = api_store(a, STORE_ROLLOUT_EVIDENCE, got_rows);
	if (c == NULL) {
		evidence_answer_free(s);
		return;
	}
	c->ctx = s;
	c->in.evidence.rollout = s->view->row.id;
	c->in.evidence.from = s->span.from;
	c->in.evidence.step_ms = s->span.step_ms;
	api_submit(a, c);
}

void handle_rollouts_evidence(struct api_call *a)
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (rollout_id_param(a, &id, &e) < 0)
		api_fail(a, &e);
	else
		with_rollout(a, id, begin);
}
