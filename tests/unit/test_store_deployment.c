/* SPDX-License-Identifier: Apache-2.0 */
/* Deployments, on every back-end. */
#include "store_fixture.h"

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

struct list_row {
	const char *filter, *device;
	int state;
	uint64_t after;
	unsigned limit;
	const char *ids;  /* the last digit of each, as they come */
	uint64_t goes_on; /* 0: the list ends */
};

static void check_list(struct store *s, const struct list_row *row, uint64_t window_ids)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_LIST);
	static struct filter f;
	char ids[16] = "";

	c->in.page.state = row->state;
	c->in.page.after_id = row->after;
	c->in.page.limit = row->limit;
	c->in.page.window_ids = window_ids;
	strcpy(c->in.page.device, row->device);
	if (row->filter != NULL) {
		assert_int_equal(filter_parse(row->filter, &f, NULL), 0);
		c->in.page.filter = &f;
	}
	must(s, c);
	for (size_t i = 0; i < c->n_items; i++)
		ids[i] = (char)('0' + ((struct deployment *)c->items)[i].id % 10);
	assert_string_equal(ids, row->ids);
	assert_int_equal(c->more, row->goes_on != 0);
	if (c->more)
		assert_int_equal(c->out.list_after, row->goes_on);
	store_call_free(c);
}

/* Whatever window is asked for at a time; without a filter it is another statement. */
static void deployments_are_found_by_their_devices_newest_first(void **state)
{
	static const struct list_row rows[] = {
	    {NULL, "", -1, 0, 10, "654321", 0},
	    {"id!=nobody", "", -1, 0, 10, "654321", 0},
	    {NULL, "", -1, 0, 2, "65", 100005},
	    {"id!=nobody", "", -1, 0, 2, "65", 100005},
	    {"id!=nobody", "", -1, 100005, 2, "43", 100003},
	    {"id!=nobody", "", -1, 100003, 2, "21", 0},
	    {"id!=nobody", "", -1, 100001, 2, "", 0},
	    {"id!=nobody", "", -1, INT64_MAX, 2, "65", 100005},
	    {"id==odd", "", -1, 0, 10, "531", 0},
	    {"id==odd", "", -1, 0, 1, "5", 100005},
	    {"id==odd", "", -1, 100005, 1, "3", 100003},
	    {"id==odd", "", -1, 100003, 1, "1", 0},
	    {"id==odd", "", STORE_STATE_OPEN, 0, 10, "5", 0},
	    {"id==odd", "", DEPLOYMENT_FAILED, 0, 10, "31", 0},
	    {"id==odd", "even", -1, 0, 10, "", 0},
	    {"id==even", "even", -1, 0, 2, "64", 100004},
	    {"id==even", "even", DEPLOYMENT_FAILED, 0, 10, "42", 0},
	    {"id==nobody", "", -1, 0, 10, "", 0},
	};
	static const uint64_t windows[] = {0, 1, 2, 3, 100000};
	struct store *s = store_of(state);
	static const char *const releases[] = {"r1", "r2", "r3"};

	make_device(s, "odd");
	make_device(s, "even");
	for (size_t i = 0; i < N_ELEMS(releases); i++) {
		uint64_t first, second;

		make_release(s, releases[i], releases[i]);
		first = assign(s, "odd", releases[i]);
		second = assign(s, "even", releases[i]);
		if (i + 1 == N_ELEMS(releases))
			break;
		move(s, first, DEPLOYMENT_FAILED);
		move(s, second, DEPLOYMENT_FAILED);
	}
	for (size_t i = 0; i < N_ELEMS(rows) * N_ELEMS(windows); i++)
		check_list(s, &rows[i / N_ELEMS(windows)],
			   windows[i % N_ELEMS(windows)]);
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

/* ---- the security floor ---- */

static void say_floor(struct store *s, const char *device, const char *floor)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	struct attribute *a = store_call_items(c, 1, sizeof(*a), NULL);

	strcpy(c->in.attributes.id, device);
	strcpy(a->key, "security.floor");
	strcpy(a->value, floor);
	done(s, c);
}

static void confirm(struct store *s, const char *release, enum grade grade)
{
	struct deployment d = get_deployment(s, assign(s, "gw-1", release));
	struct store_call *c = move_call(&d, DEPLOYMENT_CONFIRMED);

	c->in.move.grade = grade;
	done(s, c);
}

static void make_raising(struct store *s, const char *id, const char *version,
			 uint32_t floor)
{
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	c->in.release = a_release(id, version);
	c->in.release.raise_floor_to = floor;
	must(s, c);
	assert_int_equal(c->out.release.raise_floor_to, floor);
	store_call_free(c);
}

static void the_floor_is_what_the_device_says_or_proved_to_have_raised(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "gw-1");
	make_raising(s, "r2", "2.0", 2);
	make_raising(s, "r3", "3.0", 3);
	make_raising(s, "r4", "4.0", 0);
	assert_int_equal(get_device(s, "gw-1").security_floor, 0);
	confirm(s, "r3", GRADE_REPORTED); /* a foreign client has no floor */
	assert_int_equal(get_device(s, "gw-1").security_floor, 0);
	confirm(s, "r3", GRADE_PROVEN);
	assert_int_equal(get_device(s, "gw-1").security_floor, 3);
	confirm(s, "r2", GRADE_PROVEN); /* it is never lowered by a release */
	assert_int_equal(get_device(s, "gw-1").security_floor, 3);
	confirm(s, "r4", GRADE_PROVEN);
	assert_int_equal(get_device(s, "gw-1").security_floor, 3);
	say_floor(s, "gw-1", "high");
	say_floor(s, "gw-1", "99999999999");
	assert_int_equal(get_device(s, "gw-1").security_floor, 3);
	say_floor(s, "gw-1", "1"); /* another board under the same name */
	assert_int_equal(get_device(s, "gw-1").security_floor, 1);
	say_floor(s, "gw-1", "7");
	assert_int_equal(get_device(s, "gw-1").security_floor, 7);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    STORE_CASE(deployments_are_found_by_their_devices_newest_first) STORE_CASE(
		the_floor_is_what_the_device_says_or_proved_to_have_raised)
		STORE_CASE(action_ids_begin_at_100001) STORE_CASE(
		    a_new_deployment_asks_the_device_to_cancel_the_one_it_has_seen)
		    STORE_CASE(the_open_release_of_a_device_is_not_assigned_twice) STORE_CASE(
			assigning_needs_a_device_and_a_release_that_exist)
			STORE_CASE(
			    a_move_changes_deployment_status_device_and_events_at_once)
			    STORE_CASE(a_move_from_a_stale_view_changes_nothing) STORE_CASE(
				deployments_are_listed_by_device_and_by_state)
				STORE_CASE(
				    several_deployments_are_read_at_once_without_the_unknown)};

	return store_run_everywhere("deployments", cases, N_ELEMS(cases));
}
