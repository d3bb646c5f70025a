/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define AT(member) offsetof(struct settings, member)

static const struct option common[] = {
    {"server", "data-dir", OPT_PATH, AT(data_dir), "/var/lib/ota-server", "DIR",
     "Keep database, artifacts, CA and online keys in this directory"},
    {"store", "url", OPT_TEXT, AT(store_url), NULL, "URL",
     "Keep everything but files in PostgreSQL (postgresql://USER@HOST/DATABASE) "
     "instead "
     "of a database in the data directory"},
    {"store", "allow-insecure", OPT_BOOL, AT(store_insecure), "no", NULL,
     "Take an sslmode in that URL that does not check whose database it is"},
    {"store", "readers", OPT_U64, AT(store_readers), "4", "N",
     "Read from PostgreSQL over so many connections, 32 at most"},
    OPTION_END,
};

static const struct option run_options[] = {
    {"store", "cache-mib", OPT_U64, AT(device_cache_mib), "256", "N",
     "Keep the devices that poll in so many MiB of memory, 300 bytes a device; 0: read "
     "them anew each time, as with PostgreSQL"},
    {"server", "name", OPT_TEXT, AT(name), "ota-server", "NAME", "Call this server so"},
    {"server", "demo", OPT_BOOL, AT(demo), "no", NULL,
     "Accept keys that carry the demo mark, and say so wherever the server says who it "
     "is"},
    {"server", "signer", OPT_PATH, AT(signer_program), NULL, "FILE",
     "Run this as the online signer instead of the one that was installed along"},
    {"delta", "make", OPT_BOOL, AT(deltas), "yes", NULL,
     "Make deltas between the releases that devices run and are to install"},
    {"delta", "maker", OPT_PATH, AT(maker_program), NULL, "FILE",
     "Run this as the maker of deltas instead of the one that was installed along"},
    {"delta", "memory", OPT_SIZE, AT(delta_memory), "4GiB", NULL,
     "A maker may take so much memory, about nine times an image; 0: no limit"},
    {"delta", "time", OPT_DURATION, AT(delta_ms), "1h", "TIME",
     "End a maker that takes longer"},
    {"delta", "look-every", OPT_DURATION, AT(delta_every_ms), "1m", "TIME",
     "Look so often for deltas that are wanted"},
    {"delta", "max-percent", OPT_U64, AT(delta_max_percent), "80", "N",
     "Keep no delta that is larger than so many percent of the full payload"},
    {"server", "keep-events", OPT_U64, AT(keep_events), "200000", "N",
     "Keep so many events for consoles that come back"},
    {"server", "keep-events-for", OPT_DURATION, AT(keep_events_ms), "90d", "TIME",
     "Drop events that are older, however few there are"},
    {"server", "keep-artifacts", OPT_DURATION, AT(keep_artifacts_ms), "30d", "TIME",
     "Drop an uploaded artifact that no release came to use for so long"},
    {"server", "keep-uploads", OPT_DURATION, AT(keep_uploads_ms), "7d", "TIME",
     "Drop an upload that nobody went on with for so long"},
    {"http", "listen", OPT_LIST, AT(listen), NULL, "ADDRESS:PORT",
     "Listen here; port 0 takes any free one (default 0.0.0.0:8443)"},
    {"http", "names", OPT_LIST, AT(names), NULL, "NAME",
     "A DNS name or address that devices call this server by, for its certificate"},
    {"http", "certificate", OPT_PATH, AT(certificate), NULL, "FILE",
     "Serve with this PEM chain instead of one by the server's own CA"},
    {"http", "key", OPT_PATH, AT(key), NULL, "FILE", "The key of that certificate"},
    {"http", "client-ca", OPT_PATH, AT(client_ca), NULL, "FILE",
     "Ask for client certificates and check them against these CAs"},
    {"http", "threads", OPT_U64, AT(threads), "2", "N", "Serve with so many threads"},
    {"http", "max-connections", OPT_U64, AT(max_connections), "20000", "N",
     "Answer 503 beyond so many connections"},
    {"http", "head-deadline", OPT_DURATION, AT(head_deadline_ms), "10s", "TIME",
     "A request's head must be there so soon after the connection"},
    {"http", "idle-timeout", OPT_DURATION, AT(idle_timeout_ms), "75s", "TIME",
     "Close a connection that is idle for so long"},
    {"http", "stop-deadline", OPT_DURATION, AT(stop_deadline_ms), "10s", "TIME",
     "Give requests under way so long when the server stops"},
    {"rollout", "settle", OPT_DURATION, AT(rollout_settle_ms), "200ms", "TIME",
     "Judge a rollout on the reports of so long together"},
    {"rollout", "join-interval", OPT_DURATION, AT(rollout_join_ms), "1m", "TIME",
     "Look for devices that join a running rollout late, or fit it no more, so often"},
    {"rollout", "retry-interval", OPT_DURATION, AT(rollout_retry_ms), "10s", "TIME",
     "Try so often to assign what another open deployment holds up"},
    {"device", "poll-interval", OPT_DURATION, AT(poll_interval_ms), "5m", "TIME",
     "Ask devices to poll so often"},
    {"device", "target-tokens", OPT_BOOL, AT(target_tokens), "yes", NULL,
     "Take Authorization: TargetToken, a device's own token"},
    {"device", "gateway-tokens", OPT_BOOL, AT(gateway_tokens), "no", NULL,
     "Take Authorization: GatewayToken: an API token of role gateway speaks for any "
     "device of its tenant, and makes those that are unknown"},
    {"device", "plain-links", OPT_TEXT, AT(plain_links), NULL, "http://HOST",
     "Let download-http links of other clients lead there, without TLS: their token "
     "and "
     "the files are anybody's to read on the way"},
    {"device", "max-streams", OPT_U64, AT(max_streams), "10000", "N",
     "Let so many devices listen for events at once; others poll"},
    {"metrics", "listen", OPT_LIST, AT(metrics_listen), NULL, "ADDRESS:PORT",
     "Serve GET /metrics here too, over TLS and without credentials: to whoever gets "
     "through (default nowhere)"},
    {"metrics", "every", OPT_DURATION, AT(watch_every_ms), "1m", "TIME",
     "Count the fleet, rollouts and what expires so often, for GET /metrics"},
    {"limits", "caller-rate", OPT_U64, AT(caller_rate), "200", "N",
     "Answer so many requests a second of one session or API token, others 429; 0: "
     "all"},
    {"limits", "caller-burst", OPT_U64, AT(caller_burst), "2000", "N",
     "Let a session or API token that was quiet call so often at once"},
    {"limits", "device-rate", OPT_U64, AT(device_rate), "10", "N",
     "Answer so many requests a second of one device, others 429; 0: all"},
    {"limits", "device-burst", OPT_U64, AT(device_burst), "200", "N",
     "Let a device that was quiet call so often at once"},
    {"limits", "report-rate", OPT_U64, AT(report_rate), "2", "N",
     "Store so many reports a second of one device that move nothing, and answer "
     "others "
     "429; 0: all"},
    {"limits", "report-burst", OPT_U64, AT(report_burst), "120", "N",
     "Store so many at once of a device that was quiet"},
    {"limits", "stranger-rate", OPT_U64, AT(stranger_rate), "50", "N",
     "Answer so many requests a second of one address without credentials; 0: all"},
    {"limits", "stranger-burst", OPT_U64, AT(stranger_burst), "500", "N",
     "Let an address that was quiet call so often at once"},
    {"console", "session-life", OPT_DURATION, AT(session_life_ms), "12h", "TIME",
     "A login lasts so long at most"},
    {"console", "session-idle", OPT_DURATION, AT(session_idle_ms), "2h", "TIME",
     "A login that nobody uses ends after so long"},
    {"console", "step-up", OPT_DURATION, AT(step_up_ms), "15m", "TIME",
     "Ask for the password once more for what needs it after so long"},
    {"repository", "timestamp-life", OPT_DURATION, AT(timestamp_life_ms), "7d", "TIME",
     "A timestamp is valid for so long; it is signed anew at half of it"},
    {"repository", "snapshot-life", OPT_DURATION, AT(snapshot_life_ms), "30d", "TIME",
     "A snapshot is valid for so long"},
    {"audit", "interval", OPT_DURATION, AT(audit_interval_ms), "1m", "TIME",
     "Sign the audit log's head so often, if it grew"},
    {"audit", "push-file", OPT_PATH, AT(audit_push_file), NULL, "FILE",
     "Append each checkpoint of the audit log to this file: put it where the server "
     "cannot rewrite it"},
    {"audit", "push-url", OPT_TEXT, AT(audit_push_url), NULL, "URL",
     "POST each checkpoint of the audit log to this https:// address"},
    {"audit", "ca-file", OPT_PATH, AT(audit_ca), "/etc/ssl/certs/ca-certificates.crt",
     "FILE", "These CAs vouch for that address"},
    {"webhook", "allow", OPT_LIST, AT(webhook_allow), NULL, "RANGE",
     "Webhooks may call addresses of this range (10.1.0.0/16) though it is not public"},
    {"webhook", "ca-file", OPT_PATH, AT(webhook_ca),
     "/etc/ssl/certs/ca-certificates.crt", "FILE",
     "These CAs vouch for the receivers of webhooks"},
    {"webhook", "timeout", OPT_DURATION, AT(webhook_timeout_ms), "15s", "TIME",
     "A receiver answers within so long"},
    {"webhook", "attempts", OPT_U64, AT(webhook_attempts), "12", "N",
     "Give a webhook up after so many attempts at one event"},
    {NULL, "ready-fd", OPT_U64, AT(ready_fd), NULL, "FD",
     "When ready, write {\"port\",\"urls\"} as a line to this descriptor"},
    OPTION_END,
};

