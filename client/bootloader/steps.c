/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include "recovery.h"

#include <inttypes.h>
#include <string.h>

#define MODULE "boot"

/* One power-on: the record as it is on the medium, and what this boot has passed over.
 */
struct attempt {
	const struct bootloader *loader;
	struct boot *boot;
	struct slot_record record;
	unsigned refused; /* 1 << slot */
	struct err why;	  /* of the first refusal */
	struct launch launch;
};

enum step { STEP_AGAIN, STEP_JUMP, STEP_HALT };

static const char *letter(unsigned slot)
{
	return slot == 0 ? "A" : "B";
}

static void note_refusal(struct attempt *a, const char *what, const struct err *why)
{
	log_failure(a->loader->log, LOG_WARN, MODULE, what, why);
	if (a->why.code == ERR_NONE)
		a->why = *why;
}

static void pass_over(struct attempt *a, unsigned slot, const char *what,
		      const struct err *why)
{
	note_refusal(a, what, why);
	a->refused |= 1u << slot;
}

/* The medium first, then the memory: what is in a->record is what is stored. */
static int store(struct attempt *a, const struct slot_record *next, struct err *e)
{
	if (boot_store(a->boot, next, e) < 0)
		return -1;
	a->record = *next;
	return 0;
}

/* Stores BAD(why); the slot is passed over if that cannot be. */
static void give_up(struct attempt *a, unsigned slot, enum slot_reason why)
{
	struct slot_record next = a->record;
	struct err e = ERR_INIT;

	if (record_reject(&next, slot, why, &e) < 0 || store(a, &next, &e) < 0) {
		pass_over(a, slot, "slot is passed over", &e);
		return;
	}
	log_warn(a->loader->log, MODULE, "slot is BAD", "slot", letter(slot), "reason",
		 slot_reason_name(why), NULL);
}

static int verify(struct attempt *a, unsigned slot, struct err *e)
{
	const struct bootloader *b = a->loader;
	struct verify_rules rules = {
	    .factory = b->factory,
	    .floor = a->record.floor,
	    .min_key_index = a->record.min_key_index,
	    .root_hash = a->record.slots[slot].root_hash,
	};
	struct verified v;

	if (slot_verify(&b->slots[slot], slot, &rules, &v, &a->launch.firmware_fd, e) <
	    0)
		return -1;
	a->launch.handover = (struct handover){
	    .slot = slot,
	    .security_version = v.descriptor.security_version,
	};
	memcpy(a->launch.handover.root_hash, v.root_hash, SHA256_LEN);
	memcpy(a->launch.handover.version, v.descriptor.version,
	       sizeof(a->launch.handover.version));
	return 0;
}

static void unload(struct attempt *a)
{
	if (a->launch.firmware_fd >= 0)
		(void)close(a->launch.firmware_fd);
	a->launch.firmware_fd = -1;
}

static enum step boot_good(struct attempt *a, unsigned slot)
{
	struct slot_record next = a->record;
	struct err e = ERR_INIT;

	if (verify(a, slot, &e) < 0) {
		note_refusal(a, "slot does not verify", &e);
		if (err_exit(&e) == EXIT_REFUSED)
			give_up(a, slot, REASON_UNVERIFIED);
		else
			a->refused |= 1u << slot;
		return STEP_AGAIN;
	}
	/* A GOOD slot boots also from a medium that can no longer be written. */
	if (record_boot_good(&next, slot, &e) < 0 || store(a, &next, &e) < 0) {
		log_failure(a->loader->log, LOG_WARN, MODULE,
			    "this boot is not counted", &e);
		a->record.boot_count++;
	}
	return STEP_JUMP;
}

/* Its medium did not answer: one try less, so that this ends, and not again in this
 * boot. */
static void count_failed_try(struct attempt *a, unsigned slot, const struct err *why)
{
	struct slot_record next = a->record;
	struct err e = ERR_INIT;

	pass_over(a, slot, "slot is passed over", why);
	if (record_boot_try(&next, slot, &e) < 0 || store(a, &next, &e) < 0)
		log_failure(a->loader->log, LOG_WARN, MODULE, "try is not counted", &e);
}

