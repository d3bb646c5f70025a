/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling back: who ran the bad release then, and who arrives at it later. */
#include "engine_fixture.h"

#include <string.h>

static void end_one(struct house *h, const char *device, enum deployment_state as)
{
	struct deployment d =
	    get_deployment(h->store, get_device(h->store, device).open_deployment);
	struct store_call *c = move_call(&d, as);

	c->now_ms = atomic_load(&utc_ms);
	c->in.move.offering = !d.offered;
	if (as == DEPLOYMENT_CONFIRMED) {
		c->in.move.device.set_version = true;
		strcpy(c->in.move.device.version, d.version);
		c->in.move.device.grade = GRADE_REPORTED;
	}
	done(h->store, c);
	engine_wake(h->engine);
}

/* As the API does before it makes the roll back. */
static void stop_and_cancel(struct house *h, uint64_t id)
{
	struct store_call *c = verb(STORE_ROLLOUT_CANCEL);

	command(h, id, ROLLOUT_EVENT_STOP);
	c->in.rollout_cancel.id = id;
	c->in.rollout_cancel.shown = true;
	strcpy(c->in.rollout_cancel.detail, "it drains the battery");
	done(h->store, c);
}

static bool passed(const struct rollout_view *v, unsigned n)
{
	return v->progress.waves[n].state == WAVE_PASSED;
}

static size_t n_taken_in(struct house *h, uint64_t id)
{
	AUTO_PTR(store_call) struct store_call *c = verb(STORE_ROLLOUT_DECISIONS);
	const struct rollout_decision *d;
	size_t n = 0;

	c->in.page.rollout = id;
	c->in.page.limit = STORE_LIST_MAX;
	must(h->store, c);
	d = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (d[i].kind != DECIDE_TAKE_IN)
			continue;
		assert_int_equal(d[i].reason, ROLLOUT_BECAUSE_LATE);
		assert_int_equal(
		    strncmp(d[i].detail, "1 devices arrived at the release of", 35), 0);
		n++;
	}
	return n;
}

/* One ran it when the roll back began; one was at it, and ends there all the same after
 * the first has gone back and the engine was replaced. */
static void whoever_arrives_at_the_bad_release_later_is_rolled_back_too(void **state)
{
	struct house h;
	uint64_t bad, back;

	house_init(&h, state);
	make_release(h.store, "00000000000000b2", "2.0");
	bad = make_plan_of(&h, "00000000000000b2", "[{\"percent\":100}]", "");
	command(&h, bad, ROLLOUT_EVENT_SUBMIT);
	until_all_are_assigned(&h);
	end_one(&h, "dev-0", DEPLOYMENT_CONFIRMED);
	end_one(&h, "dev-1", DEPLOYMENT_DOWNLOADING);
	stop_and_cancel(&h, bad);
	back = make_plan_for(&h, "00000000000000a1", bad, "version=='2.0'",
			     "[{\"percent\":100,\"min_finished\":1}]",
			     ",\"late_joiners\":\"last-wave\"");
	command(&h, back, ROLLOUT_EVENT_SUBMIT);
	until(&h, back, runs, 0);
	assert_int_equal(stored(&h, back).n_to_come, 1);
	until_it_is_given(&h, "dev-0", back);
	end_one(&h, "dev-0", DEPLOYMENT_CONFIRMED);
	until(&h, back, passed, 0);
	engine_free(h.engine);
	start_engine(&h);
	assert_int_equal(stored(&h, back).state, ROLLOUT_RUNNING);
	end_one(&h, "dev-1", DEPLOYMENT_CONFIRMED);
	assert_string_equal(get_device(h.store, "dev-1").version, "2.0");
	atomic_fetch_add(&utc_ms, 1); /* it is time to look for late joiners */
	until_it_is_given(&h, "dev-1", back);
	end_one(&h, "dev-1", DEPLOYMENT_CONFIRMED);
	until(&h, back, in_state, ROLLOUT_FINISHED);
	engine_free(h.engine);
	assert_string_equal(get_device(h.store, "dev-1").version, "1.0");
	assert_string_equal(last_deployment_of(&h, "dev-1").release,
			    "00000000000000a1");
	assert_int_equal(stored(&h, back).n_succeeded, 2);
	assert_int_equal(n_taken_in(&h, back), 1);
	assert_int_equal(n_deployments_of(&h, "dev-2"), 1);
}

#define SUITE(X) X(whoever_arrives_at_the_bad_release_later_is_rolled_back_too)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("roll back", cases, N_ELEMS(cases));
}
