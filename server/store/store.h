/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's memory: domain verbs, asynchronous, never SQL.
 *
 * A verb is a row of STORE_VERBS. Who needs one fills a struct store_call (verb, `in`,
 * where to answer) and submits it; the back-end fills `out` and `err` and calls done()
 * exactly once, in the thread of call->loop, which is the one that submits. Reads may
 * be answered before store_submit() returns, so let the submit be the last thing a
 * function does.
 *
 *	c = store_call_new(STORE_DEVICE_GET, loop, on_device, request, &e);
 *	(fill c->in.device_id)
 *	store_submit(store, c);
 *	...
 *	static void on_device(struct store_call *c)
 *	{
 *		AUTO_PTR(store_call) struct store_call *owned = c;
 *
 *		if (c->err.code != ERR_NONE) ...; else use c->out.device;
 *	}
 *
 * What is safe: a write is answered after it is on the disk (group commit: writes of a
 * few milliseconds share one flush); if the commit fails, each of its writes gets that
 * error. Of a commit whose answer was lost (a database elsewhere that went away) nobody can
 * say whether it happened: that is ERR_IO. Every write is one transaction together with the
 * events it carries. A deadline that passes while the call waits in the queue is ERR_TIMEOUT and nothing was done; a
 * write that has begun is answered with its outcome.
 *
 * Every verb works within one tenant. ERR_NOT_FOUND, ERR_CONFLICT (exists already) and
 * ERR_PRECONDITION (compare-and-set lost) are answers; ERR_IO, ERR_NO_SPACE and
 * ERR_INTERNAL are the back-end's trouble, whose text is for logs, not for clients.
 *
 * A back-end is a file with a struct store_ops: sqlite.c is the embedded default; tests
 * wrap it in one that delays and fails. All pass tests/unit/test_store*.c.
 */
#ifndef OTA_SERVER_STORE_STORE_H
#define OTA_SERVER_STORE_STORE_H

#include "../../common/base/buf.h"
#include "../../common/loop/loop.h"
#include "model.h"
#include "model_audit.h"
#include "model_delta.h"
#include "model_device_api.h"
#include "model_failure.h"
#include "model_fleet.h"
#include "model_once.h"
#include "model_people.h"
#include "model_rollout.h"
#include "model_settings.h"
#include "model_watch.h"
#include "model_webhook.h"
#include "model_withdraw.h"

#define STORE_LIST_MAX 500
#define STORE_BLOB_MAX (8u * 1024 * 1024)
#define STORE_MAX_EVENTS 4

/* SCAN: a read that may look at many rows; no loop waits for it. */
enum store_kind { STORE_READ, STORE_WRITE, STORE_SCAN };

/*
 * Columns: verb, kind; then what goes in (in., events, blob, items) and what comes out.
 * "page" is in.page {after, limit, ..}; items come out as an array of the thing.
 */
