/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One suite over struct store_ops: every back-end runs the same rows. test_sqlite.c has
 * what is the embedded back-end's own.
 */
#include "store_fixture.h"

#include "../../common/base/clock.h"

/* ---- the suite ---- */

static void a_device_is_found_by_its_id_and_by_its_token(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_BY_TOKEN);

	make_device(s, "dev-1");
	assert_string_equal(get_device(s, "dev-1").id, "dev-1");
	memcpy(c->in.hash, "dev-1", 5);
	must(s, c);
	assert_string_equal(c->out.device.id, "dev-1");
	assert_true(c->out.device.wants_attributes);
	c->in.hash[0] ^= 1;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void
a_second_device_of_the_same_id_is_a_conflict_and_changes_nothing(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_CREATE);
	size_t before;

	make_device(s, "dev-1");
	before = n_events(s);
	strcpy(c->in.device_new.device.id, "dev-1");
	store_call_event(c, EVENT_DEVICE, "dev-1", 0, NULL);
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	assert_int_equal(n_events(s), before);
}

static void a_new_token_ends_the_old_one(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SET_TOKEN);

	make_device(s, "dev-1");
	strcpy(c->in.device_token.id, "dev-1");
	memset(c->in.device_token.token_hash, 9, SHA256_LEN);
	done(s, c);
	c = verb(STORE_DEVICE_BY_TOKEN);
	memcpy(c->in.hash, "dev-1", 5);
	must_fail(s, c, ERR_NOT_FOUND);
	memset(c->in.hash, 9, SHA256_LEN);
	must(s, c);
	store_call_free(c);
}

static void devices_are_listed_by_key_page_after_page(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SELECT);
	char id[16];

	for (int i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "dev-%02d", i);
		make_device(s, id);
	}
	c->in.select.limit = 10;
	for (int page = 0; page < 3; page++) {
		must(s, c);
		assert_int_equal(c->n_items, page == 2 ? 5 : 10);
		assert_int_equal(c->more, page != 2);
		snprintf(id, sizeof(id), "dev-%02d", page * 10);
		assert_string_equal(((struct device *)c->items)[0].id, id);
		c->in.select.after = c->out.cursor;
	}
	c->in.select.after.set = false;
	strcpy(c->in.select.text, "DEV-1");
	must(s, c);
	assert_int_equal(c->n_items, 10);
	strcpy(c->in.select.text, "_");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

static void put_attributes(struct store *s, bool replace, const char *key,
			   const char *value)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	struct attribute *a = store_call_items(c, 1, sizeof(*a), NULL);

	strcpy(c->in.attributes.id, "dev-1");
	c->in.attributes.replace = replace;
	strcpy(a->key, key);
	strcpy(a->value, value);
	a->remove = value[0] == '\0';
	done(s, c);
}

static size_t n_attributes(struct store *s)
{
	struct store_call *c = verb(STORE_DEVICE_ATTRIBUTES);
	size_t n;

	strcpy(c->in.device_id, "dev-1");
	must(s, c);
	n = c->n_items;
	store_call_free(c);
	return n;
}

static void attributes_are_merged_replaced_removed_and_end_the_question(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "dev-1");
	put_attributes(s, false, "a", "1");
	assert_false(get_device(s, "dev-1").wants_attributes);
	put_attributes(s, false, "b", "2");
	assert_int_equal(n_attributes(s), 2);
	put_attributes(s, false, "a", "");
	assert_int_equal(n_attributes(s), 1);
	put_attributes(s, true, "c", "3");
	assert_int_equal(n_attributes(s), 1);
}

static void a_hundred_attributes_are_the_limit_and_more_change_nothing(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	struct attribute *a;

	make_device(s, "dev-1");
	a = store_call_items(c, DEVICE_MAX_ATTRIBUTES + 1, sizeof(*a), NULL);
	for (int i = 0; i <= DEVICE_MAX_ATTRIBUTES; i++)
		snprintf(a[i].key, sizeof(a[i].key), "key%d", i);
	strcpy(c->in.attributes.id, "dev-1");
	must_fail(s, c, ERR_RATE);
	store_call_free(c);
	assert_int_equal(n_attributes(s), 0);
}

