/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps a device from being offered its rollout's release: the same answer for
 * people, who read it, and for the poll, which acts on it.
 *
 *	ROLLOUT_LOOK -> its release -> its deployment -> its delta, if it is to wait for
 *	one -> its attributes, if the window's zone is among them -> rollout_why()
 */
#include "device_delta.h"
#include "rollout.h"
#include "settings.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

struct asking {
	struct api_call *a;
	void (*then)(struct api_call *a, const struct why *w);
	struct rollout_look look;
	struct rollout_view *view; /* NULL: no rollout has it */
	struct release release;
	struct deployment deployment; /* id 0: none */
	enum why_delta delta;
	char no_delta[DETAIL_MAX_LEN + 1];
	char zone[ZONE_NAME_MAX_LEN + 1];
};

static void free_asking(struct asking *q)
{
	rollout_view_free(q->view);
	free(q);
}

static bool failed(struct asking *q, const struct store_call *c)
{
	if (!api_failed(q->a, c))
		return false;
	free_asking(q);
	return true;
}

static struct store_call *next_call(struct asking *q, enum store_verb v,
				    void (*done)(struct store_call *c))
{
	struct store_call *c = api_store(q->a, v, done);

	if (c == NULL)
		free_asking(q);
	else
		c->ctx = q;
	return c;
}

static const struct zone *zone_of(const struct asking *q)
{
	const struct zone *z;

	if (q->view == NULL || q->view->plan.windows.n_windows == 0)
		return NULL;
	z = q->zone[0] == '\0' ? NULL : zone_table_get(q->a->api->zones, q->zone, NULL);
	return z != NULL
		   ? z
		   : zone_table_get(q->a->api->zones, q->view->plan.windows.zone, NULL);
}

static void answer(struct asking *q)
{
	struct api_call *a = q->a;
	void (*then)(struct api_call *, const struct why *) = q->then;
	struct why_input in = {
	    .now = clock_utc_ms(a->api->clock),
	    .freeze = &q->look.freeze,
	    .device = &a->device,
	    .poll_interval_ms = settings_of(a).poll_interval_ms,
	    .wave = ORDER_NO_WAVE,
	    .deployment = q->deployment.id == 0 ? NULL : &q->deployment,
	    .takes_no_full = device_takes_no_full(&a->device),
	    .delta = q->delta,
	    .no_delta = q->no_delta,
	};
	struct why w;

	if (q->view != NULL) {
		in.plan = &q->view->plan;
		in.progress = &q->view->progress;
		in.paused_text = q->view->row.detail;
		in.release = &q->release;
		in.zone = zone_of(q);
		in.wave = q->look.member.wave;
		in.offered_at = q->look.member.offered_at;
		in.in_flight_itself = q->look.member.status == MEMBER_IN_FLIGHT;
		in.in_flight = q->look.in_flight;
		in.in_flight_at_site = q->look.in_flight_at_site;
		in.egress_free_at = q->look.rollout.egress_free_at;
	}
	rollout_why(&in, &w);
	free_asking(q);
	then(a, &w);
}

static void got_attributes(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct asking *q = c->ctx;
	const struct attribute *at = c->items;

	if (failed(q, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (strcmp(at[i].key, q->view->plan.windows.zone_attribute) == 0 &&
		    strlen(at[i].value) < sizeof(q->zone))
			memcpy(q->zone, at[i].value, strlen(at[i].value) + 1);
	}
	answer(q);
}

static void ask_zone(struct asking *q)
{
	struct store_call *c;

	if (q->view == NULL || q->view->plan.windows.n_windows == 0 ||
	    q->view->plan.windows.zone_attribute[0] == '\0') {
		answer(q);
		return;
	}
	c = next_call(q, STORE_DEVICE_ATTRIBUTES, got_attributes);
	if (c == NULL)
		return;
	memcpy(c->in.device_id, q->a->device.id, sizeof(c->in.device_id));
	api_submit(q->a, c);
}

/* ---- its delta ---- */

static void never(struct asking *q, const char *why)
{
	q->delta = WHY_DELTA_NEVER;
	(void)snprintf(q->no_delta, sizeof(q->no_delta), "%s", why);
}

static bool may_come(const struct fleet_delta *d, const struct device *of)
{
	return (d->state == DELTA_WANTED || d->state == DELTA_MAKING ||
		d->state == DELTA_MADE) &&
	       (!d->unwraps || capability_unwraps(of->capabilities));
}

static void judge_delta(struct asking *q, const struct store_call *c)
{
	const struct fleet_delta *all = c->items, *worst = NULL;

	if (delta_choose(c, &q->a->device) != NULL)
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (may_come(&all[i], &q->a->device)) {
			q->delta = WHY_DELTA_TO_COME;
			return;
		}
		if (worst == NULL || worst->unwraps)
			worst = &all[i];
	}
	if (worst != NULL) {
		q->delta = WHY_DELTA_NEVER;
		(void)snprintf(q->no_delta, sizeof(q->no_delta),
			       "no delta leads there from %s: %.*s",
			       worst->from_version, DETAIL_MAX_LEN / 2, worst->detail);
	} else if (q->a->api->deltas == NULL) {
		never(q, "none is made here");
	} else {
		q->delta = WHY_DELTA_TO_COME;
	}
}

