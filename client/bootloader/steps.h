/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bootloader does between power-on and the jump.
 *
 *	load the record -- lost --> recovery: verify the slots, make a new record
 *	      |<------------------------'
 *	      v
 *	record_choose()
 *	  BOOT_SLOT     verify; fails: BAD(unverified) if another slot is GOOD,
 *	                else passed over; choose again
 *	                count the boot (it boots even if this fails); jump
 *	  BOOT_TRY      verify; fails: BAD(unverified); choose again
 *	                store tries-1; fails: passed over; choose again
 *	                jump
 *	  BOOT_EXHAUST  store BAD(exhausted); choose again
 *	  BOOT_NONE     halt
 *
 * A slot that cannot be judged (its medium does not answer) is passed over in this
 * boot and, if it is not GOOD, loses a try, so that this ends. The record is closed
 * before the jump: firmware opens it for itself alone. Whatever moment the power
 * goes at, the next boot begins at the top, and a try that was counted was counted.
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

/* All of the above, with the record where `boot` keeps it. ret is complete on 0. -1 is
 * a halt: with the code of the first refusal, if one led to it. */
int bootloader_boot(const struct bootloader *b, struct boot *boot, struct launch *ret,
		    struct err *e) MUST_USE;

/* The record on its medium, opened for this process alone. */
int bootloader_open_boot(const struct bootloader *b, struct boot **ret,
			 struct err *e) MUST_USE;

#endif
