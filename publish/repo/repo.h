/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signing side of TUF: makes roots, targets, snapshot and timestamp. Host only.
 *
 * Each function takes what there was and returns new bytes: a JSON envelope
 * {"signatures":[{"keyid":..,"sig":hex}],"signed":{..}}, signatures over the canonical
 * form of `signed`. Key ids are the SHA-256 of the key object's canonical form. Nothing
 * here stores or publishes; the caller does, after its own client took the result.
 */
#ifndef OTA_PUBLISH_REPO_H
#define OTA_PUBLISH_REPO_H

#include "../../common/base/buf.h"
#include "../../common/crypto/sign.h"

#include <stdint.h>

struct repo_role_keys {
	const struct pubkey *const *keys;
	size_t n_keys;
	unsigned threshold;
};

struct repo_root_spec {
	struct repo_role_keys root, targets, snapshot, timestamp;
	uint64_t version;
	int64_t expires_utc_ms;
	bool demo; /* marked "x-ota-demo": devices refuse it outside demo mode */
};

/* A root, signed by every one of signers (old and new root keys when it is a
 * successor). */
int repo_make_root(const struct repo_root_spec *spec,
		   const struct privkey *const *signers, size_t n_signers,
		   struct buf *ret, struct err *e) MUST_USE;

/* The unsigned `targets` version 1 with no targets, and the next draft of an existing
 * one with a target added or removed (n = version + 1). Drafts are envelopes with no
 * signatures. */
int repo_draft_targets_empty(int64_t expires_utc_ms, struct buf *ret,
			     struct err *e) MUST_USE;
int repo_draft_targets_add(const void *current, size_t len, const char *name,
			   uint64_t target_len, const uint8_t sha256[32],
			   int64_t expires_utc_ms, struct buf *ret,
			   struct err *e) MUST_USE;
int repo_draft_targets_remove(const void *current, size_t len, const char *name,
			      int64_t expires_utc_ms, struct buf *ret,
			      struct err *e) MUST_USE;

/* Who else may list what: targets whose names match the pattern (as in a shell). */
struct repo_delegation {
	const char *name;
	const char *path;
	struct repo_role_keys by;
};

/* Replaces what an unsigned draft delegates; its version stays. Each delegation ends the
 * search for the names it is for. */
int repo_draft_delegate(struct buf *draft, const struct repo_delegation *d, size_t n,
			struct err *e) MUST_USE;

struct repo_line {
	const char *name;
	uint64_t length;
	uint8_t sha256[32];
};

/* A delegated role: what it lists, and what it delegates further. */
struct repo_role_spec {
	const struct repo_line *lines;
	size_t n_lines;
	const struct repo_delegation *delegations;
	size_t n_delegations;
	uint64_t version;
	int64_t expires_utc_ms;
};
int repo_make_role(const struct repo_role_spec *spec, const struct privkey *key,
		   struct buf *ret, struct err *e) MUST_USE;

/* Adds (or replaces) one key's signature in any envelope. */
int repo_sign(const void *envelope, size_t len, const struct privkey *key,
	      struct buf *ret, struct err *e) MUST_USE;

/* Metadata of a delegated role, as the snapshot lists it: "delta.json". */
struct repo_file {
	const char *name;
	uint64_t version;
	uint64_t length;
	uint8_t sha256[32];
};

/* Snapshot listing targets.json and files with length and hash, and timestamp listing
 * the snapshot. */
int repo_make_snapshot_of(const void *targets, size_t targets_len,
			  const struct repo_file *files, size_t n_files,
			  uint64_t version, int64_t expires_utc_ms,
			  const struct privkey *key, struct buf *ret,
			  struct err *e) MUST_USE;
int repo_make_snapshot(const void *targets, size_t targets_len, uint64_t version,
		       int64_t expires_utc_ms, const struct privkey *key,
		       struct buf *ret, struct err *e) MUST_USE;
int repo_make_timestamp(const void *snapshot, size_t snapshot_len, uint64_t version,
			int64_t expires_utc_ms, const struct privkey *key,
			struct buf *ret, struct err *e) MUST_USE;

/* Version and expiry out of an envelope, without trusting it. */
int repo_peek(const void *envelope, size_t len, const char *expect_type,
	      uint64_t *ret_version, int64_t *ret_expires_ms, struct err *e) MUST_USE;

#endif
