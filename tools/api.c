/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "session.h"

#include <limits.h>
#include <string.h>

#define TOKEN_MAX_BYTES 4096
#define URL_MAX_BYTES 4096
#define REQUEST_MAX_BYTES (1u << 20)
#define CONNECT_TIMEOUT_MS 10000
#define STALL_TIMEOUT_MS 60000
#define MAX_ITEMS 100000

/* The programs' usual options for a server, each with its name in the file. */

static int need(const char *value, const char *option, const char *key, struct err *e)
{
	if (value != NULL)
		return 0;
	return err_set(
	    e, ERR_USAGE,
	    "--%s is missing (or %s in section [server] of the configuration)", option,
	    key);
}

/* A token is one line of visible ASCII. */
static int read_token(struct api *a, const char *path, struct err *e)
{
	struct buf text = BUF_INIT(TOKEN_MAX_BYTES);
	int result = file_read(path, &text, e);
	size_t len = strcspn(buf_str(&text), "\r\n");

	for (size_t i = 0; i < len && result == 0; i++) {
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			result = err_set(e, ERR_CONFIG, "%s: not a token", path);
	}
	if (result == 0 && len == 0)
		result = err_set(e, ERR_CONFIG, "%s: empty", path);
	if (result == 0)
		result = buf_printf(&a->auth, e, "Authorization: Bearer %.*s", (int)len,
				    buf_str(&text));
	if (text.data != NULL)
		explicit_bzero(text.data, text.room);
	buf_fini(&text);
	return result;
}

/* The session of ota login stands in for what no option says: for its own server. */
static int take_session(struct api *a, const struct session *s, const char **url,
			struct err *e)
{
	size_t len = *url == NULL ? 0 : strlen(*url);

	while (len > 8 && (*url)[len - 1] == '/')
		len--;
	if (*url != NULL &&
	    (len != strlen(s->server) || strncmp(*url, s->server, len) != 0))
		return 0;
	if (*url == NULL)
		*url = s->server;
	if (a->net.ca_file == NULL) {
		(void)snprintf(a->ca, sizeof(a->ca), "%s", s->ca);
		a->net.ca_file = a->ca;
	}
	(void)snprintf(a->own_tenant, sizeof(a->own_tenant), "%s", s->tenant);
	a->tenant = a->own_tenant;
	a->by_session = true;
	return buf_printf(&a->auth, e, "Cookie: __Host-ota=%s", s->secret);
}

static int set_server(struct api *a, const char *url, bool by_session, struct err *e)
{
	size_t len;

	if (need(url, "server", "url", e) < 0 ||
	    need(a->net.ca_file, "ca", "ca", e) < 0)
		return -1;
	if (by_session && a->auth.len == 0)
		return err_set(e, ERR_USAGE,
			       "--token-file is missing (or token-file in section "
			       "[server] of the configuration), and nobody is logged "
			       "in there: see ota login");
	if (strncmp(url, "https://", 8) != 0)
		return err_set(e, ERR_USAGE,
			       "--server: \"%s\" does not begin with https://", url);
	len = strlen(url);
	while (len > 8 && url[len - 1] == '/')
		len--;
	return buf_add(&a->base, url, len, e);
}

int api_init(struct api *a, const struct ota *o, bool with_token, struct err *e)
{
	const char *url = o->server_url;
	struct session s;
	int result;

	*a = (struct api){.net = {.ca_file = o->ca_file,
				  .user_agent = "ota/" OTA_VERSION,
				  .connect_timeout_ms = CONNECT_TIMEOUT_MS,
				  .stall_timeout_ms = STALL_TIMEOUT_MS,
				  .min_rate_bytes = 1},
			  .base = BUF_INIT(URL_MAX_BYTES),
			  .auth = BUF_INIT(2 * TOKEN_MAX_BYTES),
			  .tenant = o->tenant};
	if (!with_token || o->token_file != NULL)
		return set_server(a, url, false, e) < 0 ? -1
		       : with_token ? read_token(a, o->token_file, e)
				    : 0;
	result = session_load(&s, e);
	if (result == 1)
		result = take_session(a, &s, &url, e);
	if (result == 0)
		result = set_server(a, url, true, e);
	session_fini(&s);
	return result;
}