static void seen_goes_forward_only_and_skips_the_unknown(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_SEEN);
	struct seen *v = store_call_items(c, 3, sizeof(*v), NULL);

	make_device(s, "dev-1");
	v[0] = (struct seen){.tenant = TENANT_DEFAULT, .id = "dev-1", .at = 5000};
	v[1] = (struct seen){.tenant = TENANT_DEFAULT, .id = "nobody"};
	v[2] = (struct seen){
	    .tenant = TENANT_DEFAULT, .id = "dev-1", .at = 4000, .address = "10.0.0.1"};
	done(s, c);
	assert_int_equal(get_device(s, "dev-1").seen_at, 5000);
	assert_string_equal(get_device(s, "dev-1").address, "10.0.0.1");
}

static void a_deleted_device_takes_everything_of_it_along(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	uint64_t id;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	put_attributes(s, false, "a", "1");
	id = assign(s, "dev-1", "r1");
	c = verb(STORE_DEVICE_DELETE);
	strcpy(c->in.device_id, "dev-1");
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_DEPLOYMENT_GET);
	c->in.deployment_id = id;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	make_device(s, "dev-1");
	assert_true(assign(s, "dev-1", "r1") > id);
}

static void a_release_comes_back_as_it_was_put(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_GET);
	struct release want = a_release("r1", "1.0");

	make_release(s, "r1", "1.0");
	strcpy(c->in.release_id, "r1");
	must(s, c);
	want.created_at = 1000;
	assert_memory_equal(&c->out.release, &want, sizeof(want));
	store_call_free(c);
}

static void a_version_of_a_product_is_released_once(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	make_release(s, "r1", "1.0");
	c->in.release = a_release("r2", "1.0");
	must_fail(s, c, ERR_CONFLICT);
	c->in.release = a_release("r1", "2.0");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
}

static void releases_are_listed_newest_first(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_LIST);
	const struct release *r;

	make_release(s, "zz", "1.0");
	make_release(s, "mm", "2.0");
	make_release(s, "aa", "3.0");
	c->in.page.limit = 2;
	must(s, c);
	r = c->items;
	assert_int_equal(c->n_items, 2);
	assert_string_equal(r[0].id, "aa");
	assert_string_equal(r[1].id, "mm");
	strcpy(c->in.page.after, "mm");
	must(s, c);
	r = c->items;
	assert_int_equal(c->n_items, 1);
	assert_string_equal(r[0].id, "zz");
	store_call_free(c);
}

static void action_ids_begin_at_100001(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "dev-1");
	make_device(s, "dev-2");
	make_release(s, "r1", "1.0");
	assert_int_equal(assign(s, "dev-1", "r1"), 100001);
	assert_int_equal(assign(s, "dev-2", "r1"), 100002);
	assert_int_equal(get_device(s, "dev-2").open_deployment, 100002);
}

static void a_new_deployment_asks_the_device_to_cancel_the_one_it_has_seen(void **state)
{
	struct store *s = store_of(state);
	uint64_t first, second, third;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	make_release(s, "r2", "2.0");
	make_release(s, "r3", "3.0");
	first = assign(s, "dev-1", "r1");
	move(s, first, DEPLOYMENT_DOWNLOADING);
	second = assign(s, "dev-1", "r2");
	assert_int_equal(get_deployment(s, first).state, DEPLOYMENT_CANCELLING);
	assert_string_equal(get_deployment(s, first).detail, "superseded by 100002");
	assert_int_equal(get_device(s, "dev-1").open_deployment, first);
	third = assign(s, "dev-1", "r3");
	assert_int_equal(get_deployment(s, first).state, DEPLOYMENT_CANCELLING);
	assert_int_equal(get_deployment(s, second).state, DEPLOYMENT_CANCELLED);
	move(s, first, DEPLOYMENT_CANCELLED);
	assert_int_equal(get_device(s, "dev-1").open_deployment, third);
}

static void the_open_release_of_a_device_is_not_assigned_twice(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	uint64_t id;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	id = assign(s, "dev-1", "r1");
	c = assign_call("dev-1", "r1");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	move(s, id, DEPLOYMENT_FAILED);
	assert_true(assign(s, "dev-1", "r1") > id);
}

