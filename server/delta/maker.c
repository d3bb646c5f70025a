/* SPDX-License-Identifier: Apache-2.0 */
#include "maker.h"

#include "../../common/base/buf.h"
#include "../../common/base/clock.h"
#include "../../common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD 3
#define ASK_EVERY_MS 1000

/* Its end of the pipe as CHILD_FD, stderr, and nothing else of ours. */
static int fill_actions(posix_spawn_file_actions_t *a, int pipe_fd)
{
	int code = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDWR, 0);

	if (code == 0)
		code = posix_spawn_file_actions_adddup2(a, 0, 1);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(a, pipe_fd, CHILD_FD);
	if (code == 0)
		code = posix_spawn_file_actions_addclosefrom_np(a, CHILD_FD + 1);
	return code;
}

static int fill_attr(posix_spawnattr_t *attr)
{
	sigset_t none;
	int code;

	(void)sigemptyset(&none);
	code = posix_spawnattr_setsigmask(attr, &none);
	if (code == 0)
		code = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
							  POSIX_SPAWN_SETPGROUP);
	return code;
}

static int spawn_with(char *const argv[], int pipe_fd, pid_t *ret, struct err *e)
{
	char *const empty[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int code;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return err_nomem(e);
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return err_nomem(e);
	}
	code = fill_actions(&actions, pipe_fd);
	if (code == 0)
		code = fill_attr(&attr);
	if (code == 0)
		code = posix_spawn(ret, argv[0], &actions, &attr, argv, empty);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	if (code == 0)
		return 0;
	errno = code;
	return err_sys(e, "start %s", argv[0]);
}

static int start(const struct maker_job *j, int pipe_fd, pid_t *ret, struct err *e)
{
	char memory[24];
	const char *const args[] = {
	    j->program,	  "--old-head", j->old_head,
	    "--old-body", j->old_body,	"--new-head",
	    j->new_head,  "--new-body", j->new_body,
	    "--head",	  j->head,	"--body",
	    j->body,	  "--memory",	memory,
	    "--fd",	  "3",		j->unwrap ? "--unwrap" : NULL,
	    NULL};
	char *argv[N_ELEMS(args)];

	(void)snprintf(memory, sizeof(memory), "%" PRIu64, j->max_memory);
	memcpy(argv, args, sizeof(args)); /* exec's signature has no const */
	return spawn_with(argv, pipe_fd, ret, e);
}

/* Until the end of the pipe, the time, or goes_on(). */
static int read_word(const struct maker_job *j, int fd, char ret[MAKER_TEXT_LEN],
		     struct err *e)
{
	int64_t deadline = clock_mono_ms(&clock_system) + (int64_t)j->max_ms;
	size_t len = 0;

	ret[0] = '\0';
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (clock_mono_ms(&clock_system) >= deadline)
			return err_set(e, ERR_TIMEOUT,
				       "it took longer than %" PRIu64
				       " s and was ended",
				       j->max_ms / 1000);
		if (j->goes_on != NULL && !j->goes_on(j->ctx))
			return err_set(e, ERR_CANCELLED, "it is not wanted any more");
		if (poll(&p, 1, ASK_EVERY_MS) <= 0)
			continue;
		n = read(fd, ret + len, MAKER_TEXT_LEN - 1 - len);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read from it");
		if (n == 0 || len == MAKER_TEXT_LEN - 1)
			return 0;
		len += n < 0 ? 0 : (size_t)n;
		ret[len] = '\0';
	}
}

/* Ends it if it has not; what it took. */
static uint64_t reap(pid_t pid)
{
	struct rusage u = {0};

	(void)kill(pid, SIGKILL);
	while (wait4(pid, NULL, 0, &u) < 0 && errno == EINTR)
		;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* "made", then its needs. */
static bool was_made(const char *word, char ret_needs[CAPABILITIES_MAX_LEN + 1])
{
	size_t n = sizeof(MAKER_MADE) - 1;

	if (strncmp(word, MAKER_MADE, n) != 0 || (word[n] != ' ' && word[n] != '\0'))
		return false;
	return text_copy(ret_needs, CAPABILITIES_MAX_LEN + 1,
			 word + n + (word[n] == ' '), "needs", NULL) == 0;
}

int maker_make(const struct maker_job *j, char ret_needs[CAPABILITIES_MAX_LEN + 1],
	       uint64_t *ret_cpu_ms, struct err *e)
{
	char word[MAKER_TEXT_LEN];
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	int ends[2], result;
	pid_t pid;

	*ret_cpu_ms = 0;
	ret_needs[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	ours = ends[0];
	/* dup2 of a descriptor onto itself would leave it close-on-exec. */
	theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, CHILD_FD + 1);
	(void)close(ends[1]);
	if (theirs < 0)
		return err_sys(e, "pipe");
	if (start(j, theirs, &pid, e) < 0)
		return -1;
	(void)close(TAKE_FD(theirs));
	result = read_word(j, ours, word, e);
	*ret_cpu_ms = reap(pid);
	if (result < 0)
		return -1;
	if (was_made(word, ret_needs))
		return 0;
	if (word[0] == '\0')
		return err_set(e, ERR_INTERNAL, "its maker ended without a word");
	return err_set(e, ERR_UNSUPPORTED, "%s", word);
}
