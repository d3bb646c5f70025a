/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console, compiled into the server (web/embed.py makes the table from web/dist at
 * build time).
 *
 * What lies below /assets/ has the hash of its content in its name and is cached for
 * ever; all else is asked for again each time (ETag). A browser's navigation (Accept:
 * text/html) to a path that is no file gets index.html, so that links into the console
 * work; anything else gets 404, so that a device never takes a page for an answer.
 * Every answer carries the strict policy.
 */
#ifndef OTA_HTTP_ASSETS_H
#define OTA_HTTP_ASSETS_H

#include "http.h"

struct asset {
	const char *path; /* "/assets/index-B8Ct7Nca.css" */
	const char *content_type;
	const char *etag; /* of the content, without quotes */
	const uint8_t *data;
	size_t len;
	const uint8_t *gzip; /* NULL where it would not be smaller */
	size_t gzip_len;
};

/* Generated; sorted by path; "/index.html" is always there. */
extern const struct asset assets_table[];
extern const size_t assets_n;

/* The handler of the route "GET /{path*}". */
void assets_handle(struct http_request *r, void *app);

/* The asset for a path and an Accept field (or NULL), or NULL. Pure. */
const struct asset *assets_find(const struct asset *table, size_t n, const char *path,
				const char *accept);

/* True if an Accept-Encoding field (or NULL) takes gzip (RFC 9110 section 12.5.3).
 * Pure. */
bool assets_takes_gzip(const char *accept_encoding);

#endif
