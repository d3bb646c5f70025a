/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent's files share. agent.c has the machine, contact.c the poll, update.c
 * refresh to arming, delta.c the choice of payload, consent.c the user's, health.c the new slot, report.c feedback, stream.c the ota:events.
 * Private. */
#ifndef OTA_AGENT_INTERNAL_H
#define OTA_AGENT_INTERNAL_H

#include "../../common/ddi/ddi.h"
#include "../../common/format/bundle.h"
#include "agent.h"
#include "memory.h"

#define ANSWER_MAX_BYTES (64u * 1024)
#define CALL_TIMEOUT_MS 60000u

struct agent;

/* ---- one request on a channel ---- */

typedef void (*exchange_fn)(struct agent *a, const struct net_head *h,
			    const struct buf *body, const struct err *e);

struct exchange {
	bool active;
	struct buf body;  /* unless the channel streams */
	exchange_fn done; /* called once, when the exchange is over and idle again */
};

/* ---- the poll ---- */

struct contact {
	bool active;
	bool again;	     /* somebody wants another one right after it */
	bool retry;	     /* an update failed during this round: */
	uint64_t retry_ms;   /* the next round comes so soon after it */
	bool config_wanted;  /* attributes changed: put them unasked */
	bool told_config;    /* in this boot */
	uint32_t ack_events; /* record events that the attributes in flight tell of */
	unsigned failures;
	void (*consent_over)(struct agent *a); /* consent_look()'s */
	uint64_t sleep_ms;
	struct ddi_poll poll;				    /* the latest answer */
	char repository[DDI_URL_LEN], targets[DDI_URL_LEN]; /* as last offered */
};

/* ---- the update under way ---- */

enum fetch_what { FETCH_MANIFEST, FETCH_DESCRIPTOR, FETCH_HEAD, N_FETCHES };

struct update {
	char id[12]; /* of the deployment; "": from a bundle */
	bool hold;   /* to be written, and armed only when it is offered again */
	bool soft;   /* held because the device may be in use, not by the server */
	bool asking; /* the soft command runs */
	struct ddi_artifact artifact;
	struct tuf_client *tuf;
	struct effective_time time;
	bool seeking;
	struct tuf_target target;
	bool by_delta;		 /* the head and the body are a delta's */
	struct tuf_target delta; /* its head */
	enum fetch_what what;
	struct buf parts[N_FETCHES];
	struct manifest *manifest;
	uint8_t manifest_sha256[SHA256_LEN];
	bool target_is_open;
	struct install_slot media, base;
	struct dev *journal, *scratch;
	struct install *install;
	struct buf pending; /* of the body: received, not yet fed */
	bool paused, ended; /* of the body's exchange */
	uint64_t body_size;
	uint64_t skip;	    /* of this answer: bytes before body_at */
	uint64_t body_at;   /* where the body goes on (bundle: next byte to read) */
	struct err why;	    /* the body's exchange ended early */
	struct dev *bundle; /* source of an offline install, owned; else NULL */
	struct bundle table;
	int percent; /* last reported; -1: none */
	int64_t percent_at_ms;
};

/* ---- the consent of the device's user ---- */

struct consent {
	char id[12]; /* of the deployment that waits for it; "": none */
	char version[65];
	bool answered, confirmed; /* to be told at the next poll */
};

/* ---- health ---- */

struct health {
	size_t command;	  /* next to run */
	unsigned attempt; /* of it, from 1 */
	bool running;
	bool commands_done;
	bool reached; /* the server, in this boot */
	int64_t began_ms;
	bool overdue; /* past the confirm deadline: the watchdog is not fed */
	enum slot_reason reason;
	char detail[MEMORY_REASON_LEN];
};

/* ---- reports ---- */

struct report {
	char id[12];
	bool cancel;	      /* feedback of a cancelAction */
	bool ends_deployment; /* once acknowledged it may be forgotten */
	enum ddi_execution execution;
	enum ddi_finished finished;
	uint64_t cnt, of;
	char details[2][DDI_TEXT_LEN];
	size_t n_details;
	struct ddi_proof proof;
	uint32_t event_id;
	char delta[DDI_DELTA_NAME_LEN]; /* that it came by; "": by the full payload */
};

#define MAX_FINAL_REPORTS 4

