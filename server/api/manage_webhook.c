/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: webhooks and their deliveries. A secret is shown once, when it is made.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../webhook/webhook.h"

#include <stdlib.h>
#include <string.h>

#define ID_BYTES (WEBHOOK_ID_LEN / 2)

/* ---- rendering ---- */

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, json_new_text(text), e);
}

static int set_int(struct json *o, const char *key, int64_t v, struct err *e)
{
	return json_set(o, key, json_new_int(v), e);
}

static int set_time(struct json *o, const char *key, int64_t at, struct err *e)
{
	return json_set(o, key, at == 0 ? json_new_null() : json_new_int(at), e);
}

static struct json *render_events(uint64_t events, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	if (list == NULL)
		return NULL;
	for (unsigned t = 0; t < N_EVENT_TYPES; t++) {
		if ((events >> t & 1) != 0 &&
		    json_append(list,
				json_new_text(event_type_name((enum event_type)t)),
				e) < 0)
			return NULL;
	}
	return TAKE(list);
}

/* secret NULL: it is not shown. */
static struct json *render_webhook(const struct webhook *w, const char *secret,
				   struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "id", w->id, e) < 0 ||
	    set_text(o, "url", w->url, e) < 0 ||
	    json_set(o, "events", render_events(w->events, e), e) < 0 ||
	    json_set(o, "active", json_new_bool(w->active), e) < 0 ||
	    set_text(o, "reason", w->reason, e) < 0 ||
	    set_int(o, "attempts", w->attempts, e) < 0 ||
	    set_time(o, "next_at", w->next_at, e) < 0 ||
	    set_time(o, "delivered_at", w->delivered_at, e) < 0 ||
	    set_int(o, "created_at", w->created_at, e) < 0 ||
	    (secret != NULL && set_text(o, "secret", secret, e) < 0))
		return NULL;
	return TAKE(o);
}

static struct json *render_delivery(const struct webhook_delivery *d, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_int(o, "id", (int64_t)d->id, e) < 0 ||
	    set_int(o, "event", (int64_t)d->event, e) < 0 ||
	    set_text(o, "type", event_type_name(d->type), e) < 0 ||
	    set_int(o, "at", d->at, e) < 0 ||
	    set_int(o, "attempt", d->attempt, e) < 0 ||
	    json_set(o, "replay", json_new_bool(d->replay), e) < 0 ||
	    json_set(o, "status",
		     d->status == 0 ? json_new_null() : json_new_int(d->status),
		     e) < 0 ||
	    set_int(o, "duration_ms", d->duration_ms, e) < 0 ||
	    json_set(o, "delivered", json_new_bool(d->delivered), e) < 0 ||
	    set_text(o, "error", d->error, e) < 0 ||
	    set_text(o, "excerpt", d->excerpt, e) < 0)
		return NULL;
	return TAKE(o);
}

static void answer_webhook(struct api_call *a, int status, const struct webhook *w,
			   const char *secret)
{
	struct err e = ERR_INIT;
	struct json *o = render_webhook(w, secret, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

/* ---- what comes in ---- */

/* A name of the path that is too long names nothing. */
static void path_id(struct api_call *a, struct webhook_page *ret)
{
	const char *id = http_param(a->http, "id");

	(void)snprintf(ret->id, sizeof(ret->id), "%s",
		       strlen(id) > WEBHOOK_ID_LEN ? "" : id);
}

static int read_events(const struct json *list, uint64_t *ret, struct err *e)
{
	*ret = 0;
	for (size_t i = 0; i < json_len(list); i++) {
		const char *name = json_text(json_at(list, i));
		uint64_t bit;

		if (name == NULL)
			return err_set(e, ERR_FORMAT,
				       "field \"events\": not all texts");
		if (webhook_event_bit(name, &bit, e) < 0)
			return err_wrap(e, "field \"events\"");
		*ret |= bit;
	}
	return *ret != 0
		   ? 0
		   : err_set(e, ERR_FORMAT, "field \"events\": name at least one");
}

static int read_url(struct api_call *a, char ret[WEBHOOK_URL_MAX_LEN + 1],
		    struct err *e)
{
	const char *url;

	if (json_get_text(a->body, "url", &url, e) < 0 || webhook_url_check(url, e) < 0)
		return -1;
	return text_copy(ret, WEBHOOK_URL_MAX_LEN + 1, url, "url", e);
}

/* ---- lists ---- */

static void got_list(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct webhook *w = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_webhook(&w[i], NULL, &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), NULL);
}

void handle_webhooks_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_LIST, got_list);

	if (c != NULL)
		api_submit(a, c);
}

static void got_one(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_webhook(a, 200, &c->out.webhook, NULL);
}

void handle_webhooks_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_GET, got_one);

	if (c == NULL)
		return;
	path_id(a, &c->in.webhook_page);
	api_submit(a, c);
}

/* ---- making and changing ---- */

static void created(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_webhook(a, 201, &c->out.webhook, a->handler_state);
}

