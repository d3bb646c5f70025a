/* SPDX-License-Identifier: Apache-2.0 */
/* People, credentials, tenants and scopes, a row of the suite that every back-end runs. */
#include "../../server/store/store_tenant.h"
#include "store_fixture.h"

#define NOW 1000000

/* ---- what the cases say shortly ---- */

static struct person make_person(struct store *s, const char *name, enum role role)
{
	struct store_call *c = verb(STORE_PERSON_CREATE);
	struct person made;

	strcpy(c->in.person.name, name);
	strcpy(c->in.person.password, "hash");
	c->in.person.role = role;
	must(s, c);
	made = c->out.person;
	store_call_free(c);
	return made;
}

static struct store_call *open_call(const struct person *p, uint8_t hash)
{
	struct store_call *c = verb(STORE_SESSION_OPEN);

	c->now_ms = NOW;
	strcpy(c->in.session_open.name, p->name);
	c->in.session_open.revision = p->revision;
	c->in.session_open.hash[0] = hash;
	c->in.session_open.expires_at = NOW + 5000;
	return c;
}

static void open_session(struct store *s, const struct person *p, uint8_t hash)
{
	done(s, open_call(p, hash));
}

static struct store_call *session_call(uint8_t hash, int64_t now, int64_t seen_since)
{
	struct store_call *c = verb(STORE_SESSION_GET);

	c->now_ms = now;
	c->in.session_get.hash[0] = hash;
	c->in.session_get.seen_since = seen_since;
	return c;
}

static bool has_session(struct store *s, uint8_t hash)
{
	struct store_call *c = session_call(hash, NOW + 1, 0);
	bool there;

	there = store_wait(s, c, NULL) == 0;
	store_call_free(c);
	return there;
}

static void change(struct store *s, struct person_change p, struct person *ret)
{
	struct store_call *c = verb(STORE_PERSON_SET);

	c->in.person_change = p;
	must(s, c);
	*ret = c->out.person;
	store_call_free(c);
}

static void make_tenant(struct store *s, struct tenant t)
{
	struct store_call *c = verb(STORE_TENANT_CREATE);

	c->in.tenant_row = t;
	done(s, c);
}

/* ---- sessions ---- */

static void
a_session_is_of_the_person_as_they_were_when_the_password_was_checked(void **state)
{
	struct store *s = store_of(state);
	struct person was = make_person(s, "a", ROLE_ADMIN), is;
	struct store_call *c;

	open_session(s, &was, 1);
	assert_true(has_session(s, 1));
	change(s,
	       (struct person_change){
		   .name = "a", .set_role = true, .role = ROLE_VIEWER, .scope = "g"},
	       &is);
	assert_int_equal(is.role, ROLE_VIEWER);
	assert_false(has_session(s, 1));
	c = open_call(&was, 2); /* a login that was under way meanwhile */
	must_fail(s, c, ERR_AUTH);
	store_call_free(c);
	open_session(s, &is, 3);
	c = session_call(3, NOW + 1, 0);
	must(s, c);
	assert_int_equal(c->out.session.role, ROLE_VIEWER);
	assert_string_equal(c->out.session.scope, "g");
	assert_string_equal(c->out.session.tenant, TENANT_DEFAULT);
	assert_true(c->out.session.of_person);
	store_call_free(c);
}

static void who_is_disabled_or_gone_has_no_sessions_and_gets_none(void **state)
{
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_VIEWER),
		      b = make_person(s, "b", ROLE_VIEWER);
	struct store_call *c;

	open_session(s, &a, 1);
	open_session(s, &b, 2);
	change(
	    s,
	    (struct person_change){.name = "a", .set_disabled = true, .disabled = true},
	    &a);
	assert_false(has_session(s, 1));
	c = open_call(&a, 3);
	must_fail(s, c, ERR_AUTH);
	store_call_free(c);
	c = verb(STORE_PERSON_DELETE);
	strcpy(c->in.person_name, "b");
	done(s, c);
	assert_false(has_session(s, 2));
	c = open_call(&b, 4);
	must_fail(s, c, ERR_AUTH);
	store_call_free(c);
}