/* clang-format off */
#define STORE_VERBS(X)                                                                   \
	/* devices */                                                                    \
	X(DEVICE_CREATE, STORE_WRITE)	  /* in.device_new -> out.device; ERR_CONFLICT */ \
	X(DEVICE_GET, STORE_READ)	  /* in.device_id -> out.device */               \
	X(DEVICE_BY_TOKEN, STORE_READ)	  /* in.hash (of the device token) -> out.device */ \
	X(DEVICE_ATTRIBUTES, STORE_READ)  /* in.device_id -> items of struct attribute, by key */ \
	X(DEVICE_COMPONENTS, STORE_READ)  /* in.device_id -> items of struct component, by name */ \
	X(DEVICE_SET_ATTRIBUTES, STORE_WRITE) /* in.attributes, items -> out.device */   \
	X(DEVICE_SEEN, STORE_WRITE)	  /* items of struct seen, of any tenant; unknown ids are skipped */ \
	X(DEVICE_SET_TOKEN, STORE_WRITE)  /* in.device_token; the old token ends */      \
	X(DEVICE_DELETE, STORE_WRITE)	  /* in.device_id; deployments go too */         \
	/* releases */                                                                   \
	X(RELEASE_CREATE, STORE_WRITE)	  /* in.release; ERR_CONFLICT: same id, or product and version */ \
	X(RELEASE_GET, STORE_READ)	  /* in.release_id -> out.release */             \
	X(RELEASE_LIST, STORE_READ)	  /* in.page, newest first -> items of struct release */ \
	/* deployments */                                                                \
	X(DEPLOYMENT_ASSIGN, STORE_WRITE) /* in.assign -> out.deployment; the open one becomes cancelling, or cancelled if never offered; ERR_FROZEN */ \
	X(DEPLOYMENT_GET, STORE_READ)	  /* in.deployment_id -> out.deployment */       \
	X(DEPLOYMENT_MANY, STORE_READ)	  /* items of uint64_t: ids; 0 and unknown are skipped -> items of struct deployment */ \
	X(DEPLOYMENT_LIST, STORE_READ)	  /* in.page (device, state) newest first -> items of struct deployment */ \
	X(DEPLOYMENT_STATUSES, STORE_READ) /* in.deployment_id -> items of struct status, oldest first */ \
	X(DEPLOYMENT_MOVE, STORE_WRITE)	  /* in.move: state, status row, device, events at once -> out.deployment; ERR_PRECONDITION; with `offering` ERR_FROZEN */ \
	/* artifacts and uploads: the rows; bytes are server/release's */                \
	X(ARTIFACT_PUT, STORE_WRITE)	  /* in.artifact; the same one again is fine, and makes it new */  \
	X(ARTIFACT_UNUSED, STORE_READ)	  /* in.unused -> items of struct artifact that no release refers to, by digest */ \
	X(ARTIFACT_DROP, STORE_WRITE)	  /* in.unused: its row, if it is still unused; ERR_PRECONDITION */ \
	X(ARTIFACT_GET, STORE_READ)	  /* in.hash -> out.artifact */                  \
	X(UPLOAD_CREATE, STORE_WRITE)	  /* in.upload -> out.upload: the one of this size and digest if there is one */ \
	X(UPLOAD_GET, STORE_READ)	  /* in.upload_id -> out.upload */               \
	X(UPLOAD_ADVANCE, STORE_WRITE)	  /* in.advance {id, from, to} -> out.upload; ERR_PRECONDITION */ \
	X(UPLOAD_DELETE, STORE_WRITE)	  /* in.upload_id; none is fine */               \
	/* the published repository */                                                   \
	X(METADATA_GET, STORE_READ)	  /* in.metadata {role, version; 0: newest} -> blob, out.metadata_version */ \
	X(METADATA_PUBLISH, STORE_WRITE)  /* items of struct publication and in.publish's release: all or none; ERR_PRECONDITION */ \
	/* events */                                                                     \
	X(EVENT_LIST, STORE_READ)	  /* in.page.after_id -> items of struct event, in order */ \
	X(EVENT_BOUNDS, STORE_READ)	  /* -> out.bounds {oldest, newest} */           \
	X(EVENT_PRUNE, STORE_WRITE)	  /* in.prune: the oldest events that are below before_id or older than before_ms; more: call again */ \
	X(VERSION_COUNTS, STORE_SCAN)	  /* -> items of struct version_count */         \
	/* settings */                                                                   \
	X(SETTING_GET, STORE_READ)	  /* in.setting -> blob */                       \
	X(SETTING_PUT, STORE_WRITE)	  /* in.setting, blob */                         \
	/* self */                                                                       \
	X(CHECK, STORE_READ)		  /* -> out.check: schema, size; ERR_IO if damaged */ \
	X(EXPIRE, STORE_WRITE)		  /* drops sessions and login tokens that ended before now_ms */ \
	/* by subject: model_<subject>.h, verbs_<subject>.c, sql_<subject>.h */          \
	STORE_VERBS_PEOPLE(X)                                                            \
	STORE_VERBS_FLEET(X)                                                             \
	STORE_VERBS_ROLLOUT(X)                                                           \
	STORE_VERBS_AUDIT(X)                                                             \
	STORE_VERBS_WEBHOOK(X)                                                           \
	STORE_VERBS_DEVICE_API(X)                                                        \
	STORE_VERBS_ONCE(X)                                                              \
	STORE_VERBS_WATCH(X)                                                             \
	STORE_VERBS_FAILURE(X)                                                           \
	STORE_VERBS_WITHDRAW(X)                                                          \
	STORE_VERBS_SETTINGS(X)                                                          \
	STORE_VERBS_DELTA(X)