static void assigning_needs_a_device_and_a_release_that_exist(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	c = assign_call("dev-2", "r1");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = assign_call("dev-1", "r2");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_move_changes_deployment_status_device_and_events_at_once(void **state)
{
	struct store *s = store_of(state);
	struct deployment d;
	struct store_call *c;
	size_t before;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	d = get_deployment(s, assign(s, "dev-1", "r1"));
	before = n_events(s);
	c = move_call(&d, DEPLOYMENT_CONFIRMED);
	c->in.move.grade = GRADE_PROVEN;
	c->in.move.progress = 100;
	c->in.move.proof = (struct proof){.present = true, .slot = 'B', .counter = 7};
	memset(c->in.move.proof.root_hash, 0xcd, SHA256_LEN);
	c->in.move.add_status = true;
	strcpy(c->in.move.status.execution, "closed");
	strcpy(c->in.move.status.details, "line one\nline two");
	c->in.move.device = (struct device_change){
	    .set_version = true, .version = "1.0", .grade = GRADE_PROVEN};
	strcpy(c->in.move.device.agent_version, "0.1.0");
	done(s, c);

	d = get_deployment(s, d.id);
	assert_int_equal(d.state, DEPLOYMENT_CONFIRMED);
	assert_int_equal(d.n_statuses, 1);
	assert_true(d.proof.present);
	assert_int_equal(d.proof.slot, 'B');
	assert_int_equal(d.proof.counter, 7);
	assert_string_equal(get_device(s, "dev-1").version, "1.0");
	assert_int_equal(get_device(s, "dev-1").grade, GRADE_PROVEN);
	assert_string_equal(get_device(s, "dev-1").agent_version, "0.1.0");
	assert_int_equal(get_device(s, "dev-1").open_deployment, 0);
	assert_int_equal(get_device(s, "dev-1").installed_deployment, d.id);
	assert_int_equal(n_events(s), before + 1);
	c = verb(STORE_DEPLOYMENT_STATUSES);
	c->in.deployment_id = d.id;
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_string_equal(((struct status *)c->items)[0].details,
			    "line one\nline two");
	store_call_free(c);
}

static void a_move_from_a_stale_view_changes_nothing(void **state)
{
	struct store *s = store_of(state);
	struct deployment d;
	struct store_call *c;
	size_t before;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	d = get_deployment(s, assign(s, "dev-1", "r1"));
	move(s, d.id, DEPLOYMENT_DOWNLOADING);
	before = n_events(s);
	c = move_call(&d, DEPLOYMENT_FAILED);
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	assert_int_equal(get_deployment(s, d.id).state, DEPLOYMENT_DOWNLOADING);
	assert_int_equal(n_events(s), before);
}

static size_t n_deployments(struct store *s, const char *device, int which)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_LIST);
	size_t n;

	strcpy(c->in.page.device, device);
	c->in.page.state = which;
	must(s, c);
	n = c->n_items;
	store_call_free(c);
	return n;
}

static void deployments_are_listed_by_device_and_by_state(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "dev-1");
	make_device(s, "dev-2");
	make_release(s, "r1", "1.0");
	make_release(s, "r2", "2.0");
	move(s, assign(s, "dev-1", "r1"), DEPLOYMENT_FAILED);
	assign(s, "dev-1", "r2");
	assign(s, "dev-2", "r2");
	assert_int_equal(get_device(s, "dev-1").latest_deployment, 100002);
	assert_int_equal(n_deployments(s, "", -1), 3);
	assert_int_equal(n_deployments(s, "dev-1", -1), 2);
	assert_int_equal(n_deployments(s, "dev-1", STORE_STATE_OPEN), 1);
	assert_int_equal(n_deployments(s, "", DEPLOYMENT_FAILED), 1);
	assert_int_equal(n_deployments(s, "", STORE_STATE_OPEN), 2);
}

static void several_deployments_are_read_at_once_without_the_unknown(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEPLOYMENT_MANY);
	uint64_t *ids = store_call_items(c, 3, sizeof(*ids), NULL);

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	ids[0] = 5;
	ids[2] = assign(s, "dev-1", "r1");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_int_equal(((struct deployment *)c->items)[0].id, 100001);
	store_call_free(c);
}

