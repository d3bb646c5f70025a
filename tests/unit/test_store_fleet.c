/* SPDX-License-Identifier: Apache-2.0 */
/* Selecting devices, groups, products, versions over time. */
#include "fleet_fixture.h"

#include "../../common/base/text.h"
#include "../../server/store/filter_sql.h"

#include <stdlib.h>

/* ---- selecting ---- */

static void a_filter_selects_by_each_field(void **state)
{
	static const struct {
		const char *filter, *ids;
	} rows[] = {
	    {"", "a b c d e"},
	    {"id==b", "b"},
	    {"id=in=(a,e,x)", "a e"},
	    {"id!=b", "a c d e"},
	    {"product==gateway;version=lt=2.0", "a b"},
	    {"version=lt=2.0.0", "a b c"},
	    {"version=ge=2.0.0-rc.1", "c d"},
	    {"version==1.*", "a b"},
	    {"version==''", "e"},
	    {"attribute.hw==revB", "b c"},
	    {"attribute.hw!=revB", "a d e"},
	    {"attribute.hw==rev*", "a b c"},
	    {"attribute.volts=lt=10", "d"},
	    {"tag==lab", "a b"},
	    {"tag=in=(old,new)", "a"},
	    {"tag!=*", "c d e"},
	    {"site==*th", "a b"},
	    {"site==n*", "a"},
	    {"site==''", "c d e"},
	    {"pinned==true", "b"},
	    {"lastseen=ge=-24h", "b c"},
	    {"lastseen=lt=-24h", "a"},
	    {"lastseen==never", "d e"},
	    {"address==192.0.2.*;lastseen=ge=-90m", "c"},
	    {"state==idle;grade==unknown;deployment.state==none", "a b c d e"},
	    {"agentversion=gt=1.9", "b c d"},
	    {"attribute.hw==revB;version=lt=2.0;lastseen=ge=-24h", "b"},
	    {"tag==old,attribute.volts==9", "a d"},
	    {"(id==a,id==b);(site==south,site==west)", "b"},
	};
	struct store *s = store_of(state);

	five_devices(s);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (strcmp(select_ids(s, rows[i].filter, "id", 2), rows[i].ids) != 0)
			fail_msg("%s: %s", rows[i].filter,
				 select_ids(s, rows[i].filter, "id", 2));
		if (!count_of(s, rows[i].filter).exact ||
		    count_of(s, rows[i].filter).n != (strlen(rows[i].ids) + 1) / 2)
			fail_msg("%s: counts %u", rows[i].filter,
				 (unsigned)count_of(s, rows[i].filter).n);
	}
}

static void letter_case_counts_and_signs_of_patterns_are_plain_characters(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "Up");
	make_device(s, "a_b");
	make_device(s, "axb");
	patch(s, "a_b", "50%!", "", PIN_NONE);
	must_select(s, "id==up", "");
	must_select(s, "id==U*", "Up");
	must_select(s, "id==u*p", "");
	must_select(s, "id==a_*", "a_b");
	must_select(s, "site==*%*", "a_b");
	must_select(s, "site=='*!'", "a_b");
	must_select(s, "site=='*x!'", "");
}

static void lists_are_sorted_and_paged_both_ways(void **state)
{
	static const struct {
		const char *sort, *ids;
	} rows[] = {
	    {"id", "a b c d e"},	{"-id", "e d c b a"},
	    {"version", "e a b c d"},	{"-version", "d c b a e"},
	    {"product", "e a b c d"},	{"lastseen", "d e a b c"},
	    {"-lastseen", "c b a e d"}, {"name", "a b c d e"},
	    {"created", "a b c d e"},	{"-state", "e d c b a"},
	};
	static const char *const filters[] = {"", "id!=x", "id=in=(a,b,c,d,e)"};
	struct store *s = store_of(state);

	five_devices(s);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		for (size_t f = 0; f < N_ELEMS(filters); f++) {
			for (unsigned limit = 1; limit <= 6; limit++)
				assert_string_equal(
				    select_ids(s, filters[f], rows[i].sort, limit),
				    rows[i].ids);
		}
	}
}

