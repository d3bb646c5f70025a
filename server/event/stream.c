/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

/* Rendered things are a few kilobytes; a release's notes are the largest part. */
#define TEXT_MAX (64u * 1024)

static void pump(struct console *c);
static void send_next(struct console *c);

void console_init(struct console *c, struct store *s, struct loop *l,
		  const char *tenant, const char *scope, const char *last_event_id)
{
	struct err ignored = ERR_INIT;

	(void)snprintf(c->tenant, sizeof(c->tenant), "%s", tenant);
	(void)snprintf(c->scope, sizeof(c->scope), "%s", scope);
	c->store = s;
	c->loop = l;
	c->starting = true;
	if (last_event_id == NULL)
		return;
	c->asked = true;
	/* An id that is not ours is one from too long ago: reset. */
	if (parse_u64(last_event_id, &c->cursor, &ignored) < 0)
		c->cursor = UINT64_MAX;
}

void console_closed(struct console *c)
{
	c->http = NULL;
	if (!c->busy)
		free(c);
}

/* True if the call's answer is of no use any more; c may be gone then. */
static bool came_too_late(struct console *c)
{
	c->busy = false;
	if (c->http != NULL)
		return false;
	free(c);
	return true;
}

/* A stream that cannot go on ends: its client comes back and resumes. */
static void give_up(struct console *c)
{
	http_stream_end(c->http); /* frees c by its on_close */
}

static struct store_call *ask(struct console *c, enum store_verb v,
			      void (*done)(struct store_call *call))
{
	struct err ignored = ERR_INIT;
	struct store_call *call = store_call_new(v, c->loop, done, c, &ignored);

	if (call == NULL) {
		give_up(c);
		return NULL;
	}
	memcpy(call->tenant, c->tenant, sizeof(call->tenant));
	memcpy(call->scope, c->scope, sizeof(call->scope));
	c->busy = true;
	return call;
}

static void send_text(struct console *c, const struct event *v, const char *data)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)v->id);
	c->cursor = v->id;
	c->at++;
	if (http_stream_send(c->http, id, event_type_name(v->type), data) < 0)
		give_up(c);
	else
		send_next(c);
}

static void send_json(struct console *c, struct json *owned)
{
	AUTO_PTR(json) struct json *j = owned;
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);
	struct err ignored = ERR_INIT;

	if (j == NULL || json_write(j, &text, &ignored) < 0)
		give_up(c);
	else
		send_text(c, &c->events[c->at], buf_str(&text));
}

/* A change of something that its watchers ask for themselves: its id is all. */
static void send_subject(struct console *c)
{
	struct json *o = json_new_object();
	struct err ignored = ERR_INIT;

	if (o == NULL ||
	    json_set(o, "id", json_new_text(c->events[c->at].subject), &ignored) < 0) {
		json_free(o);
		give_up(c);
		return;
	}
	send_json(c, o);
}

static void skip(struct console *c)
{
	c->cursor = c->events[c->at].id;
	c->at++;
	send_next(c);
}

/* What is gone since is told as gone; but within a scope nobody knows whether it ever
 * was there. */
static void send_deleted(struct console *c, const struct err *e)
{
	const struct event *v = &c->events[c->at];
	struct json *o = json_new_object();
	struct err ignored = ERR_INIT;

	if (e->code == ERR_NOT_FOUND && c->scope[0] != '\0') {
		json_free(o);
		skip(c);
		return;
	}
	if (e->code != ERR_NOT_FOUND || o == NULL ||
	    json_set(o, "id", json_new_text(v->device), &ignored) < 0 ||
	    json_set(o, "deleted", json_new_bool(true), &ignored) < 0) {
		json_free(o);
		give_up(c);
		return;
	}
	send_json(c, o);
}

/* An answer that somebody still waits for; what failed ends the stream. */
static bool has_come(struct console *c, const struct store_call *call)
{
	if (came_too_late(c))
		return false;
	if (call->err.code == ERR_NONE)
		return true;
	give_up(c);
	return false;
}

static void got_deployment(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;

	if (came_too_late(c))
		return;
	if (call->err.code == ERR_NOT_FOUND) {
		skip(c); /* its device was deleted, which is an event of its own */
		return;
	}
	if (call->err.code != ERR_NONE)
		give_up(c);
	else
		send_json(c, render_deployment(&call->out.deployment, NULL));
}

static void got_release(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;

	if (has_come(c, call))
		send_json(c, render_release(&call->out.release, NULL));
}

