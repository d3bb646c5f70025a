/* SPDX-License-Identifier: Apache-2.0 */
#include "../boot/boot_model.h"
#include "control.h"
#include "driver.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define WATCH_EVERY_MS 200

/* What the bootloader left is for this process alone: a health command that inherited
 * the watchdog could feed it. */
static void keep_from_children(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int agent_open_boot(const struct client_config *c, struct boot **ret, struct err *e)
{
	struct boot_params p = {.record_path = c->boot.record,
				.erase_size_bytes = c->boot.erase_size_bytes};

	if (boot_model_inherited(&p, e) < 0)
		return -1;
	keep_from_children(p.handover_fd);
	keep_from_children(p.watchdog_fd);
	return boot_open(c->boot.backend, &p, ret, e);
}

static void on_stop(void *ctx)
{
	loop_stop(ctx);
}

static int run_loop(struct loop *l, const struct log *log, struct err *e)
{
	struct loop_signal *term = loop_signal_new(l, SIGTERM, on_stop, l, e);
	struct loop_signal *interrupt =
	    term != NULL ? loop_signal_new(l, SIGINT, on_stop, l, e) : NULL;
	int result = interrupt != NULL ? loop_run(l, e) : -1;

	loop_signal_free(term);
	loop_signal_free(interrupt);
	log_info(log, "agent", "stops", NULL);
	return result;
}

int agent_run_program(const struct client_config *c, struct boot *boot,
		      const char *health_command, const struct log *log, struct err *e)
{
	const struct driver_spec spec = {
	    .config = c, .boot = boot, .health_command = health_command, .log = log};
	AUTO_PTR(driver) struct driver *d = NULL;
	AUTO_PTR(control) struct control *control = NULL;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a medium's limit is an error, not the end */
	d = driver_new(&spec, e);
	if (d == NULL)
		return -1;
	if (c->control_socket != NULL) {
		control = control_new(driver_loop(d), c->control_socket,
				      driver_agent(d), log, e);
		if (control == NULL)
			return -1;
	}
	if (agent_start(driver_agent(d), e) < 0)
		return -1;
	return run_loop(driver_loop(d), log, e);
}

/* ---- install FILE.ota ---- */

static void say(const char *text)
{
	(void)printf("%s\n", text);
	(void)fflush(stdout);
}

/* By this process: no agent runs. */

struct local {
	struct loop *loop;
	bool begun;
};

static void on_change(void *ctx, enum agent_state to)
{
	struct local *l = ctx;

	l->begun |= to == AGENT_REFRESHING;
	if (l->begun && (to == AGENT_REBOOTING || to == AGENT_IDLE))
		loop_stop(l->loop);
}

static int run_install(struct driver *d, const char *path, const struct log *log,
		       struct err *e)
{
	struct local l = {.loop = driver_loop(d)};
	struct dev *bundle;

	driver_watch(d, on_change, &l);
	if (agent_start(driver_agent(d), e) < 0 ||
	    dev_open_file(path, "bundle", 0, &bundle, e) < 0 ||
	    agent_install_bundle(driver_agent(d), bundle, e) < 0 ||
	    run_loop(l.loop, log, e) < 0)
		return -1;
	if (agent_state(driver_agent(d)) == AGENT_REBOOTING)
		return 0;
	if (agent_last_error(driver_agent(d))->code == ERR_NONE)
		return err_set(e, ERR_CANCELLED,
			       "interrupted; it goes on with the next try");
	if (e != NULL)
		*e = *agent_last_error(driver_agent(d));
	return -1;
}

static int install_here(const struct client_config *c, const char *path,
			const struct log *log, struct err *e)
{
	AUTO_PTR(boot) struct boot *boot = NULL;
	struct driver_spec spec = {.config = c, .log = log, .offline = true};
	AUTO_PTR(driver) struct driver *d = NULL;

	if (agent_open_boot(c, &boot, e) < 0)
		return -1;
	spec.boot = boot;
	d = driver_new(&spec, e);
	if (d == NULL || run_install(d, path, log, e) < 0)
		return -1;
	say("installed and armed: the device tries it when it next boots");
	return 0;
}

/* By the agent that runs. */

enum { STILL_AT_IT, ARMED, NOTHING_TO_DO };

static int read_state(const struct json *answer, const char **ret_state, struct err *e)
{
	const struct json *status;

	if (json_get_object(answer, "status", &status, e) < 0)
		return -1;
	return json_get_text(status, "state", ret_state, e);
}

/* An agent that ended an install without a fault had nothing to install. */
static int read_end(const struct json *answer, struct err *e)
{
	const struct json *status = json_get(answer, "status");
	const struct json *last = json_get(status, "last_error");
	const char *code = "internal", *text = "the agent does not say why";

	if (last == NULL) {
		say("the agent has nothing to do for it: ota-client status says what "
		    "runs");
		return NOTHING_TO_DO;
	}
	if ((json_opt_text(last, "code", &code, e) < 0 ||
	     json_opt_text(last, "text", &text, e) < 0))
		return -1;
	return err_set(e, control_code(code), "%s", text);
}

static bool is_one_of(const char *state, const enum agent_state *states, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(agent_state_name(states[i]), state) == 0)
			return true;
	}
	return false;
}

/* ARMED also if it is gone: it reboots. */
static int look(const char *socket, struct err *e)
{
	static const enum agent_state over[] = {AGENT_IDLE, AGENT_POLLING,
						AGENT_BACKING_OFF};
	static const enum agent_state armed[] = {AGENT_REBOOTING, AGENT_CHECKING};
	AUTO_PTR(json) struct json *answer = NULL;
	const char *state;
	struct err why = ERR_INIT;

	if (control_call(socket, "status", NULL, &answer, &why) < 0)
		return why.code == ERR_UNREACHABLE || why.code == ERR_IO
			   ? ARMED
			   : err_set(e, why.code, "%s", why.text);
	if (read_state(answer, &state, e) < 0)
		return -1;
	if (is_one_of(state, armed, N_ELEMS(armed)))
		return ARMED;
	return is_one_of(state, over, N_ELEMS(over)) ? read_end(answer, e)
						     : STILL_AT_IT;
}

static int watch_agent(const char *socket, struct err *e)
{
	const struct timespec pause = {.tv_nsec = WATCH_EVERY_MS * 1000000L};
	int done;

	while ((done = look(socket, e)) == STILL_AT_IT)
		(void)nanosleep(&pause, NULL);
	if (done == ARMED)
		say("installed and armed: the device reboots");
	return done < 0 ? -1 : 0;
}

int agent_install_program(const struct client_config *c, const char *bundle_path,
			  const struct log *log, struct err *e)
{
	AUTO_FREE char *path = realpath(bundle_path, NULL);
	struct err why = ERR_INIT;

	if (path == NULL)
		return err_sys(e, "%s", bundle_path);
	if (c->control_socket == NULL ||
	    (control_call(c->control_socket, "install", path, NULL, &why) < 0 &&
	     why.code == ERR_UNREACHABLE))
		return install_here(c, path, log, e);
	if (why.code != ERR_NONE)
		return err_set(e, why.code, "%s", why.text);
	return watch_agent(c->control_socket, e);
}
