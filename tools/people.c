/* SPDX-License-Identifier: Apache-2.0 */
/* ota user, ota token, ota tenant: who may do what on the server. */
#include "../common/base/clock.h"
#include "../common/base/passphrase_input.h"
#include "../common/base/text.h"
#include "view.h"

#include <string.h>

#define OPTION_GROUP                                                                   \
	{                                                                              \
		NULL, "group", OPT_LIST, AT(groups), NULL, "NAME",                     \
		    "The role holds for the devices in this group only"                \
	}
#define OPTION_ROLE(fallback)                                                          \
	{                                                                              \
		NULL, "role", OPT_TEXT, AT(role), fallback, "ROLE",                    \
		    "viewer, operator, release-manager or admin"                       \
	}
#define OPTION_PASSWORD                                                                \
	{                                                                              \
		NULL, "passphrase-fd", OPT_TEXT, AT(passphrase_fd), NULL, "N",         \
		    "Read the password from this file descriptor instead of the "      \
		    "terminal"                                                         \
	}

const struct option user_add_options[] = {
    OPTION_ROLE("viewer"), OPTION_GROUP, OPTION_PASSWORD, OPTIONS_SERVER, OPTION_END,
};

const struct option user_set_options[] = {
    OPTION_ROLE(NULL),
    OPTION_GROUP,
    {NULL, "password", OPT_FLAG, AT(new_password), NULL, NULL,
     "Ask for a new password"},
    OPTION_PASSWORD,
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option token_create_options[] = {
    OPTION_ROLE("viewer"),
    OPTION_GROUP,
    {NULL, "life", OPT_DURATION, AT(token_life_ms), "90d", "TIME",
     "It ends after so long"},
    {NULL, "forever", OPT_FLAG, AT(forever), NULL, NULL, "It never ends"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option tenant_add_options[] = {
    {NULL, "max-devices", OPT_U64, AT(max_devices), "0", "N",
     "It may have so many devices; 0: any number"},
    {NULL, "max-bytes", OPT_U64, AT(max_bytes), "0", "N",
     "Its releases and uploads may take so many bytes; 0: any number"},
    {NULL, "max-uploads", OPT_U64, AT(max_uploads), "0", "N",
     "It may have so many uploads in flight; 0: any number"},
    {NULL, "max-streams", OPT_U64, AT(max_streams), "0", "N",
     "It may have so many event streams open; 0: any number"},
    OPTIONS_SERVER,
    OPTION_END,
};

/* ---- what they share ---- */

static int set_text(struct json *j, const char *key, const char *text, struct err *e)
{
	return json_set(j, key, json_new_text(text), e);
}

/* The role, and the groups that it holds for if there are any. */
static int set_role(struct json *j, const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *groups = json_new_array();

	if (set_text(j, "role", o->role, e) < 0)
		return -1;
	if (o->groups.n_items == 0)
		return 0;
	for (size_t i = 0; i < o->groups.n_items; i++) {
		if (json_append(groups, json_new_text(o->groups.items[i]), e) < 0)
			return -1;
	}
	return json_set(j, "groups", TAKE(groups), e);
}

static int set_password(struct json *j, const struct ota *o, const char *user,
			struct err *e)
{
	char text[PASSPHRASE_INPUT_MAX_LEN + 1], question[128];
	int rc;

	if (text_format(question, sizeof(question), e, "Password for %.80s: ", user) <
	    0)
		return -1;
	rc = o->passphrase_fd != NULL ? passphrase_read_fd(o->passphrase_fd, text, e)
				      : passphrase_ask_twice(question, text, e);
	if (rc == 0)
		rc = set_text(j, "password", text, e);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* METHOD collection/name with body (NULL: none). */
/* POSTs a new one. */
static int create_one(const struct ota *o, const char *collection,
		      const struct json *body, struct json **ret, struct err *e)
{
	AUTO(api) struct api a = {0};

	if (api_init(&a, o, true, e) < 0)
		return -1;
	return api_call(&a, "POST", collection, body, ret, e);
}

/* ---- ota user ---- */

RUN(user_list)
{
	static const struct view_column columns[] = {
	    {"NAME", "name", VIEW_TEXT},	   {"ROLE", "role", VIEW_TEXT},
	    {"GROUPS", "groups", VIEW_LIST},	   {"DISABLED", "disabled", VIEW_TEXT},
	    {"LAST LOGIN", "login_at", VIEW_TIME},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/users", "", columns, N_ELEMS(columns),
			     "No users.", e);
}

static const struct view_column user_rows[] = {
    {"name", "name", VIEW_TEXT},
    {"role", "role", VIEW_TEXT},
    {"groups", "groups", VIEW_LIST},
    {"disabled", "disabled", VIEW_TEXT},
    {"password", "password_at", VIEW_TIME},
};

RUN(user_add)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)log;
	if (body == NULL || set_text(body, "name", operands[0], e) < 0 ||
	    set_role(body, o, e) < 0 || set_password(body, o, operands[0], e) < 0 ||
	    create_one(o, "/api/v1/users", body, &answer, e) < 0)
		return -1;
	return view_one(o, answer, user_rows, N_ELEMS(user_rows), e);
}

RUN(user_set)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;
	bool password = o->new_password || o->passphrase_fd != NULL;

	(void)n_operands;
	(void)log;
	if (o->role == NULL && !password)
		return err_set(e, ERR_USAGE,
			       "give --role or --password: what changes?");
	if (body == NULL || (o->role != NULL && set_role(body, o, e) < 0) ||
	    (password && set_password(body, o, operands[0], e) < 0) ||
	    api_about(o, "PUT", "/api/v1/users/", operands[0], "", body, &answer, e) <
		0)
		return -1;
	return view_one(o, answer, user_rows, N_ELEMS(user_rows), e);
}

static int set_disabled(const struct ota *o, const char *name, bool disabled,
			struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;

	if (body == NULL ||
	    json_set(body, "disabled", json_new_bool(disabled), e) < 0 ||
	    api_about(o, "PUT", "/api/v1/users/", name, "", body, &answer, e) < 0)
		return -1;
	return view_one(o, answer, user_rows, N_ELEMS(user_rows), e);
}

RUN(user_show)
{
	(void)n_operands;
	(void)log;
	return view_get_one(values, "/api/v1/users/", operands[0], user_rows,
			    N_ELEMS(user_rows), e);
}

RUN(user_disable)
{
	(void)n_operands;
	(void)log;
	return set_disabled(values, operands[0], true, e);
}

RUN(user_enable)
{
	(void)n_operands;
	(void)log;
	return set_disabled(values, operands[0], false, e);
}

RUN(user_remove)
{
	(void)n_operands;
	(void)log;
	return api_about(values, "DELETE", "/api/v1/users/", operands[0], "", NULL,
			 NULL, e);
}

/* ---- ota token ---- */

RUN(token_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"NAME", "name", VIEW_TEXT},
	    {"BEGINS", "prefix", VIEW_TEXT},   {"ROLE", "role", VIEW_TEXT},
	    {"GROUPS", "groups", VIEW_LIST},   {"MADE BY", "made_by", VIEW_TEXT},
	    {"ENDS", "expires_at", VIEW_TIME},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/tokens", "", columns, N_ELEMS(columns),
			     "No API tokens.", e);
}

