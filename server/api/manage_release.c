/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: uploads, releases, the repository's root and the server's own
 * keys. */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

/* ---- uploads ---- */

static struct json *render_upload(const struct upload *u, bool with_part, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "id", json_new_text(u->id), e) < 0 ||
	    json_set(o, "size", json_new_int((int64_t)u->size), e) < 0 ||
	    json_set(o, "offset", json_new_int((int64_t)u->offset), e) < 0 ||
	    (with_part &&
	     json_set(o, "part_max", json_new_int(UPLOAD_PART_MAX_BYTES), e) < 0))
		return NULL;
	return TAKE(o);
}

static void answer_upload(struct api_call *a, int status, const struct upload *u)
{
	struct err e = ERR_INIT;
	struct json *o = render_upload(u, true, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

static void upload_begun(void *ctx, const struct upload *u, const struct artifact *f,
			 const struct err *e)
{
	(void)f;
	if (e->code != ERR_NONE)
		api_fail(ctx, e);
	else
		answer_upload(ctx, 201, u);
}

void handle_uploads_create(struct api_call *a)
{
	struct home *home = api_home(a);
	static const char *const names[] = {"size", "sha256", NULL};
	uint8_t sha256[SHA256_LEN];
	struct err e = ERR_INIT;
	uint64_t size;

	if (home == NULL)
		return;
	if (api_body(a, names, &e) < 0 ||
	    json_get_u64(a->body, "size", &size, &e) < 0 ||
	    api_hex_member(a, "sha256", sha256, &e) < 0)
		api_fail(a, &e);
	else
		upload_begin(&home->uploads, http_loop(a->http), size, sha256,
			     upload_begun, a);
}

static void upload_got(void *ctx, const struct upload *u, const struct artifact *f,
		       const struct err *e)
{
	(void)f;
	if (e->code != ERR_NONE)
		api_fail(ctx, e);
	else
		answer_upload(ctx, 200, u);
}

/* Ids in a path go on as they are; what is too long cannot be one of ours. */
static const char *upload_id(struct api_call *a)
{
	const char *id = http_param(a->http, "id");

	return strlen(id) > UPLOAD_ID_LEN ? "" : id;
}

void handle_uploads_get(struct api_call *a)
{
	struct home *home = api_home(a);

	if (home == NULL)
		return;
	upload_get(&home->uploads, http_loop(a->http), upload_id(a), upload_got, a);
}

/* A conflict tells where to go on. */
static void answer_conflict(struct api_call *a, const struct upload *u,
			    const struct err *e)
{
	api_reply_problem(a, e, render_upload(u, true, NULL));
}

static void upload_written(void *ctx, const struct upload *u, const struct artifact *f,
			   const struct err *e)
{
	(void)f;
	if (e->code == ERR_CONFLICT && u != NULL)
		answer_conflict(ctx, u, e);
	else if (e->code != ERR_NONE)
		api_fail(ctx, e);
	else
		answer_upload(ctx, 200, u);
}

void handle_uploads_put(struct api_call *a)
{
	struct home *home = api_home(a);
	const char *text = http_query(a->http, "offset");
	struct err e = ERR_INIT;
	uint64_t offset;
	size_t len;
	const void *data = http_body(a->http, &len);

	if (home == NULL)
		return;
	if (text == NULL)
		(void)err_set(&e, ERR_FORMAT, "?offset=N is missing");
	if (text == NULL || parse_u64(text, &offset, &e) < 0)
		api_fail(a, &e);
	else
		upload_write(&home->uploads, http_loop(a->http), upload_id(a), offset,
			     data, len, upload_written, a);
}

static void upload_committed(void *ctx, const struct upload *u,
			     const struct artifact *f, const struct err *e)
{
	struct api_call *a = ctx;
	AUTO_PTR(json) struct json *o = json_new_object();

	if (e->code == ERR_CONFLICT && u != NULL)
		answer_conflict(a, u, e);
	else if (e->code != ERR_NONE)
		api_fail(a, e);
	else if (o == NULL ||
		 json_set(o, "sha256", json_new_hex(f->sha256, SHA256_LEN), NULL) < 0)
		api_fail(a,
			 &(struct err){.code = ERR_NO_MEMORY, .text = "out of memory"});
	else
		api_reply_json(a, 200, TAKE(o));
}

void handle_uploads_commit(struct api_call *a)
{
	struct home *home = api_home(a);

	if (home == NULL)
		return;
	upload_commit(&home->uploads, http_loop(a->http), upload_id(a),
		      upload_committed, a);
}

static void upload_dropped(void *ctx, const struct upload *u, const struct artifact *f,
			   const struct err *e)
{
	(void)u;
	(void)f;
	if (e->code != ERR_NONE)
		api_fail(ctx, e);
	else
		api_reply_empty(ctx, 204);
}

void handle_uploads_delete(struct api_call *a)
{
	struct home *home = api_home(a);

	if (home == NULL)
		return;
	upload_drop(&home->uploads, http_loop(a->http), upload_id(a), upload_dropped,
		    a);
}

/* ---- releases ---- */

static void got_releases(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct release *r = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_release(&r[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), c->more ? r[c->n_items - 1].id : NULL);
}

void handle_releases_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_RELEASE_LIST, got_releases);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, false, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

static void answer_release(struct api_call *a, int status, const struct release *r)
{
	struct err e = ERR_INIT;
	struct json *o = render_release(r, &e);

	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, status, o);
}

static void got_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_release(a, 200, &c->out.release);
}

