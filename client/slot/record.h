/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot record and its transitions: pure, no I/O. docs/formats/record.md.
 *
 *            write_begin          write_done            arm
 *   EMPTY ──────────────> WRITING ──────────> WRITTEN ───────> PENDING
 *   any   ─┘(not running)                                         │ boot_try (tries-1)
 *                                            boot_try (tries-1)   v
 *                                                    ┌──────── TRYING
 *                                                    └───────────>│
 *                            confirm: GOOD <──────────────────────┤
 *                  reject, tries exhausted: BAD(reason) <─────────┘
 *   GOOD ── reject, raise_floor: BAD(reason), only while another slot is GOOD
 *
 * One write of the record per transition. "Primary" is derived by record_choose(),
 * never stored. What the transitions promise together (tests/unit/test_record.c walks
 * every reachable record):
 *
 *   - The running slot is never written or armed.
 *   - While one slot is GOOD and not below the floor, one stays so: an update
 *     begins only from a running slot that is GOOD, and a GOOD slot turns BAD
 *     only if another one is GOOD.
 *   - A slot below the floor is neither armed nor booted.
 *   - A rollback is never lost: an event that says BAD stays in the ring until
 *     it is acknowledged. write_begin is refused (ERR_BUSY) where the ring has
 *     no room left for the ways in which this install could fail.
 */
#ifndef OTA_CLIENT_RECORD_H
#define OTA_CLIENT_RECORD_H

#include "../../common/crypto/digest.h"
#include "../../common/format/version.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_LEN 512u
#define N_SLOTS 2
#define NO_SLOT N_SLOTS /* as `running`: no firmware runs (factory, bootloader) */
#define RECORD_N_EVENTS 6
#define DEFAULT_TRIES 3
#define MIN_TRIES 3 /* so that a brown-out is no verdict */
#define MAX_BOOT_KEY_INDEX 3

enum slot_state {
	SLOT_EMPTY = 0,
	SLOT_WRITING, /* restart: whatever is in it is garbage; the journal may resume
			 it */
	SLOT_WRITTEN, /* restart: read back complete, not armed: arm again */
	SLOT_PENDING, /* restart: the bootloader tries it */
	SLOT_TRYING,  /* restart: the bootloader tries again, or exhausts */
	SLOT_GOOD,    /* restart: boots */
	SLOT_BAD,     /* restart: never boots */
	N_SLOT_STATES
};

enum slot_reason {
	REASON_NONE = 0,
	REASON_EXHAUSTED,  /* crashed or hung on every try */
	REASON_HEALTH,	   /* a health check failed */
	REASON_DEADLINE,   /* not confirmed in time */
	REASON_UNVERIFIED, /* the bootloader refused descriptor or image */
	REASON_VERITY,	   /* dm-verity reported corruption */
	REASON_FLOOR,	   /* below the security floor */
	REASON_OPERATOR,   /* rolled back by request */
	N_SLOT_REASONS
};

struct slot {
	enum slot_state state;
	uint8_t tries;	  /* left */
	uint8_t priority; /* higher boots first */
	bool verity_bad;
	enum slot_reason reason;
	uint32_t security_version;
	uint8_t root_hash[SHA256_LEN]; /* of the slot descriptor: what the slot is */
	char version[VERSION_MAX_LEN + 1];
};

/* What happened and the server has not acknowledged. In the ring they stand in order of
 * id; where it is full the oldest one that is neither GOOD nor BAD makes room, then the
 * oldest GOOD. A gap in the ids tells that something was dropped. */
struct slot_event {
	uint32_t id; /* ascending; 0: unused */
	uint8_t slot;
	uint8_t to_state; /* enum slot_state */
	uint8_t reason;
	uint8_t tries;
	uint32_t transaction;
};

struct slot_record {
	uint64_t sequence;
	uint32_t transaction; /* of the latest install: ties slot, journal and reports
				 together */
	uint32_t floor;	      /* security floor */
	uint8_t min_key_index;
	uint32_t next_event_id;
	uint32_t boot_count;
	struct slot slots[N_SLOTS];
	struct slot_event events[RECORD_N_EVENTS];
};

const char *slot_state_name(enum slot_state s); /* "GOOD": same words as the diagram */
const char *slot_reason_name(enum slot_reason r); /* "tries exhausted" */
char slot_letter(unsigned slot);		  /* 'A', 'B'; '-' for NO_SLOT */

/* Layout with magic, format and CRC over everything. Decoding refuses what encoding
 * never makes (ERR_FORMAT; ERR_UNSUPPORTED for another format or a must-understand
 * bit): there is one encoding of each record. */
void record_encode(const struct slot_record *r, uint8_t ret[RECORD_LEN]);
int record_decode(const uint8_t data[RECORD_LEN], struct slot_record *ret,
		  struct err *e) MUST_USE;

