/* SPDX-License-Identifier: Apache-2.0 */
/* The ops of struct agent on a real device: loop, network, processes, files.
 * Private. */
#ifndef OTA_CLIENT_DRIVER_H
#define OTA_CLIENT_DRIVER_H

#include "../agent/agent.h"
#include "../config/config.h"
#include "../config/factory.h"

#include <limits.h>

struct driver;

struct driver_spec {
	const struct client_config *config;
	struct boot *boot;	    /* borrowed */
	const char *health_command; /* instead of the configured, or NULL */
	const struct log *log;
	bool offline; /* no server, no hand-over needed: install and end */
};

struct driver *driver_new(const struct driver_spec *spec, struct err *e) MUST_USE;
void driver_free(struct driver *d);
AUTO_PTR_DEFINE(driver)

struct agent *driver_agent(struct driver *d);
struct loop *driver_loop(struct driver *d);
/* fn(ctx, state) after each change of the agent's state. */
void driver_watch(struct driver *d, void (*fn)(void *ctx, enum agent_state to),
		  void *ctx);

#endif