static void a_session_ends_at_its_time_or_when_it_was_not_used(void **state)
{
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_VIEWER);
	struct store_call *c;

	open_session(s, &a, 1);
	c = session_call(1, NOW + 5000, 0);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = session_call(1, NOW + 100, NOW + 50);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_SESSION_TOUCH);
	c->now_ms = NOW + 60;
	c->in.session_touch.hash[0] = 1;
	done(s, c);
	c = session_call(1, NOW + 100, NOW + 50);
	must(s, c);
	assert_int_equal(c->out.session.seen_at, NOW + 60);
	assert_int_equal(c->out.session.proved_at, NOW);
	store_call_free(c);
}

static void a_session_of_a_clock_that_was_ahead_does_not_count(void **state)
{
	static const struct {
		int64_t behind_ms;
		enum err_code code;
	} rows[] = {{0, ERR_NONE},
		    {1000, ERR_NONE}, /* a clock is set right all the time */
		    {PERSON_CLOCK_STEP_MS, ERR_NONE},
		    {PERSON_CLOCK_STEP_MS + 1, ERR_NOT_FOUND},
		    {30 * (int64_t)86400000, ERR_NOT_FOUND}};
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_VIEWER);

	open_session(s, &a, 1);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct store_call *c = session_call(1, NOW - rows[i].behind_ms,
						    NOW - rows[i].behind_ms - 100);

		if (rows[i].code == ERR_NONE)
			must(s, c);
		else
			must_fail(s, c, rows[i].code);
		store_call_free(c);
	}
}

static void the_session_used_longest_ago_makes_room_for_one_too_many(void **state)
{
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_VIEWER);
	struct store_call *c;

	open_session(s, &a, 1);
	c = verb(STORE_SESSION_TOUCH);
	c->now_ms = NOW + 9;
	c->in.session_touch.hash[0] = 1;
	done(s, c);
	for (uint8_t i = 2; i <= PERSON_MAX_SESSIONS + 1; i++)
		open_session(s, &a, i);
	assert_true(has_session(s, 1));
	c = verb(STORE_SESSION_LIST);
	c->now_ms = NOW;
	strcpy(c->in.person_name, "a");
	must(s, c);
	assert_int_equal(c->n_items, PERSON_MAX_SESSIONS);
	store_call_free(c);
}

static void a_change_that_met_another_one_is_told_so(void **state)
{
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_VIEWER);
	struct store_call *c = verb(STORE_PERSON_SET);

	strcpy(c->in.person_change.name, "a");
	c->in.person_change.set_password = true;
	c->in.person_change.expect_revision = a.revision + 1;
	must_fail(s, c, ERR_PRECONDITION);
	strcpy(c->in.person_change.name, "b");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_PERSON_CREATE);
	strcpy(c->in.person.name, "a");
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
}

/* ---- tokens ---- */

static void make_token(struct store *s, uint8_t hash, enum role role,
		       int64_t expires_at)
{
	struct store_call *c = verb(STORE_API_TOKEN_CREATE);

	c->now_ms = NOW;
	c->in.api_token.hash[0] = hash;
	c->in.api_token.role = role;
	c->in.api_token.expires_at = expires_at;
	strcpy(c->in.api_token.scope, "a b");
	done(s, c);
}

static enum err_code ask_token(struct store *s, uint8_t hash, int64_t now)
{
	struct store_call *c = verb(STORE_API_TOKEN_GET);
	struct err e = ERR_INIT;

	c->now_ms = now;
	c->in.hash[0] = hash;
	if (store_wait(s, c, &e) == 0)
		assert_string_equal(c->out.api_token.scope, "a b");
	store_call_free(c);
	return e.code;
}

static void ending_the_administrators_leaves_the_others(void **state)
{
	struct store *s = store_of(state);
	struct person a = make_person(s, "a", ROLE_ADMIN),
		      v = make_person(s, "v", ROLE_VIEWER);

	make_token(s, 1, ROLE_ADMIN, 0);
	make_token(s, 2, ROLE_RELEASE_MANAGER, 0);
	open_session(s, &a, 3);
	open_session(s, &v, 4);
	done(s, verb(STORE_ADMINS_END));
	assert_int_equal(ask_token(s, 1, NOW), ERR_NOT_FOUND);
	assert_int_equal(ask_token(s, 2, NOW), ERR_NONE);
	assert_false(has_session(s, 3));
	assert_true(has_session(s, 4));
}

