/* SPDX-License-Identifier: Apache-2.0 */
#include "vouch.h"

#include "../common/base/clock.h"

#include <string.h>

/* The client's store, for one run: what it put, by name. */
#define MAX_KEPT 40
#define NAME_LEN 80

struct kept {
	char name[NAME_LEN];
	struct buf content;
};

struct memory {
	struct kept items[MAX_KEPT];
	size_t n_items;
};

static void memory_fini(struct memory *m)
{
	for (size_t i = 0; i < m->n_items; i++)
		buf_fini(&m->items[i].content);
}

static struct kept *find(struct memory *m, const char *name)
{
	for (size_t i = 0; i < m->n_items; i++) {
		if (strcmp(m->items[i].name, name) == 0)
			return &m->items[i];
	}
	return NULL;
}

static int memory_get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	const struct kept *k = find(ctx, name);

	if (k == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s is not there", name);
	return buf_add(ret, k->content.data, k->content.len, e);
}

static int memory_put(void *ctx, const char *name, const void *data, size_t len,
		      struct err *e)
{
	struct memory *m = ctx;
	struct kept *k = find(m, name);

	if (k == NULL) {
		if (m->n_items == MAX_KEPT || strlen(name) >= NAME_LEN)
			return err_set(e, ERR_LIMIT, "too many metadata files");
		k = &m->items[m->n_items++];
		(void)strcpy(k->name, name);
		k->content = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	}
	buf_clear(&k->content);
	return buf_add(&k->content, data, len, e);
}

static int memory_del(void *ctx, const char *name, struct err *e)
{
	struct memory *m = ctx;
	struct kept *k = find(m, name);

	(void)e;
	if (k == NULL)
		return 0;
	buf_fini(&k->content);
	*k = m->items[--m->n_items];
	return 0;
}

static int drive(struct tuf_client *c, vouch_fetch *fetch, void *ctx, struct err *e)
{
	struct tuf_request r;

	while (tuf_client_next(c, &r) == TUF_FETCH) {
		AUTO(buf) struct buf content = BUF_INIT(r.max_bytes);
		int there = fetch(ctx, &r, &content, e);

		if (there < 0)
			return err_wrap(e, "%s", r.path);
		if (there == 0 ? tuf_client_missing(c, e) < 0
			       : tuf_client_give(c, content.data, content.len, e) < 0)
			return err_wrap(e, "%s", r.path);
	}
	return 0;
}

int vouch(const void *root, size_t root_len, const char *target, bool offline,
	  vouch_fetch *fetch, void *ctx, struct vouch_result *ret, struct err *e)
{
	AUTO(memory) struct memory m = {0};
	struct tuf_store store = {memory_get, memory_put, memory_del, &m};
	struct tuf_policy policy = {.now_utc_ms = clock_utc_ms(&clock_system),
				    .offline = offline};
	AUTO_PTR(tuf_client) struct tuf_client *c = NULL;
	int64_t root_expires_ms;

	if (tuf_init(&store, root, root_len, e) < 0)
		return err_wrap(e, "root");
	c = tuf_client_new(&store, &policy, e);
	if (c == NULL || tuf_client_refresh(c, e) < 0 || drive(c, fetch, ctx, e) < 0 ||
	    tuf_client_seek(c, target, e) < 0 || drive(c, fetch, ctx, e) < 0 ||
	    tuf_client_found(c, &ret->target, e) < 0 ||
	    tuf_client_role(c, "root", &ret->root_version, &root_expires_ms, e) < 0)
		return -1;
	return tuf_client_role(c, "targets", &ret->targets_version,
			       &ret->targets_expires_ms, e);
}
