/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device says: feedback and attributes.
 *
 * A report is judged by policy.h on the deployment as it was read, and stored by
 * compare-and-set on its revision: if somebody else moved it in between, it is read and
 * judged again. What is answered with 200 is on the disk, but for a bare percentage,
 * which goes to whoever watches.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"
#include "../fleet/policy.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8

typedef int (*judge_fn)(struct api_call *a, const struct ddi_feedback *f,
			struct verdict *ret, struct err *e);

static void report(struct api_call *a, judge_fn judge);

static void thank(struct api_call *a)
{
	api_reply_text(a, 200, "application/json", "{}", 2);
}

static int judge_deployment(struct api_call *a, const struct ddi_feedback *f,
			    struct verdict *ret, struct err *e)
{
	return policy_feedback(&a->deployment, a->release.descriptor_sha256, f, ret, e);
}

static int judge_cancel(struct api_call *a, const struct ddi_feedback *f,
			struct verdict *ret, struct err *e)
{
	return policy_cancel_feedback(&a->deployment, f, ret, e);
}

static void deployment_reported(struct api_call *a)
{
	report(a, judge_deployment);
}

static void cancel_reported(struct api_call *a)
{
	report(a, judge_cancel);
}

/* ---- storing a verdict ---- */

static const char *finished_name(enum ddi_finished f)
{
	static const char *const names[] = {
	    [DDI_NONE] = "none", [DDI_SUCCESS] = "success", [DDI_FAILURE] = "failure"};

	return names[f];
}

/* Lines, as many as fit; the rest is cut, as docs/API.md says. */
static void fill_status(struct status *s, const struct ddi_feedback *f)
{
	size_t len = 0;

	(void)snprintf(s->execution, sizeof(s->execution), "%s",
		       ddi_execution_name(f->execution));
	(void)snprintf(s->finished, sizeof(s->finished), "%s",
		       finished_name(f->finished));
	for (size_t i = 0; i < f->n_details && len < sizeof(s->details) - 1; i++) {
		int n = snprintf(s->details + len, sizeof(s->details) - len, "%s%s",
				 i == 0 ? "" : "\n", f->details[i]);

		len += n < 0 ? 0 : (size_t)n;
	}
}

static void fill_device_change(struct device_change *d, struct api_call *a,
			       const struct ddi_feedback *f, const struct verdict *v)
{
	size_t len = 0;

	d->set_version = v->sets_version;
	memcpy(d->version, a->release.version, sizeof(d->version));
	d->grade = v->grade;
	d->set_state = v->sets_device_state;
	d->state = v->device_state;
	if (strcmp(f->agent_version, a->device.agent_version) != 0)
		(void)snprintf(d->agent_version, sizeof(d->agent_version), "%s",
			       f->agent_version);
	for (size_t i = 0; i < f->n_capabilities && len < sizeof(d->capabilities) - 1;
	     i++) {
		int n = snprintf(d->capabilities + len, sizeof(d->capabilities) - len,
				 "%s%s", i == 0 ? "" : " ", f->capabilities[i]);

		len += n < 0 ? 0 : (size_t)n;
	}
}

static void fill_move(struct deployment_move *m, struct api_call *a,
		      const struct ddi_feedback *f, const struct verdict *v)
{
	m->id = a->deployment.id;
	m->expect_revision = a->deployment.revision;
	m->state = v->state;
	m->progress = v->progress;
	m->grade = v->grade;
	m->offered = true;
	m->touch_content = v->state == DEPLOYMENT_ASSIGNED; /* offered anew */
	memcpy(m->detail, v->detail, sizeof(m->detail));
	m->proof.present = f->proof.present;
	memcpy(m->proof.root_hash, f->proof.root_hash, SHA256_LEN);
	memcpy(m->proof.boot_id, f->proof.boot_id, sizeof(m->proof.boot_id));
	m->proof.slot = f->proof.slot;
	m->proof.counter = f->proof.counter;
	m->add_status = true;
	fill_status(&m->status, f);
	fill_device_change(&m->device, a, f, v);
}

static bool changes_device(const struct device_change *d)
{
	return d->set_version || d->set_state || d->agent_version[0] != '\0';
}

static void stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	bool closed = !deployment_is_open(c->out.deployment.state);

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		a->row->handle(a);
		return;
	}
	if (c->err.code == ERR_PRECONDITION)
		(void)err_set(&c->err, ERR_BUSY,
			      "too many reports on this action at once");
	if (api_failed(a, c))
		return;
	if (closed) /* another may be waiting for this one's end */
		hub_poke(a->api->hub, a->tenant, a->device.id);
	thank(a);
}

static void store_verdict(struct api_call *a, const struct ddi_feedback *f,
			  const struct verdict *v)
{
	struct store_call *c = api_store(a, STORE_DEPLOYMENT_MOVE, stored);

	if (c == NULL)
		return;
	fill_move(&c->in.move, a, f, v);
	store_call_event(c, EVENT_DEPLOYMENT, a->device.id, a->deployment.id, NULL);
	if (changes_device(&c->in.move.device))
		store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	api_submit(a, c);
}

