/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often somebody may try a password, for each user and for each address.
 *
 * Two token buckets must both have a token: one of the user (10, then one each 30 s) and
 * one of the address (30, then one each 5 s; an IPv6 address counts by its /64). A token
 * is taken before the password is looked at, so that tries at the same time count, and
 * given back when it was right. So the limit is on failures, and nobody is locked out
 * for longer than a bucket takes to get one token.
 *
 * It lives in memory of a fixed size, in each server process: a restart forgets it, and
 * that costs an attacker more than it gives.
 *
 * Thread safe; never waits.
 */
#ifndef OTA_AUTH_THROTTLE_H
#define OTA_AUTH_THROTTLE_H

#include "../../common/base/clock.h"
#include "../../common/base/err.h"

#define THROTTLE_USER_BURST 10
#define THROTTLE_USER_EVERY_MS 30000
#define THROTTLE_ADDRESS_BURST 30
#define THROTTLE_ADDRESS_EVERY_MS 5000

struct throttle;

struct throttle *throttle_new(const struct clock *clock, struct err *e) MUST_USE;
void throttle_free(struct throttle *t);
AUTO_PTR_DEFINE(throttle)

/* One try. ERR_RATE: not now; *ret_wait_s says when one more could be let in. user: any
 * text, with its tenant in it. */
int throttle_take(struct throttle *t, const char *user, const char *address,
		  unsigned *ret_wait_s, struct err *e) MUST_USE;
/* It was right, or it was never looked at. */
void throttle_give_back(struct throttle *t, const char *user, const char *address);

#endif
