/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command of ota: X(function, options, name, operands, fewest, most, help). The
 * declarations in ota.h and the table in main.c are made of it; test_openapi holds the
 * routes of the server against it.
 */
#ifndef OTA_TOOLS_COMMANDS_H
#define OTA_TOOLS_COMMANDS_H

/* clang-format off */
#define OTA_COMMANDS(X) \
	X(keys_init, keys_init_options, "keys init", "DIR", 1, 1, \
	  "Make the offline keys, the first root and an empty list of releases") \
	X(keys_show, no_options, "keys show", "DIR", 1, 1, \
	  "Show what a key directory holds") \
	X(keys_online, keys_online_options, "keys online", "", 0, 0, \
	  "Print the server's own public keys, for ota keys init --online") \
	X(keys_rotate, keys_rotate_options, "keys rotate", "DIR", 1, 1, \
	  "Make a new root key, and the root that old and new key sign") \
	X(keys_push, keys_push_options, "keys push", "DIR", 1, 1, \
	  "Send the roots that the server does not have yet") \
	X(bundle_create, bundle_create_options, "bundle create", "BUNDLE", 1, 1, \
	  "Make an unsigned bundle from images") \
	X(bundle_info, no_options, "bundle info", "BUNDLE", 1, 1, \
	  "Show what is in a bundle") \
	X(bundle_verify, bundle_verify_options, "bundle verify", "BUNDLE", 1, 1, \
	  "Check a bundle and say who vouches for it") \
	X(delta_list, delta_list_options, "delta list", "", 0, 0, \
	  "List the deltas that the server made, makes and will make") \
	X(delta_make, delta_make_options, "delta make", "OLD NEW PATCH", 3, 3, \
	  "Make what leads from one image to another; it is applied and compared first") \
	X(delta_apply, delta_apply_options, "delta apply", "OLD PATCH OUT", 3, 3, \
	  "Make the new image, by the decoder that devices have") \
	X(delta_info, no_options, "delta info", "PATCH", 1, 1, \
	  "Show what a delta is made of") \
	X(release_sign, release_sign_options, "release sign", "BUNDLE", 1, 1, \
	  "Sign a release with the offline key") \
	X(release_push, release_push_options, "release push", "BUNDLE", 1, 1, \
	  "Send a signed release to the server, going on where it was cut") \
	X(release_export, release_export_options, "release export", "BUNDLE OUT.ota", 2, 2, \
	  "Make the self-contained file for devices without a network") \
	X(release_list, server_options, "release list", "", 0, 0, \
	  "List the published releases") \
	X(release_withdraw, release_withdraw_options, "release withdraw", "RELEASE", 1, 1, \
	  "Offer a release to no device any more; its rollouts pause") \
	X(release_unlist, release_unlist_options, "release unlist", "PRODUCT VERSION", 2, 2, \
	  "Sign the list of releases without this one, with the offline key") \
	X(release_show, server_options, "release show", "RELEASE", 1, 1, \
	  "Show a release") \
	X(device_list, device_list_options, "device list", "", 0, 0, \
	  "List devices") \
	X(device_show, server_options, "device show", "DEVICE", 1, 1, \
	  "Show a device and its slots") \
	X(device_add, device_add_options, "device add", "[DEVICE]", 0, 1, \
	  "Register devices; their tokens are shown once") \
	X(device_token, server_options, "device token", "DEVICE", 1, 1, \
	  "Give a device a new token; the old one ends") \
	X(device_why, server_options, "device why", "DEVICE", 1, 1, \
	  "Say why a device is not updating") \
	X(device_history, server_options, "device history", "DEVICE", 1, 1, \
	  "List what a device was given, newest first") \
	X(device_assign, device_assign_options, "device assign", "[DEVICE] RELEASE", 1, 2, \
	  "Give a device, or all that match, a release") \
	X(device_cancel, device_end_options, "device cancel", "[DEVICE]", 0, 1, \
	  "Ask a device, or all that match, to give up what they are at") \
	X(device_delete, device_end_options, "device delete", "[DEVICE]", 0, 1, \
	  "Remove a device, or all that match; their tokens end") \
	X(device_set, device_set_options, "device set", "DEVICE", 1, 1, \
	  "Say a device's name, site and attributes") \
	X(device_tag, device_change_options, "device tag", "TAG [DEVICE]", 1, 2, \
	  "Give a device, or all that match, a tag") \
	X(device_untag, device_change_options, "device untag", "TAG [DEVICE]", 1, 2, \
	  "Take a tag off a device, or off all that match") \
	X(device_pin, device_pin_options, "device pin", "[DEVICE]", 0, 1, \
	  "Keep a device, or all that match, at what they run or at a release") \
	X(device_unpin, device_change_options, "device unpin", "[DEVICE]", 0, 1, \
	  "Let a device, or all that match, go with the fleet again") \
	X(group_create, group_create_options, "group create", "GROUP", 1, 1, \
	  "Make a group") \
	X(group_list, server_options, "group list", "", 0, 0, \
	  "List groups") \
	X(group_show, server_options, "group show", "GROUP", 1, 1, \
	  "Show a group and how many devices are in it") \
	X(group_set, group_set_options, "group set", "GROUP", 1, 1, \
	  "Say what a group is for, or another filter") \
	X(group_add, group_members_options, "group add", "GROUP [DEVICE...]", 1, 1000, \
	  "Put devices, or all that match, into a group whose members are listed") \
	X(group_remove, group_members_options, "group remove", "GROUP [DEVICE...]", 1, 1000, \
	  "Take devices, or all that match, out of such a group") \
	X(group_delete, server_options, "group delete", "GROUP", 1, 1, \
	  "Remove a group; its devices stay") \
	X(product_list, server_options, "product list", "", 0, 0, \
	  "List products") \
	X(product_show, server_options, "product show", "PRODUCT", 1, 1, \
	  "Show a product") \
	X(product_delete, server_options, "product delete", "PRODUCT", 1, 1, \
	  "Forget what was said of a product; its devices stay") \
	X(product_set, product_set_options, "product set", "PRODUCT", 1, 1, \
	  "Describe a product") \
	X(fleet_versions, fleet_versions_options, "fleet versions", "", 0, 0, \
	  "Show how many devices run which version") \
	X(fleet_history, fleet_history_options, "fleet history", "", 0, 0, \
	  "Show how many devices ran which version over time") \
	X(fleet_failures, fleet_failures_options, "fleet failures", "", 0, 0, \
	  "Show what went wrong, by what it has in common") \
	X(job_list, server_options, "job list", "", 0, 0, \
	  "List jobs") \
	X(job_show, server_options, "job show", "JOB", 1, 1, \
	  "Show how far a job is") \
	X(job_cancel, server_options, "job cancel", "JOB", 1, 1, \
	  "Stop a job; what it changed stays") \
	X(deployment_list, deployment_list_options, "deployment list", "", 0, 0, \
	  "List deployments") \
	X(deployment_show, server_options, "deployment show", "DEPLOYMENT", 1, 1, \
	  "Show a deployment") \
	X(deployment_cancel, deployment_cancel_options, "deployment cancel", "DEPLOYMENT", 1, 1, \
	  "Ask the device to give a deployment up") \
	X(rollout_create, rollout_create_options, "rollout create", "[PLAN.json]", 0, 1, \
	  "Make a rollout, from a file or from options") \
	X(rollout_change, server_options, "rollout change", "ROLLOUT PLAN.json", 2, 2, \
	  "Give a draft another plan, whole") \
	X(rollout_list, rollout_list_options, "rollout list", "", 0, 0, \
	  "List rollouts, newest first") \
	X(rollout_show, rollout_show_options, "rollout show", "ROLLOUT", 1, 1, \
	  "Show how far a rollout is, wave by wave") \
	X(rollout_preview, server_options, "rollout preview", "ROLLOUT", 1, 1, \
	  "Show what it would do: devices and bytes by wave, and who is left out") \
	X(rollout_why, server_options, "rollout why", "ROLLOUT", 1, 1, \
	  "Show what was decided, by whom and why") \
	X(rollout_members, rollout_members_options, "rollout members", "ROLLOUT", 1, 1, \
	  "List its devices, each with its wave and how far it is") \
	X(rollout_evidence, server_options, "rollout evidence", "ROLLOUT", 1, 1, \
	  "Show how the evidence of its health gate grew") \
	X(rollout_delete, server_options, "rollout delete", "ROLLOUT", 1, 1, \
	  "Remove a draft") \
	X(rollout_start, rollout_act_options, "rollout start", "ROLLOUT", 1, 1, \
	  "Start a draft") \
	X(rollout_approve, rollout_approve_options, "rollout approve", "ROLLOUT", 1, 1, \
	  "Approve somebody else's rollout, or a wave") \
	X(rollout_pause, rollout_act_options, "rollout pause", "ROLLOUT", 1, 1, \
	  "Offer it to no further device; what runs goes on") \
	X(rollout_resume, rollout_act_options, "rollout resume", "ROLLOUT", 1, 1, \
	  "Go on after a pause") \
	X(rollout_stop, rollout_stop_options, "rollout stop", "ROLLOUT", 1, 1, \
	  "End it for good") \
	X(rollout_rollback, rollout_rollback_options, "rollout rollback", "ROLLOUT", 1, 1, \
	  "Stop it and give its devices the previous release") \
	X(audit_list, audit_list_options, "audit list", "", 0, 0, \
	  "Who changed what, newest first") \
	X(audit_verify, audit_verify_options, "audit verify", "", 0, 0, \
	  "Hash every entry anew, and hold the log against checkpoints that you kept") \
	X(webhook_add, webhook_add_options, "webhook add", "URL", 1, 1, \
	  "Tell this https:// address of events from now on") \
	X(webhook_set, webhook_set_options, "webhook set", "ID", 1, 1, \
	  "Give it another address or other events") \
	X(webhook_list, server_options, "webhook list", "", 0, 0, \
	  "All webhooks") \
	X(webhook_show, server_options, "webhook show", "ID", 1, 1, \
	  "One webhook") \
	X(webhook_deliveries, server_options, "webhook deliveries", "ID", 1, 1, \
	  "What was sent to it and what it answered") \
	X(webhook_replay, server_options, "webhook replay", "ID DELIVERY", 2, 2, \
	  "Send the event of a delivery once more") \
	X(webhook_resume, server_options, "webhook resume", "ID", 1, 1, \
	  "Go on with one that was given up, or do not wait any longer") \
	X(webhook_pause, server_options, "webhook pause", "ID", 1, 1, \
	  "Send it nothing until ota webhook resume; its events wait") \
	X(webhook_delete, server_options, "webhook delete", "ID", 1, 1, \
	  "Delete it and its deliveries") \
	X(freeze, freeze_options, "freeze", "", 0, 0, \
	  "Show no device anything new until ota thaw; without --reason say whether it is so") \
	X(thaw, thaw_options, "thaw", "", 0, 0, \
	  "End the freeze") \
	X(events_follow, events_options, "events", "", 0, 0, \
	  "Print what happens, as it happens, until interrupted") \
	X(session_begin, login_options, "login", "", 0, 0, \
	  "Log in to a server as a person; what is not said is asked") \
	X(session_end, logout_options, "logout", "", 0, 0, \
	  "End the session of ota login") \
	X(session_list, session_list_options, "session list", "", 0, 0, \
	  "List who is logged in where") \
	X(session_revoke, server_options, "session revoke", "ID", 1, 1, \
	  "End a session at once") \
	X(session_confirm, session_confirm_options, "session confirm", "", 0, 0, \
	  "Show the password again, for what asks for it") \
	X(session_password, session_password_options, "session password", "", 0, 0, \
	  "Change your own password; your other sessions end") \
	X(user_list, server_options, "user list", "", 0, 0, \
	  "List users") \
	X(user_show, server_options, "user show", "NAME", 1, 1, \
	  "Show a user") \
	X(user_add, user_add_options, "user add", "NAME", 1, 1, \
	  "Add a user with a password") \
	X(user_set, user_set_options, "user set", "NAME", 1, 1, \
	  "Give a user another role or password; their sessions end") \
	X(user_disable, server_options, "user disable", "NAME", 1, 1, \
	  "Let a user in no more; their sessions end") \
	X(user_enable, server_options, "user enable", "NAME", 1, 1, \
	  "Let a user in again") \
	X(user_remove, server_options, "user remove", "NAME", 1, 1, \
	  "Remove a user") \
	X(token_list, server_options, "token list", "", 0, 0, \
	  "List API tokens") \
	X(token_create, token_create_options, "token create", "NAME", 1, 1, \
	  "Make an API token; it is shown once") \
	X(token_revoke, server_options, "token revoke", "ID", 1, 1, \
	  "End an API token at once") \
	X(settings_show, server_options, "settings show", "", 0, 0, \
	  "Show what holds for the devices of this tenant") \
	X(settings_set, server_options, "settings set", "NAME=VALUE...", 1, 4, \
	  "Say poll-interval, target-tokens, gateway-tokens or plain-links for this tenant; default: as the server has it") \
	X(tenant_list, server_options, "tenant list", "", 0, 0, \
	  "List tenants") \
	X(tenant_add, tenant_add_options, "tenant add", "NAME", 1, 1, \
	  "Add a tenant") \
	X(tenant_limits, server_options, "tenant limits", "NAME LIMIT=N...", 2, 5, \
	  "Say what a tenant may have: devices, bytes, uploads, streams; none: no limit")
/* clang-format on */

#endif