/* clang-format on */

enum store_verb {
#define X(verb, kind) STORE_##verb,
	STORE_VERBS(X)
#undef X
	    N_STORE_VERBS
};

/* "DEVICE_GET" -> its name in logs. */
const char *store_verb_name(enum store_verb v);
enum store_kind store_verb_kind(enum store_verb v);

struct store_page {
	char after[DEVICE_ID_MAX_LEN +
		   1];	   /* the last key of the page before; "" from the start */
	uint64_t after_id; /* likewise where keys are numbers */
	unsigned limit;	   /* 1..STORE_LIST_MAX */
	char text[DEVICE_TEXT_MAX_LEN + 1]; /* filters; "" or -1: all */
	char device[DEVICE_ID_MAX_LEN + 1];
	int state;		     /* enum deployment_state or -1; STORE_STATE_OPEN */
	uint64_t rollout;	     /* ROLLOUT_DECISIONS */
	const struct filter *filter; /* DEPLOYMENT_LIST: of which devices; NULL: all */
	uint64_t window_ids; /* likewise: asked for at a time; 0: LIST_WINDOW_IDS */
};
#define STORE_STATE_OPEN (-2)
#define LIST_WINDOW_IDS 20000u

struct seen {
	char tenant[TENANT_MAX_LEN + 1];
	char id[DEVICE_ID_MAX_LEN + 1];
	char address[64];
	int64_t at;
};

struct publication {
	enum metadata_role role;
	uint64_t version;
	uint64_t expect_version; /* the newest there is must be this one; 0: none yet */
	const void *data;	 /* borrowed until done() */
	size_t len;
};

/* What a device's report changes besides the deployment. */
struct device_change {
	bool set_version;
	char version[VERSION_MAX_LEN + 1];
	enum grade grade;
	bool set_state;
	enum device_state state;
	char agent_version[33]; /* "": as it is */
	char capabilities[CAPABILITIES_MAX_LEN + 1];
};

struct assignment {
	char device[DEVICE_ID_MAX_LEN + 1];
	char release[RELEASE_ID_LEN + 1];
	enum deployment_kind kind;
	int64_t force_at;   /* of KIND_TIME_FORCED */
	int64_t not_before; /* 0: at any time */
	bool needs_consent; /* given at once where autoConfirm is on */
};

struct deployment_move {
	uint64_t id;
	uint64_t expect_revision;
	enum deployment_state state;
	unsigned progress;
	enum grade grade;
	bool offered;
	bool offering; /* it is shown now for the first time; ERR_NOT_FOUND: the
			* device is pinned to something else */
	bool asking;   /* its user is asked for the first time: it is in flight from
		      * now on; else as offering */
	bool touch_content; /* what is offered changed: `?c=` must too */
	bool set_consent;
	enum consent consent;
	char detail[DETAIL_MAX_LEN + 1]; /* "": as it is */
	struct proof proof;		 /* absent: as it is */
	bool add_status;
	struct status status;
	struct device_change device;
	/* It came by the delta from this version, counted once; "": it did not. */
	char delta_from[VERSION_MAX_LEN + 1];
	bool delta_unwraps;
};

struct store_call;

