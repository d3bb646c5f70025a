/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook.h"

#include "../../common/net/net.h"
#include "../event/document.h"
#include "outgoing.h"

#include "../../common/base/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 500
#define MAX_UNDER_WAY 64
#define MAX_REPLAYS 16
#define CONNECT_TIMEOUT_MS 5000
#define DEFAULT_TIMEOUT_MS 15000
#define DEFAULT_ATTEMPTS 12
#define PAGE_EVENTS 64

/* A webhook in memory, as long as it is active. */
struct hook {
	struct hook *next;
	struct webhooks *engine;
	struct webhook now;    /* as the store had it last */
	uint64_t looked_at;    /* events up to this one are done with or not wanted */
	struct outgoing *busy; /* on its way, or NULL */
	bool listed;	       /* seen in the last look */
};

struct replay;

struct webhooks {
	struct webhooks_config c;
	struct address_range allowed[WEBHOOK_MAX_ALLOWED];
	struct seal_key key;
	struct loop *loop;
	struct loop_timer *timer;
	struct net *net;
	pthread_t thread;
	bool started;
	struct hook *hooks;
	struct replay *replays; /* under way */
	size_t n_under_way;
	atomic_uint n_replays;
	struct metric *deliveries;
};

static void pump(struct hook *h);

/* ---- counting ---- */

static const char *const outcomes[] = {"delivered", "failed", "given-up"};

static void add_metrics(struct webhooks *w, struct metrics *m)
{
	w->deliveries = metrics_add(
	    m, &(struct metric_desc){
		   .name = "ota_webhook_deliveries_total",
		   .help = "Attempts at delivering to a webhook, by outcome; given-up: "
			   "the last of a message, the webhook is inactive then.",
		   .kind = METRIC_COUNTER,
		   .labels = {{"outcome", outcomes, N_ELEMS(outcomes)}}});
}

static void count(struct webhooks *w, const struct webhook_result *r)
{
	metric_count(w->deliveries,
		     r->delivery.delivered ? 0
		     : r->give_up	   ? 2
					   : 1,
		     0, 1);
}

/* ---- small things ---- */

static struct store_call *call_for(const struct webhook *w, enum store_verb v,
				   struct err *e)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, e);

	if (c != NULL)
		memcpy(c->tenant, w->tenant, sizeof(c->tenant));
	return c;
}

static void log_trouble(const struct webhooks *w, const struct webhook *h,
			const char *what, const struct err *e)
{
	struct err told = *e;

	(void)err_wrap(&told, "webhook %s", h->id);
	log_failure(w->c.log, LOG_WARN, "webhook", what, &told);
}

static int check_address(void *ctx, const struct sockaddr *a, size_t len, struct err *e)
{
	const struct webhooks *w = ctx;

	return address_check(a, len, w->allowed, w->c.n_allowed, e);
}

static int secret_label(const char *tenant, const char *id, char *ret, size_t room,
			struct err *e)
{
	return text_format(ret, room, e, "webhook/%s/%s", tenant, id);
}

int webhooks_seal(struct webhooks *w, const char *tenant,
		  const uint8_t key[WEBHOOK_KEY_LEN], struct webhook *h, struct err *e)
{
	AUTO(buf) struct buf sealed = BUF_INIT(sizeof(h->sealed));
	char label[128];

	if (secret_label(tenant, h->id, label, sizeof(label), e) < 0 ||
	    seal(&w->key, label, key, WEBHOOK_KEY_LEN, &sealed, e) < 0)
		return -1;
	memcpy(h->sealed, sealed.data, sealed.len);
	h->sealed_len = sealed.len;
	return 0;
}

