/* SPDX-License-Identifier: Apache-2.0 */
/* Health commands and the control socket of the agent's program. */
#include "testing.h"

#include "../../client/program/command.h"
#include "../../client/program/control.h"
#include "../../common/base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATIENCE_MS 120000

struct run {
	struct loop *loop;
	struct command *command;
	int status, n_done;
	char why[64];
};

static void done(void *ctx, int status, const char *why)
{
	struct run *r = ctx;

	r->n_done++;
	r->status = status;
	(void)snprintf(r->why, sizeof(r->why), "%s", why != NULL ? why : "");
	command_free(r->command);
	loop_stop(r->loop);
}

static struct run run(const char *text, uint64_t timeout_ms)
{
	struct err e = ERR_INIT;
	struct run r = {.loop = loop_new(&e)};

	r.command = command_new(r.loop, text, timeout_ms, done, &r, &e);
	assert_non_null(r.command);
	OK(loop_run(r.loop, &e));
	loop_free(r.loop);
	assert_int_equal(r.n_done, 1);
	return r;
}

static void a_commands_exit_status_is_told(void **state)
{
	(void)state;
	assert_int_equal(run("true", PATIENCE_MS).status, 0);
	assert_int_equal(run("false", PATIENCE_MS).status, 1);
	assert_int_equal(run("  test  a  =  b  ", 0).status, 1);
}

static void no_shell_looks_at_the_words(void **state)
{
	(void)state;
	assert_int_equal(run("test $HOME = $HOME;", PATIENCE_MS).status, 1);
}

static void a_command_that_takes_too_long_is_killed_with_its_children(void **state)
{
	int64_t begin = clock_mono_ms(&clock_system);
	struct run r = run("timeout 1000 sleep 1000", 200);

	(void)state;
	assert_int_equal(r.status, -1);
	assert_string_equal(r.why, "timed out");
	assert_true(clock_mono_ms(&clock_system) - begin < PATIENCE_MS);
}

static void a_command_killed_by_a_signal_is_told_so(void **state)
{
	struct run r = run("timeout -s KILL 0.1 sleep 100", PATIENCE_MS);

	(void)state;
	assert_true(r.status == 137 || strcmp(r.why, "was killed by signal 9") == 0);
}

static void what_cannot_start_says_why(void **state)
{
	struct err e = ERR_INIT;
	struct run r = {.loop = loop_new(&e)};

	(void)state;
	assert_null(command_new(r.loop, "/nonexistent/health", 0, done, &r, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_null(command_new(r.loop, "  ", 0, done, &r, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	loop_free(r.loop);
}

static void a_command_that_is_dropped_leaves_no_process(void **state)
{
	struct err e = ERR_INIT;
	struct run r = {.loop = loop_new(&e)};

	(void)state;
	r.command = command_new(r.loop, "sleep 1000", 0, done, &r, &e);
	assert_non_null(r.command);
	command_free(r.command); /* waits for it */
	assert_int_equal(r.n_done, 0);
	loop_free(r.loop);
}

/* ---- the control socket: against requests that make no sense; what makes sense is in
 * the integration tests ---- */

struct talk {
	char path[64];
	const char *request;
	char answer[512];
	struct loop *loop;
};

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void *speak(void *ctx)
{
	struct talk *t = ctx;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t used = 0;
	ssize_t n;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", t->path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    send(fd, t->request, strlen(t->request), MSG_NOSIGNAL) >= 0) {
		while ((n = recv(fd, t->answer + used, sizeof(t->answer) - 1 - used,
				 0)) > 0)
			used += (size_t)n;
	}
	(void)close(fd);
	return loop_wake(t->loop, stop, t->loop, NULL) < 0 ? t : NULL;
}

static void requests_that_make_no_sense_are_answered_with_a_reason(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
	    {"{}\n", "\"ok\":false"},
	    {"nonsense\n", "\"code\":\"malformed\""},
	    {"{\"command\":\"dance\"}\n", "there is no command"},
	    {"{\"command\":\"install\"}\n", "path\\\": missing"},
	    {"{\"command\":\"install\",\"path\":\"a.ota\"}\n", "not absolute"},
	    {"{\"command\":\"install\",\"path\":\"/nonexistent\"}\n", "not-found"},
	};
	struct err e = ERR_INIT;
	struct talk t = {.path = "/tmp/ota-control-XXXXXX", .loop = loop_new(&e)};
	struct control *c;

	(void)state;
	assert_non_null(mkdtemp(t.path));
	strcat(t.path, "/s");
	c = control_new(t.loop, t.path, NULL, NULL, &e);
	assert_non_null(c);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		pthread_t thread;
		void *failed;

		memset(t.answer, 0, sizeof(t.answer));
		t.request = rows[i].request;
		assert_int_equal(pthread_create(&thread, NULL, speak, &t), 0);
		OK(loop_run(t.loop, &e));
		assert_int_equal(pthread_join(thread, &failed), 0);
		assert_null(failed);
		if (strstr(t.answer, rows[i].answer) == NULL)
			fail_msg("%s: %s", rows[i].request, t.answer);
	}
	control_free(c);
	FAILS(control_call(t.path, "status", NULL, NULL, &e), ERR_UNREACHABLE);
	*strrchr(t.path, '/') = '\0';
	assert_int_equal(rmdir(t.path), 0);
	loop_free(t.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_commands_exit_status_is_told),
	    cmocka_unit_test(no_shell_looks_at_the_words),
	    cmocka_unit_test(a_command_that_takes_too_long_is_killed_with_its_children),
	    cmocka_unit_test(a_command_killed_by_a_signal_is_told_so),
	    cmocka_unit_test(what_cannot_start_says_why),
	    cmocka_unit_test(a_command_that_is_dropped_leaves_no_process),
	    cmocka_unit_test(requests_that_make_no_sense_are_answered_with_a_reason),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
