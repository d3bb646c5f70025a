/* SPDX-License-Identifier: Apache-2.0 */
/* An engine over a real store, ten devices, and a clock of the test's own. */
#ifndef OTA_TESTS_UNIT_ENGINE_FIXTURE_H
#define OTA_TESTS_UNIT_ENGINE_FIXTURE_H

#include "store_fixture.h"

#include "../../server/rollout/engine.h"
#include "../../server/rollout/select.h"

#include <stdatomic.h>

#define MINUTE_MS INT64_C(60000)
#define TWO_WAVES                                                                      \
	"[{\"count\":3,\"min_finished\":3},{\"percent\":100,\"min_finished\":3}]"

extern atomic_int_fast64_t utc_ms;
extern atomic_uint n_pokes;

struct house {
	struct store *store;
	struct clock clock;
	struct engine *engine;
};

void start_engine(struct house *h);
void start_rival(struct house *h);
void house_init(struct house *h, void **state);
uint64_t make_plan_for(struct house *h, const char *release, uint64_t members_of,
		       const char *selection, const char *waves, const char *more);
uint64_t make_plan_of(struct house *h, const char *release, const char *waves,
		      const char *more);
uint64_t make_plan(struct house *h, const char *waves, const char *more);
struct rollout_view *look(struct house *h, uint64_t id);
void command(struct house *h, uint64_t id, enum rollout_event event);
bool in_state(const struct rollout_view *v, unsigned state);
bool runs(const struct rollout_view *v, unsigned n);
void until(struct house *h, uint64_t id,
	   bool (*want)(const struct rollout_view *v, unsigned n), unsigned n);
unsigned all_end(struct house *h, enum deployment_state as);
unsigned n_deployments_of(struct house *h, const char *device);
void run_to(struct house *h, uint64_t id, unsigned state);
struct rollout stored(struct house *h, uint64_t id);
struct deployment last_deployment_of(struct house *h, const char *device);
void until_all_are_assigned(struct house *h);
void until_it_is_given(struct house *h, const char *device, uint64_t rollout);

#endif
