/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"
#include "count.h"
#include "device_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DEADLINE_MS 10000

struct verb_row {
	const char *name;
	enum store_kind kind;
};

static const struct verb_row verbs[N_STORE_VERBS] = {
#define X(verb, kind_of) [STORE_##verb] = {.name = #verb, .kind = (kind_of)},
    STORE_VERBS(X)
#undef X
};

const char *store_verb_name(enum store_verb v)
{
	return (unsigned)v < N_STORE_VERBS ? verbs[v].name : "?";
}

enum store_kind store_verb_kind(enum store_verb v)
{
	return (unsigned)v < N_STORE_VERBS ? verbs[v].kind : STORE_READ;
}

struct store_call *store_call_new(enum store_verb verb, struct loop *loop,
				  void (*done)(struct store_call *), void *ctx,
				  struct err *e)
{
	struct store_call *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	c->verb = verb;
	c->loop = loop;
	c->done = done;
	c->ctx = ctx;
	c->now_ms = clock_utc_ms(&clock_system);
	c->deadline_ms = clock_mono_ms(&clock_system) + DEFAULT_DEADLINE_MS;
	memcpy(c->tenant, TENANT_DEFAULT, sizeof(TENANT_DEFAULT));
	buf_init(&c->blob, STORE_BLOB_MAX);
	return c;
}

void store_call_free(struct store_call *c)
{
	if (c == NULL)
		return;
	buf_fini(&c->blob);
	free(c->items);
	free(c);
}

static struct event *add_event(struct store_call *c, enum event_type type)
{
	struct event *v = &c->events[c->n_events];

	if (c->n_events == STORE_MAX_EVENTS)
		abort(); /* no verb carries more: a fault in the caller, not in its
			    input */
	c->n_events++;
	*v = (struct event){.type = type};
	return v;
}

void store_call_event(struct store_call *c, enum event_type type, const char *device,
		      uint64_t deployment, const char *release)
{
	struct event *v = add_event(c, type);

	v->deployment = deployment;
	(void)snprintf(v->device, sizeof(v->device), "%s",
		       device == NULL ? "" : device);
	(void)snprintf(v->release, sizeof(v->release), "%s",
		       release == NULL ? "" : release);
}

/* Canonical JSON writes control characters as they are, which no JSON reader takes. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

void store_call_audit(struct store_call *c, const struct audit_actor *by,
		      const char *action, const char *kind, const char *id,
		      const char *detail)
{
	struct audit_record *r = &c->audit;

	*r = (struct audit_record){.by = *by};
	(void)snprintf(r->action, sizeof(r->action), "%s", action);
	(void)snprintf(r->object, sizeof(r->object), "%s/%s", kind,
		       id == NULL ? "" : id);
	(void)snprintf(r->detail, sizeof(r->detail), "%s",
		       detail == NULL ? "" : detail);
	make_plain(r->by.who);
	make_plain(r->object);
	make_plain(r->detail);
}

void store_call_audit_system(struct store_call *c, const char *action, const char *kind,
			     const char *id, const char *detail)
{
	static const struct audit_actor system = {.kind = AUDIT_SYSTEM};

	store_call_audit(c, &system, action, kind, id, detail);
}

void store_call_event_of(struct store_call *c, enum event_type type,
			 const char *subject)
{
	struct event *v = add_event(c, type);

	(void)snprintf(v->subject, sizeof(v->subject), "%s",
		       subject == NULL ? "" : subject);
}

void *store_call_items(struct store_call *c, size_t n, size_t size, struct err *e)
{
	free(c->items);
	c->n_items = 0;
	c->items = calloc(n == 0 ? 1 : n, size);
	if (c->items == NULL)
		(void)err_nomem(e);
	else
		c->n_items = n;
	return c->items;
}

void store_submit(struct store *s, struct store_call *c)
{
	store_counts_begin(s->counts, c);
	if (device_cache_answer(s->devices, c))
		store_answer_here(c);
	else
		s->ops->submit(s, c);
}

void store_count(struct store *s, struct metrics *m)
{
	s->counts = store_counts_new(m);
}

int store_keep_devices(struct store *s, size_t max_bytes, struct metrics *m,
		       struct err *e)
{
	if (!s->ops->alone || max_bytes == 0)
		return 0;
	s->devices = device_cache_new(max_bytes, m, e);
	return s->devices == NULL ? -1 : 0;
}

void store_watch(struct store *s, struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	s->ops->watch(s, l, fn, ctx);
}

void store_close(struct store *s)
{
	struct store_counts *counts;
	struct device_cache *devices;

	if (s == NULL)
		return;
	counts = s->counts; /* calls under way still count */
	devices = s->devices;
	s->ops->close(s);
	device_cache_free(devices);
	free(counts);
}

static void deliver(void *ctx)
{
	struct store_call *c = ctx;

	c->done(c);
}

static void end(struct store_call *c)
{
	device_cache_end(c);
	store_counts_end(c);
}

void store_answer_here(struct store_call *c)
{
	end(c);
	c->done(c);
}

void store_answer(struct store_call *c)
{
	end(c);
	if (c->loop == NULL) {
		c->done(c);
		return;
	}
	/* Waking fails only without memory; an answer that cannot be delivered would
	 * hang its request for ever, so end the process: what was stored is stored. */
	if (loop_wake(c->loop, deliver, c, NULL) < 0)
		abort();
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
};

static void wake_waiter(struct store_call *c)
{
	struct waiter *w = c->ctx;

	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

int store_wait(struct store *s, struct store_call *c, struct err *e)
{
	struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
			   .wake = PTHREAD_COND_INITIALIZER};

	c->loop = NULL;
	c->done = wake_waiter;
	c->ctx = &w;
	store_submit(s, c);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
	c->done = NULL;
	c->ctx = NULL;
	if (c->err.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = c->err;
	return -1;
}
