/* SPDX-License-Identifier: Apache-2.0 */
#include "repository.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ loading */

/* Version 0: the newest. 1: there is one, in *ret; 0: none. */
static int get(struct store *s, enum metadata_role role, uint64_t version,
	       struct buf *ret, uint64_t *ret_version, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_METADATA_GET, NULL, NULL, NULL, e);
	struct err why = ERR_INIT;

	if (c == NULL)
		return -1;
	c->in.metadata.role = role;
	c->in.metadata.version = version;
	if (store_wait(s, c, &why) != 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		if (e != NULL)
			*e = why;
		return -1;
	}
	buf_init(ret, c->blob.len + 1);
	*ret_version = c->out.metadata_version;
	return buf_add(ret, c->blob.data, c->blob.len, e) == 0 ? 1 : -1;
}

static int load_roots(struct store *s, struct repository *r, struct err *e)
{
	AUTO(buf) struct buf newest = {0};
	int found = get(s, ROLE_ROOT, 0, &newest, &r->version[ROLE_ROOT], e);

	if (found <= 0)
		return found;
	r->roots = calloc(r->version[ROLE_ROOT], sizeof(*r->roots));
	if (r->roots == NULL)
		return err_nomem(e);
	for (uint64_t v = 1; v <= r->version[ROLE_ROOT]; v++) {
		uint64_t got = 0;

		found = get(s, ROLE_ROOT, v, &r->roots[r->n_roots++], &got, e);
		if (found < 0)
			return -1;
		if (found == 0)
			return err_set(e, ERR_INTERNAL, "root version %llu is missing",
				       (unsigned long long)v);
	}
	return 0;
}

static int load_role(struct store *s, const struct online_role *listed,
		     struct repository_role *ret, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_ONLINE_ROLE_GET, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.online_role = *listed;
	if (store_wait(s, c, e) != 0)
		return -1;
	ret->version = listed->version;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", listed->name);
	(void)snprintf(ret->file, sizeof(ret->file), "%s.json", listed->name);
	buf_init(&ret->data, STORE_BLOB_MAX);
	return buf_add(&ret->data, c->blob.data, c->blob.len, e);
}

static int load_roles(struct store *s, struct repository *r, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_ONLINE_ROLE_LIST, NULL, NULL, NULL, e);
	const struct online_role *listed;

	if (c == NULL || store_wait(s, c, e) != 0)
		return -1;
	r->roles = calloc(c->n_items + 1, sizeof(*r->roles));
	if (r->roles == NULL)
		return err_nomem(e);
	for (listed = c->items; r->n_roles < c->n_items; r->n_roles++) {
		if (load_role(s, &listed[r->n_roles], &r->roles[r->n_roles], e) != 0)
			return -1;
	}
	return 0;
}

int repository_load(struct store *s, struct repository *ret, struct err *e)
{
	struct repository r = {0};
	const struct {
		enum metadata_role role;
		struct buf *into;
	} rows[] = {
	    {ROLE_TIMESTAMP, &r.timestamp},
	    {ROLE_SNAPSHOT, &r.snapshot},
	    {ROLE_TARGETS, &r.targets},
	};
	int result = load_roots(s, &r, e);

	for (size_t i = 0; result >= 0 && i < N_ELEMS(rows); i++)
		result =
		    get(s, rows[i].role, 0, rows[i].into, &r.version[rows[i].role], e);
	if (result >= 0)
		result = load_roles(s, &r, e);
	if (result < 0) {
		repository_fini(&r);
		return err_wrap(e, "load the repository");
	}
	*ret = r;
	return 0;
}

void repository_fini(struct repository *r)
{
	for (size_t i = 0; i < r->n_roots; i++)
		buf_fini(&r->roots[i]);
	free(r->roots);
	for (size_t i = 0; i < r->n_roles; i++)
		buf_fini(&r->roles[i].data);
	free(r->roles);
	buf_fini(&r->timestamp);
	buf_fini(&r->snapshot);
	buf_fini(&r->targets);
	*r = (struct repository){0};
}

int repository_add_root(struct repository *r, const struct buf *root, struct err *e)
{
	struct buf *roots = reallocarray(r->roots, r->n_roots + 1, sizeof(*roots));

	if (roots == NULL)
		return err_nomem(e);
	r->roots = roots;
	buf_init(&roots[r->n_roots], root->len + 1);
	if (buf_add(&roots[r->n_roots], root->data, root->len, e) != 0)
		return -1;
	r->n_roots++;
	return 0;
}

const struct buf *repository_root(const struct repository *r)
{
	return &r->roots[r->n_roots - 1];
}

/* ------------------------------------------------------------------ serving it */

