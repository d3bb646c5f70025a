/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that must take place once, however often they are sent: what the store knows
 * of idempotency keys. */
#ifndef OTA_SERVER_STORE_MODEL_ONCE_H
#define OTA_SERVER_STORE_MODEL_ONCE_H

#include "model.h"

/* Columns as STORE_VERBS has them; the functions stand in verbs_once.c. */
/* clang-format off */
#define STORE_VERBS_ONCE(X)                                                              \
	X(ONCE_BEGIN, STORE_WRITE)	  /* in.once {key, request, owner, max_keys, since} -> out.once; of one that is DONE blob is its answer; ERR_RATE: too many keys */ \
	X(ONCE_END, STORE_WRITE)	  /* in.once {key, status, type}, blob: the answer of an open one */ \
	X(ONCE_DROP, STORE_WRITE)	  /* in.once.key: an open one never was; none is fine */
/* clang-format on */

/* A caller's keys of one day. */
#define ONCE_MAX_KEYS 10000
#define ONCE_TYPE_MAX_LEN 47

/*
 *	(none) -> OPEN -> DONE -> (none, after a day)
 *	          OPEN -> (none): nothing was done
 *
 * One that is OPEN for long was cut: whether its request took place is not known.
 */
enum once_state { ONCE_NEW, ONCE_OPEN, ONCE_DONE };

struct once {
	uint8_t key[SHA256_LEN];     /* digest of the key and of whose it is */
	uint8_t request[SHA256_LEN]; /* digest of what was asked for */
	uint8_t owner[SHA256_LEN];   /* digest of whose it is, however they came */
	unsigned max_keys;	     /* that an owner may have at a time */
	int64_t since;		     /* in: what began before is forgotten */
	enum once_state state;	     /* out: as it was found */
	int64_t at;		     /* when it began */
	int status;		     /* of the answer */
	char type[ONCE_TYPE_MAX_LEN + 1];
};

#endif
