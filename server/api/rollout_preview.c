/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: what a rollout would do. Choosing among all devices takes a while, so a
 * worker's thread does it: one at a time for each caller, and never all of the threads. */
#include "rollout.h"

#include <stdlib.h>
#include <string.h>

struct preview {
	struct job job; /* first */
	struct api_call *a;
	struct store *store;
	char tenant[TENANT_MAX_LEN + 1];
	uint8_t owner[SHA256_LEN]; /* whose turn it is */
	struct rollout_view *view;
	struct release release;
	struct selection selection;
	struct err err;
};

static void end(struct preview *p)
{
	turns_give(p->a->api->previews, p->owner);
	rollout_view_free(p->view);
	free(p);
}

static void run(struct job *j)
{
	struct preview *p = (struct preview *)j;

	(void)!selection_make(p->store, p->tenant, p->view, &p->release, NULL, NULL,
			      &p->selection, &p->err);
}

static void done(struct job *j)
{
	struct preview *p = (struct preview *)j;
	struct api_call *a = p->a;
	struct json *o = NULL;
	struct err e;

	if (p->err.code == ERR_NONE) {
		o = render_rollout_preview(p->view, &p->selection, &p->err);
		selection_fini(&p->selection);
	}
	e = p->err;
	end(p); /* before the answer: who has it may come again */
	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, o);
}

static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct preview *p = c->ctx;
	struct api_call *a = p->a;

	if (c->err.code != ERR_NONE) {
		end(p);
		(void)api_failed(a, c);
		return;
	}
	p->release = c->out.release;
	worker_submit(a->api->worker, &p->job);
}

static struct preview *preview_new(struct api_call *a, const struct store_call *got,
				   struct err *e)
{
	struct preview *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	p->job = (struct job){.run = run, .done = done, .loop = http_loop(a->http)};
	p->a = a;
	p->store = a->api->store;
	memcpy(p->tenant, a->tenant, sizeof(p->tenant));
	p->view = rollout_view_of(got, &(struct freeze){.on = false}, e);
	if (p->view != NULL && api_owner(a, p->owner, e) == 0 &&
	    turns_take(a->api->previews, p->owner, e) == 0)
		return p;
	rollout_view_free(p->view);
	free(p);
	return NULL;
}

static void begin(struct api_call *a, struct rollout_view *v,
		  const struct store_call *got)
{
	struct err e = ERR_INIT;
	struct preview *p = preview_new(a, got, &e);
	struct store_call *c;

	if (p == NULL) {
		(void)err_wrap(&e, "preview");
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_RELEASE_GET, got_release);
	if (c == NULL) {
		end(p);
		return;
	}
	c->ctx = p;
	memcpy(c->in.release_id, v->row.release, sizeof(c->in.release_id));
	api_submit(a, c);
}

void handle_rollouts_preview(struct api_call *a)
{
	struct err e = ERR_INIT;
	uint64_t id;

	if (rollout_id_param(a, &id, &e) < 0)
		api_fail(a, &e);
	else
		with_rollout(a, id, begin);
}
