/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <sys/eventfd.h>

/* One loop_wake() on its way from another thread. */
struct call {
	struct call *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	struct event_base *base;
	bool stop;
	int wake_fd; /* eventfd: readable while calls wait */
	struct event *wake_event;
	pthread_mutex_t lock; /* guards the list of calls, nothing else */
	struct call *first;
	struct call **last;
};

struct loop_timer {
	struct event *event;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop_io {
	struct event_base *base;
	struct event *event;
	int fd;
	int what;
	void (*fn)(void *ctx, int what);
	void *ctx;
};

struct loop_signal {
	struct event *event;
	void (*fn)(void *ctx);
	void *ctx;
};

static struct call *take_calls(struct loop *l)
{
	struct call *list;

	(void)pthread_mutex_lock(&l->lock);
	list = l->first;
	l->first = NULL;
	l->last = &l->first;
	(void)pthread_mutex_unlock(&l->lock);
	return list;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	eventfd_t count;

	(void)what;
	/* Emptied before the list is taken: a call that comes in between wakes us
	 * again. */
	if (eventfd_read(fd, &count) < 0 && errno != EAGAIN)
		return;
	for (struct call *c = take_calls(l), *next; c != NULL; c = next) {
		next = c->next;
		c->fn(c->ctx);
		free(c);
	}
}

static int open_wake(struct loop *l, struct err *e)
{
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		return err_sys(e, "make an event loop");
	l->wake_event =
	    event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	if (l->wake_event == NULL || event_add(l->wake_event, NULL) < 0)
		return err_set(e, ERR_INTERNAL, "make an event loop: no wake event");
	return 0;
}

/* libevent counts a timer's time from a coarse clock that it reads once a round: one
 * armed after some work would fire milliseconds early. Ours never do.
 *
 * What is watched is told to the kernel once a turn, not at each change: that halves the
 * calls of a kept-alive request. It asks that no descriptor be watched together with its
 * dup(); nobody here makes one. */
static struct event_base *open_base(void)
{
	struct event_config *how = event_config_new();
	struct event_base *base = NULL;

	if (how != NULL &&
	    event_config_set_flag(how, EVENT_BASE_FLAG_PRECISE_TIMER |
					   EVENT_BASE_FLAG_NO_CACHE_TIME |
					   EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(how);
	if (how != NULL)
		event_config_free(how);
	return base;
}

struct loop *loop_new(struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	l->wake_fd = -1;
	l->last = &l->first;
	(void)pthread_mutex_init(&l->lock, NULL);
	l->base = open_base();
	if (l->base == NULL)
		(void)err_set(e, ERR_INTERNAL, "make an event loop");
	if (l->base == NULL || open_wake(l, e) < 0) {
		loop_free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (struct call *c = take_calls(l), *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	if (l->wake_event != NULL)
		event_free(l->wake_event);
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd);
	if (l->base != NULL)
		event_base_free(l->base);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

int loop_run(struct loop *l, struct err *e)
{
	while (!l->stop) {
		if (event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return err_set(e, ERR_INTERNAL, "the event loop failed");
	}
	l->stop = false;
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
	(void)event_base_loopbreak(l->base);
}

void *loop_base(struct loop *l)
{
	return l->base;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_timer *t = ctx;

	(void)fd;
	(void)what;
	t->fn(t->ctx); /* may have freed t */
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *ctx), void *ctx,
				  struct err *e)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->fn = fn;
		t->ctx = ctx;
		t->event = evtimer_new(l->base, on_timer, t);
	}
	if (t == NULL || t->event == NULL) {
		free(t);
		(void)err_nomem(e);
		return NULL;
	}
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms)
{
	struct timeval tv = {.tv_sec = (time_t)(after_ms / 1000),
			     .tv_usec = (suseconds_t)(after_ms % 1000 * 1000)};

	if (after_ms < 0)
		(void)evtimer_del(t->event);
	else
		(void)evtimer_add(t->event, &tv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

static void on_io(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_io *io = ctx;

	(void)fd;
	io->fn(io->ctx,
	       (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0));
}

struct loop_io *loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx, int what),
			    void *ctx, struct err *e)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	*io = (struct loop_io){.base = l->base, .fd = fd, .fn = fn, .ctx = ctx};
	return io;
}

int loop_io_set(struct loop_io *io, int what, struct err *e)
{
	short events = (short)(EV_PERSIST | (what & LOOP_READ ? EV_READ : 0) |
			       (what & LOOP_WRITE ? EV_WRITE : 0));

	if (what == io->what)
		return 0;
	if (io->event != NULL)
		event_free(io->event);
	io->event = NULL;
	io->what = 0;
	if (what == 0)
		return 0;
	io->event = event_new(io->base, io->fd, events, on_io, io);
	if (io->event == NULL || event_add(io->event, NULL) < 0)
		return err_set(e, ERR_INTERNAL, "watch descriptor %d", io->fd);
	io->what = what;
	return 0;
}

void loop_io_free(struct loop_io *io)
{
	if (io == NULL)
		return;
	if (io->event != NULL)
		event_free(io->event);
	free(io);
}

static void on_signal(evutil_socket_t signo, short what, void *ctx)
{
	struct loop_signal *s = ctx;

	(void)signo;
	(void)what;
	s->fn(s->ctx);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *ctx),
				    void *ctx, struct err *e)
{
	struct loop_signal *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->fn = fn;
		s->ctx = ctx;
		s->event = evsignal_new(l->base, signo, on_signal, s);
	}
	if (s == NULL || s->event == NULL || event_add(s->event, NULL) < 0) {
		if (s != NULL && s->event != NULL)
			event_free(s->event);
		free(s);
		(void)err_set(e, ERR_INTERNAL, "watch signal %d", signo);
		return NULL;
	}
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s == NULL)
		return;
	event_free(s->event);
	free(s);
}

int loop_wake(struct loop *l, void (*fn)(void *ctx), void *ctx, struct err *e)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->fn = fn;
	c->ctx = ctx;
	(void)pthread_mutex_lock(&l->lock);
	*l->last = c;
	l->last = &c->next;
	(void)pthread_mutex_unlock(&l->lock);
	if (eventfd_write(l->wake_fd, 1) < 0 && errno != EAGAIN)
		return err_sys(e, "wake the event loop");
	return 0;
}