static void a_search_finds_the_beginnings_of_ids_and_names(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_PATCH);

	make_device(s, "gw-1");
	make_device(s, "GW-2");
	make_device(s, "x-3");
	strcpy(c->in.patch.id, "x-3");
	c->in.patch.set_name = true;
	strcpy(c->in.patch.name, "Gwen\xc3\xa9");
	done(s, c);
	c = verb(STORE_DEVICE_SELECT);
	strcpy(c->in.select.text, "gW");
	must(s, c);
	assert_int_equal(c->n_items, 3);
	strcpy(c->in.select.text, "gwen\xc3\xa9");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((struct device *)c->items)[0].id, "x-3");
	strcpy(c->in.select.text, "w");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

/* ---- groups ---- */

static void a_static_group_holds_those_that_were_put_into_it(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_GROUP_MEMBERS);
	struct device_id *id = store_call_items(c, 1, sizeof(*id), NULL);

	five_devices(s);
	put_group(s, "pilot", NULL, ERR_NONE);
	change_members(s, "pilot", "a", false);
	change_members(s, "pilot", "d", false);
	change_members(s, "pilot", "d", false);
	must_select(s, "group==pilot", "a d");
	must_select(s, "group!=pilot", "b c e");
	change_members(s, "pilot", "a", true);
	must_select(s, "group==pilot", "d");
	strcpy(c->in.members.group, "pilot");
	strcpy(id->id, "nobody");
	must_fail(s, c, ERR_NOT_FOUND);
	strcpy(id->id, "c");
	c->in.members.replace = true;
	must(s, c);
	must_select(s, "group==pilot", "c");
	store_call_free(c);
	c = verb(STORE_DEVICE_DELETE);
	strcpy(c->in.device_id, "c");
	done(s, c);
	must_select(s, "group==pilot", "");
}

static void a_rule_follows_its_devices(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_GROUP_MEMBERS);

	five_devices(s);
	put_group(s, "old", "version=lt=2.0.0-rc.1;lastseen=ge=-24h", ERR_NONE);
	must_select(s, "group==old", "b");
	report(s, "b", "gateway", "2.0.0", "", "");
	must_select(s, "group==old", "");
	strcpy(c->in.members.group, "old");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
}

static void a_rule_cannot_name_itself_nor_what_is_not_there(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_GROUP_DELETE);
	struct filter *f = malloc(sizeof(*f));

	put_group(s, "a", "group==a", ERR_USAGE);
	put_group(s, "a", "group==none", ERR_USAGE);
	put_group(s, "a", "tag==x", ERR_NONE);
	put_group(s, "b", "group==a;id==*", ERR_NONE);
	put_group(s, "c", "group==b", ERR_NONE);
	put_group(s, "a", "group=in=(c)", ERR_USAGE);
	put_group(s, "a", "id=x", ERR_USAGE);
	strcpy(c->in.name, "a");
	must_fail(s, c, ERR_CONFLICT);
	assert_non_null(
	    strstr(c->err.text, "the rule of group \"b\" names group \"a\""));
	strcpy(c->in.name, "c");
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	/* What was refused left nothing behind. */
	c = verb(STORE_GROUP_GET);
	strcpy(c->in.name, "a");
	must(s, c);
	assert_string_equal(c->out.group.rule, "tag==x");
	store_call_free(c);
	c = verb(STORE_DEVICE_SELECT);
	parse("id==x,group==gone", f);
	c->in.select.filter = f;
	must_fail(s, c, ERR_USAGE);
	assert_string_equal(c->err.text, "column 7: there is no group \"gone\"");
	store_call_free(c);
	free(f);
}

static void a_chain_of_groups_has_an_exact_longest_length(void **state)
{
	struct store *s = store_of(state);
	char name[8], rule[32] = "id==x";

	/* A group's own rule is one level already. */
	for (unsigned i = 1; i <= FILTER_MAX_GROUP_DEPTH - 1; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		put_group(s, name, rule, ERR_NONE);
		snprintf(rule, sizeof(rule), "group==g%u", i);
	}
	must_select(s, rule, "");
	put_group(s, "last", rule, ERR_NONE);
	put_group(s, "beyond", "group==last", ERR_USAGE);
}

