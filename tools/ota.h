/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota, the operator's command line: noun, verb. One file a noun; what they share is
 * here.
 *
 * Every command is a struct command's run(): values is a struct ota. What people read
 * goes to standard output as a table or sentences, with --json as one JSON value;
 * progress bars go to standard error if that is a terminal.
 */
#ifndef OTA_TOOLS_OTA_H
#define OTA_TOOLS_OTA_H

#include "../common/base/option.h"

struct ota {
	/* of all commands */
	bool json;
	/* the server */
	const char *server_url;
	const char *ca_file;
	const char *token_file;
	const char *tenant;
	/* keys */
	const char *passphrase_fd; /* NULL: ask the terminal */
	bool demo;		   /* demo keys may be made and used */
	const char *keys_dir;
	const char *online_file;
	uint64_t root_lifetime_ms;
	uint64_t targets_lifetime_ms;
	/* a release */
	const char *product;
	struct option_list hardware;
	const char *version;
	uint64_t security_version;
	uint64_t raise_floor_to;
	const char *notes;
	const char *notes_file;
	struct option_list images; /* "name=path" */
	struct option_list files;  /* "path" or "part=path" */
	bool security_only;
	uint64_t boot_key_index;
	const char *targets_file;
	/* verification */
	const char *root_file;
	struct option_list boot_keys; /* files, by index */
	/* devices and deployments */
	const char *query;
	const char *csv_file;
	const char *name;
	const char *hardware_id;
	bool force;
	const char *kind, *force_at,
	    *not_before; /* of an assignment; times as RFC 3339 */
	bool consent;
	const char *device;
	const char *state;
	/* audit */
	const char *who, *action, *object, *from, *to;
	struct option_list checkpoints;
	const char *keep_file;
	const char *audit_key;
	/* webhooks */
	struct option_list events;
	/* freeze */
	const char *reason;
	bool cancel_running;
	/* people and tenants */
	const char *role, *user;
	struct option_list groups;
	bool new_password, forever;
	uint64_t token_life_ms;
	uint64_t max_devices, max_bytes, max_uploads, max_streams;
	/* rollouts */
	const char *release;
	const char *filter;
	const char *waves; /* "1%,10%,100%" */
	uint64_t deadline_ms, soak_ms;
	uint64_t approvals, wave;
	bool accept_reported;
	bool start, watch;
	bool below_security_version;
	/* deltas */
	const char *salt;
	uint64_t delta_memory;
	const char *unwrap; /* codecs, or "all" */
	uint64_t unwrap_memory, scratch;
	/* fleet */
	const char *sort, *about, *site, *support_ends;
	struct option_list attributes; /* "key=value" */
	bool csv, no_wait, behind, yes;
};

#define AT(member) offsetof(struct ota, member)

/* Tables of options that several commands have. */
#define OPTIONS_PASSPHRASE                                                             \
	{NULL,                                                                         \
	 "passphrase-fd",                                                              \
	 OPT_TEXT,                                                                     \
	 AT(passphrase_fd),                                                            \
	 NULL,                                                                         \
	 "N",                                                                          \
	 "Read the passphrase from this file descriptor instead of the terminal"},     \
	{                                                                              \
		NULL, "demo", OPT_FLAG, AT(demo), NULL, NULL,                          \
		    "Make or use demo keys: marked, without a passphrase, refused in " \
		    "production"                                                       \
	}

/* Two names of one option: --NAME and, in the file, KEY in [server]. */
#define OPTION_SERVER(name, key, type, member, fallback, value_name, help)             \
	{NULL, name, type, AT(member), fallback, value_name, help},                    \
	{                                                                              \
		"server", key, type, AT(member), NULL, value_name, help                \
	}

#define OPTIONS_SERVER                                                                 \
	OPTION_SERVER("server", "url", OPT_TEXT, server_url, NULL, "URL",              \
		      "The server's URL: https and, if need be, a port"),              \
	    OPTION_SERVER("ca", "ca", OPT_PATH, ca_file, NULL, NULL,                   \
			  "Whom to trust for its certificate"),                        \
	    OPTION_SERVER("token-file", "token-file", OPT_PATH, token_file, NULL,      \
			  NULL, "File with the API token"),                            \
	    OPTION_SERVER("tenant", "tenant", OPT_TEXT, tenant, "default", "NAME",     \
			  "Tenant")

#define RUN(name)                                                                      \
	int name(void *values, int n_operands, char **operands, const struct log *log, \
		 struct err *e)

