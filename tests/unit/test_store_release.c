/* SPDX-License-Identifier: Apache-2.0 */
/* Releases, artifacts, uploads and published metadata, on every back-end. */
#include "store_fixture.h"

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

static void withdraw(struct store *s, const char *id, const char *reason)
{
	struct store_call *c = verb(STORE_RELEASE_WITHDRAW);

	strcpy(c->in.withdrawal.release, id);
	strcpy(c->in.withdrawal.by, "ann");
	strcpy(c->in.withdrawal.reason, reason);
	must(s, c);
	assert_string_equal(c->out.release.withdrawn_by, "ann");
	assert_string_equal(c->out.release.withdrawn_reason, reason);
	assert_true(c->out.release.withdrawn_at > 0);
	store_call_free(c);
}

static void a_withdrawn_release_is_assigned_and_offered_to_nobody(void **state)
{
	struct store *s = store_of(state);
	struct deployment d;
	struct store_call *c;
	uint64_t id;

	make_release(s, "r1", "1.0.0");
	make_device(s, "dev-1");
	make_device(s, "dev-2");
	id = assign(s, "dev-1", "r1");
	withdraw(s, "r1", "it eats flash");
	c = assign_call("dev-2", "r1");
	must_fail(s, c, ERR_CONFLICT);
	assert_non_null(strstr(c->err.text, "withdrawn by ann: it eats flash"));
	store_call_free(c);
	d = get_deployment(s, id);
	c = move_call(&d, DEPLOYMENT_ASSIGNED);
	c->in.move.offered = c->in.move.offering = true;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	assert_false(get_deployment(s, id).offered);
}

static void cancelling_goes_on_from_where_it_stopped(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_CANCEL);
	const unsigned n = WITHDRAW_BATCH + 3;
	char name[32];

	make_release(s, "r1", "1.0.0");
	for (unsigned i = 0; i < n; i++) {
		assert_true(snprintf(name, sizeof(name), "dev-%04u", i) > 0);
		make_device(s, name);
		(void)assign(s, name, "r1");
	}
	strcpy(c->in.release_cancel.release, "r1");
	must_fail(s, c, ERR_CONFLICT); /* nobody withdrew it */
	withdraw(s, "r1", "x");
	must(s, c);
	assert_int_equal(c->n_items, WITHDRAW_BATCH);
	assert_true(c->more);
	must(s, c);
	assert_int_equal(c->n_items, 3);
	assert_false(c->more);
	store_call_free(c);
}

static void targets_are_not_published_over_a_withdrawal_they_did_not_see(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_METADATA_PUBLISH);
	struct err e = ERR_INIT;
	struct publication *p = store_call_items(c, 1, sizeof(*p), &e);

	assert_non_null(p);
	make_release(s, "r1", "1.0.0");
	withdraw(s, "r1", "x");
	*p = (struct publication){
	    .role = ROLE_TARGETS, .version = 1, .data = "t", .len = 1};
	must_fail(s, c, ERR_PRECONDITION);
	c->in.publish.n_withdrawn = 1;
	must(s, c);
	store_call_free(c);
	c = verb(STORE_RELEASE_GET);
	strcpy(c->in.release_id, "r1");
	must(s, c);
	assert_true(c->out.release.unlisted_at > 0);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(a_release_comes_back_as_it_was_put)                                          \
	X(a_version_of_a_product_is_released_once)                                     \
	X(releases_are_listed_newest_first)                                            \
	X(an_upload_of_the_same_bytes_is_found_again_and_goes_on)                      \
	X(an_artifact_is_put_once_and_again)                                           \
	X(publication_is_all_or_nothing_and_only_goes_up)                              \
	X(publication_brings_its_release_or_neither)                                   \
	X(every_root_is_kept_and_old_timestamps_are_not)                               \
	X(a_withdrawn_release_is_assigned_and_offered_to_nobody)                       \
	X(cancelling_goes_on_from_where_it_stopped)                                    \
	X(targets_are_not_published_over_a_withdrawal_they_did_not_see)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("releases", cases, N_ELEMS(cases));
}
