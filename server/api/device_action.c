/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of the device API share: links, answers, and finding the action that
 * a device asks for. */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"
#include "../http/range.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TAG_LEN 16

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

/* ---- answers ---- */

/* A client that remembers the answer may ask whether it is still the same. */
static bool client_has(struct api_call *a, const char *tag)
{
	const struct conditions c = {
	    .is_get = true, .if_none_match = http_header(a->http, "If-None-Match")};
	struct range ignored;

	return conditions_judge(&c, tag, 0, &ignored) == 304;
}

void device_reply(struct api_call *a, const struct buf *text)
{
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1], tag[TAG_LEN + 3];
	struct err e = ERR_INIT;

	if (sha256(text->data, text->len, digest, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	hex_encode(digest, sizeof(digest), hex);
	(void)snprintf(tag, sizeof(tag), "\"%.*s\"", TAG_LEN, hex);
	http_add_header(a->http, "ETag", tag);
	if (client_has(a, tag))
		api_reply_empty(a, 304);
	else
		api_reply_text(a, 200, "application/json", buf_str(text), text->len);
}

void device_thank(struct api_call *a)
{
	api_reply_text(a, 200, "application/json", "{}", 2);
}

void device_name(const struct api_call *a, char ret[DEVICE_NAME_ROOM])
{
	(void)snprintf(ret, DEVICE_NAME_ROOM, "%s/%s", a->tenant, a->device.id);
}

bool device_may_write(struct api_call *a)
{
	char name[DEVICE_NAME_ROOM];

	device_name(a, name);
	return api_within(a, a->api->reports, name, strlen(name));
}

void device_handling(const struct api_call *a, struct handling *ret)
{
	handling_of(&a->deployment, device_is_ours(&a->device),
		    clock_utc_ms(a->api->clock), ret);
}

bool device_was_shown(const struct api_call *a)
{
	const struct deployment *d = &a->deployment;

	return d->offered ||
	       (d->rollout == 0 && !d->frozen && !consent_is_awaited(d->consent));
}

/* ---- finding the action that a device asks for ---- */

struct finding {
	void (*then)(struct api_call *a);
};

void no_such_action(struct api_call *a)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_NOT_FOUND, "there is no such action for this device");
	api_fail(a, &e);
}

static void go_on(struct api_call *a)
{
	struct finding *f = a->handler_state;
	void (*then)(struct api_call *) = f->then;

	free(TAKE(a->handler_state));
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
	free(a->handler_state);
	a->handler_state = f;
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
