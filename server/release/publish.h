/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publication: from committed artifacts to what devices see.
 *
 * The server holds no key that makes firmware. What release managers bring is checked
 * here with the same TUF client that devices use, before anything of it is served:
 *
 *	read		the artifacts that the request names
 *	form		manifest; descriptor and head are those it names and agree with
 *			it
 *	body		each 64 KiB chunk is what the head says
 *	targets		a threshold of the root's targets keys; newer than what is
 *			published; no release in them that was withdrawn
 *	sign		snapshot and timestamp by the signer
 *	as a device	one that trusts what is published now refreshes to this and
 *			finds the manifest
 *	publish		targets, snapshot, timestamp, release and its event in one
 *			transaction, each only if what it replaces is still there
 *			(compare-and-set)
 *
 * A failure at any step leaves what was published as it was. Requests are carried out
 * one after the other in a thread of the publisher's own.
 *
 * The timestamp is signed anew at half of its life, and the snapshot with it at half of
 * its own, without any release.
 */
#ifndef OTA_SERVER_PUBLISH_H
#define OTA_SERVER_PUBLISH_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../signer/signer.h"
#include "../store/store.h"
#include "artifact.h"
#include "steps.h"

struct publisher_config {
	struct store *store; /* all borrowed */
	struct artifacts *artifacts;
	struct signer *signer;
	const struct clock *clock;
	const struct log *log;
	struct loop *loop;	    /* for the renewal's timer */
	uint64_t timestamp_life_ms; /* 0: 7 days */
	uint64_t snapshot_life_ms;  /* 0: 30 days */
	/* What the audit log says was published for tenant at least, as a version of
	 * targets: after a restore nothing lower is published. NULL: not asked. */
	uint64_t (*targets_floor)(void *ctx, const char *tenant);
	void *floor_ctx;
	const char *tenant;
	/* Sign timestamp and snapshot anew when it starts: what is stored may come from a
	 * backup, and devices may have seen newer. */
	bool renew_at_start;
	bool demo; /* a root that carries the demo mark is taken, and only then */
};

struct publish_request {
	bool has_root;
	uint8_t root[SHA256_LEN]; /* a next root, published with the release */
	uint8_t targets[SHA256_LEN];
	uint8_t manifest[SHA256_LEN];
	bool has_payload; /* these three are given; a release of files alone has none */
	uint8_t descriptor[SHA256_LEN];
	uint8_t head[SHA256_LEN];
	uint8_t body[SHA256_LEN];
	struct audit_actor by; /* whose doing it is; kind AUDIT_NONE: the server's */
	/* NULL, or what is written while it goes on; the caller's, to be left alone until
	 * done() comes. */
	struct publish_steps *steps;
};

struct publisher;

struct publisher *publisher_new(const struct publisher_config *c,
				struct err *e) MUST_USE;
/* In its loop's thread, after it has stopped or from it; what was asked for is finished
 * first. */
void publisher_free(struct publisher *p);
AUTO_PTR_DEFINE(publisher)

/* r holds if e->code is ERR_NONE. Comes once, in the loop's thread that was given. */
typedef void publish_done(void *ctx, const struct release *r, const struct err *e);

void publisher_release(struct publisher *p, struct loop *l,
		       const struct publish_request *q, publish_done *done, void *ctx);

/* The first root (version 1) claims the repository; later ones must follow the chain.
 * ERR_INCOMPATIBLE: it does not name this server's own keys. done() gets r == NULL. */
void publisher_root(struct publisher *p, struct loop *l, const uint8_t root[SHA256_LEN],
		    const struct audit_actor *by, publish_done *done, void *ctx);

/* Targets without a new release: signed by a threshold, newer than what is published,
 * and with everything that is listed now but for releases that were withdrawn, of which
 * they list none. done() gets r == NULL. */
void publisher_targets(struct publisher *p, struct loop *l,
		       const uint8_t targets[SHA256_LEN], const struct audit_actor *by,
		       publish_done *done, void *ctx);

/* Looks now whether something has to be signed anew, as the timer does; for tests and
 * doctor. */
void publisher_renew(struct publisher *p, struct loop *l, publish_done *done,
		     void *ctx);

/* Lists the deltas that were made and are not listed yet, for devices to find.
 * ERR_UNSUPPORTED: what is published does not let this server list any. done() gets r ==
 * NULL; l may be NULL: then it comes in the publisher's own thread. */
void publisher_deltas(struct publisher *p, struct loop *l, publish_done *done,
		      void *ctx);

#endif
