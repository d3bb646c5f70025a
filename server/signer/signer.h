/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The online signer, seen from the server.
 *
 * The keys of snapshot and timestamp are born in, and never leave, a process of its own
 * (`ota-signer`, program.c), so that a fault in the server's HTTP or JSON cannot read
 * them. It talks over one inherited socket (protocol.h), keeps its last issued versions
 * on disk before a signature goes out, and never goes back: version = max(last + 1,
 * floor + 1, unix time).
 *
 * These calls wait (for the disk's flush and two signatures: some milliseconds), so
 * they are for worker threads, not for a loop's. They are thread safe: one is served at
 * a time. If the signer dies, the call that notices fails with ERR_UNREACHABLE; the
 * next one starts it anew, not sooner than a backoff of 0.25 s that doubles up to 30 s
 * (ERR_BUSY until then).
 */
#ifndef OTA_SERVER_SIGNER_H
#define OTA_SERVER_SIGNER_H

#include "../../common/base/buf.h"
#include "../../common/base/log.h"
#include "../../common/crypto/sign.h"
#include "../../publish/repo/repo.h"

#include <stdint.h>
#include <sys/types.h>

struct signer_config {
	const char *program; /* path of ota-signer */
	const char *dir; /* its own: keys and versions; made with mode 0700 if absent */
	uint64_t timeout_ms; /* of a call; 0: 10 s */
};

struct signer;

/* Starts the process and learns its public keys. ERR_NOT_FOUND: no such program; else
 * what the signer says (key file damaged, directory not writable, ..). */
struct signer *signer_new(const struct signer_config *c, const struct log *log,
			  struct err *e) MUST_USE;
/* Ends the process and waits for it. NULL is fine. */
void signer_free(struct signer *s);
AUTO_PTR_DEFINE(signer)

/* The public halves, for the next root; owned by s, the same for its whole life. */
const struct pubkey *signer_snapshot_key(const struct signer *s);
const struct pubkey *signer_timestamp_key(const struct signer *s);

struct signer_ask {
	const void *targets; /* the signed envelope; or */
	size_t targets_len;
	const void *snapshot; /* for signer_renew(): ours, as published */
	size_t snapshot_len;
	uint64_t snapshot_floor; /* the newest published; 0: none */
	uint64_t timestamp_floor;
	const struct repo_file *roles; /* the snapshot lists these too, of the same */
	size_t n_roles;
	uint64_t snapshot_life_ms;  /* at most a year */
	uint64_t timestamp_life_ms; /* at most 31 days */
};

struct signer_answer {
	struct buf snapshot; /* empty after signer_renew() */
	struct buf timestamp;
	uint64_t snapshot_version;
	uint64_t timestamp_version;
};
void signer_answer_fini(struct signer_answer *a);

/* Snapshot and timestamp over targets. ERR_ROLLBACK: it has signed for newer targets
 * before. */
int signer_sign(struct signer *s, const struct signer_ask *ask,
		struct signer_answer *ret, struct err *e) MUST_USE;

/* A timestamp over a snapshot of its own. ERR_UNTRUSTED: not its own; ERR_ROLLBACK: it
 * has renewed a newer one before. */
int signer_renew(struct signer *s, const struct signer_ask *ask,
		 struct signer_answer *ret, struct err *e) MUST_USE;

#define SIGNER_MAX_LINES 1024u

/*
 * Metadata of the online role `delta`, which the targets role delegates delta/ to, signed
 * by the snapshot's key: the release machine knows it from the root. One role a product,
 * so that a device fetches what is about its own.
 */
struct signer_role_ask {
	const char *product; /* role delta-<product>; "": delta itself */
	/* targets delta/<product>/NAME; of delta itself: the products it delegates to */
	const struct repo_line *lines;
	size_t n_lines;	  /* at most SIGNER_MAX_LINES */
	uint64_t floor;	  /* the newest published; 0: none */
	uint64_t life_ms; /* at most a year */
};

/* ERR_UNTRUSTED: a line is not below delta/<product>/. ret is empty, with a cap. */
int signer_role(struct signer *s, const struct signer_role_ask *ask, struct buf *ret,
		uint64_t *ret_version, struct err *e) MUST_USE;

/* 0 if it answers now; for /readyz and doctor. */
int signer_ping(struct signer *s, struct err *e) MUST_USE;

/* The process; for tests and logs. */
pid_t signer_pid(const struct signer *s);

#endif
