/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The back-end of the bootloader model (ota-boot): the slot record on a raw medium, two
 * copies in separate erase groups (docs/formats/record.md), the hand-over in a sealed
 * memory file (docs/formats/handover.md), a watchdog behind a socket.
 */
#ifndef OTA_CLIENT_BOOT_MODEL_H
#define OTA_CLIENT_BOOT_MODEL_H

#include "../dev/dev.h"
#include "boot.h"

#define MODEL_HANDOVER_ENV "OTA_HANDOVER_FD"
#define MODEL_WATCHDOG_ENV "OTA_WATCHDOG_FD"

/* Opens p->record_path for itself alone. */
int boot_model_open(const struct boot_params *p, struct boot **ret,
		    struct err *e) MUST_USE;

/* The same on a medium of the caller's, which is closed with it (on failure it is not).
 */
int boot_model_new(struct dev *record, const struct boot_params *p, struct boot **ret,
		   struct err *e) MUST_USE;

/* The descriptors that the bootloader left to firmware, -1 where the environment names
 * none. */
int boot_model_inherited(struct boot_params *p, struct err *e) MUST_USE;

#endif
