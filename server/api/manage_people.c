/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: users, their sessions, API tokens. */
#include "api.h"

#include "../../common/base/text.h"
#include "../store/store_tenant.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_LIFE_MS ((int64_t)90 * 24 * 60 * 60 * 1000)

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, json_new_text(text), e);
}

/* 0 is never: null. */
static int set_time(struct json *o, const char *key, int64_t at, struct err *e)
{
	return json_set(o, key, at == 0 ? json_new_null() : json_new_int(at), e);
}

/* ---- roles and groups, in and out ---- */

/* ["a","b"], or null: the whole tenant. */
int api_set_groups(struct json *o, const char *scope, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	char group[GROUP_NAME_MAX_LEN + 1];

	if (scope[0] == '\0')
		return json_set(o, "groups", json_new_null(), e);
	for (size_t i = 0; scope_group(scope, i, group); i++) {
		if (json_append(list, json_new_text(group), e) < 0)
			return -1;
	}
	return json_set(o, "groups", TAKE(list), e);
}

/* An empty list would read as "no group" and mean "all": refused. */
static int read_groups(const struct json *body, char ret[SCOPE_TEXT_MAX_LEN + 1],
		       struct err *e)
{
	const struct json *list = json_get(body, "groups");
	const char *names[SCOPE_MAX_GROUPS + 1];
	size_t n = json_len(list);

	ret[0] = '\0';
	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list) || n == 0 || n > SCOPE_MAX_GROUPS)
		return err_set(
		    e, ERR_FORMAT,
		    "field \"groups\": null for the whole tenant, or 1 to %d "
		    "names of groups",
		    SCOPE_MAX_GROUPS);
	for (size_t i = 0; i < n; i++) {
		names[i] = json_text(json_at(list, i));
		if (names[i] == NULL)
			return err_set(e, ERR_FORMAT, "field \"groups\": not a name");
	}
	return scope_write(names, n, ret, e);
}

static int read_role(const struct json *body, enum role *ret, struct err *e)
{
	const char *text;

	if (json_get_text(body, "role", &text, e) < 0 || role_parse(text, ret, e) < 0)
		return -1;
	if (*ret < ROLE_VIEWER || *ret > ROLE_ADMIN)
		return err_set(e, ERR_FORMAT, "field \"role\": \"%s\" is for no person",
			       text);
	return 0;
}

/* ---- users: out ---- */

static struct json *render_person(const struct person *p, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "name", p->name, e) < 0 ||
	    set_text(o, "role", role_name(p->role), e) < 0 ||
	    api_set_groups(o, p->scope, e) < 0 ||
	    json_set(o, "disabled", json_new_bool(p->disabled), e) < 0 ||
	    set_time(o, "created_at", p->created_at, e) < 0 ||
	    set_time(o, "password_at", p->password_at, e) < 0 ||
	    set_time(o, "login_at", p->login_at, e) < 0)
		return NULL;
	return TAKE(o);
}

static void answer_person(struct api_call *a, int status, const struct person *p)
{
	struct err e = ERR_INIT;
	struct json *o = render_person(p, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

static void got_people(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct person *p = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_person(&p[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), c->more ? p[c->n_items - 1].name : NULL);
}

void handle_users_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PERSON_LIST, got_people);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, false, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

static void got_person(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_person(a, 200, &c->out.person);
}

/* Too long a name is nobody's. */
static void name_of(struct api_call *a, char ret[USER_MAX_LEN + 1])
{
	const char *id = http_param(a->http, "id");

	(void)snprintf(ret, USER_MAX_LEN + 1, "%s",
		       strlen(id) > USER_MAX_LEN ? "" : id);
}

void handle_users_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PERSON_GET, got_person);

	if (c == NULL)
		return;
	name_of(a, c->in.person_name);
	api_submit(a, c);
}

/* ---- users: in ---- */

/* What to store, while its password is hashed. */
struct new_person {
	bool create;
	struct person person;
	struct person_change change;
};

static void person_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct new_person *n = a->handler_state;

	if (api_failed(a, c))
		return;
	hub_end_user(a->api->hub, a->tenant, c->out.person.name);
	answer_person(a, n->create ? 201 : 200, &c->out.person);
}

