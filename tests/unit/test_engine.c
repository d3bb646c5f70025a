/* SPDX-License-Identifier: Apache-2.0 */
/* The engine over a real store: from a plan to the end, with a clock of the test's own. */
#include "engine_fixture.h"

#include <time.h>

static bool in_flight(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[0].counts.in_flight == n;
}

static bool silent(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[0].counts.silent == n;
}

static bool absent(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[0].counts.absent == n;
}

static bool soaks(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[n].state == WAVE_SOAKING;
}

static void a_rollout_goes_from_its_plan_to_the_end(void **state)
{
	struct house h;
	uint64_t id;
	char name[16];

	house_init(&h, state);
	id = make_plan(&h, TWO_WAVES, "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "dev-%d", i);
		assert_int_equal(n_deployments_of(&h, name), 1);
	}
	assert_int_equal(atomic_load(&n_pokes), 10);
}

static void an_engine_that_is_replaced_again_and_again_loses_nothing(void **state)
{
	struct house h;
	uint64_t id;
	char name[16];

	house_init(&h, state);
	id = make_plan(&h, TWO_WAVES, "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	for (int i = 0; i < 10; i++) {
		engine_free(h.engine);
		start_engine(&h);
		(void)all_end(&h, DEPLOYMENT_CONFIRMED);
	}
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "dev-%d", i);
		assert_int_equal(n_deployments_of(&h, name), 1);
	}
}

