/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads in parts, as /api/v1/uploads has them: rows in the store, bytes in the
 * artifacts, the waiting in a worker's thread. Every call answers once, in the loop's
 * thread that was given, and never from inside the call but for want of memory.
 *
 * An offset that was answered is durable. After a crash an upload stands at the last
 * offset answered, or beyond it by parts whose answer was lost: the client asks and
 * goes on.
 */
#ifndef OTA_SERVER_UPLOAD_H
#define OTA_SERVER_UPLOAD_H

#include "../store/store.h"
#include "artifact.h"
#include "worker.h"

struct uploads {
	struct store *store;
	struct artifacts *artifacts;
	struct worker *worker;
};

/* e->code ERR_NONE: u (and after a commit a) hold; ERR_CONFLICT: u->offset is where it
 * stands. */
typedef void upload_done(void *ctx, const struct upload *u, const struct artifact *a,
			 const struct err *e);

/* A new upload, or the one there is of this size and digest. An artifact that is there
 * already stands at its end: commit it. ERR_LIMIT, ERR_NO_SPACE. */
void upload_begin(struct uploads *up, struct loop *l, uint64_t size,
		  const uint8_t sha256[SHA256_LEN], upload_done *done, void *ctx);
/* ERR_NOT_FOUND; likewise below. */
void upload_get(struct uploads *up, struct loop *l, const char *id, upload_done *done,
		void *ctx);
/* data is copied. ERR_CONFLICT if offset is not where it stands; ERR_RANGE beyond the
 * size. */
void upload_write(struct uploads *up, struct loop *l, const char *id, uint64_t offset,
		  const void *data, size_t len, upload_done *done, void *ctx);
/* ERR_CONFLICT if bytes are missing; ERR_DIGEST: begin anew. */
void upload_commit(struct uploads *up, struct loop *l, const char *id,
		   upload_done *done, void *ctx);

/* Given up: row and bytes go. ERR_BUSY while somebody writes to it. */
void upload_drop(struct uploads *up, struct loop *l, const char *id, upload_done *done,
		 void *ctx);

/*
 * Ends uploads that nobody wrote to for idle_ms: bytes and row. One that is worked on,
 * and what became an artifact, stays. Waits for disk and store: in a worker's thread.
 * *ret_n: how many ended.
 */
int uploads_sweep(const struct uploads *up, uint64_t idle_ms, size_t *ret_n,
		  struct err *e) MUST_USE;

#endif
