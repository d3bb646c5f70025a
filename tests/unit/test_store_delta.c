/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas and the online roles, a row of the suite that every back-end runs. */
#include "fleet_fixture.h"

#include <string.h>

#define LEASE_MS 60000

static void make_sized_release(struct store *s, const char *id, const char *version,
			       uint64_t body_size)
{
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	c->in.release = a_release(id, version);
	c->in.release.head_size = 100;
	c->in.release.body_size = body_size;
	done(s, c);
}

static void make_payload_release(struct store *s, const char *id, const char *version)
{
	make_sized_release(s, id, version, 900);
}

/* It runs this, proven. */
static void make_runner(struct store *s, const char *id, const char *release,
			const char *version)
{
	struct deployment d;
	struct store_call *c;

	make_device(s, id);
	report(s, id, "gateway", "", "color", "red");
	d = get_deployment(s, assign(s, id, release));
	c = move_call(&d, DEPLOYMENT_CONFIRMED);
	c->in.move.grade = GRADE_PROVEN;
	c->in.move.device =
	    (struct device_change){.set_version = true, .grade = GRADE_PROVEN};
	strcpy(c->in.move.device.version, version);
	done(s, c);
}

/* "r1>r2 3, r1>>r2 1, ..": the second is an unwrapped one. */
static void must_want(struct store *s, const char *want)
{
	struct store_call *c = verb(STORE_DELTA_PAIRS);
	const struct delta_pair *p;
	char have[512] = "";
	size_t n = 0;

	must(s, c);
	p = c->items;
	for (size_t i = 0; i < c->n_items; i++)
		n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%s%s%s %llu",
				      i > 0 ? ", " : "", p[i].from,
				      p[i].unwraps ? ">>" : ">", p[i].to,
				      (unsigned long long)p[i].n_devices);
	assert_string_equal(have, want);
	store_call_free(c);
}

static void add_kind(struct store *s, const char *from, const char *to, bool unwraps,
		     uint64_t n)
{
	struct store_call *c = verb(STORE_DELTA_ADD);
	struct err e = ERR_INIT;
	struct delta_pair *p = store_call_items(c, 1, sizeof(*p), &e);

	assert_non_null(p);
	*p = (struct delta_pair){.n_devices = n, .unwraps = unwraps};
	strcpy(p->from, from);
	strcpy(p->to, to);
	done(s, c);
}

static void add(struct store *s, const char *from, const char *to, uint64_t n)
{
	add_kind(s, from, to, false, n);
}

static struct store_call *take_call(int64_t now_ms)
{
	struct store_call *c = verb(STORE_DELTA_TAKE);

	c->now_ms = now_ms;
	c->in.delta_lease_ms = LEASE_MS;
	return c;
}

static struct fleet_delta take_at(struct store *s, int64_t now_ms)
{
	struct store_call *c = take_call(now_ms);
	struct fleet_delta d;

	must(s, c);
	d = c->out.delta;
	assert_int_equal(d.state, DELTA_MAKING);
	store_call_free(c);
	return d;
}

static void must_have_none(struct store *s, int64_t now_ms)
{
	struct store_call *c = take_call(now_ms);

	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void end(struct store *s, struct fleet_delta d, enum delta_progress state)
{
	struct store_call *c = verb(STORE_DELTA_END);

	d.state = state;
	d.head_size = 10;
	d.body_size = 90;
	memset(d.head_sha256, 7, SHA256_LEN);
	memset(d.body_sha256, 8, SHA256_LEN);
	c->in.delta = d;
	must(s, c);
	assert_int_equal(c->out.delta.state, state);
	store_call_free(c);
}

/* The one at this place of those that lead there. */
static struct fleet_delta find_at(struct store *s, const char *version, const char *to,
				  size_t at)
{
	struct store_call *c = verb(STORE_DELTA_FIND);
	struct fleet_delta d;

	strcpy(c->in.delta_find.product, "gateway");
	strcpy(c->in.delta_find.version, version);
	strcpy(c->in.delta_find.to, to);
	must(s, c);
	assert_in_range(at, 0, c->n_items - 1);
	d = ((const struct fleet_delta *)c->items)[at];
	store_call_free(c);
	return d;
}

static struct fleet_delta find(struct store *s, const char *version, const char *to)
{
	return find_at(s, version, to, 0);
}

static void
what_devices_run_is_wanted_to_the_newest_and_to_what_they_are_assigned(void **state)
{
	struct store *s = store_of(state);

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_payload_release(s, "r3", "3.0.0");
	make_runner(s, "dev-1", "r1", "1.0.0");
	make_runner(s, "dev-2", "r1", "1.0.0");
	make_runner(s, "dev-3", "r2", "2.0.0");
	must_want(s, "r1>r3 2, r2>r3 1");
	(void)assign(s, "dev-1", "r2");
	(void)assign(s, "dev-3", "r1"); /* back: also of use */
	must_want(s, "r1>r3 2, r2>r1 1, r1>r2 1, r2>r3 1");
	add(s, "r1", "r3", 2);
	add(s, "r1", "r3", 2); /* once more is nothing */
	must_want(s, "r2>r1 1, r1>r2 1, r2>r3 1");
}

static void can(struct store *s, const char *device, const char *words)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);

	strcpy(c->in.attributes.id, device);
	strcpy(c->in.attributes.capabilities, words);
	done(s, c);
}