static int fill_new(struct api_call *a, struct webhook *w, struct err *e)
{
	static const char *const names[] = {"url", "events", NULL};
	uint8_t id[ID_BYTES], key[WEBHOOK_KEY_LEN];
	const struct json *events;
	int rc;

	a->handler_state = malloc(WEBHOOK_SECRET_TEXT_LEN + 1);
	if (a->handler_state == NULL)
		return err_nomem(e);
	if (api_body(a, names, e) < 0 || read_url(a, w->url, e) < 0 ||
	    json_get_array(a->body, "events", &events, e) < 0 ||
	    read_events(events, &w->events, e) < 0 ||
	    random_bytes(id, sizeof(id), e) < 0 ||
	    webhook_secret_make(key, a->handler_state, e) < 0)
		return -1;
	hex_encode(id, sizeof(id), w->id);
	w->active = true;
	rc = webhooks_seal(a->api->webhooks, a->tenant, key, w, e);
	memset(key, 0, sizeof(key));
	return rc;
}

void handle_webhooks_create(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_CREATE, created);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (fill_new(a, &c->in.webhook, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event_of(c, EVENT_WEBHOOK, c->in.webhook.id);
	api_audit_id(a, c->in.webhook.id);
	api_audit_detail(a, "%s", c->in.webhook.url);
	api_submit(a, c);
}

static int fill_change(struct api_call *a, struct webhook_change *w, struct err *e)
{
	static const char *const names[] = {"url", "events", "active", NULL};
	const struct json *events;

	if (api_body(a, names, e) < 0)
		return -1;
	w->set_url = json_get(a->body, "url") != NULL;
	w->set_events = json_get(a->body, "events") != NULL;
	w->set_active = json_get(a->body, "active") != NULL;
	if (w->set_url && read_url(a, w->url, e) < 0)
		return -1;
	if (w->set_events && (json_get_array(a->body, "events", &events, e) < 0 ||
			      read_events(events, &w->events, e) < 0))
		return -1;
	return json_opt_bool(a->body, "active", &w->active, e);
}

void handle_webhooks_update(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_UPDATE, got_one);
	struct webhook_change *w;
	struct webhook_page id;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	w = &c->in.webhook_change;
	if (fill_change(a, w, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	path_id(a, &id);
	memcpy(w->id, id.id, sizeof(w->id));
	store_call_event_of(c, EVENT_WEBHOOK, w->id);
	api_audit_detail(a, "%s%s%s%s", w->set_url ? w->url : "",
			 w->set_events ? " events" : "",
			 w->set_active ? " active " : "",
			 !w->set_active ? ""
			 : w->active	? "yes"
					: "no");
	api_submit(a, c);
}

static void deleted(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_empty(a, 204);
}

void handle_webhooks_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_DELETE, deleted);

	if (c == NULL)
		return;
	path_id(a, &c->in.webhook_page);
	store_call_event_of(c, EVENT_WEBHOOK, c->in.webhook_page.id);
	api_submit(a, c);
}

/* ---- deliveries ---- */

static void got_deliveries(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct webhook_delivery *d = c->items;
	struct err e = ERR_INIT;
	char next[24] = "";

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_delivery(&d[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	if (c->more)
		(void)snprintf(next, sizeof(next), "%llu",
			       (unsigned long long)d[c->n_items - 1].id);
	api_reply_page(a, TAKE(list), c->more ? next : NULL);
}

void handle_webhooks_deliveries(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_WEBHOOK_DELIVERIES, got_deliveries);
	struct store_page page = {.limit = 0};
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &page, true, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	path_id(a, &c->in.webhook_page);
	c->in.webhook_page.delivery = page.after_id;
	c->in.webhook_page.limit = page.limit;
	api_submit(a, c);
}

static void noted_replay(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const uint64_t *event = a->handler_state;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (webhooks_replay(a->api->webhooks, a->tenant, http_param(a->http, "id"),
			    *event, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_empty(a, 202);
}

/* It is in the audit log before it is sent. */
static void got_to_replay(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct store_call *next;
	uint64_t *event;

	if (api_failed(a, c))
		return;
	next = api_store(a, STORE_AUDIT_NOTE, noted_replay);
	if (next == NULL)
		return;
	event = a->handler_state = malloc(sizeof(*event));
	if (event == NULL) {
		store_call_free(next);
		api_fail(a, &(struct err){.code = ERR_NO_MEMORY});
		return;
	}
	*event = c->out.webhook_delivery.event;
	api_audit_detail(a, "event %llu", (unsigned long long)*event);
	api_submit(a, next);
}

void handle_webhooks_replay(struct api_call *a)
{
	struct err e = ERR_INIT;
	struct store_call *c;
	uint64_t id;

	if (api_id_param(a, "delivery", &id, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_WEBHOOK_DELIVERY_GET, got_to_replay);
	if (c == NULL)
		return;
	path_id(a, &c->in.webhook_page);
	c->in.webhook_page.delivery = id;
	api_submit(a, c);
}
