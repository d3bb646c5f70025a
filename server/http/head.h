/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1 request (RFC 9112), judged before anything else sees it.
 *
 * libevent's parser is generous where a server on the open network may not be: it takes
 * the first of two Content-Length, a NUL, a missing Host, folded lines, a body on GET
 * that it then reads as the next request. So connections hold a head back until it is
 * complete (head_scan) and let it through only if it is beyond doubt (head_check). Pure
 * functions.
 */
#ifndef OTA_HTTP_HEAD_H
#define OTA_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX_LEN 16384u
#define HEAD_MAX_FIELDS 64u
#define HEAD_MAX_TARGET 4096u

/* Why a request was turned away: the status, and one sentence for the client. */
struct refusal {
	int status;
	const char *detail; /* static text */
};

enum head_state { HEAD_MORE, HEAD_DONE, HEAD_BAD };

/*
 * Looks for the end of a head. *scanned is how far earlier calls on the same data came
 * (0 at first) and is moved on. HEAD_DONE: *ret_head_len is its length with the empty
 * line. HEAD_BAD as soon as a byte comes that no head may hold, or it grows beyond
 * HEAD_MAX_LEN; *ret_why is set.
 */
enum head_state head_scan(const uint8_t *data, size_t len, size_t *scanned,
			  size_t *ret_head_len, struct refusal *ret_why);

struct head {
	char method[8];
	const char *target; /* origin form; points into the data, not terminated */
	size_t target_len;
	uint64_t content_length; /* 0 without a body */
};

/* Judges a complete head. 0, or -1 with *ret_why. */
int head_check(const uint8_t *data, size_t len, struct head *ret,
	       struct refusal *ret_why);

#endif
