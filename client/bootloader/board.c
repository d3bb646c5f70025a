/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../boot/boot_model.h"
#include "../boot/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MODULE "board"
#define QUICK_RESET_MS 1000 /* firmware that lived shorter resets "at once" */
#define FIRST_RESET_DELAY_MS 50

/* ---- the firmware's process ---------------------------------------------------- */

struct firmware {
	pid_t pid;
	int watchdog_fd; /* our end; -1 once firmware has closed its own */
	int64_t started_ms;
	int64_t fed_ms;
	int status; /* of waitpid() */
	bool ended;
};

static int64_t now_ms(void)
{
	return clock_mono_ms(&clock_system);
}

/* Lets fd live on in the program that is executed, and names it in the environment. */
static int leave(int fd, const char *variable)
{
	char text[16];
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0)
		return -1;
	if (text_format(text, sizeof(text), NULL, "%d", fd) < 0)
		return -1;
	return setenv(variable, text, 1);
}

static void take_null_as_input(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd > STDIN_FILENO) {
		(void)dup2(fd, STDIN_FILENO);
		(void)close(fd);
	}
}

/* In the child: becomes the firmware. A group of its own, so that a reset reaches all
 * of it; killed if the board is. */
__attribute__((noreturn)) static void become(const struct board *b, int firmware_fd,
					     int handover_fd, int watchdog_fd,
					     pid_t board_pid)
{
	char name[] = "firmware", option[] = "--config";
	char *path = b->config_path != NULL ? strdup(b->config_path) : NULL;
	char *argv[] = {name, path != NULL ? option : NULL, path, NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != board_pid)
		_exit(126);
	take_null_as_input();
	if (leave(handover_fd, MODEL_HANDOVER_ENV) < 0 ||
	    leave(watchdog_fd, MODEL_WATCHDOG_ENV) < 0)
		_exit(126);
	(void)fexecve(firmware_fd, argv, environ);
	_exit(127);
}

static int start(const struct board *b, const struct launch *l, struct firmware *ret,
		 struct err *e)
{
	AUTO_CLOSE int handover_fd = -1;
	AUTO_CLOSE int theirs = -1;
	AUTO_CLOSE int ours = -1;
	pid_t board_pid = getpid();
	int pair[2];

	if (handover_make_fd(&l->handover, &handover_fd, e) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make watchdog");
	ours = pair[0];
	theirs = pair[1];
	ret->pid = fork();
	if (ret->pid < 0)
		return err_sys(e, "start firmware");
	if (ret->pid == 0)
		become(b, l->firmware_fd, handover_fd, theirs, board_pid);
	/* Whoever of the two is first. */
	(void)setpgid(ret->pid, ret->pid);
	ret->watchdog_fd = TAKE_FD(ours);
	ret->started_ms = ret->fed_ms = now_ms();
	ret->ended = false;
	return 0;
}

/* Collects what has ended: the firmware, or a process that lost its parent to us. */
static void reap(struct firmware *f)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != f->pid)
			continue;
		f->status = status;
		f->ended = true;
	}
}

/* Kills the children that the kernel lists for us. */
static void kill_children(void)
{
	AUTO(buf) struct buf list = BUF_INIT(64 * 1024);
	AUTO_FREE char *text = NULL;
	char path[64], *at, *save = NULL;
	uint64_t pid;

	if (text_format(path, sizeof(path), NULL, "/proc/self/task/%d/children",
			(int)getpid()) < 0 ||
	    file_read(path, &list, NULL) < 0)
		return;
	text = buf_take(&list, NULL, NULL);
	for (at = text != NULL ? strtok_r(text, " ", &save) : NULL; at != NULL;
	     at = strtok_r(NULL, " ", &save))
		if (parse_u64(at, &pid, NULL) == 0)
			(void)kill((pid_t)pid, SIGKILL);
}

/* The reset line: nothing of the firmware runs afterwards. We are the subreaper: what
 * went into the background comes to us when its parent dies, and is killed in the next
 * round. */
static void reset(struct firmware *f)
{
	int status;
	pid_t pid;

	if (!f->ended)
		(void)kill(-f->pid, SIGKILL);
	do {
		kill_children();
		pid = waitpid(-1, &status, 0);
		if (pid == f->pid) {
			f->status = status;
			f->ended = true;
		}
	} while (pid > 0 || errno == EINTR);
	if (f->watchdog_fd >= 0)
		(void)close(f->watchdog_fd);
	f->watchdog_fd = -1;
}

/* ---- watching it --------------------------------------------------------------- */

enum end { END_RESET, END_STARVED, END_POWER_OFF };

static int make_signal_fd(struct err *e)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	fd = sigprocmask(SIG_BLOCK, &set, NULL) < 0
		 ? -1
		 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "watch signals");
	return fd;
}

/* True if one of the pending signals says power off. */
static bool power_off_wanted(int signal_fd)
{
	struct signalfd_siginfo info;
	bool off = false;

	while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		off = off || info.ssi_signo != SIGCHLD;
	return off;
}

