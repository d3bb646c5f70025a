/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published metadata, whole, and a device in memory that looks at it. For worker
 * threads: loading waits for the store.
 */
#ifndef OTA_SERVER_REPOSITORY_H
#define OTA_SERVER_REPOSITORY_H

#include "../../common/tuf/tuf.h"
#include "../store/store.h"

/* Of an online role: "delta", "delta-<product>". */
struct repository_role {
	char name[ONLINE_ROLE_NAME_MAX_LEN + 1];
	char file[ONLINE_ROLE_NAME_MAX_LEN + 6]; /* name.json */
	uint64_t version;
	struct buf data;
	bool is_new; /* made, and not stored yet */
};

struct repository {
	struct buf *roots;			 /* versions 1.. */
	size_t n_roots;				 /* 0: nobody has claimed it yet */
	struct buf timestamp, snapshot, targets; /* empty: nothing published yet */
	uint64_t version[N_METADATA_ROLES];	 /* of the newest; 0: none */
	struct repository_role *roles;
	size_t n_roles;
};

int repository_load(struct store *s, struct repository *ret, struct err *e) MUST_USE;
void repository_fini(struct repository *r);

/* Behind the last root; not checked. */
int repository_add_root(struct repository *r, const struct buf *root,
			struct err *e) MUST_USE;

/* The newest root; r->n_roots > 0. */
const struct buf *repository_root(const struct repository *r);

/* What a device keeps between two refreshes. */
struct shelf {
	struct {
		char name[80];
		struct buf data;
	} items[8];
	size_t n_items;
};
void shelf_fini(struct shelf *s);

/* A device that was made with r's first root. */
int device_make(struct shelf *s, const struct repository *r, struct err *e) MUST_USE;

/* It refreshes from r; then, if name is not NULL, looks that target up and checks these
 * bytes. */
int device_refresh(struct shelf *s, const struct repository *r, int64_t now_ms,
		   const char *name, const struct buf *bytes, struct err *e) MUST_USE;

/* It is offered one more root: 0 if it follows it, and it has not expired. */
int device_follow(struct shelf *s, const struct buf *root, int64_t now_ms,
		  struct err *e) MUST_USE;

#endif