static void got_delta(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct asking *q = c->ctx;

	if (failed(q, c))
		return;
	judge_delta(q, c);
	ask_zone(q);
}

static bool waits_for_delta(const struct asking *q)
{
	return device_takes_no_full(&q->a->device) ||
	       (q->view != NULL && q->view->plan.delta_wait_ms > 0);
}

static void ask_delta(struct asking *q)
{
	const struct device *d = &q->a->device;
	const char *to = q->view != NULL ? q->release.id : q->deployment.release;
	struct store_call *c;

	if (to[0] == '\0' || !waits_for_delta(q)) {
		ask_zone(q);
		return;
	}
	if (!device_takes_deltas(d)) {
		never(q, d->grade == GRADE_PROVEN
			     ? "its agent takes no deltas"
			     : "a delta leads only from what a device proved to run");
		ask_zone(q);
		return;
	}
	c = next_call(q, STORE_DELTA_FIND, got_delta);
	if (c == NULL)
		return;
	memcpy(c->in.delta_find.product, d->product, sizeof(d->product));
	memcpy(c->in.delta_find.version, d->version, sizeof(d->version));
	memcpy(c->in.delta_find.to, to, sizeof(c->in.delta_find.to));
	api_submit(q->a, c);
}

/* ---- its deployment and release ---- */

static void got_deployment(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct asking *q = c->ctx;

	if (c->err.code != ERR_NOT_FOUND && failed(q, c))
		return;
	if (c->err.code == ERR_NONE)
		q->deployment = c->out.deployment;
	ask_delta(q);
}

static void ask_deployment(struct asking *q)
{
	uint64_t id =
	    q->view != NULL ? q->look.member.deployment : q->a->device.open_deployment;
	struct store_call *c;

	if (id == 0) {
		ask_delta(q);
		return;
	}
	c = next_call(q, STORE_DEPLOYMENT_GET, got_deployment);
	if (c == NULL)
		return;
	c->in.deployment_id = id;
	api_submit(q->a, c);
}

static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct asking *q = c->ctx;

	if (failed(q, c))
		return;
	q->release = c->out.release;
	ask_deployment(q);
}

static void looked(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct asking *q = c->ctx;
	struct store_call *next;

	if (failed(q, c))
		return;
	q->look = c->out.rollout_look;
	if (!q->look.found) {
		ask_deployment(q);
		return;
	}
	q->view = rollout_view_new(&q->look.rollout, c->items, c->n_items, &c->blob,
				   &q->look.freeze, c->now_ms, &c->err);
	if (q->view == NULL) {
		api_fail(q->a, &c->err);
		free_asking(q);
		return;
	}
	next = next_call(q, STORE_RELEASE_GET, got_release);
	if (next == NULL)
		return;
	memcpy(next->in.release_id, q->look.rollout.release,
	       sizeof(next->in.release_id));
	api_submit(q->a, next);
}

void with_why(struct api_call *a, uint64_t rollout,
	      void (*then)(struct api_call *a, const struct why *w))
{
	struct asking *q = calloc(1, sizeof(*q));
	struct err e = ERR_INIT;
	struct store_call *c;

	if (q == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	q->a = a;
	q->then = then;
	c = next_call(q, STORE_ROLLOUT_LOOK, looked);
	if (c == NULL)
		return;
	memcpy(c->in.rollout_look.device, a->device.id,
	       sizeof(c->in.rollout_look.device));
	c->in.rollout_look.rollout = rollout;
	api_submit(a, c);
}

/* ---- for people ---- */

static void answer_why(struct api_call *a, const struct why *w)
{
	struct err e = ERR_INIT;
	struct json *o = why_write(w, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, o);
}

static void got_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	with_why(a, 0, answer_why);
}

void handle_devices_why(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_DEVICE_GET, got_device);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (text_copy(c->in.device_id, sizeof(c->in.device_id),
		      http_param(a->http, "id"), "id", &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
