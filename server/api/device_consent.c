/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confirmationBase: the device's user consents, to one deployment or to all.
 *
 * Denied is not cancelled: the deployment goes on waiting, and whoever denied may think
 * again. What is stored is who said so and when.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8

/* ---- GET confirmationBase ---- */

static int waiting_link(struct api_call *a, char ret[DDI_URL_LEN], struct err *e)
{
	struct handling h;

	ret[0] = '\0';
	device_handling(a, &h);
	if (h.show != SHOW_CONFIRMATION)
		return 0;
	return device_url(a, ret, DDI_URL_LEN, e, "/confirmationBase/%llu?c=%llu",
			  (unsigned long long)a->deployment.id,
			  (unsigned long long)h.content);
}

static void answer_base(struct api_call *a, const struct auto_confirm *from)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	struct ddi_auto_confirm c = {.active = from != NULL};
	char base[DDI_URL_LEN], waiting[DDI_URL_LEN];
	struct err e = ERR_INIT;

	if (from != NULL) {
		(void)snprintf(c.initiator, sizeof(c.initiator), "%s", from->initiator);
		(void)snprintf(c.remark, sizeof(c.remark), "%s", from->remark);
		c.activated_at = from->at;
	}
	if (device_url(a, base, sizeof(base), &e, "/confirmationBase") < 0 ||
	    waiting_link(a, waiting, &e) < 0 ||
	    ddi_confirmation_base_write(&c, base, waiting, &text, &e) < 0)
		api_fail(a, &e);
	else
		device_reply(a, &text);
}

static void got_auto_confirm(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NOT_FOUND)
		answer_base(a, NULL);
	else if (!api_failed(a, c))
		answer_base(a, &c->out.auto_confirm);
}

static void load_auto_confirm(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_AUTO_CONFIRM_GET, got_auto_confirm);

	if (c == NULL)
		return;
	memcpy(c->in.device_id, a->device.id, sizeof(c->in.device_id));
	api_submit(a, c);
}

static void got_waiting(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NONE)
		a->deployment = c->out.deployment;
	else if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
	load_auto_confirm(a);
}

void handle_device_confirmation_base(struct api_call *a)
{
	struct store_call *c;

	if (a->device.open_deployment == 0) {
		load_auto_confirm(a);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_GET, got_waiting);
	if (c == NULL)
		return;
	c->in.deployment_id = a->device.open_deployment;
	api_submit(a, c);
}

/* ---- confirmationBase/{action}/feedback ---- */

static void consent_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		a->row->handle(a);
		return;
	}
	if (api_failed(a, c))
		return;
	hub_poke(a->api->hub, a->tenant, a->device.id);
	if (c->out.deployment.rollout != 0)
		engine_wake(a->api->engine);
	device_thank(a);
}

static void fill_consent(struct api_call *a, const struct ddi_consent *said,
			 struct deployment_move *m)
{
	const struct deployment *d = &a->deployment;
	struct status *s = &m->status;
	const char *line = said->n_details > 0 ? said->details[0] : "";

	*m = (struct deployment_move){.id = d->id,
				      .expect_revision = d->revision,
				      .state = d->state,
				      .progress = d->progress,
				      .grade = d->grade,
				      .offered = d->offered,
				      .touch_content = true,
				      .set_consent = true,
				      .add_status = true};
	m->consent = said->confirmed ? CONSENT_GIVEN : CONSENT_DENIED;
	(void)snprintf(m->detail, sizeof(m->detail), "the device's user %s%s%.400s",
		       said->confirmed ? "consented" : "denied consent",
		       line[0] != '\0' ? ": " : "", line);
	(void)snprintf(s->execution, sizeof(s->execution), "%s",
		       said->confirmed ? "confirmed" : "denied");
	(void)snprintf(s->finished, sizeof(s->finished), "none");
	(void)snprintf(s->details, sizeof(s->details), "%s", m->detail);
}

static int check_waiting(const struct deployment *d, struct err *e)
{
	unsigned long long id = d->id;

	if (!deployment_is_open(d->state))
		return err_set(e, ERR_GONE, "action %llu is closed: %s", id,
			       deployment_state_name(d->state));
	if (!consent_is_awaited(d->consent))
		return err_set(e, ERR_GONE, "action %llu waits for no consent", id);
	return 0;
}

static void take_consent(struct api_call *a)
{
	AUTO_FREE struct ddi_consent *said = calloc(1, sizeof(*said));
	struct err e = ERR_INIT;
	struct store_call *c;
	size_t len;
	const void *data = http_body(a->http, &len);

	if (said == NULL)
		(void)err_nomem(&e);
	if (said == NULL || ddi_consent_parse(data, len, said, &e) < 0 ||
	    check_waiting(&a->deployment, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_MOVE, consent_stored);
	if (c == NULL)
		return;
	fill_consent(a, said, &c->in.move);
	store_call_event(c, EVENT_DEPLOYMENT, a->device.id, a->deployment.id, NULL);
	api_submit(a, c);
}

void handle_device_confirmation_feedback(struct api_call *a)
{
	load_own_action(a, take_consent);
}

/* ---- once and for all ---- */

static void auto_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	hub_poke(a->api->hub, a->tenant, a->device.id);
	device_thank(a);
}

void handle_device_auto_confirm_on(struct api_call *a)
{
	struct ddi_auto_confirm said;
	struct err e = ERR_INIT;
	struct store_call *c;
	struct auto_confirm *to;
	size_t len;
	const void *data = http_body(a->http, &len);

	if (ddi_auto_confirm_parse(data, len, &said, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_AUTO_CONFIRM_SET, auto_stored);
	if (c == NULL)
		return;
	to = &c->in.auto_confirm;
	memcpy(to->device, a->device.id, sizeof(to->device));
	memcpy(to->initiator, said.initiator, sizeof(to->initiator));
	(void)snprintf(to->remark, sizeof(to->remark), "%s", said.remark);
	store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	if (a->device.open_deployment != 0)
		store_call_event(c, EVENT_DEPLOYMENT, a->device.id,
				 a->device.open_deployment, NULL);
	api_submit(a, c);
}

void handle_device_auto_confirm_off(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_AUTO_CONFIRM_CLEAR, auto_stored);

	if (c == NULL)
		return;
	memcpy(c->in.device_id, a->device.id, sizeof(c->in.device_id));
	store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	api_submit(a, c);
}
