/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APIs: one table of routes, each with who may call it, and a handler a row.
 *
 *	http thread: trampoline of the row -> enter.c finds out who calls
 *	             -> the row's handler -> store calls, each with a done()
 *	             -> one answer
 *
 * A struct api_call lives from the request's arrival to its answer: after api_reply_*,
 * api_fail() or http_* answered, nothing of it may be touched. Handlers never wait.
 */
#ifndef OTA_SERVER_API_API_H
#define OTA_SERVER_API_API_H

#include "../../common/base/clock.h"
#include "../../common/json/json.h"
#include "../auth/caller.h"
#include "../auth/hasher.h"
#include "../auth/secret.h"
#include "../auth/throttle.h"
#include "../delta/deltas.h"
#include "../event/hub.h"
#include "../fleet/handling.h"
#include "../fleet/seen.h"
#include "../http/http.h"
#include "../limit/limit.h"
#include "../limit/turn.h"
#include "../metrics/metrics.h"
#include "../release/home.h"
#include "../rollout/engine.h"
#include "../rollout/zone.h"

/* What handlers work with; all borrowed from main. */
struct api {
	struct store *store;
	struct hub *hub;
	struct zone_table *zones;
	struct engine *engine; /* NULL: none runs here */
	struct seen_cache *seen;
	struct homes *homes;
	struct worker *worker;
	struct job_runner *jobs;
	struct deltas *deltas; /* or NULL: none are made here */
	struct webhooks *webhooks;
	struct audit_log *audit;
	struct metrics *metrics;
	struct metric *held_back; /* api_add_held_back() */
	/* how often: people and scripts, devices, strangers by address */
	struct limiter *callers, *devices, *strangers;
	struct limiter *reports; /* what devices want written down and nothing moves */
	struct turns *previews;	 /* what takes a while to make */
	struct throttle *throttle;
	struct hasher *hasher;
	const struct clock *clock;
	const struct log *log;
	const char *scratch_dir; /* where files without a name are made */
	const char *name;	 /* of this server, for people */
	char ca_fingerprint[65]; /* hex */
	uint64_t poll_interval_ms;
	/* where a tenant does not say otherwise (settings.h): which forms of devices'
	 * tokens, and where plain links lead; NULL: nowhere */
	bool target_tokens, gateway_tokens;
	const char *plain_links;
	uint64_t session_life_ms, session_idle_ms;
	uint64_t step_up_ms; /* so long a session counts as FRESH */
	bool demo;
};

/* Who may call a route. Ranks: each includes those before it, from VIEWER on. */
enum permission {
	ANYBODY,
	A_DEVICE,
	MAY_VIEW,
	MAY_OPERATE,
	MAY_RELEASE,
	MAY_ADMINISTER
};

/* What a row may ask for besides, with | behind the permission. */
enum permission_flag {
	/* Also for those whose role holds for some groups only: all that this route
	 * shows and changes goes through store calls of api_store(), which see no other
	 * devices. A route without it is closed to them. */
	SCOPED = 0x10,
	/* A session must have shown its password (or its link) not long ago. */
	FRESH = 0x20,
	/* For the default tenant's people only. */
	SUPER = 0x40,
	/* It honours If-Match (api_if_match()); a change without this flag that brings
	 * one is refused. */
	MATCHES = 0x80
};
#define PERMISSION(asked) ((enum permission)((asked)&0xfu))

struct api_call;
struct api_once;

struct api_row {
	const char *method;
	const char *pattern;
	size_t max_body;
	unsigned permission;	     /* enum permission | enum permission_flag */
	const char *permission_name; /* as the table has it: "MAY_VIEW | SCOPED" */
	bool device_side;	     /* errors in the form of the device API */
	const char *name; /* of the handler; in the OpenAPI document its operationId */
	void (*handle)(struct api_call *a);
};

