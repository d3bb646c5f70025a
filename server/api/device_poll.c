/* SPDX-License-Identifier: Apache-2.0 */
/* The poll: how long to sleep, and links to what there is to do. */
#include "device_delta.h"
#include "rollout.h"
#include "settings.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"
#include "../fleet/policy.h"

#include <stdlib.h>
#include <string.h>

static int repository_url(struct api_call *a, char ret[DDI_URL_LEN], const char *tail,
			  struct err *e)
{
	return text_format(ret, DDI_URL_LEN, e, "https://%s/%s/repository/%s",
			   http_host(a->http), http_param(a->http, "tenant"), tail);
}

static int link_deployment(struct api_call *a, const struct handling *h,
			   struct ddi_poll *p, struct err *e)
{
	unsigned long long id = a->deployment.id;
	unsigned long long content = h->content;

	switch (h->show) {
	case SHOW_NOTHING:
		return 0;
	case SHOW_CANCEL:
		return device_url(a, p->cancel_action, sizeof(p->cancel_action), e,
				  "/cancelAction/%llu", id);
	case SHOW_CONFIRMATION:
		return device_url(a, p->confirmation_base, sizeof(p->confirmation_base),
				  e, "/confirmationBase/%llu?c=%llu", id, content);
	case SHOW_DEPLOYMENT:
		return device_url(a, p->deployment_base, sizeof(p->deployment_base), e,
				  "/deploymentBase/%llu?c=%llu", id, content);
	}
	return err_set(e, ERR_INTERNAL, "a deployment shown in no known way");
}

static int fill_poll(struct api_call *a, struct ddi_poll *p, struct err *e)
{
	const struct device *d = &a->device;
	int64_t now_ms = clock_utc_ms(a->api->clock);
	struct handling h;

	device_handling(a, &h);
	p->sleep_ms = handling_sleep_ms(&h, settings_of(a).poll_interval_ms, now_ms);
	if (link_deployment(a, &h, p, e) < 0)
		return -1;
	if (d->installed_deployment != 0 &&
	    device_url(a, p->installed_base, sizeof(p->installed_base), e,
		       "/installedBase/%llu",
		       (unsigned long long)d->installed_deployment) < 0)
		return -1;
	if (d->wants_attributes &&
	    device_url(a, p->config_data, sizeof(p->config_data), e, "/configData") < 0)
		return -1;
	if (repository_url(a, p->repository, "metadata/", e) < 0 ||
	    repository_url(a, p->repository_targets, "targets/", e) < 0)
		return -1;
	return device_url(a, p->events, sizeof(p->events), e, "/ota/events");
}

static void answer_poll(struct api_call *a)
{
	AUTO(buf) struct buf text = BUF_INIT(16384);
	AUTO_FREE struct ddi_poll *p = calloc(1, sizeof(*p));
	struct err e = ERR_INIT;

	if (p == NULL)
		(void)err_nomem(&e);
	if (p == NULL || fill_poll(a, p, &e) < 0 || ddi_poll_write(p, &text, &e) < 0)
		api_fail(a, &e);
	else
		device_reply(a, &text);
}

/* A pause, a freeze, a pin or a limit came in between: the next poll asks again. */
static bool came_too_late(enum err_code c)
{
	return c == ERR_PRECONDITION || c == ERR_CONFLICT || c == ERR_FROZEN ||
	       c == ERR_NOT_FOUND || c == ERR_RATE;
}

static void asked(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (came_too_late(c->err.code)) {
		a->deployment.id = 0;
		answer_poll(a);
		return;
	}
	if (api_failed(a, c))
		return;
	a->deployment = c->out.deployment;
	engine_wake(a->api->engine);
	answer_poll(a);
}

/* From here on it is in flight, and its deadline runs: a user who never answers must not
 * keep its wave open. */
static void store_asked(struct api_call *a)
{
	const struct deployment *d = &a->deployment;
	struct store_call *c = api_store(a, STORE_DEPLOYMENT_MOVE, asked);

	if (c == NULL)
		return;
	c->in.move = (struct deployment_move){.id = d->id,
					      .expect_revision = d->revision,
					      .state = d->state,
					      .progress = d->progress,
					      .grade = d->grade,
					      .asking = true};
	api_submit(a, c);
}

static void decided(struct api_call *a, const struct why *w)
{
	if (w->asks_now) {
		store_asked(a);
		return;
	}
	if (!w->may_offer && !w->may_ask)
		a->deployment.id = 0;
	answer_poll(a);
}

static void answer_if_delta(struct api_call *a)
{
	if (a->delta.id == 0)
		a->deployment.id = 0;
	answer_poll(a);
}

static void polled_deployment(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NONE)
		a->deployment = c->out.deployment;
	else if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
	/* What it was shown it keeps; before that its rollout has a say, and its pin. */
	if (a->deployment.rollout != 0 && !a->deployment.offered) {
		with_why(a, a->deployment.rollout, decided);
		return;
	}
	if (!a->deployment.offered &&
	    policy_pinned(&a->device, a->deployment.release, NULL) < 0)
		a->deployment.id = 0;
	if (a->deployment.id != 0 && !a->deployment.offered &&
	    device_takes_no_full(&a->device))
		load_delta(a, answer_if_delta);
	else
		answer_poll(a);
}

void handle_device_poll(struct api_call *a)
{
	struct store_call *c;

	if (a->device.open_deployment == 0) {
		answer_poll(a);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_GET, polled_deployment);
	if (c == NULL)
		return;
	c->in.deployment_id = a->device.open_deployment;
	api_submit(a, c);
}
