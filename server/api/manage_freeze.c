/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management API: the freeze.
 *
 * One row decides, and the store looks at it in the very transaction that would show a
 * deployment to a device or make a new one: no cache has to hear of it, and it holds
 * while nothing else of the server runs. With cancel_running what devices have been
 * shown is cancelled batch by batch; a PUT that was cut is sent again and goes on.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

struct freezing {
	struct freeze freeze;
	uint64_t n_cancelled;
};

static void cancel_more(struct api_call *a, const char *after);

static void answer(struct api_call *a, const struct freeze *f)
{
	struct err e = ERR_INIT;
	struct json *o = render_freeze(f, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, o);
}

static void got(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer(a, &c->out.freeze);
}

void handle_freeze_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_FREEZE_GET, got);

	if (c != NULL)
		api_submit(a, c);
}

/* ---- freezing ---- */

static void answer_frozen(struct api_call *a)
{
	const struct freezing *f = a->handler_state;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	o = render_freeze(&f->freeze, &e);
	if (o == NULL ||
	    json_set(o, "cancelled", json_new_int((int64_t)f->n_cancelled), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static void cancelled(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct freezing *f = a->handler_state;
	const struct frozen_out *o = c->items;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++)
		hub_poke(a->api->hub, a->tenant, o[i].device);
	f->n_cancelled += c->n_items;
	if (c->more)
		cancel_more(a, o[c->n_items - 1].device);
	else
		answer_frozen(a);
}

static void cancel_more(struct api_call *a, const char *after)
{
	struct store_call *c = api_store(a, STORE_FREEZE_CANCEL, cancelled);

	if (c == NULL)
		return;
	(void)snprintf(c->in.device_id, sizeof(c->in.device_id), "%s", after);
	api_submit(a, c);
}

static void frozen(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct freezing *f = a->handler_state;

	if (api_failed(a, c))
		return;
	f->freeze = c->out.freeze;
	api_audit_enough(a); /* what is cancelled now follows from it */
	if (f->freeze.cancel_running)
		cancel_more(a, "");
	else
		answer_frozen(a);
}

static int read_freeze(struct api_call *a, struct freeze *ret, struct err *e)
{
	static const char *const names[] = {"reason", "cancel_running", NULL};
	const char *reason;

	if (api_body(a, names, e) < 0 ||
	    json_get_text(a->body, "reason", &reason, e) < 0 ||
	    json_opt_bool(a->body, "cancel_running", &ret->cancel_running, e) < 0 ||
	    text_copy(ret->reason, sizeof(ret->reason), reason, "reason", e) < 0)
		return -1;
	if (reason[strspn(reason, " \t\r\n")] == '\0')
		return err_set(e, ERR_FORMAT, "field \"reason\": say why");
	return text_copy(ret->by, sizeof(ret->by), a->user, "user", e);
}

void handle_freeze_put(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_FREEZE_PUT, frozen);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	a->handler_state = calloc(1, sizeof(struct freezing));
	if (a->handler_state == NULL)
		(void)err_nomem(&e);
	if (a->handler_state == NULL || read_freeze(a, &c->in.freeze, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event_of(c, EVENT_FREEZE, NULL);
	api_audit_id(a, a->tenant);
	api_audit_detail(a, "%s", c->in.freeze.reason);
	api_submit(a, c);
}

/* ---- thawing ---- */

static void thawed(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	engine_wake(a->api->engine); /* what waits for the thaw */
	api_reply_empty(a, 204);
}

void handle_freeze_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_FREEZE_DELETE, thawed);

	if (c == NULL)
		return;
	store_call_event_of(c, EVENT_FREEZE, NULL);
	api_audit_id(a, a->tenant);
	api_submit(a, c);
}
