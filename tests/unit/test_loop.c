/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../common/loop/loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_io *io;
	int fds[2];
	int calls;
	int last_what;
	char order[16];
	int64_t armed_us, fired_us;
};

static int64_t clock_mono_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void stop(void *ctx)
{
	struct world *w = ctx;

	w->calls++;
	loop_stop(w->loop);
}

static void note_a(void *ctx)
{
	strcat(((struct world *)ctx)->order, "a");
}

static void note_b(void *ctx)
{
	strcat(((struct world *)ctx)->order, "b");
	stop(ctx);
}

static void timers_fire_in_order_of_time(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};
	struct loop_timer *late = loop_timer_new(w.loop, note_b, &w, &e);
	struct loop_timer *early = loop_timer_new(w.loop, note_a, &w, &e);
	int64_t begun;

	(void)state;
	do { /* the machine may pause between the two, but not for that long each time */
		begun = clock_mono_us();
		loop_timer_set(late, 50);
		loop_timer_set(early, 1);
	} while (clock_mono_us() - begun >= 40000);
	OK(loop_run(w.loop, &e));
	assert_string_equal(w.order, "ab");
	loop_timer_free(late);
	loop_timer_free(early);
	loop_free(w.loop);
}

/* What is promised "after 25 ms" must not come after 24.9: a stream that ends before its
 * token does would be taken for lost. */
static void arm_after_work(void *ctx)
{
	struct world *w = ctx;
	int64_t begun = clock_mono_us();

	while (clock_mono_us() - begun <
	       8000) /* work: the loop's idea of now gets old */
		;
	w->armed_us = clock_mono_us();
	loop_timer_set(w->timer, 25);
}

static void note_when(void *ctx)
{
	struct world *w = ctx;

	w->fired_us = clock_mono_us();
	stop(w);
}

static void a_timer_never_fires_early(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};
	struct loop_timer *work = loop_timer_new(w.loop, arm_after_work, &w, &e);

	(void)state;
	w.timer = loop_timer_new(w.loop, note_when, &w, &e);
	for (int round = 0; round < 5; round++) {
		loop_timer_set(work, 1);
		OK(loop_run(w.loop, &e));
		assert_true(w.fired_us - w.armed_us >= 25000);
	}
	loop_timer_free(work);
	loop_timer_free(w.timer);
	loop_free(w.loop);
}

static void free_and_stop(void *ctx)
{
	struct world *w = ctx;

	loop_timer_free(w->timer);
	w->timer = NULL;
	stop(w);
}

static void a_timer_may_free_itself(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};

	(void)state;
	w.timer = loop_timer_new(w.loop, free_and_stop, &w, &e);
	loop_timer_set(w.timer, 0);
	OK(loop_run(w.loop, &e));
	assert_int_equal(w.calls, 1);
	loop_free(w.loop);
}

static void a_disarmed_timer_stays_silent(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};
	struct loop_timer *never = loop_timer_new(w.loop, note_a, &w, &e);
	struct loop_timer *end = loop_timer_new(w.loop, note_b, &w, &e);

	(void)state;
	loop_timer_set(never, 1);
	loop_timer_set(never, -1);
	loop_timer_set(end, 20);
	OK(loop_run(w.loop, &e));
	assert_string_equal(w.order, "b");
	loop_timer_free(never);
	loop_timer_free(end);
	loop_free(w.loop);
}

static void a_stop_before_the_run_counts(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};

	(void)state;
	loop_stop(w.loop);
	OK(loop_run(w.loop, &e));
	loop_free(w.loop);
}

static void *call_from_a_thread(void *ctx)
{
	struct world *w = ctx;

	for (int i = 0; i < 3; i++) {
		if (loop_wake(w->loop, i < 2 ? note_a : note_b, w, NULL) < 0)
			return w;
	}
	return NULL;
}

static void calls_from_another_thread_run_in_order_in_this_one(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};
	pthread_t thread;
	void *failed = &w;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, call_from_a_thread, &w), 0);
	OK(loop_run(w.loop, &e));
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_string_equal(w.order, "aab");
	loop_free(w.loop);
}

static void a_call_that_never_ran_leaves_nothing_behind(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};

	(void)state;
	OK(loop_wake(w.loop, note_a, &w, &e));
	loop_free(w.loop);
	assert_string_equal(w.order, "");
}

static void on_io(void *ctx, int what)
{
	struct world *w = ctx;
	struct err e = ERR_INIT;

	w->calls++;
	w->last_what = what;
	if (what & LOOP_WRITE) {
		assert_int_equal(write(w->fds[0], "x", 1), 1);
		OK(loop_io_set(w->io, LOOP_READ, &e));
		assert_int_equal(write(w->fds[1], "y", 1), 1);
		return;
	}
	loop_io_free(w->io);
	w->io = NULL;
	loop_stop(w->loop);
}

static void a_descriptor_changes_what_it_waits_for_and_frees_itself(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w.fds), 0);
	w.io = loop_io_new(w.loop, w.fds[0], on_io, &w, &e);
	OK(loop_io_set(w.io, LOOP_WRITE, &e));
	OK(loop_run(w.loop, &e));
	assert_int_equal(w.calls, 2);
	assert_int_equal(w.last_what, LOOP_READ);
	close(w.fds[0]);
	close(w.fds[1]);
	loop_free(w.loop);
}

static void a_signal_arrives_as_a_call(void **state)
{
	struct err e = ERR_INIT;
	struct world w = {.loop = loop_new(&e)};
	struct loop_signal *s = loop_signal_new(w.loop, SIGUSR1, stop, &w, &e);

	(void)state;
	assert_int_equal(raise(SIGUSR1), 0);
	OK(loop_run(w.loop, &e));
	assert_int_equal(w.calls, 1);
	loop_signal_free(s);
	loop_free(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timers_fire_in_order_of_time),
	    cmocka_unit_test(a_timer_never_fires_early),
	    cmocka_unit_test(a_timer_may_free_itself),
	    cmocka_unit_test(a_disarmed_timer_stays_silent),
	    cmocka_unit_test(a_stop_before_the_run_counts),
	    cmocka_unit_test(calls_from_another_thread_run_in_order_in_this_one),
	    cmocka_unit_test(a_call_that_never_ran_leaves_nothing_behind),
	    cmocka_unit_test(a_descriptor_changes_what_it_waits_for_and_frees_itself),
	    cmocka_unit_test(a_signal_arrives_as_a_call),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
