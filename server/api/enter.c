/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls, and whether they may: auth/caller.h reads the credentials, the store knows
 * whose they are, and the route's row says who is let in. Everything that is missing or
 * does not fit is 401 or 403.
 */
#include "api.h"
#include "settings.h"

#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"
#include "../auth/caller.h"
#include "../store/store_tenant.h"

#include <stdlib.h>
#include <string.h>

#define TOUCH_EVERY_MS 60000

static void free_call(void *ctx)
{
	struct api_call *a = ctx;

	json_free(a->body);
	free(a->audit_id);
	free(a->audit_detail);
	api_once_free(a);
	free(a->handler_state);
	free(a);
}

static const enum permission permission_of[N_ROLES] = {
    [ROLE_NOBODY] = ANYBODY,	   [ROLE_VIEWER] = MAY_VIEW,
    [ROLE_OPERATOR] = MAY_OPERATE, [ROLE_RELEASE_MANAGER] = MAY_RELEASE,
    [ROLE_ADMIN] = MAY_ADMINISTER, [ROLE_GATEWAY] = ANYBODY,
};

static void refuse(struct api_call *a, enum err_code code, const char *text)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, code, "%s", text);
	api_fail(a, &e);
}

static bool is_fresh(const struct api_call *a)
{
	int64_t age = clock_utc_ms(a->api->clock) - a->proved_at;

	return age < (int64_t)a->api->step_up_ms && age >= -PERSON_CLOCK_STEP_MS;
}

static void look_up(struct api_call *a, const struct caller *who, enum store_verb v,
		    void (*done)(struct store_call *c))
{
	struct store_call *c = api_store(a, v, done);

	if (c == NULL)
		return;
	memcpy(a->credential, who->hash, SHA256_LEN);
	if (v == STORE_SESSION_GET) {
		memcpy(c->in.session_get.hash, who->hash, SHA256_LEN);
		c->in.session_get.seen_since =
		    c->now_ms - (int64_t)a->api->session_idle_ms;
	} else {
		memcpy(c->in.hash, who->hash, SHA256_LEN);
	}
	api_submit(a, c);
}

/* ---- devices ---- */

/* How often is counted by device, whoever speaks for it. */
static void go_on_as(struct api_call *a, const struct device *d)
{
	char name[DEVICE_NAME_ROOM];

	a->device = *d;
	device_name(a, name);
	if (!api_within(a, a->api->devices, name, strlen(name)))
		return;
	hub_seen(a->api->hub, a->tenant, a->device.id,
		 seen_note(a->api->seen, a->tenant, a->device.id, http_peer(a->http)));
	a->row->handle(a);
}

static void got_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	bool known = c->err.code != ERR_NOT_FOUND;

	if (!known || (c->err.code == ERR_NONE &&
		       strcmp(c->out.device.id, http_param(a->http, "id")) != 0))
		refuse(a, ERR_AUTH, "this is not the token of this device");
	else if (!api_failed(a, c))
		go_on_as(a, &c->out.device);
}

/* ---- devices that a gateway speaks for ---- */

static void got_spoken_for(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		go_on_as(a, &c->out.device);
}

