/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log in the database.
 *
 * Appending is part of another verb's transaction: lock the tree's row, hash the entry,
 * carry the frontier on, put both back. A write that is undone takes its entry with it,
 * so indices have no gaps; two nodes on one database wait for each other at the row.
 *
 *	audit_tree	size and frontier: all that the next append and the root need
 *	audit		an entry a row, with its leaf hash: tile level 0
 *	audit_node	subtrees of height 8, 16, ..: tile levels 1, 2, ..
 */
#include "audit_entry.h"
#include "verbs.h"

#include "../../common/base/bytes.h"

#include <string.h>

/* ---- appending ---- */

static int read_frontier(const struct query *q, struct merkle_frontier *ret,
			 struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(sizeof(ret->hashes));

	*ret = (struct merkle_frontier){.size = (uint64_t)query_int(q, 0)};
	if (query_blob(q, 1, &bytes, e) < 0)
		return -1;
	if (bytes.len != (size_t)merkle_frontier_len(ret->size) * SHA256_LEN)
		return err_set(e, ERR_IO, "the audit log's frontier is damaged");
	if (bytes.len > 0)
		memcpy(ret->hashes, bytes.data, bytes.len);
	return 0;
}

static int try_take_tree(struct conn *db, const char *tenant, bool *ret_there,
			 struct merkle_frontier *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_AUDIT_TREE_TAKE, &q, e, ARGS(ARG_T(tenant))) < 0 ||
	    query_step(&q, ret_there, e) < 0)
		return -1;
	if (!*ret_there)
		return 0;
	/* step to the end: then the update is over */
	return read_frontier(&q, ret, e) < 0 ? -1 : query_step(&q, &row, e);
}

static int take_tree(struct conn *db, const char *tenant, struct merkle_frontier *ret,
		     struct err *e)
{
	bool there;

	if (try_take_tree(db, tenant, &there, ret, e) < 0)
		return -1;
	if (there)
		return 0;
	if (query_run(db, SQL_AUDIT_TREE_MAKE, e, ARGS(ARG_T(tenant), ARG_B("", 0))) <
		0 ||
	    try_take_tree(db, tenant, &there, ret, e) < 0)
		return -1;
	return there ? 0 : err_set(e, ERR_INTERNAL, "the audit log has no tree");
}

struct appending {
	struct conn *db;
	const char *tenant;
};

static int keep_node(void *ctx, unsigned level, uint64_t i,
		     const uint8_t hash[SHA256_LEN], struct err *e)
{
	const struct appending *a = ctx;

	if (level % AUDIT_TILE_HEIGHT != 0)
		return 0;
	return query_run(a->db, SQL_AUDIT_NODE_INSERT, e,
			 ARGS(ARG_T(a->tenant), ARG_I(level / AUDIT_TILE_HEIGHT),
			      ARG_I(i), ARG_B(hash, SHA256_LEN)));
}

int audit_append(struct conn *db, const struct store_call *c, uint64_t *ret_entry,
		 struct err *e)
{
	const struct audit_record *r = &c->audit;
	AUTO(buf) struct buf text = BUF_INIT(AUDIT_ENTRY_MAX_LEN);
	struct appending a = {db, c->tenant};
	struct merkle_frontier f;
	uint8_t leaf[SHA256_LEN];

	if (audit_entry_write(c->tenant, c->now_ms, r, &text, e) < 0 ||
	    merkle_leaf(text.data, text.len, leaf, e) < 0 ||
	    take_tree(db, c->tenant, &f, e) < 0)
		return -1;
	*ret_entry = f.size;
	if (query_run(db, SQL_AUDIT_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(f.size), ARG_I(c->now_ms),
			   ARG_T(r->by.who), ARG_T(r->action), ARG_T(r->object),
			   ARG_T(buf_str(&text)), ARG_B(leaf, SHA256_LEN))) < 0 ||
	    merkle_append(&f, leaf, keep_node, &a, e) < 0)
		return -1;
	return query_run(
	    db, SQL_AUDIT_TREE_PUT, e,
	    ARGS(ARG_T(c->tenant), ARG_I(f.size),
		 ARG_B(f.hashes, (size_t)merkle_frontier_len(f.size) * SHA256_LEN)));
}

void audit_complete_object(struct store_call *c, const char *id)
{
	size_t len = strlen(c->audit.object);

	if (len == 0 || c->audit.object[len - 1] != '/')
		return;
	if (id == NULL)
		c->audit.object[len - 1] = '\0';
	else
		(void)snprintf(c->audit.object + len, sizeof(c->audit.object) - len,
			       "%s", id);
}

void audit_complete_number(struct store_call *c, uint64_t id)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	audit_complete_object(c, text);
}

/* Nothing but the record that every write may carry. */
int verb_AUDIT_NOTE(struct conn *db, struct store_call *c, struct err *e)
{
	(void)db;
	return c->audit.by.kind == AUDIT_NONE
		   ? err_set(e, ERR_INTERNAL, "an audit note without a record")
		   : 0;
}