struct reporter {
	/* in order; each stays until acknowledged */
	struct report finals[MAX_FINAL_REPORTS];
	size_t n_finals;
	struct report latest; /* progress: the newest one only, may be lost */
	bool has_latest;
	struct report next; /* came while latest was on its way */
	bool has_next;
	bool sending, sending_final;
	unsigned failures;
	uint64_t counter; /* of proofs; < memory.n_reports */
};

/* ---- the event stream ---- */

struct stream {
	bool active;
	unsigned failures;
	bool is_poll;  /* the event being read is `poll` */
	char line[64]; /* longer lines are cut: nothing long is of interest */
	size_t line_len;
};

struct agent {
	struct agent_spec spec;
	enum agent_state state;
	struct slot_record record; /* as stored */
	struct handover handover;  /* all zero if running is NO_SLOT */
	unsigned running;	   /* by the hand-over, or NO_SLOT */
	unsigned target;	   /* the slot an install goes to */
	struct memory memory;	   /* as stored */
	struct exchange exchanges[N_AGENT_CHANNELS];
	struct contact contact;
	struct consent consent;
	char held_id[12]; /* of the deployment that is written and waits; "": none */
	struct update update;
	unsigned attempts;	 /* of this deployment, without getting on */
	uint64_t best_blocks;	 /* the farthest that one of them came, for good */
	uint64_t retry_after_ms; /* what the latest answer asked for */
	unsigned altered;	 /* times that the body was not what was signed */
	char attempts_id[12];	 /* what these three are about */
	struct health health;
	struct reporter reporter;
	struct stream stream;
	struct err last_error;
	bool clock_from_system; /* at the latest refresh */
};

/* agent.c */
void agent_move(struct agent *a, enum agent_state to, const char *why);
bool agent_is_armed(const struct agent *a);
bool agent_is_updating(const struct agent *a); /* ASKING .. REBOOTING */
struct effective_time
agent_time(const struct agent *a); /* now, as far as it is known */
int agent_store_record(struct agent *a, const struct slot_record *r,
		       struct err *e) MUST_USE;
int agent_save(struct agent *a, struct err *e) MUST_USE; /* memory */
void agent_log_failure(struct agent *a, enum log_level level, const char *what,
		       const struct err *e);
void agent_timer(struct agent *a, enum agent_timer t, int64_t after_ms);
uint32_t agent_random(struct agent *a);
int64_t agent_mono(const struct agent *a);
/* Sends r on ch with the device's token where it may go; done is told the end.
 * ERR_CONFLICT while the channel is busy. extra: one more header, or NULL. */
int agent_request(struct agent *a, enum agent_channel ch, struct net_request *r,
		  const char *extra, size_t max_body, exchange_fn done,
		  struct err *e) MUST_USE;
int agent_get(struct agent *a, enum agent_channel ch, const char *url, size_t max_body,
	      exchange_fn done, struct err *e) MUST_USE;
void agent_drop(struct agent *a,
		enum agent_channel ch); /* cancels; done is not called */
/* A web page: whoever speaks is not the server, and means no status that it gives. */
bool agent_is_page(const struct net_head *h);
/* 0 for 200 and 206 that are no web page; else an error that fits the status. */
int agent_check_status(const struct net_head *h, const char *what,
		       struct err *e) MUST_USE;

/* contact.c */
void contact_start(struct agent *a);
void contact_soon(struct agent *a); /* as soon as may be: after the one under way */
/* An update failed: a round after wait_ms looks for it again. */
void contact_retry(struct agent *a, uint64_t wait_ms);
void contact_schedule(struct agent *a);
/* The round under way ends here; h may be NULL. */
void contact_failed(struct agent *a, const char *what, const struct net_head *h,
		    const struct err *e);
void contact_deployment_ended(
    struct agent *a); /* done, refused or cancelled: next poll */

/* update.c */
void update_begin(struct agent *a, const struct ddi_deployment *d);
int update_begin_bundle(struct agent *a, struct dev *bundle, struct err *e) MUST_USE;
void update_cancel(struct agent *a, const char *why);
void update_clear(struct agent *a);
/* The attempt ended. failed: to be tried again later; altered: the same, but what comes
 * wrong again and again is refused; refused: reported, and not tried again. */
