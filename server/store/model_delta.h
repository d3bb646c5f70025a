/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deltas from one release to the next, and the online roles that list them: values and
 * verbs.
 *
 *	WANTED --taken--> MAKING --made--> MADE --published--> READY
 *	                    |  `--not smaller--> USELESS
 *	                    `--cannot be made, or given up--> FAILED
 *
 * MAKING has a lease: one whose maker died is taken again when it ends, a few times.
 * Only a READY one is offered: its head is a target of the role delta-<product>.
 *
 * From one release to another there are two at most: a plain one, and an unwrapped one
 * (common/recode/plan.h) where devices can use it.
 */
#ifndef OTA_SERVER_STORE_MODEL_DELTA_H
#define OTA_SERVER_STORE_MODEL_DELTA_H

#include "model.h"

#define DELTA_MAX_TRIES 3
#define DELTA_KINDS 2 /* plain, unwrapped */
#define DELTA_WANTED_AT_ONCE 100
/* Listed in the metadata of one product; the oldest give way. */
#define DELTA_MAX_LISTED 1000
#define DELTA_MAX_PRODUCTS 1000

#define ONLINE_ROLE_NAME_MAX_LEN (sizeof("delta-") + PRODUCT_MAX_LEN)

/* Kept as numbers in the database: grows at its end. */
enum delta_progress {
	DELTA_WANTED,
	DELTA_MAKING,
	DELTA_MADE,
	DELTA_READY,
	DELTA_USELESS,
	DELTA_FAILED,
	N_DELTA_PROGRESSES
};
const char *delta_progress_name(enum delta_progress s);

struct fleet_delta {
	uint64_t id;
	char product[PRODUCT_MAX_LEN + 1];
	char from[RELEASE_ID_LEN + 1];
	char from_version[VERSION_MAX_LEN + 1];
	char to[RELEASE_ID_LEN + 1];
	char to_version[VERSION_MAX_LEN + 1];
	enum delta_progress state;
	char detail[DETAIL_MAX_LEN + 1]; /* of USELESS and FAILED: why */
	bool withdrawn; /* the release it leads to was: it is not offered */
	unsigned n_tries;
	uint8_t head_sha256[SHA256_LEN]; /* of MADE and READY, like the sizes */
	uint8_t body_sha256[SHA256_LEN];
	uint64_t head_size, body_size;
	uint64_t full_size; /* head and body of the full payload */
	uint64_t cpu_ms;    /* it took to make */
	int64_t created_at;
	int64_t made_at; /* or given up; 0: not yet */
	uint64_t n_used; /* devices that came by it and proved it */
	bool unwraps;	 /* between what the images are unwrapped */
	char needs[CAPABILITIES_MAX_LEN +
		   1]; /* of MADE and READY: capability_covers() */
};

/* Two releases between which a delta would serve n_devices devices. */
struct delta_pair {
	char from[RELEASE_ID_LEN + 1];
	char to[RELEASE_ID_LEN + 1];
	bool unwraps;
	uint64_t n_devices; /* that can use one of that kind */
};

/* DELTA_FIND: from what a device runs to what it is to install. */
struct delta_find {
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	char to[RELEASE_ID_LEN + 1];
};

/* Metadata of an online role, as METADATA_PUBLISH stores it. */
struct online_role {
	char name[ONLINE_ROLE_NAME_MAX_LEN + 1];
	uint64_t version;
	const void *data; /* borrowed until done() */
	size_t len;
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_delta.c. */
/* clang-format off */
#define STORE_VERBS_DELTA(X)                                                             \
	X(DELTA_PAIRS, STORE_SCAN)	  /* -> items of struct delta_pair that have no delta yet, most devices first */ \
	X(DELTA_ADD, STORE_WRITE)	  /* items of struct delta_pair: wanted; known ones are skipped */ \
	X(DELTA_TAKE, STORE_WRITE)	  /* in.delta_lease_ms: the next to make -> out.delta; ERR_NOT_FOUND */ \
	X(DELTA_END, STORE_WRITE)	  /* in.delta: what became of one that was taken -> out.delta; ERR_PRECONDITION */ \
	X(DELTA_LIST, STORE_READ)	  /* in.page (text: product) newest first -> items of struct fleet_delta */ \
	X(DELTA_LINES, STORE_READ)	  /* in.page.text: product -> items of struct fleet_delta, MADE or READY, as its role lists them */ \
	X(DELTA_PRODUCTS, STORE_READ)	  /* -> items of struct fleet_delta, of which product and state: READY, or MADE if any is new */ \
	X(DELTA_FIND, STORE_READ)	  /* in.delta_find -> items of struct fleet_delta, the smallest first */ \
	X(ONLINE_ROLE_GET, STORE_READ)	  /* in.online_role {name, version} -> blob */ \
	X(ONLINE_ROLE_LIST, STORE_READ)	  /* -> items of struct online_role, the newest of each, without data */
/* clang-format on */

#endif