static void a_token_is_found_until_it_expires_and_shown_a_month_longer(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	make_token(s, 1, ROLE_VIEWER, NOW + 10);
	assert_int_equal(ask_token(s, 1, NOW + 9), ERR_NONE);
	assert_int_equal(ask_token(s, 1, NOW + 10), ERR_NOT_FOUND);
	c = verb(STORE_EXPIRE);
	c->now_ms = NOW + INT64_C(29) * 86400000;
	done(s, c);
	c = verb(STORE_API_TOKEN_LIST);
	must(s, c);
	assert_int_equal(c->n_items, 1);
	store_call_free(c);
	c = verb(STORE_EXPIRE);
	c->now_ms = NOW + INT64_C(31) * 86400000;
	done(s, c);
	c = verb(STORE_API_TOKEN_LIST);
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

/* ---- tenants ---- */

static struct store_call *device_call(const char *id)
{
	struct store_call *c = verb(STORE_DEVICE_CREATE);

	snprintf(c->in.device_new.device.id, sizeof(c->in.device_new.device.id), "%s",
		 id);
	memcpy(c->in.device_new.token_hash, id, strlen(id));
	return c;
}

static void a_tenant_has_no_more_devices_than_it_may(void **state)
{
	struct store *s = store_of(state);
	struct err e = ERR_INIT;
	struct store *small;
	struct store_call *c;

	make_tenant(s, (struct tenant){.name = "small", .max_devices = 1});
	small = store_tenant_view(s, "small", &e);
	done(small, device_call("a"));
	c = device_call("b");
	must_fail(small, c, ERR_QUOTA);
	store_call_free(c);
	c = device_call("a"); /* refused for another reason: it takes no place */
	must_fail(small, c, ERR_QUOTA);
	store_call_free(c);
	done(s, device_call("b")); /* another tenant's business */
	c = verb(STORE_DEVICE_DELETE);
	strcpy(c->in.device_id, "a");
	done(small, c);
	done(small, device_call("b"));
	c = verb(STORE_TENANT_GET);
	must(small, c);
	assert_int_equal(c->out.tenant_row.n_devices, 1);
	store_call_free(c);
	store_close(small);
}

static struct store_call *upload_call(uint8_t hash, uint64_t size)
{
	struct store_call *c = verb(STORE_UPLOAD_CREATE);

	snprintf(c->in.upload.id, sizeof(c->in.upload.id), "%u", hash);
	c->in.upload.sha256[0] = hash;
	c->in.upload.size = size;
	return c;
}

static void what_is_stored_and_on_its_way_counts_together(void **state)
{
	struct store *s = store_of(state);
	struct err e = ERR_INIT;
	struct store *small;
	struct store_call *c;

	make_tenant(
	    s, (struct tenant){.name = "small", .max_bytes = 100, .max_uploads = 2});
	small = store_tenant_view(s, "small", &e);
	c = verb(STORE_ARTIFACT_PUT);
	c->in.artifact.sha256[0] = 9;
	c->in.artifact.size = 50;
	done(small, c);
	done(small, upload_call(1, 30));
	c = upload_call(2, 21);
	must_fail(small, c, ERR_QUOTA);
	store_call_free(c);
	done(small, upload_call(9, 50)); /* it is there: nothing is added */
	c = upload_call(3, 1);
	must_fail(small, c, ERR_QUOTA); /* two are in flight */
	store_call_free(c);
	store_close(small);
}

static void a_view_reaches_its_own_tenant_whatever_the_call_says(void **state)
{
	struct store *s = store_of(state);
	struct err e = ERR_INIT;
	struct store *view;
	struct store_call *c;

	make_tenant(s, (struct tenant){.name = "other"});
	make_device(s, "dev-1");
	view = store_tenant_view(s, "other", &e);
	c = verb(STORE_DEVICE_GET);
	strcpy(c->in.device_id, "dev-1");
	strcpy(c->tenant, TENANT_DEFAULT);
	must_fail(view, c, ERR_NOT_FOUND);
	store_call_free(c);
	store_close(view);
}

static void names_of_tenants_are_those_that_urls_can_carry(void **state)
{
	static const char *const bad[] = {"",	 "Upper",  "1st", "a/b",     "a_b",
					  "api", "assets", "a..", "\xc3\xa4"};
	char own[TENANT_MAX_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	OK(tenant_name_check("a-1", &e));
	for (size_t i = 0; i < N_ELEMS(bad); i++)
		FAILS(tenant_name_check(bad[i], &e), ERR_FORMAT);
	FAILS(tenant_name_check("a23456789012345678901234567890123", &e), ERR_FORMAT);
	assert_true(tenant_name_read("DEFAULT", own));
	assert_string_equal(own, "default");
	assert_false(tenant_name_read("a b", own));
	assert_false(tenant_name_read("a23456789012345678901234567890123", own));
}

/* ---- scopes ---- */

static void make_group(struct store *s, const char *name, const char *member)
{
	struct store_call *c = verb(STORE_GROUP_PUT);
	struct device_id *ids;

	strcpy(c->in.group_put.group.name, name);
	done(s, c);
	c = verb(STORE_GROUP_MEMBERS);
	strcpy(c->in.members.group, name);
	ids = store_call_items(c, 1, sizeof(*ids), NULL);
	strcpy(ids[0].id, member);
	done(s, c);
}

static enum err_code get_scoped(struct store *s, const char *scope, const char *id)
{
	struct store_call *c = verb(STORE_DEVICE_GET);
	struct err e = ERR_INIT;

	strcpy(c->scope, scope);
	strcpy(c->in.device_id, id);
	(void)!store_wait(s, c, &e);
	store_call_free(c);
	return e.code;
}

static void a_device_is_there_for_the_scopes_that_have_it(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "in");
	make_device(s, "out");
	make_group(s, "g", "in");
	assert_int_equal(get_scoped(s, "", "out"), ERR_NONE);
	assert_int_equal(get_scoped(s, "g", "in"), ERR_NONE);
	assert_int_equal(get_scoped(s, "f g", "in"), ERR_NONE);
	assert_int_equal(get_scoped(s, "g", "out"), ERR_NOT_FOUND);
	assert_int_equal(get_scoped(s, "f", "in"), ERR_NOT_FOUND);
}

static void scoped_person(struct store *s, const char *name, const char *scope)
{
	struct store_call *c = verb(STORE_PERSON_CREATE);

	strcpy(c->in.person.name, name);
	strcpy(c->in.person.password, "x");
	strcpy(c->in.person.scope, scope);
	done(s, c);
}

static void scope_of(struct store *s, const char *name,
		     char ret[SCOPE_TEXT_MAX_LEN + 1])
{
	struct store_call *c = verb(STORE_PERSON_GET);

	strcpy(c->in.name, name);
	must(s, c);
	strcpy(ret, c->out.person.scope);
	store_call_free(c);
}

static void
a_group_made_again_is_not_in_the_scopes_of_the_one_that_was_deleted(void **state)
{
	static const struct {
		const char *name, *before, *after;
	} rows[] = {
	    {"only", "g", "!"},		 {"first", "g h", "! h"},
	    {"last", "a g", "a !"},	 {"among", "a g h", "a ! h"},
	    {"alike", "gg xg", "gg xg"}, {"all", "", ""},
	};
	struct store *s = store_of(state);
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	struct store_call *c;

	make_device(s, "in");
	make_group(s, "g", "in");
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		scoped_person(s, rows[i].name, rows[i].before);
	c = verb(STORE_GROUP_DELETE);
	strcpy(c->in.name, "g");
	done(s, c);
	make_group(s, "g", "in");
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		scope_of(s, rows[i].name, scope);
		assert_string_equal(scope, rows[i].after);
		assert_int_equal(get_scoped(s, scope, "in"),
				 rows[i].before[0] == '\0' ? ERR_NONE : ERR_NOT_FOUND);
	}
}

