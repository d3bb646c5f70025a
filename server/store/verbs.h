/* SPDX-License-Identifier: Apache-2.0 */
/* What each verb does with a connection; for the back-ends and the verbs_*.c files only. A function fills
 * c->out (or items, blob) or e; of a write it runs within a transaction that its caller
 * ends. */
#ifndef OTA_SERVER_STORE_VERBS_H
#define OTA_SERVER_STORE_VERBS_H

#include "sql_conn.h"
#include "store.h"

typedef int (*verb_fn)(struct conn *db, struct store_call *c, struct err *e);

/* One row a verb, in files by subject. */
extern const verb_fn store_verb_fns[N_STORE_VERBS];

#define X(verb, kind)                                                                  \
	int verb_##verb(struct conn *db, struct store_call *c, struct err *e);
STORE_VERBS(X)
#undef X

/* A write: its verb, then the events and the audit record that it carries. Within the
 * caller's transaction; after -1 the caller undoes all of it. */
/* A read within the call's scope, if it has one. */
int store_run_read(struct conn *db, struct store_call *c, struct err *e) MUST_USE;
int store_run_write(struct conn *db, struct store_call *c, struct err *e) MUST_USE;

/* Turns the rows of an opened query into c->items: `limit` of them, c->more if there is
 * one further. load writes one row to *ret_item. */
int load_items(struct query *q, struct store_call *c, size_t limit, size_t item_size,
	       int (*load)(struct conn *db, const char *tenant, const struct query *q,
			   void *ret_item, struct err *e),
	       struct err *e) MUST_USE;

/* One row, or ERR_NOT_FOUND: there is no <what>. */
int step_one(struct query *q, const char *what, const char *id, struct err *e) MUST_USE;

unsigned page_limit(const struct store_page *p);

/* ---- components: verbs_component.c ---- */

/* What in.attributes' item says of a component, if it does. */
int component_take_attribute(struct conn *db, const struct store_call *c,
			     const struct attribute *a, struct err *e) MUST_USE;
/* Before attributes replace all that there were. */
int component_forget_reported(struct conn *db, const struct store_call *c,
			      struct err *e) MUST_USE;
/* in.move confirms: its release's images are what runs. */
int component_take_installed(struct conn *db, const struct store_call *c,
			     const char *device, struct err *e) MUST_USE;

int device_load_by_id(struct conn *db, const char *tenant, const char *id,
		      struct device *ret, struct err *e) MUST_USE;
int auto_confirm_load(struct conn *db, const char *tenant, const char *device,
		      struct auto_confirm *ret, struct err *e) MUST_USE;
void device_load(const struct query *q, struct device *ret); /* DEVICE_COLUMNS */
/* Writes name, site, tags and pin of *d; its tags' rows are device_put_tags()'s. */
int device_put_said(struct conn *db, const char *tenant, const struct device *d,
		    struct err *e) MUST_USE;
int device_put_tags(struct conn *db, const char *tenant, const char *id,
		    const char *tags, struct err *e) MUST_USE;
int attribute_check_count(struct conn *db, const char *tenant, const char *device,
			  struct err *e) MUST_USE;
/* version_key(), or "" for what is no version; returns ret_key. */
const char *version_key_or_none(const char *version,
				char ret_key[VERSION_KEY_MAX_LEN + 1]);
int release_insert(struct conn *db, struct store_call *c, const struct release *r,
		   struct err *e) MUST_USE;
int release_load_by_id(struct conn *db, const struct store_call *c, const char *id,
		       struct release *ret, struct err *e) MUST_USE;
/* Of verbs_withdraw.c. ERR_CONFLICT says who took it back and why. */
int release_check_offered(struct conn *db, const char *tenant, const char *release,
			  struct err *e) MUST_USE;
/* Targets that list none of the withdrawn releases are being published;
 * ERR_PRECONDITION: there are others than in.publish.n_withdrawn by now. */
int withdrawn_unlist(struct conn *db, const struct store_call *c,
		     struct err *e) MUST_USE;
/* ERR_FROZEN says why, since when and by whom. */
int freeze_check(struct conn *db, const char *tenant, struct err *e) MUST_USE;
/* Appends c's record to the log of its tenant; *ret_entry is its place in it. */
int audit_append(struct conn *db, const struct store_call *c, uint64_t *ret_entry,
		 struct err *e) MUST_USE;
