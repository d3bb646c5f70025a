/* SPDX-License-Identifier: Apache-2.0 */
/* The program ota-server: its configuration, its data directory, its commands. */
#ifndef OTA_SERVER_SERVER_H
#define OTA_SERVER_SERVER_H

#include "../common/base/log.h"
#include "../common/base/option.h"
#include "store/open.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct store;
struct metrics;
struct hub;
struct webhooks;
struct audit_log;

struct settings {
	const char *data_dir;
	const char *store_url; /* NULL: the file in the data directory */
	bool store_insecure;
	uint64_t store_readers;
	uint64_t device_cache_mib;
	const char *name;
	bool demo;
	const char *signer_program; /* NULL: beside ota-server, or in libexec */
	struct option_list listen;
	struct option_list names;
	const char *certificate, *key; /* an operator's own; both or none */
	const char *client_ca;
	uint64_t threads;
	uint64_t max_connections;
	uint64_t head_deadline_ms, idle_timeout_ms, stop_deadline_ms;
	uint64_t poll_interval_ms;
	const char *plain_links;
	uint64_t report_rate, report_burst;
	bool target_tokens, gateway_tokens;
	uint64_t max_streams;
	uint64_t watch_every_ms;
	struct option_list metrics_listen;
	uint64_t caller_rate, caller_burst;
	uint64_t device_rate, device_burst;
	uint64_t stranger_rate, stranger_burst;
	uint64_t session_life_ms, session_idle_ms, step_up_ms;
	uint64_t timestamp_life_ms, snapshot_life_ms;
	const char *maker_program; /* NULL: beside ota-server, or in libexec */
	bool deltas;
	uint64_t delta_memory, delta_ms, delta_every_ms, delta_max_percent;
	uint64_t keep_events, keep_events_ms, keep_uploads_ms, keep_artifacts_ms;
	/* audit */
	uint64_t audit_interval_ms;
	const char *audit_push_file, *audit_push_url, *audit_ca;
	const char *audit_tenant; /* of accept-audit */
	/* webhooks */
	struct option_list webhook_allow;
	const char *webhook_ca;
	uint64_t webhook_timeout_ms, webhook_attempts;
	uint64_t rollout_settle_ms, rollout_join_ms, rollout_retry_ms;
	bool with_keys;	   /* of a backup */
	uint64_t ready_fd; /* 0: none */
	bool json;
	const char *reason; /* of a freeze */
	bool cancel_running;
	/* people and tenants */
	const char *tenant, *role, *passphrase_fd;
	struct option_list groups;
	bool end_others;
	uint64_t max_devices, max_bytes, max_uploads, max_tenant_streams;
	const char *url; /* for login links; NULL: what the running server left */
};

/* Everything the server keeps is below one directory. */
struct data_dir {
	char root[PATH_MAX];	  /* also ca.key, ca.pem, server.pem of auth/ca.h */
	char database[PATH_MAX];  /* ota.db */
	char artifacts[PATH_MAX]; /* artifacts/ */
	char signer[PATH_MAX];	  /* signer/: the online keys */
	char tickets[PATH_MAX];	  /* tickets.key */
	char secrets[PATH_MAX]; /* secrets.key: what the database has is sealed with */
	char lock[PATH_MAX];	/* lock: held while a server runs */
	char demo[PATH_MAX];	/* demo: this directory was begun in demo mode */
	/* running.json: where the server that holds the lock listens */
	char running[PATH_MAX];
};

/* The paths; makes the directory (0700) if `make`. */
int data_dir_open(const struct settings *s, bool make, struct data_dir *ret,
		  struct err *e) MUST_USE;

/* Demo mode is for the life of a directory: ERR_CONFIG if it was begun in the other
 * one. */
int data_dir_check_demo(const struct data_dir *d, bool demo, struct err *e) MUST_USE;

/* The store of the settings; see store_open(). */
struct store *open_store(const struct settings *s, const struct data_dir *d,
			 enum store_opener who, const struct log *log,
			 struct err *e) MUST_USE;
/* The same for a command beside a server that may run; fills ret_dir. */
struct store *visit_store(const struct settings *s, struct data_dir *ret_dir,
			  const struct log *log, struct err *e) MUST_USE;
struct store_place store_place_of(const struct settings *s, const struct data_dir *d);

/* Where ota-signer is, and ota-delta-maker. */
int find_signer(const struct settings *s, char ret_path[PATH_MAX],
		struct err *e) MUST_USE;
int find_maker(const struct settings *s, char ret_path[PATH_MAX],
	       struct err *e) MUST_USE;

/* outbound.c: the parts that call others. NULL says why. */
struct audit_log *start_audit(const struct settings *s, const struct data_dir *d,
			      struct store *store, const struct log *log,
			      struct err *e) MUST_USE;
struct webhooks *start_webhooks(const struct settings *s, const struct data_dir *d,
				struct store *store, struct hub *hub,
				struct metrics *metrics, const struct log *log,
				struct err *e) MUST_USE;
/* As visit_store(), with a view of the tenant that --tenant names, which must be there.
 * Both are closed by the caller, the view first. */
int visit_tenant(const struct settings *s, struct data_dir *ret_dir,
		 const struct log *log, struct store **ret_whole,
		 struct store **ret_tenant, struct err *e) MUST_USE;

/* The commands, as struct command wants them. */
int command_run(void *values, int n, char **operands, const struct log *log,
		struct err *e);
int command_doctor(void *values, int n, char **operands, const struct log *log,
		   struct err *e);
int command_admin_reset(void *values, int n, char **operands, const struct log *log,
			struct err *e);
int command_user_add(void *values, int n, char **operands, const struct log *log,
		     struct err *e);
int command_user_reset(void *values, int n, char **operands, const struct log *log,
		       struct err *e);
int command_tenant_add(void *values, int n, char **operands, const struct log *log,
		       struct err *e);
int command_backup_create(void *values, int n, char **operands, const struct log *log,
			  struct err *e);
int command_backup_restore(void *values, int n, char **operands, const struct log *log,
			   struct err *e);
int command_login_link(void *values, int n, char **operands, const struct log *log,
		       struct err *e);

int command_accept_audit(void *values, int n, char **operands, const struct log *log,
			 struct err *e);
int command_freeze(void *values, int n, char **operands, const struct log *log,
		   struct err *e);
int command_thaw(void *values, int n, char **operands, const struct log *log,
		 struct err *e);

#endif
