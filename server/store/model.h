/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server remembers: the things themselves, as plain values.
 *
 * Fixed fields, NUL-terminated, no pointers: a value may be copied, queued and compared
 * without asking who owns it. Times are UTC milliseconds; 0 means never. Limits are
 * those of the device API (128 characters) and of the formats (format/version.h).
 */
#ifndef OTA_SERVER_STORE_MODEL_H
#define OTA_SERVER_STORE_MODEL_H

#include "../../common/ddi/capability.h"
#include "../../common/base/err.h"
#include "../../common/crypto/digest.h"
#include "../../common/format/manifest.h"

#include <stdbool.h>
#include <stdint.h>

#define TENANT_DEFAULT "default"
#define TENANT_MAX_LEN 32
#define DEVICE_ID_MAX_LEN 128 /* [A-Za-z0-9] and "._:-" */
#define DEVICE_TEXT_MAX_LEN 128
#define RELEASE_ID_LEN 16 /* the first hex digits of the manifest's SHA-256 */
#define UPLOAD_ID_LEN 32
#define USER_MAX_LEN 64
#define SUBJECT_MAX_LEN 64		   /* ids of rollouts, groups, .. */
#define GROUP_NAME_MAX_LEN SUBJECT_MAX_LEN /* [A-Za-z0-9] and "._:-" */
#define DETAIL_MAX_LEN 512
#define WITHDRAW_REASON_MAX_LEN 256
#define SLOTS_TEXT_MAX_LEN 1535
#define ATTRIBUTE_MAX_LEN 128
#define DEVICE_MAX_ATTRIBUTES 100
#define DEPLOYMENT_MAX_STATUSES 1000
#define ACTION_ID_FIRST 100001u
#define ACTION_ID_LAST 0x7fffffffu

/* Who says which version a device runs. Proven: its bootloader's root hash was in the
 * report. */
enum grade { GRADE_UNKNOWN, GRADE_REPORTED, GRADE_PROVEN, N_GRADES };

enum device_state {
	DEVICE_IDLE,
	DEVICE_UPDATING,
	DEVICE_FAILED,
	DEVICE_ROLLED_BACK,
	N_DEVICE_STATES
};

#define SITE_MAX_LEN 64
#define TAG_MAX_LEN 32 /* [A-Za-z0-9] and "._:-" */
#define DEVICE_MAX_TAGS 16
#define TAGS_TEXT_MAX_LEN (DEVICE_MAX_TAGS * (TAG_MAX_LEN + 1))

/* Whether a device keeps what it has: no release but pin_release is offered to it. */
enum pin { PIN_NONE, PIN_AS_IT_IS, PIN_RELEASE, N_PINS };

