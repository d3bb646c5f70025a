/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The property that holds the filter's two readers together: whatever devices and filter
 * are made at random, the store selects exactly those that filter_match() takes.
 */
#include "fleet_fixture.h"

#include <stdlib.h>

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16 & 0x7fff;
}

static const char *pick(unsigned *r, const char *const *from, size_t n)
{
	return from[next_random(r) % n];
}
#define PICK(r, from) pick(r, from, N_ELEMS(from))

static const char *const versions[] = {"",	"1.0",	 "1.0-rc1", "1.10", "1.9",
				       "1.0+b", "odd v", "2",	    "1.0.0"};
static const char *const some_tags[] = {"", "lab", "lab old", "Old", "a.b c"};
static const char *const values[] = {"revA", "reva", "10", "9", "", "x y%_!"};
static const char *const sites[] = {"", "n", "north", "North", "z\xc3\xbcrich"};

static void random_devices(struct store *s, unsigned *r, unsigned n)
{
	char id[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%s%u", i % 3 == 0 ? "gw-" : "x_", i);
		make_device(s, id);
		report(s, id, next_random(r) % 2 ? "gateway" : "", PICK(r, versions),
		       next_random(r) % 3 ? "k" : "", PICK(r, values));
		if (next_random(r) % 2)
			report(s, id, "", "", "component.modem.version",
			       PICK(r, versions));
		patch(s, id, PICK(r, sites), PICK(r, some_tags),
		      next_random(r) % 4 ? PIN_NONE : PIN_AS_IT_IS);
		if (next_random(r) % 3)
			seen(s, id, NOW - next_random(r) % 72 * HOUR);
		if (next_random(r) % 3 == 0)
			change_members(s, "static", id, false);
		if (next_random(r) % 2)
			move(s, assign(s, id, "0011223344556677"),
			     (enum deployment_state)(next_random(r) %
						     N_DEPLOYMENT_STATES));
	}
}

static void random_test(unsigned *r, char *ret, size_t room)
{
	static const char *const tests[] = {
	    "id%s\"gw-%u\"",
	    "id%s\"*%u\"",
	    "id%s\"x_*\"",
	    "version%s1.0",
	    "version%s\"1.*\"",
	    "tag%slab",
	    "tag%s\"*\"",
	    "site%snorth",
	    "site%s\"n*\"",
	    "site%s\"*r*\"",
	    "attribute.k%srevA",
	    "attribute.k%s\"*%%_!*\"",
	    "attribute.k%s\"x*\"",
	    "attribute.none%sx",
	    "component.modem%s1.9",
	    "component.modem%s\"1*\"",
	    "component.none%sx",
	    "pinned%strue",
	    "group%sstatic",
	    "group%srule",
	    "group%snested",
	    "deployment.state%snone",
	    "deployment.state%sfailed",
	    "deployment.release%s0011223344556677",
	    "lastseen%snever",
	    "grade%sunknown",
	    "product%sgateway",
	    "name%s''",
	    "address%s192.*",
	    "agentversion%s1.0",
	    "state%sidle",
	};
	static const char *const orders[] = {
	    "version%s1.0-rc2",
	    "version%s1.9",
	    "lastseen%s-%uh",
	    "created%s2026-11-23",
	    "component.modem%s1.10",
	    "attribute.k%s9",
	    "id%sgw-5",
	    "site%sn",
	    "agentversion%s1.0+z",
	    "grade%sreported",
	};
	static const char *const equal[] = {"==", "!="};
	static const char *const order[] = {"=lt=", "<=", "=gt=", "=ge="};
	bool ordered = next_random(r) % 3 == 0;
	const char *form = ordered ? PICK(r, orders) : PICK(r, tests);
	const char *op = ordered ? PICK(r, order) : PICK(r, equal);
	const char *at = strstr(form, "%s");
	char after[64];
	size_t n = 0;

	/* "%u" and "%%" behind the operator */
	for (const char *c = at + 2; *c != '\0'; c++) {
		if (c[0] == '%' && c[1] == 'u')
			n += (size_t)sprintf(after + n, "%u", next_random(r) % 30);
		else if (c[0] == '%')
			after[n++] = '%';
		else
			after[n++] = *c;
		c += *c == '%';
	}
	after[n] = '\0';
	snprintf(ret, room, "%.*s%s%s", (int)(at - form), form, op, after);
}

static void random_filter(unsigned *r, unsigned depth, char *ret, size_t room)
{
	unsigned n = 1 + next_random(r) % 3;
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		char one[512];

		if (depth > 0 && next_random(r) % 3 == 0) {
			char inner[480];

			random_filter(r, depth - 1, inner, sizeof(inner));
			snprintf(one, sizeof(one), "(%s)", inner);
		} else {
			random_test(r, one, sizeof(one));
		}
		if (at + strlen(one) + 2 >= room)
			return;
		at += (size_t)snprintf(ret + at, room - at, "%s%s",
				       i == 0		    ? ""
				       : next_random(r) % 2 ? ";"
							    : ",",
				       one);
	}
}

