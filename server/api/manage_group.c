/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: groups and products. */
#include "select.h"

#include "../../common/base/text.h"
#include "../fleet/render_fleet.h"

#include <stdlib.h>
#include <string.h>

/* A name out of the path; one that is too long for any is one that is not. */
static int name_param(struct api_call *a, char *ret, size_t room, const char *what,
		      struct err *e)
{
	const char *text = http_param(a->http, "id");

	if (text_copy(ret, room, text, what, NULL) < 0)
		return err_set(e, ERR_NOT_FOUND, "there is no %s of such a long name",
			       what);
	return 0;
}

static void fail_call(struct api_call *a, struct store_call *c, const struct err *e)
{
	store_call_free(c);
	api_fail(a, e);
}

/* ---- lists ---- */

static void got_groups(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct fleet_group *g = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_group(&g[i], NULL, &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), c->more ? g[c->n_items - 1].name : NULL);
}

static void got_products(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *list = json_new_array();
	const struct product *p = c->items;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		if (json_append(list, render_product(&p[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	api_reply_page(a, TAKE(list), c->more ? p[c->n_items - 1].name : NULL);
}

static void list(struct api_call *a, enum store_verb v,
		 void (*done)(struct store_call *c))
{
	struct store_call *c = api_store(a, v, done);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, false, &e) < 0)
		fail_call(a, c, &e);
	else
		api_submit(a, c);
}

void handle_groups_list(struct api_call *a)
{
	list(a, STORE_GROUP_LIST, got_groups);
}

void handle_products_list(struct api_call *a)
{
	list(a, STORE_PRODUCT_LIST, got_products);
}

/* ---- one group, with how many devices are in it ---- */

struct group_answer {
	struct fleet_group group;
	struct filter filter;
	int status;
};

static void got_group_count(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct group_answer *g = a->handler_state;
	struct err e = ERR_INIT;
	struct json *o;

	if (api_failed(a, c))
		return;
	o = render_group(&g->group, &c->out.count, &e);
	if (o == NULL) {
		api_fail(a, &e);
		return;
	}
	api_tag(a, "%llu.%llu", (unsigned long long)g->group.revision,
		(unsigned long long)c->out.count.n);
	api_reply_json(a, g->status, o);
}

static void answer_group(struct api_call *a, const struct fleet_group *group,
			 int status)
{
	struct group_answer *g = calloc(1, sizeof(*g));
	struct store_call *c = api_store(a, STORE_DEVICE_COUNT, got_group_count);
	char text[GROUP_NAME_MAX_LEN + 16];
	struct err e = ERR_INIT;

	if (c == NULL) {
		free(g);
		return;
	}
	free(a->handler_state);
	a->handler_state = g;
	if (g == NULL)
		(void)err_nomem(&e);
	if (g == NULL ||
	    text_format(text, sizeof(text), &e, "group==\"%s\"", group->name) < 0 ||
	    filter_parse(text, &g->filter, &e) < 0) {
		fail_call(a, c, &e);
		return;
	}
	g->group = *group;
	g->status = status;
	c->in.select.filter = &g->filter;
	api_submit(a, c);
}

static void got_group(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_group(a, &c->out.group, 200);
}

void handle_groups_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_GROUP_GET, got_group);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (name_param(a, c->in.name, sizeof(c->in.name), "group", &e) < 0)
		fail_call(a, c, &e);
	else
		api_submit(a, c);
}

/* ---- making and changing groups ---- */

/* Fills the group from the body; a rule is parsed here for its column, and compiled by the
 * store for the groups that it names. */
static int read_group(struct api_call *a, struct fleet_group *g, struct err *e)
{
	AUTO_FREE struct filter *f = malloc(sizeof(*f));
	bool there;

	if (f == NULL)
		return err_nomem(e);
	if (body_text(a, "about", g->about, sizeof(g->about), &there, e) < 0 ||
	    body_text(a, "filter", g->rule, sizeof(g->rule), &there, e) < 0)
		return -1;
	g->is_rule = there && g->rule[0] != '\0';
	if (g->is_rule && filter_parse(g->rule, f, e) < 0)
		return err_wrap(e, "filter");
	return 0;
}

static void group_made(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		answer_group(a, &c->out.group, c->in.group_put.create ? 201 : 200);
}

void handle_groups_create(struct api_call *a)
{
	static const char *const names[] = {"name", "about", "filter", NULL};
	struct store_call *c = api_store(a, STORE_GROUP_PUT, group_made);
	struct fleet_group *g;
	struct err e = ERR_INIT;
	const char *name;

	if (c == NULL)
		return;
	g = &c->in.group_put.group;
	c->in.group_put.create = true;
	if (api_body(a, names, &e) < 0 ||
	    json_get_text(a->body, "name", &name, &e) < 0 ||
	    group_name_check(name, &e) < 0 ||
	    text_copy(g->name, sizeof(g->name), name, "name", &e) < 0 ||
	    read_group(a, g, &e) < 0) {
		fail_call(a, c, &e);
		return;
	}
	api_audit_id(a, g->name);
	store_call_event_of(c, EVENT_GROUP, g->name);
	api_submit(a, c);
}