/* Three see it and say no more; a minute later they are silent. */
static void silence_is_failure_when_the_deadline_has_passed(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	id = make_plan(&h,
		       "[{\"count\":3,\"min_finished\":3,\"deadline_ms\":60000},"
		       "{\"percent\":100}]",
		       "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	for (unsigned n = 0; n < 3;)
		n += all_end(&h, DEPLOYMENT_DOWNLOADING);
	until(&h, id, in_flight, 3);
	atomic_fetch_add(&utc_ms, MINUTE_MS - 1);
	engine_wake(h.engine);
	until(&h, id, in_flight, 3);
	atomic_fetch_add(&utc_ms, 1);
	until(&h, id, silent, 3);
	until(&h, id, in_state, ROLLOUT_PAUSED);
	engine_free(h.engine);
}

static void who_never_called_is_absent_when_the_deadline_has_passed(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	id = make_plan(&h, "[{\"percent\":100,\"deadline_ms\":60000}]", "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	/* the deadline counts from the wave's start: it must lie before the clock's jump */
	until(&h, id, runs, 0);
	atomic_fetch_add(&utc_ms, MINUTE_MS);
	until(&h, id, absent, 10);
	engine_free(h.engine);
}

static void a_second_wave_begins_only_after_the_first_has_passed(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	id = make_plan(&h,
		       "[{\"count\":3,\"min_finished\":3,\"soak_ms\":60000},"
		       "{\"percent\":100}]",
		       "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	for (unsigned n = 0; n < 3;)
		n += all_end(&h, DEPLOYMENT_CONFIRMED);
	assert_int_equal(all_end(&h, DEPLOYMENT_CONFIRMED), 0);
	{
		AUTO_PTR(rollout_view) struct rollout_view *v = look(&h, id);

		assert_int_equal(v->progress.waves[1].state, WAVE_PENDING);
	}
	until(&h, id, soaks, 0);
	atomic_fetch_add(&utc_ms, MINUTE_MS);
	until(&h, id, runs, 1);
	engine_free(h.engine);
}

/* ---- who fits ---- */

static void says_it_is_ours(struct house *h, const char *device)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);

	strcpy(c->in.attributes.id, device);
	strcpy(c->in.attributes.agent_version, "0.2.0");
	done(h->store, c);
}

/* For other clients: files and no image. */
static void make_files_release(struct house *h, const char *id, const char *version)
{
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	c->in.release = a_release(id, version);
	c->in.release.n_images = 0;
	done(h->store, c);
}

static void files_alone_are_given_to_no_device_with_the_agent(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	make_files_release(&h, "00000000000000f1", "1.0-files");
	says_it_is_ours(&h, "dev-3");
	says_it_is_ours(&h, "dev-7");
	id = make_plan_of(&h, "00000000000000f1", TWO_WAVES, "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	assert_int_equal(stored(&h, id).n_members, 8);
	assert_int_equal(stored(&h, id).left_out.incompatible, 2);
	assert_int_equal(n_deployments_of(&h, "dev-3"), 0);
	assert_int_equal(n_deployments_of(&h, "dev-4"), 1);
}

static void says_its_floor(struct house *h, const char *device, const char *floor)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	struct attribute *a = store_call_items(c, 1, sizeof(*a), NULL);

	strcpy(c->in.attributes.id, device);
	strcpy(a->key, "security.floor");
	strcpy(a->value, floor);
	done(h->store, c);
}

/* The release has security version 3. */
static void who_would_refuse_its_security_version_is_no_member(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	says_its_floor(&h, "dev-2", "4");
	says_its_floor(&h, "dev-3", "3");
	id = make_plan(&h, TWO_WAVES, "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	assert_int_equal(stored(&h, id).left_out.incompatible, 1);
	assert_int_equal(n_deployments_of(&h, "dev-2"), 0);
	assert_int_equal(n_deployments_of(&h, "dev-3"), 1);
}

/* It was chosen while nothing was known of it. */
static void a_member_that_turns_out_to_run_the_agent_leaves(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	make_files_release(&h, "00000000000000f1", "1.0-files");
	id = make_plan_of(&h, "00000000000000f1",
			  "[{\"filter\":\"id!=dev-3\"},{\"percent\":100}]", "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	until(&h, id, runs, 0);
	says_it_is_ours(&h, "dev-3");
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	assert_int_equal(stored(&h, id).n_members, 10);
	assert_int_equal(stored(&h, id).n_succeeded, 9);
	assert_int_equal(n_deployments_of(&h, "dev-3"), 0);
}

static void pin(struct house *h, const char *device, enum pin to, const char *release)
{
	struct store_call *c = verb(STORE_DEVICE_PATCH);
	struct device_patch *p = &c->in.patch;

	strcpy(p->id, device);
	p->set_pin = true;
	p->pin = to;
	strcpy(p->pin_release, release);
	strcpy(p->pin_reason, "on loan");
	done(h->store, c);
}

static void becomes_other_hardware(struct house *h, const char *device)
{
	struct store_call *c = verb(STORE_DEVICE_SET_ATTRIBUTES);

	strcpy(c->in.attributes.id, device);
	strcpy(c->in.attributes.hardware, "revC");
	done(h->store, c);
}

static bool cancelled(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[0].counts.cancelled == n;
}

/* They could wait for ever: what they have is never shown to them. */
static void who_fits_no_more_leaves_before_it_is_shown_anything(void **state)
{
	struct house h;
	struct deployment d;
	uint64_t id;

	house_init(&h, state);
	id = make_plan(&h, "[{\"percent\":100}]", "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	until_all_are_assigned(&h);
	d = last_deployment_of(&h, "dev-8");
	{
		struct store_call *c = move_call(&d, DEPLOYMENT_DOWNLOADING);

		c->in.move.offering = true;
		done(h.store, c);
	}
	pin(&h, "dev-3", PIN_AS_IT_IS, "");
	pin(&h, "dev-4", PIN_RELEASE, "00000000000000a1"); /* to the very one */
	becomes_other_hardware(&h, "dev-5");
	pin(&h, "dev-8", PIN_AS_IT_IS, ""); /* it is at it already */
	atomic_fetch_add(&utc_ms, 1);
	until(&h, id, cancelled, 2);
	run_to(&h, id, ROLLOUT_FINISHED);
	engine_free(h.engine);
	assert_int_equal(stored(&h, id).n_succeeded, 8);
	d = last_deployment_of(&h, "dev-3");
	assert_int_equal(d.state, DEPLOYMENT_CANCELLED);
	assert_string_equal(d.detail, "device \"dev-3\" is pinned");
	d = last_deployment_of(&h, "dev-5");
	assert_int_equal(d.state, DEPLOYMENT_CANCELLED);
	assert_non_null(strstr(d.detail, "revC"));
	assert_int_equal(last_deployment_of(&h, "dev-8").state, DEPLOYMENT_CONFIRMED);
}

/* ---- leading ---- */

/* Each of them was given to the device exactly once, and all are over. */
static size_t n_succeeded_of(struct house *h, const char *device)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_DEPLOYMENT_LIST);
	const struct deployment *d;
	size_t n = 0;

	strcpy(c->in.page.device, device);
	c->in.page.state = -1;
	must(h->store, c);
	d = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(d[i].rollout, d[k].rollout);
		n += d[i].state == DEPLOYMENT_CONFIRMED;
	}
	return n;
}

/* Those of the policy, but for what may come again. */
static void each_decision_was_made_once(struct house *h, uint64_t id)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_ROLLOUT_DECISIONS);
	const struct rollout_decision *d;

	c->in.page.rollout = id;
	c->in.page.limit = STORE_LIST_MAX;
	must(h->store, c);
	d = c->items;
	assert_true(c->n_items >= 7); /* start, two waves begun, watched, passed, .. */
	for (size_t i = 0; i < c->n_items; i++) {
		for (size_t k = 0; k < i; k++)
			assert_false(d[i].kind >= 0 && d[i].kind == d[k].kind &&
				     d[i].wave == d[k].wave);
	}
}