/* It has a token as every device has, which nobody knows until somebody makes another. */
static void make_device(struct api_call *a, const char *id)
{
	struct store_call *c = api_store(a, STORE_DEVICE_ENSURE, got_spoken_for);
	struct audit_actor by;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (device_id_check(id, &e) < 0 ||
	    random_bytes(c->in.device_new.token_hash, SHA256_LEN, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	(void)snprintf(c->in.device_new.device.id, sizeof(c->in.device_new.device.id),
		       "%s", id);
	store_call_event(c, EVENT_DEVICE, id, 0, NULL);
	by = api_actor(a);
	by.kind = AUDIT_TOKEN;
	by.role = ROLE_GATEWAY;
	memcpy(by.who, a->user, sizeof(a->user));
	store_call_audit(c, &by, "device.create", "device", id,
			 "a gateway speaks for it");
	api_submit(a, c);
}

static void looked_for(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NOT_FOUND)
		make_device(a, http_param(a->http, "id"));
	else if (!api_failed(a, c))
		go_on_as(a, &c->out.device);
}

/* The token says whose it is; it speaks for no other tenant's devices. */
static void got_gateway(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const char *id = http_param(a->http, "id");
	struct store_call *next;

	if (c->err.code == ERR_NOT_FOUND ||
	    (c->err.code == ERR_NONE &&
	     (c->out.api_token.role != ROLE_GATEWAY ||
	      strcmp(c->out.api_token.tenant, a->tenant) != 0))) {
		refuse(a, ERR_AUTH, "this is not a gateway's token of this tenant");
		return;
	}
	if (api_failed(a, c))
		return;
	memcpy(a->user, c->out.api_token.name, sizeof(a->user));
	next = api_store(a, STORE_DEVICE_GET, looked_for);
	if (next == NULL)
		return;
	(void)snprintf(next->in.device_id, sizeof(next->in.device_id), "%s",
		       strlen(id) > DEVICE_ID_MAX_LEN ? "" : id);
	api_submit(a, next);
}

static void enter_device(struct api_call *a, const struct caller *who)
{
	const struct settings_now s = settings_of(a);

	if (who->kind == CALLER_DEVICE && s.target_tokens)
		look_up(a, who, STORE_DEVICE_BY_TOKEN, got_device);
	else if (who->kind == CALLER_GATEWAY && s.gateway_tokens)
		look_up(a, who, STORE_API_TOKEN_GET, got_gateway);
	else if (who->kind == CALLER_NOBODY)
		refuse(a, ERR_AUTH, "Authorization: TargetToken is missing");
	else
		refuse(a, ERR_AUTH,
		       "devices are not let in by this form of Authorization here");
}

/* ---- people and scripts ---- */

/* What the row asks of a caller whose tenant, scope and role are known. */
static void let_in(struct api_call *a, enum role role, const char *user,
		   int64_t expires_at)
{
	unsigned asked = a->row->permission;

	a->role = role;
	a->expires_at = expires_at;
	(void)snprintf(a->user, sizeof(a->user), "%s", user);
	if (permission_of[role] < PERMISSION(asked))
		refuse(a, ERR_FORBIDDEN, "your role may not do this");
	else if (a->scope[0] != '\0' && (asked & SCOPED) == 0)
		refuse(a, ERR_FORBIDDEN,
		       "your role holds for some groups, and this concerns the whole "
		       "tenant");
	else if ((asked & SUPER) != 0 && strcmp(a->tenant, TENANT_DEFAULT) != 0)
		refuse(a, ERR_FORBIDDEN,
		       "this is for administrators of the default tenant");
	else if ((asked & FRESH) != 0 && a->in_session && !is_fresh(a))
		refuse(a, ERR_PROVE,
		       a->of_person
			   ? "give your password once more: POST "
			     "/api/v1/session/confirm"
			   : "log in with a new link: this one is too long ago");
	else if ((asked & MATCHES) == 0 && http_header(a->http, "If-Match") != NULL &&
		 strcmp(http_method(a->http), "GET") != 0)
		refuse(a, ERR_UNSUPPORTED, "this path takes no If-Match");
	else if (!api_within(a, a->api->callers, a->credential, SHA256_LEN))
		return;
	else if (api_once_is_wanted(a))
		api_once_enter(a);
	else
		a->row->handle(a);
}

static void got_api_token(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NOT_FOUND)
		refuse(a, ERR_AUTH, "this API token is unknown or has expired");
	else if (!api_failed(a, c)) {
		const struct api_token *t = &c->out.api_token;

		memcpy(a->tenant, t->tenant, sizeof(a->tenant));
		memcpy(a->scope, t->scope, sizeof(a->scope));
		let_in(a, t->role, t->name, t->expires_at);
	}
}

/* To a minute, or a quarter of what is allowed: a session's idle time is not worth a
 * write a request. The answer is not waited for. */
