/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include "../../client/program/program.h"

static int run(void *values, int n_operands, char **operands, const struct log *log,
	       struct err *e)
{
	const struct client_config *c = values;
	AUTO_PTR(boot) struct boot *b = NULL;
	struct handover ho;

	(void)n_operands;
	(void)operands;
	if (agent_open_boot(c, &b, e) < 0 || boot_handover(b, &ho, e) < 0)
		return -1;
	log_info(log, "firmware", "started", "variant", firmware.name, "version",
		 ho.version, NULL);
	if (firmware.run != NULL)
		return firmware.run(c, b, log, e);
	return agent_run_program(c, b, firmware.health_command, log, e);
}

int main(int argc, char **argv)
{
	static const struct command commands[] = {
	    {"", "", 0, 0, NULL, "Run as the firmware of a slot", run},
	    {.name = NULL},
	};
	struct client_config values = {0};
	const struct program program = {
	    .name = "firmware",
	    .summary = firmware.summary,
	    .description = "Firmware of a process device, started by ota-boot from a "
			   "slot. It contains the agent.",
	    .options = client_config_options,
	    .commands = commands,
	    .values = &values,
	};

	return program_main(&program, argc, argv);
}
