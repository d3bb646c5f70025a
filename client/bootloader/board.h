/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board around the bootloader: power, the reset line and the watchdog, in one
 * process.
 *
 *	power on -> bootloader steps -> firmware in a child process
 *	               ^                      │ ends by itself, or
 *	               │                      │ starves the watchdog: killed
 *	               └── reset: all of its ─┘
 *	                   processes killed
 *
 * SIGTERM, SIGINT: power off, at once. The board killed: its firmware is killed with
 * it.
 *
 * What runs is killed, never asked: so it is when the power goes. Firmware that resets
 * within a second of its start is started again after a pause that doubles up to
 * reset_delay_max_ms.
 */
#ifndef OTA_CLIENT_BOOTLOADER_BOARD_H
#define OTA_CLIENT_BOOTLOADER_BOARD_H

#include "steps.h"

struct board {
	const struct bootloader *loader;
	const char *config_path; /* handed to firmware as --config; NULL: none */
	uint64_t watchdog_ms;
	uint64_t reset_delay_max_ms;
	bool once; /* one boot only: the end of firmware is the end */
	const struct log *log;
};

/* Until power off (0) or a halt (-1). With `once`, -1 also where firmware ended with a
 * status other than 0 or was killed. Blocks SIGTERM, SIGINT and SIGCHLD for the
 * process. */
int board_run(const struct board *b, struct err *e) MUST_USE;

#endif
