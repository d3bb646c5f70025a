/* SPDX-License-Identifier: Apache-2.0 */
/* A TZif file. What is read has an offset at every time, within bounds, and a local time
 * has a moment; neither hangs nor leaves its memory. */
#include "../../server/rollout/zone.h"

#include <stdlib.h>

#define BOUND_MS (INT64_C(27) * 3600 * 1000)
#define YEAR_MS (INT64_C(31556952) * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_PTR(zone) struct zone *z = zone_parse(data, len, NULL);

	for (int64_t year = -600; z != NULL && year < 600; year += 17) {
		int64_t t = year * YEAR_MS, offset = zone_offset_ms(z, t);

		must(offset >= -BOUND_MS && offset <= BOUND_MS);
		(void)zone_to_utc(z, t + offset, ZONE_BEGIN);
		(void)zone_to_utc(z, t + offset, ZONE_END);
	}
	return 0;
}
