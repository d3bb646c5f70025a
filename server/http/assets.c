/* SPDX-License-Identifier: Apache-2.0 */
#include "assets.h"

#include "../../common/base/text.h"
#include "range.h"

#include <string.h>
#include <strings.h>

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types svelte-trusted-html ota-live";

static const struct asset *find_exactly(const struct asset *table, size_t n,
					const char *path)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(path, table[mid].path);

		if (order == 0)
			return &table[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

const struct asset *assets_find(const struct asset *table, size_t n, const char *path,
				const char *accept)
{
	const struct asset *a = find_exactly(table, n, path);

	if (a != NULL)
		return a;
	if (strcmp(path, "/") != 0 &&
	    (starts_with(path, "/assets/") || starts_with(path, "/api/") ||
	     accept == NULL || strcasestr(accept, "text/html") == NULL))
		return NULL;
	return find_exactly(table, n, "/index.html");
}

/* True if the parameters in text[0..len) say q=0 (or 0.0, 0.00, 0.000). */
static bool is_refused(const char *text, size_t len)
{
	const char *q = memmem(text, len, "q=", 2);

	if (q == NULL || q[2] != '0')
		return false;
	for (q += 3; q < text + len; q++) {
		if (*q >= '1' && *q <= '9')
			return false;
	}
	return true;
}

bool assets_takes_gzip(const char *accept_encoding)
{
	while (accept_encoding != NULL && *accept_encoding != '\0') {
		size_t len, name_len;

		accept_encoding += strspn(accept_encoding, " \t,");
		len = strcspn(accept_encoding, ",");
		name_len = strcspn(accept_encoding, " \t,;");
		if (name_len == 4 && strncasecmp(accept_encoding, "gzip", 4) == 0)
			return !is_refused(accept_encoding, len);
		accept_encoding += len;
	}
	return false;
}

static void add_headers(struct http_request *r, const struct asset *a)
{
	http_add_header(r, "Content-Security-Policy", policy);
	http_add_header(r, "Referrer-Policy", "no-referrer");
	http_add_header(r, "Cross-Origin-Opener-Policy", "same-origin");
	http_add_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	http_add_header(r, "Cache-Control",
			starts_with(a->path, "/assets/")
			    ? "public, max-age=31536000, immutable"
			    : "no-cache");
	if (a->gzip != NULL)
		http_add_header(r, "Vary", "Accept-Encoding");
}

void assets_handle(struct http_request *r, void *app)
{
	const struct asset *a =
	    assets_find(assets_table, assets_n, http_path(r), http_header(r, "Accept"));
	struct conditions c = {.if_none_match = http_header(r, "If-None-Match")};
	struct range whole;
	char etag[80];
	bool gzip;

	(void)app;
	if (a == NULL) {
		http_refuse(r, 404, err_slug(ERR_NOT_FOUND),
			    "there is nothing at this path");
		return;
	}
	/* Strictly, each encoding is a representation with an entity tag of its own. */
	gzip = a->gzip != NULL && assets_takes_gzip(http_header(r, "Accept-Encoding"));
	if (text_format(etag, sizeof(etag), NULL, "\"%s%s\"", a->etag,
			gzip ? "-gz" : "") < 0)
		etag[0] = '\0';
	add_headers(r, a);
	http_add_header(r, "ETag", etag);
	if (conditions_judge(&c, etag, a->len, &whole) == 304) {
		http_reply(r, 304, NULL, NULL, 0);
		return;
	}
	if (gzip)
		http_add_header(r, "Content-Encoding", "gzip");
	http_reply(r, 200, a->content_type, gzip ? a->gzip : a->data,
		   gzip ? a->gzip_len : a->len);
}
