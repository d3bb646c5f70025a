/* SPDX-License-Identifier: Apache-2.0 */
/* The process itself: memory, CPU, descriptors, start, under the names that all of
 * Prometheus' own libraries use. */
#ifndef OTA_SERVER_METRICS_PROCESS_H
#define OTA_SERVER_METRICS_PROCESS_H

#include "metrics.h"

void metrics_add_process(struct metrics *m);

#endif
