/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real agent on simulated media, with a server, a bootloader and a clock made for
 * tests. Time passes only when nothing else is to be done, so a day takes no longer
 * than a minute.
 */
#ifndef OTA_TESTS_AGENT_BENCH_H
#define OTA_TESTS_AGENT_BENCH_H

#include "../../client/agent/agent.h"
#include "device_bench.h"
#include "tuf_world.h"

#define BENCH_ORIGIN "https://server:1"
#define BENCH_BASE BENCH_ORIGIN "/default/controller/v1/dev1"
#define ID "100042"
#define FEEDBACK "/deploymentBase/" ID "/feedback "
#define SUCCESS "\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}"
#define FAILURE "\"execution\":\"closed\",\"result\":{\"finished\":\"failure\"}"

#define BENCH_TARGET "release/gateway/2.0.0.json"
#define BENCH_DELTA "delta/gateway/1.0.0-2.0.0"

enum bench_kind {
	FAULT_STATUS,	   /* this status, and an empty JSON object */
	FAULT_HTML,	   /* 200 and a log-in page */
	FAULT_UNREACHABLE, /* no answer at all */
	FAULT_CUT,	   /* the connection ends after `at` bytes */
	FAULT_FLIP,	   /* the byte at `at` of the whole file is changed */
	FAULT_NO_RANGE,	   /* 200 and the whole file, whatever was asked for */
};

/* What goes wrong with requests whose "METHOD URL" contains `match`. */
struct bench_fault {
	const char *match;
	enum bench_kind kind;
	int status;
	uint64_t retry_after_ms;
	uint64_t at;
	int times; /* so often; negative: always */
};

struct bench_call {
	bool active, paused, headed;
	char line[700]; /* "GET https://.." */
	char authorization[100];
	struct net_head head;
	const uint8_t *data;
	size_t len, sent, cut_at; /* cut_at: SIZE_MAX for none */
	uint8_t *owned;
	int64_t range_start;
	bool unreachable, silent; /* silent: an open event stream */
};

struct bench {
	struct device *d;
	struct world w;	    /* repository, and the trust store */
	struct files files; /* agent.json and the cache */
	int puts_left;	    /* of files: then the medium is full; negative: never */
	struct boot boot;   /* what the agent sees */
	struct boot *model; /* the record behind it */
	int stores_left;    /* of the record; negative: no limit */
	struct handover handover;
	struct agent_spec spec;
	struct agent *a;

	int64_t mono, utc;
	int64_t due[N_AGENT_TIMERS];
	struct bench_call calls[N_AGENT_CHANNELS];
	unsigned n_fed, n_reboots, turn;
	bool rebooted;
	bool target_open;

	/* the server */
	const char *deployment; /* id of the open one, or NULL */
	const char *cancel;	/* id of the one being cancelled, or NULL */
	const char *update;	/* "forced", "attempt" or "skip" */
	const char *download;	/* NULL: "forced" */
	const char *window;	/* NULL, or "unavailable" */
	const char *confirm;	/* id of the one that waits for consent, or NULL */
	bool wants_config, plain, offers_events;
	bool offers_delta; /* of bench_add_delta() */
	bool base_is_gone; /* the slot that runs cannot be opened */
	struct bench_fault faults[4];
	char heard[60000]; /* every feedback: "PATH BODY\n" */
	char asked[60000]; /* every request: "METHOD URL[ range]\n" */
	unsigned n_polls, n_configs;
	char config[4000]; /* the latest attributes */
	uint64_t n_body_bytes;
	bool closes; /* feedback that ends a deployment withdraws the offer */

	/* health commands */
	int statuses[8]; /* of each run in turn; then 0. -1: killed, -2: never ends */
	size_t n_runs;
	bool command_runs;
	char commands[400]; /* every command run, "a|b|" */
};

void bench_init(struct bench *b);
void bench_fini(struct bench *b);

/* A new life of the agent in the same boot; after bench_boot() in the next one. */
void bench_start(struct bench *b);
void bench_stop(struct bench *b);
/* What the bootloader does: chooses by the record, counts tries, hands over. The slot
 * booted. */
unsigned bench_boot(struct bench *b);

/* Lets events happen. Fails the test if that never leads to what is waited for. */
void bench_until(struct bench *b, enum agent_state s);
void bench_until_reboot(struct bench *b);
void bench_until_heard(struct bench *b, const char *text);
void bench_until_asked(struct bench *b, const char *text);
void bench_for(struct bench *b, int64_t ms);

struct slot_record bench_record(struct bench *b);
bool bench_heard(const struct bench *b, const char *text);
unsigned bench_count(const char *text, const char *what);

/* Fills in the answer to r (agent_bench_server.c); range is for the log. */
void bench_serve(struct bench *b, struct bench_call *c, const struct net_request *r,
		 const char *range);

/* A device with an offer waiting; one that was armed and has booted the new slot, on
 * trial. */
void bench_offer(struct bench *b);
void bench_arm(struct bench *b);

/* The server has a delta, listed by the online role (agent_bench_delta.c). */
void bench_add_delta(struct bench *b);
/* Signs the delta's head, as it is now, once more. */
void bench_list_delta(struct bench *b, uint64_t version);

/* The bundle that `ota release export` would make, as a medium; the agent closes it. */
struct dev *bench_bundle(struct bench *b, int64_t flip_at);

#endif
