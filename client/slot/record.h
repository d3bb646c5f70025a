/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot record and its transitions: pure, no I/O. docs/formats/record.md.
 *
 *            write_begin          write_done            arm
 *   EMPTY ──────────────> WRITING ──────────> WRITTEN ───────> PENDING
 *   GOOD ─┘(not running)                                          │ boot_try (tries-1)
 *   BAD  ─┘                                  boot_try (tries-1)   v
 *                                                    ┌──────── TRYING
 *                                                    └───────────>│
 *                            confirm: GOOD <──────────────────────┤
 *                  reject, tries exhausted: BAD(reason) <─────────┘
 *
 * One write of the record per transition. "Primary" is derived by record_choose(), never stored.
 */
#ifndef OTA_CLIENT_RECORD_H
#define OTA_CLIENT_RECORD_H

#include "../../common/crypto/digest.h"
#include "../../common/format/version.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_LEN 512u
#define N_SLOTS 2
#define RECORD_N_EVENTS 6
#define DEFAULT_TRIES 3

enum slot_state {
	SLOT_EMPTY = 0,
	SLOT_WRITING,	/* restart: whatever is in it is garbage; the journal may resume it */
	SLOT_WRITTEN,	/* restart: read back complete, not armed: arm again */
	SLOT_PENDING,	/* restart: the bootloader tries it */
	SLOT_TRYING,	/* restart: the bootloader tries again, or exhausts */
	SLOT_GOOD,	/* restart: boots */
	SLOT_BAD,	/* restart: never boots */
	N_SLOT_STATES
};

enum slot_reason {
	REASON_NONE = 0,
	REASON_EXHAUSTED,	/* crashed or hung on every try */
	REASON_HEALTH,		/* a health check failed */
	REASON_DEADLINE,	/* not confirmed in time */
	REASON_UNVERIFIED,	/* the bootloader refused descriptor or image */
	REASON_VERITY,		/* dm-verity reported corruption */
	REASON_FLOOR,		/* below the security floor */
	REASON_OPERATOR,	/* rolled back by request */
	N_SLOT_REASONS
};

struct slot {
	enum slot_state state;
	uint8_t tries;			/* left */
	uint8_t priority;		/* higher boots first */
	bool verity_bad;
	enum slot_reason reason;
	uint32_t security_version;
	uint8_t root_hash[SHA256_LEN];	/* digest of the slot descriptor: what the slot is */
	char version[VERSION_MAX_LEN + 1];
};

/* What happened and the server has not acknowledged: rollbacks are never lost. */
struct slot_event {
	uint32_t id;		/* ascending; 0: unused */
	uint8_t slot;
	uint8_t to_state;	/* enum slot_state */
	uint8_t reason;
	uint8_t tries;
	uint32_t transaction;
};

struct slot_record {
	uint64_t sequence;
	uint32_t transaction;	/* of the latest install: ties slot, journal and reports together */
	uint32_t floor;		/* security floor */
	uint8_t min_key_index;
	uint32_t next_event_id;
	uint32_t boot_count;
	struct slot slots[N_SLOTS];
	struct slot_event events[RECORD_N_EVENTS];
};

const char *slot_state_name(enum slot_state s);	  /* "GOOD": same words as the diagram */
const char *slot_reason_name(enum slot_reason r); /* "tries exhausted" */
char slot_letter(unsigned slot);		  /* 'A', 'B' */

/* Layout with magic, format and CRC over everything. */
void record_encode(const struct slot_record *r, uint8_t ret[RECORD_LEN]);
int record_decode(const uint8_t data[RECORD_LEN], struct slot_record *ret, struct err *e) MUST_USE;

/* Of two copies (NULL: unreadable), the valid one with the highest sequence: 0, 1, or -1. */
int record_pick(const struct slot_record *copy0, const struct slot_record *copy1);

/* The transitions. Each checks that the edge is allowed (ERR_CONFLICT names both states),
 * changes *r in memory, adds an event, raises the sequence; the caller stores it *before* acting. */
int record_write_begin(struct slot_record *r, unsigned slot, unsigned running, struct err *e) MUST_USE;
int record_write_done(struct slot_record *r, unsigned slot, const uint8_t root_hash[SHA256_LEN],
		      const char *version, uint32_t security_version, struct err *e) MUST_USE;
int record_arm(struct slot_record *r, unsigned slot, uint8_t tries, struct err *e) MUST_USE;
int record_boot_try(struct slot_record *r, unsigned slot, struct err *e) MUST_USE;
int record_confirm(struct slot_record *r, unsigned slot, const uint8_t running_root[SHA256_LEN],
		   struct err *e) MUST_USE;
int record_reject(struct slot_record *r, unsigned slot, enum slot_reason why, struct err *e) MUST_USE;
int record_raise_floor(struct slot_record *r, unsigned running, uint32_t floor, struct err *e) MUST_USE;
void record_ack_events(struct slot_record *r, uint32_t up_to_id);

/* The bootloader's question, pure: which slot next, or what must be stored first. */
enum boot_choice {
	BOOT_SLOT,	/* boot *ret_slot as it is (GOOD) */
	BOOT_TRY,	/* store record_boot_try(*ret_slot), then boot it */
	BOOT_EXHAUST,	/* store record_reject(*ret_slot, EXHAUSTED), then ask again */
	BOOT_NONE,	/* nothing may boot: recovery */
};
enum boot_choice record_choose(const struct slot_record *r, unsigned *ret_slot);

#endif