/* Of two copies (NULL: unreadable), the valid one with the highest sequence: 0, 1, or
 * -1. */
int record_pick(const struct slot_record *copy0, const struct slot_record *copy1);

/* What a slot holds, learnt from its signed descriptor. */
struct slot_content {
	uint8_t root_hash[SHA256_LEN];
	const char *version; /* borrowed */
	uint32_t security_version;
	uint8_t key_index; /* which boot key signed it */
};

/* A record as the factory leaves it: `slot` GOOD with this content, the other EMPTY. */
int record_init_factory(struct slot_record *ret, unsigned slot,
			const struct slot_content *c, struct err *e) MUST_USE;

/* A record made anew after both copies were lost. content[i] is NULL unless slot i was
 * verified fully. The highest security version sets the floor, the highest key index
 * among the slots that reach it min_key_index; what is below is BAD(FLOOR), the others
 * PENDING. Never GOOD without health. ERR_NOT_FOUND if no slot holds. */
int record_init_recovery(struct slot_record *ret,
			 const struct slot_content *const content[N_SLOTS],
			 struct err *e) MUST_USE;

/* The transitions. Each checks that the edge is allowed (ERR_CONFLICT names both
 * states), changes *r in memory, adds an event, raises the sequence; the caller stores
 * it *before* acting. A refused transition leaves *r as it was. */

/* Any state but the running slot's -> WRITING; forgets what the slot held, starts a
 * transaction. Where it is not known what runs (NO_SLOT) neither a TRYING slot nor the
 * only GOOD one. */
int record_write_begin(struct slot_record *r, unsigned slot, unsigned running,
		       struct err *e) MUST_USE;
/* WRITING -> WRITTEN. ERR_ROLLBACK below the floor. */
int record_write_done(struct slot_record *r, unsigned slot,
		      const uint8_t root_hash[SHA256_LEN], const char *version,
		      uint32_t security_version, struct err *e) MUST_USE;
/* WRITTEN -> PENDING, first in line. tries >= MIN_TRIES. ERR_ROLLBACK below the floor.
 */
int record_arm(struct slot_record *r, unsigned slot, uint8_t tries,
	       struct err *e) MUST_USE;
/* PENDING, TRYING -> TRYING, one try less, one boot more. By the bootloader, stored
 * before the jump. */
int record_boot_try(struct slot_record *r, unsigned slot, struct err *e) MUST_USE;
/* One boot more of a GOOD slot; no event. */
int record_boot_good(struct slot_record *r, unsigned slot, struct err *e) MUST_USE;
/* TRYING -> GOOD, by the agent in that slot. ERR_DIGEST unless running_root is the
 * slot's. */
int record_confirm(struct slot_record *r, unsigned slot,
		   const uint8_t running_root[SHA256_LEN], struct err *e) MUST_USE;
/* PENDING, TRYING -> BAD(why); EXHAUSTED only with no try left. GOOD -> BAD(UNVERIFIED,
 * VERITY or OPERATOR), only if another slot is GOOD and may boot. */
int record_reject(struct slot_record *r, unsigned slot, enum slot_reason why,
		  struct err *e) MUST_USE;
/* By the agent in a running slot that is GOOD, not above its security version, never
 * down. The other slot turns BAD(FLOOR) if it is below. */
int record_raise_floor(struct slot_record *r, unsigned running, uint32_t floor,
		       struct err *e) MUST_USE;
/* Likewise for the boot keys: not above the key that signed the running slot. */
int record_raise_min_key(struct slot_record *r, unsigned running,
			 uint8_t running_key_index, uint8_t min_key_index,
			 struct err *e) MUST_USE;
/* Drops the events up to and with this id; the sequence is raised only if there was
 * one. */
void record_ack_events(struct slot_record *r, uint32_t up_to_id);

/* The number of events in the ring; they stand in events[0..n). */
size_t record_n_events(const struct slot_record *r);

/* The bootloader's question, pure: which slot next, or what must be stored first. */
enum boot_choice {
	BOOT_SLOT,    /* boot *ret_slot as it is (GOOD) */
	BOOT_TRY,     /* store record_boot_try(*ret_slot), then boot it */
	BOOT_EXHAUST, /* store record_reject(*ret_slot, EXHAUSTED), then ask again */
	BOOT_NONE,    /* nothing may boot: recovery */
};
enum boot_choice record_choose(const struct slot_record *r, unsigned *ret_slot);

/* The same without the slots in the bit set `refused` (1 << slot): a GOOD slot that
 * does not verify, where no other one is GOOD, keeps its state but is passed over in
 * this boot. */
enum boot_choice record_choose_except(const struct slot_record *r, unsigned refused,
				      unsigned *ret_slot);

/* The GOOD slot that boots if a try cannot be stored; false if there is none. */
bool record_best_good(const struct slot_record *r, unsigned *ret_slot);

#endif
