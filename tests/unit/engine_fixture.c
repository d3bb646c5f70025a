/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_fixture.h"

#include "../../server/rollout/render.h"

#include <time.h>

#define LOOKS 60000 /* at two milliseconds each: minutes, if need be */

atomic_int_fast64_t utc_ms;
atomic_uint n_pokes;

static int64_t test_utc(void *ctx)
{
	(void)ctx;
	return atomic_load(&utc_ms);
}

static void on_poke(void *ctx, const char *tenant, const char *device)
{
	(void)ctx;
	(void)device;
	assert_string_equal(tenant, TENANT_DEFAULT);
	atomic_fetch_add(&n_pokes, 1);
}

static void start(struct house *h, bool exclusive)
{
	const struct engine_config c = {.store = h->store,
					.clock = &h->clock,
					.poke = on_poke,
					.exclusive = exclusive,
					.settle_ms = 1,
					.join_ms = 1,
					.retry_ms = 1};
	struct err e = ERR_INIT;

	h->engine = engine_new(&c, &e);
	if (h->engine == NULL)
		fail_msg("%s", e.text);
}

void start_engine(struct house *h)
{
	start(h, true);
}

/* There may be others on its store. */
void start_rival(struct house *h)
{
	start(h, false);
}

void house_init(struct house *h, void **state)
{
	char id[16];

	atomic_store(&utc_ms, INT64_C(1800000000000));
	atomic_store(&n_pokes, 0);
	h->store = store_of(state);
	h->clock = clock_system;
	h->clock.utc_ms = test_utc;
	for (int i = 0; i < 10; i++) {
		(void)snprintf(id, sizeof(id), "dev-%d", i);
		make_device(h->store, id);
	}
	make_release(h->store, "00000000000000a1", "1.0");
	start_engine(h);
}

uint64_t make_plan_for(struct house *h, const char *release, uint64_t members_of,
		       const char *selection, const char *waves, const char *more)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	AUTO_PTR(json) struct json *o = NULL;
	AUTO_FREE struct rollout_plan *p = calloc(1, sizeof(*p));
	struct store_call *c = verb(STORE_ROLLOUT_CREATE);
	struct release r = a_release(release, "1.0");
	struct err e = ERR_INIT;
	uint64_t id;

	OK(buf_printf(&text, &e,
		      "{\"name\":\"t\",\"release\":\"%s\","
		      "\"selection\":\"%s\",\"accepts\":\"reported\",\"waves\":%s%s}",
		      release, selection, waves, more));
	o = json_parse(buf_str(&text), text.len, &e);
	assert_non_null(o);
	OK(plan_read(o, p, &e));
	OK(rollout_row_fill(c, p, &r, &e));
	strcpy(c->in.rollout.author, "ann");
	c->in.rollout.members_of = members_of;
	must(h->store, c);
	id = c->out.rollout.id;
	store_call_free(c);
	return id;
}

uint64_t make_plan_of(struct house *h, const char *release, const char *waves,
		      const char *more)
{
	return make_plan_for(h, release, 0, "", waves, more);
}

uint64_t make_plan(struct house *h, const char *waves, const char *more)
{
	return make_plan_of(h, "00000000000000a1", waves, more);
}

struct rollout_view *look(struct house *h, uint64_t id)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_ROLLOUT_GET);
	const struct freeze none = {.on = false};
	struct rollout_view *v;
	struct err e = ERR_INIT;

	c->now_ms = atomic_load(&utc_ms);
	c->in.rollout_id = id;
	must(h->store, c);
	v = rollout_view_of(c, &none, &e);
	assert_non_null(v);
	return v;
}

/* As a person: read, ask, store; again if the engine was faster. */
void command(struct house *h, uint64_t id, enum rollout_event event)
{
	for (;;) {
		AUTO_PTR(rollout_view) struct rollout_view *v = look(h, id);
		AUTO_PTR(store_call) struct store_call *c = verb(STORE_ROLLOUT_APPLY);
		struct err e = ERR_INIT;

		c->now_ms = atomic_load(&utc_ms);
		OK(rollout_command(&v->plan, &v->progress, event, c->now_ms, &e));
		OK(rollout_view_apply(v, c, "ann", -1, -1, "ann said so", &e));
		if (store_wait(h->store, c, &e) == 0)
			break;
		assert_int_equal(e.code, ERR_PRECONDITION);
	}
	engine_wake(h->engine);
}