static void got_freeze(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;

	if (has_come(c, call))
		send_json(c, render_freeze(&call->out.freeze, NULL));
}

/* A device's call is used twice: out.device stays while its deployment is read. */
static void got_device_deployment(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;

	if (has_come(c, call))
		send_json(c, render_device(&call->out.device,
					   call->n_items > 0 ? call->items : NULL,
					   false, NULL));
}

static void got_device(struct store_call *call)
{
	struct console *c = call->ctx;
	uint64_t *id;

	if (came_too_late(c)) {
		store_call_free(call);
		return;
	}
	id = call->err.code == ERR_NONE
		 ? store_call_items(call, 1, sizeof(*id), &call->err)
		 : NULL;
	if (id == NULL) {
		send_deleted(c, &call->err);
		store_call_free(call);
		return;
	}
	*id = call->out.device.latest_deployment;
	call->verb = STORE_DEPLOYMENT_MANY;
	call->done = got_device_deployment;
	c->busy = true;
	store_submit(c->store, call);
}

static struct store_call *ask_for(struct console *c, const struct event *v)
{
	struct store_call *call = NULL;

	switch (v->type) {
	case EVENT_DEVICE:
		call = ask(c, STORE_DEVICE_GET, got_device);
		if (call != NULL)
			memcpy(call->in.device_id, v->device, sizeof(v->device));
		break;
	case EVENT_DEPLOYMENT:
		call = ask(c, STORE_DEPLOYMENT_GET, got_deployment);
		if (call != NULL)
			call->in.deployment_id = v->deployment;
		break;
	case EVENT_RELEASE:
		call = ask(c, STORE_RELEASE_GET, got_release);
		if (call != NULL)
			memcpy(call->in.release_id, v->release, sizeof(v->release));
		break;
	case EVENT_FREEZE:
		call = ask(c, STORE_FREEZE_GET, got_freeze);
		break;
	case EVENT_ROLLOUT:
	case EVENT_GROUP:
	case EVENT_AUDIT:
	case EVENT_WEBHOOK:
	case EVENT_JOB:
	case N_EVENT_TYPES:
	default:
		if (c->scope[0] == '\0')
			send_subject(c);
		else /* it may be about devices that are not there for this one */
			skip(c);
		break;
	}
	return call;
}

static void next_page(void *ctx)
{
	struct console *c = ctx;

	if (!came_too_late(c))
		pump(c);
}

/* The next event of the page; at its end the next page, from the loop: pages must not
 * nest. */
static void send_next(struct console *c)
{
	struct store_call *call;

	if (c->at == c->n_events) {
		if (!c->page_more && !c->more)
			return;
		c->more = false;
		c->busy = true;
		if (loop_wake(c->loop, next_page, c, NULL) < 0) {
			c->busy = false;
			give_up(c);
		}
		return;
	}
	call = ask_for(c, &c->events[c->at]);
	if (call != NULL)
		store_submit(c->store, call);
}

static void got_events(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;

	if (!has_come(c, call))
		return;
	if (call->n_items > 0)
		memcpy(c->events, call->items, call->n_items * sizeof(c->events[0]));
	c->n_events = call->n_items;
	c->at = 0;
	c->page_more = call->more;
	send_next(c);
}

static void got_bounds(struct store_call *call)
{
	AUTO_PTR(store_call) struct store_call *owned = call;
	struct console *c = call->ctx;
	uint64_t oldest = call->out.bounds.oldest, newest = call->out.bounds.newest;

	if (!has_come(c, call))
		return;
	c->starting = false;
	if (c->asked && c->cursor <= newest && c->cursor + 1 >= oldest) {
		pump(c);
		return;
	}
	c->cursor = newest;
	if (c->asked && http_stream_send(c->http, NULL, "reset", "{}") < 0)
		give_up(c);
	else
		pump(c);
}

static void pump(struct console *c)
{
	struct store_call *call;

	if (c->starting) {
		call = ask(c, STORE_EVENT_BOUNDS, got_bounds);
	} else {
		call = ask(c, STORE_EVENT_LIST, got_events);
		if (call != NULL) {
			call->in.page.after_id = c->cursor;
			call->in.page.limit = N_ELEMS(c->events);
		}
	}
	if (call != NULL)
		store_submit(c->store, call);
}

void console_wake(struct console *c)
{
	if (c->busy)
		c->more = true;
	else
		pump(c);
}
