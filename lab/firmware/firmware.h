/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of a process device: a program that stands in a slot and contains the agent.
 * Each variant is a file with one `firmware`, linked with main.c and the agent; they
 * show what a release can do to a device, and how the device comes back from it.
 */
#ifndef OTA_LAB_FIRMWARE_H
#define OTA_LAB_FIRMWARE_H

#include "../../client/boot/boot.h"
#include "../../client/config/config.h"

struct firmware {
	const char *name;    /* "healthy" */
	const char *summary; /* one sentence for --help */
	/* Instead of the agent, after the hand-over was read; returns when the firmware
	 * ends. NULL: the agent runs. */
	int (*run)(const struct client_config *c, struct boot *b, const struct log *log,
		   struct err *e);
	/* Instead of the configured health commands; NULL: those. */
	const char *health_command;
};

extern const struct firmware firmware;

#endif