union store_in {
	char device_id[DEVICE_ID_MAX_LEN + 1];
	char release_id[RELEASE_ID_LEN + 1];
	char upload_id[UPLOAD_ID_LEN + 1];
	char setting[64];
	uint64_t deployment_id;
	struct {
		uint64_t before_id;
		int64_t before_ms;
		unsigned limit; /* rows looked at; 0: 1000 */
	} prune;
	struct {
		uint8_t sha256[SHA256_LEN]; /* UNUSED: those behind it */
		int64_t before_ms;	    /* put before then, and not again since */
	} unused;
	uint8_t hash[SHA256_LEN];
	struct store_page page;
	/* fleet */
	char name[SUBJECT_MAX_LEN + 1]; /* of a product, a group */
	struct device_select select;
	struct device_patch patch;
	struct product product;
	struct {
		struct fleet_group group;
		bool create;		  /* ERR_CONFLICT if it is there */
		uint64_t expect_revision; /* 0: any */
	} group_put;
	struct {
		char group[GROUP_NAME_MAX_LEN + 1];
		bool remove;  /* takes them out; else adds them */
		bool replace; /* those given are all */
	} members;
	struct {
		int64_t at; /* a whole hour */
	} sample;
	uint64_t job_id;
	struct fleet_job job;
	struct job_step job_step;
	struct {
		char product[PRODUCT_MAX_LEN + 1]; /* "": all */
		int64_t after;			   /* points later than this */
		unsigned limit;
	} history;
	struct {
		struct device device; /* id, name, product, hardware */
		uint8_t token_hash[SHA256_LEN];
	} device_new;
	struct {
		char id[DEVICE_ID_MAX_LEN + 1];
		uint8_t token_hash[SHA256_LEN];
	} device_token;
	struct {
		char id[DEVICE_ID_MAX_LEN + 1];
		bool replace;			    /* drop those not given */
		char slots[SLOTS_TEXT_MAX_LEN + 1]; /* "": as it is; likewise below */
		char product[PRODUCT_MAX_LEN + 1];
		char hardware[HARDWARE_MAX_LEN + 1];
		char version[VERSION_MAX_LEN +
			     1]; /* set only while the grade is unknown */
		char agent_version[33];
		char capabilities[CAPABILITIES_MAX_LEN + 1];
	} attributes;
	struct release release;
	struct assignment assign;
	struct auto_confirm auto_confirm;
	struct deployment_move move;
	struct freeze freeze;
	uint64_t rollout_id;
	struct rollout rollout;
	struct rollout_apply rollout_apply;
	struct {
		uint64_t id;
		char by[USER_MAX_LEN + 1];
	} rollout_approve;
	struct rollout_query rollout_query;
	struct rollout_fill rollout_fill;
	struct {
		uint64_t id;
		int wave, status;
		char after[DEVICE_ID_MAX_LEN + 1];
		unsigned limit;
	} rollout_members;
	struct {
		uint64_t id;
		unsigned wave;
		int64_t after;
		unsigned limit;
	} rollout_waiting;
	struct {
		uint64_t id, after; /* deployment */
		unsigned limit;
	} rollout_unshown;
	struct rollout_assign rollout_assign;
	struct rollout_sweep rollout_sweep;
	struct {
		uint64_t id, epoch;
		bool shown;
		char detail[DETAIL_MAX_LEN + 1];
	} rollout_cancel;
	struct {
		char device[DEVICE_ID_MAX_LEN + 1];
		uint64_t rollout;
	} rollout_look;
	struct {
		char holder[33]; /* random */
		int64_t lease_ms;
		bool force; /* nobody else can be running */
	} lead;
	struct artifact artifact;
	struct upload upload;
	struct {
		char id[UPLOAD_ID_LEN + 1];
		uint64_t from, to;
	} advance;
	struct {
		enum metadata_role role;
		uint64_t version;
	} metadata;
	struct {
		bool has_release; /* this release comes into being with the publication
				   */
		struct release release;
		uint64_t n_withdrawn; /* so many are not in the targets given */
		/* Borrowed until done(): online roles' new metadata, and which deltas
		 * they list now. */
		const struct online_role *roles;
		size_t n_roles;
		const uint64_t *deltas;
		size_t n_deltas;
	} publish;
	struct settings_change settings_change;
	struct fleet_delta delta;
	struct delta_find delta_find;
	int64_t delta_lease_ms;
	struct online_role online_role;
	struct release_withdrawal withdrawal;
	struct release_cancel release_cancel;
	/* people */
	struct api_token api_token;
	struct login_token login;
	/* audit */
	struct audit_range audit_range;
	struct audit_filter audit_filter;
	/* webhooks */
	struct webhook webhook;
	struct webhook_change webhook_change;
	struct webhook_result webhook_result;
	struct webhook_page webhook_page;
	struct {
		uint8_t token_hash[SHA256_LEN];
		uint8_t session_hash[SHA256_LEN];
		uint8_t old_hash[SHA256_LEN]; /* this session ends; none is fine */
		int64_t expires_at;
		char address[ADDRESS_MAX_LEN + 1];
	} exchange;
	struct {
		uint8_t hash[SHA256_LEN];
		int64_t seen_since; /* idle if seen last before it */
	} session_get;
	struct {
		uint8_t hash[SHA256_LEN];
		bool proved;
	} session_touch;
	struct session_open session_open;
	char person_name[USER_MAX_LEN + 1];
	struct person person;
	struct person_change person_change;
	struct tenant tenant_row;
	struct once once;
	struct watch_totals watch;
	struct {
		int64_t since; /* ended then or later */
		char release[RELEASE_ID_LEN + 1];
	} failures;
	struct {
		uint64_t rollout;
		int64_t from, step_ms;
	} evidence;
};