void api_fini(struct api *a)
{
	if (a->auth.data != NULL)
		explicit_bzero(a->auth.data, a->auth.room);
	buf_fini(&a->auth);
	buf_fini(&a->base);
}

int api_escape(struct buf *ret, const char *text, struct err *e)
{
	for (; *text != '\0'; text++) {
		char one[2] = {*text, '\0'};
		bool plain = text_is_name(one, 1, "-._~");

		if (plain ? buf_add_str(ret, one, e) < 0
			  : buf_printf(ret, e, "%%%02X", (unsigned char)*text) < 0)
			return -1;
	}
	return 0;
}

int api_path(struct buf *ret, const char *base, const char *name, const char *end,
	     struct err *e)
{
	if (buf_add_str(ret, base, e) < 0 || api_escape(ret, name, e) < 0)
		return -1;
	return buf_add_str(ret, end, e);
}

int api_add_query(struct buf *ret, const char *key, const char *value, struct err *e)
{
	if (value == NULL)
		return 0;
	if (buf_printf(ret, e, "&%s=", key) < 0)
		return -1;
	return api_escape(ret, value, e);
}

/* A problem document (RFC 9457), if it is one. */
static int refused(int status, const struct buf *body, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_parse(body->data, body->len, NULL);
	const char *code = json_text(json_get(j, "code"));
	const char *detail = json_text(json_get(j, "detail"));
	const char *title = json_text(json_get(j, "title"));

	if (detail == NULL)
		detail = title;
	for (size_t i = 1; code != NULL && i < N_ERR_CODES; i++) {
		if (strcmp(err_slug((enum err_code)i), code) == 0)
			return err_set(e, (enum err_code)i, "the server says: %s",
				       detail != NULL ? detail : code);
	}
	if (status == 404)
		return err_set(e, ERR_NOT_FOUND, "the server answers 404");
	return err_set(e, ERR_IO, "the server answers %d%s%.200s", status,
		       detail != NULL ? ": " : "", detail != NULL ? detail : "");
}

static int send(const struct api *a, struct net_request *r, const char *path,
		const char *content_type, struct net_head *ret_head,
		struct buf *ret_body, struct err *e)
{
	const char *headers[4] = {NULL};
	AUTO(buf) struct buf url = BUF_INIT(URL_MAX_BYTES);
	size_t n = 0;

	if (buf_printf(&url, e, "%s%s", buf_str(&a->base), path) < 0)
		return -1;
	if (a->auth.len > 0)
		headers[n++] = buf_str(&a->auth);
	if (a->by_session) /* a cookie's requests must not be another site's */
		headers[n++] = "Sec-Fetch-Site: same-origin";
	if (content_type != NULL)
		headers[n++] = content_type;
	r->url = buf_str(&url);
	r->headers = headers;
	r->range_start = -1;
	r->range_end = -1;
	return net_call_sync(&a->net, r, ret_head, ret_body, e);
}

/* An answer of status 2xx as JSON; anything else is an error. */
static int exchange(const struct api *a, struct net_request *r, const char *path,
		    const char *content_type, struct json **ret, struct err *e)
{
	AUTO(buf) struct buf body = BUF_INIT(API_ANSWER_MAX_BYTES);
	struct net_head head = {0};
	struct json *j = NULL;

	if (send(a, r, path, content_type, &head, &body, e) < 0)
		return -1;
	if (head.status == 401 && a->by_session)
		return err_set(e, ERR_AUTH, "the session has ended: see ota login");
	if (head.status < 200 || head.status > 299)
		return refused(head.status, &body, e);
	if (body.len > 0) {
		j = json_parse(body.data, body.len, e);
		if (j == NULL)
			return err_wrap(e, "what answers at %s is not an update server",
					buf_str(&a->base));
	}
	if (ret != NULL)
		*ret = j;
	else
		json_free(j);
	return 0;
}

