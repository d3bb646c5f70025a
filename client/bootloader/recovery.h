/* SPDX-License-Identifier: Apache-2.0 */
/* Both copies of the record are lost: what is in the slots is told by their signatures
 * alone. */
#ifndef OTA_CLIENT_BOOTLOADER_RECOVERY_H
#define OTA_CLIENT_BOOTLOADER_RECOVERY_H

#include "steps.h"

/* Verifies each slot fully, makes a new record of those that hold
 * (record_init_recovery()) and stores it. A slot whose medium does not answer does not
 * hold: one dead chip more shall not stop the device. An error if none holds or the
 * record cannot be stored. */
int bootloader_recover(const struct bootloader *b, struct boot *boot,
		       struct slot_record *ret, struct err *e) MUST_USE;

/* Puts r into both copies, raising the sequence between them. */
int bootloader_store_both(struct boot *boot, struct slot_record *r,
			  struct err *e) MUST_USE;

#endif
