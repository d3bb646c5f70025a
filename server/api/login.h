/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of sessions share; for manage_login.c and manage_session.c. */
#ifndef OTA_SERVER_API_LOGIN_H
#define OTA_SERVER_API_LOGIN_H

#include "api.h"

/* Goes on with a login whose a->body has user and password. */
void api_login_by_password(struct api_call *a);

/* 204 with the new session's cookie. */
void api_reply_session(struct api_call *a, const char *session);
/* The session whose cookie came with a login, zeros if none did: it ends with the login,
 * so that one that was planted in the browser does not become the new user's. */
void api_old_session(struct api_call *a, uint8_t ret_hash[SHA256_LEN]);
void api_end_streams(struct api_call *a, const uint8_t hash[SHA256_LEN]);

#endif
