/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of rollouts, waves and freezes: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_ROLLOUT_H
#define OTA_SERVER_STORE_MODEL_ROLLOUT_H

#include "model.h"

#define FREEZE_REASON_MAX_LEN 256
#define FREEZE_CANCEL_BATCH 200

/* While it is on, no device of the tenant is shown a deployment that it has not been
 * shown yet, and nothing new is assigned. */
struct freeze {
	bool on;
	int64_t since;	  /* stays when it is said again */
	int64_t ended_at; /* of the last one, if none is on; 0: there was none */
	char by[USER_MAX_LEN + 1];
	char reason[FREEZE_REASON_MAX_LEN + 1];
	bool cancel_running; /* what was shown before is cancelled too */
};

/* A device whose deployment is being cancelled. */
struct frozen_out {
	char device[DEVICE_ID_MAX_LEN + 1];
	uint64_t deployment;
};

/* ---- rollouts ---- */

#define ROLLOUT_NAME_MAX_LEN 64
#define ROLLOUT_MAX_WAVES 16
#define ROLLOUT_SITE_MAX_LEN ATTRIBUTE_MAX_LEN
#define ROLLOUT_BATCH 500 /* members that one write touches at most */
#define ROLLOUT_PLAN_MAX_BYTES (64u * 1024)

/* Each member is in one of these; they are counted per wave in the transaction that
 * moves the member. Numbers stand in the database. */
#define MEMBER_STATUSES(X)                                                             \
	X(WAITING, "waiting")	  /* was not offered it yet */                         \
	X(IN_FLIGHT, "in-flight") /* was offered it, within its deadline */            \
	X(PROVEN, "proven")                                                            \
	X(REPORTED, "reported")                                                        \
	X(DOWNLOADED, "downloaded")                                                    \
	X(FAILED, "failed")                                                            \
	X(ROLLED_BACK, "rolled-back")                                                  \
	X(SILENT, "silent")	  /* was offered it, and its deadline passed */        \
	X(ABSENT, "absent")	  /* was never offered it, and its deadline passed */  \
	X(CANCELLED, "cancelled") /* left: cancelled, refused, superseded, deleted */

enum member_status {
#define X(status, word) MEMBER_##status,
	MEMBER_STATUSES(X)
#undef X
	    N_MEMBER_STATUSES
};
const char *member_status_name(enum member_status s);
int member_status_parse(const char *text, enum member_status *ret,
			struct err *e) MUST_USE;

/* Who the members are is chosen at the start, in batches: a crash in between begins
 * them anew, and nothing is assigned before they are complete. */
enum membership { MEMBERSHIP_NONE, MEMBERSHIP_FILLING, MEMBERSHIP_COMPLETE };

/* Devices that were selected and are no members. */
struct rollout_left_out {
	uint64_t incompatible, up_to_date, pinned, no_wave;
};

/* States and reasons are the numbers of server/rollout/policy.h. */
struct rollout {
	uint64_t id;
	char name[ROLLOUT_NAME_MAX_LEN + 1];
	char release[RELEASE_ID_LEN + 1];
	unsigned priority;
	int state;
	int reason;			 /* of the last move .. */
	char detail[DETAIL_MAX_LEN + 1]; /* .. and its sentence */
	char author[USER_MAX_LEN + 1];
	unsigned n_waves;
	unsigned approvals; /* people other than the author */
	int64_t created_at, submitted_at, started_at, ended_at, updated_at;
	enum membership membership;
	struct rollout_left_out left_out;
	uint64_t members_of; /* only members of that rollout; 0: all devices */
	/* limits; 0: none */
	uint64_t max_in_flight, max_per_site, max_bytes_per_s;
	uint64_t payload_bytes; /* of the release, for the last */
	int64_t egress_free_at; /* the next offer may go out then */
	uint64_t revision;	/* changes with each move: compare-and-set */
	bool offers;		/* members may be offered it now */
	bool withdrawn;		/* its release was taken back */
	/* read from the counters */
	uint64_t n_members, n_ended, n_succeeded;
	uint64_t n_to_come; /* of members_of: were shown its release, and not ended */
};