struct api_call {
	struct http_request *http;
	struct api *api;
	const struct api_row *row;
	/* whose it is: by the URL of a device, by the session or token of a person */
	char tenant[TENANT_MAX_LEN + 1];
	char scope[SCOPE_TEXT_MAX_LEN + 1]; /* store_call.scope; "": all of it */
	enum role role;			    /* of a person or token; ROLE_NOBODY else */
	char user[USER_MAX_LEN + 1];
	int64_t expires_at;		/* of the session or token; 0: never */
	bool in_session;		/* an API token has none */
	bool of_person;			/* a session begun with a password */
	int64_t proved_at;		/* of a session */
	uint8_t credential[SHA256_LEN]; /* the digest of either */
	struct device device;		/* of A_DEVICE routes */
	struct json *body;		/* api_body() */
	struct deployment deployment;	/* what a chain of calls found so far */
	struct release release;
	struct artifact artifacts[MAX_FILES]; /* of what the device is given */
	size_t n_artifacts;
	struct fleet_delta delta; /* it may take instead; id 0: none */
	unsigned tries;		  /* of a compare-and-set */
	char request_id[AUDIT_REQUEST_MAX_LEN + 1]; /* api_actor() */
	bool audited;				    /* api_audit_enough() */
	char *audit_id, *audit_detail;		    /* malloc'ed, or NULL */
	char etag[48];				    /* api_tag(); "": by the content */
	struct api_once *once;	/* of a request with an Idempotency-Key */
	unsigned retry_after_s; /* with 429 and 503; 0: a usual time */
	void *
	    handler_state; /* of the chain of calls that answers it; malloc'ed, freed with the call */
};

/* The HTTP routes made of the table, and the console; *ret_n of them. Static. */
const struct http_route *api_routes(size_t *ret_n);
/* The table itself; *ret_n rows. Static. */
const struct api_row *api_rows(size_t *ret_n);
/* For http_config.refuse. */
void api_refuse(struct http_request *r, int status, const char *code,
		const char *detail, void *app);

/* enter.c */
void api_enter(struct http_request *r, struct api *api, const struct api_row *row);

/* answer.c: each ends the request. */
void api_reply_json(struct api_call *a, int status, struct json *taken);
void api_reply_text(struct api_call *a, int status, const char *type, const void *text,
		    size_t len);
void api_reply_empty(struct api_call *a, int status);
/* The error as a client may see it: what is ours is logged and told as "internal". */
void api_fail(struct api_call *a, const struct err *e);
/* A problem that tells more than its sentence: e and the members of `taken` (NULL: out of
 * memory). For what is the caller's business only. */
void api_reply_problem(struct api_call *a, const struct err *e, struct json *taken);
/* {"items":[..],"next":..}; takes items; next NULL: the last page. */
void api_reply_page(struct api_call *a, struct json *items, const char *next);
/* The same of a store's page whose keys are numbers: each item of item_size bytes as
 * render() writes it, which gives its key too. c stays the caller's. */
void api_reply_items(struct api_call *a, const struct store_call *c, size_t item_size,
		     struct json *(*render)(const void *item, uint64_t *ret_key,
					    struct err *e));

/* answer.c: the entity tag of the one thing that is answered: fmt makes it, of revisions,
 * so that it names the durable state, whatever is volatile. Without it GET is tagged by
 * the bytes of its answer. */
