/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An artifact goes in this order: nobody is about to use it (artifacts_enter), its row goes
 * if it is still unused, its file goes. Putting the same bytes again makes the row new, so
 * what was uploaded for a release that is about to be published is not taken away. After a
 * crash between row and file the file is taken over by the next upload of the same bytes.
 */
#include "retain.h"

#include <string.h>

static int drop_ended(const struct uploads *up, int64_t now_ms, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_EXPIRE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->now_ms = now_ms;
	return store_wait(up->store, c, e);
}

static int find_newest(const struct uploads *up, uint64_t *ret, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_EVENT_BOUNDS, NULL, NULL, NULL, e);

	if (c == NULL || store_wait(up->store, c, e) < 0)
		return -1;
	*ret = c->out.bounds.newest;
	return 0;
}

static int drop_events(const struct uploads *up, const struct retention *r,
		       int64_t now_ms, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_EVENT_PRUNE, NULL, NULL, NULL, e);
	uint64_t newest;

	if (c == NULL || find_newest(up, &newest, e) < 0)
		return -1;
	if (newest > r->max_events)
		c->in.prune.before_id = newest - r->max_events + 1;
	if (r->events_ms != 0)
		c->in.prune.before_ms = now_ms - (int64_t)r->events_ms;
	c->deadline_ms = 0;
	do {
		if (store_wait(up->store, c, e) < 0)
			return -1;
	} while (c->more);
	return 0;
}

struct candidate {
	struct store *store;
	const struct artifact *artifact;
	int64_t before_ms;
};

static int drop_row(void *ctx, struct err *e)
{
	const struct candidate *a = ctx;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_ARTIFACT_DROP, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	memcpy(c->in.unused.sha256, a->artifact->sha256, SHA256_LEN);
	c->in.unused.before_ms = a->before_ms;
	return store_wait(a->store, c, e);
}

/* One that came into use in between stays; while others are put in the next round will
 * do. */
static int drop_artifact(const struct uploads *up, const struct artifact *a,
			 int64_t before_ms, size_t *n, struct err *e)
{
	struct candidate one = {up->store, a, before_ms};
	struct err why = ERR_INIT;
	bool removed;

	if (artifacts_remove(up->artifacts, a->sha256, drop_row, &one, &removed, &why) <
		0 &&
	    why.code != ERR_PRECONDITION && why.code != ERR_BUSY) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	*n += removed;
	return 0;
}

static int drop_artifacts(const struct uploads *up, int64_t before_ms, size_t *n,
			  struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_ARTIFACT_UNUSED, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.unused.before_ms = before_ms;
	do {
		const struct artifact *a;

		c->deadline_ms = 0;
		if (store_wait(up->store, c, e) < 0)
			return -1;
		a = c->items;
		for (size_t i = 0; i < c->n_items; i++) {
			if (drop_artifact(up, &a[i], before_ms, n, e) < 0)
				return -1;
		}
		if (c->n_items > 0)
			memcpy(c->in.unused.sha256, a[c->n_items - 1].sha256,
			       SHA256_LEN);
	} while (c->more);
	return 0;
}

int retain(const struct uploads *up, const struct retention *r, int64_t now_ms,
	   struct retained *ret, struct err *e)
{
	*ret = (struct retained){.n_uploads = 0};
	if (drop_ended(up, now_ms, e) < 0)
		return err_wrap(e, "end sessions");
	if (drop_events(up, r, now_ms, e) < 0)
		return err_wrap(e, "drop old events");
	if (uploads_sweep(up, r->uploads_ms, &ret->n_uploads, e) < 0)
		return err_wrap(e, "sweep uploads");
	if (r->artifacts_ms != 0 &&
	    drop_artifacts(up, now_ms - (int64_t)r->artifacts_ms, &ret->n_artifacts,
			   e) < 0)
		return err_wrap(e, "collect artifacts");
	return 0;
}
