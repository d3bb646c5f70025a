/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_WORDS 32

extern char **environ;

struct command {
	pid_t pid; /* -1 once it was waited for */
	int pid_fd;
	struct loop_io *io;
	struct loop_timer *timer;
	bool timed_out;
	void (*done)(void *ctx, int status, const char *why);
	void *ctx;
};

static int split(char *text, char *ret[MAX_WORDS + 1], struct err *e)
{
	char *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(text, " \t", &save); w != NULL;
	     w = strtok_r(NULL, " \t", &save)) {
		if (n == MAX_WORDS)
			return err_set(e, ERR_CONFIG, "more than %d words", MAX_WORDS);
		ret[n++] = w;
	}
	ret[n] = NULL;
	return n > 0 ? 0 : err_set(e, ERR_CONFIG, "no words");
}

/* Signals as a program expects them, whatever this one does with its own. 0, or an
 * errno. */
static int set_attributes(posix_spawnattr_t *attr)
{
	const short flags =
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, defaults;
	int failed;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	failed = posix_spawnattr_setpgroup(attr, 0);
	if (failed == 0)
		failed = posix_spawnattr_setsigmask(attr, &none);
	if (failed == 0)
		failed = posix_spawnattr_setsigdefault(attr, &defaults);
	return failed != 0 ? failed : posix_spawnattr_setflags(attr, flags);
}

static int spawn(const char *text, pid_t *ret, struct err *e)
{
	AUTO_FREE char *words = strdup(text);
	char *argv[MAX_WORDS + 1];
	posix_spawnattr_t attr;
	int failed;

	if (words == NULL || posix_spawnattr_init(&attr) != 0)
		return err_nomem(e);
	if (split(words, argv, e) < 0) {
		(void)posix_spawnattr_destroy(&attr);
		return -1;
	}
	failed = set_attributes(&attr);
	if (failed == 0)
		failed = posix_spawnp(ret, argv[0], NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	if (failed == 0)
		return 0;
	errno = failed;
	return err_sys(e, "does not start");
}

static void tell(struct command *c, int status)
{
	char why[64];

	if (c->timed_out)
		c->done(c->ctx, -1, "timed out");
	else if (WIFEXITED(status))
		c->done(c->ctx, WEXITSTATUS(status), NULL);
	else {
		(void)snprintf(why, sizeof(why), "was killed by signal %d",
			       WTERMSIG(status));
		c->done(c->ctx, -1, why);
	}
}

static void on_exit_fd(void *ctx, int what)
{
	struct command *c = ctx;
	int status = 0;

	(void)what;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = -1;
	loop_io_free(TAKE(c->io));
	loop_timer_set(c->timer, -1);
	tell(c, status); /* c may be gone */
}

static void on_timeout(void *ctx)
{
	struct command *c = ctx;

	c->timed_out = true;
	if (c->pid > 0)
		(void)kill(-c->pid, SIGKILL);
}

static int watch(struct command *c, struct loop *l, uint64_t timeout_ms, struct err *e)
{
	c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid_fd < 0)
		return err_sys(e, "watch a process");
	c->io = loop_io_new(l, c->pid_fd, on_exit_fd, c, e);
	c->timer = loop_timer_new(l, on_timeout, c, e);
	if (c->io == NULL || c->timer == NULL || loop_io_set(c->io, LOOP_READ, e) < 0)
		return -1;
	if (timeout_ms > 0)
		loop_timer_set(c->timer, (int64_t)timeout_ms);
	return 0;
}

struct command *command_new(struct loop *l, const char *text, uint64_t timeout_ms,
			    void (*done)(void *ctx, int status, const char *why),
			    void *ctx, struct err *e)
{
	struct command *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	*c = (struct command){.pid = -1, .pid_fd = -1, .done = done, .ctx = ctx};
	if (spawn(text, &c->pid, e) < 0 || watch(c, l, timeout_ms, e) < 0) {
		command_free(c);
		return NULL;
	}
	return c;
}

void command_free(struct command *c)
{
	if (c == NULL)
		return;
	if (c->pid > 0) {
		(void)kill(-c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	loop_io_free(c->io);
	loop_timer_free(c->timer);
	if (c->pid_fd >= 0)
		(void)close(c->pid_fd);
	free(c);
}