struct device {
	char id[DEVICE_ID_MAX_LEN + 1];
	char name[DEVICE_TEXT_MAX_LEN + 1];
	char product[PRODUCT_MAX_LEN + 1]; /* "": not known yet */
	char hardware[HARDWARE_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	enum grade grade;
	enum device_state state;
	char agent_version[33];
	char capabilities[CAPABILITIES_MAX_LEN + 1];
	char address[64];
	/* JSON array as docs/API.md has it, or "" */
	char slots[SLOTS_TEXT_MAX_LEN + 1];
	char site[SITE_MAX_LEN + 1];	  /* "": none said */
	char tags[TAGS_TEXT_MAX_LEN + 1]; /* blank-separated, ascending by byte */
	enum pin pin;
	char pin_release[RELEASE_ID_LEN + 1]; /* of PIN_RELEASE */
	char pin_reason[DEVICE_TEXT_MAX_LEN + 1];
	/* It accepts no security version below: as it said last, or as what it proved to
	 * run since raised it; 0: none is known. */
	uint32_t security_floor;
	bool wants_attributes; /* ask for configData at the next poll */
	int64_t created_at, seen_at;
	uint64_t open_deployment;      /* the oldest open one's id; 0: none */
	uint64_t latest_deployment;    /* the newest one's id, open or not; 0: none */
	uint64_t installed_deployment; /* the last that ended in CONFIRMED; 0: none */
	uint64_t revision;	       /* changes with every durable change */
};

struct attribute {
	char key[ATTRIBUTE_MAX_LEN + 1];
	char value[ATTRIBUTE_MAX_LEN + 1];
	bool by_operator; /* what the device says does not change it */
	bool remove;
};

/* A part of a device that has a version of its own: an image of its slot, which is proven
 * with the slot, or what the device names in an attribute component.NAME.version. */
#define COMPONENT_NAME_MAX_LEN 64 /* [A-Za-z0-9] and "._:-" */
#define DEVICE_MAX_COMPONENTS (DEVICE_MAX_ATTRIBUTES + MAX_IMAGES)

struct component {
	char name[COMPONENT_NAME_MAX_LEN + 1];
	char version[ATTRIBUTE_MAX_LEN + 1];
	enum grade grade; /* reported or proven */
};

struct release { /* without images descriptor, head and body are zero */
	char id[RELEASE_ID_LEN + 1];
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	uint32_t security_version;
	uint32_t raise_floor_to; /* 0: it leaves the device's floor where it is */
	char hardware[MAX_HARDWARE][HARDWARE_MAX_LEN + 1];
	size_t n_hardware;
	char notes[NOTES_MAX_LEN + 1];
	struct image images[MAX_IMAGES];
	size_t n_images;
	struct release_file files[MAX_FILES]; /* for clients of others */
	size_t n_files;
	bool security_only;
	uint8_t manifest_sha256[SHA256_LEN];
	uint8_t descriptor_sha256[SHA256_LEN]; /* what a proof's rootHash must equal */
	uint8_t head_sha256[SHA256_LEN];
	uint8_t body_sha256[SHA256_LEN];
	uint64_t head_size, body_size;
	int64_t created_at;
	int64_t withdrawn_at; /* 0: it is not; else these say who and why .. */
	char withdrawn_by[USER_MAX_LEN + 1];
	char withdrawn_reason[WITHDRAW_REASON_MAX_LEN + 1];
	int64_t unlisted_at; /* .. and since when targets list it no more; 0: they do */
};

/*
 *	ASSIGNED -> DOWNLOADING -> INSTALLING -> REBOOTING -> CONFIRMED
 *	any open state -> FAILED, ROLLED_BACK
 *	any open state -> CANCELLING -> CANCELLED, or back if the device refuses
 *	a download-only one ends as DOWNLOADED
 *
 * server/fleet/policy.h decides the edges.
 */
enum deployment_state {
	DEPLOYMENT_ASSIGNED,
	DEPLOYMENT_DOWNLOADING,
	DEPLOYMENT_INSTALLING,
	DEPLOYMENT_REBOOTING,
	DEPLOYMENT_CANCELLING,
	DEPLOYMENT_CONFIRMED, /* this and all below are closed */
	DEPLOYMENT_FAILED,
	DEPLOYMENT_ROLLED_BACK,
	DEPLOYMENT_CANCELLED,
	DEPLOYMENT_DOWNLOADED,
	N_DEPLOYMENT_STATES
};

static inline bool deployment_is_open(enum deployment_state s)
{
	return s < DEPLOYMENT_CONFIRMED;
}

/* How much a device may choose; numbers stand in the database. */
enum deployment_kind {
	KIND_SOFT,	    /* when it suits the device */
	KIND_FORCED,	    /* at once */
	KIND_TIME_FORCED,   /* soft until force_at, then forced */
	KIND_DOWNLOAD_ONLY, /* fetched and not installed: `downloaded` ends it */
	N_KINDS
};

/* Of the device's user, where a deployment needs it. While it is ASKED or DENIED the
 * device is shown confirmationBase and nothing to install. */
enum consent { CONSENT_NONE, CONSENT_ASKED, CONSENT_GIVEN, CONSENT_DENIED, N_CONSENTS };

static inline bool consent_is_awaited(enum consent c)
{
	return c == CONSENT_ASKED || c == CONSENT_DENIED;
}

struct proof {
	bool present;
	uint8_t root_hash[SHA256_LEN];
	uint8_t boot_id[16];
	char slot;
	uint64_t counter;
};

struct deployment {
	uint64_t id; /* ACTION_ID_FIRST.. */
	char device[DEVICE_ID_MAX_LEN + 1];
	char release[RELEASE_ID_LEN + 1];
	char product[PRODUCT_MAX_LEN + 1]; /* of the release, for lists */
	char version[VERSION_MAX_LEN + 1];
	enum deployment_state state;
	char detail[DETAIL_MAX_LEN +
		    1];	  /* the last thing the device said, or why it ended */
	enum grade grade; /* of a CONFIRMED one */
	enum deployment_kind kind;
	int64_t force_at;   /* of KIND_TIME_FORCED */
	int64_t not_before; /* its maintenance window opens then; 0: it has none */
	enum consent consent;
	bool offered;	   /* the device has been shown it */
	bool frozen;	   /* nothing is shown to a device now that it was not yet */
	unsigned progress; /* 0..100 */
	int64_t created_at, updated_at;
	struct proof proof;
	uint64_t n_statuses;
	uint64_t content;  /* changes when what is offered changes: `?c=` */
	uint64_t revision; /* changes with every move: compare-and-set */
	uint64_t rollout;  /* 0: assigned by a person */
	unsigned wave;	   /* of it, 0.. */
};

struct status {
	int64_t at;
	char execution[16];
	char finished[16];
	char details[2048]; /* lines; cut */
};

struct artifact {
	uint8_t sha256[SHA256_LEN];
	uint8_t sha1[SHA1_LEN];
	uint8_t md5[MD5_LEN];
	uint64_t size;
	int64_t created_at;
};

struct upload {
	char id[UPLOAD_ID_LEN + 1]; /* given by the caller: random hex */
	uint64_t size;
	uint8_t sha256[SHA256_LEN];
	uint64_t offset; /* bytes that are durable */
	int64_t created_at;
};

enum metadata_role {
	ROLE_ROOT,
	ROLE_TIMESTAMP,
	ROLE_SNAPSHOT,
	ROLE_TARGETS,
	N_METADATA_ROLES
};

/* Kept as numbers in the database: grows at its end. */
enum event_type {
	EVENT_DEVICE,
	EVENT_DEPLOYMENT,
	EVENT_RELEASE,
	EVENT_ROLLOUT,
	EVENT_FREEZE,
	EVENT_GROUP,
	EVENT_AUDIT,
	EVENT_WEBHOOK,
	EVENT_JOB,
	N_EVENT_TYPES
};

/* An event names what changed; who reads it renders the thing as it is then. */
struct event {
	uint64_t id; /* ascending, visible in order; given by the store */
	int64_t at;
	enum event_type type;
	char device[DEVICE_ID_MAX_LEN + 1]; /* DEVICE, DEPLOYMENT */
	uint64_t deployment;		    /* DEPLOYMENT */
	char release[RELEASE_ID_LEN + 1];   /* RELEASE */
	char subject[SUBJECT_MAX_LEN + 1];  /* of all others: the thing's id */
};

enum role {
	ROLE_NOBODY,
	ROLE_VIEWER,
	ROLE_OPERATOR,
	ROLE_RELEASE_MANAGER,
	ROLE_ADMIN,
	ROLE_GATEWAY,
	N_ROLES
};

struct version_count {
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	enum grade grade;
	enum device_state state;
	uint64_t n_devices;
};

/* The words of the API, and back (-1: ERR_FORMAT). */
const char *grade_name(enum grade g);
const char *device_state_name(enum device_state s);
const char *deployment_state_name(enum deployment_state s);
int deployment_state_parse(const char *text, enum deployment_state *ret,
			   struct err *e) MUST_USE;
const char *deployment_kind_name(enum deployment_kind k);
int deployment_kind_parse(const char *text, enum deployment_kind *ret,
			  struct err *e) MUST_USE;
const char *consent_name(enum consent c);
const char *metadata_role_name(enum metadata_role r);
const char *event_type_name(enum event_type t);
const char *role_name(enum role r);
int role_parse(const char *text, enum role *ret, struct err *e) MUST_USE;

/* 0 if text may be a device's id; else ERR_FORMAT saying what is allowed. */
int device_id_check(const char *text, struct err *e) MUST_USE;

#endif
