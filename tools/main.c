/* SPDX-License-Identifier: Apache-2.0 */
#include "ota.h"

static const struct option common[] = {
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    OPTION_END,
};

const struct option no_options[] = {
    OPTION_END,
};

const struct option server_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct command commands[] = {
#define X(function_, options_, name_, operands_, min_, max_, help_)                    \
	{.name = (name_),                                                              \
	 .operands = (operands_),                                                      \
	 .min_operands = (min_),                                                       \
	 .max_operands = (max_),                                                       \
	 .options = (options_),                                                        \
	 .help = (help_),                                                              \
	 .run = (function_)},
    OTA_COMMANDS(X)
#undef X
	{.name = NULL},
};

int main(int argc, char **argv)
{
	struct ota values = {0};
	const struct program p = {
	    .name = "ota",
	    .summary = "Make, sign and publish releases, and look after devices",
	    .description =
		"A release is made by ota bundle create, signed offline by ota release "
		"sign, sent to the server by ota release push and given to a device by "
		"ota device assign. The private keys of root, targets and boot never "
		"leave the machine where ota keys init made them.",
	    .options = common,
	    .commands = commands,
	    .values = &values,
	    .config_file = "~/.config/ota/ota.ini",
	};

	return program_main(&p, argc, argv);
}
