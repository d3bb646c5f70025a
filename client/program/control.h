/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local control socket: one request a connection, one line of JSON each way.
 *
 *	{"command":"status"}			{"ok":true,"status":{..}}
 *	{"command":"poll-now"}			{"ok":true}
 *	{"command":"confirm"}, "deny"		{"ok":true}: the user's consent
 *	{"command":"install","path":"/a.ota"}	{"ok":true}, or
 *						{"ok":false,"code":"rollback","error":".."}
 *
 * Only root and the agent's own user are heard (SO_PEERCRED); the socket's mode says
 * the same.
 */
#ifndef OTA_CLIENT_CONTROL_H
#define OTA_CLIENT_CONTROL_H

#include "../../common/json/json.h"
#include "../../common/loop/loop.h"
#include "../agent/agent.h"

struct control;

/* Listens; a socket file left by a dead agent is replaced. */
struct control *control_new(struct loop *l, const char *path, struct agent *a,
			    const struct log *log, struct err *e) MUST_USE;
void control_free(struct control *c);
AUTO_PTR_DEFINE(control)

/* The other end, waited for. ERR_UNREACHABLE if no agent listens; an answer with ok
 * false becomes the error it names. *ret_answer may be NULL. */
int control_call(const char *path, const char *command, const char *file,
		 struct json **ret_answer, struct err *e) MUST_USE;

/* The code with this slug; ERR_INTERNAL if there is none. */
enum err_code control_code(const char *slug);

#endif
