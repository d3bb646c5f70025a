/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: devices. */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- D with its newest deployment ---- */

struct device_answer {
	int status;
	char token[SECRET_TEXT_LEN + 1];
	size_t n_components;
	struct component components[];
};

static struct json *wrap_token(struct json *taken_device, const char *token,
			       struct err *e)
{
	AUTO_PTR(json) struct json *device = taken_device;
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || device == NULL || json_set(o, "device", TAKE(device), e) < 0 ||
	    json_set(o, "token", json_new_text(token), e) < 0)
		return NULL;
	return TAKE(o);
}

static void send_device(struct api_call *a, const struct deployment *d,
			struct json *attributes)
{
	const struct device_answer *w = a->handler_state;
	struct err e = ERR_INIT;
	struct json *o = render_device(&a->device, d, true, &e);

	if (o != NULL &&
	    (json_set(o, "attributes", attributes, &e) < 0 ||
	     json_set(o, "components",
		      render_components(w->components, w->n_components, &e), &e) < 0)) {
		json_free(o);
		o = NULL;
	}
	if (o != NULL && w->token[0] != '\0')
		o = wrap_token(o, w->token, &e);
	if (o == NULL) {
		api_fail(a, &e);
		return;
	}
	api_tag(a, "%llu.%llu.%llu", (unsigned long long)a->device.revision,
		d == NULL ? 0ull : (unsigned long long)d->id,
		d == NULL ? 0ull : (unsigned long long)d->revision);
	api_reply_json(a, w->status, o);
}

static void got_attributes(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;
	struct json *attributes;

	if (api_failed(a, c))
		return;
	attributes = render_attributes(c->items, c->n_items, &e);
	if (attributes == NULL)
		api_fail(a, &e);
	else
		send_device(a, a->deployment.id == 0 ? NULL : &a->deployment,
			    attributes);
}

/* The next of the calls about a->device. */
static void ask_on(struct api_call *a, enum store_verb v,
		   void (*done)(struct store_call *c))
{
	struct store_call *next = api_store(a, v, done);

	if (next == NULL)
		return;
	memcpy(next->in.device_id, a->device.id, sizeof(next->in.device_id));
	api_submit(a, next);
}

static void got_components(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct device_answer *w;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	w = realloc(a->handler_state,
		    sizeof(*w) + c->n_items * sizeof(struct component));
	if (w == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	a->handler_state = w;
	w->n_components = c->n_items;
	if (c->n_items > 0)
		memcpy(w->components, c->items, c->n_items * sizeof(struct component));
	ask_on(a, STORE_DEVICE_ATTRIBUTES, got_attributes);
}

static void got_latest(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NONE)
		a->deployment = c->out.deployment;
	else if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
	ask_on(a, STORE_DEVICE_COMPONENTS, got_components);
}

void answer_device(struct api_call *a, int status, const char *token)
{
	struct device_answer *w = calloc(1, sizeof(*w));
	struct store_call *c = api_store(a, STORE_DEPLOYMENT_GET, got_latest);

	if (c == NULL) {
		free(w);
		return;
	}
	if (w == NULL) {
		store_call_free(c);
		http_refuse(a->http, 503, err_slug(ERR_NO_MEMORY),
			    err_meaning(ERR_NO_MEMORY));
		return;
	}
	w->status = status;
	(void)snprintf(w->token, sizeof(w->token), "%s", token);
	a->handler_state = w;
	c->in.deployment_id = a->device.latest_deployment;
	api_submit(a, c);
}

/* ---- create ---- */

static int optional_text(struct api_call *a, const char *key, char *ret, size_t room,
			 int (*check)(const char *text, struct err *e), struct err *e)
{
	const char *text = NULL;

	if (json_opt_text(a->body, key, &text, e) < 0)
		return -1;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (check != NULL && check(text, e) < 0)
		return err_wrap(e, "field \"%s\"", key);
	return text_copy(ret, room, text, key, e);
}

static int read_device(struct api_call *a, struct device *d, struct err *e)
{
	static const char *const names[] = {"id", "name", "product", "hardware", NULL};
	const char *id;

	if (api_body(a, names, e) < 0 || json_get_text(a->body, "id", &id, e) < 0 ||
	    device_id_check(id, e) < 0 ||
	    text_copy(d->id, sizeof(d->id), id, "id", e) < 0)
		return -1;
	if (optional_text(a, "name", d->name, sizeof(d->name), NULL, e) < 0 ||
	    optional_text(a, "product", d->product, sizeof(d->product), product_check,
			  e) < 0)
		return -1;
	return optional_text(a, "hardware", d->hardware, sizeof(d->hardware),
			     hardware_check, e);
}

/* The secret waits in a->handler_state until the device is stored: only then is it worth
 * anything. */
static void created(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_FREE char *token = TAKE(a->handler_state);

	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	answer_device(a, 201, token);
}

void handle_devices_create(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_DEVICE_CREATE, created);
	struct err e = ERR_INIT;
	char *token;

	if (c == NULL) /* answered, and a is gone */
		return;
	a->handler_state = token = malloc(SECRET_TEXT_LEN + 1);
	if (token == NULL)
		(void)err_nomem(&e);
	if (token == NULL || read_device(a, &c->in.device_new.device, &e) < 0 ||
	    secret_make(SECRET_DEVICE, token, c->in.device_new.token_hash, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event(c, EVENT_DEVICE, c->in.device_new.device.id, 0, NULL);
	api_submit(a, c);
}

/* ---- one device ---- */

/* A call about device {id}; NULL: answered. An id too long for any device is one that
 * is not. */
static struct store_call *about_device(struct api_call *a, enum store_verb v,
				       void (*done)(struct store_call *c),
				       size_t offset)
{
	struct store_call *c = api_store(a, v, done);
	const char *id = http_param(a->http, "id");
	struct err e = ERR_INIT;

	if (c == NULL)
		return NULL;
	if (strlen(id) > DEVICE_ID_MAX_LEN) {
		(void)err_set(&e, ERR_NOT_FOUND,
			      "there is no device of such a long id");
		store_call_free(c);
		api_fail(a, &e);
		return NULL;
	}
	memcpy((char *)&c->in + offset, id, strlen(id) + 1);
	return c;
}

static void got_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	answer_device(a, 200, "");
}

void handle_devices_get(struct api_call *a)
{
	struct store_call *c = about_device(a, STORE_DEVICE_GET, got_device,
					    offsetof(union store_in, device_id));

	if (c != NULL)
		api_submit(a, c);
}

static void deleted(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_empty(a, 204);
}

void handle_devices_delete(struct api_call *a)
{
	struct store_call *c = about_device(a, STORE_DEVICE_DELETE, deleted,
					    offsetof(union store_in, device_id));

	if (c == NULL)
		return;
	store_call_event(c, EVENT_DEVICE, c->in.device_id, 0, NULL);
	api_submit(a, c);
}

static void token_set(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	o = json_new_object();
	if (o == NULL || json_set(o, "token", json_new_text(a->handler_state), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

void handle_devices_token(struct api_call *a)
{
	struct store_call *c = about_device(a, STORE_DEVICE_SET_TOKEN, token_set,
					    offsetof(union store_in, device_token.id));
	struct err e = ERR_INIT;
	char *token = malloc(SECRET_TEXT_LEN + 1);

	if (c == NULL) {
		free(token);
		return;
	}
	a->handler_state = token;
	if (token == NULL)
		(void)err_nomem(&e);
	if (token == NULL ||
	    secret_make(SECRET_DEVICE, token, c->in.device_token.token_hash, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
