/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes in groups, for back-ends whose commit is dear and whose rows are cheap.
 *
 *	any thread --> queue (bounded) --> writer thread:
 *
 *		gather what comes within a few milliseconds
 *		BEGIN
 *		  SAVEPOINT  verb, its events  RELEASE  (or undo: only this call fails)
 *		  SAVEPOINT  verb, its events  RELEASE
 *		COMMIT = one flush for all --> answers
 *
 * A flush costs milliseconds, a row microseconds: that is why writes share one. Nothing
 * is answered before the commit returned, so what was acknowledged survives a power cut.
 * If the commit fails, or the database gives the transaction up on its own (full disk,
 * lost connection), every write of the group gets that error. Of a commit whose answer
 * was lost nobody can say whether it happened: that is an error too, never a success.
 */
#ifndef OTA_SERVER_STORE_WRITER_H
#define OTA_SERVER_STORE_WRITER_H

#include "sql_conn.h"
#include "store.h"

/* Beyond so many waiting writes a call is refused with ERR_BUSY, at once. */
#define WRITER_QUEUE_MAX 8192

struct writer;

/* Owns db, also when it fails. */
struct writer *writer_new(struct conn *db, struct err *e) MUST_USE;
/* Answers what is queued and ends the thread; db stays open. Once. NULL is
 * fine. */
void writer_stop(struct writer *w);
/* After writer_stop(): closes db. NULL is fine. */
void writer_free(struct writer *w);

/* From any thread. The answer comes from the writer's, or at once if it is refused. */
void writer_submit(struct writer *w, struct store_call *c);

/* As store_watch(). */
void writer_watch(struct writer *w, struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Wakes the watcher: somebody else's events became readable. From any thread. */
void writer_wake_watcher(struct writer *w);

/* ERR_FORMAT is of what callers send; a damaged database is our trouble: ERR_IO. */
void store_own_damage(struct err *e);

#endif
