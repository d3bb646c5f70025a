/* SPDX-License-Identifier: Apache-2.0 */
/* The poll, and what it leads to: deployment, cancel, installed. */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8
#define FILE_NAME "payload"

/* ---- URLs ---- */

int device_url(struct api_call *a, char *ret, size_t room, struct err *e,
	       const char *fmt, ...)
{
	char tail[DDI_URL_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tail, sizeof(tail), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(tail))
		return err_set(e, ERR_LIMIT, "a link of %d bytes", n);
	return text_format(ret, room, e, "https://%s/%s/controller/v1/%s%s",
			   http_host(a->http), http_param(a->http, "tenant"),
			   a->device.id, tail);
}

static int repository_url(struct api_call *a, char ret[DDI_URL_LEN], const char *tail,
			  struct err *e)
{
	return text_format(ret, DDI_URL_LEN, e, "https://%s/%s/repository/%s",
			   http_host(a->http), http_param(a->http, "tenant"), tail);
}

static int content_url(struct api_call *a, char ret[DDI_URL_LEN],
		       const uint8_t sha256[SHA256_LEN], struct err *e)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256, SHA256_LEN, hex);
	return device_url(a, ret, DDI_URL_LEN, e, "/ota/content/%s", hex);
}

/* ---- the poll ---- */

static int link_deployment(struct api_call *a, struct ddi_poll *p, struct err *e)
{
	const struct deployment *d = &a->deployment;
	unsigned long long id = d->id;

	if (d->id == 0 || (d->frozen && !d->offered))
		return 0;
	if (d->state == DEPLOYMENT_CANCELLING)
		return device_url(a, p->cancel_action, sizeof(p->cancel_action), e,
				  "/cancelAction/%llu", id);
	return device_url(a, p->deployment_base, sizeof(p->deployment_base), e,
			  "/deploymentBase/%llu?c=%llu", id,
			  (unsigned long long)d->content);
}

static int fill_poll(struct api_call *a, struct ddi_poll *p, struct err *e)
{
	const struct device *d = &a->device;

	p->sleep_ms = a->api->poll_interval_ms;
	if (link_deployment(a, p, e) < 0)
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
		api_reply_text(a, 200, "application/json", buf_str(&text), text.len);
}

static void polled_deployment(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NONE)
		a->deployment = c->out.deployment;
	else if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
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

/* ---- finding the action that a device asks for ---- */

struct finding {
	void (*then)(struct api_call *a);
};

static void no_such_action(struct api_call *a)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_NOT_FOUND, "there is no such action for this device");
	api_fail(a, &e);
}

static void go_on(struct api_call *a)
{
	struct finding *f = a->mine;
	void (*then)(struct api_call *) = f->then;

	free(TAKE(a->mine));
	then(a);
}

static void found_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->release = c->out.release;
	go_on(a);
}

static void found_deployment(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct store_call *next;

	if (c->err.code == ERR_NONE &&
	    strcmp(c->out.deployment.device, a->device.id) != 0) {
		no_such_action(a);
		return;
	}
	if (api_failed(a, c))
		return;
	a->deployment = c->out.deployment;
	next = api_store(a, STORE_RELEASE_GET, found_release);
	if (next == NULL)
		return;
	memcpy(next->in.release_id, a->deployment.release, sizeof(next->in.release_id));
	api_submit(a, next);
}

static void load_action(struct api_call *a, uint64_t id,
			void (*then)(struct api_call *a))
{
	struct finding *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;
	struct store_call *c;

	if (f == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	f->then = then;
	free(a->mine);
	a->mine = f;
	c = api_store(a, STORE_DEPLOYMENT_GET, found_deployment);
	if (c == NULL)
		return;
	c->in.deployment_id = id;
	api_submit(a, c);
}

void load_own_action(struct api_call *a, void (*then)(struct api_call *a))
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (api_id_param(a, "action", &id, &e) < 0)
		api_fail(a, &e);
	else
		load_action(a, id, then);
}

void load_open_action(struct api_call *a, void (*then)(struct api_call *a))
{
	if (a->device.open_deployment == 0)
		no_such_action(a);
	else
		load_action(a, a->device.open_deployment, then);
}

/* ---- deploymentBase and installedBase ---- */

