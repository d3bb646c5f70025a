/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management API: a release is taken back.
 *
 *	RELEASE_WITHDRAW: nobody is offered it from here on, its rollouts pause
 *	-> RELEASE_CANCEL, batch by batch: what is open of it ends -> answer
 *
 * A request that was cut is sent again and goes on. That the signed list names it no
 * more takes the offline key: POST /api/v1/repository/targets.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"
#include "../rollout/policy.h"

#include <stdlib.h>
#include <string.h>

/* sql_withdraw.h has them as numbers. */
_Static_assert(ROLLOUT_AWAITING_APPROVAL == 1 && ROLLOUT_SCHEDULED == 2 &&
		   ROLLOUT_RUNNING == 3 && ROLLOUT_PAUSED == 4 && ROLLOUT_STOPPED == 6,
	       "states of rollouts");

struct withdrawing {
	struct release release;
	bool cancel_running;
	uint64_t n_cancelled;
};

static void cancel_more(struct api_call *a, const struct frozen_out *last);

static void answer(struct api_call *a)
{
	const struct withdrawing *w = a->handler_state;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	o = render_release(&w->release, &e);
	if (o == NULL ||
	    json_set(o, "cancelled", json_new_int((int64_t)w->n_cancelled), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static void cancelled(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct withdrawing *w = a->handler_state;
	const struct frozen_out *o = c->items;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++)
		hub_poke(a->api->hub, a->tenant, o[i].device);
	w->n_cancelled += c->n_items;
	if (c->more)
		cancel_more(a, &o[c->n_items - 1]);
	else
		answer(a);
}

static void cancel_more(struct api_call *a, const struct frozen_out *last)
{
	struct store_call *c = api_store(a, STORE_RELEASE_CANCEL, cancelled);
	const struct withdrawing *w = a->handler_state;
	struct release_cancel *r;

	if (c == NULL)
		return;
	r = &c->in.release_cancel;
	memcpy(r->release, w->release.id, sizeof(r->release));
	r->shown = w->cancel_running;
	if (last != NULL) {
		memcpy(r->after_device, last->device, sizeof(r->after_device));
		r->after_deployment = last->deployment;
	}
	api_submit(a, c);
}

static void withdrawn(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct withdrawing *w = a->handler_state;

	if (api_failed(a, c))
		return;
	w->release = c->out.release;
	api_audit_enough(a); /* what is cancelled now follows from it */
	engine_wake(a->api->engine);
	cancel_more(a, NULL);
}

static int read_withdrawal(struct api_call *a, struct release_withdrawal *ret,
			   struct err *e)
{
	static const char *const names[] = {"reason", "cancel_running", NULL};
	struct withdrawing *w = calloc(1, sizeof(*w));
	const char *id = http_param(a->http, "id");
	const char *reason;

	a->handler_state = w;
	if (w == NULL)
		return err_nomem(e);
	if (api_body(a, names, e) < 0 ||
	    json_get_text(a->body, "reason", &reason, e) < 0 ||
	    json_opt_bool(a->body, "cancel_running", &w->cancel_running, e) < 0 ||
	    text_copy(ret->reason, sizeof(ret->reason), reason, "reason", e) < 0 ||
	    text_copy(ret->by, sizeof(ret->by), a->user, "user", e) < 0)
		return -1;
	if (reason[strspn(reason, " \t\r\n")] == '\0')
		return err_set(e, ERR_FORMAT, "field \"reason\": say why");
	ret->rollout_reason = ROLLOUT_BECAUSE_WITHDRAWN;
	(void)snprintf(ret->release, sizeof(ret->release), "%s",
		       strlen(id) > RELEASE_ID_LEN ? "" : id);
	return 0;
}

void handle_releases_withdraw(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_RELEASE_WITHDRAW, withdrawn);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_withdrawal(a, &c->in.withdrawal, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event(c, EVENT_RELEASE, NULL, 0, c->in.withdrawal.release);
	api_audit_detail(a, "%s", c->in.withdrawal.reason);
	api_submit(a, c);
}
