/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop: a thin face of libevent's base (the only module besides server/http
 * that knows it). One loop a thread; nothing here is thread safe but loop_wake(). */
#ifndef OTA_LOOP_LOOP_H
#define OTA_LOOP_LOOP_H

#include "../base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_io;
struct loop_signal;

struct loop *loop_new(struct err *e) MUST_USE;
void loop_free(struct loop *l);
AUTO_PTR_DEFINE(loop)
int loop_run(struct loop *l, struct err *e) MUST_USE; /* until loop_stop() */
void loop_stop(struct loop *l);
/* The underlying struct event_base *, for server/http and common/net only. */
void *loop_base(struct loop *l);

/* One-shot timers; set again to re-arm, negative to disarm. Never early, late by what the
 * loop is busy with. Callback may set or free it. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *ctx), void *ctx,
				  struct err *e) MUST_USE;
void loop_timer_set(struct loop_timer *t, int64_t after_ms);
void loop_timer_free(struct loop_timer *t);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_io *loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx, int what),
			    void *ctx, struct err *e) MUST_USE;
int loop_io_set(struct loop_io *io, int what, struct err *e) MUST_USE; /* 0: none */
void loop_io_free(struct loop_io *io);

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *ctx),
				    void *ctx, struct err *e) MUST_USE;
void loop_signal_free(struct loop_signal *s);

/* Runs fn(ctx) in the loop's thread soon; the one call that any thread may make. */
int loop_wake(struct loop *l, void (*fn)(void *ctx), void *ctx, struct err *e) MUST_USE;

#endif
