/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a tenant. They are read with each poll, so they lie in memory with what
 * the tenant has for itself (release/home.h): here from the moment the change is
 * answered, on another node of the same store after its next look at the tenants.
 */
#include "settings.h"

#include <string.h>

static bool choose(enum choice c, bool otherwise)
{
	return c == CHOICE_DEFAULT ? otherwise : c == CHOICE_YES;
}

static struct settings_now resolve(const struct api *api,
				   const struct tenant_settings *s)
{
	return (struct settings_now){
	    .poll_interval_ms =
		s->poll_interval_ms == 0 ? api->poll_interval_ms : s->poll_interval_ms,
	    .target_tokens = choose(s->target_tokens, api->target_tokens),
	    .gateway_tokens = choose(s->gateway_tokens, api->gateway_tokens),
	    /* where they would lead is the server's to say */
	    .plain_links = api->plain_links != NULL && choose(s->plain_links, true),
	};
}

struct settings_now settings_of(const struct api_call *a)
{
	const struct tenant_settings s = homes_settings(a->api->homes, a->tenant);

	return resolve(a->api, &s);
}

const char *settings_plain_base(const struct api_call *a)
{
	return settings_of(a).plain_links ? a->api->plain_links : NULL;
}

/* ---- showing ---- */

static struct json *render_own(const struct tenant_settings *s, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	if (list == NULL ||
	    (s->poll_interval_ms != 0 &&
	     json_append(list, json_new_text("poll_interval_ms"), e) < 0) ||
	    (s->target_tokens != CHOICE_DEFAULT &&
	     json_append(list, json_new_text("target_tokens"), e) < 0) ||
	    (s->gateway_tokens != CHOICE_DEFAULT &&
	     json_append(list, json_new_text("gateway_tokens"), e) < 0) ||
	    (s->plain_links != CHOICE_DEFAULT &&
	     json_append(list, json_new_text("plain_links"), e) < 0))
		return NULL;
	return TAKE(list);
}

static void answer(struct api_call *a, const struct tenant_settings *s)
{
	const struct settings_now now = resolve(a->api, s);
	AUTO_PTR(json) struct json *o = json_new_object();
	struct err e = ERR_INIT;

	if (o == NULL ||
	    json_set(o, "poll_interval_ms", json_new_int((int64_t)now.poll_interval_ms),
		     &e) < 0 ||
	    json_set(o, "target_tokens", json_new_bool(now.target_tokens), &e) < 0 ||
	    json_set(o, "gateway_tokens", json_new_bool(now.gateway_tokens), &e) < 0 ||
	    json_set(o, "plain_links", json_new_bool(now.plain_links), &e) < 0 ||
	    json_set(o, "own", render_own(s, &e), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static void got(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer(a, &c->out.tenant_row.settings);
}

void handle_settings_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_TENANT_GET, got);

	if (c != NULL)
		api_submit(a, c);
}

/* ---- changing ---- */

static void chosen(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	homes_put_settings(a->api->homes, a->tenant, &c->out.tenant_row.settings);
	answer(a, &c->out.tenant_row.settings);
}

/* null: the server's default again. */
static int read_choice(const struct json *body, const char *name, bool *ret_set,
		       enum choice *ret, struct err *e)
{
	const struct json *given = json_get(body, name);
	bool yes = false;

	*ret_set = given != NULL;
	*ret = CHOICE_DEFAULT;
	if (given == NULL || json_is_null(given))
		return 0;
	if (json_opt_bool(body, name, &yes, e) < 0)
		return -1;
	*ret = yes ? CHOICE_YES : CHOICE_NO;
	return 0;
}

static int read_interval(const struct json *body, struct settings_change *c,
			 struct err *e)
{
	const struct json *given = json_get(body, "poll_interval_ms");
	uint64_t *ms = &c->to.poll_interval_ms;

	c->set_poll_interval = given != NULL;
	if (given == NULL || json_is_null(given))
		return 0;
	if (json_get_u64(body, "poll_interval_ms", ms, e) < 0)
		return -1;
	if (*ms < POLL_INTERVAL_MIN_MS || *ms > POLL_INTERVAL_MAX_MS)
		return err_set(e, ERR_FORMAT,
			       "field \"poll_interval_ms\": %u to %llu, or null for "
			       "the server's own",
			       POLL_INTERVAL_MIN_MS,
			       (unsigned long long)POLL_INTERVAL_MAX_MS);
	return 0;
}

static int read_change(struct api_call *a, struct settings_change *c, struct err *e)
{
	static const char *const names[] = {"poll_interval_ms", "target_tokens",
					    "gateway_tokens", "plain_links", NULL};

	if (api_body(a, names, e) < 0 || read_interval(a->body, c, e) < 0 ||
	    read_choice(a->body, "target_tokens", &c->set_target_tokens,
			&c->to.target_tokens, e) < 0 ||
	    read_choice(a->body, "gateway_tokens", &c->set_gateway_tokens,
			&c->to.gateway_tokens, e) < 0 ||
	    read_choice(a->body, "plain_links", &c->set_plain_links, &c->to.plain_links,
			e) < 0)
		return -1;
	if (c->to.plain_links == CHOICE_YES && a->api->plain_links == NULL)
		return err_set(e, ERR_CONFLICT,
			       "this server has no address for plain links ([device] "
			       "plain-links)");
	return 0;
}

static const char *choice_word(bool set, enum choice c)
{
	static const char *const words[N_CHOICES] = {"default", "no", "yes"};

	return set ? words[c] : "-";
}

static void note(struct api_call *a, const struct settings_change *c)
{
	char ms[24] = "-";

	if (c->set_poll_interval && c->to.poll_interval_ms != 0)
		(void)snprintf(ms, sizeof(ms), "%llu ms",
			       (unsigned long long)c->to.poll_interval_ms);
	else if (c->set_poll_interval)
		(void)snprintf(ms, sizeof(ms), "default");
	api_audit_id(a, a->tenant);
	api_audit_detail(a,
			 "poll interval %s, target tokens %s, gateway tokens %s, plain "
			 "links %s",
			 ms, choice_word(c->set_target_tokens, c->to.target_tokens),
			 choice_word(c->set_gateway_tokens, c->to.gateway_tokens),
			 choice_word(c->set_plain_links, c->to.plain_links));
}

void handle_settings_set(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_TENANT_CHOOSE, chosen);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_change(a, &c->in.settings_change, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	note(a, &c->in.settings_change);
	api_submit(a, c);
}
