/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the publisher share: publish.c carries out what people ask for,
 * renew.c what the server publishes by itself. */
#ifndef OTA_SERVER_PUBLISHER_H
#define OTA_SERVER_PUBLISHER_H

#include "publish.h"
#include "repository.h"
#include "roles.h"
#include "worker.h"

#include <stdatomic.h>

struct publisher {
	struct publisher_config c;
	struct worker *worker; /* one thread: requests follow each other */
	struct loop_timer *timer;
	atomic_bool renewing; /* a renewal by the timer is on its way */
	atomic_bool anew;     /* the next one is due whatever the time */
};

struct publish_job {
	struct job job; /* first */
	struct publisher *p;
	int (*act)(struct publish_job *j, struct err *e);
	publish_done *done;
	void *ctx;
	struct publish_request request;
	bool alone;	      /* targets, and no release with them */
	uint64_t n_withdrawn; /* releases that these targets rightly do not list */
	bool has_release;
	struct release release;
	struct err err;
};

/* r's newest of this role becomes version, with these bytes (borrowed). */
void publish_line_set(struct publication *line, const struct repository *r,
		      enum metadata_role role, uint64_t version,
		      const struct buf *data);

/* All lines, and release and roles if they are not NULL, or nothing. */
int publish_store(struct publisher *p, const struct publication *lines, size_t n,
		  const struct release *release, uint64_t n_withdrawn,
		  const struct roles_made *roles, const struct audit_actor *by,
		  struct err *e) MUST_USE;

/* Snapshot and timestamp over these targets and r's roles. */
int publish_sign(struct publisher *p, const struct repository *r,
		 const struct buf *targets, struct signer_answer *ret,
		 struct err *e) MUST_USE;

/* A device that trusts what is published now; nothing published yet: one fresh from the
 * factory. */
int publish_device_of_now(struct shelf *s, const struct repository *r, int64_t now_ms,
			  struct err *e) MUST_USE;

/* What jobs do: renew.c. */
int publish_act_renew(struct publish_job *j, struct err *e) MUST_USE;
int publish_act_deltas(struct publish_job *j, struct err *e) MUST_USE;

#endif
