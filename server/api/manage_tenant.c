/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: tenants, for administrators of the default one. */
#include "api.h"

#include "../../common/base/text.h"
#include "../store/store_tenant.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SUPER_NAME "admin"

static const struct {
	const char *name;
	size_t offset;
} limits[] = {
    {"max_devices", offsetof(struct tenant, max_devices)},
    {"max_bytes", offsetof(struct tenant, max_bytes)},
    {"max_uploads", offsetof(struct tenant, max_uploads)},
    {"max_streams", offsetof(struct tenant, max_streams)},
};

static struct json *render_tenant(const struct tenant *t, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "name", json_new_text(t->name), e) < 0 ||
	    json_set(o, "created_at",
		     t->created_at == 0 ? json_new_null() : json_new_int(t->created_at),
		     e) < 0 ||
	    json_set(o, "devices", json_new_int((int64_t)t->n_devices), e) < 0)
		return NULL;
	for (size_t i = 0; i < N_ELEMS(limits); i++) {
		uint64_t v;

		memcpy(&v, (const char *)t + limits[i].offset, sizeof(v));
		if (json_set(o, limits[i].name,
			     v == 0 ? json_new_null() : json_new_int((int64_t)v),
			     e) < 0)
			return NULL;
	}
	return TAKE(o);
}

static void got_tenants(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct tenant *t = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_tenant(&t[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), NULL);
}

void handle_tenants_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_TENANT_LIST, got_tenants);

	if (c != NULL)
		api_submit(a, c);
}

/* What is not named stays as it is; null takes a limit away. */
static int read_limits(const struct json *body, struct tenant *t, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(limits); i++) {
		const struct json *given = json_get(body, limits[i].name);
		uint64_t v = 0;

		if (given == NULL)
			continue;
		if (!json_is_null(given)) {
			if (json_get_u64(body, limits[i].name, &v, e) < 0)
				return -1;
			if (v == 0 || v > INT64_MAX)
				return err_set(e, ERR_FORMAT,
					       "field \"%s\": null for no limit, or at "
					       "least 1",
					       limits[i].name);
		}
		memcpy((char *)t + limits[i].offset, &v, sizeof(v));
	}
	return 0;
}

/* ---- a new one, with a link for its first administrator ---- */

struct new_tenant {
	struct tenant tenant;
	char login[SECRET_TEXT_LEN + 1];
};

static void login_made(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct new_tenant *n = a->handler_state;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	o = render_tenant(&n->tenant, &e);
	if (o == NULL || json_set(o, "login", json_new_text(n->login), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 201, TAKE(o));
}

static void tenant_created(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct new_tenant *n = a->handler_state;
	struct store_call *next;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	homes_look_soon(a->api->homes);
	n->tenant = c->out.tenant_row;
	api_audit_enough(a);
	next = api_store(a, STORE_LOGIN_CREATE, login_made);
	if (next == NULL)
		return;
	memcpy(next->tenant, n->tenant.name, sizeof(next->tenant));
	next->in.login.role = ROLE_ADMIN;
	next->in.login.expires_at = next->now_ms + SECRET_LOGIN_LIFE_MS;
	(void)snprintf(next->in.login.user, sizeof(next->in.login.user), SUPER_NAME);
	if (secret_make(SECRET_LOGIN, n->login, next->in.login.hash, &e) < 0) {
		store_call_free(next);
		api_fail(a, &e);
		return;
	}
	api_submit(a, next);
}

static int read_new(struct api_call *a, struct tenant *t, struct err *e)
{
	static const char *const names[] = {"name",	   "max_devices", "max_bytes",
					    "max_uploads", "max_streams", NULL};
	const char *name;

	if (api_body(a, names, e) < 0 || json_get_text(a->body, "name", &name, e) < 0 ||
	    tenant_name_check(name, e) < 0 ||
	    text_copy(t->name, sizeof(t->name), name, "name", e) < 0)
		return -1;
	return read_limits(a->body, t, e);
}

void handle_tenants_create(struct api_call *a)
{
	struct new_tenant *n = calloc(1, sizeof(*n));
	struct store_call *c = api_store(a, STORE_TENANT_CREATE, tenant_created);
	struct err e = ERR_INIT;

	if (c == NULL) {
		free(n);
		return;
	}
	a->handler_state = n;
	if (n == NULL)
		(void)err_nomem(&e);
	if (n == NULL || read_new(a, &c->in.tenant_row, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_audit_id(a, c->in.tenant_row.name);
	api_submit(a, c);
}

/* ---- other limits ---- */

static void tenant_set(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;
	struct json *o;

	if (api_failed(a, c))
		return;
	homes_look_soon(a->api->homes);
	o = render_tenant(&c->out.tenant_row, &e);
	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, o);
}

static void got_tenant(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct store_call *next;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	next = api_store(a, STORE_TENANT_SET, tenant_set);
	if (next == NULL)
		return;
	next->in.tenant_row = c->out.tenant_row;
	if (read_limits(a->body, &next->in.tenant_row, &e) < 0) {
		store_call_free(next);
		api_fail(a, &e);
		return;
	}
	api_submit(a, next);
}

void handle_tenants_set(struct api_call *a)
{
	static const char *const names[] = {"max_devices", "max_bytes", "max_uploads",
					    "max_streams", NULL};
	const char *id = http_param(a->http, "id");
	struct store_call *c;
	struct err e = ERR_INIT;

	if (api_body(a, names, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_TENANT_GET, got_tenant);
	if (c == NULL)
		return;
	(void)snprintf(c->tenant, sizeof(c->tenant), "%s",
		       strlen(id) > TENANT_MAX_LEN ? "" : id);
	api_submit(a, c);
}