#define OPTION_TENANT                                                                  \
	{                                                                              \
		NULL, "tenant", OPT_TEXT, AT(tenant), "default", "NAME",               \
		    "In this tenant"                                                   \
	}
#define OPTION_PASSPHRASE                                                              \
	{                                                                              \
		NULL, "passphrase-fd", OPT_TEXT, AT(passphrase_fd), NULL, "N",         \
		    "Read the password from this file descriptor instead of the "      \
		    "terminal"                                                         \
	}

static const struct option reset_options[] = {
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    {NULL, "url", OPT_TEXT, AT(url), NULL, "URL",
     "Make the login link for this address instead of the one the server listens on"},
    {NULL, "end-others", OPT_FLAG, AT(end_others), NULL, NULL,
     "End all earlier API tokens, login links and sessions of administrators"},
    OPTION_TENANT,
    OPTION_END,
};

static const struct option user_add_options[] = {
    {NULL, "role", OPT_TEXT, AT(role), "admin", "ROLE",
     "viewer, operator, release-manager or admin"},
    {NULL, "group", OPT_LIST, AT(groups), NULL, "NAME",
     "The role holds for the devices in this group only"},
    OPTION_PASSPHRASE,
    OPTION_TENANT,
    OPTION_END,
};

static const struct option user_reset_options[] = {
    OPTION_PASSPHRASE,
    OPTION_TENANT,
    OPTION_END,
};

