/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trusted set: what has been verified, and the only ways to replace it.
 *
 * Each give function carries out one of the specification's steps 5.3 to 5.6 on bytes
 * from an untrusted place: verify, compare with what was trusted before, store, and
 * only then take over. On failure the set is as it was. tuf.c says in which order they
 * are called.
 */
#ifndef OTA_TUF_TRUSTED_H
#define OTA_TUF_TRUSTED_H

#include "metadata.h"
#include "tuf.h"

struct tuf_trusted {
	struct tuf_store store;
	struct tuf_policy policy;
	struct tuf_root *root;		 /* never NULL after load */
	struct tuf_timestamp *timestamp; /* the rest NULL: nothing trusted yet */
	struct tuf_snapshot *snapshot;
	struct tuf_targets *targets;
};

/* Root from the store (ERR_UNTRUSTED if there is none), and what else there verifies.
 */
int tuf_trusted_load(struct tuf_trusted *t, struct err *e) MUST_USE;
void tuf_trusted_fini(struct tuf_trusted *t);

/* A root that is signed by a threshold of its own keys. */
struct tuf_root *tuf_root_verify_self(const void *data, size_t len,
				      struct err *e) MUST_USE;

/* 5.3.3 to 5.3.8 for version N+1, and 5.3.11 (a withdrawn key). */
int tuf_trusted_give_root(struct tuf_trusted *t, const void *data, size_t len,
			  struct err *e) MUST_USE;
/* 5.3.10, once no newer root is left; then verifies the stored rest under the final
 * root. */
int tuf_trusted_root_final(struct tuf_trusted *t, struct err *e) MUST_USE;

/* 5.4. An equal version leaves the old one in place and is no error. */
int tuf_trusted_give_timestamp(struct tuf_trusted *t, const void *data, size_t len,
			       struct err *e) MUST_USE;
/* 5.5. */
int tuf_trusted_give_snapshot(struct tuf_trusted *t, const void *data, size_t len,
			      struct err *e) MUST_USE;
/* 5.6. */
int tuf_trusted_give_targets(struct tuf_trusted *t, const void *data, size_t len,
			     struct err *e) MUST_USE;

/* True if what the store holds is what the level above asks for, and fresh: it need not
 * be fetched. Targets of an older snapshot are dropped here. */
bool tuf_trusted_has_snapshot(const struct tuf_trusted *t);
bool tuf_trusted_has_targets(struct tuf_trusted *t);

/* 5.6.7: a delegated role's metadata: as the snapshot says and signed as its delegator
 * says. _stored gives NULL without an error if the store has none that will do. */
struct tuf_targets *tuf_trusted_delegated_stored(const struct tuf_trusted *t,
						 const struct tuf_delegation *d);
struct tuf_targets *tuf_trusted_delegated_give(const struct tuf_trusted *t,
					       const struct tuf_delegation *d,
					       const void *data, size_t len,
					       struct err *e) MUST_USE;
/* Its line in the trusted snapshot; ERR_UNTRUSTED if it has none. */
const struct tuf_file *tuf_trusted_delegated_file(const struct tuf_trusted *t,
						  const char *role,
						  struct err *e) MUST_USE;

#endif
