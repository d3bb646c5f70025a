/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent needs of a bootloader; one file a bootloader, one row in boot_backends[].
 *
 * A back-end keeps the slot record in its own place (two copies on a raw medium, the U-Boot
 * environment, ...), so that agent and bootloader see the same.
 */
#ifndef OTA_CLIENT_BOOT_H
#define OTA_CLIENT_BOOT_H

#include "../slot/record.h"

#define BOOT_ID_LEN 16

/* How this boot came about, told by the bootloader through an inherited read-only descriptor,
 * never by what the agent believes it installed. */
struct handover {
	unsigned slot;
	uint8_t root_hash[SHA256_LEN];	/* of the descriptor that was verified */
	uint8_t boot_id[BOOT_ID_LEN];	/* random, new for each boot */
	uint32_t boot_count;
	uint8_t tries;
	char version[VERSION_MAX_LEN + 1];
	uint32_t security_version;
};

struct boot;

struct boot_ops {
	const char *name;	/* "model" */
	int (*load)(struct boot *b, struct slot_record *ret, struct err *e);
	/* Durable when it returns 0; after -1 the old record is still the one that counts. */
	int (*store)(struct boot *b, const struct slot_record *r, struct err *e);
	int (*handover)(struct boot *b, struct handover *ret, struct err *e);
	int (*watchdog_feed)(struct boot *b, struct err *e);
	int (*reboot)(struct boot *b, struct err *e);	/* does not return on success */
	void (*close)(struct boot *b);
};

struct boot {
	const struct boot_ops *ops;
};

#endif