bool in_state(const struct rollout_view *v, unsigned state)
{
	return v->progress.state == (enum rollout_state)state;
}

bool runs(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[n].state == WAVE_RUNNING;
}

/* Waits for what the engine's thread does; the store tells. */
void until(struct house *h, uint64_t id,
	   bool (*want)(const struct rollout_view *v, unsigned n), unsigned n)
{
	const struct timespec a_little = {.tv_nsec = 2000000};

	for (int i = 0; i < LOOKS; i++) {
		AUTO_PTR(rollout_view) struct rollout_view *v = look(h, id);

		if (want(v, n))
			return;
		engine_wake(h->engine);
		(void)nanosleep(&a_little, NULL);
	}
	fail_msg("it did not come to that");
}

/* Every device that has an open deployment sees it and ends it so. */
unsigned all_end(struct house *h, enum deployment_state as)
{
	unsigned n = 0;
	char id[16];

	for (int i = 0; i < 10; i++) {
		struct device d;
		struct deployment p;
		struct store_call *c;

		(void)snprintf(id, sizeof(id), "dev-%d", i);
		d = get_device(h->store, id);
		if (d.open_deployment == 0)
			continue;
		p = get_deployment(h->store, d.open_deployment);
		c = move_call(&p, as);
		c->now_ms = atomic_load(&utc_ms);
		c->in.move.offering = !p.offered;
		done(h->store, c);
		n++;
	}
	engine_wake(h->engine);
	return n;
}

unsigned n_deployments_of(struct house *h, const char *device)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_LIST);
	unsigned n;

	strcpy(c->in.page.device, device);
	c->in.page.state = -1;
	must(h->store, c);
	n = (unsigned)c->n_items;
	store_call_free(c);
	return n;
}

/* Devices end what they are given until the rollout is there. */
void run_to(struct house *h, uint64_t id, unsigned state)
{
	const struct timespec a_little = {.tv_nsec = 2000000};

	for (int i = 0; i < LOOKS; i++) {
		AUTO_PTR(rollout_view) struct rollout_view *v = look(h, id);

		if (in_state(v, state))
			return;
		(void)all_end(h, DEPLOYMENT_CONFIRMED);
		atomic_fetch_add(&utc_ms, 1); /* who is to be retried is */
		(void)nanosleep(&a_little, NULL);
	}
	fail_msg("it did not come to that");
}

struct rollout stored(struct house *h, uint64_t id)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_ROLLOUT_GET);

	c->in.rollout_id = id;
	must(h->store, c);
	return c->out.rollout;
}

struct deployment last_deployment_of(struct house *h, const char *device)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_DEPLOYMENT_LIST);

	strcpy(c->in.page.device, device);
	c->in.page.state = -1;
	must(h->store, c);
	assert_true(c->n_items > 0);
	return *(const struct deployment *)c->items;
}

/* Everybody was given a deployment. */
static bool all_assigned(struct house *h)
{
	char id[16];

	for (int i = 0; i < 10; i++) {
		(void)snprintf(id, sizeof(id), "dev-%d", i);
		if (get_device(h->store, id).open_deployment == 0)
			return false;
	}
	return true;
}

void until_all_are_assigned(struct house *h)
{
	const struct timespec a_little = {.tv_nsec = 2000000};

	for (int i = 0; i < 5000 && !all_assigned(h); i++)
		(void)nanosleep(&a_little, NULL);
	assert_true(all_assigned(h));
}

void until_it_is_given(struct house *h, const char *device, uint64_t rollout)
{
	const struct timespec a_little = {.tv_nsec = 2000000};

	for (int i = 0; i < LOOKS; i++) {
		uint64_t open = get_device(h->store, device).open_deployment;

		if (open != 0 && get_deployment(h->store, open).rollout == rollout)
			return;
		engine_wake(h->engine);
		(void)nanosleep(&a_little, NULL);
	}
	fail_msg("%s was given nothing", device);
}