void update_failed(struct agent *a, const char *what, const struct err *e);
void update_altered(struct agent *a, const char *what, const struct err *e);
void update_refused(struct agent *a, const char *what, const struct err *e);

/* Every block is written and read back, and it is not to be armed yet. */
void update_hold(struct agent *a);
/* The soft command ended, in ASKING. */
void update_asked(struct agent *a, int status, const char *why);

/* consent.c: what the poll links to as confirmationBase, or "" if it does not. True: a
 * request is under way, and over(a) is called at its end unless the round failed. */
bool consent_look(struct agent *a, const char *url, void (*over)(struct agent *a));

/* fetch.c */
extern const char *const fetch_cache_names[N_FETCHES];
void fetch_refresh(struct agent *a);
/* The manifest and the descriptor are there: goes on with the full payload's head. */
void fetch_full_head(struct agent *a);

/* What this agent can do, as words (common/ddi/capability.h). */
#define MAX_CAPABILITIES 12
struct capabilities {
	char words[MAX_CAPABILITIES][33];
	size_t n;
};
void agent_capabilities(const struct agent *a, struct capabilities *ret);

/* delta.c: this device is set up for deltas. */
bool delta_takes(const struct agent *a);
/* A delta is offered, this device can take it, and it has not failed. */
bool delta_wanted(const struct agent *a);
/* Nothing but a delta is taken here, and d has none. */
bool delta_must_wait(const struct agent *a, const struct ddi_deployment *d);
/* The full payload is not to be taken over this device's link: ends the attempt. */
bool delta_refuses_full(struct agent *a);
/* Stores and reports it; what follows is the caller's. False: the attempt has ended. */
bool delta_failed(struct agent *a, const char *what, const struct err *why);
/* An attempt is to end with this, not to be repeated if for_good. True: a delta was under
 * way, and this is its end; the full payload is on its way, or the attempt has ended. */
bool delta_gives_way(struct agent *a, const char *what, const struct err *why,
		     bool for_good);

/* write.c */
void write_begin(struct agent *a);
void write_step(struct agent *a);
void write_abandon(struct agent *a); /* what was written stays */
int write_head(struct agent *a, const struct net_head *h, struct err *e) MUST_USE;
int write_data(struct agent *a, const void *data, size_t len, struct err *e) MUST_USE;
int write_percent(const struct agent *a);

/* offline.c */
int offline_open(struct agent *a, struct err *e) MUST_USE;
/* A metadata file by its repository name; ERR_NOT_FOUND if the bundle has none. */
int offline_metadata(struct agent *a, const char *path, size_t max, struct buf *ret,
		     struct err *e) MUST_USE;
int offline_part(struct agent *a, enum fetch_what what, struct buf *ret,
		 struct err *e) MUST_USE;
/* The next piece of the body, at a->update.body_at, into a->update.pending; sets
 * ended. */
int offline_body(struct agent *a, struct err *e) MUST_USE;

/* health.c */
void health_begin(struct agent *a);
void health_timer(struct agent *a);
void health_deadline(struct agent *a);
void health_watchdog(struct agent *a);
void health_reached(struct agent *a);
/* Once what runs is GOOD, and at each start: a cut may have come between the two. */
void health_raise_floor(struct agent *a);
void reboot_soon(struct agent *a); /* after the last report, or the delay */
void reboot_now(struct agent *a);

/* report.c */
void report_progress(struct agent *a, enum ddi_execution x, int percent,
		     const char *detail);
void report_failure(struct agent *a, const char *id, const char *reason);
void report_cancel(struct agent *a, const char *id, bool cancelled, const char *detail);
void report_begin(
    struct agent *a); /* after the start: what the server may not know yet */
/* Before the slot is written again: a rollback that was not acknowledged yet moves to
 * memory.failed, so that it is told all the same. Not saved here. */
void report_keep(struct agent *a);
void report_outcome(struct agent *a); /* of what the slot record says */
void report_success(struct agent *a, const char *id, const char *detail);
void report_send(struct agent *a);
bool report_is_idle(const struct agent *a);

/* stream.c */
void stream_start(struct agent *a);
void stream_timer(struct agent *a);
int stream_data(struct agent *a, const void *data, size_t len, struct err *e) MUST_USE;

#endif
