/* SPDX-License-Identifier: Apache-2.0 */
/* ota-swarm --fleet: named virtual devices that live until the process is told to end. */
#ifndef OTA_BENCH_FLEET_H
#define OTA_BENCH_FLEET_H

#include "talk.h"

struct fleet_options {
	const char *file; /* JSON: [{"id","token","attributes":{KEY:TEXT}?},..] */
	const char *host; /* ADDRESS:PORT, for the Host field */
	const char *tenant;
	uint64_t every_ms; /* between polls when there is nothing to do */
	uint64_t pace_ms;  /* about this long between the steps of an update */
	bool json;
};

/*
 * Runs them over a connection each until SIGINT or SIGTERM, then prints what they did. A
 * server that is away is asked again, as devices do: only a file that cannot be used, or a
 * lack of memory, is an error.
 */
int fleet_run(const struct fleet_options *o, const struct talk_config *config,
	      struct err *e) MUST_USE;

#endif
