/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: the audit log, as a list and as C2SP tlog-tiles. */
#include "api.h"

#include "../../common/base/base64.h"
#include "../../common/base/text.h"
#include "../audit/audit_log.h"
#include "../audit/tile_path.h"
#include "../audit/tree.h"

#include <stdlib.h>
#include <string.h>

#define BUNDLE_MAX (AUDIT_TILE_WIDTH * (2u + AUDIT_ENTRY_MAX_LEN))

/* ---- the list ---- */

/* The entry's own members, and where it stands. */
static struct json *render_entry(const struct audit_entry *v, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_parse(v->text, v->len, e);

	if (o == NULL || json_set(o, "entry", json_new_int((int64_t)v->index), e) < 0)
		return NULL;
	return TAKE(o);
}

static void got_list(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct audit_entry *v = c->items;
	struct err e = ERR_INIT;
	char next[24] = "";

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_entry(&v[i], &e), &e) < 0) {
			e.code = ERR_IO; /* what lies there is ours, not the caller's */
			api_fail(a, &e);
			return;
		}
	}
	if (c->more)
		(void)snprintf(next, sizeof(next), "%llu",
			       (unsigned long long)v[c->n_items - 1].index);
	api_reply_page(a, TAKE(list), c->more ? next : NULL);
}

static int read_text(struct api_call *a, const char *name, char *ret, size_t room,
		     struct err *e)
{
	const char *text = http_query(a->http, name);

	return text == NULL ? 0 : text_copy(ret, room, text, name, e);
}

/* ISO 8601 in UTC, or milliseconds as the API writes times. */
static int read_time(struct api_call *a, const char *name, int64_t *ret, struct err *e)
{
	const char *text = http_query(a->http, name);
	uint64_t ms;

	if (text == NULL)
		return 0;
	if (strchr(text, 'T') != NULL)
		return time_parse(text, ret, e) < 0 ? err_wrap(e, "%s", name) : 0;
	if (parse_u64(text, &ms, e) < 0 || ms > INT64_MAX)
		return err_set(e, ERR_FORMAT, "%s: neither milliseconds nor a time",
			       name);
	*ret = (int64_t)ms;
	return 0;
}

static int read_filter(struct api_call *a, struct audit_filter *f, struct err *e)
{
	struct store_page page = {.limit = 0};
	const char *after = http_query(a->http, "after");

	if (api_page(a, &page, true, e) < 0 ||
	    read_text(a, "who", f->who, sizeof(f->who), e) < 0 ||
	    read_text(a, "action", f->action, sizeof(f->action), e) < 0 ||
	    read_text(a, "object", f->object, sizeof(f->object), e) < 0 ||
	    read_time(a, "from", &f->from_ms, e) < 0 ||
	    read_time(a, "to", &f->to_ms, e) < 0)
		return -1;
	f->limit = page.limit;
	f->after = after != NULL && after[0] != '\0';
	f->after_index = page.after_id;
	return 0;
}

void handle_audit_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_AUDIT_LIST, got_list);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_filter(a, &c->in.audit_filter, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

/* ---- tiles ---- */

/* A row that ends before its width does not exist, or not yet. */
static void refuse_tile(struct api_call *a)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_NOT_FOUND, "the log does not reach there");
	api_fail(a, &e);
}

static unsigned width_of(const struct api_call *a)
{
	return ((const struct tile_path *)a->handler_state)->width;
}

static void got_hashes(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	if (c->blob.len != (size_t)width_of(a) * SHA256_LEN)
		refuse_tile(a);
	else
		api_reply_text(a, 200, "application/octet-stream", c->blob.data,
			       c->blob.len);
}

static int add_entry(struct buf *b, const struct audit_entry *v, struct err *e)
{
	const uint8_t len[2] = {(uint8_t)(v->len >> 8), (uint8_t)v->len};

	if (buf_add(b, len, sizeof(len), e) < 0)
		return -1;
	return buf_add(b, v->text, v->len, e);
}