union store_out {
	struct once once;
	struct watch_totals watch;
	struct auto_confirm auto_confirm;
	struct device device;
	struct device_cursor cursor;
	struct device_count count;
	struct product product;
	struct fleet_group group;
	struct fleet_job job;
	struct release release;
	struct deployment deployment;
	struct fleet_delta delta;
	struct freeze freeze;
	struct rollout rollout;
	struct rollout_look rollout_look;
	uint64_t epoch;
	struct artifact artifact;
	struct upload upload;
	struct api_token api_token;
	struct session session;
	struct person person;
	struct tenant tenant_row;
	uint64_t metadata_version;
	uint64_t list_after; /* DEPLOYMENT_LIST with more: the next page's after_id */
	struct audit_head audit_head;
	struct webhook webhook;
	struct webhook_delivery webhook_delivery;
	struct {
		uint64_t oldest, newest; /* 0, 0: there are none */
	} bounds;
	struct {
		unsigned schema;
		uint64_t size_bytes;
	} check;
};

struct store_call {
	enum store_verb verb;
	char tenant[TENANT_MAX_LEN + 1]; /* store_call_new(): TENANT_DEFAULT */
	/* groups as scope_write() puts them: devices that are in none of them, and what
	 * is of these devices, are not there for this call. "": all are */
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	int64_t now_ms;	     /* UTC, written into rows; store_call_new(): the clock's */
	int64_t deadline_ms; /* monotonic; store_call_new(): in 10 s; 0: none */
	struct loop *loop;   /* where done() runs; NULL: any thread */
	void (*done)(struct store_call *c); /* owns c from here on: free or reuse it */
	void *ctx;

	union store_in in;
	/* of a write: appended in its transaction; a deployment 0 is the one that this
	 * call makes */
	struct event events[STORE_MAX_EVENTS];
	size_t n_events;
	/* of a write: what it ran of its own (a job's changes) appended events, too:
	 * whoever waits for events is woken as if they were these */
	bool more_events;
	/* of a write: appended to the audit log in its transaction; kind AUDIT_NONE: no */
	struct audit_record audit;

