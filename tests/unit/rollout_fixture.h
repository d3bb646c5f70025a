/* SPDX-License-Identifier: Apache-2.0 */
/* A rollout of three devices in a store, and what is done with it. */
#ifndef OTA_TESTS_ROLLOUT_FIXTURE_H
#define OTA_TESTS_ROLLOUT_FIXTURE_H

#include "store_fixture.h"

/* States as server/rollout/policy.h numbers them. */
enum { DRAFT, RUNNING = 3, PAUSED = 4, STOPPED = 6 };

extern const char *const trio[3]; /* the devices */

struct rollout make_rollout(struct store *s, unsigned priority, unsigned n_waves);
struct store_call *update_call(struct rollout o);
struct rollout get_rollout(struct store *s, uint64_t id,
			   struct rollout_wave ret_waves[ROLLOUT_MAX_WAVES]);
void fill_step(struct store *s, uint64_t id, enum fill_step step,
	       const char *const *devices, size_t n, unsigned wave, const char *site);
void apply_state(struct store *s, uint64_t id, int state, bool offers);
struct rollout running_rollout(struct store *s, unsigned priority);
void make_trio(struct store *s);
struct store_call *assign_members(uint64_t id, const char *const *devices, size_t n);
size_t assign_all(struct store *s, uint64_t id);
struct rollout_look look(struct store *s, const char *device);
struct store_call *offer_call(struct store *s, const char *device);
void offer(struct store *s, const char *device);
void refuse_offer(struct store *s, const char *device, enum err_code code);
uint64_t counted(struct store *s, uint64_t id, enum member_status status);

#endif
