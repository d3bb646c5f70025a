/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed checkpoints of a Merkle log: C2SP signed-note and tlog-checkpoint.
 *
 *	ota-audit/default			origin, also the key's name
 *	1042					leaves
 *	DdQ0pkvhbs8eWTLHfc+nHLoP9Xh6D0qVqJrC2wb3Vf8=	root, Base64
 *	targets 17				of ours: the newest targets then
 *
 *	— ota-audit/default AbCd..==		Base64(key id (4) || Ed25519 signature (64))
 *
 * The signature is over the text up to and with the newline before the blank line. The
 * key id is the first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key). A verifier
 * knows the key as a text, the vkey: name "+" hex(key id) "+" Base64(0x01 || public key).
 *
 * Pure, any thread.
 */
#ifndef OTA_FORMAT_NOTE_H
#define OTA_FORMAT_NOTE_H

#include "../crypto/sign.h"
#include "merkle.h"

#define NOTE_NAME_MAX_LEN 63
#define NOTE_MAX_BYTES 4096
#define NOTE_VKEY_MAX_LEN (NOTE_NAME_MAX_LEN + 1 + 8 + 1 + 44)

struct checkpoint {
	char origin[NOTE_NAME_MAX_LEN + 1];
	uint64_t size;
	uint8_t root[SHA256_LEN];
	uint64_t targets; /* 0: the line is not there */
};

struct note_key {
	char name[NOTE_NAME_MAX_LEN + 1];
	uint8_t public_key[ED25519_PUBLIC_LEN];
};

/* 0 if text is 1..NOTE_NAME_MAX_LEN printable characters without blank or plus. */
int note_name_check(const char *text, struct err *e) MUST_USE;

int note_vkey_write(const struct note_key *k, char ret[NOTE_VKEY_MAX_LEN + 1],
		    struct err *e) MUST_USE;
int note_vkey_parse(const char *text, struct note_key *ret, struct err *e) MUST_USE;

/* Appends the note, signed by an Ed25519 key under the name c->origin. */
int checkpoint_sign(const struct checkpoint *c, const struct privkey *k,
		    struct buf *ret, struct err *e) MUST_USE;

/* ERR_FORMAT: no checkpoint; ERR_SIGNATURE: not signed by k, or not so. Signatures of
 * others (witnesses) and further lines of the text are passed over; the origin must be
 * the key's name. */
int checkpoint_open(const char *note, size_t len, const struct note_key *k,
		    struct checkpoint *ret, struct err *e) MUST_USE;

#endif
