/* SPDX-License-Identifier: Apache-2.0 */
/* Ways in for whoever holds the data directory; they work while the server runs: the
 * database lets two processes write. */
#include "server.h"

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/json/json.h"
#include "auth/secret.h"

#include <stdio.h>
#include <string.h>

#define ADMIN_NAME "admin"

static const struct audit_actor whoever = {.kind = AUDIT_COMMAND};

static int end_others(struct store *s, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_ADMINS_END, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	store_call_audit(c, &whoever, "admin.end", "tenant", NULL,
			 "all tokens, links and sessions of administrators");
	return store_wait(s, c, e);
}

static int make_token(struct store *s, char ret[SECRET_TEXT_LEN + 1], struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_API_TOKEN_CREATE, NULL, NULL, NULL, e);
	char id[SECRET_ID_LEN + 1];

	if (c == NULL || secret_make(SECRET_API, ret, c->in.api_token.hash, e) < 0)
		return -1;
	c->in.api_token.role = ROLE_ADMIN;
	secret_id(c->in.api_token.hash, id);
	store_call_audit(c, &whoever, "token.create", "token", id,
			 ADMIN_NAME ": role admin");
	(void)snprintf(c->in.api_token.name, sizeof(c->in.api_token.name), ADMIN_NAME);
	(void)snprintf(c->in.api_token.prefix, sizeof(c->in.api_token.prefix), "%.12s",
		       ret);
	return store_wait(s, c, e);
}

static int make_login(struct store *s, char ret[SECRET_TEXT_LEN + 1], struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_LOGIN_CREATE, NULL, NULL, NULL, e);

	if (c == NULL || secret_make(SECRET_LOGIN, ret, c->in.login.hash, e) < 0)
		return -1;
	c->in.login.role = ROLE_ADMIN;
	store_call_audit(c, &whoever, "login-link.create", "user", ADMIN_NAME, NULL);
	(void)snprintf(c->in.login.user, sizeof(c->in.login.user), ADMIN_NAME);
	c->in.login.expires_at = c->now_ms + SECRET_LOGIN_LIFE_MS;
	return store_wait(s, c, e);
}

/* Where the server listens: by option, else what the running one left, else its
 * default. */
static int find_url(const struct settings *s, const struct data_dir *d, struct buf *ret,
		    struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(64u * 1024);
	AUTO_PTR(json) struct json *o = NULL;
	const char *url = NULL;

	if (s->url != NULL)
		return buf_add_str(ret, s->url, e);
	if (file_exists(d->running)) {
		if (file_read(d->running, &text, e) < 0)
			return -1;
		o = json_parse(buf_str(&text), text.len, e);
		if (o == NULL)
			return err_wrap(e, "%s", d->running);
		url = json_text(json_at(json_get(o, "urls"), 0));
	}
	return buf_add_str(ret, url == NULL ? "https://localhost:8443" : url, e);
}

static int print(const struct settings *s, const char *token, const char *link,
		 struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO(buf) struct buf text = BUF_INIT(4096);

	if (!s->json) {
		if (token != NULL)
			(void)printf("API token (shown once): %s\n", token);
		(void)printf("Login link (once, for ten minutes): %s\n", link);
	} else {
		if (o == NULL ||
		    (token != NULL &&
		     json_set(o, "token", json_new_text(token), e) < 0) ||
		    json_set(o, "link", json_new_text(link), e) < 0 ||
		    json_write(o, &text, e) < 0)
			return -1;
		(void)printf("%s\n", buf_str(&text));
	}
	if (fflush(stdout) != 0)
		return err_sys(e, "write to standard output");
	return 0;
}

static int give(const struct settings *s, bool with_token, const struct log *log,
		struct err *e)
{
	struct data_dir d;
	AUTO(buf) struct buf link = BUF_INIT(4096);
	char token[SECRET_TEXT_LEN + 1], login[SECRET_TEXT_LEN + 1];
	struct store *whole, *store;
	int rc = -1;

	if (visit_tenant(s, &d, log, &whole, &store, e) < 0)
		return -1;
	if ((!s->end_others || end_others(store, e) == 0) &&
	    (!with_token || make_token(store, token, e) == 0) &&
	    make_login(store, login, e) == 0)
		rc = 0;
	store_close(store);
	store_close(whole);
	if (rc < 0)
		return err_wrap(e, "store the new token");
	if (find_url(s, &d, &link, e) < 0 ||
	    buf_printf(&link, e, "/login#%s", login) < 0)
		return -1;
	return print(s, with_token ? token : NULL, buf_str(&link), e);
}

int command_admin_reset(void *values, int n, char **operands, const struct log *log,
			struct err *e)
{
	(void)n;
	(void)operands;
	return give(values, true, log, e);
}

int command_login_link(void *values, int n, char **operands, const struct log *log,
		       struct err *e)
{
	(void)n;
	(void)operands;
	return give(values, false, log, e);
}
