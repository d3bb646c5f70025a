/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's management API (docs/API.md), call by call and waited for. What the
 * server refuses comes back as the error it names: its code decides the exit status
 * here as there.
 */
#ifndef OTA_TOOLS_API_H
#define OTA_TOOLS_API_H

#include "../common/json/json.h"
#include "../common/net/net.h"
#include "ota.h"

#define API_ANSWER_MAX_BYTES (8u << 20)

struct api {
	struct net_config net;
	struct buf base; /* "https://host:port" */
	struct buf auth; /* "Authorization: ..", "Cookie: .."; wiped; empty: none */
	const char *tenant;
	bool by_session; /* of ota login; the next two are its */
	char ca[4096], own_tenant[64];
};

/* From --server, --ca and --token-file or their keys in [server], and from the session of
 * ota login where these say nothing. with_token: the call needs one of both. ERR_USAGE
 * names what is missing. *a must not move: it points into itself. */
int api_init(struct api *a, const struct ota *o, bool with_token,
	     struct err *e) MUST_USE;
void api_fini(struct api *a);

/* body may be NULL; ret may be NULL; *ret is NULL for an empty answer. */
int api_call(const struct api *a, const char *method, const char *path,
	     const struct json *body, struct json **ret, struct err *e) MUST_USE;

/* A call that answers with a session (its beginning, another password): the cookie's
 * value goes to ret. body is wiped where it was written. */
int api_new_session(const struct api *a, const char *method, const char *path,
		    const struct json *body, char *ret, size_t room,
		    struct err *e) MUST_USE;

/* PUTs octets. */
int api_put(const struct api *a, const char *path, const void *data, size_t len,
	    struct json **ret, struct err *e) MUST_USE;

/* GETs a file as it is: 1, 0 if there is none (404), -1. */
int api_fetch(const struct api *a, const char *path, struct buf *ret,
	      struct err *e) MUST_USE;

/* Every item of a list, page by page, in one array (at most 100,000). query: "" or
 * "&x=y". */
struct json *api_list(const struct api *a, const char *path, const char *query,
		      struct err *e) MUST_USE;

/* base, name percent-encoded, end: "/api/v1/rollouts/", "7", "/members". */
int api_path(struct buf *ret, const char *base, const char *name, const char *end,
	     struct err *e) MUST_USE;

/* "&key=value"; nothing if value is NULL. */
int api_add_query(struct buf *ret, const char *key, const char *value,
		  struct err *e) MUST_USE;

/* One call about one thing, from the command's options to the answer: api_init(),
 * api_path(), api_call(). */
int api_about(const struct ota *o, const char *method, const char *base,
	      const char *name, const char *end, const struct json *body,
	      struct json **ret, struct err *e) MUST_USE;

/* Appends text, percent-encoded for a path segment or a query's value (RFC 3986). */
int api_escape(struct buf *ret, const char *text, struct err *e) MUST_USE;

#endif