struct between {
	unsigned n;
	enum err_code fails;
};

static int count_pages(void *ctx, struct err *e)
{
	struct between *b = ctx;

	b->n++;
	return b->fails == ERR_NONE ? 0 : err_set(e, b->fails, "another one leads");
}

static void whoever_lost_the_lead_while_reading_chooses_nobody(void **state)
{
	const struct release r = a_release("00000000000000a1", "1.0");
	struct between b = {.fails = ERR_PRECONDITION};
	struct err e = ERR_INIT;
	struct selection s;
	struct house h;
	uint64_t id;

	house_init(&h, state);
	id = make_plan(&h, TWO_WAVES, "");
	{
		AUTO_PTR(rollout_view) struct rollout_view *v = look(&h, id);

		FAILS(selection_make(h.store, TENANT_DEFAULT, v, &r, count_pages, &b,
				     &s, &e),
		      ERR_PRECONDITION);
		assert_int_equal(b.n, 1);
		err_clear(&e);
		b = (struct between){0};
		OK(selection_make(h.store, TENANT_DEFAULT, v, &r, count_pages, &b, &s,
				  &e));
		assert_int_equal(b.n, 1); /* of one page */
		assert_int_equal(s.n, 10);
		selection_fini(&s);
	}
	engine_free(h.engine);
}

/* Of two servers on one store: the one that leads ends now and then, and the other takes
 * over when its lease has run out. */
static void two_engines_for_one_store_do_nothing_twice_and_lose_nothing(void **state)
{
	struct engine *both[2];
	struct house h;
	uint64_t ids[3];
	char name[16];

	house_init(&h, state);
	engine_free(h.engine);
	for (int i = 0; i < 2; i++) {
		start_rival(&h);
		both[i] = h.engine;
	}
	for (size_t i = 0; i < N_ELEMS(ids); i++)
		ids[i] = make_plan(&h, TWO_WAVES, "");
	for (size_t i = 0; i < N_ELEMS(ids); i++)
		command(&h, ids[i], ROLLOUT_EVENT_SUBMIT);
	for (int i = 0; i < 6; i++) {
		engine_wake(both[0]);
		engine_wake(both[1]);
		(void)all_end(&h, DEPLOYMENT_CONFIRMED);
		engine_free(
		    both[i % 2]); /* with what it has under way, and its lease */
		atomic_fetch_add(&utc_ms, MINUTE_MS);
		start_rival(&h);
		both[i % 2] = h.engine;
	}
	engine_free(both[0]);
	h.engine = both[1];
	atomic_fetch_add(&utc_ms, MINUTE_MS); /* had the other one led, it is over */
	for (size_t i = 0; i < N_ELEMS(ids); i++)
		run_to(&h, ids[i], ROLLOUT_FINISHED);
	engine_free(h.engine);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "dev-%d", i);
		assert_int_equal(n_succeeded_of(&h, name), N_ELEMS(ids));
	}
	for (size_t i = 0; i < N_ELEMS(ids); i++)
		each_decision_was_made_once(&h, ids[i]);
}

/* A store that never gives a rollout out, and remembers when it was asked. */
struct picky {
	struct store base;
	struct store *inner;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	int64_t at_ms[4];
	unsigned n;
};

static void picky_submit(struct store *base, struct store_call *c)
{
	struct picky *p = (struct picky *)base;

	if (c->verb != STORE_ROLLOUT_GET) {
		store_submit(p->inner, c);
		return;
	}
	pthread_mutex_lock(&p->lock);
	if (p->n < N_ELEMS(p->at_ms))
		p->at_ms[p->n++] = clock_mono_ms(&clock_system);
	pthread_cond_signal(&p->asked);
	pthread_mutex_unlock(&p->lock);
	(void)err_set(&c->err, ERR_IO, "picky: not this one");
	store_answer(c);
}

