/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "../fleet/render.h"

#include <string.h>

static struct store_call *call_of(const char *tenant, enum store_verb v, struct err *e)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, e);

	if (c != NULL)
		memcpy(c->tenant, tenant, strlen(tenant) + 1);
	return c;
}

static struct json *id_alone(const char *id, bool deleted, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "id", json_new_text(id), e) < 0 ||
	    (deleted && json_set(o, "deleted", json_new_bool(true), e) < 0))
		return NULL;
	return TAKE(o);
}

static struct json *show_device(struct store *s, const char *tenant,
				const struct event *v, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = call_of(tenant, STORE_DEVICE_GET, e);
	AUTO_PTR(store_call)
	struct store_call *latest = call_of(tenant, STORE_DEPLOYMENT_MANY, e);
	uint64_t *id =
	    latest == NULL ? NULL : store_call_items(latest, 1, sizeof(*id), e);

	if (c == NULL || id == NULL)
		return NULL;
	memcpy(c->in.device_id, v->device, sizeof(v->device));
	if (store_wait(s, c, e) < 0) {
		if (c->err.code != ERR_NOT_FOUND)
			return NULL;
		err_clear(e);
		return id_alone(v->device, true, e);
	}
	*id = c->out.device.latest_deployment;
	if (store_wait(s, latest, e) < 0)
		return NULL;
	return render_device(&c->out.device, latest->n_items > 0 ? latest->items : NULL,
			     false, e);
}

static struct json *show_deployment(struct store *s, const char *tenant,
				    const struct event *v, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = call_of(tenant, STORE_DEPLOYMENT_GET, e);

	if (c == NULL)
		return NULL;
	c->in.deployment_id = v->deployment;
	return store_wait(s, c, e) < 0 ? NULL
				       : render_deployment(&c->out.deployment, e);
}

static struct json *show_release(struct store *s, const char *tenant,
				 const struct event *v, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = call_of(tenant, STORE_RELEASE_GET, e);

	if (c == NULL)
		return NULL;
	memcpy(c->in.release_id, v->release, sizeof(v->release));
	return store_wait(s, c, e) < 0 ? NULL : render_release(&c->out.release, e);
}

static struct json *show_freeze(struct store *s, const char *tenant,
				const struct event *v, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = call_of(tenant, STORE_FREEZE_GET, e);

	(void)v;
	if (c == NULL)
		return NULL;
	return store_wait(s, c, e) < 0 ? NULL : render_freeze(&c->out.freeze, e);
}

static struct json *show_subject(struct store *s, const char *tenant,
				 const struct event *v, struct err *e)
{
	(void)s;
	(void)tenant;
	return id_alone(v->subject, false, e);
}

typedef struct json *show_fn(struct store *s, const char *tenant, const struct event *v,
			     struct err *e);

/* All others: their subject is all. */
static show_fn *const shows[N_EVENT_TYPES] = {
    [EVENT_DEVICE] = show_device,
    [EVENT_DEPLOYMENT] = show_deployment,
    [EVENT_RELEASE] = show_release,
    [EVENT_FREEZE] = show_freeze,
};

int event_document(struct store *s, const char *tenant, const struct event *v,
		   struct json **ret, struct err *e)
{
	struct err why = ERR_INIT;
	show_fn *show = (unsigned)v->type < N_EVENT_TYPES ? shows[v->type] : NULL;

	*ret = (show == NULL ? show_subject : show)(s, tenant, v, &why);
	/* what went with something else is told by an event of that */
	if (*ret != NULL || why.code == ERR_NOT_FOUND)
		return 0;
	if (why.code == ERR_NONE)
		return err_nomem(e);
	if (e != NULL)
		*e = why;
	return -1;
}