static void a_group_is_made_once_and_changed_with_its_revision(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_GROUP_PUT);

	strcpy(c->in.group_put.group.name, "pilot");
	c->in.group_put.create = true;
	must(s, c);
	assert_int_equal(c->out.group.revision, 1);
	must_fail(s, c, ERR_CONFLICT);
	c->in.group_put.create = false;
	c->in.group_put.expect_revision = 1;
	strcpy(c->in.group_put.group.about, "first to try");
	must(s, c);
	assert_int_equal(c->out.group.revision, 2);
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = verb(STORE_GROUP_LIST);
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((struct fleet_group *)c->items)[0].about, "first to try");
	store_call_free(c);
}

/* ---- what an operator says ---- */

static void a_patch_changes_what_it_names_and_no_more(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_PATCH);
	struct attribute *a = store_call_items(c, 2, sizeof(*a), NULL);
	struct device d;

	five_devices(s);
	strcpy(c->in.patch.id, "a");
	c->in.patch.set_name = true;
	strcpy(c->in.patch.name, "Door");
	strcpy(a[0].key, "owner");
	strcpy(a[0].value, "ops");
	strcpy(a[1].key, "hw");
	a[1].remove = true;
	c->in.patch.expect_revision = get_device(s, "a").revision;
	must(s, c);
	d = c->out.device;
	assert_string_equal(d.name, "Door");
	assert_string_equal(d.site, "north");
	assert_string_equal(d.tags, "lab old");
	must_select(s, "attribute.owner==ops;attribute.hw!=*", "a");
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = verb(STORE_DEVICE_PATCH);
	strcpy(c->in.patch.id, "none");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void what_an_operator_said_outlives_what_the_device_says(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_PATCH);
	struct attribute *a = store_call_items(c, 1, sizeof(*a), NULL);

	make_device(s, "a");
	strcpy(c->in.patch.id, "a");
	strcpy(a->key, "room");
	strcpy(a->value, "5");
	done(s, c);
	report(s, "a", "", "", "room", "6");
	must_select(s, "attribute.room==5", "a");
	c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	strcpy(c->in.attributes.id, "a");
	c->in.attributes.replace = true;
	done(s, c);
	must_select(s, "attribute.room==5", "a");
}

static void a_product_says_what_it_is_compatible_with(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_PRODUCT_PUT);
	struct product *p = &c->in.product;

	strcpy(p->name, "gateway");
	strcpy(p->hardware[0], "revA");
	strcpy(p->hardware[1], "revB");
	p->n_hardware = 2;
	p->support_ends_at = NOW;
	must(s, c);
	assert_int_equal(c->out.product.n_hardware, 2);
	assert_string_equal(c->out.product.hardware[1], "revB");
	p->n_hardware = 0;
	c->now_ms = 2000;
	must(s, c);
	assert_int_equal(c->out.product.n_hardware, 0);
	assert_int_equal(c->out.product.created_at, 1000);
	assert_int_equal(c->out.product.updated_at, 2000);
	assert_int_equal(c->out.product.support_ends_at, NOW);
	store_call_free(c);
	c = verb(STORE_PRODUCT_LIST);
	must(s, c);
	assert_int_equal(c->n_items, 1);
	store_call_free(c);
	c = verb(STORE_PRODUCT_DELETE);
	strcpy(c->in.name, "gateway");
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

/* ---- versions over time ---- */

static void take_sample(struct store *s, int64_t at)
{
	struct store_call *c = verb(STORE_VERSION_COUNTS);
	struct store_call *put = verb(STORE_VERSION_SAMPLE);

	must(s, c);
	put->items = c->items;
	put->n_items = c->n_items;
	c->items = NULL;
	put->in.sample.at = at;
	done(s, put);
	store_call_free(c);
}

