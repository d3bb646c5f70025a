/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords, hashed beside the loops: argon2id takes tens of milliseconds and 19 MiB a
 * time, so two threads of their own do it, and so many may wait as HASHER_MAX_WAITING. A
 * flood of logins costs 38 MiB and two threads, and who comes too late is told to come
 * again; nobody's upload or poll waits behind it.
 */
#ifndef OTA_AUTH_HASHER_H
#define OTA_AUTH_HASHER_H

#include "../../common/crypto/password.h"
#include "../../common/loop/loop.h"

#define HASHER_THREADS 2
#define HASHER_MAX_WAITING 64

struct hasher;

struct hasher *hasher_new(struct err *e) MUST_USE;
/* Finishes what waits. Loops that await answers still run, or are freed undelivered. */
void hasher_free(struct hasher *h);
AUTO_PTR_DEFINE(hasher)

struct hash_answer {
	bool right;			      /* of hasher_verify() */
	char hash[PASSWORD_HASH_MAX_LEN + 1]; /* of hasher_make() */
	struct err err;
};

/* Comes once, in the loop's thread that was given. */
typedef void hash_done(void *ctx, const struct hash_answer *answer);

/* Both copy what they are given, and wipe it. ERR_BUSY: too many wait; done() does not
 * come then. stored: as password_verify() has it. */
int hasher_verify(struct hasher *h, struct loop *l, const char *stored,
		  const char *password, hash_done *done, void *ctx,
		  struct err *e) MUST_USE;
int hasher_make(struct hasher *h, struct loop *l, const char *password, hash_done *done,
		void *ctx, struct err *e) MUST_USE;

#endif