RUN(keys_init);
RUN(keys_show);
RUN(keys_online);
RUN(keys_rotate);
RUN(keys_push);
RUN(bundle_create);
RUN(bundle_info);
RUN(bundle_verify);
RUN(delta_make);
RUN(delta_apply);
RUN(delta_info);
RUN(release_sign);
RUN(release_push);
RUN(release_export);
RUN(release_list);
RUN(release_withdraw);
RUN(release_unlist);
RUN(device_list);
RUN(device_show);
RUN(device_add);
RUN(device_token);
RUN(device_assign);
RUN(device_cancel);
RUN(device_delete);
RUN(device_set);
RUN(device_tag);
RUN(device_untag);
RUN(device_pin);
RUN(device_unpin);
RUN(job_show);
RUN(job_list);
RUN(job_cancel);
RUN(group_create);
RUN(group_list);
RUN(group_show);
RUN(group_delete);
RUN(group_add);
RUN(group_remove);
RUN(product_list);
RUN(product_set);
RUN(fleet_versions);
RUN(deployment_list);
RUN(deployment_show);
RUN(deployment_cancel);
RUN(audit_list);
RUN(audit_verify);
RUN(webhook_add);
RUN(webhook_list);
RUN(webhook_show);
RUN(webhook_deliveries);
RUN(webhook_replay);
RUN(webhook_resume);
RUN(webhook_delete);
RUN(rollout_create);
RUN(rollout_list);
RUN(rollout_show);
RUN(rollout_preview);
RUN(rollout_why);
RUN(rollout_start);
RUN(rollout_approve);
RUN(rollout_pause);
RUN(rollout_resume);
RUN(rollout_stop);
RUN(rollout_rollback);
RUN(device_why);
RUN(freeze);
RUN(thaw);
RUN(events_follow);
RUN(session_begin);
RUN(session_list);
RUN(session_revoke);
RUN(release_show);
RUN(group_set);
RUN(product_show);
RUN(product_delete);
RUN(rollout_members);
RUN(rollout_delete);
RUN(session_end);
RUN(user_list);
RUN(user_add);
RUN(user_set);
RUN(user_disable);
RUN(user_enable);
RUN(user_remove);
RUN(token_list);
RUN(token_create);
RUN(token_revoke);
RUN(tenant_list);
RUN(tenant_add);
RUN(settings_show);
RUN(settings_set);

extern const struct option keys_init_options[];
extern const struct option keys_online_options[];
extern const struct option keys_rotate_options[];
extern const struct option keys_push_options[];
extern const struct option bundle_create_options[];
extern const struct option bundle_verify_options[];
extern const struct option delta_make_options[];
extern const struct option delta_apply_options[];
extern const struct option release_sign_options[];
extern const struct option settings_options[];
extern const struct option release_withdraw_options[];
extern const struct option release_unlist_options[];
extern const struct option release_push_options[];
extern const struct option release_export_options[];
extern const struct option release_list_options[];
extern const struct option device_list_options[];
extern const struct option device_add_options[];
extern const struct option device_options[];
extern const struct option device_assign_options[];
extern const struct option device_end_options[];
extern const struct option login_options[];
extern const struct option rest_options[];
extern const struct option rollout_members_options[];
extern const struct option group_set_options[];
extern const struct option session_list_options[];
extern const struct option logout_options[];
extern const struct option device_set_options[];
extern const struct option device_change_options[];
extern const struct option device_pin_options[];
extern const struct option job_options[];
extern const struct option group_create_options[];
extern const struct option group_options[];
extern const struct option product_set_options[];
extern const struct option fleet_versions_options[];
extern const struct option deployment_list_options[];
extern const struct option deployment_options[];
extern const struct option audit_list_options[];
extern const struct option audit_verify_options[];
extern const struct option webhook_options[];
extern const struct option webhook_add_options[];
extern const struct option rollout_create_options[];
extern const struct option rollout_list_options[];
extern const struct option rollout_show_options[];
extern const struct option rollout_options[];
extern const struct option rollout_act_options[];
extern const struct option rollout_approve_options[];
extern const struct option rollout_stop_options[];
extern const struct option rollout_rollback_options[];
extern const struct option freeze_options[];
extern const struct option thaw_options[];
extern const struct option events_options[];
extern const struct option people_options[];
extern const struct option user_add_options[];
extern const struct option user_set_options[];
extern const struct option token_create_options[];
extern const struct option tenant_add_options[];

#endif