static int open_key(const struct webhooks *w, const struct webhook *h,
		    uint8_t ret[WEBHOOK_KEY_LEN], struct err *e)
{
	AUTO(buf) struct buf key = BUF_INIT(WEBHOOK_KEY_LEN);
	char label[128];

	if (secret_label(h->tenant, h->id, label, sizeof(label), e) < 0 ||
	    unseal(&w->key, label, h->sealed, h->sealed_len, &key, e) < 0)
		return err_wrap(e, "its secret");
	if (key.len != WEBHOOK_KEY_LEN)
		return err_set(e, ERR_FORMAT, "its secret has %zu bytes", key.len);
	memcpy(ret, key.data, WEBHOOK_KEY_LEN);
	return 0;
}

static uint32_t chance(void)
{
	uint32_t v = 0;

	/* without entropy everybody waits the same: worse, not wrong */
	return random_bytes(&v, sizeof(v), NULL) < 0 ? 0 : v;
}

/* ---- sending ---- */

/* One POST; `then` is told how it ended, unless it is dropped before. */
static int send_event(struct webhooks *w, const struct webhook *h,
		      const struct event *v, outgoing_done *then, void *ctx,
		      struct outgoing **ret, struct err *e)
{
	const struct outgoing_config c = {
	    .net = w->net,
	    .clock = w->c.clock,
	    .timeout_ms = w->c.timeout_ms,
	};
	AUTO_PTR(json) struct json *data = NULL;
	uint8_t key[WEBHOOK_KEY_LEN];
	int rc;

	if (event_document(w->c.store, h->tenant, v, &data, e) < 0 ||
	    open_key(w, h, key, e) < 0)
		return -1;
	rc = outgoing_send(&c, h, v, TAKE(data), key, then, ctx, ret, e);
	memset(key, 0, sizeof(key));
	return rc;
}

/* ---- what came of it ---- */

static void tell_given_up(struct store_call *c, const struct webhook *h,
			  const struct webhook_result *r)
{
	store_call_event_of(c, EVENT_WEBHOOK, h->id);
	store_call_audit_system(c, "webhook.give_up", "webhook", h->id, r->reason);
}

/* Stores it and takes over what the store says then. If the store cannot, the hook is
 * left as it was: the next look begins anew. */
static int store_result(struct hook *h, const struct webhook_result *r)
{
	struct webhooks *w = h->engine;
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = call_for(&h->now, STORE_WEBHOOK_RESULT, &e);

	if (c == NULL)
		return -1;
	count(w, r);
	c->in.webhook_result = *r;
	if (r->give_up)
		tell_given_up(c, &h->now, r);
	if (store_wait(w->c.store, c, &e) < 0) {
		if (e.code != ERR_PRECONDITION)
			log_trouble(w, &h->now,
				    "what came of a delivery was not stored", &e);
		return -1;
	}
	h->now = c->out.webhook;
	if (r->give_up)
		log_warn(w->c.log, "webhook", "given up", "webhook", h->now.id, "why",
			 r->reason, NULL);
	return 0;
}

static void tell_tried(const struct webhooks *w, const char *tenant, const char *id)
{
	if (w->c.tried != NULL)
		w->c.tried(w->c.tried_ctx, tenant, id);
}

static void sent(void *ctx, const struct event *v, const struct webhook_outcome *o)
{
	struct hook *h = ctx;
	struct webhooks *w = h->engine;
	struct webhook_result r;

	h->busy = NULL;
	w->n_under_way--;
	webhook_judge(&h->now, v, o, w->c.max_attempts, clock_utc_ms(w->c.clock),
		      chance(), &r);
	if (store_result(h, &r) < 0)
		return;
	tell_tried(w, h->now.tenant, h->now.id);
	if (r.delivery.delivered) {
		h->looked_at = v->id;
		pump(h);
	}
}

/* Its own trouble (a secret that does not open, a thing that cannot be read) counts as an
 * attempt, so that it ends one day. */
