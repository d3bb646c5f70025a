/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls, and whether they may: auth/caller.h reads the credentials, the store knows
 * whose they are, and the route's row says who is let in. Everything that is missing or
 * does not fit is 401 or 403.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../auth/caller.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void free_call(void *ctx)
{
	struct api_call *a = ctx;

	json_free(a->body);
	free(a->audit_id);
	free(a->audit_detail);
	free(a->mine);
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

static void look_up(struct api_call *a, const struct caller *who, enum store_verb v,
		    void (*done)(struct store_call *c))
{
	struct store_call *c = api_store(a, v, done);

	if (c == NULL)
		return;
	memcpy(c->in.hash, who->hash, SHA256_LEN);
	api_submit(a, c);
}

/* ---- devices ---- */

static void got_device(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	bool known = c->err.code != ERR_NOT_FOUND;

	if (!known || (c->err.code == ERR_NONE &&
		       strcmp(c->out.device.id, http_param(a->http, "id")) != 0)) {
		refuse(a, ERR_AUTH, "this is not the token of this device");
		return;
	}
	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	hub_seen(a->api->hub, a->device.id,
		 seen_note(a->api->seen, a->device.id, http_peer(a->http)));
	a->row->handle(a);
}

static void enter_device(struct api_call *a, const struct caller *who)
{
	if (who->kind != CALLER_DEVICE)
		refuse(a, ERR_AUTH, "Authorization: TargetToken is missing");
	else
		look_up(a, who, STORE_DEVICE_BY_TOKEN, got_device);
}

/* ---- people and scripts ---- */

static void enter_as(struct api_call *a, enum role role, const char *user,
		     int64_t expires_at)
{
	a->role = role;
	a->expires_at = expires_at;
	(void)snprintf(a->user, sizeof(a->user), "%s", user);
	if (permission_of[role] < a->row->permission)
		refuse(a, ERR_FORBIDDEN, "your role may not do this");
	else
		a->row->handle(a);
}

static void got_api_token(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NOT_FOUND)
		refuse(a, ERR_AUTH, "this API token is unknown or has expired");
	else if (!api_failed(a, c))
		enter_as(a, c->out.api_token.role, c->out.api_token.name,
			 c->out.api_token.expires_at);
}

static void got_session(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (c->err.code == ERR_NOT_FOUND) {
		refuse(a, ERR_AUTH, "this session has ended: log in again");
		return;
	}
	if (api_failed(a, c))
		return;
	a->in_session = true;
	memcpy(a->session, c->in.hash, SHA256_LEN);
	enter_as(a, c->out.session.role, c->out.session.user,
		 c->out.session.expires_at);
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

static bool tenant_is_known(struct api_call *a)
{
	const char *tenant = http_param(a->http, "tenant");

	return tenant == NULL || strcasecmp(tenant, TENANT_DEFAULT) == 0;
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

static void authenticate(struct api_call *a)
{
	struct caller_fields f = read_fields(a);
	struct err e = ERR_INIT;
	struct caller who;

	if (!tenant_is_known(a))
		refuse(a, a->row->permission == A_DEVICE ? ERR_AUTH : ERR_NOT_FOUND,
		       "there is no such tenant");
	else if (a->row->permission == ANYBODY ? caller_check_stranger(&f, &e) < 0
					       : caller_read(&f, &who, &e) < 0)
		api_fail(a, &e);
	else if (a->row->permission == ANYBODY)
		a->row->handle(a);
	else if (a->row->permission == A_DEVICE)
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