static void store_person(struct api_call *a)
{
	const struct new_person *n = a->handler_state;
	struct store_call *c = api_store(
	    a, n->create ? STORE_PERSON_CREATE : STORE_PERSON_SET, person_stored);

	if (c == NULL)
		return;
	if (n->create)
		c->in.person = n->person;
	else
		c->in.person_change = n->change;
	api_submit(a, c);
}

static void password_hashed(void *ctx, const struct hash_answer *answer)
{
	struct api_call *a = ctx;
	struct new_person *n = a->handler_state;

	if (answer->err.code != ERR_NONE) {
		api_fail(a, &answer->err);
		return;
	}
	memcpy(n->person.password, answer->hash, sizeof(answer->hash));
	memcpy(n->change.password, answer->hash, sizeof(answer->hash));
	store_person(a);
}

static void hash_password(struct api_call *a, const char *password, const char *user)
{
	struct err e = ERR_INIT;

	if (password_check(password, user, &e) < 0 ||
	    hasher_make(a->api->hasher, http_loop(a->http), password, password_hashed,
			a, &e) < 0)
		api_fail(a, &e);
}

static int read_new(struct api_call *a, struct person *p, const char **ret_password,
		    struct err *e)
{
	static const char *const names[] = {"name", "password", "role", "groups", NULL};
	const char *name;

	if (api_body(a, names, e) < 0 || json_get_text(a->body, "name", &name, e) < 0 ||
	    person_name_check(name, e) < 0 ||
	    text_copy(p->name, sizeof(p->name), name, "name", e) < 0 ||
	    json_get_text(a->body, "password", ret_password, e) < 0 ||
	    read_role(a->body, &p->role, e) < 0)
		return -1;
	return read_groups(a->body, p->scope, e);
}

