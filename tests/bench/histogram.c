/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* Below 32 each value has its bucket; above, the five bits after the leading one choose
 * among the 32 of its power of two. */
static unsigned bucket_of(uint64_t us)
{
	unsigned power;

	if (us < HISTOGRAM_STEPS)
		return (unsigned)us;
	power = 63u - (unsigned)__builtin_clzll(us) - 5u;
	if (power > 31u)
		return HISTOGRAM_BUCKETS - 1u;
	return (power + 1u) * HISTOGRAM_STEPS +
	       (unsigned)((us >> power) - HISTOGRAM_STEPS);
}

static uint64_t top_of(unsigned bucket)
{
	unsigned power = bucket / HISTOGRAM_STEPS;

	if (power == 0)
		return bucket;
	return ((uint64_t)(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1u)
		<< (power - 1u)) -
	       1u;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count++;
	h->max_us = us > h->max_us ? us : h->max_us;
	h->buckets[bucket_of(us)]++;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t wanted = (uint64_t)((double)h->count * percent / 100.0 + 0.5);
	uint64_t seen = 0;

	wanted = wanted == 0 ? 1 : wanted;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count > 0; i++) {
		seen += h->buckets[i];
		if (seen >= wanted)
			return top_of(i) < h->max_us ? top_of(i) : h->max_us;
	}
	return h->max_us;
}
