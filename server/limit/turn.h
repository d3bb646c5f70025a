/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns at something slow: one for each caller, and a few in all, so that neither one
 * caller nor many hold up what shares its threads.
 *
 * Threads: any.
 */
#ifndef OTA_SERVER_TURN_H
#define OTA_SERVER_TURN_H

#include "../../common/base/err.h"
#include "../../common/crypto/digest.h"

#include <stddef.h>

struct turns;

/* n turns in all, 1..TURNS_MAX. */
#define TURNS_MAX 64
struct turns *turns_new(size_t n, struct err *e) MUST_USE;
/* NULL is fine. */
void turns_free(struct turns *t);
AUTO_PTR_DEFINE(turns)

/* 0: it is this caller's turn, until turns_give(). ERR_RATE: they have one already, or
 * all are taken. */
int turns_take(struct turns *t, const uint8_t who[SHA256_LEN], struct err *e) MUST_USE;
void turns_give(struct turns *t, const uint8_t who[SHA256_LEN]);

#endif