/* ---- reading ---- */

int verb_AUDIT_HEAD(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	struct merkle_frontier f = {0};
	bool row;

	if (query_open(db, SQL_AUDIT_TREE_GET, &q, e, ARGS(ARG_T(c->tenant))) < 0 ||
	    query_step(&q, &row, e) < 0 || (row && read_frontier(&q, &f, e) < 0))
		return -1;
	c->out.audit_head.size = f.size;
	return merkle_root(&f, c->out.audit_head.root, e);
}

static int add_hashes(struct query *q, struct buf *ret, struct err *e)
{
	uint8_t hash[SHA256_LEN];
	bool row;

	for (;;) {
		if (query_step(q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_bytes(q, 0, hash, SHA256_LEN);
		if (buf_add(ret, hash, SHA256_LEN, e) < 0)
			return -1;
	}
}

int verb_AUDIT_HASHES(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	const struct arg args[] = {ARG_T(c->tenant), ARG_I(c->in.audit_range.from),
				   ARG_I(c->in.audit_range.n),
				   ARG_I(c->in.audit_range.tile_level)};
	bool leaves = c->in.audit_range.tile_level == 0;

	buf_clear(&c->blob);
	if (query_open(db, leaves ? SQL_AUDIT_LEAVES : SQL_AUDIT_NODES, &q, e, args,
		       leaves ? 3 : 4) < 0)
		return -1;
	return add_hashes(&q, &c->blob, e);
}

static int load_entry(struct conn *db, const char *tenant, const struct query *q,
		      void *ret, struct err *e)
{
	struct audit_entry *v = ret;

	(void)db;
	(void)tenant;
	(void)e;
	v->index = (uint64_t)query_int(q, 0);
	v->at = query_int(q, 1);
	query_bytes(q, 2, v->leaf, SHA256_LEN);
	query_text(q, 3, v->text, sizeof(v->text));
	v->len = strlen(v->text);
	return 0;
}

static unsigned limit_of(uint64_t n)
{
	return n == 0 || n > STORE_LIST_MAX ? STORE_LIST_MAX : (unsigned)n;
}

int verb_AUDIT_RANGE(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = limit_of(c->in.audit_range.n);

	if (query_open(db, SQL_AUDIT_RANGE, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.audit_range.from),
			    ARG_I(limit))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct audit_entry), load_entry, e);
}

/* ---- lists: only the conditions that are asked for, so that each finds its index ----
 */

#define MAX_CONDITIONS 8

struct conditions {
	struct buf *text;
	struct arg args[MAX_CONDITIONS];
	size_t n;
};

static int add_condition(struct conditions *w, bool wanted, const char *text,
			 struct arg value, struct err *e)
{
	if (!wanted)
		return 0;
	w->args[w->n++] = value;
	return buf_printf(w->text, e, "AND %s?%zu ", text, w->n);
}

/* The order is (at, n): the clock may have been set back between two entries. */
static int write_list(struct conditions *w, const char *tenant,
		      const struct audit_filter *f, struct err *e)
{
	w->args[w->n++] = ARG_T(tenant);
	if (buf_add_str(w->text, AUDIT_COLUMNS, e) < 0 ||
	    add_condition(w, f->who[0] != '\0', "who = ", ARG_T(f->who), e) < 0 ||
	    add_condition(w, f->action[0] != '\0', "action = ", ARG_T(f->action), e) <
		0 ||
	    add_condition(w, f->object[0] != '\0', "object = ", ARG_T(f->object), e) <
		0 ||
	    add_condition(w, f->from_ms != 0, "at >= ", ARG_I(f->from_ms), e) < 0 ||
	    add_condition(w, f->to_ms != 0, "at < ", ARG_I(f->to_ms), e) < 0)
		return -1;
	if (f->after) {
		w->args[w->n++] = ARG_I(f->after_index);
		if (buf_printf(w->text, e,
			       "AND (at, n) < (SELECT b.at, b.n FROM audit b "
			       "WHERE b.tenant = ?1 AND b.n = ?%zu) ",
			       w->n) < 0)
			return -1;
	}
	w->args[w->n++] = ARG_I(limit_of(f->limit) + 1);
	return buf_printf(w->text, e, "ORDER BY at DESC, n DESC LIMIT ?%zu", w->n);
}

int verb_AUDIT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	AUTO(query) struct query q = QUERY_INIT;
	struct conditions w = {.text = &text};

	if (write_list(&w, c->tenant, &c->in.audit_filter, e) < 0 ||
	    query_open_text(db, buf_str(&text), &q, e, w.args, w.n) < 0)
		return -1;
	return load_items(&q, c, limit_of(c->in.audit_filter.limit),
			  sizeof(struct audit_entry), load_entry, e);
}
