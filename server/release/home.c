/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A home is made in two steps: what waits (directories, the signer's process and its
 * keys) in a worker's thread, the publisher with its timer in the main loop's. It is
 * put into the list only when it is whole, and never taken out while the server runs,
 * so that a pointer to one needs no reference. After a crash in between: keys without a
 * home are found again by the next one.
 */
#include "home.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../store/store_tenant.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct homes {
	struct homes_config c;
	char root[PATH_MAX], signer_program[PATH_MAX]; /* c's */
	pthread_mutex_t lock;			       /* guards the list */
	struct home *first;
	struct look *look; /* the main loop's: under way */
};

struct look {
	struct job job; /* first */
	struct homes *homes;
	struct home *found;
	struct err err;
};

/* ------------------------------------------------------------------ one home */

static void home_free(struct home *h)
{
	if (h == NULL)
		return;
	publisher_free(h->publisher);
	signer_free(h->signer);
	artifacts_free(h->artifacts);
	if (h->store != NULL)
		store_close(h->store);
	free(h);
}
AUTO_PTR_DEFINE(home)

static bool is_default(const char *tenant)
{
	return strcmp(tenant, TENANT_DEFAULT) == 0;
}

/* DIR/name, or DIR/tenants/TENANT/name with the directories before it made. */
static int path_of(const struct homes *hs, const char *tenant, const char *name,
		   char ret[PATH_MAX], struct err *e)
{
	if (is_default(tenant))
		return text_format(ret, PATH_MAX, e, "%s/%s", hs->c.root, name);
	if (text_format(ret, PATH_MAX, e, "%s/tenants", hs->c.root) < 0 ||
	    dir_make(ret, 0700, e) < 0 ||
	    text_format(ret, PATH_MAX, e, "%s/tenants/%s", hs->c.root, tenant) < 0 ||
	    dir_make(ret, 0700, e) < 0)
		return -1;
	return text_format(ret, PATH_MAX, e, "%s/tenants/%s/%s", hs->c.root, tenant,
			   name);
}

static int start_signer(const struct homes *hs, struct home *h, struct err *e)
{
	char dir[PATH_MAX];
	const struct signer_config c = {.program = hs->c.signer_program, .dir = dir};

	if (path_of(hs, h->tenant, "signer", dir, e) < 0)
		return -1;
	h->signer = signer_new(&c, hs->c.log, e);
	return h->signer != NULL ? 0 : err_wrap(e, "signer");
}

static int open_artifacts(const struct homes *hs, struct home *h, struct err *e)
{
	char dir[PATH_MAX];

	if (path_of(hs, h->tenant, "artifacts", dir, e) < 0)
		return -1;
	h->artifacts = artifacts_new(dir, e);
	return h->artifacts != NULL ? 0 : err_wrap(e, "artifacts in %s", dir);
}

/* What waits. */
static struct home *home_new(const struct homes *hs, const char *tenant, struct err *e)
{
	AUTO_PTR(home) struct home *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (text_copy(h->tenant, sizeof(h->tenant), tenant, "tenant", e) < 0)
		return NULL;
	h->store = store_tenant_view(hs->c.store, tenant, e);
	if (h->store == NULL || open_artifacts(hs, h, e) < 0 ||
	    path_of(hs, tenant, "delta", h->scratch, e) < 0 ||
	    dir_make(h->scratch, 0700, e) < 0 || start_signer(hs, h, e) < 0)
		return NULL;
	h->uploads = (struct uploads){h->store, h->artifacts, hs->c.worker};
	return TAKE(h);
}

/* The rest, and into the list. Takes h. */
static int home_join(struct homes *hs, struct home *taken, struct err *e)
{
	AUTO_PTR(home) struct home *h = taken;
	const struct publisher_config c = {
	    .store = h->store,
	    .artifacts = h->artifacts,
	    .signer = h->signer,
	    .clock = hs->c.clock,
	    .log = hs->c.log,
	    .loop = hs->c.loop,
	    .timestamp_life_ms = hs->c.timestamp_life_ms,
	    .snapshot_life_ms = hs->c.snapshot_life_ms,
	    .targets_floor = hs->c.targets_floor,
	    .floor_ctx = hs->c.floor_ctx,
	    .tenant = h->tenant,
	    .renew_at_start = true,
	    .demo = hs->c.demo,
	};

	h->publisher = publisher_new(&c, e);
	if (h->publisher == NULL)
		return -1;
	pthread_mutex_lock(&hs->lock);
	h->next = hs->first;
	hs->first = TAKE(h);
	pthread_mutex_unlock(&hs->lock);
	return 0;
}

/* ------------------------------------------------------------------ the list */

struct tenant_settings homes_settings(struct homes *hs, const char *tenant)
{
	struct tenant_settings s = {0};
	struct home *h;

	if (hs == NULL)
		return s;
	pthread_mutex_lock(&hs->lock);
	for (h = hs->first; h != NULL && strcmp(h->tenant, tenant) != 0; h = h->next)
		;
	if (h != NULL)
		s = h->settings;
	pthread_mutex_unlock(&hs->lock);
	return s;
}

/* A look may have read its row before the change that came here first. */
static void home_put(struct homes *hs, struct home *h, const struct tenant_settings *s)
{
	pthread_mutex_lock(&hs->lock);
	if (s->revision > h->settings.revision)
		h->settings = *s;
	pthread_mutex_unlock(&hs->lock);
}

