/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: a state machine without I/O of its own.
 *
 * It is advanced by events (agent_on_*) and acts through ops: struct agent_ops for the
 * network, timers, media and health commands, struct boot_ops for the slot record,
 * struct tuf_store for files, struct clock for time. It never waits, does one medium
 * operation of at most 64 KiB an event, and has no mutable data outside of struct
 * agent. So the same object code runs on a device, in tests that script every answer,
 * and by the thousand in one process.
 *
 *              start: the running slot is GOOD
 *                 │
 *                 v         poll timer, ota:events
 *    ┌────────> IDLE ────────────────────────────────> POLLING ──────┐
 *    │            ^              nothing to do            │ │        │ not reached
 *    │            └───────────────────────────────────────┘ │        v
 *    │ cancelled, refused                a deployment       │   BACKING_OFF ──> POLLING
 *    ├────────────── REFRESHING <───────────────────────────┘        ^
 *    │ (bundle: from IDLE) │ metadata is trusted, names the manifest │
 *    ├────────────── FETCHING ───────────────────────────────────────┤ not reached,
 *    │                     │ manifest, descriptor, head are theirs   │ cut short:
 *    ├────────────── INSTALLING ─────────────────────────────────────┤ resumes later
 *    │                     │ every block is on the medium            │
 *    ├────────────── VERIFYING ──────────────────────────────────────┤
 *    │                     │ read back as signed: WRITTEN            │
 *    ├─ held ───────────┤                                            │
 *    │ <── ASKING: soft, held and offered again: may it be now?      │
 *    └────────────── ARMING ─────────────────────────────────────────┘
 *                          │ record: PENDING
 *                          v
 *                    REBOOTING ─── bootloader tries the slot ───> start
 *                          ^
 *    start: TRYING         │ record: BAD(reason)
 *      │              REJECTING
 *      v                   ^ a health command, server or confirm deadline
 *    CHECKING ─────────────┘
 *      │ healthy
 *      v
 *    CONFIRMING ── record: GOOD ──> IDLE, and success is reported
 *
 * Where a delta is offered it is tried first. If it fails, FETCHING goes on with the full
 * payload, also from INSTALLING and VERIFYING (delta.c).
 *
 * Held: the server says "skip" (a maintenance window that is not open, download-only), or
 * it is soft ("attempt") and the device has a command that says whether it may be
 * interrupted. The slot stays WRITTEN until it is offered without "skip"; a soft one, until
 * that command, asked in ASKING at each poll, exits with 0. Forced goes at once.
 *
 * While an update is under way the server is still polled, aside, so that a cancel is
 * noticed; that poll changes no state.
 *
 * What a restart in each state leads to, since nothing but the slot record, the
 * journal, the trusted metadata and memory.h survive:
 *
 *	IDLE, POLLING, BACKING_OFF	polls at once
 *	REFRESHING	what was verified is stored; the next refresh goes on from there
 *	FETCHING	what was verified is cached by its hash; the rest is fetched
 *			again
 *	INSTALLING	slot is WRITING: the server offers the deployment again, the
 *			journal says from which segment to go on
 *	VERIFYING	the same; the read-back begins anew
 *	ARMING		slot is WRITTEN or PENDING: armed when it is offered again, or as
 *			in REBOOTING
 *	ASKING		slot is WRITTEN: it is held again, and asked again
 *	REBOOTING	slot is PENDING: the bootloader tries it. Where it booted the
 *			old slot all the same, the agent waits (BACKING_OFF, polling)
 *			and reboots again
 *	CHECKING	slot is TRYING: the bootloader counts another try; health from
 *			anew
 *	CONFIRMING	TRYING: as CHECKING; GOOD: the report is sent
 *	REJECTING	TRYING: as CHECKING; BAD: the other slot runs and reports the
 *			reason
 *
 * Reports are true: success is said only by an agent that runs in the slot, after the
 * record says GOOD, with the proof from the bootloader's hand-over; a failure is said
 * with its reason until the server acknowledged it (report.c).
 */
#ifndef OTA_AGENT_AGENT_H
#define OTA_AGENT_AGENT_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../../common/json/json.h"
#include "../../common/net/net.h"
#include "../../common/tuf/tuf.h"
#include "../install/install.h"
#include "schedule.h"

enum agent_state {
	AGENT_OFF = 0, /* before agent_start() */
	AGENT_IDLE,
	AGENT_POLLING,
	AGENT_ASKING,
	AGENT_REFRESHING,
	AGENT_FETCHING,
	AGENT_INSTALLING,
	AGENT_VERIFYING,
	AGENT_ARMING,
	AGENT_REBOOTING,
	AGENT_CHECKING,
	AGENT_CONFIRMING,
	AGENT_REJECTING,
	AGENT_BACKING_OFF,
	N_AGENT_STATES
};
const char *agent_state_name(enum agent_state s); /* "INSTALLING" */

/* One request at a time on each. */
enum agent_channel {
	AGENT_CALL,   /* poll, configData, deploymentBase, cancelAction */
	AGENT_FETCH,  /* metadata, manifest, descriptor, head, body */
	AGENT_REPORT, /* feedback */
	AGENT_EVENTS, /* the ota:events stream */
	N_AGENT_CHANNELS
};

enum agent_timer {
	AGENT_TIMER_POLL,
	AGENT_TIMER_STEP, /* the next piece of an install */
	AGENT_TIMER_REPORT,
	AGENT_TIMER_EVENTS,
	AGENT_TIMER_HEALTH,
	AGENT_TIMER_CONFIRM,
	AGENT_TIMER_WATCHDOG,
	AGENT_TIMER_REBOOT,
	N_AGENT_TIMERS
};

