/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of sessions share; for manage_login.c and manage_session.c. */
#ifndef OTA_SERVER_API_LOGIN_H
#define OTA_SERVER_API_LOGIN_H

#include "api.h"

/* Goes on with a login whose a->body has user and password. */
void api_login_by_password(struct api_call *a);

/* 204 with the new session's cookie. */
void api_reply_session(struct api_call *a, const char *session);
/* Ends the session whose cookie came with a login, if one did. */
void api_end_old_session(struct api_call *a);

#endif