static const struct option tenant_add_options[] = {
    {NULL, "max-devices", OPT_U64, AT(max_devices), "0", "N",
     "It may have so many devices; 0: any number"},
    {NULL, "max-bytes", OPT_U64, AT(max_bytes), "0", "N",
     "Its releases and uploads may take so many bytes; 0: any number"},
    {NULL, "max-uploads", OPT_U64, AT(max_uploads), "0", "N",
     "It may have so many uploads in flight; 0: any number"},
    {NULL, "max-streams", OPT_U64, AT(max_tenant_streams), "0", "N",
     "It may have so many event streams open; 0: any number"},
    OPTION_END,
};

static const struct option admin_options[] = {
    OPTION_TENANT,
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    {NULL, "url", OPT_TEXT, AT(url), NULL, "URL",
     "Make the login link for this address instead of the one the server listens on"},
    OPTION_END,
};

static const struct option accept_audit_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT",
     "Why the log is another one now: it becomes an entry"},
    {NULL, "tenant", OPT_TEXT, AT(audit_tenant), "default", "NAME", "Whose log it is"},
    OPTION_END,
};

static const struct option freeze_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT",
     "Tell everybody this as the reason"},
    {NULL, "cancel-running", OPT_FLAG, AT(cancel_running), NULL, NULL,
     "Also cancel what devices have been shown; otherwise they finish it"},
    OPTION_END,
};