static void an_upload_of_the_same_bytes_is_found_again_and_goes_on(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_UPLOAD_CREATE);
	const struct upload u = {.id = "u1", .size = 5ull << 30, .sha256 = {1, 2, 3}};

	c->in.upload = u;
	done(s, c);
	c = verb(STORE_UPLOAD_ADVANCE);
	strcpy(c->in.advance.id, "u1");
	c->in.advance.to = 5ull << 29;
	must(s, c);
	must_fail(s, c, ERR_PRECONDITION);
	assert_int_equal(c->out.upload.offset, 5ull << 29);
	c->in.advance.from = 5ull << 29;
	c->in.advance.to = (5ull << 30) + 1;
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = verb(STORE_UPLOAD_CREATE);
	c->in.upload = u;
	strcpy(c->in.upload.id, "u2");
	must(s, c);
	assert_string_equal(c->out.upload.id, "u1");
	assert_int_equal(c->out.upload.offset, 5ull << 29);
	store_call_free(c);
}

static void an_artifact_is_put_once_and_again(void **state)
{
	struct store *s = store_of(state);

	for (int i = 0; i < 2; i++) {
		struct store_call *c = verb(STORE_ARTIFACT_PUT);

		c->in.artifact =
		    (struct artifact){.sha256 = {1}, .md5 = {2}, .size = 1ull << 40};
		done(s, c);
	}
	struct store_call *c = verb(STORE_ARTIFACT_GET);

	c->in.hash[0] = 1;
	must(s, c);
	assert_int_equal(c->out.artifact.size, 1ull << 40);
	assert_int_equal(c->out.artifact.md5[0], 2);
	c->in.hash[0] = 2;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static struct store_call *publish_call(uint64_t expect, uint64_t version)
{
	struct store_call *c = verb(STORE_METADATA_PUBLISH);
	struct publication *p = store_call_items(c, 2, sizeof(*p), NULL);

	p[0] = (struct publication){.role = ROLE_SNAPSHOT,
				    .version = version,
				    .expect_version = expect,
				    .data = "snap",
				    .len = 4};
	p[1] = (struct publication){.role = ROLE_TIMESTAMP,
				    .version = version,
				    .expect_version = expect,
				    .data = "time",
				    .len = 4};
	return c;
}

static void publication_is_all_or_nothing_and_only_goes_up(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = publish_call(0, 5);

	done(s, c);
	c = publish_call(5, 5);
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = publish_call(5, 6);
	((struct publication *)c->items)[1].expect_version = 4;
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = verb(STORE_METADATA_GET);
	c->in.metadata.role = ROLE_SNAPSHOT;
	must(s, c);
	assert_int_equal(c->out.metadata_version, 5);
	assert_int_equal(c->blob.len, 4);
	assert_memory_equal(c->blob.data, "snap", 4);
	store_call_free(c);
}

static void publication_brings_its_release_or_neither(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = publish_call(0, 1);

	c->in.publish.has_release = true;
	c->in.publish.release = a_release("r1", "1.0");
	store_call_event(c, EVENT_RELEASE, NULL, 0, "r1");
	done(s, c);
	c = publish_call(1, 2);
	c->in.publish.has_release = true;
	c->in.publish.release = a_release("r2", "1.0");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	c = verb(STORE_METADATA_GET);
	c->in.metadata.role = ROLE_TIMESTAMP;
	must(s, c);
	assert_int_equal(c->out.metadata_version, 1);
	store_call_free(c);
}

static void every_root_is_kept_and_old_timestamps_are_not(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	for (uint64_t v = 1; v <= 20; v++) {
		c = publish_call(v - 1, v);
		((struct publication *)c->items)[0].role = ROLE_ROOT;
		done(s, c);
	}
	c = verb(STORE_METADATA_GET);
	c->in.metadata.version = 1;
	c->in.metadata.role = ROLE_ROOT;
	must(s, c);
	c->in.metadata.role = ROLE_TIMESTAMP;
	must_fail(s, c, ERR_NOT_FOUND);
	c->in.metadata.version = 5;
	must(s, c);
	store_call_free(c);
}

static void events_are_read_in_order_after_an_id(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_EVENT_LIST);
	const struct event *v;

	make_device(s, "a");
	make_device(s, "b");
	make_device(s, "c");
	c->in.page.limit = 2;
	must(s, c);
	v = c->items;
	assert_int_equal(c->n_items, 2);
	assert_true(c->more);
	assert_true(v[0].id < v[1].id);
	assert_string_equal(v[0].device, "a");
	c->in.page.after_id = v[1].id;
	must(s, c);
	v = c->items;
	assert_int_equal(c->n_items, 1);
	assert_string_equal(v[0].device, "c");
	store_call_free(c);
	c = verb(STORE_EVENT_PRUNE);
	c->in.before_id = 3;
	done(s, c);
	c = verb(STORE_EVENT_BOUNDS);
	must(s, c);
	assert_int_equal(c->out.bounds.oldest, 3);
	assert_int_equal(c->out.bounds.newest, 3);
	store_call_free(c);
}

