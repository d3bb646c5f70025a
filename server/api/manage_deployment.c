/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: deployments; lists of them: manage_deployments.c. */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/policy.h"
#include "../fleet/render.h"

#include <string.h>

#define MAX_TRIES 8
#define MAX_TIME_MS ((uint64_t)1 << 48)

static void answer_deployment(struct api_call *a, int status,
			      const struct deployment *d)
{
	struct err e = ERR_INIT;
	struct json *o = render_deployment(d, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

/* ---- assigning ---- */

static void assigned(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	hub_poke(a->api->hub, a->tenant, c->out.deployment.device);
	answer_deployment(a, 201, &c->out.deployment);
}

/* Times in the past are fine: they say "now". */
static int read_time(const struct json *body, const char *key, int64_t *ret,
		     struct err *e)
{
	uint64_t at = 0;

	if (json_opt_u64(body, key, &at, e) < 0)
		return -1;
	if (at > MAX_TIME_MS)
		return err_set(e, ERR_FORMAT,
			       "field \"%s\": not milliseconds since 1970", key);
	*ret = (int64_t)at;
	return 0;
}

/* "force":true is what "kind":"forced" says since there are more than two. */
static int read_kind(const struct json *body, struct assignment *ret, struct err *e)
{
	const char *word = NULL;
	bool force = false;

	if (json_opt_text(body, "kind", &word, e) < 0 ||
	    json_opt_bool(body, "force", &force, e) < 0)
		return -1;
	if (word != NULL && json_get(body, "force") != NULL)
		return err_set(e, ERR_FORMAT, "kind and force exclude each other");
	ret->kind = force ? KIND_FORCED : KIND_SOFT;
	if (word != NULL && deployment_kind_parse(word, &ret->kind, e) < 0)
		return -1;
	if ((ret->force_at != 0) != (ret->kind == KIND_TIME_FORCED))
		return err_set(e, ERR_FORMAT,
			       "force_at goes with kind time-forced and with no other");
	return 0;
}

static int read_assignment(const struct json *body, struct assignment *ret,
			   struct err *e)
{
	if (read_time(body, "force_at", &ret->force_at, e) < 0 ||
	    read_time(body, "not_before", &ret->not_before, e) < 0 ||
	    json_opt_bool(body, "consent", &ret->needs_consent, e) < 0)
		return -1;
	return read_kind(body, ret, e);
}

static void assign(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_DEPLOYMENT_ASSIGN, assigned);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (policy_fits(&a->device, &a->release, &e) < 0 ||
	    policy_floor(&a->device, &a->release, &e) < 0 ||
	    policy_pinned(&a->device, a->release.id, &e) < 0 ||
	    read_assignment(a->body, &c->in.assign, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	memcpy(c->in.assign.device, a->device.id, sizeof(c->in.assign.device));
	memcpy(c->in.assign.release, a->release.id, sizeof(c->in.assign.release));
	store_call_event(c, EVENT_DEPLOYMENT, a->device.id, 0, NULL);
	store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	api_submit(a, c);
}

static void got_assign_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->release = c->out.release;
	assign(a);
}

static void got_assign_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct store_call *next;
	struct err e = ERR_INIT;
	const char *release;

	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	next = api_store(a, STORE_RELEASE_GET, got_assign_release);
	if (next == NULL)
		return;
	if (json_get_text(a->body, "release", &release, &e) < 0) {
		store_call_free(next);
		api_fail(a, &e);
		return;
	}
	/* an id that is too long is cut to one that does not exist: they are all of one
	 * length */
	(void)snprintf(next->in.release_id, sizeof(next->in.release_id), "%s",
		       strlen(release) > RELEASE_ID_LEN ? "" : release);
	api_submit(a, next);
}

void handle_deployments_create(struct api_call *a)
{
	static const char *const names[] = {"device",	"release",    "force",	 "kind",
					    "force_at", "not_before", "consent", NULL};
	struct store_call *c = api_store(a, STORE_DEVICE_GET, got_assign_device);
	struct err e = ERR_INIT;
	const char *device, *release;
	struct assignment checked = {.kind = KIND_SOFT};

	if (c == NULL)
		return;
	if (api_body(a, names, &e) < 0 ||
	    json_get_text(a->body, "device", &device, &e) < 0 ||
	    json_get_text(a->body, "release", &release, &e) < 0 ||
	    read_assignment(a->body, &checked, &e) < 0 ||
	    text_copy(c->in.device_id, sizeof(c->in.device_id), device, "device", &e) <
		0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

/* ---- one deployment ---- */

static void tag(struct api_call *a, const struct deployment *d)
{
	api_tag(a, "%llu.%llu", (unsigned long long)d->id,
		(unsigned long long)d->revision);
}

static void load(struct api_call *a, void (*done)(struct store_call *c))
{
	struct err e = ERR_INIT;
	struct store_call *c;
	uint64_t id;

	if (api_id_param(a, "id", &id, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_GET, done);
	if (c == NULL)
		return;
	c->in.deployment_id = id;
	api_submit(a, c);
}

static void got_statuses(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	o = render_deployment(&a->deployment, &e);
	if (o == NULL || json_set(o, "statuses",
				  render_statuses(c->items, c->n_items, &e), &e) < 0) {
		api_fail(a, &e);
		return;
	}
	tag(a, &a->deployment);
	api_reply_json(a, 200, TAKE(o));
}

static void got_one(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct store_call *next;

	if (api_failed(a, c))
		return;
	a->deployment = c->out.deployment;
	next = api_store(a, STORE_DEPLOYMENT_STATUSES, got_statuses);
	if (next == NULL)
		return;
	next->in.deployment_id = a->deployment.id;
	api_submit(a, next);
}

void handle_deployments_get(struct api_call *a)
{
	load(a, got_one);
}

/* ---- cancelling ---- */

static void cancelled(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		handle_deployments_delete(a);
		return;
	}
	if (api_failed(a, c))
		return;
	hub_poke(a->api->hub, a->tenant, c->out.deployment.device);
	answer_deployment(a, 202, &c->out.deployment);
}

static void store_cancel(struct api_call *a, const struct deployment *d,
			 const struct verdict *v)
{
	struct store_call *c = api_store(a, STORE_DEPLOYMENT_MOVE, cancelled);
	struct deployment_move *m;

	if (c == NULL)
		return;
	m = &c->in.move;
	m->id = d->id;
	m->expect_revision = d->revision;
	m->state = v->state;
	m->progress = v->progress;
	m->offered = d->offered;
	m->touch_content = true;
	memcpy(m->detail, v->detail, sizeof(m->detail));
	m->device.set_state = v->sets_device_state;
	m->device.state = v->device_state;
	store_call_event(c, EVENT_DEPLOYMENT, d->device, d->id, NULL);
	store_call_event(c, EVENT_DEVICE, d->device, 0, NULL);
	api_submit(a, c);
}

static void got_to_cancel(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const char *force = http_query(a->http, "force");
	struct err e = ERR_INIT;
	struct verdict v;

	if (api_failed(a, c))
		return;
	tag(a, &c->out.deployment);
	if (api_if_match(a, &e) < 0 ||
	    policy_cancel(&c->out.deployment,
			  force != NULL && strcmp(force, "true") == 0, &v, &e) < 0)
		api_fail(a, &e);
	else
		store_cancel(a, &c->out.deployment, &v);
}

void handle_deployments_delete(struct api_call *a)
{
	load(a, got_to_cancel);
}
