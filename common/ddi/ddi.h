/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device API's messages as structs, for both ends: hawkBit DDI v1 plus the `ota:`
 * links that other clients ignore (docs/API.md). Writers produce the exact forms that
 * real clients need; readers ignore unknown members and refuse what is malformed or
 * beyond a limit.
 *
 * Extension links. In the poll's _links:
 *	"ota:repository": {"href": metadata base URL, "targets": targets base URL}
 *	"ota:events": {"href": event stream URL}
 * In an artifact's _links (a release of ours has one artifact, "payload"):
 *	"ota:manifest": {"href": .., "name": "release/<product>/<version>.json"}
 *	"ota:payload": {"head": .., "body": .., "descriptor": ..}
 *	"ota:delta": {"head": .., "body": .., "name": "delta/<product>/.."}	if there is one
 *		from what this device runs; name: the TUF target that its head is
 * In feedback's status: "ota:proof" {"rootHash","bootId","slot","counter"}, "ota:agent"
 *	{"version","capabilities":[..]} and "ota:event" {"id","slot","state","reason"}.
 * An object with "must_understand" != 0 is not used by a reader that does not know its
 * bits.
 */
#ifndef OTA_DDI_DDI_H
#define OTA_DDI_DDI_H

#include "../base/buf.h"
#include "../crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct json;

#define DDI_URL_LEN 512
#define DDI_TEXT_LEN 512
#define DDI_MAX_DETAILS 50
#define DDI_MAX_ARTIFACTS 16
#define DDI_MAX_ATTRIBUTES 100
#define DDI_ATTR_LEN 128

/* Poll answer. Empty string: the link is absent. */
struct ddi_poll {
	uint64_t sleep_ms; /* written as HH:MM:SS, at most 23:59:59 */
	char deployment_base[DDI_URL_LEN];
	char cancel_action[DDI_URL_LEN];
	char confirmation_base[DDI_URL_LEN];
	char installed_base[DDI_URL_LEN];
	char config_data[DDI_URL_LEN];
	char repository[DDI_URL_LEN]; /* ota: */
	char repository_targets[DDI_URL_LEN];
	char events[DDI_URL_LEN];
};
int ddi_poll_write(const struct ddi_poll *p, struct buf *ret, struct err *e) MUST_USE;
int ddi_poll_parse(const void *data, size_t len, struct ddi_poll *ret,
		   struct err *e) MUST_USE;

enum ddi_handling { DDI_SKIP, DDI_ATTEMPT, DDI_FORCED };
enum ddi_window { DDI_WINDOW_NONE, DDI_WINDOW_AVAILABLE, DDI_WINDOW_UNAVAILABLE };

#define DDI_DELTA_NAME_LEN 256

/* In place of the full payload; all empty: none. */
struct ddi_delta {
	char name[DDI_DELTA_NAME_LEN];
	char head[DDI_URL_LEN];
	char body[DDI_URL_LEN];
};

struct ddi_artifact {
	char filename[256];
	uint64_t size;
	uint8_t sha1[SHA1_LEN], md5[MD5_LEN], sha256[SHA256_LEN];
	char part[16]; /* "os", "bApp", "jvm": neighbours with the same are one chunk */
	char download[DDI_URL_LEN];
	char md5sum[DDI_URL_LEN];
	char manifest[DDI_URL_LEN]; /* ota: */
	char manifest_name[256];
	char payload_head[DDI_URL_LEN];
	char payload_body[DDI_URL_LEN];
	char descriptor[DDI_URL_LEN];
	struct ddi_delta delta;
};

/* What the server remembers of an action, for a device that asks (?actionHistory=N). */
struct ddi_history {
	bool present;
	char status[24];       /* "RUNNING" */
	struct json *messages; /* an array of texts, newest first; borrowed */
};

struct ddi_deployment {
	char id[12];	  /* decimal, 100001 .. 2^31-1 */
	bool unconfirmed; /* of confirmationBase: it waits for somebody's consent */
	enum ddi_handling download, update;
	enum ddi_window window;
	char version[65], name[129]; /* of every chunk */
	struct ddi_artifact artifacts[DDI_MAX_ARTIFACTS];
	size_t n_artifacts;
	const char *plain_base; /* "http://cache:8080": of the -http links; NULL: those
				   are https too. Written only, likewise the next. */
	struct ddi_history history;
};
int ddi_deployment_write(const struct ddi_deployment *d, struct buf *ret,
			 struct err *e) MUST_USE;
/* One artifact as it stands in a chunk, for lists of them. plain_base as above. */
int ddi_artifact_write(struct json *list, const struct ddi_artifact *a,
		       const char *plain_base, struct err *e) MUST_USE;
int ddi_deployment_parse(const void *data, size_t len, struct ddi_deployment *ret,
			 struct err *e) MUST_USE;