/* What the agent does; none of these waits, none calls back before it has returned. */
struct agent_ops {
	/* Starts r (its callbacks and ctx are not set); agent_on_head/data/end
	 * follow. */
	int (*http_start)(void *ctx, enum agent_channel ch, const struct net_request *r,
			  struct err *e);
	void (*http_pause)(void *ctx, enum agent_channel ch, bool paused);
	void (*http_cancel)(void *ctx,
			    enum agent_channel ch); /* nothing under way: nothing */
	/* One shot; again to re-arm, negative to disarm. agent_on_timer() follows. */
	void (*timer_set)(void *ctx, enum agent_timer t, int64_t after_ms);
	/* The media of a slot, writable, until target_close(). */
	int (*target_open)(void *ctx, unsigned slot, struct install_slot *ret,
			   struct dev **ret_journal, struct err *e);
	void (*target_close)(void *ctx);
	/* The media of the slot that runs, only to be read, after target_open() and until
	 * target_close(). NULL: no deltas. */
	int (*base_open)(void *ctx, unsigned slot, struct install_slot *ret,
			 struct err *e);
	/* A medium of so many bytes that holds nothing yet, likewise until
	 * target_close(). NULL: none. */
	int (*scratch_open)(void *ctx, uint64_t size, struct dev **ret, struct err *e);
	/* Runs a health command or the soft one; agent_on_command_end() follows, also
	 * after the timeout. One at a time. */
	int (*command_start)(void *ctx, const char *command, uint64_t timeout_ms,
			     struct err *e);
	void (*command_cancel)(void *ctx);
	uint32_t (*random)(void *ctx);			 /* for jitter only */
	void (*changed)(void *ctx, enum agent_state to); /* after each move, or NULL */
};

struct agent_spec {
	const struct agent_ops *ops;
	void *ctx;
	struct clock clock;
	const struct log *log; /* or NULL */
	struct boot *boot;
	bool without_handover;	/* go on where the bootloader left none, and do not
					 * reboot: an offline install from the command line */
	struct tuf_store trust; /* TUF metadata; root.json is there */
	struct tuf_store files; /* agent.json and what is cached */

	const char *agent_version;
	const char *product, *hardware;
	const struct boot_keys *boot_keys;

	/* The server; base NULL: a device without one. */
	const char *origin; /* "https://host:port": who gets the token */
	const char *base;   /* "<origin>/<tenant>/controller/v1/<id>" */
	const char *token;  /* TargetToken, or NULL */
	uint64_t poll_ms;   /* where the server says nothing */
	struct backoff backoff;
	uint64_t max_rate_bytes;     /* of the payload a second, 0: no limit */
	uint64_t max_payload_bytes;  /* of a body; 0: no limit but the medium */
	uint64_t max_install_ms;     /* of one attempt to fetch a body; 0: no limit */
	uint64_t delta_memory_bytes; /* that applying a delta may take; 0: no deltas */
	/* What unwrapped deltas may take; codecs NULL: there are to be none. */
	struct recode_means unwrap;
	bool delta_only; /* never the full payload of a server; bundles are taken */

	/* Exits with 0 if the device may be interrupted now, for a deployment that is
	 * soft; NULL: always. */
	const char *soft_command;
	uint64_t soft_timeout_ms;

	const char *const *health_commands;
	size_t n_health_commands;
	uint64_t settle_ms, health_timeout_ms, health_retries;
	uint64_t server_deadline_ms; /* 0: reaching the server is no part of health */
	uint64_t confirm_deadline_ms;
	uint64_t watchdog_ms;	  /* fed three times as often; 0: none */
	uint64_t reboot_delay_ms; /* at most, for the last report to go out */
};

struct agent;

/* Everything in spec is borrowed and outlives the agent. */
struct agent *agent_new(const struct agent_spec *spec, struct err *e) MUST_USE;
void agent_free(struct agent *a);
AUTO_PTR_DEFINE(agent)

/* Reads record, hand-over and memory, and enters the state they say. */
int agent_start(struct agent *a, struct err *e) MUST_USE;

/* Events. Data: -1 ends the call, and agent_on_end() follows with that error. */
int agent_on_head(struct agent *a, enum agent_channel ch, const struct net_head *h,
		  struct err *e) MUST_USE;
int agent_on_data(struct agent *a, enum agent_channel ch, const void *data, size_t len,
		  struct err *e) MUST_USE;
void agent_on_end(struct agent *a, enum agent_channel ch, const struct net_head *h,
		  const struct err *e);
void agent_on_timer(struct agent *a, enum agent_timer t);
/* status: the exit status, or -1 with `why` ("timed out", "killed by signal 11"). */
void agent_on_command_end(struct agent *a, int status, const char *why);

/* Orders. ERR_CONFLICT where the state does not allow it. */
int agent_poll_now(struct agent *a, struct err *e) MUST_USE;
/* What the device's user says of the deployment that waits for consent; told at once.
 * ERR_CONFLICT if none does. */
int agent_consent(struct agent *a, bool confirmed, struct err *e) MUST_USE;
/* Installs a .ota bundle through the same verification. bundle is the agent's from here
 * on, also on failure. What is wrong with its metadata is said at once, the rest in
 * agent_status(). */
int agent_install_bundle(struct agent *a, struct dev *bundle, struct err *e) MUST_USE;

enum agent_state agent_state(const struct agent *a);
/* For `ota-client status --json`: docs/OPERATIONS.md lists the members. */
struct json *agent_status(const struct agent *a, struct err *e) MUST_USE;
/* Of the latest attempt that ended without success; ERR_NONE if there was none. */
const struct err *agent_last_error(const struct agent *a);

#endif