/* For verbs that give an id: completes the record's object if it wants that. NULL: none
 * came, the kind alone stays. */
void audit_complete_object(struct store_call *c, const char *id);
void audit_complete_number(struct store_call *c, uint64_t id);
/* Of METADATA_PUBLISH: in.publish's roles and deltas; verbs_delta.c. */
int online_roles_publish(struct conn *db, const struct store_call *c,
			 struct err *e) MUST_USE;
/* Of verbs_people.c: within the tenant that s names; the old one ends. */
int session_insert(struct conn *db, const struct session *s,
		   const uint8_t old_hash[SHA256_LEN], struct err *e) MUST_USE;
/* Of verbs_person.c, for the verbs that make and delete what is limited: ERR_QUOTA. */
int tenant_load(struct conn *db, const char *name, struct tenant *ret,
		struct err *e) MUST_USE;
int tenant_take_device(struct conn *db, const struct store_call *c,
		       struct err *e) MUST_USE;
int tenant_give_device(struct conn *db, const struct store_call *c,
		       struct err *e) MUST_USE;
int tenant_check_upload(struct conn *db, const struct store_call *c, uint64_t size,
			struct err *e) MUST_USE;
int deployment_load_by_id(struct conn *db, const char *tenant, uint64_t id,
			  struct deployment *ret, struct err *e) MUST_USE;
/* Cancels an open deployment at once if its device never saw it, else asks the device;
 * its rollout follows. */
int deployment_supersede(struct conn *db, struct store_call *c, uint64_t id,
			 const char *why, struct err *e) MUST_USE;

/* What a new deployment begins with. */
int deployment_ask_consent(struct conn *db, const char *tenant, const char *device,
			   bool needed, enum consent *ret, struct err *e) MUST_USE;

/* ---- verbs_member.c, verbs_rollout.c ---- */
int rollout_load_by_id(struct conn *db, const char *tenant, uint64_t id,
		       struct rollout *ret, struct err *e) MUST_USE;
/* Fills c->items with its waves. */
int rollout_load_waves(struct conn *db, struct store_call *c, uint64_t id,
		       struct err *e) MUST_USE;
int rollout_load_plan(struct conn *db, struct store_call *c, uint64_t id,
		      struct err *e) MUST_USE;
int rollout_insert_decision(struct conn *db, const struct store_call *c, uint64_t id,
			    const struct rollout_decision *d, struct err *e) MUST_USE;
/* 0: a deployment of a rollout is about to be shown, and its rollout's state and limits
 * allow it; it takes its share of the egress, unless its user is only asked about it.
 * ERR_CONFLICT, ERR_RATE. */
int rollout_take_offer(struct conn *db, struct store_call *c,
		       const struct deployment *d, bool asking, struct err *e) MUST_USE;
/* The device's membership; *ret_found is false without one. */
int member_load(struct conn *db, const char *tenant, uint64_t rollout,
		const char *device, struct rollout_member *ret, bool *ret_found,
		struct err *e) MUST_USE;
int freeze_load(struct conn *db, const char *tenant, struct freeze *ret,
		struct err *e) MUST_USE;
/* ERR_PRECONDITION unless epoch (0: a person's write) is the leader's. */
int lead_check(struct conn *db, uint64_t epoch, struct err *e) MUST_USE;
/* The member whose deployment this is becomes what the deployment became, and the
 * counters with it; with `shown_now` its deadline begins. Nothing for one that a person
 * assigned. */
int member_follow(struct conn *db, struct store_call *c, const struct deployment *d,
		  bool shown_now, struct err *e) MUST_USE;
/* Leaves every rollout in which it has not ended. */
int member_forget(struct conn *db, struct store_call *c, const char *device,
		  struct err *e) MUST_USE;

/* 0: there is such a group (then in c->out.group), and its members are listed;
 * ERR_NOT_FOUND, ERR_CONFLICT. */
int group_check_listed(struct conn *db, struct store_call *c, const char *name,
		       struct err *e) MUST_USE;

int event_insert(struct conn *db, const struct store_call *c, const struct event *v,
		 struct err *e) MUST_USE;

#endif