void handle_users_create(struct api_call *a)
{
	struct new_person *n = a->handler_state = calloc(1, sizeof(*n));
	const char *password = NULL;
	struct err e = ERR_INIT;

	if (n == NULL)
		(void)err_nomem(&e);
	if (n == NULL || read_new(a, &n->person, &password, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	n->create = true;
	api_audit_id(a, n->person.name);
	api_audit_detail(a, "role %s%s%s", role_name(n->person.role),
			 n->person.scope[0] == '\0' ? "" : ", groups ",
			 n->person.scope);
	hash_password(a, password, n->person.name);
}

/* Who may not administer any more could not take it back. */
static int check_not_self(const struct api_call *a, const char *name, struct err *e)
{
	if (!a->of_person || strcmp(a->user, name) != 0)
		return 0;
	return err_set(e, ERR_CONFLICT,
		       "this is yourself: let another administrator do it");
}

static int read_change(struct api_call *a, struct person_change *p,
		       const char **ret_password, struct err *e)
{
	static const char *const names[] = {"password", "role", "groups", "disabled",
					    NULL};

	if (api_body(a, names, e) < 0 ||
	    json_opt_text(a->body, "password", ret_password, e) < 0 ||
	    json_opt_bool(a->body, "disabled", &p->disabled, e) < 0)
		return -1;
	p->set_password = *ret_password != NULL;
	p->set_disabled = json_get(a->body, "disabled") != NULL;
	p->set_role = json_get(a->body, "role") != NULL;
	if (!p->set_role && json_get(a->body, "groups") != NULL)
		return err_set(e, ERR_FORMAT,
			       "field \"groups\": give the role that holds there too");
	if (p->set_role && (read_role(a->body, &p->role, e) < 0 ||
			    read_groups(a->body, p->scope, e) < 0))
		return -1;
	if (!p->set_role && !p->set_disabled && !p->set_password)
		return err_set(e, ERR_FORMAT, "the body changes nothing");
	return check_not_self(a, p->name, e);
}

void handle_users_set(struct api_call *a)
{
	struct new_person *n = a->handler_state = calloc(1, sizeof(*n));
	const char *password = NULL;
	struct err e = ERR_INIT;

	if (n == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	name_of(a, n->change.name);
	if (read_change(a, &n->change, &password, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	api_audit_detail(a, "%s%s%s%s%s%s",
			 n->change.set_role ? role_name(n->change.role) : "",
			 n->change.scope[0] == '\0' ? "" : " in ", n->change.scope,
			 !n->change.set_disabled ? ""
			 : n->change.disabled	 ? " disabled"
						 : " enabled",
			 password == NULL ? "" : " password", "");
	if (password != NULL)
		hash_password(a, password, n->change.name);
	else
		store_person(a);
}

static void person_deleted(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	hub_end_user(a->api->hub, a->tenant, c->in.person_name);
	api_reply_empty(a, 204);
}

void handle_users_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PERSON_DELETE, person_deleted);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	name_of(a, c->in.person_name);
	if (check_not_self(a, c->in.person_name, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

/* ---- sessions: one's own, and for an administrator anybody's ---- */

/* ?user=NAME, or the caller. An API token has no sessions, whatever it is called: its
 * name may be a user's. -1: answered. */
static int whose_sessions(struct api_call *a, char ret[USER_MAX_LEN + 1])
{
	const char *own = a->in_session ? a->user : "";
	const char *user = http_query(a->http, "user");
	struct err e = ERR_INIT;

	if (user == NULL)
		user = own;
	if (strcmp(user, own) != 0 && (a->role != ROLE_ADMIN || a->scope[0] != '\0')) {
		(void)err_set(&e, ERR_FORBIDDEN,
			      "other users' sessions are the administrators' business");
		api_fail(a, &e);
		return -1;
	}
	(void)snprintf(ret, USER_MAX_LEN + 1, "%s",
		       strlen(user) > USER_MAX_LEN ? "" : user);
	return 0;
}

static struct json *render_session(const struct api_call *a, const struct session *s,
				   struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char id[SECRET_ID_LEN + 1];

	secret_id(s->hash, id);
	if (o == NULL || set_text(o, "id", id, e) < 0 ||
	    set_text(o, "user", s->user, e) < 0 ||
	    set_text(o, "address", s->address, e) < 0 ||
	    json_set(o, "current",
		     json_new_bool(a->in_session &&
				   memcmp(s->hash, a->credential, SHA256_LEN) == 0),
		     e) < 0 ||
	    set_time(o, "created_at", s->created_at, e) < 0 ||
	    set_time(o, "seen_at", s->seen_at, e) < 0 ||
	    set_time(o, "expires_at", s->expires_at, e) < 0)
		return NULL;
	return TAKE(o);
}

static void got_sessions(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct session *s = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_session(a, &s[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), NULL);
}

static void ask_for_sessions(struct api_call *a, void (*done)(struct store_call *c))
{
	char user[USER_MAX_LEN + 1];
	struct store_call *c;

	if (whose_sessions(a, user) < 0)
		return;
	c = api_store(a, STORE_SESSION_LIST, done);
	if (c == NULL)
		return;
	memcpy(c->in.person_name, user, sizeof(user));
	api_submit(a, c);
}

void handle_sessions_list(struct api_call *a)
{
	ask_for_sessions(a, got_sessions);
}

static void credential_ended(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	char hex[2 * SHA256_LEN + 1];

	if (api_failed(a, c))
		return;
	hex_encode(c->in.hash, SHA256_LEN, hex);
	hub_end_credential(a->api->hub, hex);
	api_reply_empty(a, 204);
}

/* Ends the credential whose id is in the path, if hash is it; true: it is. */
static bool end_named(struct api_call *a, const uint8_t hash[SHA256_LEN],
		      enum store_verb end)
{
	char id[SECRET_ID_LEN + 1];
	struct store_call *c;

	secret_id(hash, id);
	if (strcmp(id, http_param(a->http, "id")) != 0)
		return false;
	c = api_store(a, end, credential_ended);
	if (c != NULL) {
		memcpy(c->in.hash, hash, SHA256_LEN);
		api_submit(a, c);
	}
	return true;
}

static void none_named(struct api_call *a, const char *what)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_NOT_FOUND, "there is no %s \"%.40s\"", what,
		      http_param(a->http, "id"));
	api_fail(a, &e);
}

static void find_session(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct session *s = c->items;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (end_named(a, s[i].hash, STORE_SESSION_DELETE))
			return;
	}
	none_named(a, "session");
}

void handle_sessions_delete(struct api_call *a)
{
	ask_for_sessions(a, find_session);
}

/* ---- API tokens ---- */

static struct json *render_token(const struct api_token *t, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char id[SECRET_ID_LEN + 1];

	secret_id(t->hash, id);
	if (o == NULL || set_text(o, "id", id, e) < 0 ||
	    set_text(o, "name", t->name, e) < 0 ||
	    set_text(o, "prefix", t->prefix, e) < 0 ||
	    set_text(o, "role", role_name(t->role), e) < 0 ||
	    api_set_groups(o, t->scope, e) < 0 ||
	    json_set(o, "made_by",
		     t->made_by[0] == '\0' ? json_new_null()
					   : json_new_text(t->made_by),
		     e) < 0 ||
	    set_time(o, "created_at", t->created_at, e) < 0 ||
	    set_time(o, "expires_at", t->expires_at, e) < 0)
		return NULL;
	return TAKE(o);
}

static void got_tokens(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct api_token *t = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_token(&t[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), NULL);
}

void handle_tokens_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_API_TOKEN_LIST, got_tokens);

	if (c != NULL)
		api_submit(a, c);
}

static void token_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *o = NULL;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	c->in.api_token.created_at = c->now_ms;
	o = render_token(&c->in.api_token, &e);
	if (o == NULL || set_text(o, "token", a->handler_state, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 201, TAKE(o));
}

/* Without a word it lives 90 days; null says that it never ends. */
static int read_expiry(const struct json *body, int64_t now_ms, int64_t *ret,
		       struct err *e)
{
	const struct json *given = json_get(body, "expires_at");
	uint64_t at = 0;

	*ret = given == NULL ? now_ms + TOKEN_LIFE_MS : 0;
	if (given == NULL || json_is_null(given))
		return 0;
	if (json_get_u64(body, "expires_at", &at, e) < 0)
		return -1;
	if (at > INT64_MAX || (int64_t)at <= now_ms)
		return err_set(e, ERR_FORMAT, "field \"expires_at\": that is past");
	*ret = (int64_t)at;
	return 0;
}

/* A token may also be a gateway's, which speaks for all the tenant's devices and may do
 * nothing else. */
static int read_token_role(const struct json *body, struct api_token *t, struct err *e)
{
	const char *text;

	if (json_get_text(body, "role", &text, e) < 0)
		return -1;
	if (strcmp(text, role_name(ROLE_GATEWAY)) != 0)
		return read_role(body, &t->role, e);
	if (json_get(body, "groups") != NULL)
		return err_set(
		    e, ERR_FORMAT,
		    "field \"groups\": a gateway speaks for the whole tenant");
	t->role = ROLE_GATEWAY;
	return 0;
}

static int read_token(struct api_call *a, struct store_call *c, struct err *e)
{
	static const char *const names[] = {"name", "role", "groups", "expires_at",
					    NULL};
	struct api_token *t = &c->in.api_token;
	const char *name;

	a->handler_state = malloc(SECRET_TEXT_LEN + 1);
	if (a->handler_state == NULL)
		return err_nomem(e);
	if (api_body(a, names, e) < 0 || json_get_text(a->body, "name", &name, e) < 0 ||
	    person_name_check(name, e) < 0 ||
	    text_copy(t->name, sizeof(t->name), name, "name", e) < 0 ||
	    read_token_role(a->body, t, e) < 0 ||
	    read_groups(a->body, t->scope, e) < 0 ||
	    read_expiry(a->body, c->now_ms, &t->expires_at, e) < 0 ||
	    secret_make(SECRET_API, a->handler_state, t->hash, e) < 0)
		return -1;
	memcpy(t->made_by, a->user, sizeof(t->made_by));
	return text_format(t->prefix, sizeof(t->prefix), e, "%.12s",
			   (const char *)a->handler_state);
}

void handle_tokens_create(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_API_TOKEN_CREATE, token_stored);
	char id[SECRET_ID_LEN + 1];
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_token(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	secret_id(c->in.api_token.hash, id);
	api_audit_id(a, id);
	api_audit_detail(
	    a, "%s: role %s%s%s", c->in.api_token.name, role_name(c->in.api_token.role),
	    c->in.api_token.scope[0] == '\0' ? "" : ", groups ", c->in.api_token.scope);
	api_submit(a, c);
}

static void find_token(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct api_token *t = c->items;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (end_named(a, t[i].hash, STORE_API_TOKEN_DELETE))
			return;
	}
	none_named(a, "API token");
}

void handle_tokens_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_API_TOKEN_LIST, find_token);

	if (c != NULL)
		api_submit(a, c);
}
