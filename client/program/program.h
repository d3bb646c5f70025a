/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a program: configuration and ops tables of a real device around the
 * state machine of client/agent. `ota-client` and firmware that contains the agent both
 * call this.
 */
#ifndef OTA_CLIENT_PROGRAM_H
#define OTA_CLIENT_PROGRAM_H

#include "../boot/boot.h"
#include "../config/config.h"

/*
 * Runs the agent until SIGTERM or SIGINT (0), or until it cannot go on. boot is
 * borrowed; when the agent reboots this does not return. health_command: instead of the
 * configured ones, or NULL. Children and other programs do not inherit what the
 * bootloader left.
 */
int agent_run_program(const struct client_config *c, struct boot *boot,
		      const char *health_command, const struct log *log,
		      struct err *e) MUST_USE;

/* The back-end of the configuration, with what the bootloader left in the
 * environment. */
int agent_open_boot(const struct client_config *c, struct boot **ret,
		    struct err *e) MUST_USE;

/*
 * Installs a bundle. Where an agent runs (the control socket answers) it does the work,
 * and reboots; else this process does, and the device boots the new slot when it next
 * starts. ERR codes as the verification's: exit status 3 is "refused".
 */
int agent_install_program(const struct client_config *c, const char *bundle_path,
			  const struct log *log, struct err *e) MUST_USE;

#endif