void api_tag(struct api_call *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Before a change of what api_tag() tagged: ERR_PRECONDITION if the request's If-Match
 * says otherwise. The store must still compare the revision. */
int api_if_match(const struct api_call *a, struct err *e) MUST_USE;

/* For a change that the store compares itself: the revision that If-Match asks for, the
 * first number of what api_tag() made; 0: any. Anything but one such tag or * is
 * ERR_PRECONDITION: nothing here ever had it. */
int api_matched_revision(const struct api_call *a, uint64_t *ret,
			 struct err *e) MUST_USE;

/* once.c: a POST with an Idempotency-Key takes place once. */
bool api_once_is_wanted(const struct api_call *a);
/* Goes on with the row's handler, or answers what was answered before. */
void api_once_enter(struct api_call *a);
/* An answer of the handler's: true: it is being stored and goes out after that. */
bool api_once_takes(struct api_call *a, int status, const char *type, const void *text,
		    size_t len);
void api_once_free(struct api_call *a);

/* limits.c: takes a token of the caller with this name; false: a was answered, 429. */
bool api_within(struct api_call *a, struct limiter *l, const void *name, size_t len);
struct metric *api_add_held_back(struct metrics *m);
/* limits.c: whose doing it is, over all sessions of a person; a token is its own. */
int api_owner(const struct api_call *a, uint8_t ret[SHA256_LEN],
	      struct err *e) MUST_USE;

/* What the caller's tenant has for itself; NULL: a was answered (503: the tenant was
 * made just now). */
struct home *api_home(struct api_call *a);

/* A store call whose ctx is a, within the caller's tenant and scope; NULL: a was
 * answered. */
struct store_call *api_store(struct api_call *a, enum store_verb v,
			     void (*done)(struct store_call *c));
void api_submit(struct api_call *a, struct store_call *c);
/* True if c failed: a was answered. */
bool api_failed(struct api_call *a, const struct store_call *c);

/*
 * audit.c: a request that changes something leaves a record. The table there has a row
 * for each handler that does; api_submit() puts the record into each write of such a
 * request, so a handler needs to do nothing, and cannot forget it.
 */
struct audit_rule {
	void (*handle)(struct api_call *a);
	const char *action; /* "device.delete"; NULL: none, and why stands there */
	const char *kind;   /* of the object: "device" */
	const char
	    *param; /* of the path: its id; NULL: api_audit_id(), or the verb's */
};
/* NULL: the handler has no row. A route from MAY_OPERATE on that is no GET has one. */
const struct audit_rule *api_audit_rule(void (*handle)(struct api_call *a));
/* What only the handler knows, before api_submit(): which object, and a line for people. */
void api_audit_id(struct api_call *a, const char *id);
void api_audit_detail(struct api_call *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What this request writes from here on is part of what its record says already. */
void api_audit_enough(struct api_call *a);
/* Who calls, for writes that go another way than api_submit(). */
struct audit_actor api_actor(struct api_call *a);
/* Puts the record into c unless it has one; api_submit() does it. */
void api_audit(struct api_call *a, struct store_call *c);

/* body.c: what came in; -1: e says what is wrong, a is not answered yet. */
/* Parses the JSON object; its members must be among the NULL-terminated names. */
int api_body(struct api_call *a, const char *const *names, struct err *e) MUST_USE;
/* The same of an object within the body. */
int api_known_names(const struct json *o, const char *const *names,
		    struct err *e) MUST_USE;
int api_hex_member(struct api_call *a, const char *name, uint8_t ret[SHA256_LEN],
		   struct err *e) MUST_USE;
/* ?limit and ?after; numeric: after is a number into after_id. */
int api_page(struct api_call *a, struct store_page *ret, bool numeric,
	     struct err *e) MUST_USE;
/* ?limit alone. */
int api_page_limit(struct api_call *a, struct store_page *ret, struct err *e) MUST_USE;
/* A decimal id out of the path. */
int api_id_param(struct api_call *a, const char *name, uint64_t *ret,
		 struct err *e) MUST_USE;

/* device_action.c */
/* 200 with an ETag, or 304 to a client that has this very answer. */
void device_reply(struct api_call *a, const struct buf *text);
void device_thank(struct api_call *a); /* 200 {} */
void no_such_action(struct api_call *a);
/* Whether the device may have something written down now; else a was answered (429). */
bool device_may_write(struct api_call *a);
/* What a device is counted by: its id within its tenant. */
#define DEVICE_NAME_ROOM (TENANT_MAX_LEN + DEVICE_ID_MAX_LEN + 2)
void device_name(const struct api_call *a, char ret[DEVICE_NAME_ROOM]);
/* Whether a->deployment may be spoken of and fetched. A freeze, a rollout and a consent
 * decide when a device is shown its deployment; what such a one never was is not there:
 * else a report, or a guessed link, would stand for the offer. */
bool device_was_shown(const struct api_call *a);
/* Of a->deployment, for a->device, now. */
void device_handling(const struct api_call *a, struct handling *ret);
/* Loads deployment {action} of the calling device, then its release, then goes on with
 * `then`. 404 in every case in which it is not this device's. */
void load_own_action(struct api_call *a, void (*then)(struct api_call *a));
/* Loads the device's oldest open deployment and its release; 404 if there is none. */
void load_open_action(struct api_call *a, void (*then)(struct api_call *a));
/* device_offer.c: the artifacts that the device is given of a->release, into
 * a->artifacts; then goes on. */
void load_artifacts(struct api_call *a, void (*then)(struct api_call *a));
/* a->artifacts[i] as a chunk has it, without the `ota:` links. */
int device_artifact_fill(struct api_call *a, size_t i, struct ddi_artifact *f,
			 struct err *e) MUST_USE;
/* "https://HOST/TENANT/controller/v1/ID" + tail. */
int device_url(struct api_call *a, char *ret, size_t room, struct err *e,
	       const char *fmt, ...) PRINTF_LIKE(5, 6) MUST_USE;

/* manage_people.c: "groups" of an answer, from a scope. */
int api_set_groups(struct json *o, const char *scope, struct err *e) MUST_USE;

/* Loads a->device.latest_deployment (or of `id`) and answers D with status. */
void answer_device(struct api_call *a, int status, const char *token);

/* The handlers, a row each in routes.c. */
#define API_HANDLERS(X)                                                                \
	X(device_poll)                                                                 \
	X(device_config)                                                               \
	X(device_deployment)                                                           \
	X(device_feedback)                                                             \
	X(device_cancel)                                                               \
	X(device_cancel_feedback)                                                      \
	X(device_installed)                                                            \
	X(device_confirmation_base)                                                    \
	X(device_confirmation)                                                         \
	X(device_confirmation_feedback)                                                \
	X(device_auto_confirm_on)                                                      \
	X(device_auto_confirm_off)                                                     \
	X(device_artifacts)                                                            \
	X(device_artifact)                                                             \
	X(device_content)                                                              \
	X(device_events)                                                               \
	X(repository_metadata)                                                         \
	X(repository_target)                                                           \
	X(info_get)                                                                    \
	X(openapi_get)                                                                 \
	X(session_create)                                                              \
	X(session_get)                                                                 \
	X(session_delete)                                                              \
	X(session_confirm)                                                             \
	X(session_password)                                                            \
	X(sessions_list)                                                               \
	X(sessions_delete)                                                             \
	X(users_list)                                                                  \
	X(users_create)                                                                \
	X(users_get)                                                                   \
	X(users_set)                                                                   \
	X(users_delete)                                                                \
	X(tokens_list)                                                                 \
	X(tokens_create)                                                               \
	X(tokens_delete)                                                               \
	X(settings_get)                                                                \
	X(settings_set)                                                                \
	X(tenants_list)                                                                \
	X(tenants_create)                                                              \
	X(tenants_set)                                                                 \
	X(devices_list)                                                                \
	X(devices_create)                                                              \
	X(devices_get)                                                                 \
	X(devices_delete)                                                              \
	X(devices_token)                                                               \
	X(devices_history)                                                             \
	X(releases_list)                                                               \
	X(releases_get)                                                                \
	X(releases_create)                                                             \
	X(releases_withdraw)                                                           \
	X(uploads_create)                                                              \
	X(uploads_get)                                                                 \
	X(uploads_put)                                                                 \
	X(uploads_commit)                                                              \
	X(uploads_delete)                                                              \
	X(repository_root)                                                             \
	X(repository_targets)                                                          \
	X(repository_keys)                                                             \
	X(deployments_list)                                                            \
	X(deployments_create)                                                          \
	X(deployments_get)                                                             \
	X(deployments_delete)                                                          \
	X(rollouts_list)                                                               \
	X(rollouts_create)                                                             \
	X(rollouts_get)                                                                \
	X(rollouts_change)                                                             \
	X(rollouts_delete)                                                             \
	X(rollouts_preview)                                                            \
	X(rollouts_members)                                                            \
	X(rollouts_decisions)                                                          \
	X(rollouts_start)                                                              \
	X(rollouts_approve)                                                            \
	X(rollouts_pause)                                                              \
	X(rollouts_resume)                                                             \
	X(rollouts_stop)                                                               \
	X(rollouts_rollback)                                                           \
	X(devices_why)                                                                 \
	X(failures_list)                                                               \
	X(deltas_list)                                                                 \
	X(rollouts_evidence)                                                           \
	X(freeze_get)                                                                  \
	X(freeze_put)                                                                  \
	X(freeze_delete)                                                               \
	/* audit */                                                                    \
	X(audit_list)                                                                  \
	X(audit_checkpoint)                                                            \
	X(audit_key)                                                                   \
	X(audit_tile)                                                                  \
	X(audit_inclusion)                                                             \
	X(audit_consistency)                                                           \
	/* webhooks */                                                                 \
	X(webhooks_list)                                                               \
	X(webhooks_create)                                                             \
	X(webhooks_get)                                                                \
	X(webhooks_update)                                                             \
	X(webhooks_delete)                                                             \
	X(webhooks_deliveries)                                                         \
	X(webhooks_replay)                                                             \
	/* fleet */                                                                    \
	X(devices_patch)                                                               \
	X(groups_list)                                                                 \
	X(groups_create)                                                               \
	X(groups_get)                                                                  \
	X(groups_put)                                                                  \
	X(groups_delete)                                                               \
	X(groups_members)                                                              \
	X(products_list)                                                               \
	X(products_get)                                                                \
	X(products_put)                                                                \
	X(products_delete)                                                             \
	X(jobs_list)                                                                   \
	X(jobs_create)                                                                 \
	X(jobs_get)                                                                    \
	X(jobs_cancel)                                                                 \
	X(versions_history)                                                            \
	X(versions_list)                                                               \
	X(events_stream)                                                               \
	X(health_live)                                                                 \
	X(health_ready)                                                                \
	X(metrics_get)

#define X(name) void handle_##name(struct api_call *a);
API_HANDLERS(X)
#undef X

#endif
