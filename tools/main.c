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
    {"keys online", "", 0, 0, keys_online_options,
     "Print the server's own public keys, for ota keys init --online", keys_online},
    {"bundle create", "BUNDLE", 1, 1, bundle_create_options,
     "Make an unsigned bundle from images", bundle_create},
    {"bundle info", "BUNDLE", 1, 1, NULL, "Show what is in a bundle", bundle_info},
    {"bundle verify", "BUNDLE", 1, 1, bundle_verify_options,
     "Check a bundle and say who vouches for it", bundle_verify},
    {"release sign", "BUNDLE", 1, 1, release_sign_options,
     "Sign a release with the offline key", release_sign},
    {"release push", "BUNDLE", 1, 1, release_push_options,
     "Send a signed release to the server, going on where it was cut", release_push},
    {"release export", "BUNDLE OUT.ota", 2, 2, release_export_options,
     "Make the self-contained file for devices without a network", release_export},
    {"release list", "", 0, 0, release_list_options, "List the published releases",
     release_list},
    {"device list", "", 0, 0, device_list_options, "List devices", device_list},
    {"device show", "DEVICE", 1, 1, device_options, "Show a device and its slots",
     device_show},
    {"device add", "[DEVICE]", 0, 1, device_add_options,
     "Register devices; their tokens are shown once", device_add},
    {"device token", "DEVICE", 1, 1, device_options,
     "Give a device a new token; the old one ends", device_token},
    {"device assign", "DEVICE RELEASE", 2, 2, device_assign_options,
     "Give a device a release", device_assign},
    {"deployment list", "", 0, 0, deployment_list_options, "List deployments",
     deployment_list},
    {"deployment show", "DEPLOYMENT", 1, 1, deployment_options, "Show a deployment",
     deployment_show},
    {"deployment cancel", "DEPLOYMENT", 1, 1, deployment_options,
     "Ask the device to give a deployment up", deployment_cancel},
    {"audit list", "", 0, 0, audit_list_options, "Who changed what, newest first",
     audit_list},
    {"audit verify", "", 0, 0, audit_verify_options,
     "Hash every entry anew, and hold the log against checkpoints that you kept",
     audit_verify},
    {"webhook add", "URL", 1, 1, webhook_add_options,
     "Tell this https:// address of events from now on", webhook_add},
    {"webhook list", "", 0, 0, webhook_options, "All webhooks", webhook_list},
    {"webhook show", "ID", 1, 1, webhook_options, "One webhook", webhook_show},
    {"webhook deliveries", "ID", 1, 1, webhook_options,
     "What was sent to it and what it answered", webhook_deliveries},
    {"webhook replay", "ID DELIVERY", 2, 2, webhook_options,
     "Send the event of a delivery once more", webhook_replay},
    {"webhook resume", "ID", 1, 1, webhook_options,
     "Go on with one that was given up, or do not wait any longer", webhook_resume},
    {"webhook delete", "ID", 1, 1, webhook_options, "Delete it and its deliveries",
     webhook_delete},
    {"freeze", "", 0, 0, freeze_options,
     "Show no device anything new until ota thaw; without --reason say whether it is "
     "so",
     freeze},
    {"thaw", "", 0, 0, thaw_options, "End the freeze", thaw},
    {"events", "", 0, 0, events_options,
     "Print what happens, as it happens, until interrupted", events_follow},
    {"user list", "", 0, 0, people_options, "List users", user_list},
    {"user add", "NAME", 1, 1, user_add_options, "Add a user with a password",
     user_add},
    {"user set", "NAME", 1, 1, user_set_options,
     "Give a user another role or password; their sessions end", user_set},
    {"user disable", "NAME", 1, 1, people_options,
     "Let a user in no more; their sessions end", user_disable},
    {"user enable", "NAME", 1, 1, people_options, "Let a user in again", user_enable},
    {"user remove", "NAME", 1, 1, people_options, "Remove a user", user_remove},
    {"token list", "", 0, 0, people_options, "List API tokens", token_list},
    {"token create", "NAME", 1, 1, token_create_options,
     "Make an API token; it is shown once", token_create},
    {"token revoke", "ID", 1, 1, people_options, "End an API token at once",
     token_revoke},
    {"tenant list", "", 0, 0, people_options, "List tenants", tenant_list},
    {"tenant add", "NAME", 1, 1, tenant_add_options, "Add a tenant", tenant_add},
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
