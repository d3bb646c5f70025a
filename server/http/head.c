/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t len;
};

/* What the fields said so far. */
struct fields {
	size_t n;
	size_t n_hosts;
	size_t n_lengths;
	bool has_transfer_encoding;
	uint64_t content_length;
};

static int refuse(struct refusal *why, int status, const char *detail)
{
	*why = (struct refusal){.status = status, .detail = detail};
	return -1;
}

static bool may_stand_in_head(uint8_t c, uint8_t before)
{
	if (before == '\r')
		return c == '\n';
	if (c == '\n')
		return false; /* without its CR */
	return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\r';
}

enum head_state head_scan(const uint8_t *data, size_t len, size_t *scanned,
			  size_t *ret_head_len, struct refusal *ret_why)
{
	for (size_t i = *scanned; i < len && i < HEAD_MAX_LEN; i++) {
		if (!may_stand_in_head(data[i], i > 0 ? data[i - 1] : 0) ||
		    (i == 1 && data[1] == '\n')) {
			(void)refuse(ret_why, 400,
				     "the request's head is not well formed");
			return HEAD_BAD;
		}
		if (i >= 3 && memcmp(data + i - 3, "\r\n\r\n", 4) == 0) {
			*scanned = *ret_head_len = i + 1;
			return HEAD_DONE;
		}
	}
	if (len >= HEAD_MAX_LEN) {
		(void)refuse(ret_why, 431, "the request's head is longer than 16 KiB");
		return HEAD_BAD;
	}
	*scanned = len;
	return HEAD_MORE;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (!is_token_char(t.at[i]))
			return false;
	}
	return t.len > 0;
}

static bool text_is(struct text t, const char *name)
{
	return t.len == strlen(name) && strncasecmp(t.at, name, t.len) == 0;
}

static struct text trimmed(struct text t)
{
	while (t.len > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Cuts the text in front of the separator off *rest; false if there is no separator. */
static bool cut(struct text *rest, char separator, struct text *ret)
{
	const char *end = memchr(rest->at, separator, rest->len);

	if (end == NULL)
		return false;
	*ret = (struct text){rest->at, (size_t)(end - rest->at)};
	rest->len -= ret->len + 1;
	rest->at = end + 1;
	return true;
}

/* Names and addresses with an optional port. It ends up in links that we make, so
 * nothing else may stand in it. */
static bool is_host(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || strchr("-._:[]", c) != NULL))
			return false;
	}
	return t.len > 0 && t.len <= 255;
}

static int take_length(struct text value, struct fields *f, struct refusal *why)
{
	if (++f->n_lengths > 1)
		return refuse(why, 400, "there is more than one Content-Length");
	if (value.len == 0 || value.len > 18)
		return refuse(why, 400, "the Content-Length is not a number");
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return refuse(why, 400, "the Content-Length is not a number");
		f->content_length =
		    f->content_length * 10 + (uint64_t)(value.at[i] - '0');
	}
	return 0;
}

static int take_field(struct text name, struct text value, struct fields *f,
		      struct refusal *why)
{
	if (++f->n > HEAD_MAX_FIELDS)
		return refuse(why, 431, "there are more than 64 header fields");
	if (!is_token(name))
		return refuse(why, 400, "a header field's name is not well formed");
	if (memchr(value.at, '\r', value.len) != NULL)
		return refuse(why, 400, "a header field's value is not well formed");
	if (text_is(name, "Content-Length"))
		return take_length(value, f, why);
	if (text_is(name, "Transfer-Encoding"))
		f->has_transfer_encoding = true;
	if (text_is(name, "Expect") && !text_is(value, "100-continue"))
		return refuse(why, 417, "only 100-continue may be expected");
	if (text_is(name, "Host")) {
		f->n_hosts++;
		if (!is_host(value))
			return refuse(why, 400, "the Host is not well formed");
	}
	return 0;
}

static int check_fields(struct text rest, struct fields *f, struct refusal *why)
{
	struct text line, name;

	while (cut(&rest, '\n', &line)) {
		line.len--; /* its CR */
		if (line.len == 0)
			return 0;
		if (!cut(&line, ':', &name))
			return refuse(why, 400, "a header field has no colon");
		if (take_field(name, trimmed(line), f, why) < 0)
			return -1;
	}
	return refuse(why, 400, "the request's head is not well formed");
}

static bool knows_method(struct text t)
{
	static const char *const known[] = {"GET",    "HEAD",  "POST",	 "PUT",
					    "DELETE", "PATCH", "OPTIONS"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (t.len == strlen(known[i]) && memcmp(t.at, known[i], t.len) == 0)
			return true;
	}
	return false;
}

static int check_target(struct text t, struct refusal *why)
{
	if (t.len > HEAD_MAX_TARGET)
		return refuse(why, 414,
			      "the request's target is longer than 4096 bytes");
	if (t.len == 0 || t.at[0] != '/')
		return refuse(why, 400, "the request's target does not start with /");
	if (t.len > 1 && t.at[1] == '/')
		return refuse(why, 400, "the request's target starts with //");
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] <= 0x20 || t.at[i] >= 0x7f ||
		    strchr("\"#<>\\^`{|}", t.at[i]) != NULL)
			return refuse(
			    why, 400,
			    "the request's target has a character that must be "
			    "percent-encoded");
	}
	return 0;
}

static int check_request_line(struct text line, struct head *ret, struct refusal *why)
{
	struct text method, target;

	if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target) || !is_token(method))
		return refuse(why, 400, "the request line is not well formed");
	if (!knows_method(method))
		return refuse(why, 501, "the request's method is not known here");
	memcpy(ret->method, method.at, method.len);
	ret->target = target.at;
	ret->target_len = target.len;
	if (check_target(target, why) < 0)
		return -1;
	if (!text_is(line, "HTTP/1.1") && !text_is(line, "HTTP/1.0"))
		return refuse(why, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	return 0;
}

static bool method_has_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

/* How long the body is must be said once, in the one way that cannot be read in two. */
static int check_framing(const struct fields *f, const char *method,
			 struct refusal *why)
{
	if (f->n_hosts != 1)
		return refuse(why, 400, "there must be exactly one Host");
	if (f->has_transfer_encoding && f->n_lengths > 0)
		return refuse(
		    why, 400,
		    "Transfer-Encoding and Content-Length exclude each other");
	if (f->has_transfer_encoding)
		return refuse(why, 411, "send a Content-Length instead of chunks");
	if (method_has_body(method) && f->n_lengths == 0)
		return refuse(why, 411,
			      "say the Content-Length, 0 if there is no body");
	if (!method_has_body(method) && f->content_length > 0)
		return refuse(why, 400, "this method takes no body");
	return 0;
}

int head_check(const uint8_t *data, size_t len, struct head *ret,
	       struct refusal *ret_why)
{
	struct text rest = {(const char *)data, len}, line;
	struct fields f = {.n = 0};

	*ret = (struct head){.target = NULL};
	if (!cut(&rest, '\n', &line) || line.len == 0)
		return refuse(ret_why, 400, "the request line is not well formed");
	line.len--; /* its CR */
	if (check_request_line(line, ret, ret_why) < 0 ||
	    check_fields(rest, &f, ret_why) < 0)
		return -1;
	ret->content_length = f.content_length;
	return check_framing(&f, ret->method, ret_why);
}
