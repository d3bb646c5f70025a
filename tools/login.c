/* SPDX-License-Identifier: Apache-2.0 */
/* ota login, ota logout: a person's session instead of an API token in a file. */
#include "../common/base/passphrase_input.h"
#include "../common/base/text.h"
#include "api.h"
#include "session.h"
#include "view.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option login_options[] = {
    {NULL, "user", OPT_TEXT, AT(user), NULL, "NAME", "Who; else the terminal is asked"},
    {NULL, "passphrase-fd", OPT_TEXT, AT(passphrase_fd), NULL, "N",
     "Read the password from this file descriptor instead of the terminal"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option logout_options[] = {
    OPTION_END,
};

/* What no option said is asked on the terminal, by the option's name. */
static int ask(const char *given, const char *question, const char *option, char *ret,
	       size_t room, struct err *e)
{
	char line[1024];
	FILE *tty;
	bool got;

	if (given != NULL)
		return text_copy(ret, room, given, option, e);
	tty = fopen("/dev/tty", "r+e");
	if (tty == NULL)
		return err_set(e, ERR_USAGE,
			       "--%s is missing, and there is no terminal to ask",
			       option);
	got = fputs(question, tty) >= 0 && fflush(tty) == 0 &&
	      fgets(line, sizeof(line), tty) != NULL;
	(void)fclose(tty);
	if (!got)
		return err_set(e, ERR_USAGE, "--%s is missing", option);
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0')
		return err_set(e, ERR_USAGE, "--%s is missing", option);
	return text_copy(ret, room, line, option, e);
}

static int ask_for_ca(const struct ota *o, struct session *s, struct err *e)
{
	char given[sizeof(s->ca)], absolute[PATH_MAX];

	if (ask(o->ca_file, "File with the server's CA certificate: ", "ca", given,
		sizeof(given), e) < 0)
		return -1;
	if (realpath(given, absolute) == NULL)
		return err_sys(e, "%s", given);
	return text_copy(s->ca, sizeof(s->ca), absolute, "ca", e);
}

static int ask_for_server(const struct ota *o, struct session *s, struct err *e)
{
	size_t len;

	if (ask(o->server_url, "Server (https://..): ", "server", s->server,
		sizeof(s->server), e) < 0)
		return -1;
	len = strlen(s->server);
	while (len > 8 && s->server[len - 1] == '/')
		s->server[--len] = '\0';
	return ask_for_ca(o, s, e);
}

static int open_session(const struct ota *o, struct session *s, const char *password,
			struct err *e)
{
	struct ota here = *o;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *body = json_new_object();

	here.server_url = s->server;
	here.ca_file = s->ca;
	if (api_init(&a, &here, false, e) < 0 ||
	    json_set(body, "user", json_new_text(s->user), e) < 0 ||
	    json_set(body, "password", json_new_text(password), e) < 0 ||
	    json_set(body, "tenant", json_new_text(s->tenant), e) < 0)
		return -1;
	return api_new_session(&a, "POST", "/api/v1/session", body, s->secret,
			       sizeof(s->secret), e);
}

static int log_in(const struct ota *o, struct session *s, struct err *e)
{
	char password[PASSPHRASE_INPUT_MAX_LEN + 1] = "";
	int result = -1;

	if (ask_for_server(o, s, e) < 0 ||
	    text_copy(s->tenant, sizeof(s->tenant), o->tenant, "tenant", e) < 0 ||
	    ask(o->user, "User: ", "user", s->user, sizeof(s->user), e) < 0)
		return -1;
	if ((o->passphrase_fd != NULL
		 ? passphrase_read_fd(o->passphrase_fd, password, e)
		 : passphrase_ask("Password: ", password, e)) == 0)
		result = open_session(o, s, password, e);
	explicit_bzero(password, sizeof(password));
	return result < 0 ? -1 : session_keep(s, e);
}

RUN(session_begin)
{
	const struct ota *o = values;
	struct session s = {0};
	char safe[SAFE_TEXT_LEN];
	int result = log_in(o, &s, e);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (result == 0) {
		(void)printf("Logged in to %s as %s, until ota logout.\n", s.server,
			     safe_text(s.user, safe));
		if (o->token_file != NULL)
			(void)fprintf(stderr,
				      "ota: token-file is set, and goes before it\n");
	}
	session_fini(&s);
	return result;
}

/* The file goes in any case: who logs out on a machine without a network is out. */
RUN(session_end)
{
	struct ota o = *(const struct ota *)values;
	AUTO(api) struct api a = {0};
	struct session s;
	int known = session_load(&s, e), told = -1;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (known == 1) {
		o.server_url = o.ca_file = o.token_file = NULL;
		told = api_init(&a, &o, true, e) < 0
			   ? -1
			   : api_call(&a, "DELETE", "/api/v1/session", NULL, NULL, e);
	}
	session_fini(&s);
	if (session_forget(known == 1 && told < 0 ? NULL : e) < 0)
		return -1;
	if (known == 0)
		return err_set(e, ERR_NOT_FOUND, "nobody is logged in");
	if (known == 1 && told < 0 && e->code != ERR_AUTH)
		return err_wrap(e, "forgotten here, but the server could not be told");
	if (known < 0)
		*e = ERR_INIT;
	(void)puts("Logged out.");
	return 0;
}