static void failed_to_send(struct hook *h, const struct event *v, const struct err *why)
{
	const struct webhook_outcome o = {.err = *why};
	struct webhooks *w = h->engine;
	struct webhook_result r;

	webhook_judge(&h->now, v, &o, w->c.max_attempts, clock_utc_ms(w->c.clock),
		      chance(), &r);
	if (store_result(h, &r) == 0)
		tell_tried(w, h->now.tenant, h->now.id);
}

/* ---- the next event of a hook ---- */

static bool wants(const struct webhook *w, const struct event *v)
{
	return (unsigned)v->type < N_EVENT_TYPES && (w->events >> v->type & 1) != 0;
}

/* *ret_found: an event that is wanted; else looked_at is at the end of what there is, or
 * of a page. */
static int find_next(struct hook *h, struct event *ret, bool *ret_found, bool *ret_more,
		     struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = call_for(&h->now, STORE_EVENT_LIST, e);
	const struct event *v;

	*ret_found = *ret_more = false;
	if (c == NULL)
		return -1;
	c->in.page.after_id = h->looked_at;
	c->in.page.limit = PAGE_EVENTS;
	if (store_wait(h->engine->c.store, c, e) < 0)
		return -1;
	v = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (wants(&h->now, &v[i])) {
			*ret = v[i];
			*ret_found = true;
			return 0;
		}
		h->looked_at = v[i].id;
	}
	*ret_more = c->more;
	return 0;
}

/* What is not wanted is passed over in memory and, now and then, for good: so a start
 * need not read it all again. */
static void keep_place(struct hook *h)
{
	struct webhook_result r = {.expect_cursor = h->now.cursor,
				   .cursor = h->looked_at,
				   .attempts = h->now.attempts,
				   .next_at = h->now.next_at};

	if (h->looked_at < h->now.cursor + 4 * PAGE_EVENTS)
		return;
	memcpy(r.id, h->now.id, sizeof(r.id));
	(void)!store_result(h, &r);
}

static bool may_send(const struct hook *h)
{
	const struct webhooks *w = h->engine;

	return h->busy == NULL && h->now.active && w->n_under_way < MAX_UNDER_WAY &&
	       h->now.next_at <= clock_utc_ms(w->c.clock);
}

static void pump(struct hook *h)
{
	struct webhooks *w = h->engine;
	struct err e = ERR_INIT;
	struct event v;
	bool found = false, more = true;

	if (!may_send(h))
		return;
	while (!found && more) {
		if (find_next(h, &v, &found, &more, &e) < 0) {
			log_trouble(w, &h->now, "its events cannot be read", &e);
			return;
		}
	}
	if (!found) {
		keep_place(h);
		return;
	}
	if (send_event(w, &h->now, &v, sent, h, &h->busy, &e) < 0)
		failed_to_send(h, &v, &e);
	else
		w->n_under_way++;
}

/* ---- looking: what is active now ---- */

static void drop_hook(struct hook *h)
{
	if (h->busy != NULL)
		h->engine->n_under_way--;
	outgoing_free(h->busy);
	free(h);
}

static struct hook *find_hook(struct webhooks *w, const struct webhook *v)
{
	struct hook *h = w->hooks;

	while (h != NULL &&
	       (strcmp(h->now.id, v->id) != 0 || strcmp(h->now.tenant, v->tenant) != 0))
		h = h->next;
	if (h != NULL)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->engine = w;
	h->next = w->hooks;
	w->hooks = h;
	return h;
}

static void drop_unlisted(struct webhooks *w)
{
	for (struct hook **at = &w->hooks, *h; (h = *at) != NULL;) {
		if (h->listed) {
			h->listed = false;
			at = &h->next;
			continue;
		}
		*at = h->next;
		drop_hook(h);
	}
}

static void take_over(struct webhooks *w, const struct webhook *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct hook *h = find_hook(w, &found[i]);

		if (h == NULL)
			continue; /* the next look has more memory, or not */
		h->now = found[i];
		h->listed = true;
		if (h->looked_at < found[i].cursor)
			h->looked_at = found[i].cursor;
	}
	drop_unlisted(w);
}

