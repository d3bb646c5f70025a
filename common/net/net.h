/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS client on the loop: a thin face of libcurl's multi interface, the only
 * module that knows it. Keeps connections alive, resumes TLS sessions, follows no
 * redirects, takes no proxy from the environment, trusts only the CA file it is given.
 *
 * A response is streamed: head, then data as it comes (return -1 to stop), then end
 * exactly once, with e->code ERR_NONE or why (ERR_UNREACHABLE, ERR_TIMEOUT,
 * ERR_UNTRUSTED for TLS, ERR_LIMIT, ERR_CANCELLED, or what a callback refused with).
 * Any status is an answer, not an error: look at head->status. net_cancel() calls no
 * callback.
 *
 * All texts of a request and a configuration are copied. A callback may start, pause,
 * resume and cancel calls; it must not free the net. One thread: the loop's.
 */
#ifndef OTA_NET_NET_H
#define OTA_NET_NET_H

#include "../loop/loop.h"

#include "../base/buf.h"
#include <stddef.h>

struct sockaddr; /* of <sys/socket.h> */

struct net;
struct net_call;

struct net_config {
	const char *ca_file;   /* PEM, a list of CAs */
	const char *cert_file; /* client certificate, or NULL */
	const char *key_file;
	const char *user_agent;
	uint64_t connect_timeout_ms;
	/* fewer than min_rate bytes/s for so long: ERR_TIMEOUT */
	uint64_t stall_timeout_ms;
	uint64_t min_rate_bytes;
	/* for tests against others' servers; no program of ours */
	bool allow_plain_http;
	/* Asked when a socket is about to connect, with the very address that it will
	 * connect to; -1 refuses it, and *e is what the call ends with if no other
	 * address of the name will do. NULL: any. In the loop's thread. */
	int (*check_address)(void *ctx, const struct sockaddr *a, size_t len,
			     struct err *e);
	void *check_ctx;
};

struct net_head {
	int status;
	const char *content_type; /* or NULL */
	const char *etag;
	char cookie[256];	/* the last Set-Cookie, as it came; "" if none fits */
	int64_t content_length; /* -1: unknown */
	int64_t range_start;	/* of Content-Range, or -1 */
	/* 0: none; from seconds or an HTTP date, capped at a day */
	uint64_t retry_after_ms;
};

struct net_request {
	const char *method;	    /* "GET", "PUT", "POST", "HEAD", "DELETE" */
	const char *url;	    /* https:// only, but for allow_plain_http */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const void *body;	    /* copied */
	size_t body_len;
	int64_t range_start;	 /* -1: no Range */
	int64_t range_end;	 /* inclusive, -1: open */
	uint64_t max_bytes;	 /* of the response body; 0: no limit (event streams) */
	uint64_t timeout_ms;	 /* of the whole call; 0: none */
	uint64_t max_rate_bytes; /* per second; 0: as fast as it goes */
	/* The clock is not to be believed: a certificate is judged by who signed it and
	 * for whom, not by its dates. */
	bool any_date;
	bool stream; /* no stall timeout: an event stream */
	int (*on_head)(void *ctx, const struct net_head *h,
		       struct err *e); /* or NULL */
	int (*on_data)(void *ctx, const void *data, size_t len,
		       struct err *e); /* or NULL */
	void (*on_end)(void *ctx, const struct net_head *h, const struct err *e);
	void *ctx;
};

struct net *net_new(struct loop *l, const struct net_config *c, struct err *e) MUST_USE;
void net_free(struct net *n); /* cancels what is under way */
AUTO_PTR_DEFINE(net)

/* Starts; callbacks come from the loop, never from inside this call. */
int net_start(struct net *n, const struct net_request *r, struct net_call **ret,
	      struct err *e) MUST_USE;
void net_pause(struct net_call *c); /* back-pressure: no on_data until net_resume() */
void net_resume(struct net_call *c);
void net_cancel(struct net_call *c); /* NULL is fine; c is gone afterwards */

/* For the command line: one call, waited for; *ret_body is filled (its cap is the
 * limit). */
int net_call_sync(const struct net_config *c, const struct net_request *r,
		  struct net_head *ret_head, struct buf *ret_body,
		  struct err *e) MUST_USE;

#endif
