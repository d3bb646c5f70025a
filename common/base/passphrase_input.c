/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase_input.h"

#include "file.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

/* One line, byte by byte: what follows on the descriptor is not ours. */
static int read_line(int fd, char ret[PASSPHRASE_INPUT_MAX_LEN + 1], struct err *e)
{
	size_t len = 0;

	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read passphrase");
		if (n == 0 || c == '\n')
			break;
		if (len == PASSPHRASE_INPUT_MAX_LEN)
			return err_set(e, ERR_LIMIT,
				       "the passphrase is longer than %d bytes",
				       PASSPHRASE_INPUT_MAX_LEN);
		ret[len++] = c;
	}
	ret[len] = '\0';
	return 0;
}

int passphrase_read_fd(const char *number, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
		       struct err *e)
{
	uint64_t fd;

	if (parse_u64(number, &fd, e) < 0 || fd > INT_MAX)
		return err_set(e, ERR_USAGE, "--passphrase-fd: \"%s\" is no descriptor",
			       number);
	if (read_line((int)fd, ret, e) < 0)
		return err_wrap(e, "--passphrase-fd %s", number);
	return 0;
}

/* Waits for the line to be typed; ERR_CANCELLED if a signal comes first. */
static int wait_for_line(int tty, int signals, struct err *e)
{
	struct pollfd fds[] = {{.fd = tty, .events = POLLIN},
			       {.fd = signals, .events = POLLIN}};

	while (poll(fds, N_ELEMS(fds), -1) < 0) {
		if (errno != EINTR)
			return err_sys(e, "terminal");
	}
	if (fds[1].revents != 0)
		return err_set(e, ERR_CANCELLED, "interrupted");
	return 0;
}

/* Silent before the question is put: what is typed early is not shown either. */
static int ask_silently(int tty, int signals, const char *question,
			char ret[PASSPHRASE_INPUT_MAX_LEN + 1], struct err *e)
{
	struct termios saved;
	struct termios silent;
	int result = -1;

	if (tcgetattr(tty, &saved) < 0)
		return err_sys(e, "terminal");
	silent = saved;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(tty, TCSAFLUSH, &silent) < 0)
		return err_sys(e, "terminal");
	if (fd_write_full(tty, question, strlen(question), e) == 0 &&
	    wait_for_line(tty, signals, e) == 0)
		result = read_line(tty, ret, e);
	if (tcsetattr(tty, TCSANOW, &saved) < 0 && result == 0)
		result = err_sys(e, "terminal");
	if (fd_write_full(tty, "\n", 1, result == 0 ? e : NULL) < 0)
		return -1;
	return result;
}

/* Signals that end a program are waited for beside the line, so that none of them
 * leaves the terminal without echo. */
int passphrase_ask(const char *question, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
		   struct err *e)
{
	AUTO_CLOSE int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	AUTO_CLOSE int signals = -1;
	sigset_t ending;
	sigset_t before;
	int result;

	if (tty < 0)
		return err_set(e, ERR_USAGE,
			       "there is no terminal to ask for the passphrase: use "
			       "--passphrase-fd");
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGHUP);
	(void)sigaddset(&ending, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &ending, &before) < 0)
		return err_sys(e, "signals");
	signals = signalfd(-1, &ending, SFD_CLOEXEC);
	result = signals < 0 ? err_sys(e, "signals")
			     : ask_silently(tty, signals, question, ret, e);
	if (sigprocmask(SIG_SETMASK, &before, NULL) < 0 && result == 0)
		result = err_sys(e, "signals");
	return result;
}

int passphrase_ask_twice(const char *question, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
			 struct err *e)
{
	char again[PASSPHRASE_INPUT_MAX_LEN + 1];
	bool same;

	if (passphrase_ask(question, ret, e) < 0 ||
	    passphrase_ask("The same again: ", again, e) < 0)
		return -1;
	same = strcmp(ret, again) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? 0 : err_set(e, ERR_USAGE, "the two passphrases differ");
}
