/* SPDX-License-Identifier: Apache-2.0 */
#include "ota.h"

static const struct option common[] = {
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    OPTION_END,
};

static const struct command commands[] = {
    {"keys init", "DIR", 1, 1, keys_init_options,
     "Make the offline keys, the first root and an empty list of releases", keys_init},
    {"keys show", "DIR", 1, 1, NULL, "Show what a key directory holds", keys_show},
    {"bundle create", "BUNDLE", 1, 1, bundle_create_options,
     "Make an unsigned bundle from images", bundle_create},
    {"bundle info", "BUNDLE", 1, 1, NULL, "Show what is in a bundle", bundle_info},
    {"bundle verify", "BUNDLE", 1, 1, bundle_verify_options,
     "Check a bundle and say who vouches for it", bundle_verify},
    {"release sign", "BUNDLE", 1, 1, release_sign_options,
     "Sign a release with the offline key", release_sign},
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