enum ddi_execution {
	DDI_CLOSED,
	DDI_PROCEEDING,
	DDI_SCHEDULED,
	DDI_RESUMED,
	DDI_DOWNLOAD,
	DDI_DOWNLOADED,
	DDI_REJECTED,
	DDI_CANCELED,
	N_DDI_EXECUTIONS
};
enum ddi_finished { DDI_NONE, DDI_SUCCESS, DDI_FAILURE };

struct ddi_proof {
	bool present;
	uint8_t root_hash[SHA256_LEN]; /* digest of the descriptor the bootloader
					  verified */
	uint8_t boot_id[16];
	char slot; /* 'A', 'B' */
	uint64_t counter;
};

struct ddi_feedback {
	enum ddi_execution execution;
	enum ddi_finished finished;
	uint64_t progress_cnt, progress_of; /* of == 0: absent */
	bool has_code;
	int64_t code;
	char details[DDI_MAX_DETAILS][DDI_TEXT_LEN]; /* cut, never refused */
	size_t n_details;
	struct ddi_proof proof;
	char agent_version[33]; /* "" if absent */
	char capabilities[16][33];
	size_t n_capabilities;
	uint32_t event_id; /* the slot event it reports; 0: none */
	/* Of an end: the release came whole by the delta of this name; "": it did not. */
	char delta[DDI_DELTA_NAME_LEN];
};
int ddi_feedback_write(const struct ddi_feedback *f, const char *id, struct buf *ret,
		       struct err *e) MUST_USE;
int ddi_feedback_parse(const void *data, size_t len, struct ddi_feedback *ret,
		       struct err *e) MUST_USE;
const char *ddi_execution_name(enum ddi_execution x);

/*
 * configData. What our agent says of itself, as attributes; it sends them after each
 * boot and whenever the poll asks for them:
 *	product, hardware, version	what runs (version: of the slot that runs)
 *	agent.version, agent.capabilities	"0.1.0", "full,resume,offline,delta"
 *	delta.memory			bytes that a delta may take; 0: no deltas here
 *	boot.id, boot.count		of this boot, by the bootloader's hand-over
 *	security.version, security.floor
 *	clock				"system" or "floor": which time expiry was
 *					judged by
 *	slot.booted			"A" or "B"
 *	slot.a.state, slot.b.state	EMPTY WRITING WRITTEN PENDING TRYING GOOD BAD
 *	slot.a.version, .tries, .reason, .root_hash	likewise for b; "" if there is none
 */
enum ddi_mode { DDI_MERGE, DDI_REPLACE, DDI_REMOVE };
struct ddi_attribute {
	char key[DDI_ATTR_LEN + 1];
	char value[DDI_ATTR_LEN + 1];
	bool is_null; /* remove this one */
};
struct ddi_config_data {
	enum ddi_mode mode;
	struct ddi_attribute attributes[DDI_MAX_ATTRIBUTES];
	size_t n_attributes;
};
int ddi_config_write(const struct ddi_config_data *c, struct buf *ret,
		     struct err *e) MUST_USE;
int ddi_config_parse(const void *data, size_t len, struct ddi_config_data *ret,
		     struct err *e) MUST_USE;

/*
 * confirmationBase: consent of whoever stands before the device. The base says whether
 * consent is given once and for all ("autoConfirm") and where to change that; the
 * deployment that waits has the form of deploymentBase, below "confirmation".
 */
struct ddi_auto_confirm {
	bool active;
	char initiator[DDI_ATTR_LEN + 1]; /* of an active one; "" if nobody is named */
	char remark[DDI_TEXT_LEN];
	int64_t activated_at; /* UTC ms */
};
/* confirmation: link to what waits, or "". base: the URL of confirmationBase. */
int ddi_confirmation_base_write(const struct ddi_auto_confirm *c, const char *base,
				const char *confirmation, struct buf *ret,
				struct err *e) MUST_USE;
/* {"initiator":..,"remark":..}, both optional, cut where too long; no body is fine. */
int ddi_auto_confirm_parse(const void *data, size_t len, struct ddi_auto_confirm *ret,
			   struct err *e) MUST_USE;

/* {"confirmation":"confirmed"|"denied","code":N,"details":[..]} */
struct ddi_consent {
	bool confirmed;
	char details[DDI_MAX_DETAILS][DDI_TEXT_LEN];
	size_t n_details;
};
int ddi_consent_write(const struct ddi_consent *c, struct buf *ret,
		      struct err *e) MUST_USE;
int ddi_consent_parse(const void *data, size_t len, struct ddi_consent *ret,
		      struct err *e) MUST_USE;

/* cancelAction: {"id","cancelAction":{"stopId"}} */
int ddi_cancel_write(const char *id, const char *stop_id, struct buf *ret,
		     struct err *e) MUST_USE;
int ddi_cancel_parse(const void *data, size_t len, char ret_stop_id[12],
		     struct err *e) MUST_USE;

#endif
