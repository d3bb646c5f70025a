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
#include "commands.h"

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
	const char *url;
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
	uint64_t most, since_ms;
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

/* A command's function and its options; several commands may have the same options. */
#define X(function, options, name, operands, min, max, help)                           \
	RUN(function);                                                                 \
	extern const struct option options[];
OTA_COMMANDS(X)
#undef X

#endif