int api_call(const struct api *a, const char *method, const char *path,
	     const struct json *body, struct json **ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_MAX_BYTES);
	struct net_request r = {.method = method};

	if (body != NULL && json_write(body, &text, e) < 0)
		return -1;
	r.body = text.data;
	r.body_len = text.len;
	return exchange(a, &r, path,
			body != NULL ? "Content-Type: application/json" : NULL, ret, e);
}

int api_new_session(const struct api *a, const char *method, const char *path,
		    const struct json *body, char *ret, size_t room, struct err *e)
{
	static const char name[] = "__Host-ota=";
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_MAX_BYTES);
	AUTO(buf) struct buf answer = BUF_INIT(API_ANSWER_MAX_BYTES);
	struct net_request r = {.method = method};
	struct net_head head = {0};
	int result;

	if (json_write(body, &text, e) < 0)
		return -1;
	r.body = text.data;
	r.body_len = text.len;
	result = send(a, &r, path, "Content-Type: application/json", &head, &answer, e);
	explicit_bzero(text.data, text.len);
	if (result < 0)
		return -1;
	if (head.status != 204)
		return refused(head.status, &answer, e);
	if (strncmp(head.cookie, name, sizeof(name) - 1) != 0)
		return err_set(e, ERR_FORMAT, "the server gave no session");
	return text_format(ret, room, e, "%.*s",
			   (int)strcspn(head.cookie + sizeof(name) - 1, ";"),
			   head.cookie + sizeof(name) - 1);
}

int api_about(const struct ota *o, const char *method, const char *base,
	      const char *name, const char *end, const struct json *body,
	      struct json **ret, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(URL_MAX_BYTES);

	if (api_init(&a, o, true, e) < 0 || api_path(&path, base, name, end, e) < 0)
		return -1;
	return api_call(&a, method, buf_str(&path), body, ret, e);
}

int api_put(const struct api *a, const char *path, const void *data, size_t len,
	    struct json **ret, struct err *e)
{
	struct net_request r = {.method = "PUT", .body = data, .body_len = len};

	return exchange(a, &r, path, "Content-Type: application/octet-stream", ret, e);
}

int api_fetch(const struct api *a, const char *path, struct buf *ret, struct err *e)
{
	struct net_request r = {.method = "GET"};
	struct net_head head = {0};

	if (send(a, &r, path, NULL, &head, ret, e) < 0)
		return -1;
	if (head.status == 404) {
		buf_clear(ret);
		return 0;
	}
	return head.status == 200 ? 1 : refused(head.status, ret, e);
}

/* One page's items go to the end of `all`; *cursor becomes the next page's or NULL. */
static int take_page(const struct json *page, struct json *all, struct buf *cursor,
		     bool *ret_more, struct err *e)
{
	const struct json *items;
	const char *next = NULL;

	if (json_get_array(page, "items", &items, e) < 0 ||
	    json_opt_text(page, "next", &next, e) < 0)
		return -1;
	if (json_len(all) + json_len(items) > MAX_ITEMS)
		return err_set(e, ERR_LIMIT, "a list of more than %d items", MAX_ITEMS);
	for (size_t i = 0; i < json_len(items); i++) {
		if (json_append(all, json_clone(json_at(items, i)), e) < 0)
			return -1;
	}
	*ret_more = next != NULL; /* a page may be empty and not be the last */
	buf_clear(cursor);
	return *ret_more ? api_escape(cursor, next, e) : 0;
}

struct json *api_list(const struct api *a, const char *path, const char *query,
		      struct err *e)
{
	AUTO_PTR(json) struct json *all = json_new_array();
	AUTO(buf) struct buf cursor = BUF_INIT(URL_MAX_BYTES);
	bool more = true;

	while (more) {
		AUTO(buf) struct buf url = BUF_INIT(URL_MAX_BYTES);
		AUTO_PTR(json) struct json *page = NULL;

		if (buf_printf(&url, e, "%s?limit=500%s%s%s", path, query,
			       cursor.len > 0 ? "&after=" : "", buf_str(&cursor)) < 0 ||
		    api_call(a, "GET", buf_str(&url), NULL, &page, e) < 0 ||
		    take_page(page, all, &cursor, &more, e) < 0)
			return NULL;
	}
	return TAKE(all);
}
