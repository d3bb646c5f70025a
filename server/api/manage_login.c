/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management API: who comes in, and who they still are.
 *
 *	password	throttle -> the person's row -> argon2id beside the loop -> then
 *	login		.. then a session, from the row as it was when it was checked
 *	confirm		.. then the session counts as fresh again
 *	change		.. then the new one is hashed and stored, which ends the person's
 *			sessions; the caller gets a new one
 *
 * Whether there is such a user costs the same time and is answered in the same words.
 */
#include "login.h"

#include "../../common/base/text.h"
#include "../auth/caller.h"
#include "../store/store_tenant.h"

#include <stdlib.h>
#include <string.h>

#define WRONG "the user or the password is wrong"

static void no_memory(struct api_call *a)
{
	api_fail(a, &(struct err){.code = ERR_NO_MEMORY, .text = "out of memory"});
}

/* ---- the cookie ---- */

void api_reply_session(struct api_call *a, const char *session)
{
	AUTO(buf) struct buf cookie = BUF_INIT(512);
	struct err e = ERR_INIT;

	if (cookie_write_session(session, (int64_t)a->api->session_life_ms, &cookie,
				 &e) < 0) {
		api_fail(a, &e);
		return;
	}
	http_add_header(a->http, "Set-Cookie", buf_str(&cookie));
	api_reply_empty(a, 204);
}

void api_old_session(struct api_call *a, uint8_t ret_hash[SHA256_LEN])
{
	const char *cookie = http_header(a->http, "Cookie");
	char session[SECRET_TEXT_LEN + 1];

	if (cookie == NULL || !cookie_read_session(cookie, session) ||
	    secret_hash(SECRET_SESSION, session, ret_hash, NULL) < 0)
		memset(ret_hash, 0, SHA256_LEN);
}

void api_end_streams(struct api_call *a, const uint8_t hash[SHA256_LEN])
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(hash, SHA256_LEN, hex);
	hub_end_credential(a->api->hub, hex);
}

/* ---- is this the password? ---- */

struct login {
	char throttled[TENANT_MAX_LEN + USER_MAX_LEN + 2]; /* "tenant/user" */
	char password[PASSWORD_MAX_LEN + 1];
	char wanted[PASSWORD_MAX_LEN + 1]; /* the new one, of a change */
	char session[SECRET_TEXT_LEN + 1];
	struct person person; /* as it was when the password was checked */
	void (*then)(struct api_call *a);
};

/* a->handler_state is freed by the call's end; its secrets go before that. */
static void wipe(struct login *l)
{
	explicit_bzero(l->password, sizeof(l->password));
	explicit_bzero(l->wanted, sizeof(l->wanted));
}

static void wrong_password(struct api_call *a)
{
	struct login *l = a->handler_state;
	struct err e = ERR_INIT;

	wipe(l);
	log_warn(a->api->log, "auth", "wrong password", "user", l->throttled, "address",
		 http_peer(a->http), NULL);
	(void)err_set(&e, a->in_session ? ERR_FORBIDDEN : ERR_AUTH, WRONG);
	api_fail(a, &e);
}

static void password_looked_at(void *ctx, const struct hash_answer *answer)
{
	struct api_call *a = ctx;
	struct login *l = a->handler_state;

	if (answer->err.code != ERR_NONE) {
		throttle_give_back(a->api->throttle, l->throttled, http_peer(a->http));
		wipe(l);
		api_fail(a, &answer->err);
	} else if (!answer->right || l->person.disabled) {
		wrong_password(a);
	} else {
		throttle_give_back(a->api->throttle, l->throttled, http_peer(a->http));
		l->then(a);
	}
}

static void got_person(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct login *l = a->handler_state;
	struct err e = ERR_INIT;

	if (c->err.code == ERR_NONE)
		l->person = c->out.person;
	else if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
	if (hasher_verify(a->api->hasher, http_loop(a->http), l->person.password,
			  l->password, password_looked_at, a, &e) < 0) {
		throttle_give_back(a->api->throttle, l->throttled, http_peer(a->http));
		api_fail(a, &e);
	}
}

