/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"
#include "provision.h"

struct values {
	struct client_config device; /* first: client_config_options[] */
	const char *config_path;
	const char *provision;
	bool once;
};

static const struct option options[] = {
    {NULL, "once", OPT_FLAG, offsetof(struct values, once), NULL, NULL,
     "Boot once and end when the firmware does"},
    {NULL, "provision", OPT_PATH, offsetof(struct values, provision), NULL, "FILE",
     "Flash slot A like the factory: FILE is a bundle or a slot descriptor, the "
     "operands its images"},
    OPTION_END,
};

static int run_board(const struct values *v, const struct bootloader *loader,
		     const struct log *log, struct err *e)
{
	struct board board = {
	    .loader = loader,
	    .config_path = v->config_path,
	    .watchdog_ms = v->device.boot.watchdog_ms,
	    .reset_delay_max_ms = v->device.boot.reset_delay_max_ms,
	    .once = v->once,
	    .log = log,
	};

	if (board.watchdog_ms == 0)
		return err_set(e, ERR_CONFIG, "[boot] watchdog is 0s");
	return board_run(&board, e);
}

static int run(void *values, int n_operands, char **operands, const struct log *log,
	       struct err *e)
{
	const struct values *v = values;
	AUTO(factory) struct factory factory = {0};
	struct bootloader loader = {
	    .config = &v->device, .factory = &factory, .log = log};

	if (v->provision == NULL && n_operands > 0)
		return err_set(e, ERR_USAGE,
			       "\"%s\" is not expected here: images are named with "
			       "--provision only",
			       operands[0]);
	if (client_config_slots(&v->device, loader.slots, e) < 0 ||
	    factory_load(v->device.factory_dir, &factory, e) < 0)
		return -1;
	if (factory.demo)
		log_warn(log, "boot", "demo mode: demo keys are trusted", NULL);
	if (v->provision != NULL)
		return bootloader_provision(&loader, v->provision, operands,
					    (size_t)n_operands, e);
	return run_board(v, &loader, log, e);
}

int main(int argc, char **argv)
{
	static const struct command commands[] = {
	    {"", "[NAME=FILE..]", 0, MAX_IMAGES, options,
	     "Boot the device, until SIGTERM powers it off", run},
	    {.name = NULL},
	};
	struct values values = {0};
	const struct program program = {
	    .name = "ota-boot",
	    .summary = "A board with a verified A/B bootloader, as a process",
	    .description =
		"ota-boot is the power supply, the reset line, the watchdog and "
		"the bootloader of a device. It reads the slot record, verifies "
		"the chosen slot (descriptor, product, hardware, security floor, "
		"every image), counts the try, and starts the slot's firmware "
		"from a sealed copy in memory. Firmware that ends or does not feed "
		"the watchdog is reset. Exit status: 0 powered off, 1 failed, 2 "
		"usage or configuration, 3 halted because no slot verifies.",
	    .options = client_config_options,
	    .commands = commands,
	    .values = &values,
	    .ret_config = &values.config_path,
	};

	return program_main(&program, argc, argv);
}