static void touch(struct api_call *a, const struct session *s, int64_t now_ms)
{
	int64_t idle_ms = (int64_t)a->api->session_idle_ms;
	int64_t every_ms = idle_ms / 4 < TOUCH_EVERY_MS ? idle_ms / 4 : TOUCH_EVERY_MS;
	struct store_call *c;

	if (now_ms - s->seen_at < every_ms)
		return;
	c = store_call_new(STORE_SESSION_TOUCH, NULL, store_call_free, NULL, NULL);
	if (c == NULL)
		return;
	memcpy(c->tenant, s->tenant, sizeof(c->tenant));
	memcpy(c->in.session_touch.hash, s->hash, SHA256_LEN);
	store_submit(a->api->store, c);
}

static void got_session(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct session *s = &c->out.session;

	if (c->err.code == ERR_NOT_FOUND) {
		refuse(a, ERR_AUTH, "this session has ended: log in again");
		return;
	}
	if (api_failed(a, c))
		return;
	a->in_session = true;
	a->of_person = s->of_person;
	a->proved_at = s->proved_at;
	memcpy(a->tenant, s->tenant, sizeof(a->tenant));
	memcpy(a->scope, s->scope, sizeof(a->scope));
	touch(a, s, c->now_ms);
	let_in(a, s->role, s->user, s->expires_at);
}

static void enter_person(struct api_call *a, const struct caller *who)
{
	if (who->kind == CALLER_API)
		look_up(a, who, STORE_API_TOKEN_GET, got_api_token);
	else if (who->kind == CALLER_SESSION)
		look_up(a, who, STORE_SESSION_GET, got_session);
	else
		refuse(a, ERR_AUTH,
		       "log in, or send Authorization: Bearer with an API token");
}

/* Until a credential says otherwise, what the URL says. A tenant that is not there has
 * no devices and no repository, which is all that a stranger needs to know. */
static bool read_tenant(struct api_call *a)
{
	const char *tenant = http_param(a->http, "tenant");

	return tenant_name_read(tenant == NULL ? TENANT_DEFAULT : tenant, a->tenant);
}

static struct caller_fields read_fields(struct api_call *a)
{
	struct http_request *r = a->http;
	struct caller_fields f = {
	    .method = http_method(r),
	    .authorization = http_header(r, "Authorization"),
	    .cookie = http_header(r, "Cookie"),
	    .host = http_host(r),
	    .origin = http_header(r, "Origin"),
	    .sec_fetch_site = http_header(r, "Sec-Fetch-Site"),
	    .content_type = http_header(r, "Content-Type"),
	};
	size_t len;

	(void)http_body(r, &len);
	f.has_body = len > 0;
	return f;
}

static void enter_stranger(struct api_call *a)
{
	const char *peer = http_peer(a->http);

	/* The repository is read by whole sites of devices behind one address. */
	if (!a->row->device_side && api_once_is_wanted(a))
		refuse(a, ERR_UNSUPPORTED,
		       "without credentials there is nobody to keep an answer for");
	else if (a->row->device_side ||
		 api_within(a, a->api->strangers, peer, strlen(peer)))
		a->row->handle(a);
}

static void authenticate(struct api_call *a)
{
	struct caller_fields f = read_fields(a);
	struct err e = ERR_INIT;
	struct caller who;

	if (!read_tenant(a))
		refuse(a,
		       PERMISSION(a->row->permission) == A_DEVICE ? ERR_AUTH
								  : ERR_NOT_FOUND,
		       "there is no such tenant");
	else if (PERMISSION(a->row->permission) == ANYBODY
		     ? caller_check_stranger(&f, &e) < 0
		     : caller_read(&f, &who, &e) < 0)
		api_fail(a, &e);
	else if (PERMISSION(a->row->permission) == ANYBODY)
		enter_stranger(a);
	else if (PERMISSION(a->row->permission) == A_DEVICE)
		enter_device(a, &who);
	else
		enter_person(a, &who);
}

void api_enter(struct http_request *r, struct api *api, const struct api_row *row)
{
	struct api_call *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		http_refuse(r, 503, err_slug(ERR_NO_MEMORY),
			    err_meaning(ERR_NO_MEMORY));
		return;
	}
	a->http = r;
	a->api = api;
	a->row = row;
	http_set_ctx(r, a, free_call);
	authenticate(a);
}