struct rollout_wave {
	unsigned wave; /* 0.. */
	int state;
	bool approved;
	int64_t started_at, clock_at, soaking_at, passed_at;
	uint64_t counts[N_MEMBER_STATUSES];
	uint64_t forgiven[N_MEMBER_STATUSES];
	int64_t oldest_offer_at; /* of those in flight; 0: none is */
};

struct rollout_member {
	char device[DEVICE_ID_MAX_LEN + 1];
	unsigned wave;
	enum member_status status;
	int64_t place;	     /* in the whole order */
	uint64_t deployment; /* 0: none yet */
	int64_t offered_at;
	char site[ROLLOUT_SITE_MAX_LEN + 1];
};

struct rollout_decision {
	uint64_t n;
	int64_t at;
	int kind; /* enum decision_kind, or -1: what a person did */
	int wave; /* -1: of none */
	int reason;
	char by[USER_MAX_LEN + 1]; /* "": the policy */
	char detail[DETAIL_MAX_LEN + 1];
};

/* What is asked of a device before it becomes a member, and again before it is given
 * its deployment. */
struct rollout_candidate {
	char id[DEVICE_ID_MAX_LEN + 1];
	char product[PRODUCT_MAX_LEN + 1];
	char hardware[HARDWARE_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	char site[ROLLOUT_SITE_MAX_LEN + 1];
	char stratum[ATTRIBUTE_MAX_LEN + 1];
	char agent_version[33];	 /* "": it did not say that it runs the agent */
	uint32_t security_floor; /* as of struct device */
	enum pin pin;
	char pin_release[RELEASE_ID_LEN + 1];
	uint16_t matches;    /* bit w: it matches the filter of wave w */
	int64_t place;	     /* of a member */
	uint64_t deployment; /* of ROLLOUT_UNSHOWN */
};

/* What one device's offer hangs on, in one look. */
struct rollout_look {
	struct freeze freeze;
	bool found; /* a rollout has it as a member; else the rest is not set */
	struct rollout rollout;
	struct rollout_member member;
	uint64_t in_flight, in_flight_at_site;
};

struct rollout_ref {
	char tenant[TENANT_MAX_LEN + 1];
	uint64_t id;
};

struct filter;

/* in.rollout_candidates; the filters are borrowed until done(). */
struct rollout_query {
	const struct filter *selection;
	const struct filter *waves[ROLLOUT_MAX_WAVES]; /* NULL: of no filter */
	char stratify_by[DEVICE_TEXT_MAX_LEN + 16];    /* "", "site", "attribute.KEY" */
	uint64_t members_of;			       /* 0: any device */
	uint64_t not_of;			       /* 0; else no members of it */
	char after[DEVICE_ID_MAX_LEN + 1];
	unsigned limit;
};

struct rollout_apply {
	uint64_t id, expect_revision, epoch;
	int state, reason;
	bool offers;				    /* its members may be offered it */
	bool active;				    /* the engine looks after it */
	int64_t submitted_at, started_at, ended_at; /* 0: as it is */
	struct rollout_decision decision;
};

enum fill_step { FILL_CLEAR, FILL_ADD, FILL_END, FILL_JOIN };

struct rollout_fill {
	uint64_t id, epoch;
	enum fill_step step;
	struct rollout_left_out left_out; /* of FILL_END */
	struct rollout_decision decision; /* of FILL_JOIN: why they are taken in */
};

/* What to do with a member that was shown nothing yet. */
struct rollout_task {
	char device[DEVICE_ID_MAX_LEN + 1];
	bool leave; /* no member any more, instead of a deployment; one that it was not
		     * shown yet is cancelled */
	char why[DETAIL_MAX_LEN + 1]; /* of leave */
	bool assigned;		      /* out; else an open deployment goes before */
};

struct rollout_assign {
	uint64_t id, epoch;
	int kind; /* as in.assign */
	int64_t force_at;
	bool needs_consent;
};

struct rollout_sweep {
	uint64_t id, epoch;
	unsigned wave;
	int64_t offered_until; /* offered then or before: silent; INT64_MIN: nobody */
	int64_t seen_before;   /* not seen since: absent; INT64_MIN: nobody */
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_freeze.c,
 * verbs_rollout.c and verbs_member.c. Writes with an epoch are the engine's: they are
 * ERR_PRECONDITION once another one leads. */
/* clang-format off */
#define STORE_VERBS_ROLLOUT(X)                                                           \
	X(FREEZE_GET, STORE_READ)	  /* -> out.freeze */                            \
	X(FREEZE_PUT, STORE_WRITE)	  /* in.freeze -> out.freeze */                  \
	X(FREEZE_DELETE, STORE_WRITE)	  /* ERR_NOT_FOUND: nothing is frozen */         \
	X(FREEZE_CANCEL, STORE_WRITE)	  /* in.device_id: after it, "" from the start; what devices were shown becomes cancelling, FREEZE_CANCEL_BATCH at a time -> items of struct frozen_out, more; ERR_CONFLICT unless frozen so */ \
	X(ROLLOUT_CREATE, STORE_WRITE)	  /* in.rollout, blob: plan -> out.rollout */    \
	X(ROLLOUT_UPDATE, STORE_WRITE)	  /* in.rollout (id, revision), blob: plan; drafts only -> out.rollout; ERR_PRECONDITION */ \
	X(ROLLOUT_DELETE, STORE_WRITE)	  /* in.rollout_id; drafts only */               \
	X(ROLLOUT_GET, STORE_READ)	  /* in.rollout_id -> out.rollout, items of struct rollout_wave, blob: plan */ \
	X(ROLLOUT_LIST, STORE_READ)	  /* in.page (after_id, state or -1), newest first -> items of struct rollout */ \
	X(ROLLOUT_ACTIVE, STORE_READ)	  /* of all tenants, those that the engine looks after -> items of struct rollout_ref */ \
	X(ROLLOUT_APPLY, STORE_WRITE)	  /* in.rollout_apply, items of struct rollout_wave: states, times, forgiven -> out.rollout; ERR_PRECONDITION */ \
	X(ROLLOUT_APPROVE, STORE_WRITE)	  /* in.rollout_approve {id, by}: not its author, and once each -> out.rollout; ERR_CONFLICT, ERR_FORBIDDEN */ \
	X(ROLLOUT_DECISIONS, STORE_READ)  /* in.page (after_id), in.page.rollout, newest first -> items of struct rollout_decision */ \
	X(ROLLOUT_CANDIDATES, STORE_SCAN) /* in.rollout_query -> items of struct rollout_candidate by id, more */ \
	X(ROLLOUT_FILL, STORE_WRITE)	  /* in.rollout_fill, items of struct rollout_member to add; CLEAR: more */ \
	X(ROLLOUT_MEMBERS, STORE_SCAN)	  /* in.rollout_members {id, wave or -1, status or -1, after, limit} -> items of struct rollout_member by device */ \
	X(ROLLOUT_WAITING, STORE_READ)	  /* in.rollout_waiting {id, wave, after place, limit}: without a deployment -> items of struct rollout_candidate by place */ \
	X(ROLLOUT_UNSHOWN, STORE_READ)	  /* in.rollout_unshown {id, after deployment, limit}: with one that they were not shown -> items of struct rollout_candidate by deployment */ \
	X(ROLLOUT_ASSIGN, STORE_WRITE)	  /* in.rollout_assign, items of struct rollout_task: in and out */ \
	X(ROLLOUT_SWEEP, STORE_WRITE)	  /* in.rollout_sweep -> more */                 \
	X(ROLLOUT_CANCEL, STORE_WRITE)	  /* in.rollout_cancel {id, epoch, shown}: open deployments that devices were not shown, or with `shown` all -> items of struct frozen_out, more */ \
	X(ROLLOUT_LOOK, STORE_READ)	  /* in.rollout_look {device, rollout; 0: the one that concerns it most} -> out.rollout_look, items of struct rollout_wave, blob: plan */ \
	X(LEAD_TAKE, STORE_WRITE)	  /* in.lead {holder, lease_ms, force} -> out.epoch; ERR_CONFLICT: another holds it */
/* clang-format on */

#endif