static void on_look(void *ctx)
{
	struct webhooks *w = ctx;
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_WEBHOOK_ACTIVE, NULL, NULL, NULL, &e);

	loop_timer_set(w->timer, LOOK_MS);
	if (c == NULL || store_wait(w->c.store, c, &e) < 0) {
		log_failure(w->c.log, LOG_WARN, "webhook", "webhooks cannot be read",
			    &e);
		return;
	}
	take_over(w, c->items, c->n_items);
	for (struct hook *h = w->hooks; h != NULL; h = h->next)
		pump(h);
}

/* ---- replays: once, beside the rest ---- */

struct replay {
	struct replay *next;
	struct webhooks *engine;
	struct outgoing *message; /* NULL: not under way yet */
	char tenant[TENANT_MAX_LEN + 1];
	char id[WEBHOOK_ID_LEN + 1];
	uint64_t event;
};

static void end_replay(struct replay *r)
{
	struct replay **at = &r->engine->replays;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at != NULL)
		*at = r->next;
	atomic_fetch_sub(&r->engine->n_replays, 1);
	free(r);
}

static void store_replay(struct replay *r, const struct event *v,
			 const struct webhook_outcome *o)
{
	struct webhook w = {.cursor = 0};
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_WEBHOOK_REPLAYED, NULL, NULL, NULL, &e);

	if (c == NULL)
		return;
	memcpy(c->tenant, r->tenant, sizeof(c->tenant));
	memcpy(w.id, r->id, sizeof(w.id));
	webhook_judge(&w, v, o, 1, 0, 0, &c->in.webhook_result);
	metric_count(r->engine->deliveries,
		     c->in.webhook_result.delivery.delivered ? 0 : 1, 0, 1);
	c->in.webhook_result.delivery.replay = true;
	if (store_wait(r->engine->c.store, c, &e) < 0)
		log_trouble(r->engine, &w, "a replay was not stored", &e);
	else
		tell_tried(r->engine, r->tenant, r->id);
}

static void replayed(void *ctx, const struct event *v, const struct webhook_outcome *o)
{
	struct replay *r = ctx;

	store_replay(r, v, o);
	end_replay(r);
}

static int load_replay(const struct replay *r, struct webhook *ret_hook,
		       struct event *ret_event, struct err *e)
{
	struct store *s = r->engine->c.store;
	AUTO_PTR(store_call)
	struct store_call *hook =
	    store_call_new(STORE_WEBHOOK_GET, NULL, NULL, NULL, e);
	AUTO_PTR(store_call)
	struct store_call *list = store_call_new(STORE_EVENT_LIST, NULL, NULL, NULL, e);

	if (hook == NULL || list == NULL)
		return -1;
	memcpy(hook->tenant, r->tenant, sizeof(hook->tenant));
	memcpy(list->tenant, r->tenant, sizeof(list->tenant));
	memcpy(hook->in.webhook_page.id, r->id, sizeof(r->id));
	list->in.page.after_id = r->event - 1;
	list->in.page.limit = 1;
	if (store_wait(s, hook, e) < 0 || store_wait(s, list, e) < 0)
		return -1;
	*ret_hook = hook->out.webhook;
	if (list->n_items == 0 || ((struct event *)list->items)->id != r->event)
		return err_set(e, ERR_GONE, "the event is no longer kept");
	*ret_event = *(struct event *)list->items;
	return 0;
}

static void start_replay(void *ctx)
{
	struct replay *r = ctx;
	struct err e = ERR_INIT;
	struct webhook hook = {.cursor = 0};
	struct event v = {.id = r->event};

	if (load_replay(r, &hook, &v, &e) == 0 &&
	    send_event(r->engine, &hook, &v, replayed, r, &r->message, &e) == 0) {
		r->next = r->engine->replays;
		r->engine->replays = r;
		return;
	}
	store_replay(r, &v, &(struct webhook_outcome){.err = e});
	end_replay(r);
}