static void versions_are_counted_by_product_version_and_grade(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	const struct version_count *v;

	make_device(s, "a");
	make_device(s, "b");
	make_release(s, "r1", "1.0");
	struct deployment d = get_deployment(s, assign(s, "a", "r1"));

	c = move_call(&d, DEPLOYMENT_CONFIRMED);
	c->in.move.device = (struct device_change){
	    .set_version = true, .version = "1.0", .grade = GRADE_REPORTED};
	done(s, c);
	c = verb(STORE_VERSION_COUNTS);
	must(s, c);
	v = c->items;
	assert_int_equal(c->n_items, 2);
	assert_int_equal(v[0].n_devices + v[1].n_devices, 2);
	assert_string_equal(v[1].version, "1.0");
	assert_int_equal(v[1].grade, GRADE_REPORTED);
	store_call_free(c);
}

static void an_api_token_works_until_it_expires_or_is_deleted(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_API_TOKEN_CREATE);

	c->in.api_token = (struct api_token){
	    .hash = {5}, .name = "ci", .role = ROLE_OPERATOR, .expires_at = 2000};
	done(s, c);
	c = verb(STORE_API_TOKEN_GET);
	c->in.hash[0] = 5;
	must(s, c);
	assert_int_equal(c->out.api_token.role, ROLE_OPERATOR);
	c->now_ms = 2000;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_API_TOKEN_DELETE);
	c->in.hash[0] = 5;
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_login_token_makes_one_session(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_LOGIN_CREATE);

	c->in.login = (struct login_token){
	    .hash = {6}, .user = "admin", .role = ROLE_ADMIN, .expires_at = 2000};
	done(s, c);
	c = verb(STORE_LOGIN_EXCHANGE);
	c->in.exchange.token_hash[0] = 6;
	c->in.exchange.session_hash[0] = 7;
	c->in.exchange.expires_at = 9000;
	c->now_ms = 2000;
	must_fail(s, c, ERR_AUTH);
	c->now_ms = 1999;
	must(s, c);
	assert_string_equal(c->out.session.user, "admin");
	must_fail(s, c, ERR_AUTH);
	store_call_free(c);
	c = verb(STORE_SESSION_GET);
	c->in.hash[0] = 7;
	must(s, c);
	assert_int_equal(c->out.session.role, ROLE_ADMIN);
	c->now_ms = 9000;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_SESSION_DELETE);
	c->in.hash[0] = 7;
	must(s, c);
	must(s, c);
	store_call_free(c);
}

static void a_setting_is_put_and_put_again(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_SETTING_GET);
	struct err e = ERR_INIT;

	strcpy(c->in.setting, "keys");
	must_fail(s, c, ERR_NOT_FOUND);
	for (int i = 0; i < 2; i++) {
		struct store_call *p = verb(STORE_SETTING_PUT);

		strcpy(p->in.setting, "keys");
		OK(buf_add(&p->blob, i == 0 ? "a\0b" : "xyz", 3, &e));
		done(s, p);
	}
	must(s, c);
	assert_int_equal(c->blob.len, 3);
	assert_memory_equal(c->blob.data, "xyz", 3);
	store_call_free(c);
}

