/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log, seen from outside the database: signed checkpoints.
 *
 *	DIR/audit.key			Ed25519, born here, sealed like the online keys
 *	DIR/audit/TENANT.checkpoint	the last one that was signed; replaced, flushed
 *
 * Entries are appended by the store, in the transactions that they tell of. Here the head
 * is signed and handed out: to whoever asks, to a file, to a URL. The last checkpoint is
 * kept beside the database, not in it, so that a database that was rewritten, cut or put
 * back from a backup is found out here too: before a signature is made
 *
 *	- the entries since the last checkpoint are hashed anew,
 *	- the last checkpoint's root must follow from the tree as it is now,
 *	- the head's root must follow from the same tree.
 *
 * If not (ERR_ROLLBACK, ERR_UNTRUSTED), nothing is signed any more until somebody who
 * holds the data directory says that it is known (audit_log_accept()).
 *
 * After a crash: the file has the last checkpoint that anybody can have seen, or one
 * that nobody has seen yet.
 *
 * All of this waits for the store: for worker threads. Thread safe.
 */
#ifndef OTA_SERVER_AUDIT_AUDIT_LOG_H
#define OTA_SERVER_AUDIT_AUDIT_LOG_H

#include "../../common/base/log.h"
#include "../../common/format/note.h"
#include "../store/store.h"

struct audit_config {
	struct store *store; /* borrowed, like all here */
	const struct log *log;
	const char *dir;       /* the server's data directory */
	const char *push_file; /* each new checkpoint is appended; NULL: none */
	const char *push_url;  /* and posted there; NULL: none */
	const char *ca_file;   /* who vouches for push_url */
	bool demo;
};

struct audit_log;

/* Makes the key if there is none. */
struct audit_log *audit_log_new(const struct audit_config *c, struct err *e) MUST_USE;
/* NULL is fine. */
void audit_log_free(struct audit_log *l);
AUTO_PTR_DEFINE(audit_log)

/* The key that verifies a tenant's checkpoints, as a vkey. */
int audit_log_vkey(const struct audit_log *l, const char *tenant,
		   char ret[NOTE_VKEY_MAX_LEN + 1], struct err *e) MUST_USE;

/* Appends the checkpoint of the log as it is now, signed; pushed if it is new. */
int audit_log_checkpoint(struct audit_log *l, const char *tenant, struct buf *ret,
			 struct err *e) MUST_USE;

/* Every entry hashed anew against the stored tree, its head and the last checkpoint;
 * *ret_n of them. The message names the first entry that differs where it can. */
int audit_log_check(struct audit_log *l, const char *tenant, uint64_t *ret_n,
		    struct err *e) MUST_USE;

/* The targets version that the last checkpoint names; 0: none. */
uint64_t audit_log_targets(struct audit_log *l, const char *tenant);

/* Takes the log as it is (after a restore): notes that, and what was signed before, as an
 * entry, and forgets the last checkpoint. */
int audit_log_accept(struct audit_log *l, const char *tenant, const char *reason,
		     struct err *e) MUST_USE;

#endif
