/* SPDX-License-Identifier: Apache-2.0 */
#include "program/control.h"
#include "program/doctor.h"
#include "program/program.h"

#include <string.h>

struct values {
	struct client_config device; /* first: client_config_options[] */
	bool json;
};

static int run(void *values, int n, char **operands, const struct log *log,
	       struct err *e)
{
	const struct values *v = values;
	AUTO_PTR(boot) struct boot *boot = NULL;

	(void)n;
	(void)operands;
	if (agent_open_boot(&v->device, &boot, e) < 0)
		return -1;
	return agent_run_program(&v->device, boot, NULL, log, e);
}

static int install(void *values, int n, char **operands, const struct log *log,
		   struct err *e)
{
	const struct values *v = values;

	(void)n;
	return agent_install_program(&v->device, operands[0], log, e);
}

static int need_socket(const struct values *v, struct err *e)
{
	if (v->device.control_socket != NULL)
		return 0;
	return err_set(e, ERR_CONFIG,
		       "[control] socket is missing: the agent cannot be asked");
}

static void print_slots(const struct json *status)
{
	const struct json *slots = json_get(status, "slots");

	for (size_t i = 0; slots != NULL && i < json_len(slots); i++) {
		const struct json *s = json_at(slots, i);

		(void)printf(
		    "slot %s %s %-8s %-20s %s\n", json_text(json_get(s, "name")),
		    json_is_true(json_get(s, "booted")) ? "*" : " ",
		    json_text(json_get(s, "state")), json_text(json_get(s, "version")),
		    json_text(json_get(s, "reason")));
	}
}

static void print_status(const struct json *status)
{
	const struct json *update = json_get(status, "update");
	const struct json *last = json_get(status, "last_error");
	const struct json *consent = json_get(status, "consent");

	(void)printf("state   %s\nversion %s\nserver  %s\n",
		     json_text(json_get(status, "state")),
		     json_text(json_get(status, "version")),
		     json_is_true(json_get(status, "server_reached")) ? "reached"
								      : "not reached");
	print_slots(status);
	if (update != NULL && json_int(json_get(update, "percent")) >= 0)
		(void)printf("update  %s, %lld %%\n",
			     json_text(json_get(update, "version")),
			     (long long)json_int(json_get(update, "percent")));
	if (consent != NULL)
		(void)printf("consent %s waits: ota-client confirm, or deny\n",
			     json_text(json_get(consent, "version")));
	if (last != NULL)
		(void)printf("error   %s\n", json_text(json_get(last, "text")));
}

static int status(void *values, int n, char **operands, const struct log *log,
		  struct err *e)
{
	const struct values *v = values;
	AUTO_PTR(json) struct json *answer = NULL;
	AUTO(buf) struct buf text = BUF_INIT(1u << 20);
	const struct json *s;

	(void)n;
	(void)operands;
	(void)log;
	if (need_socket(v, e) < 0 ||
	    control_call(v->device.control_socket, "status", NULL, &answer, e) < 0 ||
	    json_get_object(answer, "status", &s, e) < 0)
		return -1;
	if (!v->json) {
		print_status(s);
		return 0;
	}
	if (json_write_pretty(s, &text, e) < 0)
		return -1;
	(void)printf("%s\n", buf_str(&text));
	return 0;
}

static int tell_agent(const struct values *v, const char *command, struct err *e)
{
	if (need_socket(v, e) < 0)
		return -1;
	return control_call(v->device.control_socket, command, NULL, NULL, e);
}

static int poll_now(void *values, int n, char **operands, const struct log *log,
		    struct err *e)
{
	(void)n;
	(void)operands;
	(void)log;
	return tell_agent(values, "poll-now", e);
}

static int confirm(void *values, int n, char **operands, const struct log *log,
		   struct err *e)
{
	(void)n;
	(void)operands;
	(void)log;
	return tell_agent(values, "confirm", e);
}

static int deny(void *values, int n, char **operands, const struct log *log,
		struct err *e)
{
	(void)n;
	(void)operands;
	(void)log;
	return tell_agent(values, "deny", e);
}

static int doctor(void *values, int n, char **operands, const struct log *log,
		  struct err *e)
{
	const struct values *v = values;

	(void)n;
	(void)operands;
	(void)log;
	return doctor_run(&v->device, e);
}

int main(int argc, char **argv)
{
	static const struct option status_options[] = {
	    {NULL, "json", OPT_FLAG, offsetof(struct values, json), NULL, NULL,
	     "Print JSON"},
	    OPTION_END,
	};
	static const struct command commands[] = {
	    {"run", "", 0, 0, NULL, "Run the agent, until SIGTERM", run},
	    {"install", "FILE.ota", 1, 1, NULL,
	     "Install a bundle through the same verification as from the server",
	     install},
	    {"status", "", 0, 0, status_options, "Show what the agent does", status},
	    {"poll-now", "", 0, 0, NULL, "Let the agent ask the server now", poll_now},
	    {"confirm", "", 0, 0, NULL,
	     "Consent, for the device's user, to the deployment that waits for it",
	     confirm},
	    {"deny", "", 0, 0, NULL,
	     "Deny consent: the deployment goes on waiting, and nothing is installed",
	     deny},
	    {"doctor", "", 0, 0, NULL,
	     "Check everything the agent needs, and say the fix", doctor},
	    {.name = NULL},
	};
	struct values values = {0};
	const struct program program = {
	    .name = "ota-client",
	    .summary = "The agent: keeps a device's firmware up to date",
	    .description =
		"ota-client polls the update server, verifies what it offers with the "
		"keys the factory left, writes it to the slot that does not run, lets "
		"the "
		"bootloader try it, and keeps it only if it is healthy. Exit status: 0 "
		"done, 1 failed, 2 usage or configuration, 3 refused by verification, "
		"4 "
		"not reachable.",
	    .options = client_config_options,
	    .commands = commands,
	    .values = &values,
	    .config_file = "/etc/ota/ota-client.ini",
	};

	return program_main(&program, argc, argv);
}