static void one_tenant_sees_nothing_of_another(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_GET);

	make_device(s, "dev-1");
	strcpy(c->in.device_id, "dev-1");
	strcpy(c->tenant, "other");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_DEVICE_SELECT);
	strcpy(c->tenant, "other");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
	c = verb(STORE_EVENT_LIST);
	strcpy(c->tenant, "other");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

static void a_deadline_that_passed_in_the_queue_leaves_nothing_done(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_CREATE);

	strcpy(c->in.device_new.device.id, "late");
	c->deadline_ms = clock_mono_ms(&clock_system) - 1;
	must_fail(s, c, ERR_TIMEOUT);
	store_call_free(c);
	c = verb(STORE_DEVICE_GET);
	strcpy(c->in.device_id, "late");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void writes_are_answered_once_each_in_the_thread_of_the_loop(void **state)
{
	struct err e = ERR_INIT;
	struct crowd w = {.thread = pthread_self(), .wanted = 200};

	w.loop = loop_new(&e);
	run_crowd(store_of(state), &w, 200);
	assert_int_equal(w.came, 200);
	assert_int_equal(w.wrong_thread, 0);
	assert_int_equal(w.failed, 0);
	assert_int_equal(n_events(store_of(state)), 200);
	loop_free(w.loop);
}

static void on_watch(void *ctx)
{
	struct crowd *w = ctx;

	w->watched++;
	loop_stop(w->loop);
}

static void the_watcher_is_woken_when_an_event_became_readable(void **state)
{
	struct store *s = store_of(state);
	struct err e = ERR_INIT;
	struct crowd w = {.thread = pthread_self()};

	w.loop = loop_new(&e);
	store_watch(s, w.loop, on_watch, &w);
	make_device(s, "dev-1");
	OK(loop_run(w.loop, &e));
	assert_true(w.watched >= 1);
	store_watch(s, NULL, NULL, NULL);
	loop_free(w.loop);
}

#define SUITE(X)                                                                       \
	X(a_device_is_found_by_its_id_and_by_its_token)                                \
	X(a_second_device_of_the_same_id_is_a_conflict_and_changes_nothing)            \
	X(a_new_token_ends_the_old_one)                                                \
	X(devices_are_listed_by_key_page_after_page)                                   \
	X(attributes_are_merged_replaced_removed_and_end_the_question)                 \
	X(a_hundred_attributes_are_the_limit_and_more_change_nothing)                  \
	X(seen_goes_forward_only_and_skips_the_unknown)                                \
	X(a_deleted_device_takes_everything_of_it_along)                               \
	X(a_release_comes_back_as_it_was_put)                                          \
	X(a_version_of_a_product_is_released_once)                                     \
	X(releases_are_listed_newest_first)                                            \
	X(action_ids_begin_at_100001)                                                  \
	X(a_new_deployment_asks_the_device_to_cancel_the_one_it_has_seen)              \
	X(the_open_release_of_a_device_is_not_assigned_twice)                          \
	X(assigning_needs_a_device_and_a_release_that_exist)                           \
	X(a_move_changes_deployment_status_device_and_events_at_once)                  \
	X(a_move_from_a_stale_view_changes_nothing)                                    \
	X(deployments_are_listed_by_device_and_by_state)                               \
	X(several_deployments_are_read_at_once_without_the_unknown)                    \
	X(an_upload_of_the_same_bytes_is_found_again_and_goes_on)                      \
	X(an_artifact_is_put_once_and_again)                                           \
	X(publication_is_all_or_nothing_and_only_goes_up)                              \
	X(publication_brings_its_release_or_neither)                                   \
	X(every_root_is_kept_and_old_timestamps_are_not)                               \
	X(events_are_read_in_order_after_an_id)                                        \
	X(versions_are_counted_by_product_version_and_grade)                           \
	X(an_api_token_works_until_it_expires_or_is_deleted)                           \
	X(a_login_token_makes_one_session)                                             \
	X(a_setting_is_put_and_put_again)                                              \
	X(one_tenant_sees_nothing_of_another)                                          \
	X(a_deadline_that_passed_in_the_queue_leaves_nothing_done)                     \
	X(writes_are_answered_once_each_in_the_thread_of_the_loop)                     \
	X(the_watcher_is_woken_when_an_event_became_readable)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("store", cases, N_ELEMS(cases));
}
