/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies in microseconds, counted in buckets that grow with the value: 32 steps a
 * power of two, so that a percentile is right to 3 % from 1 us to an hour in 8 KiB. No
 * sample is kept, so that millions cost nothing. One thread.
 */
#ifndef OTA_BENCH_HISTOGRAM_H
#define OTA_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 32u
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 33u)

struct histogram {
	uint64_t count;
	uint64_t max_us;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t us);
/* The value that `percent` of the samples do not exceed; 0 without samples. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