static const struct option backup_options[] = {
    {NULL, "with-keys", OPT_FLAG, AT(with_keys), NULL, NULL,
     "Put the CA, the online keys and all else that is small into it too: then it is "
     "as "
     "secret as they are"},
    OPTION_END,
};

static const struct option doctor_options[] = {
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    {"server", "signer", OPT_PATH, AT(signer_program), NULL, "FILE",
     "Look for the online signer here"},
    {"http", "certificate", OPT_PATH, AT(certificate), NULL, "FILE",
     "Look at this certificate instead of the server's own"},
    OPTION_END,
};

static const struct command commands[] = {
    {"run", "", 0, 0, run_options,
     "Serve until SIGTERM; what happens without a command", command_run},
    {"doctor", "", 0, 0, doctor_options, "Say what is wrong and what to do",
     command_doctor},
    {"admin reset", "", 0, 0, reset_options,
     "Make a new administrator's API token and a one-time login link",
     command_admin_reset},
    {"admin login-link", "", 0, 0, admin_options, "Make a one-time login link",
     command_login_link},
    {"admin user-add", "NAME", 1, 1, user_add_options, "Add a user with a password",
     command_user_add},
    {"admin user-reset", "NAME", 1, 1, user_reset_options,
     "Give a user a new password, and let them in again", command_user_reset},
    {"admin tenant-add", "NAME", 1, 1, tenant_add_options, "Add a tenant",
     command_tenant_add},
    {"admin accept-audit", "", 0, 0, accept_audit_options,
     "After a restore: sign the audit log again, though it does not continue what was "
     "signed before",
     command_accept_audit},
    {"admin freeze", "", 0, 0, freeze_options,
     "Show no device anything new, also where the API cannot be reached",
     command_freeze},
    {"backup create", "FILE", 1, 1, backup_options,
     "Copy the database into one file, while the server runs", command_backup_create},
    {"backup restore", "FILE", 1, 1, NULL, "Lay a backup into an empty data directory",
     command_backup_restore},
    {"admin thaw", "", 0, 0, NULL, "End the freeze", command_thaw},
    {.name = NULL},
};

/* Without a command word the server runs: then "run" stands in front of the options. */
static bool names_a_command(int argc, char **argv)
{
	static const char *const own[] = {"--help", "--version", "--print-man",
					  "--print-completion", "--print-config"};

	if (argc < 2)
		return false;
	for (size_t i = 0; i < N_ELEMS(own); i++) {
		if (strcmp(argv[1], own[i]) == 0)
			return true;
	}
	return argv[1][0] != '-';
}

int main(int argc, char **argv)
{
	struct settings values = {.demo = false};
	AUTO_FREE char **longer = NULL;
	const struct program p = {
	    .name = "ota-server",
	    .summary = "Serve over-the-air updates to devices and a console to people",
	    .description = "Devices poll over the hawkBit device API; releases that a "
			   "release manager "
			   "signed offline are checked as a device would check them "
			   "before they are "
			   "published. The server holds no key that makes firmware.",
	    .options = common,
	    .commands = commands,
	    .values = &values,
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ,
		     SIG_IGN); /* a file at its limit is an error like a full disk */
	(void)umask(077);      /* what we keep is nobody else's to read */
	if (names_a_command(argc, argv))
		return program_main(&p, argc, argv);
	longer = calloc((size_t)argc + 2, sizeof(*longer));
	if (longer == NULL)
		return EXIT_FAILED;
	longer[0] = argv[0];
	longer[1] = (char[]){"run"};
	for (int i = 1; i < argc; i++)
		longer[i + 1] = argv[i];
	return program_main(&p, argc + 1, longer);
}