static void report(struct api_call *a, judge_fn judge)
{
	AUTO_FREE struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;
	struct verdict v;
	size_t len;
	const void *data = http_body(a->http, &len);

	if (f == NULL)
		(void)err_nomem(&e);
	if (f == NULL || ddi_feedback_parse(data, len, f, &e) < 0 ||
	    judge(a, f, &v, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	hub_progress(a->api->hub, a->tenant, a->device.id, a->deployment.id, v.progress,
		     v.detail);
	if (v.durable)
		store_verdict(a, f, &v);
	else
		thank(a);
}

void handle_device_feedback(struct api_call *a)
{
	load_own_action(a, deployment_reported);
}

void handle_device_cancel_feedback(struct api_call *a)
{
	load_own_action(a, cancel_reported);
}

/* ---- attributes ---- */

static void attributes_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		thank(a);
}

/* New values over old ones; the result is what the slots are drawn from. */
static size_t merge(struct attribute *all, size_t n, const struct attribute *news,
		    size_t n_news)
{
	for (size_t i = 0; i < n_news; i++) {
		size_t k = 0;

		while (k < n && strcmp(all[k].key, news[i].key) != 0)
			k++;
		if (k == n)
			n++;
		all[k] = news[i];
	}
	return n;
}

/* What does not fit its field is not that: a device's word is shown or left out, not
 * refused. */
static void take_value(char *ret, size_t room, const struct attribute *a, size_t n,
		       const char *key)
{
	const char *v = attribute_value(a, n, key);

	if (v != NULL && strlen(v) < room)
		(void)snprintf(ret, room, "%s", v);
}

static int read_meanings(struct store_call *c, const struct attribute *all, size_t n,
			 struct err *e)
{
	take_value(c->in.attributes.product, sizeof(c->in.attributes.product), all, n,
		   "product");
	take_value(c->in.attributes.hardware, sizeof(c->in.attributes.hardware), all, n,
		   "hardware");
	take_value(c->in.attributes.version, sizeof(c->in.attributes.version), all, n,
		   "version");
	take_value(c->in.attributes.agent_version,
		   sizeof(c->in.attributes.agent_version), all, n, "agent.version");
	return render_slots(all, n, c->in.attributes.slots, e);
}

static struct attribute *convert(const struct ddi_config_data *d, struct store_call *c,
				 struct err *e)
{
	struct attribute *news = store_call_items(c, d->n_attributes, sizeof(*news), e);

	for (size_t i = 0; news != NULL && i < d->n_attributes; i++) {
		memcpy(news[i].key, d->attributes[i].key, sizeof(news[i].key));
		memcpy(news[i].value, d->attributes[i].value, sizeof(news[i].value));
		news[i].remove = d->attributes[i].is_null || d->mode == DDI_REMOVE;
	}
	return news;
}

/* old: what the device has said before, sorted into one array with the news. */
static int fill_attributes(struct api_call *a, const struct ddi_config_data *d,
			   const struct store_call *old, struct store_call *c,
			   struct err *e)
{
	size_t n_old = d->mode == DDI_REPLACE ? 0 : old->n_items;
	struct attribute *news = convert(d, c, e);
	AUTO_FREE struct attribute *all =
	    calloc(n_old + d->n_attributes + 1, sizeof(struct attribute));

	if (news == NULL || all == NULL)
		return err_nomem(e);
	if (n_old > 0)
		memcpy(all, old->items, n_old * sizeof(*all));
	c->in.attributes.replace = d->mode == DDI_REPLACE;
	memcpy(c->in.attributes.id, a->device.id, sizeof(c->in.attributes.id));
	store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	return read_meanings(c, all, merge(all, n_old, news, d->n_attributes), e);
}

static void attributes_known(struct store_call *old)
{
	AUTO_PTR(store_call) struct store_call *owned = old;
	struct api_call *a = old->ctx;
	struct store_call *c;
	struct err e = ERR_INIT;

	if (api_failed(a, old))
		return;
	c = api_store(a, STORE_DEVICE_SET_ATTRIBUTES, attributes_stored);
	if (c == NULL)
		return;
	if (fill_attributes(a, a->mine, old, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

void handle_device_config(struct api_call *a)
{
	struct ddi_config_data *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;
	struct store_call *c;
	size_t len;
	const void *data = http_body(a->http, &len);

	a->mine = d;
	if (d == NULL)
		(void)err_nomem(&e);
	if (d == NULL || ddi_config_parse(data, len, d, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_DEVICE_ATTRIBUTES, attributes_known);
	if (c == NULL)
		return;
	memcpy(c->in.device_id, a->device.id, sizeof(c->in.device_id));
	api_submit(a, c);
}

/* ---- being told to poll ---- */

void handle_device_events(struct api_call *a)
{
	struct home *home = api_home(a);
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	if (hub_stream_device(a->api->hub, a->http, a->tenant, a->device.id,
			      home_max_streams(home), &e) < 0)
		api_fail(a, &e);
}
