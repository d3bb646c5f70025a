/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "scope.h"

#include <stdio.h>
#include <stdlib.h>

const verb_fn store_verb_fns[N_STORE_VERBS] = {
#define X(verb, kind) [STORE_##verb] = verb_##verb,
    STORE_VERBS(X)
#undef X
};

int store_run_read(struct conn *db, struct store_call *c, struct err *e)
{
	if (scope_check(db, c, e) < 0)
		return -1;
	return store_verb_fns[c->verb](db, c, e);
}

/* The entry, and an event that tells of it: whoever shows the log, or what only it tells
 * of (users, tokens), reads anew. */
static int append_entry(struct conn *db, struct store_call *c, struct err *e)
{
	struct event v = {.type = EVENT_AUDIT};
	uint64_t entry;

	if (audit_append(db, c, &entry, e) < 0)
		return -1;
	(void)snprintf(v.subject, sizeof(v.subject), "%llu", (unsigned long long)entry);
	c->more_events = true;
	return event_insert(db, c, &v, e);
}

int store_run_write(struct conn *db, struct store_call *c, struct err *e)
{
	if (scope_check(db, c, e) < 0 || store_verb_fns[c->verb](db, c, e) < 0)
		return -1;
	for (size_t i = 0; i < c->n_events; i++) {
		if (event_insert(db, c, &c->events[i], e) < 0)
			return -1;
	}
	if (c->audit.by.kind == AUDIT_NONE)
		return 0;
	audit_complete_object(c, NULL);
	return append_entry(db, c, e) < 0 ? err_wrap(e, "audit log") : 0;
}

#define FIRST_ROOM 16

/* Makes room for one more; the array doubles up to limit. */
static int grow_items(struct store_call *c, size_t *room, size_t limit,
		      size_t item_size, struct err *e)
{
	size_t more = *room == 0 ? FIRST_ROOM : *room * 2;
	void *p;

	if (c->n_items < *room)
		return 0;
	if (more > limit)
		more = limit;
	p = reallocarray(c->items, more, item_size);
	if (p == NULL)
		return err_nomem(e);
	c->items = p;
	*room = more;
	return 0;
}

int load_items(struct query *q, struct store_call *c, size_t limit, size_t item_size,
	       int (*load)(struct conn *db, const char *tenant, const struct query *q,
			   void *ret_item, struct err *e),
	       struct err *e)
{
	size_t room = 0;
	bool row;

	free(c->items);
	c->items = NULL;
	c->n_items = 0;
	c->more = false;
	for (;;) {
		if (query_step(q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		if (c->n_items == limit) {
			c->more = true;
			return 0;
		}
		if (grow_items(c, &room, limit, item_size, e) < 0 ||
		    load(q->conn, c->tenant, q,
			 (char *)c->items + c->n_items * item_size, e) < 0)
			return -1;
		c->n_items++;
	}
}

int step_one(struct query *q, const char *what, const char *id, struct err *e)
{
	bool row;

	if (query_step(q, &row, e) < 0)
		return -1;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.128s\"", what, id);
	return 0;
}

unsigned page_limit(const struct store_page *p)
{
	return p->limit == 0 || p->limit > STORE_LIST_MAX ? STORE_LIST_MAX : p->limit;
}