static int set_life(struct json *j, const struct ota *o, struct err *e)
{
	int64_t end_ms = clock_utc_ms(&clock_system) + (int64_t)o->token_life_ms;

	return json_set(j, "expires_at",
			o->forever ? json_new_null() : json_new_int(end_ms), e);
}

RUN(token_create)
{
	static const struct view_column rows[] = {
	    {"id", "id", VIEW_TEXT},
	    {"role", "role", VIEW_TEXT},
	    {"groups", "groups", VIEW_LIST},
	    {"ends", "expires_at", VIEW_TIME},
	    {"token (shown once)", "token", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)log;
	if (body == NULL || set_text(body, "name", operands[0], e) < 0 ||
	    set_role(body, o, e) < 0 || set_life(body, o, e) < 0 ||
	    create_one(o, "/api/v1/tokens", body, &answer, e) < 0)
		return -1;
	return view_one(o, answer, rows, N_ELEMS(rows), e);
}

RUN(token_revoke)
{
	(void)n_operands;
	(void)log;
	return api_about(values, "DELETE", "/api/v1/tokens/", operands[0], "", NULL,
			 NULL, e);
}

/* ---- ota tenant ---- */

RUN(tenant_list)
{
	static const struct view_column columns[] = {
	    {"NAME", "name", VIEW_TEXT},
	    {"DEVICES", "devices", VIEW_TEXT},
	    {"AT MOST", "max_devices", VIEW_TEXT},
	    {"BYTES", "max_bytes", VIEW_SIZE},
	    {"UPLOADS", "max_uploads", VIEW_TEXT},
	    {"STREAMS", "max_streams", VIEW_TEXT},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/tenants", "", columns, N_ELEMS(columns),
			     "No tenants.", e);
}

static int set_limit(struct json *j, const char *key, uint64_t limit, struct err *e)
{
	return limit == 0 ? 0 : json_set(j, key, json_new_int((int64_t)limit), e);
}

RUN(tenant_add)
{
	static const struct view_column rows[] = {
	    {"name", "name", VIEW_TEXT},
	    {"login token (once, for ten minutes)", "login", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;

	(void)n_operands;
	(void)log;
	if (body == NULL || set_text(body, "name", operands[0], e) < 0 ||
	    set_limit(body, "max_devices", o->max_devices, e) < 0 ||
	    set_limit(body, "max_bytes", o->max_bytes, e) < 0 ||
	    set_limit(body, "max_uploads", o->max_uploads, e) < 0 ||
	    set_limit(body, "max_streams", o->max_streams, e) < 0 ||
	    create_one(o, "/api/v1/tenants", body, &answer, e) < 0)
		return -1;
	return view_one(o, answer, rows, N_ELEMS(rows), e);
}

/* "devices=1000", "bytes=none" */
static int read_limit(const char *text, struct json *body, struct err *e)
{
	static const char *const words[] = {"devices", "bytes", "uploads", "streams"};
	const char *value = strchr(text, '=');
	char member[32];
	uint64_t n;

	for (size_t i = 0; value != NULL && i < N_ELEMS(words); i++) {
		if (strlen(words[i]) != (size_t)(value - text) ||
		    strncmp(words[i], text, (size_t)(value - text)) != 0)
			continue;
		if (text_format(member, sizeof(member), e, "max_%s", words[i]) < 0)
			return -1;
		if (strcmp(value + 1, "none") == 0)
			return json_set(body, member, json_new_null(), e);
		if (parse_u64(value + 1, &n, e) < 0 || n == 0 || n > INT64_MAX)
			return err_set(e, ERR_USAGE, "\"%s\": a number from 1, or none",
				       text);
		return json_set(body, member, json_new_int((int64_t)n), e);
	}
	return err_set(e, ERR_USAGE,
		       "\"%s\": devices, bytes, uploads or streams, = and a number or "
		       "none",
		       text);
}

RUN(tenant_limits)
{
	static const struct view_column rows[] = {
	    {"name", "name", VIEW_TEXT},
	    {"devices", "devices", VIEW_TEXT},
	    {"  at most", "max_devices", VIEW_TEXT},
	    {"bytes at most", "max_bytes", VIEW_SIZE},
	    {"uploads at most", "max_uploads", VIEW_TEXT},
	    {"streams at most", "max_streams", VIEW_TEXT},
	};
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;

	(void)log;
	if (body == NULL)
		return err_nomem(e);
	for (int i = 1; i < n_operands; i++) {
		if (read_limit(operands[i], body, e) < 0)
			return -1;
	}
	if (api_about(values, "PUT", "/api/v1/tenants/", operands[0], "", body, &answer,
		      e) < 0)
		return -1;
	return view_one(values, answer, rows, N_ELEMS(rows), e);
}