static void got_entries(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO(buf) struct buf bundle = BUF_INIT(BUNDLE_MAX);
	const struct audit_entry *v = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (c->n_items != width_of(a)) {
		refuse_tile(a);
		return;
	}
	for (size_t i = 0; i < c->n_items; i++) {
		if (add_entry(&bundle, &v[i], &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_text(a, 200, "application/octet-stream", bundle.data, bundle.len);
}

void handle_audit_tile(struct api_call *a)
{
	struct tile_path *p = a->handler_state = calloc(1, sizeof(*p));
	struct store_call *c;
	struct err e = ERR_INIT;

	if (p == NULL)
		(void)err_nomem(&e);
	if (p == NULL || tile_path_parse(http_param(a->http, "path"), p, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = p->entries ? api_store(a, STORE_AUDIT_RANGE, got_entries)
		       : api_store(a, STORE_AUDIT_HASHES, got_hashes);
	if (c == NULL)
		return;
	c->in.audit_range = (struct audit_range){
	    .tile_level = p->level, .from = p->index * AUDIT_TILE_WIDTH, .n = p->width};
	api_submit(a, c);
}

/* ---- what waits for the store: in a worker's thread ---- */

struct audit_job {
	struct job job;
	struct api_call *call;
	struct audit_log *log;
	struct audit_tree tree;
	int (*act)(struct audit_job *j, struct err *e);
	uint64_t from, to; /* of a proof */
	struct buf text;   /* the answer */
	const char *type;
	struct err err;
};

static void run_audit(struct job *job)
{
	struct audit_job *j = (struct audit_job *)job;

	if (j->act(j, &j->err) == 0)
		err_clear(&j->err);
}

/* A log that does not continue what was signed is not the caller's fault, and is told. */
static void tell(struct api_call *a, const struct err *why)
{
	struct err e = *why;

	if (e.code == ERR_ROLLBACK || e.code == ERR_UNTRUSTED) {
		log_failure(a->api->log, LOG_ERROR, "audit", "nothing is signed", &e);
		e.code = ERR_CONFLICT;
	}
	api_fail(a, &e);
}

static void ran_audit(struct job *job)
{
	struct audit_job *j = (struct audit_job *)job;

	if (j->err.code != ERR_NONE)
		tell(j->call, &j->err);
	else
		api_reply_text(j->call, 200, j->type, j->text.data, j->text.len);
	buf_fini(&j->text);
	free(j);
}

static struct audit_job *job_of(struct api_call *a, const char *type,
				int (*act)(struct audit_job *j, struct err *e))
{
	struct audit_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		api_fail(a, &(struct err){.code = ERR_NO_MEMORY});
		return NULL;
	}
	j->job = (struct job){
	    .run = run_audit, .done = ran_audit, .loop = http_loop(a->http)};
	j->call = a;
	j->log = a->api->audit;
	j->tree.store = a->api->store;
	memcpy(j->tree.tenant, a->tenant, sizeof(j->tree.tenant));
	j->act = act;
	j->type = type;
	buf_init(&j->text, 64u * 1024);
	return j;
}

static int act_checkpoint(struct audit_job *j, struct err *e)
{
	return audit_log_checkpoint(j->log, j->tree.tenant, &j->text, e);
}

void handle_audit_checkpoint(struct api_call *a)
{
	struct audit_job *j = job_of(a, "text/plain; charset=utf-8", act_checkpoint);

	if (j != NULL)
		worker_submit(a->api->worker, &j->job);
}

void handle_audit_key(struct api_call *a)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char vkey[NOTE_VKEY_MAX_LEN + 1];
	struct err e = ERR_INIT;

	if (o == NULL || audit_log_vkey(a->api->audit, a->tenant, vkey, &e) < 0 ||
	    json_set(o, "key", json_new_text(vkey), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static int write_proof(const struct merkle_proof *p, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *list = json_new_array();
	char text[BASE64_LEN(SHA256_LEN) + 1];

	for (size_t i = 0; i < p->n; i++) {
		base64_encode(p->hashes[i], SHA256_LEN, text);
		if (json_append(list, json_new_text(text), e) < 0)
			return -1;
	}
	if (o == NULL || json_set(o, "hashes", TAKE(list), e) < 0)
		return -1;
	return json_write(o, ret, e);
}

/* What the log does not have yet cannot be proven. */
static int check_within(struct audit_job *j, uint64_t size, struct err *e)
{
	struct audit_head head;

	if (audit_tree_head(&j->tree, &head, e) < 0)
		return -1;
	return size <= head.size ? 0
				 : err_set(e, ERR_NOT_FOUND, "the log has %llu entries",
					   (unsigned long long)head.size);
}

static int act_inclusion(struct audit_job *j, struct err *e)
{
	struct merkle_proof p;

	if (check_within(j, j->to, e) < 0 ||
	    merkle_prove_inclusion(audit_tree_read, &j->tree, j->from, j->to, &p, e) <
		0)
		return -1;
	return write_proof(&p, &j->text, e);
}

static int act_consistency(struct audit_job *j, struct err *e)
{
	struct merkle_proof p;

	if (check_within(j, j->to, e) < 0 ||
	    merkle_prove_consistency(audit_tree_read, &j->tree, j->from, j->to, &p, e) <
		0)
		return -1;
	return write_proof(&p, &j->text, e);
}

static int read_number(struct api_call *a, const char *name, uint64_t *ret,
		       struct err *e)
{
	const char *text = http_query(a->http, name);

	if (text == NULL)
		return err_set(e, ERR_FORMAT, "%s: missing", name);
	return parse_u64(text, ret, e) < 0 ? err_wrap(e, "%s", name) : 0;
}

static void prove(struct api_call *a, const char *from, const char *to,
		  int (*act)(struct audit_job *j, struct err *e))
{
	struct audit_job *j = job_of(a, "application/json", act);
	struct err e = ERR_INIT;

	if (j == NULL)
		return;
	if (read_number(a, from, &j->from, &e) < 0 ||
	    read_number(a, to, &j->to, &e) < 0) {
		free(j);
		api_fail(a, &e);
		return;
	}
	worker_submit(a->api->worker, &j->job);
}

void handle_audit_inclusion(struct api_call *a)
{
	prove(a, "entry", "size", act_inclusion);
}

void handle_audit_consistency(struct api_call *a)
{
	prove(a, "from", "to", act_consistency);
}
