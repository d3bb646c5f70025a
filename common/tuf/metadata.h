/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUF metadata as structs: pure parsing, nothing is trusted yet.
 *
 * Every file is an envelope {"signatures":[..],"signed":{..}} in the strict JSON
 * profile (json_parse_strict). The structs keep the parsed tree alive and point into
 * it, so all text in them lives exactly as long as they do. Members that are not known
 * are ignored here and stay covered by the signature, as section 4 of the specification
 * asks.
 *
 * Key ids are opaque names. A key of a scheme that is not known, or whose text is no
 * key, stays listed without key material: it can sign nothing, and its presence breaks
 * nothing.
 */
#ifndef OTA_TUF_METADATA_H
#define OTA_TUF_METADATA_H

#include "../crypto/digest.h"
#include "../crypto/sign.h"
#include "../json/json.h"

#include <stdbool.h>
#include <stdint.h>

#define TUF_MAX_KEYS 256 /* in one root or one set of delegations */
#define TUF_MAX_SIGNATURES 64
#define TUF_MAX_ROLES 1024 /* delegated by one role */
#define TUF_ROLE_NAME_MAX_LEN 128

/* An envelope taken apart: what is signed, in the form that is signed. */
struct tuf_envelope {
	struct json *json;	       /* owned */
	const struct json *body;       /* "signed" */
	const struct json *signatures; /* an array */
	struct buf canonical;	       /* of body; what signatures are over */
};

struct tuf_key {
	const char *keyid;
	struct pubkey *key; /* NULL: nothing we can verify with */
};

struct tuf_keys {
	struct tuf_key *items;
	size_t n_items;
};

/* Who may sign something: threshold distinct ones of these keys. */
struct tuf_role {
	const struct tuf_key **keys; /* into the struct tuf_keys beside it */
	size_t n_keys;
	uint64_t threshold; /* >= 1 */
};

/* What every role's metadata has. */
struct tuf_common {
	struct json *json; /* owned; all text points into it */
	uint64_t version;  /* >= 1 */
	int64_t expires_utc_ms;
};

enum tuf_top_role {
	TUF_ROOT,
	TUF_TIMESTAMP,
	TUF_SNAPSHOT,
	TUF_TARGETS,
	N_TUF_TOP_ROLES
};

const char *tuf_top_role_name(enum tuf_top_role role);

struct tuf_root {
	struct tuf_common common;
	bool consistent_snapshot;
	struct tuf_keys keys;
	struct tuf_role roles[N_TUF_TOP_ROLES];
};

/* One line of timestamp's or snapshot's "meta". */
struct tuf_file {
	const char *name; /* "snapshot.json" */
	uint64_t version;
	bool has_length;
	uint64_t length;
	bool has_sha256;
	uint8_t sha256[SHA256_LEN];
};

struct tuf_timestamp {
	struct tuf_common common;
	struct tuf_file snapshot;
};

struct tuf_snapshot {
	struct tuf_common common;
	struct tuf_file *files; /* by name */
	size_t n_files;
};

struct tuf_target_line {
	const char *name;
	uint64_t length;
	uint8_t sha256[SHA256_LEN];
};

struct tuf_delegation {
	const char *name;
	struct tuf_role role;
	bool terminating;
	const struct json *paths; /* array of shell patterns, or NULL */
	/* array of hex digits of the name's SHA-256, or NULL */
	const struct json *prefixes;
};

struct tuf_targets {
	struct tuf_common common;
	struct tuf_target_line *targets;
	size_t n_targets;
	struct tuf_keys keys;
	struct tuf_delegation *delegations; /* in order of priority */
	size_t n_delegations;
};

int tuf_envelope_parse(const void *data, size_t len, struct tuf_envelope *ret,
		       struct err *e) MUST_USE;
void tuf_envelope_fini(struct tuf_envelope *env);

/* Each takes env's tree over (env->json is NULL afterwards, also on failure): env can
 * still be verified as long as the result lives. ERR_FORMAT, ERR_LIMIT, ERR_UNSUPPORTED
 * (spec version). */
struct tuf_root *tuf_root_parse(struct tuf_envelope *env, struct err *e) MUST_USE;
struct tuf_timestamp *tuf_timestamp_parse(struct tuf_envelope *env,
					  struct err *e) MUST_USE;
struct tuf_snapshot *tuf_snapshot_parse(struct tuf_envelope *env,
					struct err *e) MUST_USE;
struct tuf_targets *tuf_targets_parse(struct tuf_envelope *env, struct err *e) MUST_USE;

void tuf_root_free(struct tuf_root *r);
void tuf_timestamp_free(struct tuf_timestamp *t);
void tuf_snapshot_free(struct tuf_snapshot *s);
void tuf_targets_free(struct tuf_targets *t);
AUTO_PTR_DEFINE(tuf_root)
AUTO_PTR_DEFINE(tuf_timestamp)
AUTO_PTR_DEFINE(tuf_snapshot)
AUTO_PTR_DEFINE(tuf_targets)

/* NULL if it is not listed. */
const struct tuf_file *tuf_snapshot_find(const struct tuf_snapshot *s,
					 const char *name);
const struct tuf_target_line *tuf_targets_find(const struct tuf_targets *t,
					       const char *name);

/* Length and hash, as far as f says. ERR_DIGEST. */
int tuf_file_check(const struct tuf_file *f, const void *data, size_t len,
		   struct err *e) MUST_USE;

/* True if d speaks for target name: a pattern ('*' and '?' as in a shell, stopping at
 * '/') or a prefix of the name's hash. */
bool tuf_delegation_matches(const struct tuf_delegation *d, const char *name);

/* Parts shared by the two parsers. */
int tuf_keys_parse(const struct json *object, struct tuf_keys *ret,
		   struct err *e) MUST_USE;
void tuf_keys_fini(struct tuf_keys *k);
int tuf_role_parse(const struct json *object, const struct tuf_keys *keys,
		   struct tuf_role *ret, struct err *e) MUST_USE;
void tuf_role_fini(struct tuf_role *r);
int tuf_common_parse(struct tuf_envelope *env, const char *type, struct tuf_common *ret,
		     struct err *e) MUST_USE;
/* "length" (may be left out if ret_has_length is not NULL) and "hashes". */
int tuf_hashes_parse(const struct json *object, bool *ret_has, uint8_t ret[SHA256_LEN],
		     struct err *e) MUST_USE;

#endif
