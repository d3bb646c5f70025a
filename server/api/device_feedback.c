/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device says of its deployment.
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
#include "../release/roles.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8

typedef int (*judge_fn)(struct api_call *a, const struct ddi_feedback *f,
			struct verdict *ret, struct err *e);

static void report(struct api_call *a, judge_fn judge);

static int judge_deployment(struct api_call *a, const struct ddi_feedback *f,
			    struct verdict *ret, struct err *e)
{
	const struct release *r = &a->release;

	return policy_feedback(
	    &a->deployment, r->n_images > 0 ? r->descriptor_sha256 : NULL, f, ret, e);
}

static int judge_cancel(struct api_call *a, const struct ddi_feedback *f,
			struct verdict *ret, struct err *e)
{
	return policy_cancel_feedback(&a->deployment, f, ret, e);
}

static void deployment_reported(struct api_call *a)
{
	if (deployment_is_open(a->deployment.state) && !device_was_shown(a))
		no_such_action(a);
	else
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
	for (size_t i = 0; i < f->n_capabilities; i++) {
		size_t room = sizeof(d->capabilities) - len;
		int n = snprintf(d->capabilities + len, room, "%s%s", i == 0 ? "" : " ",
				 f->capabilities[i]);

		if (n < 0 || (size_t)n >= room) {
			d->capabilities[len] = '\0'; /* no half a word */
			break;
		}
		len += (size_t)n;
	}
}

/* Of the first report that it is confirmed: what was saved is counted once. */
static void fill_delta(struct deployment_move *m, const struct api_call *a,
		       const struct ddi_feedback *f)
{
	if (m->state == DEPLOYMENT_CONFIRMED && m->grade == GRADE_PROVEN &&
	    a->deployment.state != DEPLOYMENT_CONFIRMED)
		(void)delta_target_from(f->delta, a->release.product,
					a->release.version, m->delta_from,
					&m->delta_unwraps);
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
	fill_delta(m, a, f);
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
	if (c->out.deployment.rollout != 0)
		engine_wake(a->api->engine);
	device_thank(a);
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
	if (!v.durable)
		device_thank(a);
	else if (v.state != a->deployment.state || a->tries > 0 || device_may_write(a))
		store_verdict(a, f, &v);
}

void handle_device_feedback(struct api_call *a)
{
	load_own_action(a, deployment_reported);
}

void handle_device_cancel_feedback(struct api_call *a)
{
	load_own_action(a, cancel_reported);
}