void handle_releases_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_RELEASE_GET, got_release);
	const char *id = http_param(a->http, "id");

	if (c == NULL)
		return;
	(void)snprintf(c->in.release_id, sizeof(c->in.release_id), "%s",
		       strlen(id) > RELEASE_ID_LEN ? "" : id);
	api_submit(a, c);
}

/* A publication under way: what it went through is told, also where it ended. */
struct release_ask {
	struct api_call *a;
	struct publish_steps steps;
};

static struct json *render_steps(const struct publish_steps *s)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < s->n_passed; i++) {
		AUTO_PTR(json) struct json *o = json_new_object();
		const char *name = publish_step_name(s->passed[i].step);

		if (json_set(o, "step", json_new_text(name), NULL) < 0 ||
		    json_set(o, "text", json_new_text(s->passed[i].text), NULL) < 0 ||
		    json_append(list, TAKE(o), NULL) < 0)
			return NULL;
	}
	return TAKE(list);
}

/* NULL for want of memory: then it is told without them. */
static struct json *refused_with(const struct publish_steps *s)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (!s->begun || json_set(o, "checks", render_steps(s), NULL) < 0 ||
	    json_set(o, "step", json_new_text(publish_step_name(s->at)), NULL) < 0)
		return NULL;
	return TAKE(o);
}

static void answer_published(struct api_call *a, const struct release *r,
			     const struct publish_steps *s)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *o = render_release(r, &e);

	if (o == NULL || json_set(o, "checks", render_steps(s), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 201, TAKE(o));
}

static void released(void *ctx, const struct release *r, const struct err *e)
{
	AUTO_FREE struct release_ask *ask = ctx;
	struct json *more = e->code == ERR_NONE ? NULL : refused_with(&ask->steps);

	if (e->code == ERR_NONE && ask->a->api->deltas != NULL)
		deltas_wake(ask->a->api->deltas);
	if (e->code == ERR_NONE)
		answer_published(ask->a, r, &ask->steps);
	else if (more == NULL)
		api_fail(ask->a, e);
	else
		api_reply_problem(ask->a, e, more);
}

static int read_request(struct api_call *a, struct publish_request *q, struct err *e)
{
	static const char *const names[] = {"targets", "root", "manifest", "descriptor",
					    "head",    "body", NULL};

	if (api_body(a, names, e) < 0)
		return -1;
	q->has_root = json_get(a->body, "root") != NULL;
	if (q->has_root && api_hex_member(a, "root", q->root, e) < 0)
		return -1;
	if (api_hex_member(a, "targets", q->targets, e) < 0 ||
	    api_hex_member(a, "manifest", q->manifest, e) < 0)
		return -1;
	q->has_payload = json_get(a->body, "descriptor") != NULL ||
			 json_get(a->body, "head") != NULL ||
			 json_get(a->body, "body") != NULL;
	if (!q->has_payload)
		return 0;
	if (api_hex_member(a, "descriptor", q->descriptor, e) < 0 ||
	    api_hex_member(a, "head", q->head, e) < 0)
		return -1;
	return api_hex_member(a, "body", q->body, e);
}

void handle_releases_create(struct api_call *a)
{
	struct home *home = api_home(a);
	struct publish_request q = {.by = api_actor(a)};
	struct release_ask *ask;
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	if (read_request(a, &q, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	ask->a = a;
	q.steps = &ask->steps;
	publisher_release(home->publisher, http_loop(a->http), &q, released, ask);
}

/* ---- the repository ---- */

static void metadata_published(void *ctx, const struct release *r, const struct err *e)
{
	(void)r;
	if (e->code != ERR_NONE)
		api_fail(ctx, e);
	else
		api_reply_empty(ctx, 204);
}

void handle_repository_root(struct api_call *a)
{
	struct home *home = api_home(a);
	static const char *const names[] = {"root", NULL};
	const struct audit_actor by = api_actor(a);
	uint8_t root[SHA256_LEN];
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	if (api_body(a, names, &e) < 0 || api_hex_member(a, "root", root, &e) < 0)
		api_fail(a, &e);
	else
		publisher_root(home->publisher, http_loop(a->http), root, &by,
			       metadata_published, a);
}

void handle_repository_targets(struct api_call *a)
{
	struct home *home = api_home(a);
	static const char *const names[] = {"targets", NULL};
	const struct audit_actor by = api_actor(a);
	uint8_t targets[SHA256_LEN];
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	if (api_body(a, names, &e) < 0 || api_hex_member(a, "targets", targets, &e) < 0)
		api_fail(a, &e);
	else
		publisher_targets(home->publisher, http_loop(a->http), targets, &by,
				  metadata_published, a);
}

/* As a key stands in TUF metadata. */
static struct json *render_key(const struct pubkey *k, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO(buf) struct buf text = BUF_INIT(4096);
	bool ed25519 = pubkey_scheme(k) == KEY_ED25519;

	if (o == NULL || pubkey_to_text(k, &text, e) < 0 ||
	    json_set(o, "keytype", json_new_text(ed25519 ? "ed25519" : "ecdsa"), e) <
		0 ||
	    json_set(o, "scheme",
		     json_new_text(ed25519 ? "ed25519" : "ecdsa-sha2-nistp256"),
		     e) < 0 ||
	    json_set(o, "public", json_new_text(buf_str(&text)), e) < 0)
		return NULL;
	return TAKE(o);
}

void handle_repository_keys(struct api_call *a)
{
	struct home *home = api_home(a);
	AUTO_PTR(json) struct json *o = json_new_object();
	struct signer *s;
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	s = home->signer;
	if (o == NULL ||
	    json_set(o, "snapshot", render_key(signer_snapshot_key(s), &e), &e) < 0 ||
	    json_set(o, "timestamp", render_key(signer_timestamp_key(s), &e), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}
