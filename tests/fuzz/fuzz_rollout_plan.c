/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a new rollout. A plan that is accepted is written so that it is read back
 * the same, and keeps the limits that the policy builds upon. */
#include "../../server/rollout/plan.h"

#include <stdlib.h>
#include <string.h>

#define CAP (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_limits(const struct rollout_plan *p)
{
	uint32_t borne = p->gate.baseline_bp + p->gate.tolerated_bp;

	must(p->n_waves >= 1 && p->n_waves <= PLAN_MAX_WAVES);
	must(p->windows.n_windows <= PLAN_MAX_WINDOWS);
	must(borne >= 1 && borne <= 5000 && p->gate.alpha_bp >= 1);
	for (size_t i = 0; i < p->n_waves; i++) {
		const struct wave_plan *w = &p->waves[i];

		must(w->success_bp >= 1 && w->success_bp <= PLAN_ALL_BP);
		must(w->error_bp <= PLAN_ALL_BP && w->min_finished >= 1);
		must(w->deadline_ms > window_longest_gap_ms(&p->windows));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rollout_plan p, again;
	AUTO_PTR(json) struct json *j = json_parse(data, len, NULL);
	AUTO_PTR(json) struct json *out = NULL;
	AUTO_PTR(json) struct json *in = NULL;
	AUTO(buf) struct buf text = BUF_INIT(CAP);

	if (j == NULL || plan_read(j, &p, NULL) < 0)
		return 0;
	check_limits(&p);
	out = plan_write(&p, NULL);
	must(json_write(out, &text, NULL) == 0);
	in = json_parse(text.data, text.len, NULL);
	must(in != NULL && plan_read(in, &again, NULL) == 0);
	must(memcmp(&p, &again, sizeof(p)) == 0);
	return 0;
}
