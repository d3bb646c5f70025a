/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that read as a sentence, from intent to cause.
 *
 * A function that can fail returns int, 0 or -1, and takes a struct err * as
 * its last argument, which it fills once. The cause is set where it happens
 * (err_set, err_sys); at a module's border the caller puts its intent in front
 * (err_wrap), so that a message reads "install slot B: read payload head: short
 * read: 3 of 8 bytes". Return an error or log it, never both.
 *
 * The code is for machines: each has an exit status (a contract of all the
 * programs), an HTTP status and a stable slug for RFC 9457 problem documents.
 *
 * e may be NULL where the caller does not want to know why. Not thread safe:
 * a struct err belongs to one thread at a time.
 */
#ifndef OTA_BASE_ERR_H
#define OTA_BASE_ERR_H

#include "cleanup.h"

#include <stdbool.h>

/* What the programs exit with; docs/OPERATIONS.md lists them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	EXIT_UNREACHABLE = 4,
};

/* clang-format off: a table */
/*        code             exit              http  slug                what it means */
#define ERR_CODES(X)                                                                   \
	X(ERR_NONE, EXIT_DONE, 200, "ok", "no error")                                  \
	X(ERR_INTERNAL, EXIT_FAILED, 500, "internal", "a fault of ours")               \
	X(ERR_USAGE, EXIT_USAGE, 400, "usage", "the call is wrong")                    \
	X(ERR_CONFIG, EXIT_USAGE, 500, "config", "the configuration is wrong")         \
	X(ERR_FORMAT, EXIT_REFUSED, 400, "malformed", "the data is not well formed")   \
	X(ERR_LIMIT, EXIT_REFUSED, 413, "too-large", "the data exceeds a limit")       \
	X(ERR_UNSUPPORTED, EXIT_REFUSED, 400, "unsupported",                           \
	  "a format or feature this version does not know")                            \
	X(ERR_UNSIGNED, EXIT_REFUSED, 422, "not-signed", "a signature is missing")     \
	X(ERR_SIGNATURE, EXIT_REFUSED, 422, "bad-signature",                           \
	  "signatures do not reach the threshold")                                     \
	X(ERR_DIGEST, EXIT_REFUSED, 422, "digest-mismatch",                            \
	  "the data is not what was signed")                                           \
	X(ERR_ROLLBACK, EXIT_REFUSED, 409, "rollback",                                 \
	  "older than what was seen before")                                           \
	X(ERR_EXPIRED, EXIT_REFUSED, 409, "expired", "no longer valid at this time")   \
	X(ERR_INCOMPATIBLE, EXIT_REFUSED, 409, "incompatible",                         \
	  "not made for this product or hardware")                                     \
	X(ERR_UNTRUSTED, EXIT_REFUSED, 403, "untrusted",                               \
	  "a key, role or certificate that is not trusted here")                       \
	X(ERR_AUTH, EXIT_FAILED, 401, "unauthenticated",                               \
	  "who is calling is not known")                                               \
	X(ERR_FORBIDDEN, EXIT_FAILED, 403, "forbidden", "the caller may not do this")  \
	X(ERR_NOT_FOUND, EXIT_FAILED, 404, "not-found", "there is no such thing")      \
	X(ERR_QUOTA, EXIT_FAILED, 403, "quota", "more than the tenant may have")       \
	X(ERR_PROVE, EXIT_FAILED, 403, "prove-yourself",                               \
	  "the password is asked for once more")                                       \
	X(ERR_GONE, EXIT_FAILED, 410, "gone", "it is closed")                          \
	X(ERR_CONFLICT, EXIT_FAILED, 409, "conflict", "the state does not allow it")   \
	X(ERR_PRECONDITION, EXIT_FAILED, 412, "precondition", "it changed in between") \
	X(ERR_REUSED, EXIT_FAILED, 422, "key-reused",                                  \
	  "the key stands for another request")                                        \
	X(ERR_RANGE, EXIT_FAILED, 416, "range", "outside the content")                 \
	X(ERR_BUSY, EXIT_FAILED, 503, "busy", "try again later")                       \
	X(ERR_RATE, EXIT_FAILED, 429, "rate-limited", "too many in too short a time")  \
	X(ERR_IO, EXIT_FAILED, 500, "io", "reading or writing failed")                 \
	X(ERR_NO_SPACE, EXIT_FAILED, 503, "no-space", "the medium takes no more")      \
	X(ERR_NO_MEMORY, EXIT_FAILED, 503, "no-memory", "out of memory")               \
	X(ERR_UNREACHABLE, EXIT_UNREACHABLE, 502, "unreachable",                       \
	  "the other side cannot be reached")                                          \
	X(ERR_TIMEOUT, EXIT_UNREACHABLE, 504, "timeout", "it took too long")           \
	X(ERR_CANCELLED, EXIT_FAILED, 409, "cancelled", "somebody stopped it")         \
	X(ERR_FROZEN, EXIT_FAILED, 409, "frozen", "no updates are given out for now")
/* clang-format on */

enum err_code {
#define X(code, exit_status, http, slug, meaning) code,
	ERR_CODES(X)
#undef X
	    N_ERR_CODES
};

#define ERR_TEXT_LEN 320

struct err {
	enum err_code code;
	int sys;		 /* errno of the cause, or 0 */
	char text[ERR_TEXT_LEN]; /* always terminated; cut with "..." if too long */
};

#define ERR_INIT                                                                       \
	(struct err)                                                                   \
	{                                                                              \
		.code = ERR_NONE                                                       \
	}

/*
 * Each of these returns -1, so that a caller can say: return err_set(...). They are
 * macros so that the compiler sees that -1 and knows which path leaves what
 * uninitialised.
 *
 * err_set(e, code, fmt, ...)	sets the cause
 * err_sys(e, fmt, ...)		sets the cause from errno, as "fmt: strerror"; ENOSPC
 *				and EDQUOT become ERR_NO_SPACE, ENOMEM ERR_NO_MEMORY,
 *				ENOENT ERR_NOT_FOUND, all else ERR_IO
 * err_wrap(e, fmt, ...)	puts "fmt: " in front of what is there, leaves the code
 * err_nomem(e)			sets ERR_NO_MEMORY
 */
#define err_set(...) ERR_RETURN_(err_set_(__VA_ARGS__))
#define err_sys(...) ERR_RETURN_(err_sys_(__VA_ARGS__))
#define err_wrap(...) ERR_RETURN_(err_wrap_(__VA_ARGS__))
#define err_nomem(e) ERR_RETURN_(err_set_(e, ERR_NO_MEMORY, "out of memory"))

#define ERR_RETURN_(call)                                                              \
	__extension__({                                                                \
		int failed_ = -1;                                                      \
		call;                                                                  \
		failed_;                                                               \
	})

void err_set_(struct err *e, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void err_sys_(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_wrap_(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

void err_clear(struct err *e);

const char *err_slug(enum err_code code);
const char *err_meaning(enum err_code code);
int err_http_status(enum err_code code);
enum exit_code err_exit(const struct err *e);

#endif
