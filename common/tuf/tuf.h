/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TUF client (The Update Framework 1.0.x, section 5), without I/O of its own.
 *
 * It says which file it wants next; who drives it fetches that from wherever the
 * repository is (HTTP, an offline bundle, a directory) and hands the bytes in. So the
 * agent, the server that checks an upload, the command line and the conformance program
 * run the same code.
 *
 *	tuf_client_new() -> tuf_client_refresh() -> loop {
 *		tuf_client_next(): TUF_FETCH -> fetch, then tuf_client_give()
 *						or tuf_client_missing()
 *				   TUF_IDLE  -> what was asked for is done
 *	} -> tuf_client_seek(name) -> the same loop -> tuf_client_found()
 *
 * What is trusted is stored through struct tuf_store before it is relied on, each file
 * as received, byte for byte. Any error ends the refresh; what was trusted before stays
 * trusted. tuf.c opens with the list of checks, each with the attack it stops.
 */
#ifndef OTA_TUF_TUF_H
#define OTA_TUF_TUF_H

#include "../base/buf.h"
#include "../crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define TUF_ROOT_MAX_BYTES (512u * 1024)
#define TUF_TIMESTAMP_MAX_BYTES (16u * 1024)
#define TUF_SNAPSHOT_MAX_BYTES                                                         \
	(2u * 1024 * 1024)			 /* or as the timestamp says, if less */
#define TUF_TARGETS_MAX_BYTES (5u * 1024 * 1024) /* likewise by the snapshot */
#define TUF_MAX_ROOTS 256 /* root versions taken in one refresh */
#define TUF_MAX_DELEGATIONS 32
#define TUF_PATH_MAX_LEN 255

/* Where trusted metadata lives: "root.json", "timestamp.json", "snapshot.json",
 * "targets.json", "<delegated role, hex of its name's SHA-256>.json". put replaces
 * durably. get: ERR_NOT_FOUND if absent. */
struct tuf_store {
	int (*get)(void *ctx, const char *name, struct buf *ret, struct err *e);
	int (*put)(void *ctx, const char *name, const void *data, size_t len,
		   struct err *e);
	int (*del)(void *ctx, const char *name, struct err *e);
	void *ctx;
};

/* Metadata as files in a directory, by file_replace(). *ret->ctx owned by the caller:
 * the path. */
void tuf_store_dir(const char *dir, struct tuf_store *ret);

struct tuf_policy {
	int64_t now_utc_ms; /* fixed for the whole refresh */
	bool offline;	/* a bundle: expiry of timestamp and snapshot is not enforced */
	bool any_names; /* conformance program: without the release/ and delta/ rule */
};

struct tuf_client;

/* Loads what store trusts; root.json must be there (ERR_UNTRUSTED if not). */
struct tuf_client *tuf_client_new(const struct tuf_store *store,
				  const struct tuf_policy *p, struct err *e) MUST_USE;
void tuf_client_free(struct tuf_client *c);
AUTO_PTR_DEFINE(tuf_client)

/* First use: checks that data is a root signed by itself and stores it. ERR_CONFLICT if
 * one is there already with other content of the same version. */
int tuf_init(const struct tuf_store *store, const void *root, size_t len,
	     struct err *e) MUST_USE;

/* Forgets a stored root.json that a medium has damaged (it is no root signed by itself any
 * more), so that tuf_init() begins anew with the first one; what else is stored still holds
 * versions up once the chain of roots was walked again. */
int tuf_forget_damaged_root(const struct tuf_store *store, bool *ret_forgotten,
			    struct err *e) MUST_USE;

enum tuf_step { TUF_IDLE, TUF_FETCH };

struct tuf_request {
	char path[TUF_PATH_MAX_LEN + 1]; /* below the metadata URL: "3.root.json" */
	size_t max_bytes;
};

/* Starts a refresh; the rest happens in next/give. */
int tuf_client_refresh(struct tuf_client *c, struct err *e) MUST_USE;
enum tuf_step tuf_client_next(struct tuf_client *c, struct tuf_request *ret);
int tuf_client_give(struct tuf_client *c, const void *data, size_t len,
		    struct err *e) MUST_USE;
/* The file does not exist there (404): how the search for newer roots ends; else an
 * error. */
int tuf_client_missing(struct tuf_client *c, struct err *e) MUST_USE;

struct tuf_target {
	char name[TUF_PATH_MAX_LEN + 1];
	char path[TUF_PATH_MAX_LEN +
		  1]; /* below the targets URL, with the consistent-snapshot prefix */
	uint64_t length;
	uint8_t sha256[SHA256_LEN];
};

/* Looks a target up in targets and its delegations (after a finished refresh). */
int tuf_client_seek(struct tuf_client *c, const char *name, struct err *e) MUST_USE;
/* After the loop: ERR_NOT_FOUND if no role lists it. */
int tuf_client_found(const struct tuf_client *c, struct tuf_target *ret,
		     struct err *e) MUST_USE;

/* Length and hash of a target's bytes. */
int tuf_target_check(const struct tuf_target *t, const void *data, size_t len,
		     struct err *e) MUST_USE;

/* For status and doctor: version and expiry of a role ("root", "timestamp", ..) as
 * trusted now. */
int tuf_client_role(const struct tuf_client *c, const char *role, uint64_t *ret_version,
		    int64_t *ret_expires_ms, struct err *e) MUST_USE;

#endif
