/* SPDX-License-Identifier: Apache-2.0 */
/* What a request brings, checked. */
#include "api.h"

#include "../../common/base/text.h"

#include <string.h>

#define LIMIT_DEFAULT 50

static bool is_among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* What is known is told: a typing error is seen at once. */
static int refuse_member(const char *name, const char *const *names, struct err *e)
{
	AUTO(buf) struct buf known = BUF_INIT(1024);

	for (size_t i = 0; names[i] != NULL; i++) {
		if (buf_add_str(&known, i == 0 ? "" : ", ", e) < 0 ||
		    buf_add_str(&known, names[i], e) < 0)
			return -1;
	}
	return err_set(e, ERR_FORMAT, "field \"%.64s\": unknown; known are: %s", name,
		       buf_str(&known));
}

int api_known_names(const struct json *o, const char *const *names, struct err *e)
{
	for (void *it = json_first(o); it != NULL; it = json_next(o, it)) {
		if (!is_among(json_key(it), names))
			return err_set(e, ERR_FORMAT, "field \"%.64s\": unknown",
				       json_key(it));
	}
	return 0;
}

int api_body(struct api_call *a, const char *const *names, struct err *e)
{
	size_t len;
	const void *data = http_body(a->http, &len);

	if (len == 0)
		return err_set(e, ERR_FORMAT,
			       "the request has no body; a JSON object is expected");
	a->body = json_parse(data, len, e);
	if (a->body == NULL)
		return err_wrap(e, "the body");
	if (!json_is_object(a->body))
		return err_set(e, ERR_FORMAT, "the body is not a JSON object");
	for (void *it = json_first(a->body); it != NULL; it = json_next(a->body, it)) {
		if (!is_among(json_key(it), names))
			return refuse_member(json_key(it), names, e);
	}
	return 0;
}

int api_hex_member(struct api_call *a, const char *name, uint8_t ret[SHA256_LEN],
		   struct err *e)
{
	return json_get_hex(a->body, name, ret, SHA256_LEN, e);
}

static int parse_after(const char *after, struct store_page *ret, bool numeric,
		       struct err *e)
{
	if (after == NULL || after[0] == '\0')
		return 0;
	if (!numeric)
		return text_copy(ret->after, sizeof(ret->after), after, "after", e);
	if (parse_u64(after, &ret->after_id, e) < 0)
		return err_wrap(e, "after");
	return 0;
}

int api_page_limit(struct api_call *a, struct store_page *ret, struct err *e)
{
	const char *limit = http_query(a->http, "limit");
	uint64_t n = LIMIT_DEFAULT;

	if (limit != NULL && parse_u64(limit, &n, e) < 0)
		return err_wrap(e, "limit");
	if (n < 1 || n > STORE_LIST_MAX)
		return err_set(e, ERR_FORMAT, "limit: between 1 and %d",
			       STORE_LIST_MAX);
	ret->limit = (unsigned)n;
	ret->state = -1;
	return 0;
}

int api_page(struct api_call *a, struct store_page *ret, bool numeric, struct err *e)
{
	if (api_page_limit(a, ret, e) < 0)
		return -1;
	return parse_after(http_query(a->http, "after"), ret, numeric, e);
}

int api_id_param(struct api_call *a, const char *name, uint64_t *ret, struct err *e)
{
	const char *text = http_param(a->http, name);

	if (text == NULL || parse_u64(text, ret, e) < 0 || *ret > INT64_MAX)
		return err_set(e, ERR_NOT_FOUND, "there is no action \"%.40s\"",
			       text == NULL ? "" : text);
	return 0;
}