static enum step boot_try(struct attempt *a, unsigned slot)
{
	struct slot_record next = a->record;
	struct err e = ERR_INIT;

	if (verify(a, slot, &e) < 0) {
		if (err_exit(&e) != EXIT_REFUSED) {
			count_failed_try(a, slot, &e);
			return STEP_AGAIN;
		}
		note_refusal(a, "slot does not verify", &e);
		give_up(a, slot, REASON_UNVERIFIED);
		return STEP_AGAIN;
	}
	if (record_boot_try(&next, slot, &e) < 0 || store(a, &next, &e) < 0) {
		unload(a);
		pass_over(a, slot, "a try that cannot be counted is not made", &e);
		return STEP_AGAIN;
	}
	return STEP_JUMP;
}

static enum step exhaust(struct attempt *a, unsigned slot)
{
	give_up(a, slot, REASON_EXHAUSTED);
	return STEP_AGAIN;
}

static enum step halt(struct attempt *a, unsigned slot)
{
	(void)a;
	(void)slot;
	return STEP_HALT;
}

static enum step (*const steps[])(struct attempt *a, unsigned slot) = {
    [BOOT_SLOT] = boot_good,
    [BOOT_TRY] = boot_try,
    [BOOT_EXHAUST] = exhaust,
    [BOOT_NONE] = halt,
};

static int halted(const struct attempt *a, struct err *e)
{
	bool has_cause = a->why.code != ERR_NONE;

	return err_set(e, has_cause ? a->why.code : ERR_CONFLICT,
		       "no slot may boot: A is %s, B is %s%s%s",
		       slot_state_name(a->record.slots[0].state),
		       slot_state_name(a->record.slots[1].state), has_cause ? ": " : "",
		       has_cause ? a->why.text : "");
}

static int complete(struct attempt *a, struct launch *ret, struct err *e)
{
	struct handover *h = &a->launch.handover;

	h->boot_count = a->record.boot_count;
	h->tries = a->record.slots[h->slot].tries;
	if (random_bytes(h->boot_id, sizeof(h->boot_id), e) < 0) {
		unload(a);
		return -1;
	}
	*ret = a->launch;
	return 0;
}

static int load_or_recover(struct attempt *a, struct err *e)
{
	struct err lost = ERR_INIT;

	if (boot_load(a->boot, &a->record, &lost) == 0)
		return 0;
	if (lost.code != ERR_NOT_FOUND)
		return err_set(e, lost.code, "%s", lost.text);
	log_failure(a->loader->log, LOG_ERROR, MODULE, "recovery begins", &lost);
	return bootloader_recover(a->loader, a->boot, &a->record, e);
}

int bootloader_open_boot(const struct bootloader *b, struct boot **ret, struct err *e)
{
	struct boot_params p = {
	    .record_path = b->config->boot.record,
	    .erase_size_bytes = b->config->boot.erase_size_bytes,
	    .handover_fd = -1,
	    .watchdog_fd = -1,
	};

	return boot_open(b->config->boot.backend, &p, ret, e);
}

/* Each round passes a slot over, makes it BAD, or is the last one; hence the bound. */
int bootloader_boot(const struct bootloader *b, struct boot *boot, struct launch *ret,
		    struct err *e)
{
	struct attempt a = {.loader = b, .boot = boot, .launch = {.firmware_fd = -1}};

	if (load_or_recover(&a, e) < 0)
		return -1;
	for (unsigned round = 0; round <= 2 * N_SLOTS; round++) {
		unsigned slot = NO_SLOT;
		enum boot_choice choice =
		    record_choose_except(&a.record, a.refused, &slot);
		enum step step = steps[choice](&a, slot);

		if (step == STEP_JUMP)
			return complete(&a, ret, e);
		if (step == STEP_HALT)
			return halted(&a, e);
	}
	return err_set(e, ERR_INTERNAL, "the choice of a slot does not end");
}