static void an_unwrapped_one_is_wanted_where_devices_can_use_it(void **state)
{
	struct store *s = store_of(state);
	struct fleet_delta d;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_runner(s, "dev-1", "r1", "1.0.0");
	make_runner(s, "dev-2", "r1", "1.0.0");
	can(s, "dev-1", "full delta");
	must_want(s, "r1>r2 2");
	can(s, "dev-2", "full delta unwrap-zstd-1.5.4");
	must_want(s, "r1>r2 2, r1>>r2 1");
	(void)assign(s, "dev-2", "r2");
	can(s, "dev-1", "full delta unwrap-xz-5.4.1");
	must_want(s, "r1>>r2 3, r1>r2 3"); /* by each way that they were counted */
	add_kind(s, "r1", "r2", true, 3);
	must_want(s, "r1>r2 3");
	add(s, "r1", "r2", 2);
	must_want(s, "");
	d = take_at(s, 1000);
	assert_true(d.unwraps);
	strcpy(d.needs, "unwrap-zstd-1.5.4");
	end(s, d, DELTA_MADE);
	assert_string_equal(find_at(s, "1.0.0", "r2", 1).needs, "unwrap-zstd-1.5.4");
	assert_false(find_at(s, "1.0.0", "r2", 0).unwraps); /* 0 bytes yet */
	d = take_at(s, 1000);
	assert_false(d.unwraps);
	end(s, d, DELTA_USELESS);
}

static void no_delta_is_wanted_without_payload_or_to_what_was_withdrawn(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_WITHDRAW);

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_runner(s, "dev-1", "r1", "1.0.0");
	add(s, "r1", "r2", 1);
	strcpy(c->in.withdrawal.release, "r2");
	strcpy(c->in.withdrawal.by, "ann");
	strcpy(c->in.withdrawal.reason, "x");
	done(s, c);
	must_want(s, "");
	must_have_none(s, 1000);
	assert_true(find(s, "1.0.0", "r2").withdrawn);
	make_sized_release(s, "r3", "3.0.0", 0); /* files alone */
	must_want(s, "");
}

static void the_one_that_serves_most_is_made_first_and_by_one_maker(void **state)
{
	struct store *s = store_of(state);
	struct fleet_delta d;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_payload_release(s, "r3", "3.0.0");
	add(s, "r1", "r3", 2);
	add(s, "r2", "r3", 5);
	d = take_at(s, 1000);
	assert_string_equal(d.from, "r2");
	assert_string_equal(d.from_version, "2.0.0");
	assert_string_equal(d.to_version, "3.0.0");
	assert_int_equal(d.full_size, 1000);
	assert_string_equal(take_at(s, 1000).from, "r1");
	must_have_none(s, 1000);
	end(s, d, DELTA_MADE);
	must_have_none(s, 1000);
	assert_int_equal(find(s, "2.0.0", "r3").body_size, 90);
}

static void one_whose_maker_died_is_taken_again_and_given_up_after_three(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	struct fleet_delta d;
	int64_t now = 1000;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	add(s, "r1", "r2", 1);
	for (unsigned i = 1; i <= DELTA_MAX_TRIES; i++) {
		d = take_at(s, now);
		assert_int_equal(d.n_tries, i);
		must_have_none(s, now + LEASE_MS);
		now += LEASE_MS + 1;
	}
	must_have_none(s, now);
	assert_int_equal(find(s, "1.0.0", "r2").state, DELTA_MAKING);
	c = verb(STORE_DELTA_END);
	d.state = DELTA_USELESS;
	strcpy(d.detail, "not smaller");
	c->in.delta = d;
	must(s, c);
	assert_string_equal(c->out.delta.detail, "not smaller");
	must_fail(s, c, ERR_PRECONDITION); /* it has ended */
	store_call_free(c);
}

static void publish(struct store *s, uint64_t from, uint64_t to,
		    const struct online_role *role, const uint64_t *delta)
{
	struct store_call *c = verb(STORE_METADATA_PUBLISH);
	struct err e = ERR_INIT;
	struct publication *p = store_call_items(c, 1, sizeof(*p), &e);

	assert_non_null(p);
	*p = (struct publication){.role = ROLE_TIMESTAMP,
				  .expect_version = from,
				  .version = to,
				  .data = "t",
				  .len = 1};
	c->in.publish.roles = role;
	c->in.publish.n_roles = role != NULL;
	c->in.publish.deltas = delta;
	c->in.publish.n_deltas = delta != NULL;
	done(s, c);
}