static int fill_artifact(struct api_call *a, struct ddi_artifact *f, struct err *e)
{
	const struct release *r = &a->release;
	unsigned long long id = a->deployment.id;

	f->size = a->artifact.size;
	memcpy(f->sha256, a->artifact.sha256, SHA256_LEN);
	memcpy(f->sha1, a->artifact.sha1, SHA1_LEN);
	memcpy(f->md5, a->artifact.md5, MD5_LEN);
	if (text_copy(f->filename, sizeof(f->filename), FILE_NAME, "file name", e) <
		0 ||
	    device_url(a, f->download, sizeof(f->download), e,
		       "/softwaremodules/%llu/artifacts/" FILE_NAME, id) < 0 ||
	    device_url(a, f->md5sum, sizeof(f->md5sum), e,
		       "/softwaremodules/%llu/artifacts/" FILE_NAME ".MD5SUM", id) < 0)
		return -1;
	if (manifest_target_name(r->product, r->version, f->manifest_name, e) < 0 ||
	    content_url(a, f->manifest, r->manifest_sha256, e) < 0 ||
	    content_url(a, f->payload_head, r->head_sha256, e) < 0 ||
	    content_url(a, f->payload_body, r->body_sha256, e) < 0)
		return -1;
	return content_url(a, f->descriptor, r->descriptor_sha256, e);
}

static int fill_deployment(struct api_call *a, struct ddi_deployment *d, struct err *e)
{
	d->download = d->update =
	    a->deployment.kind == KIND_FORCED ? DDI_FORCED : DDI_ATTEMPT;
	d->window = DDI_WINDOW_NONE;
	d->n_artifacts = 1;
	if (text_format(d->id, sizeof(d->id), e, "%llu",
			(unsigned long long)a->deployment.id) < 0 ||
	    text_copy(d->artifacts[0].part, sizeof(d->artifacts[0].part), "os", "part",
		      e) < 0 ||
	    text_copy(d->version, sizeof(d->version), a->release.version, "version",
		      e) < 0 ||
	    text_copy(d->name, sizeof(d->name), a->release.product, "name", e) < 0)
		return -1;
	return fill_artifact(a, &d->artifacts[0], e);
}

static void answer_deployment(struct api_call *a)
{
	AUTO(buf) struct buf text = BUF_INIT(64u * 1024);
	AUTO_FREE struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	if (d == NULL)
		(void)err_nomem(&e);
	if (d == NULL || fill_deployment(a, d, &e) < 0 ||
	    ddi_deployment_write(d, &text, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_text(a, 200, "application/json", buf_str(&text), text.len);
}

static void offered(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		load_own_action(a, handle_device_deployment);
		return;
	}
	if (!api_failed(a, c))
		answer_deployment(a);
}

/* What a device was shown must be cancelled with it, not behind its back: store it
 * first. */
static void mark_offered(struct api_call *a)
{
	const struct deployment *d = &a->deployment;
	struct store_call *c;

	if (d->offered) {
		answer_deployment(a);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_MOVE, offered);
	if (c == NULL)
		return;
	c->in.move = (struct deployment_move){.id = d->id,
					      .expect_revision = d->revision,
					      .state = d->state,
					      .progress = d->progress,
					      .grade = d->grade,
					      .offered = true,
					      .offering = true};
	api_submit(a, c);
}

static void found_artifact(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->artifact = c->out.artifact;
	if (deployment_is_open(a->deployment.state))
		mark_offered(a);
	else
		answer_deployment(a);
}

static void load_artifact(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ARTIFACT_GET, found_artifact);

	if (c == NULL)
		return;
	memcpy(c->in.hash, a->release.body_sha256, SHA256_LEN);
	api_submit(a, c);
}

static void show_open(struct api_call *a)
{
	/* The device was read before its deployment, which may have ended since. */
	if (a->deployment.id != a->device.open_deployment ||
	    !deployment_is_open(a->deployment.state) ||
	    a->deployment.state == DEPLOYMENT_CANCELLING)
		no_such_action(a);
	else
		load_artifact(a);
}

void handle_device_deployment(struct api_call *a)
{
	load_own_action(a, show_open);
}

static void show_installed(struct api_call *a)
{
	if (a->deployment.state != DEPLOYMENT_CONFIRMED)
		no_such_action(a);
	else
		load_artifact(a);
}

void handle_device_installed(struct api_call *a)
{
	load_own_action(a, show_installed);
}

/* ---- cancelAction ---- */

static void show_cancel(struct api_call *a)
{
	AUTO(buf) struct buf text = BUF_INIT(1024);
	struct err e = ERR_INIT;
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)a->deployment.id);
	if (a->deployment.state != DEPLOYMENT_CANCELLING)
		no_such_action(a);
	else if (ddi_cancel_write(id, id, &text, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_text(a, 200, "application/json", buf_str(&text), text.len);
}

void handle_device_cancel(struct api_call *a)
{
	load_own_action(a, show_cancel);
}
