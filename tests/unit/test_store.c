/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, events, people and the store itself, on every back-end; other subjects have
 * files of their own (test_store_*.c). What is one back-end's own stands in test_sqlite.c
 * and test_postgres.c.
 */
#include "store_fixture.h"

#include "../../common/base/clock.h"

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
	c->in.prune.before_id = 3;
	c->in.prune.limit = 1;
	must(s, c);
	assert_true(c->more);
	must(s, c);
	assert_true(c->more);
	must(s, c);
	assert_false(c->more);
	store_call_free(c);
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

int main(void)
{
	const struct CMUnitTest cases[] = {
	    STORE_CASE(a_device_is_found_by_its_id_and_by_its_token) STORE_CASE(
		a_second_device_of_the_same_id_is_a_conflict_and_changes_nothing)
		STORE_CASE(a_new_token_ends_the_old_one) STORE_CASE(
		    devices_are_listed_by_key_page_after_page)
		    STORE_CASE(attributes_are_merged_replaced_removed_and_end_the_question) STORE_CASE(
			a_hundred_attributes_are_the_limit_and_more_change_nothing)
			STORE_CASE(seen_goes_forward_only_and_skips_the_unknown) STORE_CASE(
			    a_deleted_device_takes_everything_of_it_along)
			    STORE_CASE(events_are_read_in_order_after_an_id) STORE_CASE(
				versions_are_counted_by_product_version_and_grade)
				STORE_CASE(
				    an_api_token_works_until_it_expires_or_is_deleted)
				    STORE_CASE(a_login_token_makes_one_session) STORE_CASE(
					a_setting_is_put_and_put_again)
					STORE_CASE(one_tenant_sees_nothing_of_another) STORE_CASE(
					    a_deadline_that_passed_in_the_queue_leaves_nothing_done)
					    STORE_CASE(
						writes_are_answered_once_each_in_the_thread_of_the_loop)
						STORE_CASE(
						    the_watcher_is_woken_when_an_event_became_readable)};

	return store_run_everywhere("store", cases, N_ELEMS(cases));
}