/* What filter_match() is asked about, loaded once for each device. */
struct known {
	struct device device;
	struct attribute attributes[4];
	size_t n_attributes;
	struct component components[4];
	size_t n_components;
	struct deployment deployment;
	struct group_name groups[4];
	size_t n_groups;
};

static bool in_group(const char *group, void *ctx)
{
	const struct known *k = ctx;

	for (size_t i = 0; i < k->n_groups; i++) {
		if (strcmp(k->groups[i].name, group) == 0)
			return true;
	}
	return false;
}

static void load_known(struct store *s, const struct device *d, struct known *k)
{
	struct store_call *c = verb(STORE_DEVICE_ATTRIBUTES);

	*k = (struct known){.device = *d};
	strcpy(c->in.device_id, d->id);
	must(s, c);
	assert_true(c->n_items <= N_ELEMS(k->attributes));
	if (c->n_items > 0)
		memcpy(k->attributes, c->items, c->n_items * sizeof(struct attribute));
	k->n_attributes = c->n_items;
	store_call_free(c);
	c = verb(STORE_DEVICE_COMPONENTS);
	strcpy(c->in.device_id, d->id);
	must(s, c);
	assert_true(c->n_items <= N_ELEMS(k->components));
	if (c->n_items > 0)
		memcpy(k->components, c->items, c->n_items * sizeof(struct component));
	k->n_components = c->n_items;
	store_call_free(c);
	if (d->latest_deployment != 0)
		k->deployment = get_deployment(s, d->latest_deployment);
	c = verb(STORE_DEVICE_GROUPS);
	strcpy(c->in.device_id, d->id);
	c->now_ms = NOW;
	must(s, c);
	assert_true(c->n_items <= N_ELEMS(k->groups));
	if (c->n_items > 0)
		memcpy(k->groups, c->items, c->n_items * sizeof(struct group_name));
	k->n_groups = c->n_items;
	store_call_free(c);
}

static const char *match_ids(const struct filter *f, struct known *all, size_t n)
{
	static char ids[65536];
	size_t at = 0;

	ids[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		struct known *k = &all[i];
		const struct filter_subject subject = {
		    .device = &k->device,
		    .attributes = k->attributes,
		    .n_attributes = k->n_attributes,
		    .components = k->components,
		    .n_components = k->n_components,
		    .deployment = k->deployment.id == 0 ? NULL : &k->deployment,
		    .in_group = in_group,
		    .ctx = k,
		};

		if (filter_match(f, &subject, NOW))
			at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%s",
					       at > 0 ? " " : "", k->device.id);
	}
	return ids;
}

#define N_RANDOM_DEVICES 40
#define N_RANDOM_FILTERS 600

static void the_store_selects_what_the_filter_matches(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SELECT);
	struct known *all = calloc(N_RANDOM_DEVICES, sizeof(*all));
	struct filter *f = malloc(sizeof(*f));
	unsigned r = 20261123, n_some = 0;
	char text[600];

	make_release(s, "0011223344556677", "2.0.0");
	put_group(s, "static", NULL, ERR_NONE);
	put_group(s, "rule", "tag==lab,version=lt=1.9", ERR_NONE);
	put_group(s, "nested", "group==rule;group!=static", ERR_NONE);
	random_devices(s, &r, N_RANDOM_DEVICES);
	c->in.select.limit = N_RANDOM_DEVICES;
	must(s, c);
	assert_int_equal(c->n_items, N_RANDOM_DEVICES);
	for (size_t i = 0; i < c->n_items; i++)
		load_known(s, &((struct device *)c->items)[i], &all[i]);
	for (unsigned i = 0; i < N_RANDOM_FILTERS; i++) {
		const char *want;

		random_filter(&r, 2, text, sizeof(text));
		parse(text, f);
		want = match_ids(f, all, N_RANDOM_DEVICES);
		n_some += want[0] != '\0' &&
			  strlen(want) < strlen(select_ids(s, "", "id", 500));
		if (strcmp(want, select_ids(s, text, "id", 500)) != 0)
			fail_msg("%s\n  match: %s\n  store: %s", text, want,
				 select_ids(s, text, "id", 500));
	}
	/* Filters that take all or none would prove little. */
	assert_true(n_some > N_RANDOM_FILTERS / 3);
	store_call_free(c);
	free(all);
	free(f);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(the_store_selects_what_the_filter_matches),
	};

	return store_run_everywhere("filter", cases, N_ELEMS(cases));
}
