/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to install: deploymentBase, installedBase and confirmationBase of one action, all
 * in one form, and cancelAction.
 *
 *	load_own_action() -> show_*(): is it to be shown? -> artifacts of the payload, or
 *	of the opaque files -> the history, if it was asked for -> for deploymentBase:
 *	remember that the device has seen it -> answer
 */
#include "device_delta.h"
#include "rollout.h"
#include "settings.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"
#include "../fleet/policy.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8
#define HISTORY_MAX_BYTES (32u * 1024) /* of its lines; the newest are kept */

/* ---- the form ---- */

int device_content_url(struct api_call *a, char ret[DDI_URL_LEN],
		       const uint8_t sha256[SHA256_LEN], struct err *e)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256, SHA256_LEN, hex);
	return device_url(a, ret, DDI_URL_LEN, e, "/ota/content/%s", hex);
}

static int add_links(struct api_call *a, struct ddi_artifact *f, struct err *e)
{
	unsigned long long id = a->deployment.id;

	if (device_url(a, f->download, sizeof(f->download), e,
		       "/softwaremodules/%llu/artifacts/%s", id, f->filename) < 0)
		return -1;
	return device_url(a, f->md5sum, sizeof(f->md5sum), e,
			  "/softwaremodules/%llu/artifacts/%s.MD5SUM", id, f->filename);
}

int device_artifact_fill(struct api_call *a, size_t i, struct ddi_artifact *f,
			 struct err *e)
{
	const struct artifact *from = &a->artifacts[i];
	bool file = handling_gives_files(&a->device, &a->release);
	const struct release_file *of = &a->release.files[i];
	const char *name = file ? of->name : PAYLOAD_FILE_NAME;
	const char *part = file_part_name(file ? of->part : FILE_OS);

	f->size = from->size;
	memcpy(f->sha256, from->sha256, SHA256_LEN);
	memcpy(f->sha1, from->sha1, SHA1_LEN);
	memcpy(f->md5, from->md5, MD5_LEN);
	if (text_copy(f->filename, sizeof(f->filename), name, "file name", e) < 0 ||
	    text_copy(f->part, sizeof(f->part), part, "part", e) < 0)
		return -1;
	return add_links(a, f, e);
}

/* For the agent: what the payload is made of, and who vouches for it. */
static int add_extensions(struct api_call *a, struct ddi_artifact *f, struct err *e)
{
	const struct release *r = &a->release;

	if (handling_gives_files(&a->device, r))
		return 0;
	if (manifest_target_name(r->product, r->version, f->manifest_name, e) < 0 ||
	    device_content_url(a, f->manifest, r->manifest_sha256, e) < 0 ||
	    device_content_url(a, f->payload_head, r->head_sha256, e) < 0 ||
	    device_content_url(a, f->payload_body, r->body_sha256, e) < 0)
		return -1;
	if (device_content_url(a, f->descriptor, r->descriptor_sha256, e) < 0)
		return -1;
	return delta_fill(a, &f->delta, e);
}

static int fill_artifacts(struct api_call *a, struct ddi_deployment *d, struct err *e)
{
	for (size_t i = 0; i < a->n_artifacts; i++) {
		struct ddi_artifact *f = &d->artifacts[d->n_artifacts++];

		if (device_artifact_fill(a, i, f, e) < 0 || add_extensions(a, f, e) < 0)
			return -1;
	}
	return 0;
}

static int fill_deployment(struct api_call *a, struct ddi_deployment *d, struct err *e)
{
	struct handling h;

	device_handling(a, &h);
	d->unconfirmed = h.show == SHOW_CONFIRMATION;
	d->download = h.download;
	d->update = h.update;
	d->window = h.window;
	d->plain_base = settings_plain_base(a);
	if (text_format(d->id, sizeof(d->id), e, "%llu",
			(unsigned long long)a->deployment.id) < 0 ||
	    text_copy(d->version, sizeof(d->version), a->release.version, "version",
		      e) < 0 ||
	    text_copy(d->name, sizeof(d->name), a->release.product, "name", e) < 0)
		return -1;
	return fill_artifacts(a, d, e);
}

