/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: what a rollout would do. Choosing among all devices takes a while, so a
 * worker's thread does it. */
#include "rollout.h"

#include <stdlib.h>
#include <string.h>

struct preview {
	struct job job; /* first */
	struct api_call *a;
	struct store *store;
	char tenant[TENANT_MAX_LEN + 1];
	struct rollout_view *view;
	struct release release;
	struct selection selection;
	struct err err;
};

static void run(struct job *j)
{
	struct preview *p = (struct preview *)j;

	(void)!selection_make(p->store, p->tenant, p->view, &p->release, NULL, NULL,
			      &p->selection, &p->err);
}

static void done(struct job *j)
{
	struct preview *p = (struct preview *)j;
	struct json *o = NULL;

	if (p->err.code == ERR_NONE) {
		o = render_rollout_preview(p->view, &p->selection, &p->err);
		selection_fini(&p->selection);
	}
	if (o == NULL)
		api_fail(p->a, &p->err);
	else
		api_reply_json(p->a, 200, o);
	rollout_view_free(p->view);
	free(p);
}

static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct preview *p = c->ctx;
	struct api_call *a = p->a;

	if (api_failed(a, c)) {
		rollout_view_free(p->view);
		free(p);
		return;
	}
	p->release = c->out.release;
	worker_submit(a->api->worker, &p->job);
}

static void begin(struct api_call *a, struct rollout_view *v,
		  const struct store_call *got)
{
	struct preview *p = calloc(1, sizeof(*p));
	struct store_call *c;
	struct err e = ERR_INIT;

	if (p != NULL)
		p->view = rollout_view_of(got, &(struct freeze){.on = false}, &e);
	if (p == NULL || p->view == NULL) {
		(void)err_nomem(&e);
		free(p);
		api_fail(a, &e);
		return;
	}
	p->job = (struct job){.run = run, .done = done, .loop = http_loop(a->http)};
	p->a = a;
	p->store = a->api->store;
	memcpy(p->tenant, a->tenant, sizeof(p->tenant));
	c = api_store(a, STORE_RELEASE_GET, got_release);
	if (c == NULL) {
		rollout_view_free(p->view);
		free(p);
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
