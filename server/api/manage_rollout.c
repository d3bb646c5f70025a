/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: rollouts as things: lists, drafts, members, decisions. */
#include "rollout.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

int rollout_id_param(struct api_call *a, uint64_t *ret, struct err *e)
{
	const char *text = http_param(a->http, "id");

	if (text == NULL || parse_u64(text, ret, e) < 0 || *ret == 0 ||
	    *ret > INT64_MAX)
		return err_set(e, ERR_NOT_FOUND, "there is no rollout \"%.40s\"",
			       text == NULL ? "" : text);
	return 0;
}

/* ---- reading one ---- */

struct reading {
	struct api_call *a;
	uint64_t id;
	rollout_then then;
	struct freeze freeze;
};

static void got_rollout(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	AUTO_FREE struct reading *r = c->ctx;
	AUTO_PTR(rollout_view) struct rollout_view *v = NULL;

	if (api_failed(r->a, c))
		return;
	v = rollout_view_of(c, &r->freeze, &c->err);
	if (v == NULL)
		api_fail(r->a, &c->err);
	else
		r->then(r->a, v, c);
}

static void got_freeze(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct reading *r = c->ctx;
	struct store_call *next;

	if (api_failed(r->a, c)) {
		free(r);
		return;
	}
	r->freeze = c->out.freeze;
	next = api_store(r->a, STORE_ROLLOUT_GET, got_rollout);
	if (next == NULL) {
		free(r);
		return;
	}
	next->ctx = r;
	next->in.rollout_id = r->id;
	api_submit(r->a, next);
}

void with_rollout(struct api_call *a, uint64_t id, rollout_then then)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct err e = ERR_INIT;
	struct store_call *c;

	if (r == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	*r = (struct reading){.a = a, .id = id, .then = then};
	c = api_store(a, STORE_FREEZE_GET, got_freeze);
	if (c == NULL) {
		free(r);
		return;
	}
	c->ctx = r;
	api_submit(a, c);
}

static void tag(struct api_call *a, const struct rollout *o)
{
	api_tag(a, "%llu-%llu", (unsigned long long)o->id,
		(unsigned long long)o->revision);
}

static void send_rollout(struct api_call *a, int status, const struct rollout_view *v,
			 const struct store_call *got)
{
	struct err e = ERR_INIT;
	struct json *o = render_rollout_whole(v, got->items, &e);

	if (v->progress.state == ROLLOUT_DRAFT) /* the counters of others move */
		tag(a, &v->row);
	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

static void send_200(struct api_call *a, struct rollout_view *v,
		     const struct store_call *got)
{
	send_rollout(a, 200, v, got);
}

static void send_201(struct api_call *a, struct rollout_view *v,
		     const struct store_call *got)
{
	send_rollout(a, 201, v, got);
}

void answer_rollout(struct api_call *a, int status, uint64_t id)
{
	with_rollout(a, id, status == 201 ? send_201 : send_200);
}

void handle_rollouts_get(struct api_call *a)
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (rollout_id_param(a, &id, &e) < 0)
		api_fail(a, &e);
	else
		answer_rollout(a, 200, id);
}

/* ---- lists ---- */

static struct json *render_one(const void *item, uint64_t *ret_key, struct err *e)
{
	const struct rollout *o = item;

	*ret_key = o->id;
	return render_rollout(o, e);
}

static void got_list(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_items(a, c, sizeof(struct rollout), render_one);
}

static int read_list(struct api_call *a, struct store_page *p, struct err *e)
{
	const char *state = http_query(a->http, "state");
	enum rollout_state s;

	if (api_page(a, p, true, e) < 0)
		return -1;
	if (state == NULL)
		return 0;
	if (rollout_state_parse(state, &s, e) < 0)
		return -1;
	p->state = (int)s;
	return 0;
}

