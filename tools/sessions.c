/* SPDX-License-Identifier: Apache-2.0 */
/* ota session: who is logged in where, and one's own password. */
#include "../common/base/passphrase_input.h"
#include "session.h"
#include "view.h"

#include <string.h>

const struct option session_list_options[] = {
    {NULL, "user", OPT_TEXT, AT(user), NULL, "NAME", "Of this user, not one's own"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option session_password_options[] = {
    {NULL, "passphrase-fd", OPT_TEXT, AT(passphrase_fd), NULL, "N",
     "Read the password, and the new one, from this file descriptor: a line each"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option session_confirm_options[] = {
    {NULL, "passphrase-fd", OPT_TEXT, AT(passphrase_fd), NULL, "N",
     "Read the password from this file descriptor instead of the terminal"},
    OPTIONS_SERVER,
    OPTION_END,
};

RUN(session_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"USER", "user", VIEW_TEXT},
	    {"ADDRESS", "address", VIEW_TEXT}, {"CURRENT", "current", VIEW_TEXT},
	    {"SEEN", "seen_at", VIEW_TIME},    {"ENDS", "expires_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_add_query(&query, "user", o->user, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/sessions", buf_str(&query), columns,
			     N_ELEMS(columns), "No sessions.", e);
}

RUN(session_revoke)
{
	(void)n_operands;
	(void)log;
	return api_about(values, "DELETE", "/api/v1/sessions/", operands[0], "", NULL,
			 NULL, e);
}

/* ---- one's own password ---- */

/* `again`: it is new, and asked twice. */
static int add_password(struct json *body, const struct ota *o, const char *member,
			const char *question, bool again, struct err *e)
{
	char text[PASSPHRASE_INPUT_MAX_LEN + 1] = "";
	int result = o->passphrase_fd != NULL
			 ? passphrase_read_fd(o->passphrase_fd, text, e)
		     : again ? passphrase_ask_twice(question, text, e)
			     : passphrase_ask(question, text, e);

	if (result == 0)
		result = json_set(body, member, json_new_text(text), e);
	explicit_bzero(text, sizeof(text));
	return result;
}

RUN(session_confirm)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = json_new_object();

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_init(&a, o, true, e) < 0 ||
	    add_password(body, o, "password", "Password: ", false, e) < 0)
		return -1;
	return api_call(&a, "POST", "/api/v1/session/confirm", body, NULL, e);
}

/* The server ends the session and begins another: that one is kept in its place. */
static int change_password(const struct ota *o, struct session *s, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = json_new_object();
	int known = session_load(s, e);

	if (known < 0 || api_init(&a, o, true, e) < 0)
		return -1;
	if (known == 0 || !a.by_session)
		return err_set(e, ERR_USAGE,
			       "only who has logged in changes their password: see ota "
			       "login");
	if (add_password(body, o, "password", "Password: ", false, e) < 0 ||
	    add_password(body, o, "new", "New password: ", true, e) < 0 ||
	    api_new_session(&a, "PUT", "/api/v1/session/password", body, s->secret,
			    sizeof(s->secret), e) < 0)
		return -1;
	return session_keep(s, e);
}

RUN(session_password)
{
	struct session s = {0};
	int result = change_password(values, &s, e);

	(void)n_operands;
	(void)operands;
	(void)log;
	session_fini(&s);
	if (result == 0)
		(void)puts("The password is changed; your other sessions have ended.");
	return result;
}