/* PUT: what the body does not say is not so any more. */
void handle_groups_put(struct api_call *a)
{
	static const char *const names[] = {"about", "filter", NULL};
	struct store_call *c = api_store(a, STORE_GROUP_PUT, group_made);
	struct fleet_group *g;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	g = &c->in.group_put.group;
	if (name_param(a, g->name, sizeof(g->name), "group", &e) < 0 ||
	    api_matched_revision(a, &c->in.group_put.expect_revision, &e) < 0 ||
	    group_name_check(g->name, &e) < 0 || api_body(a, names, &e) < 0 ||
	    read_group(a, g, &e) < 0) {
		fail_call(a, c, &e);
		return;
	}
	store_call_event_of(c, EVENT_GROUP, g->name);
	api_submit(a, c);
}

static void gone(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_empty(a, 204);
}

void handle_groups_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_GROUP_DELETE, gone);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (name_param(a, c->in.name, sizeof(c->in.name), "group", &e) < 0) {
		fail_call(a, c, &e);
		return;
	}
	store_call_event_of(c, EVENT_GROUP, c->in.name);
	api_submit(a, c);
}

/* ---- members ---- */

static int read_members(struct api_call *a, struct store_call *c, struct err *e)
{
	static const char *const names[] = {"add", "remove", "set", NULL};
	const struct json *list = NULL;
	const char *which = NULL;
	struct device_id *ids;

	if (api_body(a, names, e) < 0)
		return -1;
	for (size_t i = 0; names[i] != NULL; i++) {
		if (json_get(a->body, names[i]) == NULL)
			continue;
		if (which != NULL)
			return err_set(e, ERR_FORMAT, "one of add, remove and set");
		which = names[i];
	}
	if (which == NULL)
		return err_set(e, ERR_FORMAT, "one of add, remove and set");
	c->in.members.remove = strcmp(which, "remove") == 0;
	c->in.members.replace = strcmp(which, "set") == 0;
	if (json_get_array(a->body, which, &list, e) < 0)
		return -1;
	ids = store_call_items(c, json_len(list), sizeof(*ids), e);
	for (size_t i = 0; ids != NULL && i < json_len(list); i++) {
		const char *id = json_text(json_at(list, i));

		if (device_id_check(id == NULL ? "" : id, e) < 0 ||
		    text_copy(ids[i].id, sizeof(ids[i].id), id, which, e) < 0)
			return err_wrap(e, "field \"%s\"", which);
	}
	return ids == NULL ? -1 : 0;
}

void handle_groups_members(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_GROUP_MEMBERS, got_group);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (name_param(a, c->in.members.group, sizeof(c->in.members.group), "group",
		       &e) < 0 ||
	    read_members(a, c, &e) < 0) {
		fail_call(a, c, &e);
		return;
	}
	store_call_event_of(c, EVENT_GROUP, c->in.members.group);
	api_submit(a, c);
}

/* ---- products ---- */

static void got_product(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;
	struct json *o;

	if (api_failed(a, c))
		return;
	o = render_product(&c->out.product, &e);
	if (o == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, o);
}

void handle_products_get(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PRODUCT_GET, got_product);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (name_param(a, c->in.name, sizeof(c->in.name), "product", &e) < 0)
		fail_call(a, c, &e);
	else
		api_submit(a, c);
}

static int read_hardware(struct api_call *a, struct product *p, struct err *e)
{
	const struct json *list = NULL;

	if (json_get(a->body, "hardware") == NULL)
		return 0;
	if (json_get_array(a->body, "hardware", &list, e) < 0)
		return -1;
	if (json_len(list) > PRODUCT_MAX_HARDWARE)
		return err_set(e, ERR_LIMIT, "a product has at most %d hardware ids",
			       PRODUCT_MAX_HARDWARE);
	for (size_t i = 0; i < json_len(list); i++) {
		const char *id = json_text(json_at(list, i));

		if (hardware_check(id == NULL ? "" : id, e) < 0 ||
		    text_copy(p->hardware[i], sizeof(p->hardware[i]), id, "hardware",
			      e) < 0)
			return err_wrap(e, "field \"hardware\"");
		p->n_hardware++;
	}
	return 0;
}

static int read_product(struct api_call *a, struct product *p, struct err *e)
{
	static const char *const names[] = {"about", "hardware", "support_ends_at",
					    NULL};
	uint64_t ends_at = 0;
	bool there;

	if (product_check(p->name, e) < 0 || api_body(a, names, e) < 0 ||
	    body_text(a, "about", p->about, sizeof(p->about), &there, e) < 0 ||
	    read_hardware(a, p, e) < 0)
		return -1;
	if (!json_is_null(json_get(a->body, "support_ends_at")) &&
	    json_opt_u64(a->body, "support_ends_at", &ends_at, e) < 0)
		return -1;
	if (ends_at > INT64_MAX)
		return err_set(e, ERR_FORMAT, "support_ends_at: no such time");
	p->support_ends_at = (int64_t)ends_at;
	return 0;
}

void handle_products_put(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PRODUCT_PUT, got_product);
	struct product *p;
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	p = &c->in.product;
	if (name_param(a, p->name, sizeof(p->name), "product", &e) < 0 ||
	    read_product(a, p, &e) < 0)
		fail_call(a, c, &e);
	else
		api_submit(a, c);
}

void handle_products_delete(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_PRODUCT_DELETE, gone);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (name_param(a, c->in.name, sizeof(c->in.name), "product", &e) < 0)
		fail_call(a, c, &e);
	else
		api_submit(a, c);
}
