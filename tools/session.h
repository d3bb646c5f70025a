/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is logged in here: ~/.config/ota/session, mode 0600, made by ota login, removed by
 * ota logout. A command without --token-file uses it, and only for the server that it is
 * of.
 */
#ifndef OTA_TOOLS_SESSION_H
#define OTA_TOOLS_SESSION_H

#include "../common/base/err.h"

#include <stdbool.h>

struct session {
	char server[512]; /* "https://host:port", without a slash at its end */
	char ca[4096];	  /* file, absolute */
	char tenant[64], user[128];
	char secret[128]; /* of the cookie */
};
void session_fini(struct session *s); /* wipes */

/* 1, 0 if nobody is logged in, -1: the file is damaged, or open to others. */
int session_load(struct session *ret, struct err *e) MUST_USE;
int session_keep(const struct session *s, struct err *e) MUST_USE;
int session_forget(struct err *e) MUST_USE; /* none is fine */

#endif
