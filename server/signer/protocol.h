/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server and its signer say to each other over a stream socket.
 *
 *	message:  u32 length of the rest (1..SIGNER_MESSAGE_MAX) | u8 kind | fields
 *	field:    u64, or u32 length + bytes; all little-endian
 *
 *	ask KEYS      -
 *	ask SIGN      snapshot floor u64, timestamp floor u64, snapshot life ms u64,
 *	              timestamp life ms u64, targets bytes, number of files u64, then
 *	              of each: name bytes, version u64, length u64, SHA-256 bytes
 *	ask RENEW     the same, with the snapshot's bytes in place of targets, and no
 *	              files
 *	ask ROLE      product bytes, floor u64, life ms u64, number of lines u64, then
 *	              of each: name bytes, length u64, SHA-256 bytes
 *	answer OK     to KEYS: public texts of snapshot and timestamp key (Ed25519)
 *	              to ROLE: version u64, metadata
 *	              else: snapshot version u64, timestamp version u64, snapshot,
 *	              timestamp
 *	answer ERROR  code u64 (enum err_code), text bytes
 *
 * One answer to each ask, in order.
 */
#ifndef OTA_SERVER_SIGNER_PROTOCOL_H
#define OTA_SERVER_SIGNER_PROTOCOL_H

#include "../../common/base/buf.h"
#include "../../publish/repo/repo.h"

#include <stdbool.h>

#define SIGNER_MESSAGE_MAX (6u * 1024 * 1024)
#define MESSAGE_NAME_LEN 255u

enum signer_message {
	SIGNER_KEYS = 1,
	SIGNER_SIGN = 2,
	SIGNER_RENEW = 3,
	SIGNER_ROLE = 4,
	SIGNER_OK = 16,
	SIGNER_ERROR = 17
};

/* Building: message_begin(), fields, message_send(). */
int message_begin(struct buf *b, enum signer_message kind, struct err *e) MUST_USE;
int message_add_u64(struct buf *b, uint64_t v, struct err *e) MUST_USE;
int message_add_bytes(struct buf *b, const void *data, size_t len,
		      struct err *e) MUST_USE;

/* Both wait until deadline_ms (monotonic; 0: for ever). ERR_UNREACHABLE: the other end
 * is gone; ERR_TIMEOUT. */
int message_send(int fd, struct buf *b, int64_t deadline_ms, struct err *e) MUST_USE;
int message_receive(int fd, struct buf *ret, int64_t deadline_ms,
		    struct err *e) MUST_USE;

/* Reading fields in order; ERR_FORMAT if they are not there. Bytes stay owned by the
 * message. */
struct message_reader {
	const uint8_t *at;
	size_t left;
};
int message_open(const struct buf *b, enum signer_message *ret_kind,
		 struct message_reader *ret, struct err *e) MUST_USE;
int message_get_u64(struct message_reader *r, uint64_t *ret, struct err *e) MUST_USE;
int message_get_bytes(struct message_reader *r, const uint8_t **ret, size_t *ret_len,
		      struct err *e) MUST_USE;
/* What SIGN and RENEW ask; ret_data is targets or the snapshot. The files follow. */
struct signer_ask;
int message_get_ask(struct message_reader *r, struct signer_ask *ret,
		    const uint8_t **ret_data, size_t *ret_len, struct err *e) MUST_USE;

/* A list of files or lines as it stands in a message, and room for what it says. */
struct message_files {
	struct repo_file *items;
	char (*names)[MESSAGE_NAME_LEN + 1];
	size_t n_items;
};
/* versions: each has one (files). Nothing may follow. */
int message_get_files(struct message_reader *r, bool versions,
		      struct message_files *ret, struct err *e) MUST_USE;
void message_files_fini(struct message_files *f);
int message_add_file(struct buf *b, const char *name, const uint64_t *version,
		     uint64_t length, const uint8_t sha256[32], struct err *e) MUST_USE;
int message_end(const struct message_reader *r, struct err *e) MUST_USE;

#endif
