/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: who am I, what is this server, its health, versions and events. */
#include "login.h"
#include "openapi.h"

#include "../../common/base/text.h"
#include "../../publish/repo/repo.h"
#include "../auth/caller.h"
#include "../store/store_tenant.h"

#include <stdlib.h>
#include <string.h>

/* Then a stream's client comes back and shows its credentials again. */
#define STREAM_LIFE_MS ((int64_t)15 * 60 * 1000)

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, json_new_text(text), e);
}

static int set_int(struct json *o, const char *key, int64_t v, struct err *e)
{
	return json_set(o, key, json_new_int(v), e);
}

/* ---- sessions ---- */

static void exchanged(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	api_end_streams(a, c->in.exchange.old_hash);
	api_reply_session(a, a->handler_state);
}

static int fill_exchange(struct api_call *a, struct store_call *c, struct err *e)
{
	const char *token;

	a->handler_state = malloc(SECRET_TEXT_LEN + 1);
	if (a->handler_state == NULL)
		return err_nomem(e);
	if (json_get_text(a->body, "token", &token, e) < 0 ||
	    secret_hash(SECRET_LOGIN, token, c->in.exchange.token_hash, e) < 0)
		return -1;
	(void)snprintf(c->in.exchange.address, sizeof(c->in.exchange.address), "%s",
		       http_peer(a->http));
	api_old_session(a, c->in.exchange.old_hash);
	c->in.exchange.expires_at = c->now_ms + (int64_t)a->api->session_life_ms;
	return secret_make(SECRET_SESSION, a->handler_state,
			   c->in.exchange.session_hash, e);
}