static void deployments_follow_their_device_into_a_scope(void **state)
{
	struct store *s = store_of(state);
	uint64_t in, out, *ids;
	struct store_call *c;

	make_device(s, "in");
	make_device(s, "out");
	make_group(s, "g", "in");
	make_release(s, "r", "1");
	in = assign(s, "in", "r");
	out = assign(s, "out", "r");
	c = verb(STORE_DEPLOYMENT_LIST);
	c->in.page.state = -1;
	strcpy(c->scope, "g");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	assert_int_equal(((struct deployment *)c->items)->id, in);
	store_call_free(c);
	c = verb(STORE_DEPLOYMENT_MANY);
	ids = store_call_items(c, 2, sizeof(*ids), NULL);
	ids[0] = out;
	ids[1] = in;
	strcpy(c->scope, "g");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	store_call_free(c);
	c = verb(STORE_DEPLOYMENT_GET);
	c->in.deployment_id = out;
	strcpy(c->scope, "g");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = assign_call("out", "r");
	strcpy(c->scope, "g");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_verb_that_nobody_thought_about_is_closed_to_scopes(void **state)
{
	static const enum store_verb closed[] = {
	    STORE_DEVICE_CREATE,  STORE_PERSON_LIST, STORE_API_TOKEN_LIST,
	    STORE_GROUP_PUT,	  STORE_FREEZE_PUT,  STORE_SETTING_GET,
	    STORE_RELEASE_CREATE, STORE_TENANT_LIST,
	};
	struct store *s = store_of(state);

	for (size_t i = 0; i < N_ELEMS(closed); i++) {
		struct store_call *c = verb(closed[i]);

		strcpy(c->scope, "g");
		must_fail(s, c, ERR_FORBIDDEN);
		store_call_free(c);
	}
}

static void a_scope_is_written_in_one_form(void **state)
{
	static const char *const names[] = {"b", "a", "b"};
	const char *const nine[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
	const char *const wrong[] = {"a b"};
	char scope[SCOPE_TEXT_MAX_LEN + 1], group[GROUP_NAME_MAX_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	OK(scope_write(names, 3, scope, &e));
	assert_string_equal(scope, "a b");
	assert_true(scope_group(scope, 1, group));
	assert_string_equal(group, "b");
	assert_false(scope_group(scope, 2, group));
	assert_false(scope_group("", 0, group));
	FAILS(scope_write(nine, 9, scope, &e), ERR_LIMIT);
	FAILS(scope_write(wrong, 1, scope, &e), ERR_FORMAT);
}

#define SUITE(X)                                                                       \
	X(a_session_is_of_the_person_as_they_were_when_the_password_was_checked)       \
	X(who_is_disabled_or_gone_has_no_sessions_and_gets_none)                       \
	X(a_session_of_a_clock_that_was_ahead_does_not_count)                          \
	X(a_session_ends_at_its_time_or_when_it_was_not_used)                          \
	X(the_session_used_longest_ago_makes_room_for_one_too_many)                    \
	X(a_change_that_met_another_one_is_told_so)                                    \
	X(ending_the_administrators_leaves_the_others)                                 \
	X(a_token_is_found_until_it_expires_and_shown_a_month_longer)                  \
	X(a_tenant_has_no_more_devices_than_it_may)                                    \
	X(what_is_stored_and_on_its_way_counts_together)                               \
	X(a_view_reaches_its_own_tenant_whatever_the_call_says)                        \
	X(names_of_tenants_are_those_that_urls_can_carry)                              \
	X(a_device_is_there_for_the_scopes_that_have_it)                               \
	X(a_group_made_again_is_not_in_the_scopes_of_the_one_that_was_deleted)         \
	X(deployments_follow_their_device_into_a_scope)                                \
	X(a_verb_that_nobody_thought_about_is_closed_to_scopes)                        \
	X(a_scope_is_written_in_one_form)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("people", cases, N_ELEMS(cases));
}
