/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent needs of a bootloader; one file a bootloader, one row in
 * boot_backends[].
 *
 * A back-end keeps the slot record in its own place (two copies on a raw medium, the
 * U-Boot environment, ...), so that agent and bootloader see the same.
 */
#ifndef OTA_CLIENT_BOOT_H
#define OTA_CLIENT_BOOT_H

#include "../slot/record.h"

#define BOOT_ID_LEN 16

/* How this boot came about, told by the bootloader through an inherited read-only
 * descriptor, never by what the agent believes it installed. */
struct handover {
	unsigned slot;
	uint8_t root_hash[SHA256_LEN]; /* of the descriptor that was verified */
	uint8_t boot_id[BOOT_ID_LEN];  /* random, new for each boot */
	uint32_t boot_count;
	uint8_t tries; /* left after this one; 0 for a GOOD slot */
	char version[VERSION_MAX_LEN + 1];
	uint32_t security_version;
};

struct boot;

struct boot_ops {
	const char *name; /* "model" */
	/* ERR_NOT_FOUND if the record is lost: each copy was read and none is valid. */
	int (*load)(struct boot *b, struct slot_record *ret, struct err *e);
	/* Durable when it returns 0. After -1 the old record is intact; the new one may
	 * have reached the medium all the same (a flush that fails does not say), so
	 * who goes on loads first. ERR_PRECONDITION unless r->sequence is above that of
	 * the medium. */
	int (*store)(struct boot *b, const struct slot_record *r, struct err *e);
	/* ERR_NOT_FOUND if the bootloader did not start this program. */
	int (*handover)(struct boot *b, struct handover *ret, struct err *e);
	int (*watchdog_feed)(struct boot *b, struct err *e);
	int (*reboot)(struct boot *b, struct err *e); /* does not return on success */
	void (*close)(struct boot *b);
};

struct boot {
	const struct boot_ops *ops;
};

/* What a back-end may need; texts are borrowed while it opens. */
struct boot_params {
	const char *record_path;
	uint64_t erase_size_bytes; /* where the second copy begins */
	int handover_fd;	   /* -1: not started by the bootloader; not owned */
	int watchdog_fd;	   /* -1: nothing to feed; not owned */
};

struct boot_backend {
	const char *name;
	int (*open)(const struct boot_params *p, struct boot **ret, struct err *e);
};

extern const struct boot_backend boot_backends[]; /* ends with name == NULL */

/* ERR_CONFIG, naming those there are, if there is no such back-end. */
int boot_open(const char *backend, const struct boot_params *p, struct boot **ret,
	      struct err *e) MUST_USE;

/* The operations, with their intent in front of what went wrong. */
int boot_load(struct boot *b, struct slot_record *ret, struct err *e) MUST_USE;
int boot_store(struct boot *b, const struct slot_record *r, struct err *e) MUST_USE;
int boot_handover(struct boot *b, struct handover *ret, struct err *e) MUST_USE;
int boot_watchdog_feed(struct boot *b, struct err *e) MUST_USE;
int boot_reboot(struct boot *b, struct err *e) MUST_USE;
void boot_close(struct boot *b); /* NULL is fine */
void boot_free(struct boot *b);	 /* the same, for AUTO_PTR(boot) */
AUTO_PTR_DEFINE(boot)

#endif