static void check_password(struct api_call *a, const char *user,
			   void (*then)(struct api_call *a))
{
	struct login *l = a->handler_state;
	struct err e = ERR_INIT;
	struct store_call *c;

	l->then = then;
	(void)snprintf(l->throttled, sizeof(l->throttled), "%s/%s", a->tenant, user);
	if (throttle_take(a->api->throttle, l->throttled, http_peer(a->http),
			  &a->retry_after_s, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_PERSON_GET, got_person);
	if (c == NULL)
		return;
	(void)snprintf(c->in.person_name, sizeof(c->in.person_name), "%s", user);
	api_submit(a, c);
}

static struct login *begin(struct api_call *a)
{
	return a->handler_state = calloc(1, sizeof(struct login));
}

static int read_password(const struct json *body, const char *key,
			 char ret[PASSWORD_MAX_LEN + 1], struct err *e)
{
	const char *text;

	if (json_get_text(body, key, &text, e) < 0)
		return -1;
	if (strlen(text) > PASSWORD_MAX_LEN)
		return err_set(e, ERR_FORMAT, "field \"%s\": more than %d characters",
			       key, PASSWORD_MAX_LEN);
	return text_copy(ret, PASSWORD_MAX_LEN + 1, text, key, e);
}

/* ---- a session of the person ---- */

static void session_opened(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct login *l = a->handler_state;

	if (api_failed(a, c))
		return;
	api_end_streams(a, c->in.session_open.old_hash);
	api_reply_session(a, l->session);
}

static void open_session(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_SESSION_OPEN, session_opened);
	struct login *l = a->handler_state;
	struct session_open *o;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	wipe(l);
	o = &c->in.session_open;
	memcpy(o->name, l->person.name, sizeof(o->name));
	o->revision = l->person.revision;
	api_old_session(a, o->old_hash);
	o->expires_at = c->now_ms + (int64_t)a->api->session_life_ms;
	(void)snprintf(o->address, sizeof(o->address), "%s", http_peer(a->http));
	if (secret_make(SECRET_SESSION, l->session, o->hash, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

/* Who it is stands now: for the audit log. */
static void logged_in(struct api_call *a)
{
	struct login *l = a->handler_state;

	a->in_session = true;
	a->role = l->person.role;
	memcpy(a->user, l->person.name, sizeof(a->user));
	api_audit_id(a, a->user);
	open_session(a);
}

/* ---- POST /api/v1/session with user and password ---- */

static int read_login(struct api_call *a, struct login *l, const char **ret_user,
		      struct err *e)
{
	const char *tenant = TENANT_DEFAULT;

	if (json_get_text(a->body, "user", ret_user, e) < 0 ||
	    read_password(a->body, "password", l->password, e) < 0 ||
	    json_opt_text(a->body, "tenant", &tenant, e) < 0)
		return -1;
	/* what can be no name is nobody's: it goes on, and costs the same time */
	if (strlen(*ret_user) > USER_MAX_LEN)
		*ret_user = "";
	if (!tenant_name_read(tenant, a->tenant))
		a->tenant[0] = '\0';
	return 0;
}

void api_login_by_password(struct api_call *a)
{
	struct login *l = begin(a);
	const char *user = NULL;
	struct err e = ERR_INIT;

	if (l == NULL)
		no_memory(a);
	else if (read_login(a, l, &user, &e) < 0)
		api_fail(a, &e);
	else
		check_password(a, user, logged_in);
}

/* ---- POST /api/v1/session/confirm ---- */

/* An API token and a session by a link have no password. */
static bool has_password(struct api_call *a)
{
	struct err e = ERR_INIT;

	if (a->of_person)
		return true;
	(void)err_set(&e, ERR_CONFLICT,
		      "there is no password to this: it is a session of a user that "
		      "has one");
	api_fail(a, &e);
	return false;
}

static void touched(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_empty(a, 204);
}

static void confirmed(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_SESSION_TOUCH, touched);

	wipe(a->handler_state);
	if (c == NULL)
		return;
	memcpy(c->in.session_touch.hash, a->credential, SHA256_LEN);
	c->in.session_touch.proved = true;
	api_submit(a, c);
}

void handle_session_confirm(struct api_call *a)
{
	static const char *const names[] = {"password", NULL};
	struct err e = ERR_INIT;
	struct login *l;

	if (!has_password(a))
		return;
	l = begin(a);
	if (l == NULL)
		no_memory(a);
	else if (api_body(a, names, &e) < 0 ||
		 read_password(a->body, "password", l->password, &e) < 0)
		api_fail(a, &e);
	else
		check_password(a, a->user, confirmed);
}

/* ---- PUT /api/v1/session/password ---- */

static void changed(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct login *l = a->handler_state;

	if (api_failed(a, c))
		return;
	hub_end_user(a->api->hub, a->tenant, a->user);
	l->person = c->out.person;
	api_audit_enough(a);
	open_session(a);
}

static void new_one_hashed(void *ctx, const struct hash_answer *answer)
{
	struct api_call *a = ctx;
	struct login *l = a->handler_state;
	struct store_call *c;

	wipe(l);
	if (answer->err.code != ERR_NONE) {
		api_fail(a, &answer->err);
		return;
	}
	c = api_store(a, STORE_PERSON_SET, changed);
	if (c == NULL)
		return;
	memcpy(c->in.person_change.name, l->person.name, sizeof(l->person.name));
	c->in.person_change.set_password = true;
	c->in.person_change.expect_revision = l->person.revision;
	memcpy(c->in.person_change.password, answer->hash, sizeof(answer->hash));
	api_audit_id(a, a->user);
	api_submit(a, c);
}

static void hash_new_one(struct api_call *a)
{
	struct login *l = a->handler_state;
	struct err e = ERR_INIT;

	if (hasher_make(a->api->hasher, http_loop(a->http), l->wanted, new_one_hashed,
			a, &e) < 0)
		api_fail(a, &e);
}

void handle_session_password(struct api_call *a)
{
	static const char *const names[] = {"password", "new", NULL};
	struct err e = ERR_INIT;
	struct login *l;

	if (!has_password(a))
		return;
	l = begin(a);
	if (l == NULL)
		no_memory(a);
	else if (api_body(a, names, &e) < 0 ||
		 read_password(a->body, "password", l->password, &e) < 0 ||
		 read_password(a->body, "new", l->wanted, &e) < 0 ||
		 password_check(l->wanted, a->user, &e) < 0)
		api_fail(a, &e);
	else
		check_password(a, a->user, hash_new_one);
}
