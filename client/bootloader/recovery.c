/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery.h"

#include <string.h>

#define MODULE "recovery"

static bool slot_holds(const struct bootloader *b, unsigned slot, struct verified *v)
{
	struct verify_rules rules = {.factory = b->factory};
	struct err e = ERR_INIT;

	if (slot_verify(&b->slots[slot], slot, &rules, v, NULL, &e) < 0) {
		log_failure(b->log, LOG_WARN, MODULE, "slot does not hold", &e);
		return false;
	}
	log_info(b->log, MODULE, "slot holds", "slot", slot == 0 ? "A" : "B", "version",
		 v->descriptor.version, NULL);
	return true;
}

int bootloader_store_both(struct boot *boot, struct slot_record *r, struct err *e)
{
	if (boot_store(boot, r, e) < 0)
		return -1;
	r->sequence++;
	return boot_store(boot, r, e);
}

int bootloader_recover(const struct bootloader *b, struct boot *boot,
		       struct slot_record *ret, struct err *e)
{
	struct verified v[N_SLOTS];
	struct slot_content content[N_SLOTS];
	const struct slot_content *holds[N_SLOTS] = {NULL};

	for (unsigned i = 0; i < N_SLOTS; i++) {
		if (!slot_holds(b, i, &v[i]))
			continue;
		content[i] = (struct slot_content){
		    .version = v[i].descriptor.version,
		    .security_version = v[i].descriptor.security_version,
		    .key_index = v[i].descriptor.key_index,
		};
		memcpy(content[i].root_hash, v[i].root_hash, SHA256_LEN);
		holds[i] = &content[i];
	}
	if (record_init_recovery(ret, holds, e) < 0 ||
	    bootloader_store_both(boot, ret, e) < 0)
		return err_wrap(e, "recovery");
	return 0;
}