static void login_by_link(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_LOGIN_EXCHANGE, exchanged);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (fill_exchange(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	a->in_session = true; /* for the audit log; the store knows whose it is */
	api_submit(a, c);
}

void handle_session_create(struct api_call *a)
{
	static const char *const names[] = {"token", "user", "password", "tenant",
					    NULL};
	struct err e = ERR_INIT;

	if (api_body(a, names, &e) < 0)
		api_fail(a, &e);
	else if (json_get(a->body, "user") != NULL)
		api_login_by_password(a);
	else
		login_by_link(a);
}

void handle_session_get(struct api_call *a)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	struct err e = ERR_INIT;
	struct json *expires =
	    a->expires_at == 0 ? json_new_null() : json_new_int(a->expires_at);

	if (o == NULL || json_set(o, "expires_at", expires, &e) < 0 ||
	    set_text(o, "user", a->user, &e) < 0 ||
	    set_text(o, "tenant", a->tenant, &e) < 0 ||
	    set_text(o, "role", role_name(a->role), &e) < 0 ||
	    api_set_groups(o, a->scope, &e) < 0 ||
	    json_set(o, "has_password", json_new_bool(a->of_person), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static void logged_out(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	char hex[2 * SHA256_LEN + 1];
	AUTO(buf) struct buf cookie = BUF_INIT(512);
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (cookie_write_end(&cookie, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	http_add_header(a->http, "Set-Cookie", buf_str(&cookie));
	hex_encode(a->credential, SHA256_LEN, hex);
	if (a->in_session)
		hub_end_credential(a->api->hub, hex);
	api_reply_empty(a, 204);
}

void handle_session_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_SESSION_DELETE, logged_out);

	if (c == NULL)
		return;
	memcpy(c->in.hash, a->credential, SHA256_LEN);
	api_submit(a, c);
}

/* ---- info ---- */

static const struct {
	enum metadata_role role;
	const char *version_key, *expires_key; /* NULL: not told */
} told[] = {
    {ROLE_ROOT, "root_version", NULL},
    {ROLE_TARGETS, "targets_version", NULL},
    {ROLE_TIMESTAMP, NULL, "timestamp_expires_at"},
};

/* a->handler_state is not used, a->body collects the answer, a->tries counts the roles asked
 * for. */
static void send_info(struct api_call *a, struct json *tuf)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	struct err e = ERR_INIT;

	if (o == NULL || set_text(o, "name", a->api->name, &e) < 0 ||
	    set_text(o, "version", OTA_VERSION, &e) < 0 ||
	    set_int(o, "api", 1, &e) < 0 ||
	    json_set(o, "demo", json_new_bool(a->api->demo), &e) < 0 ||
	    set_int(o, "now_at", clock_utc_ms(a->api->clock), &e) < 0 ||
	    set_text(o, "ca_fingerprint", a->api->ca_fingerprint, &e) < 0) {
		json_free(tuf);
		api_fail(a, &e);
	} else if (json_set(o, "tuf", tuf, &e) < 0) {
		api_fail(a, &e);
	} else {
		api_reply_json(a, 200, TAKE(o));
	}
}

static int tell_role(struct api_call *a, const struct store_call *c, struct err *e)
{
	const char *version = told[a->tries].version_key,
		   *expires = told[a->tries].expires_key;
	uint64_t peeked_version;
	int64_t expires_ms;

	if (version != NULL &&
	    set_int(a->body, version, (int64_t)c->out.metadata_version, e) < 0)
		return -1;
	if (expires == NULL)
		return 0;
	if (repo_peek(buf_str(&c->blob), c->blob.len,
		      metadata_role_name(told[a->tries].role), &peeked_version,
		      &expires_ms, e) < 0)
		return -1;
	return set_int(a->body, expires, expires_ms, e);
}

static void ask_role(struct api_call *a);

static void got_role(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;

	if (c->err.code == ERR_NOT_FOUND && a->tries == 0) {
		send_info(a,
			  json_new_null()); /* nobody has claimed the repository yet */
		return;
	}
	if (c->err.code != ERR_NOT_FOUND && api_failed(a, c))
		return;
	if (c->err.code == ERR_NONE && tell_role(a, c, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	a->tries++;
	ask_role(a);
}

static void ask_role(struct api_call *a)
{
	struct store_call *c;

	if (a->tries == N_ELEMS(told)) {
		send_info(a, TAKE(a->body));
		return;
	}
	c = api_store(a, STORE_METADATA_GET, got_role);
	if (c == NULL)
		return;
	c->in.metadata.role = told[a->tries].role;
	api_submit(a, c);
}

/* ?tenant=NAME: whose repository; anybody may read that anyway. */
void handle_info_get(struct api_call *a)
{
	const char *tenant = http_query(a->http, "tenant");

	if (tenant != NULL && !tenant_name_read(tenant, a->tenant)) {
		struct err e = ERR_INIT;

		(void)err_set(&e, ERR_NOT_FOUND, "there is no such tenant");
		api_fail(a, &e);
		return;
	}
	a->body = json_new_object();
	if (a->body == NULL)
		http_refuse(a->http, 503, err_slug(ERR_NO_MEMORY),
			    err_meaning(ERR_NO_MEMORY));
	else
		ask_role(a);
}

void handle_openapi_get(struct api_call *a)
{
	api_reply_text(a, 200, "application/json", openapi_document,
		       openapi_document_len);
}

void handle_events_stream(struct api_call *a)
{
	int64_t left_ms = a->expires_at - clock_utc_ms(a->api->clock);
	bool ends_sooner = a->expires_at != 0 && left_ms < STREAM_LIFE_MS;
	struct home *home = api_home(a);
	char hex[2 * SHA256_LEN + 1];
	struct hub_viewer v = {
	    .tenant = a->tenant,
	    .scope = a->scope,
	    .user = a->user,
	    .credential = hex,
	    .life_ms = ends_sooner ? (left_ms > 0 ? left_ms : 0) : STREAM_LIFE_MS,
	};
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	v.max_streams = home_max_streams(home);
	hex_encode(a->credential, SHA256_LEN, hex);
	if (hub_stream_console(a->api->hub, a->http, &v, &e) < 0)
		api_fail(a, &e);
}

/* ---- health ---- */

void handle_health_live(struct api_call *a)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	api_reply_text(a, 200, "application/json", ok, sizeof(ok) - 1);
}

#define READY_AGAIN_S "5" /* who balances load asks again about then */

/* The signer is asked in a worker's thread: it may be slow just when one wants to
 * know. */
struct ready_job {
	struct job job;
	struct api_call *call;
	struct err store, signer, repository;
};

/* Anybody may ask, so the answer says which part and never why: the log does. */
static int set_check(struct json *o, const char *name, const struct err *e,
		     const char *trouble)
{
	return set_text(o, name, e->code == ERR_NONE ? "ok" : trouble, NULL);
}

static void log_trouble(const struct ready_job *r)
{
	const struct log *log = r->call->api->log;

	if (r->store.code != ERR_NONE)
		log_failure(log, LOG_WARN, "api", "not ready: the store", &r->store);
	if (r->signer.code != ERR_NONE)
		log_failure(log, LOG_WARN, "api", "not ready: the signer", &r->signer);
}

static void answer_ready(struct api_call *a, bool ready, struct json *o)
{
	if (!ready)
		http_add_header(a->http, "Retry-After", READY_AGAIN_S);
	api_reply_json(a, ready ? 200 : 503, o);
}

static void send_ready(struct job *j)
{
	AUTO_FREE struct ready_job *r = (struct ready_job *)j;
	AUTO_PTR(json) struct json *o = json_new_object();
	bool ready = r->store.code == ERR_NONE && r->signer.code == ERR_NONE &&
		     r->repository.code == ERR_NONE;

	log_trouble(r);
	if (o == NULL ||
	    set_text(o, "status", ready ? "ready" : "not ready", NULL) < 0 ||
	    set_check(o, "store", &r->store, "failing") < 0 ||
	    set_check(o, "signer", &r->signer, "failing") < 0 ||
	    set_check(o, "repository", &r->repository, "no root yet") < 0)
		api_fail(r->call, &(struct err){.code = ERR_NO_MEMORY});
	else
		answer_ready(r->call, ready, TAKE(o));
}

static void check_ready(struct job *j)
{
	struct ready_job *r = (struct ready_job *)j;
	struct api *api = r->call->api;
	struct home *home = homes_find(api->homes, TENANT_DEFAULT);
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_METADATA_GET, NULL, NULL, NULL, &r->store);

	if (signer_ping(home->signer, &r->signer) == 0)
		err_clear(&r->signer);
	if (c == NULL)
		return;
	c->in.metadata.role = ROLE_ROOT;
	if (store_wait(api->store, c, &r->store) == 0)
		return;
	if (r->store.code != ERR_NOT_FOUND)
		return;
	err_clear(&r->store);
	(void)err_set(&r->repository, ERR_NOT_FOUND, "no root yet");
}

void handle_health_ready(struct api_call *a)
{
	struct ready_job *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		http_refuse(a->http, 503, err_slug(ERR_NO_MEMORY),
			    err_meaning(ERR_NO_MEMORY));
		return;
	}
	r->job = (struct job){
	    .run = check_ready, .done = send_ready, .loop = http_loop(a->http)};
	r->call = a;
	worker_submit(a->api->worker, &r->job);
}
