/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls, as far as the request's fields tell, and whether a browser may have been
 * made to call by somebody else's page. Decisions without storage: pure functions,
 * tested by tables.
 */
#ifndef OTA_AUTH_CALLER_H
#define OTA_AUTH_CALLER_H

#include "../../common/base/buf.h"
#include "secret.h"

/* The fields that matter; NULL where absent. */
struct caller_fields {
	const char *method;
	const char *authorization;
	const char *cookie;
	const char *host;
	const char *origin;
	const char *sec_fetch_site;
	const char *content_type;
	bool has_body;
};

enum caller_kind {
	CALLER_NOBODY,	/* shows nothing */
	CALLER_API,	/* Authorization: Bearer */
	CALLER_DEVICE,	/* Authorization: TargetToken */
	CALLER_GATEWAY, /* GatewayToken: an API token that speaks for devices */
	CALLER_SESSION, /* the console's cookie */
};

struct caller {
	enum caller_kind kind;
	uint8_t hash[SHA256_LEN]; /* what the secret is stored under */
};

/*
 * Reads the credentials. An Authorization field goes before the cookie, and one that is
 * malformed or of an unknown scheme is ERR_AUTH, never a fall-back. A malformed cookie
 * is nobody: it may be an old one. With a session, a request that changes something
 * (not GET or HEAD) must come from our own pages (caller_is_same_origin) and carry JSON
 * if it carries a body, else ERR_FORBIDDEN.
 */
int caller_read(const struct caller_fields *f, struct caller *ret,
		struct err *e) MUST_USE;

/* What changes something and needs no credentials (logging in): a page of another site
 * must not do it either, or it would put its reader into somebody else's session. Not a
 * browser: only JSON. */
int caller_check_stranger(const struct caller_fields *f, struct err *e) MUST_USE;

/* Fetch metadata decides (Sec-Fetch-Site: same-origin); without it Origin must name our
 * host. A browser sends one of both with each request that changes something. */
bool caller_is_same_origin(const struct caller_fields *f);

/* Set-Cookie values: __Host- binds the cookie to this host, Secure and the path /. */
#define SESSION_COOKIE "__Host-ota"
int cookie_write_session(const char *session, int64_t max_age_ms, struct buf *ret,
			 struct err *e) MUST_USE;
int cookie_write_end(struct buf *ret, struct err *e) MUST_USE;

/* The value of our cookie in a Cookie field (room SECRET_TEXT_LEN + 1). False: absent,
 * twice, or not of a session's length. */
bool cookie_read_session(const char *cookie, char ret_session[SECRET_TEXT_LEN + 1]);

#endif