static void a_delta_is_ready_with_the_metadata_that_lists_it(void **state)
{
	struct store *s = store_of(state);
	struct online_role role = {
	    .name = "delta-gateway", .version = 4, .data = "four", .len = 4};
	const struct online_role *listed;
	struct fleet_delta d;
	struct store_call *c;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	add(s, "r1", "r2", 1);
	d = take_at(s, 1000);
	end(s, d, DELTA_MADE);
	publish(s, 0, 1, &role, &d.id);
	assert_int_equal(find(s, "1.0.0", "r2").state, DELTA_READY);
	role.version = 9;
	publish(s, 1, 2, &role, NULL);
	c = verb(STORE_ONLINE_ROLE_LIST);
	must(s, c);
	assert_int_equal(c->n_items, 1);
	listed = c->items;
	assert_string_equal(listed->name, "delta-gateway");
	assert_int_equal(listed->version, 9);
	store_call_free(c);
	c = verb(STORE_ONLINE_ROLE_GET);
	c->in.online_role = (struct online_role){.name = "delta-gateway", .version = 4};
	must(s, c);
	assert_int_equal(c->blob.len, 4);
	c->in.online_role.version = 5;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

/* It says that it came to r2 by the delta from there. */
static void come_by_delta(struct store *s, const char *device, const char *from)
{
	struct deployment d = get_deployment(s, assign(s, device, "r2"));
	struct store_call *c = move_call(&d, DEPLOYMENT_CONFIRMED);

	c->in.move.grade = GRADE_PROVEN;
	strcpy(c->in.move.delta_from, from);
	done(s, c);
}

static struct watch_totals count(struct store *s)
{
	struct store_call *c = verb(STORE_WATCH_TOTALS);
	struct watch_totals t;

	must(s, c);
	t = c->out.watch;
	store_call_free(c);
	return t;
}

static void who_came_by_a_delta_is_counted(void **state)
{
	struct store *s = store_of(state);
	struct online_role role = {
	    .name = "delta-gateway", .version = 4, .data = "four", .len = 4};
	struct fleet_delta d;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_runner(s, "dev-1", "r1", "1.0.0");
	make_runner(s, "dev-2", "r1", "1.0.0");
	make_runner(s, "dev-3", "r1", "1.0.0");
	add(s, "r1", "r2", 1);
	d = take_at(s, 1000);
	come_by_delta(s, "dev-3", "1.0.0"); /* of one that is not there yet */
	end(s, d, DELTA_MADE);
	publish(s, 0, 1, &role, &d.id);
	assert_int_equal(find(s, "1.0.0", "r2").n_used, 0);
	assert_int_equal(count(s).saved_bytes, 0);
	come_by_delta(s, "dev-1", "1.0.0");
	come_by_delta(s, "dev-2", "1.0.1"); /* nobody made that one */
	assert_int_equal(find(s, "1.0.0", "r2").n_used, 1);
	assert_int_equal(count(s).n_by_delta, 1);
	assert_int_equal(count(s).saved_bytes, 900); /* 1000 - 100 */
}

static void lines_and_products_are_of_what_can_be_offered(void **state)
{
	struct store *s = store_of(state);
	const struct fleet_delta *d;
	struct store_call *c;

	make_payload_release(s, "r1", "1.0.0");
	make_payload_release(s, "r2", "2.0.0");
	make_payload_release(s, "r3", "3.0.0");
	add(s, "r1", "r3", 3);
	add(s, "r2", "r3", 2);
	add(s, "r1", "r2", 1);
	end(s, take_at(s, 1000), DELTA_MADE);
	end(s, take_at(s, 1000), DELTA_USELESS);
	c = verb(STORE_DELTA_LINES);
	strcpy(c->in.page.text, "gateway");
	must(s, c);
	assert_int_equal(c->n_items, 1);
	d = c->items;
	assert_string_equal(d->from, "r1");
	assert_int_equal(d->head_sha256[0], 7);
	store_call_free(c);
	c = verb(STORE_DELTA_PRODUCTS);
	must(s, c);
	assert_int_equal(c->n_items, 1);
	d = c->items;
	assert_string_equal(d->product, "gateway");
	assert_int_equal(d->state, DELTA_MADE);
	store_call_free(c);
	c = verb(STORE_DELTA_LIST);
	c->in.page.limit = 2;
	must(s, c);
	assert_int_equal(c->n_items, 2);
	assert_true(c->more);
	store_call_free(c);
}

#define CASES(X)                                                                       \
	X(what_devices_run_is_wanted_to_the_newest_and_to_what_they_are_assigned)      \
	X(an_unwrapped_one_is_wanted_where_devices_can_use_it)                         \
	X(no_delta_is_wanted_without_payload_or_to_what_was_withdrawn)                 \
	X(the_one_that_serves_most_is_made_first_and_by_one_maker)                     \
	X(one_whose_maker_died_is_taken_again_and_given_up_after_three)                \
	X(a_delta_is_ready_with_the_metadata_that_lists_it)                            \
	X(who_came_by_a_delta_is_counted)                                              \
	X(lines_and_products_are_of_what_can_be_offered)

int main(void)
{
	const struct CMUnitTest cases[] = {CASES(STORE_CASE)};

	return store_run_everywhere("deltas", cases, N_ELEMS(cases));
}