static size_t n_points(struct store *s, const char *product, int64_t after)
{
	struct store_call *c = verb(STORE_VERSION_HISTORY);
	size_t n;

	strcpy(c->in.history.product, product);
	c->in.history.after = after;
	c->in.history.limit = 5000;
	must(s, c);
	n = c->n_items;
	store_call_free(c);
	return n;
}

static void samples_are_kept_by_the_hour_for_two_days_then_by_the_day(void **state)
{
	struct store *s = store_of(state);
	const int64_t midnight = NOW / (24 * HOUR) * (24 * HOUR);

	make_device(s, "a");
	report(s, "a", "gateway", "1.0", "", "");
	for (int i = 0; i <= 96; i++)
		take_sample(s, midnight + i * HOUR);
	/* Day 0 and 1 by the day, what is at most 48 hours old by the hour. */
	assert_int_equal(n_points(s, "gateway", 0), 2 + 49);
	assert_int_equal(n_points(s, "meter", 0), 0);
	assert_int_equal(n_points(s, "", midnight + 95 * HOUR), 1);
	take_sample(s, midnight + 96 * HOUR);
	assert_int_equal(n_points(s, "gateway", 0), 2 + 49);
	take_sample(s, midnight + (SAMPLE_KEEP_DAYS + 3) * 24 * HOUR);
	assert_int_equal(n_points(s, "gateway", 0), 3);
}

static void the_newest_release_of_a_product_says_who_is_behind(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_NEWEST);
	const struct newest_release *n;

	five_devices(s);
	make_release(s, "1111111111111111", "1.9");
	make_release(s, "2222222222222222", "2.0.0");
	make_release(s, "3333333333333333", "1.10");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	n = c->items;
	assert_string_equal(n->product, "gateway");
	assert_string_equal(n->version, "2.0.0");
	assert_string_equal(n->release, "2222222222222222");
	assert_int_equal(n->n_behind, 3);
	store_call_free(c);
}

static void a_scope_shows_the_devices_of_its_groups_alone(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SELECT);

	five_devices(s);
	put_group(s, "pilot", NULL, ERR_NONE);
	put_group(s, "labs", "tag==lab", ERR_NONE);
	change_members(s, "pilot", "d", false);
	strcpy(c->scope, "gone labs pilot");
	must(s, c);
	assert_int_equal(c->n_items, 3);
	assert_string_equal(((struct device *)c->items)[2].id, "d");
	strcpy(c->scope, "gone");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	c->verb = STORE_DEVICE_COUNT;
	strcpy(c->scope, "pilot");
	must(s, c);
	assert_int_equal(c->out.count.n, 1);
	store_call_free(c);
}

static void the_groups_of_a_device_are_told_by_name(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_GROUPS);

	five_devices(s);
	put_group(s, "z", NULL, ERR_NONE);
	put_group(s, "m", "tag==lab", ERR_NONE);
	put_group(s, "b", "tag==new", ERR_NONE);
	change_members(s, "z", "a", false);
	strcpy(c->in.device_id, "a");
	must(s, c);
	assert_int_equal(c->n_items, 2);
	assert_string_equal(((struct group_name *)c->items)[0].name, "m");
	assert_string_equal(((struct group_name *)c->items)[1].name, "z");
	store_call_free(c);
}

static struct fleet_job make_job(struct store *s, enum job_action action,
				 const char *tag)
{
	struct store_call *c = verb(STORE_JOB_CREATE);
	struct fleet_job j;

	c->in.job.action = action;
	strcpy(c->in.job.filter, "id==*");
	strcpy(c->in.job.tag, tag);
	must(s, c);
	j = c->out.job;
	store_call_free(c);
	return j;
}

static struct store_call *step_call(const struct fleet_job *j, const char *ids,
				    enum job_state state)
{
	struct store_call *c = verb(STORE_JOB_STEP);
	struct device_id *to = store_call_items(c, strlen(ids), sizeof(*to), NULL);