void handle_rollouts_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_LIST, got_list);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_list(a, &c->in.page, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

static void got_members(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct rollout_member *m = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_rollout_member(&m[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), c->more ? m[c->n_items - 1].device : NULL);
}

static int read_members(struct api_call *a, struct store_call *c, struct err *e)
{
	const char *wave = http_query(a->http, "wave");
	const char *state = http_query(a->http, "state");
	struct store_page p = {.limit = 0};
	enum member_status s;
	uint64_t n = 0;

	if (rollout_id_param(a, &c->in.rollout_members.id, e) < 0 ||
	    api_page(a, &p, false, e) < 0)
		return -1;
	c->in.rollout_members.limit = p.limit;
	memcpy(c->in.rollout_members.after, p.after,
	       sizeof(c->in.rollout_members.after));
	c->in.rollout_members.wave = c->in.rollout_members.status = -1;
	if (wave != NULL) {
		if (parse_u64(wave, &n, e) < 0 || n < 1 || n > PLAN_MAX_WAVES)
			return err_set(e, ERR_FORMAT, "wave: 1 to %d", PLAN_MAX_WAVES);
		c->in.rollout_members.wave = (int)n - 1;
	}
	if (state == NULL)
		return 0;
	if (member_status_parse(state, &s, e) < 0)
		return -1;
	c->in.rollout_members.status = (int)s;
	return 0;
}

void handle_rollouts_members(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_MEMBERS, got_members);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_members(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

static struct json *render_decision(const void *item, uint64_t *ret_key, struct err *e)
{
	const struct rollout_decision *d = item;

	*ret_key = d->n;
	return render_rollout_decision(d, e);
}

static void got_decisions(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_items(a, c, sizeof(struct rollout_decision), render_decision);
}

static void list_decisions(struct api_call *a, struct rollout_view *v,
			   const struct store_call *got)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_DECISIONS, got_decisions);
	struct err e = ERR_INIT;

	(void)got;
	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, true, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	c->in.page.rollout = v->row.id;
	api_submit(a, c);
}

void handle_rollouts_decisions(struct api_call *a)
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (rollout_id_param(a, &id, &e) < 0)
		api_fail(a, &e);
	else
		with_rollout(a, id, list_decisions);
}

/* ---- drafts ---- */

/* What plan_read() cannot tell: that the time zone exists. */
static int read_plan(struct api_call *a, struct rollout_plan *ret, struct err *e)
{
	AUTO_PTR(json) struct json *o = NULL;
	size_t len;
	const void *data = http_body(a->http, &len);

	if (len == 0)
		return err_set(e, ERR_FORMAT,
			       "the request has no body; a JSON object is expected");
	o = json_parse(data, len, e);
	if (o == NULL)
		return err_wrap(e, "the body");
	if (plan_read(o, ret, e) < 0)
		return -1;
	if (ret->windows.n_windows > 0 &&
	    zone_table_get(a->api->zones, ret->windows.zone, e) == NULL)
		return err_wrap(e, "windows");
	return 0;
}

static void created(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_rollout(a, 201, c->out.rollout.id);
}

static void changed(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_rollout(a, 200, c->out.rollout.id);
}

/* In a->handler_state; id 0: a new one. */
struct draft {
	struct rollout_plan plan;
	uint64_t id, revision;
};

static void store_plan(struct api_call *a, const struct release *r)
{
	const struct draft *draft = a->handler_state;
	uint64_t id = draft->id;
	struct store_call *c =
	    api_store(a, id == 0 ? STORE_ROLLOUT_CREATE : STORE_ROLLOUT_UPDATE,
		      id == 0 ? created : changed);
	struct err e = ERR_INIT;
	char text[24] = "";

	if (c == NULL)
		return;
	if (rollout_row_fill(c, &draft->plan, r, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	c->in.rollout.id = id;
	c->in.rollout.revision = draft->revision;
	(void)snprintf(c->in.rollout.author, sizeof(c->in.rollout.author), "%s",
		       a->user);
	if (id != 0)
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	store_call_event_of(c, EVENT_ROLLOUT, text);
	api_submit(a, c);
}

static void got_release_of_plan(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		store_plan(a, &c->out.release);
}

/* Reads the body, then its release. */
static void take_plan(struct api_call *a, uint64_t id, uint64_t revision)
{
	struct draft *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;
	struct store_call *c;

	a->handler_state = d;
	if (d != NULL) {
		d->id = id;
		d->revision = revision;
	} else {
		(void)err_nomem(&e);
	}
	if (d == NULL || read_plan(a, &d->plan, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_RELEASE_GET, got_release_of_plan);
	if (c == NULL)
		return;
	memcpy(c->in.release_id, d->plan.release, sizeof(c->in.release_id));
	api_submit(a, c);
}

void handle_rollouts_create(struct api_call *a)
{
	take_plan(a, 0, 0);
}

static void take_change(struct api_call *a, struct rollout_view *v,
			const struct store_call *got)
{
	struct err e = ERR_INIT;

	(void)got;
	tag(a, &v->row);
	if (api_if_match(a, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	a->etag[0] = '\0'; /* what is answered has another one */
	take_plan(a, v->row.id, v->row.revision);
}

void handle_rollouts_change(struct api_call *a)
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (rollout_id_param(a, &id, &e) < 0)
		api_fail(a, &e);
	else
		with_rollout(a, id, take_change);
}

static void deleted(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_empty(a, 204);
}

void handle_rollouts_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_ROLLOUT_DELETE, deleted);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (rollout_id_param(a, &c->in.rollout_id, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event_of(c, EVENT_ROLLOUT, http_param(a->http, "id"));
	api_submit(a, c);
}
