/* SPDX-License-Identifier: Apache-2.0 */
#include "caller.h"

#include <string.h>
#include <strings.h>

/* The part behind "Scheme ", or NULL if the field has another scheme. */
static const char *after_scheme(const char *field, const char *scheme)
{
	size_t len = strlen(scheme);

	if (strncasecmp(field, scheme, len) != 0 || field[len] != ' ')
		return NULL;
	field += len;
	return field + strspn(field, " ");
}

static int read_authorization(const char *field, struct caller *ret, struct err *e)
{
	static const struct {
		const char *scheme;
		enum caller_kind caller;
		enum secret_kind secret;
	} rows[] = {
	    {"Bearer", CALLER_API, SECRET_API},
	    {"TargetToken", CALLER_DEVICE, SECRET_DEVICE},
	    {"GatewayToken", CALLER_GATEWAY, SECRET_API},
	};

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const char *token = after_scheme(field, rows[i].scheme);

		if (token == NULL)
			continue;
		if (secret_hash(rows[i].secret, token, ret->hash, e) < 0)
			return -1;
		ret->kind = rows[i].caller;
		return 0;
	}
	return err_set(e, ERR_AUTH,
		       "Authorization is not Bearer, TargetToken or GatewayToken");
}

bool cookie_read_session(const char *cookie, char ret_session[SECRET_TEXT_LEN + 1])
{
	const size_t name_len = strlen(SESSION_COOKIE);
	unsigned n = 0;

	while (*cookie != '\0') {
		size_t len = strcspn(cookie, ";");

		if (len > name_len && memcmp(cookie, SESSION_COOKIE, name_len) == 0 &&
		    cookie[name_len] == '=') {
			if (len != name_len + 1 + SECRET_TEXT_LEN || ++n > 1)
				return false;
			memcpy(ret_session, cookie + name_len + 1, SECRET_TEXT_LEN);
			ret_session[SECRET_TEXT_LEN] = '\0';
		}
		cookie += len;
		cookie += strspn(cookie, "; ");
	}
	return n == 1;
}

bool caller_is_same_origin(const struct caller_fields *f)
{
	static const char scheme[] = "https://";

	if (f->sec_fetch_site != NULL)
		return strcmp(f->sec_fetch_site, "same-origin") == 0;
	return f->origin != NULL && f->host != NULL &&
	       strncmp(f->origin, scheme, sizeof(scheme) - 1) == 0 &&
	       strcasecmp(f->origin + sizeof(scheme) - 1, f->host) == 0;
}

static bool is_type(const char *content_type, const char *type)
{
	const size_t len = strlen(type);

	return content_type != NULL && strncasecmp(content_type, type, len) == 0 &&
	       (content_type[len] == '\0' || content_type[len] == ';' ||
		content_type[len] == ' ');
}

static bool is_json(const char *content_type)
{
	return is_type(content_type, "application/json");
}

static bool is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int check_browser(const struct caller_fields *f, struct err *e)
{
	if (is_safe(f->method))
		return 0;
	if (!caller_is_same_origin(f))
		return err_set(e, ERR_FORBIDDEN,
			       "the request comes from another site's page");
	/* Neither is what another site's form could send unasked (CORS-safelisted). */
	if (f->has_body && !is_json(f->content_type) &&
	    !is_type(f->content_type, "application/octet-stream"))
		return err_set(e, ERR_FORBIDDEN,
			       "with a session only JSON and octets are taken");
	return 0;
}

int caller_check_stranger(const struct caller_fields *f, struct err *e)
{
	bool browser = f->sec_fetch_site != NULL || f->origin != NULL;

	if (is_safe(f->method))
		return 0;
	if (browser && !caller_is_same_origin(f))
		return err_set(e, ERR_FORBIDDEN,
			       "the request comes from another site's page");
	if (!is_json(f->content_type))
		return err_set(e, ERR_FORBIDDEN,
			       "only Content-Type: application/json is taken");
	return 0;
}

int caller_read(const struct caller_fields *f, struct caller *ret, struct err *e)
{
	char session[SECRET_TEXT_LEN + 1];

	*ret = (struct caller){.kind = CALLER_NOBODY};
	if (f->authorization != NULL)
		return read_authorization(f->authorization, ret, e);
	if (f->cookie == NULL || !cookie_read_session(f->cookie, session) ||
	    secret_hash(SECRET_SESSION, session, ret->hash, NULL) < 0)
		return 0;
	ret->kind = CALLER_SESSION;
	return check_browser(f, e);
}

int cookie_write_session(const char *session, int64_t max_age_ms, struct buf *ret,
			 struct err *e)
{
	return buf_printf(
	    ret, e, "%s=%s; Max-Age=%lld; Path=/; Secure; HttpOnly; SameSite=Strict",
	    SESSION_COOKIE, session, (long long)(max_age_ms / 1000));
}

int cookie_write_end(struct buf *ret, struct err *e)
{
	return buf_printf(ret, e,
			  "%s=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict",
			  SESSION_COOKIE);
}