/* history: an array of texts, or NULL if nobody asked. */
static void answer_deployment(struct api_call *a, struct json *history)
{
	AUTO(buf) struct buf text = BUF_INIT(128u * 1024);
	AUTO_FREE struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	if (d == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	d->history.present = history != NULL;
	d->history.messages = history;
	(void)snprintf(d->history.status, sizeof(d->history.status), "%s",
		       handling_history_status(&a->deployment));
	if (fill_deployment(a, d, &e) < 0 || ddi_deployment_write(d, &text, &e) < 0)
		api_fail(a, &e);
	else
		device_reply(a, &text);
}

/* ---- the history: ?actionHistory=N, newest first; negative: all there is ---- */

static unsigned history_wanted(struct api_call *a)
{
	const char *text = http_query(a->http, "actionHistory");
	uint64_t n = 0;

	if (text == NULL)
		return 0;
	if (text[0] == '-')
		return DEPLOYMENT_MAX_STATUSES;
	if (parse_u64(text, &n, NULL) < 0) /* a word of no meaning, as it always was */
		return 0;
	return n < DEPLOYMENT_MAX_STATUSES ? (unsigned)n : DEPLOYMENT_MAX_STATUSES;
}

static struct json *render_history(const struct status *s, size_t n, unsigned wanted,
				   struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	size_t room = HISTORY_MAX_BYTES;

	for (size_t i = 0; i < n && i < wanted; i++) {
		const struct status *one = &s[n - 1 - i];
		const char *text =
		    one->details[0] != '\0' ? one->details : one->execution;

		if (strlen(text) > room)
			break;
		room -= strlen(text);
		if (json_append(list, json_new_text(text), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static void got_history(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *history = NULL;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	history = render_history(c->items, c->n_items, history_wanted(a), &e);
	if (history == NULL)
		api_fail(a, &e);
	else
		answer_deployment(a, history);
}

static void answer_with_history(struct api_call *a)
{
	struct store_call *c;

	if (history_wanted(a) == 0) {
		answer_deployment(a, NULL);
		return;
	}
	c = api_store(a, STORE_DEPLOYMENT_STATUSES, got_history);
	if (c == NULL)
		return;
	c->in.deployment_id = a->deployment.id;
	api_submit(a, c);
}

/* ---- the device has seen it ---- */

static void offered(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_PRECONDITION && ++a->tries < MAX_TRIES) {
		load_own_action(a, handle_device_deployment);
		return;
	}
	if (api_failed(a, c))
		return;
	if (c->out.deployment.rollout != 0)
		engine_wake(a->api->engine);
	answer_with_history(a);
}

static void store_offered(struct api_call *a)
{
	const struct deployment *d = &a->deployment;
	struct store_call *c;

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

static void offer_if(struct api_call *a, const struct why *w)
{
	if (w->may_offer)
		store_offered(a);
	else
		no_such_action(a);
}

/* What a device was shown must be cancelled with it, not behind its back: store it
 * first. A link may be older than what its rollout says now. */
static void mark_offered(struct api_call *a)
{
	if (a->deployment.offered)
		answer_with_history(a);
	else if (policy_pinned(&a->device, a->deployment.release, NULL) < 0)
		no_such_action(a);
	else if (a->deployment.rollout != 0)
		with_why(a, a->deployment.rollout, offer_if);
	else if (a->delta.id == 0 && device_takes_no_full(&a->device))
		no_such_action(a);
	else
		store_offered(a);
}

/* ---- its artifacts ---- */

struct artifacts_waiting {
	void (*then)(struct api_call *a);
};

static void go_on_with_artifacts(struct api_call *a, const struct artifact *items,
				 size_t n)
{
	struct artifacts_waiting *w = a->handler_state;
	void (*then)(struct api_call *) = w->then;

	for (a->n_artifacts = 0; a->n_artifacts < n && a->n_artifacts < MAX_FILES;
	     a->n_artifacts++)
		a->artifacts[a->n_artifacts] = items[a->n_artifacts];
	free(TAKE(a->handler_state));
	then(a);
}

static void got_files(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		go_on_with_artifacts(a, c->items, c->n_items);
}

static void got_payload(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		go_on_with_artifacts(a, &c->out.artifact, 1);
}

void load_artifacts(struct api_call *a, void (*then)(struct api_call *a))
{
	bool files = handling_gives_files(&a->device, &a->release);
	struct artifacts_waiting *w = calloc(1, sizeof(*w));
	struct err e = ERR_INIT;
	struct store_call *c;

	free(a->handler_state);
	a->handler_state = w;
	if (w == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	w->then = then;
	c = files ? api_store(a, STORE_FILE_ARTIFACTS, got_files)
		  : api_store(a, STORE_ARTIFACT_GET, got_payload);
	if (c == NULL)
		return;
	if (files)
		memcpy(c->in.release_id, a->release.id, sizeof(c->in.release_id));
	else
		memcpy(c->in.hash, a->release.body_sha256, SHA256_LEN);
	api_submit(a, c);
}

/* ---- deploymentBase, confirmationBase, installedBase ---- */

static void show_as(struct api_call *a, enum showing as,
		    void (*then)(struct api_call *a))
{
	struct handling h;

	/* The device was read before its deployment, which may have ended since. */
	device_handling(a, &h);
	if (a->deployment.id != a->device.open_deployment || h.show != as)
		no_such_action(a);
	else
		load_artifacts(a, then);
}

static void look_for_delta(struct api_call *a)
{
	load_delta(a, mark_offered);
}

static void show_open(struct api_call *a)
{
	show_as(a, SHOW_DEPLOYMENT, look_for_delta);
}

void handle_device_deployment(struct api_call *a)
{
	load_own_action(a, show_open);
}

static void show_unconfirmed(struct api_call *a)
{
	show_as(a, SHOW_CONFIRMATION, answer_with_history);
}

void handle_device_confirmation(struct api_call *a)
{
	load_own_action(a, show_unconfirmed);
}

static void show_installed(struct api_call *a)
{
	if (a->deployment.state != DEPLOYMENT_CONFIRMED)
		no_such_action(a);
	else
		load_artifacts(a, answer_with_history);
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