	struct buf blob; /* in or out; cap STORE_BLOB_MAX */
	void *items;	 /* in or out: array of the verb's thing, malloc'ed */
	size_t n_items;
	bool more; /* out: the list goes on after the last item */
	union store_out out;
	struct err err;

	struct store_call *next;	   /* the back-end's */
	const struct store_counts *counts; /* count.h's */
	uint64_t began_us;
	struct device_cache *cache; /* device_cache.h's */
	uint64_t cache_stood;
};

/* now_ms, deadline_ms and tenant are set; loop may be NULL. NULL only when out of
 * memory. */
struct store_call *store_call_new(enum store_verb verb, struct loop *loop,
				  void (*done)(struct store_call *), void *ctx,
				  struct err *e) MUST_USE;
void store_call_free(struct store_call *c);
AUTO_PTR_DEFINE(store_call)

/* Adds an event to a write. */
void store_call_event(struct store_call *c, enum event_type type, const char *device,
		      uint64_t deployment, const char *release);
/* The same for the types that name their thing by a subject; NULL: "". */
void store_call_event_of(struct store_call *c, enum event_type type,
			 const char *subject);

/* Says whose doing a write is: the record is appended in its transaction, or neither is
 * there. The action is a noun and a verb that never change ("rollout.pause"); the object
 * is kind and id ("rollout", "17"), id NULL: the one that this verb makes. detail (NULL:
 * none) is for people, one line, cut at DETAIL_MAX_LEN. Called again it says it anew. */
void store_call_audit(struct store_call *c, const struct audit_actor *by,
		      const char *action, const char *kind, const char *id,
		      const char *detail);
/* The same with the server itself as the actor: what an engine or a timer decides. */
void store_call_audit_system(struct store_call *c, const char *action, const char *kind,
			     const char *id, const char *detail);

/* Room for n items of `size` bytes, zeroed; the call owns them. */
void *store_call_items(struct store_call *c, size_t n, size_t size,
		       struct err *e) MUST_USE;

struct metrics;
struct store_counts;
struct device_cache;
struct store; /* a back-end's handle: its first member is const struct store_ops * */

struct store_ops {
	const char *name;
	bool alone; /* while it is open no other process changes a device's row */
	void (*submit)(struct store *s, struct store_call *c);
	void (*watch)(struct store *s, struct loop *l, void (*fn)(void *ctx),
		      void *ctx);
	/* Answers everything that was submitted, then frees. */
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	struct store_counts *counts;  /* store_count(); NULL: nothing is counted */
	struct device_cache *devices; /* store_keep_devices(); NULL: each is read */
};

/* Takes c until done(). Call it in c->loop's thread, or anywhere without a loop. */
void store_submit(struct store *s, struct store_call *c);

/* fn(ctx) runs in l's thread soon after new events became readable; several may share
 * one call. One watcher a store; set before traffic, NULL loop: none. */
void store_watch(struct store *s, struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Counts the calls of a back-end from here on, before traffic; m must outlive it. */
void store_count(struct store *s, struct metrics *m);

/* Answers DEVICE_BY_TOKEN from memory where it can (device_cache.h), before traffic. Does
 * nothing on a back-end that others write to. m as device_cache_new(). */
int store_keep_devices(struct store *s, size_t max_bytes, struct metrics *m,
		       struct err *e) MUST_USE;

/* Submits and waits; for start-up, command lines and worker threads, never for a loop's
 * thread. done and loop must be NULL; c stays the caller's. Returns c->err as a result.
 */
int store_wait(struct store *s, struct store_call *c, struct err *e) MUST_USE;

/* NULL is fine. Loops that await answers still run, or are freed undelivered. */
void store_close(struct store *s);

/* For back-ends. Delivers a finished call where it wants to be. */
void store_answer(struct store_call *c);
/* The same at once, for reads that the caller's own thread has answered. */
void store_answer_here(struct store_call *c);

#endif