/* "<version>.<role>.json" of the one version that there is. */
static bool names(const char *path, uint64_t version, const char *role)
{
	char expected[ONLINE_ROLE_NAME_MAX_LEN + 32];

	return text_format(expected, sizeof(expected), NULL, "%llu.%s.json",
			   (unsigned long long)version, role) == 0 &&
	       strcmp(path, expected) == 0;
}

static const struct buf *serve(const struct repository *r, const char *path)
{
	for (size_t i = 0; i < r->n_roots; i++) {
		if (names(path, i + 1, "root"))
			return &r->roots[i];
	}
	if (strcmp(path, "timestamp.json") == 0 && r->timestamp.len > 0)
		return &r->timestamp;
	if (names(path, r->version[ROLE_SNAPSHOT], "snapshot"))
		return &r->snapshot;
	if (names(path, r->version[ROLE_TARGETS], "targets"))
		return &r->targets;
	for (size_t i = 0; i < r->n_roles; i++) {
		if (names(path, r->roles[i].version, r->roles[i].name))
			return &r->roles[i].data;
	}
	return NULL;
}

/* ------------------------------------------------------------------ the device */

void shelf_fini(struct shelf *s)
{
	while (s->n_items > 0)
		buf_fini(&s->items[--s->n_items].data);
}

static size_t shelf_find(const struct shelf *s, const char *name)
{
	size_t i = 0;

	while (i < s->n_items && strcmp(s->items[i].name, name) != 0)
		i++;
	return i;
}

static int shelf_get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	const struct shelf *s = ctx;
	size_t i = shelf_find(s, name);

	if (i == s->n_items)
		return err_set(e, ERR_NOT_FOUND, "%s", name);
	return buf_add(ret, s->items[i].data.data, s->items[i].data.len, e);
}

static int shelf_put(void *ctx, const char *name, const void *data, size_t len,
		     struct err *e)
{
	struct shelf *s = ctx;
	size_t i = shelf_find(s, name);

	if (i == N_ELEMS(s->items))
		return err_set(e, ERR_LIMIT, "too many files on a device");
	if (i == s->n_items) {
		if (text_copy(s->items[i].name, sizeof(s->items[i].name), name, "name",
			      e) != 0)
			return -1;
		s->n_items++;
	}
	buf_fini(&s->items[i].data);
	buf_init(&s->items[i].data, len + 1);
	return buf_add(&s->items[i].data, data, len, e);
}

static int shelf_del(void *ctx, const char *name, struct err *e)
{
	struct shelf *s = ctx;
	size_t i = shelf_find(s, name);

	(void)e;
	if (i == s->n_items)
		return 0;
	buf_fini(&s->items[i].data);
	s->items[i] = s->items[--s->n_items];
	return 0;
}

static struct tuf_client *client_of(struct shelf *s, int64_t now_ms, struct err *e)
{
	const struct tuf_store store = {shelf_get, shelf_put, shelf_del, s};
	const struct tuf_policy policy = {.now_utc_ms = now_ms};

	return tuf_client_new(&store, &policy, e);
}

int device_make(struct shelf *s, const struct repository *r, struct err *e)
{
	const struct tuf_store store = {shelf_get, shelf_put, shelf_del, s};

	*s = (struct shelf){0};
	return tuf_init(&store, r->roots[0].data, r->roots[0].len, e);
}

static int drive(struct tuf_client *c, const struct repository *r, struct err *e)
{
	struct tuf_request asked;

	while (tuf_client_next(c, &asked) == TUF_FETCH) {
		const struct buf *file = serve(r, asked.path);

		if (file == NULL ? tuf_client_missing(c, e) != 0
				 : tuf_client_give(c, file->data, file->len, e) != 0)
			return -1;
	}
	return 0;
}

int device_refresh(struct shelf *s, const struct repository *r, int64_t now_ms,
		   const char *name, const struct buf *bytes, struct err *e)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = client_of(s, now_ms, e);
	struct tuf_target t;

	if (c == NULL || tuf_client_refresh(c, e) != 0 || drive(c, r, e) != 0)
		return -1;
	if (name == NULL)
		return 0;
	if (tuf_client_seek(c, name, e) != 0 || drive(c, r, e) != 0 ||
	    tuf_client_found(c, &t, e) != 0)
		return -1;
	return tuf_target_check(&t, bytes->data, bytes->len, e);
}

int device_follow(struct shelf *s, const struct buf *root, int64_t now_ms,
		  struct err *e)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = client_of(s, now_ms, e);

	if (c == NULL || tuf_client_refresh(c, e) != 0 ||
	    tuf_client_give(c, root->data, root->len, e) != 0)
		return -1;
	return tuf_client_missing(c, e); /* there is no newer: now its expiry counts */
}