	c->in.job_step.id = j->id;
	c->in.job_step.expect_revision = j->revision;
	c->in.job_step.state = state;
	for (size_t i = 0; ids[i] != '\0'; i++)
		to[i].id[0] = c->in.job_step.last_id[0] = ids[i];
	return c;
}

static void a_batch_changes_all_but_those_that_cannot_be_and_says_why(void **state)
{
	struct store *s = store_of(state);
	char full[TAGS_TEXT_MAX_LEN + 1] = "", tag[8];
	struct fleet_job j;
	struct store_call *c;

	five_devices(s);
	for (int i = 0; i < DEVICE_MAX_TAGS; i++) {
		snprintf(tag, sizeof(tag), "t%d", i);
		assert_int_equal(tags_add(full, tag, NULL), 0);
	}
	patch(s, "b", "", full, PIN_NONE);
	j = make_job(s, JOB_TAG, "new");
	c = step_call(&j, "abxc", JOB_RUNNING);
	must(s, c);
	assert_int_equal(c->out.job.n_done, 2);
	assert_int_equal(c->out.job.n_skipped, 2);
	assert_string_equal(c->out.job.last_id, "c");
	assert_non_null(strstr(c->out.job.detail, "no device \"x\""));
	must_select(s, "tag==new", "a c");
	/* Another node's view of the job is stale: nothing of its batch stays. */
	store_call_free(c);
	c = step_call(&j, "d", JOB_DONE);
	must_fail(s, c, ERR_PRECONDITION);
	must_select(s, "tag==new", "a c");
	c->in.job_step.expect_revision++;
	must(s, c);
	must_select(s, "tag==new", "a c d");
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = verb(STORE_JOB_NEXT);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static struct store_call *membership_job(enum job_action action, const char *group)
{
	struct store_call *c = verb(STORE_JOB_CREATE);

	c->in.job.action = action;
	strcpy(c->in.job.filter, "id==*");
	strcpy(c->in.job.group, group);
	return c;
}

static void a_batch_joins_and_leaves_a_group_whose_members_are_listed(void **state)
{
	struct store *s = store_of(state);
	struct fleet_job j;
	struct store_call *c;

	five_devices(s);
	put_group(s, "listed", NULL, ERR_NONE);
	put_group(s, "ruled", "id==a", ERR_NONE);
	c = membership_job(JOB_JOIN, "listed");
	must(s, c);
	j = c->out.job;
	assert_string_equal(j.group, "listed");
	store_call_free(c);
	c = step_call(&j, "axb", JOB_RUNNING);
	must(s, c);
	assert_int_equal(c->out.job.n_done, 2);
	assert_int_equal(c->out.job.n_skipped, 1);
	must_select(s, "group==listed", "a b");
	store_call_free(c);
	c = membership_job(JOB_LEAVE, "listed");
	must(s, c);
	j = c->out.job;
	store_call_free(c);
	c = step_call(&j, "bc", JOB_DONE);
	must(s, c);
	must_select(s, "group==listed", "a");
	store_call_free(c);
	c = membership_job(JOB_JOIN, "ruled");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	c = membership_job(JOB_JOIN, "nobody");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void that_a_job_was_made_went_on_or_ended_is_an_event_each(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	struct fleet_job j;
	size_t n;

	five_devices(s);
	n = n_events(s);
	j = make_job(s, JOB_TAG, "new");
	assert_int_equal(n_events(s), n + 1);
	c = step_call(&j, "ab", JOB_RUNNING);
	must(s, c);
	store_call_free(c);
	assert_int_equal(n_events(s), n + 4); /* two devices, and itself */
	c = verb(STORE_JOB_CANCEL);
	c->in.job_id = j.id;
	must(s, c);
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	assert_int_equal(n_events(s), n + 5);
}

static void a_freeze_undoes_the_whole_batch_of_an_assignment(void **state)
{
	struct store *s = store_of(state);
	struct fleet_job j = {.action = JOB_ASSIGN};
	struct store_call *c = verb(STORE_FREEZE_PUT);

	five_devices(s);
	make_release(s, "0011223344556677", "2.0.0");
	c->in.freeze.on = true;
	strcpy(c->in.freeze.reason, "holidays");
	done(s, c);
	c = verb(STORE_JOB_CREATE);
	c->in.job.action = JOB_ASSIGN;
	strcpy(c->in.job.release, "0011223344556677");
	must(s, c);
	j = c->out.job;
	store_call_free(c);
	c = step_call(&j, "ab", JOB_DONE);
	must_fail(s, c, ERR_FROZEN);
	store_call_free(c);
	c = verb(STORE_JOB_NEXT);
	must(s, c);
	assert_int_equal(c->out.job.revision, j.revision);
	store_call_free(c);
	must_select(s, "deployment.state!=none", "");
	c = verb(STORE_JOB_CANCEL);
	c->in.job_id = j.id;
	must(s, c);
	assert_int_equal(c->out.job.state, JOB_CANCELLED);
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
}

static void tags_are_a_sorted_list_with_an_exact_longest_length(void **state)
{
	char tags[TAGS_TEXT_MAX_LEN + 1] = "", tag[TAG_MAX_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	OK(tags_add(tags, "m", &e));
	OK(tags_add(tags, "a", &e));
	OK(tags_add(tags, "mm", &e));
	OK(tags_add(tags, "m", &e));
	OK(tags_add(tags, "l", &e));
	assert_string_equal(tags, "a l m mm");
	tags_remove(tags, "m");
	tags_remove(tags, "x");
	assert_string_equal(tags, "a l mm");
	tags_remove(tags, "mm");
	tags_remove(tags, "a");
	tags_remove(tags, "l");
	assert_string_equal(tags, "");
	for (int i = 0; i < DEVICE_MAX_TAGS; i++) {
		snprintf(tag, sizeof(tag), "%0*d", TAG_MAX_LEN, i);
		OK(tags_add(tags, tag, &e));
	}
	FAILS(tags_add(tags, "one", &e), ERR_LIMIT);
	assert_int_equal(strlen(tags), TAGS_TEXT_MAX_LEN - 1);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(a_filter_selects_by_each_field),
	    cmocka_unit_test(
		letter_case_counts_and_signs_of_patterns_are_plain_characters),
	    cmocka_unit_test(lists_are_sorted_and_paged_both_ways),
	    cmocka_unit_test(a_search_finds_the_beginnings_of_ids_and_names),
	    cmocka_unit_test(a_static_group_holds_those_that_were_put_into_it),
	    cmocka_unit_test(a_rule_follows_its_devices),
	    cmocka_unit_test(a_rule_cannot_name_itself_nor_what_is_not_there),
	    cmocka_unit_test(a_chain_of_groups_has_an_exact_longest_length),
	    cmocka_unit_test(a_group_is_made_once_and_changed_with_its_revision),
	    cmocka_unit_test(a_patch_changes_what_it_names_and_no_more),
	    cmocka_unit_test(what_an_operator_said_outlives_what_the_device_says),
	    cmocka_unit_test(a_product_says_what_it_is_compatible_with),
	    cmocka_unit_test(samples_are_kept_by_the_hour_for_two_days_then_by_the_day),
	    cmocka_unit_test(the_newest_release_of_a_product_says_who_is_behind),
	    cmocka_unit_test(a_scope_shows_the_devices_of_its_groups_alone),
	    cmocka_unit_test(the_groups_of_a_device_are_told_by_name),
	    cmocka_unit_test(a_batch_changes_all_but_those_that_cannot_be_and_says_why),
	    cmocka_unit_test(a_batch_joins_and_leaves_a_group_whose_members_are_listed),
	    cmocka_unit_test(that_a_job_was_made_went_on_or_ended_is_an_event_each),
	    cmocka_unit_test(a_freeze_undoes_the_whole_batch_of_an_assignment),
	    cmocka_unit_test(tags_are_a_sorted_list_with_an_exact_longest_length),
	};

	return store_run_everywhere("fleet", cases, N_ELEMS(cases));
}
