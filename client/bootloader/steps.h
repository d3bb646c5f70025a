/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bootloader does between power-on and the jump.
 *
 *	load the record ── lost ──> recovery: verify each slot, make a new record
 *	      │<───────────────────────┘
 *	      v
 *	record_choose()  <──────────────────────────────────────────┐
 *	  BOOT_SLOT     verify ── fails ──> BAD(unverified), if another is GOOD; else
 *pass over │ count the boot (may fail)                            │ v │ jump │ BOOT_TRY
 *verify ── fails ──> BAD(unverified) ─────────┤ │ store tries-1 ── fails ──> pass over:
 *a GOOD slot ───┤ v                                                     │ jump │
 *	  BOOT_EXHAUST  store BAD(exhausted) ────────────────────────┘
 *	  BOOT_NONE     halt
 *
 * A slot that cannot be judged (its medium does not answer) is passed over in this boot
 *and, if it is not GOOD, loses a try, so that this ends. The record is open only in
 *here: firmware opens it for itself alone. Whatever moment the power goes at, the next
 *boot begins at the top, and a try that was counted was counted.
 */
#ifndef OTA_CLIENT_BOOTLOADER_STEPS_H
#define OTA_CLIENT_BOOTLOADER_STEPS_H

#include "../boot/boot.h"
#include "verify.h"

struct bootloader {
	const struct client_config *config;
	const struct factory *factory;
	struct slot_layout slots[N_SLOTS];
	const struct log *log;
};

/* What to jump to. */
struct launch {
	struct handover handover;
	int firmware_fd; /* sealed and verified; owned */
};

/* All of the above. ret is complete on 0. -1 is a halt: with the code of the last
 * refusal, if one led to it. */
int bootloader_boot(const struct bootloader *b, struct launch *ret,
		    struct err *e) MUST_USE;

/* The record on its medium, opened for this process alone. */
int bootloader_open_boot(const struct bootloader *b, struct boot **ret,
			 struct err *e) MUST_USE;

#endif