static void picky_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
			void *ctx)
{
	store_watch(((struct picky *)base)->inner, l, fn, ctx);
}

static const struct store_ops picky_ops = {
    .name = "picky", .alone = true, .submit = picky_submit, .watch = picky_watch};

static void a_rollout_that_fails_each_time_is_tried_less_and_less_often(void **state)
{
	struct picky p = {.base = {.ops = &picky_ops},
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .asked = PTHREAD_COND_INITIALIZER};
	struct house h;

	house_init(&h, state);
	command(&h, make_plan(&h, TWO_WAVES, ""), ROLLOUT_EVENT_SUBMIT);
	engine_free(h.engine);
	p.inner = h.store;
	h.store = &p.base;
	start_engine(&h);
	pthread_mutex_lock(&p.lock);
	while (p.n < N_ELEMS(p.at_ms))
		pthread_cond_wait(&p.asked, &p.lock);
	pthread_mutex_unlock(&p.lock);
	engine_free(h.engine);
	/* Half a second, one, two: whatever the machine does only adds. */
	assert_true(p.at_ms[3] - p.at_ms[0] >= 3400);
}

static void a_group_that_is_gone_is_told_beside_the_state(void **state)
{
	struct house h;
	struct store_call *c;
	uint64_t id;
	const struct timespec a_little = {.tv_nsec = 2000000};
	bool told = false;

	house_init(&h, state);
	id = make_plan(&h, "[{\"filter\":\"group==gone\"}]", "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	c = verb(STORE_ROLLOUT_GET);
	c->in.rollout_id = id;
	for (int i = 0; i < 5000 && !told; i++) {
		must(h.store, c);
		told = strstr(c->out.rollout.detail, "gone") != NULL;
		(void)nanosleep(&a_little, NULL);
	}
	assert_true(told);
	assert_int_equal(c->out.rollout.state, ROLLOUT_SCHEDULED);
	store_call_free(c);
	engine_free(h.engine);
}

static void what_a_view_stores_is_what_it_reads_again(void **state)
{
	struct house h;
	uint64_t id;

	house_init(&h, state);
	/* one device: with more, the gate may have its evidence before the last of them ends */
	id = make_plan(&h, "[{\"count\":1},{\"percent\":100}]", "");
	command(&h, id, ROLLOUT_EVENT_SUBMIT);
	while (all_end(&h, DEPLOYMENT_FAILED) == 0) {
	}
	until(&h, id, in_state, ROLLOUT_PAUSED);
	engine_free(h.engine);
	h.engine = NULL;
	command(&h, id, ROLLOUT_EVENT_RESUME);
	{
		AUTO_PTR(rollout_view) struct rollout_view *v = look(&h, id);

		assert_int_equal(v->progress.waves[0].forgiven.failed, 1);
		assert_int_equal(v->progress.waves[0].forgiven.members, 1);
		assert_int_equal(v->progress.waves[0].counts.failed, 1);
		assert_string_equal(v->plan.seed, "1");
	}
}

#define SUITE(X)                                                                       \
	X(a_rollout_goes_from_its_plan_to_the_end)                                     \
	X(an_engine_that_is_replaced_again_and_again_loses_nothing)                    \
	X(silence_is_failure_when_the_deadline_has_passed)                             \
	X(who_never_called_is_absent_when_the_deadline_has_passed)                     \
	X(a_second_wave_begins_only_after_the_first_has_passed)                        \
	X(files_alone_are_given_to_no_device_with_the_agent)                           \
	X(who_would_refuse_its_security_version_is_no_member)                          \
	X(a_member_that_turns_out_to_run_the_agent_leaves)                             \
	X(who_fits_no_more_leaves_before_it_is_shown_anything)                         \
	X(whoever_lost_the_lead_while_reading_chooses_nobody)                          \
	X(two_engines_for_one_store_do_nothing_twice_and_lose_nothing)                 \
	X(a_rollout_that_fails_each_time_is_tried_less_and_less_often)                 \
	X(a_group_that_is_gone_is_told_beside_the_state)                               \
	X(what_a_view_stores_is_what_it_reads_again)

int main(void)
{
#define ON_SQLITE(t) cmocka_unit_test_setup_teardown(t, setup_sqlite, teardown),
	const struct CMUnitTest cases[] = {SUITE(ON_SQLITE)};

	return cmocka_run_group_tests_name("engine", cases, NULL, NULL);
}
