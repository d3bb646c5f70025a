/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet_fixture.h"

#include <stdlib.h>

void parse(const char *text, struct filter *ret)
{
	struct err e = ERR_INIT;

	if (filter_parse(text, ret, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

/* The ids that a selection gives, blank-separated, over all of its pages. */
const char *select_ids(struct store *s, const char *filter, const char *sort,
		       unsigned limit)
{
	static char ids[65536];
	struct store_call *c = verb(STORE_DEVICE_SELECT);
	struct filter *f = malloc(sizeof(*f));
	struct err e = ERR_INIT;
	size_t at = 0;

	parse(filter, f);
	ids[0] = '\0';
	c->now_ms = NOW;
	c->in.select.filter = f;
	c->in.select.limit = limit;
	c->in.select.descending = sort[0] == '-';
	OK(device_sort_parse(sort + (sort[0] == '-'), &c->in.select.sort, &e));
	for (bool more = true; more;) {
		const struct device *d;

		must(s, c);
		assert_true(c->n_items <= limit);
		d = c->items;
		for (size_t i = 0; i < c->n_items; i++)
			at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%s",
					       at > 0 ? " " : "", d[i].id);
		more = c->more;
		c->in.select.after = c->out.cursor;
	}
	store_call_free(c);
	free(f);
	return ids;
}

void must_select(struct store *s, const char *filter, const char *ids)
{
	assert_string_equal(select_ids(s, filter, "id", 3), ids);
}

struct device_count count_of(struct store *s, const char *filter)
{
	struct store_call *c = verb(STORE_DEVICE_COUNT);
	struct filter *f = malloc(sizeof(*f));
	struct device_count n;

	parse(filter, f);
	c->now_ms = NOW;
	c->in.select.filter = f;
	must(s, c);
	n = c->out.count;
	store_call_free(c);
	free(f);
	return n;
}

/* ---- making devices ---- */

void patch(struct store *s, const char *id, const char *site, const char *tags,
	   enum pin pin)
{
	struct store_call *c = verb(STORE_DEVICE_PATCH);
	struct device_patch *p = &c->in.patch;

	strcpy(p->id, id);
	p->set_site = p->set_tags = p->set_pin = true;
	strcpy(p->site, site);
	strcpy(p->tags, tags);
	p->pin = pin;
	done(s, c);
}

void report(struct store *s, const char *id, const char *product, const char *version,
	    const char *key, const char *value)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);

	strcpy(c->in.attributes.id, id);
	strcpy(c->in.attributes.product, product);
	strcpy(c->in.attributes.version, version);
	strcpy(c->in.attributes.agent_version, version);
	if (key[0] != '\0') {
		struct attribute *a = store_call_items(c, 1, sizeof(*a), NULL);

		strcpy(a->key, key);
		strcpy(a->value, value);
	}
	done(s, c);
}

void seen(struct store *s, const char *id, int64_t at)
{
	struct store_call *c = verb(STORE_DEVICE_SEEN);
	struct seen *v = store_call_items(c, 1, sizeof(*v), NULL);

	strcpy(v->tenant, TENANT_DEFAULT);
	strcpy(v->id, id);
	v->at = at;
	strcpy(v->address, "192.0.2.7");
	done(s, c);
}

void put_group(struct store *s, const char *name, const char *rule,
	       enum err_code expected)
{
	struct store_call *c = verb(STORE_GROUP_PUT);

	strcpy(c->in.group_put.group.name, name);
	c->in.group_put.group.is_rule = rule != NULL;
	strcpy(c->in.group_put.group.rule, rule == NULL ? "" : rule);
	if (expected == ERR_NONE)
		must(s, c);
	else
		must_fail(s, c, expected);
	store_call_free(c);
}

void change_members(struct store *s, const char *group, const char *device, bool remove)
{
	struct store_call *c = verb(STORE_GROUP_MEMBERS);
	struct device_id *id = store_call_items(c, 1, sizeof(*id), NULL);

	strcpy(c->in.members.group, group);
	c->in.members.remove = remove;
	strcpy(id->id, device);
	done(s, c);
}

void five_devices(struct store *s)
{
	static const char *const ids[] = {"a", "b", "c", "d", "e"};

	for (size_t i = 0; i < N_ELEMS(ids); i++)
		make_device(s, ids[i]);
	report(s, "a", "gateway", "1.9", "hw", "revA");
	report(s, "b", "gateway", "1.10", "hw", "revB");
	report(s, "c", "gateway", "2.0.0-rc.1", "hw", "revB");
	report(s, "d", "meter", "2.0.0", "volts", "9");
	seen(s, "a", NOW - 30 * HOUR);
	seen(s, "b", NOW - 2 * HOUR);
	seen(s, "c", NOW - HOUR);
	patch(s, "a", "north", "lab old", PIN_NONE);
	patch(s, "b", "south", "lab", PIN_AS_IT_IS);
}
