/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent must not forget between boots, besides the slot record: one small file
 * "agent.json", replaced whole. A device that lost it is still safe (slots and trust do
 * not depend on it): it only cannot say any more which deployment an install belonged
 * to.
 *
 *	{"format":1,"must_understand":0,
 *	 "deployment":{"id":"100042","transaction":7,"slot":1,"descriptor_sha256":H,
 *	               "manifest_sha256":H,"detail":"...","delta":"..."} or absent,
 *	 "failed":[{"id":"100041","reason":"...","told":true}, ..],
 *	 "delta":{"id":"100042","reason":"..."} or absent,
 *	 "reports":N, "floor_utc_ms":N}
 *
 * deployment	the one under way: stored before its slot is armed, forgotten when the
 *		server acknowledged its end. `detail` is what the new firmware has to
 *		say of its health before it gives up, so that the old one can tell.
 *		`delta` is the one that it came by whole; absent: it did not.
 * failed	ended without success on this device: not tried again, told again if
 *		offered.
 * delta	the deployment whose delta failed here: it goes on with the full payload.
 * reports	counter of proofs, reserved in blocks: what was stored is never used
 *		again.
 * floor	no time before it is believed (schedule.h).
 */
#ifndef OTA_AGENT_MEMORY_H
#define OTA_AGENT_MEMORY_H

#include "../../common/ddi/ddi.h"
#include "../../common/tuf/tuf.h"

#define MEMORY_FILE "agent.json"
#define MEMORY_MAX_BYTES (16u * 1024)
#define MEMORY_MAX_FAILED 4
#define MEMORY_REASON_LEN 256
#define MEMORY_COUNTER_BLOCK 256u

struct memory_deployment {
	char id[12];	      /* "": none */
	uint32_t transaction; /* 0: nothing was written for it yet */
	unsigned slot;
	uint8_t descriptor_sha256[SHA256_LEN];
	uint8_t manifest_sha256[SHA256_LEN];
	char detail[MEMORY_REASON_LEN];
	char delta[DDI_DELTA_NAME_LEN]; /* "": by the full payload */
};

struct memory_failed {
	char id[12];
	char reason[MEMORY_REASON_LEN];
	bool told;
};

struct memory {
	struct memory_deployment deployment;
	struct memory_failed failed[MEMORY_MAX_FAILED]; /* oldest first */
	size_t n_failed;
	struct memory_failed delta; /* told is not used */
	uint64_t n_reports;	    /* reserved so far */
	int64_t floor_utc_ms;
};

/* Reads it from files. What is not there is empty; what is damaged is ERR_FORMAT, what
 * does not answer ERR_IO: then *ret is empty but for the counter, which skips far
 * ahead. */
int memory_load(const struct tuf_store *files, struct memory *ret,
		struct err *e) MUST_USE;
int memory_save(const struct tuf_store *files, const struct memory *m,
		struct err *e) MUST_USE;

/* The entry of a deployment that ended here without success, or NULL. */
struct memory_failed *memory_find_failed(struct memory *m, const char *id);

/* The delta of this deployment failed: "WHAT: WHY", cut to fit. */
void memory_note_delta(struct memory *m, const char *id, const char *what,
		       const char *why);

/* Adds or replaces; the oldest one makes room. The reason is cut to fit. */
void memory_add_failed(struct memory *m, const char *id, const char *reason);

#endif