void homes_put_settings(struct homes *hs, const char *tenant,
			const struct tenant_settings *s)
{
	struct home *h = homes_find(hs, tenant);

	if (h != NULL)
		home_put(hs, h, s);
}

static void take_row(struct homes *hs, struct home *h, const struct tenant *t)
{
	atomic_store(&h->max_streams, t->max_streams);
	home_put(hs, h, &t->settings);
}

static int open_one(struct homes *hs, const struct tenant *t, struct err *e)
{
	struct home *h = homes_find(hs, t->name);

	if (h != NULL) {
		take_row(hs, h, t);
		return 0;
	}
	h = home_new(hs, t->name, e);
	if (h != NULL)
		take_row(hs, h, t);
	if (h == NULL || home_join(hs, h, e) < 0)
		return is_default(t->name) ? -1 : err_wrap(e, "tenant %s", t->name);
	return 0;
}

struct homes *homes_new(const struct homes_config *c, struct err *e)
{
	AUTO_PTR(homes) struct homes *hs = calloc(1, sizeof(*hs));

	if (hs == NULL || pthread_mutex_init(&hs->lock, NULL) != 0) {
		free(TAKE(hs));
		(void)err_nomem(e);
		return NULL;
	}
	hs->c = *c;
	hs->c.root = hs->root;
	hs->c.signer_program = hs->signer_program;
	if (text_copy(hs->root, sizeof(hs->root), c->root, "data directory", e) < 0 ||
	    text_copy(hs->signer_program, sizeof(hs->signer_program), c->signer_program,
		      "signer", e) < 0)
		return NULL;
	return open_one(hs, &(struct tenant){.name = TENANT_DEFAULT}, e) < 0 ? NULL
									     : TAKE(hs);
}

void homes_free(struct homes *hs)
{
	struct home *next;

	if (hs == NULL)
		return;
	if (hs->look != NULL) { /* its answer came when the loop had ended */
		home_free(hs->look->found);
		free(hs->look);
	}
	for (struct home *h = hs->first; h != NULL; h = next) {
		next = h->next;
		home_free(h);
	}
	(void)pthread_mutex_destroy(&hs->lock);
	free(hs);
}

struct home *homes_find(struct homes *hs, const char *tenant)
{
	struct home *h;

	pthread_mutex_lock(&hs->lock);
	for (h = hs->first; h != NULL && strcmp(h->tenant, tenant) != 0; h = h->next)
		;
	pthread_mutex_unlock(&hs->lock);
	return h;
}

int homes_each(struct homes *hs, int (*fn)(void *ctx, struct home *home), void *ctx)
{
	struct home *first;
	int rc = 0;

	pthread_mutex_lock(&hs->lock);
	first = hs->first; /* homes are put in front of it and never go */
	pthread_mutex_unlock(&hs->lock);
	for (struct home *h = first; h != NULL && rc == 0; h = h->next)
		rc = fn(ctx, h);
	return rc;
}

static struct store_call *tenants(struct homes *hs, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_TENANT_LIST, NULL, NULL, NULL, e);

	if (c == NULL || store_wait(hs->c.store, c, e) < 0)
		return NULL;
	return TAKE(c);
}

int homes_open_all(struct homes *hs, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = tenants(hs, e);
	const struct tenant *t = c == NULL ? NULL : c->items;

	if (c == NULL)
		return -1;
	for (size_t i = 0; i < c->n_items; i++) {
		if (open_one(hs, &t[i], e) < 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ while it runs */

/* Limits, and one new home a look: tenants are made one at a time. */
static void look_for_new(struct job *j)
{
	struct look *l = (struct look *)j;
	AUTO_PTR(store_call) struct store_call *c = tenants(l->homes, &l->err);
	const struct tenant *t = c == NULL ? NULL : c->items;

	for (size_t i = 0; c != NULL && i < c->n_items; i++) {
		struct home *known = homes_find(l->homes, t[i].name);

		if (known != NULL) {
			take_row(l->homes, known, &t[i]);
			continue;
		}
		if (l->found != NULL)
			continue;
		l->found = home_new(l->homes, t[i].name, &l->err);
		if (l->found == NULL)
			(void)err_wrap(&l->err, "tenant %s", t[i].name);
		else
			take_row(l->homes, l->found, &t[i]);
	}
}

static void looked(struct job *j)
{
	AUTO_FREE struct look *l = (struct look *)j;
	struct homes *hs = l->homes;
	char name[TENANT_MAX_LEN + 1] = "";
	bool found = l->found != NULL;

	if (found)
		(void)snprintf(name, sizeof(name), "%s", l->found->tenant);
	hs->look = NULL;
	if ((found && home_join(hs, l->found, &l->err) < 0) ||
	    (!found && l->err.code != ERR_NONE))
		log_failure(hs->c.log, LOG_ERROR, "server", "open a tenant", &l->err);
	else if (found)
		log_info(hs->c.log, "server", "tenant opened", "tenant", name, NULL);
}

void homes_look(struct homes *hs)
{
	struct look *l = hs->look != NULL ? NULL : calloc(1, sizeof(*l));

	if (l == NULL)
		return;
	hs->look = l;
	l->job = (struct job){.run = look_for_new, .done = looked, .loop = hs->c.loop};
	l->homes = hs;
	worker_submit(hs->c.worker, &l->job);
}

static void look_now(void *ctx)
{
	homes_look(ctx);
}

/* Without memory the next look finds it. */
void homes_look_soon(struct homes *hs)
{
	(void)!loop_wake(hs->c.loop, look_now, hs, NULL);
}
