/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log's entries: who changed what.
 *
 * A record goes with the write that it tells of and is appended in its transaction: the
 * one is there exactly if the other is. The log of a tenant is a Merkle tree
 * (docs/formats/audit.md); the entry's bytes are its leaf and are never touched again.
 */
#ifndef OTA_SERVER_STORE_MODEL_AUDIT_H
#define OTA_SERVER_STORE_MODEL_AUDIT_H

#include "../../common/format/merkle.h"
#include "model.h"

#define AUDIT_ACTION_MAX_LEN 47	 /* "rollout.pause": a noun and a verb, stable */
#define AUDIT_OBJECT_MAX_LEN 191 /* "device/ID", "release/ID", .. */
#define AUDIT_REQUEST_MAX_LEN 36
#define AUDIT_ENTRY_MAX_LEN 4096
/* A tile row of C2SP tlog-tiles: so many hashes. */
#define AUDIT_TILE_HEIGHT 8
#define AUDIT_TILE_WIDTH (1u << AUDIT_TILE_HEIGHT)

/* Whose doing it was. COMMAND: whoever holds the server's data directory. */
enum audit_kind {
	AUDIT_NONE, /* no record */
	AUDIT_USER,
	AUDIT_TOKEN,
	AUDIT_DEVICE,
	AUDIT_SYSTEM,
	AUDIT_COMMAND,
	N_AUDIT_KINDS
};

struct audit_actor {
	enum audit_kind kind;
	char who[DEVICE_ID_MAX_LEN + 1]; /* user, token's name, device; "" else */
	enum role role;			 /* of a person or a token */
	char request[AUDIT_REQUEST_MAX_LEN + 1]; /* the request's id, or "" */
	char address[64];			 /* where it came from, or "" */
};

struct audit_record {
	struct audit_actor by;
	char action[AUDIT_ACTION_MAX_LEN + 1];
	/* One that ends in '/' is completed by the id that the verb gives; if it gives
	 * none, the kind alone stays: "freeze". */
	char object[AUDIT_OBJECT_MAX_LEN + 1];
	char detail[DETAIL_MAX_LEN + 1];
};

/* An entry as it lies in the log. */
struct audit_entry {
	uint64_t index; /* 0.. */
	int64_t at;
	uint8_t leaf[SHA256_LEN]; /* as stored when it was appended */
	size_t len;
	char text[AUDIT_ENTRY_MAX_LEN + 1]; /* canonical JSON, exactly what was hashed
					     */
};

struct audit_head {
	uint64_t size;
	uint8_t root[SHA256_LEN];
};

/* Entries (or hashes of tile level `tile_level`) from, from + 1, .. */
struct audit_range {
	unsigned tile_level; /* 0: leaves; 1: subtrees of height 8; .. */
	uint64_t from, n;    /* n at most STORE_LIST_MAX; 0: that */
};

/* What a list shows; texts "" and times 0: all. */
struct audit_filter {
	char who[DEVICE_ID_MAX_LEN + 1];
	char action[AUDIT_ACTION_MAX_LEN + 1];
	char object[AUDIT_OBJECT_MAX_LEN + 1];
	int64_t from_ms, to_ms; /* [from, to) */
	bool after;		/* older ones than this entry only: the next page */
	uint64_t after_index;
	unsigned limit;
};

const char *audit_kind_name(enum audit_kind k);

/* Columns as STORE_VERBS has them; the functions stand in verbs_audit.c. */
/* clang-format off */
#define STORE_VERBS_AUDIT(X)                                                            \
	X(AUDIT_NOTE, STORE_WRITE)	/* the call's own record, and nothing else */   \
	X(AUDIT_HEAD, STORE_READ)	/* -> out.audit_head */                         \
	X(AUDIT_HASHES, STORE_READ)	/* in.audit_range -> blob: hashes of a tile row, as many as there are */ \
	X(AUDIT_RANGE, STORE_READ)	/* in.audit_range -> items of struct audit_entry, in order */ \
	X(AUDIT_LIST, STORE_READ)	/* in.audit_filter -> items of struct audit_entry, newest first */
/* clang-format on */

#endif