static void take_food(struct firmware *f)
{
	char bytes[256];
	ssize_t n = recv(f->watchdog_fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		f->fed_ms = now_ms();
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	(void)close(f->watchdog_fd);
	f->watchdog_fd = -1;
}

/* Milliseconds until then, as poll() takes them. */
static int poll_time(int64_t until_ms)
{
	int64_t left = until_ms - now_ms();

	if (left <= 0)
		return 0;
	return left > 3600000 ? 3600000 : (int)left;
}

static enum end watch(const struct board *b, struct firmware *f, int signal_fd)
{
	for (;;) {
		int64_t starved_ms = f->fed_ms + (int64_t)b->watchdog_ms;
		struct pollfd fds[] = {
		    {.fd = signal_fd, .events = POLLIN},
		    {.fd = f->watchdog_fd, .events = POLLIN},
		};

		(void)poll(fds, N_ELEMS(fds), poll_time(starved_ms));
		if (power_off_wanted(signal_fd))
			return END_POWER_OFF;
		reap(f);
		if (f->ended)
			return END_RESET;
		if (f->watchdog_fd >= 0 && fds[1].revents != 0)
			take_food(f);
		if (now_ms() >= starved_ms &&
		    f->fed_ms + (int64_t)b->watchdog_ms <= starved_ms)
			return END_STARVED;
	}
}

/* ---- power-on to power-off ----------------------------------------------------- */

static void describe_end(const struct firmware *f, char *ret, size_t room)
{
	if (WIFEXITED(f->status))
		(void)snprintf(ret, room, "exit status %d", WEXITSTATUS(f->status));
	else
		(void)snprintf(ret, room, "killed by signal %d (%s)",
			       WTERMSIG(f->status), strsignal(WTERMSIG(f->status)));
}

static void log_jump(const struct board *b, const struct handover *h)
{
	char letter[2] = {slot_letter(h->slot), '\0'}, tries[8], count[16],
	     id[2 * BOOT_ID_LEN + 1];

	(void)snprintf(tries, sizeof(tries), "%u", h->tries);
	(void)snprintf(count, sizeof(count), "%" PRIu32, h->boot_count);
	hex_encode(h->boot_id, BOOT_ID_LEN, id);
	log_info(b->log, MODULE, "jump", "slot", letter, "version", h->version,
		 "tries_left", tries, "boot", count, "boot_id", id, NULL);
}

static void log_end(const struct board *b, const struct firmware *f, enum end end)
{
	static const char *const messages[] = {
	    [END_RESET] = "reset: firmware ended",
	    [END_STARVED] = "reset: the watchdog was not fed",
	    [END_POWER_OFF] = "power off",
	};
	char how[64], lived[24];

	describe_end(f, how, sizeof(how));
	(void)snprintf(lived, sizeof(lived), "%" PRId64, now_ms() - f->started_ms);
	log_event(b->log, end == END_POWER_OFF ? LOG_INFO : LOG_WARN, MODULE,
		  messages[end], "how", how, "lived_ms", lived, NULL);
}

/* The record is closed again before firmware opens it. */
static int choose(const struct board *b, struct launch *ret, struct err *e)
{
	AUTO_PTR(boot) struct boot *boot = NULL;

	if (bootloader_open_boot(b->loader, &boot, e) < 0 ||
	    bootloader_boot(b->loader, boot, ret, e) < 0)
		return err_wrap(e, "halt");
	return 0;
}

/* One boot, from the bootloader's first step to the firmware's end. */
static int run_once(const struct board *b, int signal_fd, struct firmware *f,
		    enum end *ret_end, struct err *e)
{
	struct launch l;
	int started;

	if (choose(b, &l, e) < 0)
		return -1;
	started = start(b, &l, f, e);
	(void)close(l.firmware_fd);
	if (started < 0)
		return -1;
	log_jump(b, &l.handover);
	*ret_end = watch(b, f, signal_fd);
	reset(f);
	log_end(b, f, *ret_end);
	return 0;
}

/* Doubles with each reset that comes at once; 0 after a run of some length. */
static uint64_t next_delay(const struct board *b, const struct firmware *f,
			   uint64_t delay_ms)
{
	if (now_ms() - f->started_ms >= QUICK_RESET_MS)
		return 0;
	delay_ms = delay_ms == 0 ? FIRST_RESET_DELAY_MS : 2 * delay_ms;
	return delay_ms < b->reset_delay_max_ms ? delay_ms : b->reset_delay_max_ms;
}

/* True if the power went off meanwhile. */
static bool pause_before_reset(uint64_t delay_ms, int signal_fd)
{
	int64_t until_ms = now_ms() + (int64_t)delay_ms;
	struct pollfd fds = {.fd = signal_fd, .events = POLLIN};

	while (!power_off_wanted(signal_fd)) {
		if (now_ms() >= until_ms)
			return false;
		(void)poll(&fds, 1, poll_time(until_ms));
	}
	return true;
}

static int end_of_once(const struct firmware *f, enum end end, struct err *e)
{
	char how[64];

	if (end == END_POWER_OFF ||
	    (end == END_RESET && WIFEXITED(f->status) && WEXITSTATUS(f->status) == 0))
		return 0;
	describe_end(f, how, sizeof(how));
	return err_set(e, ERR_CONFLICT, "firmware ended: %s", how);
}

int board_run(const struct board *b, struct err *e)
{
	AUTO_CLOSE int signal_fd = make_signal_fd(e);
	struct firmware f = {.watchdog_fd = -1};
	uint64_t delay_ms = 0;
	enum end end;

	if (signal_fd < 0)
		return -1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(e, "become the reaper of what firmware starts");
	do {
		if (run_once(b, signal_fd, &f, &end, e) < 0)
			return -1;
		if (b->once)
			return end_of_once(&f, end, e);
		if (end == END_POWER_OFF)
			return 0;
		delay_ms = next_delay(b, &f, delay_ms);
	} while (!pause_before_reset(delay_ms, signal_fd));
	log_info(b->log, MODULE, "power off", NULL);
	return 0;
}