/* Not in the engine's thread: its list is not touched. */
static void never_begun(struct replay *r)
{
	atomic_fetch_sub(&r->engine->n_replays, 1);
	free(r);
}

int webhooks_replay(struct webhooks *w, const char *tenant, const char *webhook,
		    uint64_t event, struct err *e)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->engine = w;
	r->event = event;
	if (text_copy(r->tenant, sizeof(r->tenant), tenant, "tenant", e) < 0 ||
	    text_copy(r->id, sizeof(r->id), webhook, "webhook", e) < 0) {
		free(r);
		return -1;
	}
	if (atomic_fetch_add(&w->n_replays, 1) >= MAX_REPLAYS) {
		never_begun(r);
		return err_set(e, ERR_BUSY, "too many deliveries are being replayed");
	}
	if (loop_wake(w->loop, start_replay, r, e) < 0) {
		never_begun(r);
		return -1;
	}
	return 0;
}

/* ---- life ---- */

static void *engine_main(void *ctx)
{
	struct webhooks *w = ctx;
	struct err e = ERR_INIT;

	loop_timer_set(w->timer, 0);
	if (loop_run(w->loop, &e) < 0)
		log_failure(w->c.log, LOG_ERROR, "webhook", "its loop ended", &e);
	return NULL;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

void webhooks_free(struct webhooks *w)
{
	struct hook *next;

	if (w == NULL)
		return;
	if (w->started) {
		/* without memory to say so there is no clean end */
		if (loop_wake(w->loop, stop, w->loop, NULL) < 0)
			abort();
		(void)pthread_join(w->thread, NULL);
	}
	for (struct hook *h = w->hooks; h != NULL; h = next) {
		next = h->next;
		drop_hook(h);
	}
	while (w->replays != NULL) {
		outgoing_free(w->replays->message);
		end_replay(w->replays);
	}
	net_free(w->net);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	seal_key_fini(&w->key);
	free(w);
}

static int open_net(struct webhooks *w, struct err *e)
{
	const struct net_config c = {
	    .ca_file = w->c.ca_file,
	    .user_agent = "ota-server/" OTA_VERSION,
	    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
	    .stall_timeout_ms = w->c.timeout_ms,
	    .check_address = check_address,
	    .check_ctx = w,
	};

	w->loop = loop_new(e);
	if (w->loop == NULL)
		return -1;
	w->timer = loop_timer_new(w->loop, on_look, w, e);
	w->net = w->timer == NULL ? NULL : net_new(w->loop, &c, e);
	return w->net == NULL ? -1 : 0;
}

struct webhooks *webhooks_new(const struct webhooks_config *c, struct err *e)
{
	AUTO_PTR(webhooks) struct webhooks *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	w->c = *c;
	if (w->c.timeout_ms == 0)
		w->c.timeout_ms = DEFAULT_TIMEOUT_MS;
	if (w->c.max_attempts == 0)
		w->c.max_attempts = DEFAULT_ATTEMPTS;
	if (c->n_allowed > WEBHOOK_MAX_ALLOWED) {
		(void)err_set(e, ERR_CONFIG, "more than %d ranges for webhooks",
			      WEBHOOK_MAX_ALLOWED);
		return NULL;
	}
	add_metrics(w, c->metrics);
	for (size_t i = 0; i < c->n_allowed; i++)
		w->allowed[i] = c->allowed[i];
	if (seal_key_open(c->secrets_file, true, &w->key, e) < 0 || open_net(w, e) < 0)
		return NULL;
	if (pthread_create(&w->thread, NULL, engine_main, w) != 0) {
		(void)err_set(e, ERR_INTERNAL, "start the thread of webhooks");
		return NULL;
	}
	w->started = true;
	return TAKE(w);
}
