/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of products, groups, and selections of devices:
 * values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_FLEET_H
#define OTA_SERVER_STORE_MODEL_FLEET_H

#include "../../common/format/version.h"
#include "../fleet/filter.h"
#include "model.h"
#include "model_job.h"

/*
 * Columns as STORE_VERBS has them; the functions stand in verbs_fleet.c, verbs_select.c
 * and verbs_job.c.
 *
 * in.select {filter, sort, ..} is a struct device_select. A filter that names a group
 * which does not exist is ERR_USAGE, with the column.
 */
/* clang-format off */
#define STORE_VERBS_FLEET(X)                                                             \
	/* devices */                                                                    \
	X(DEVICE_SELECT, STORE_SCAN)	  /* in.select -> items of struct device, more, out.cursor */ \
	X(DEVICE_COUNT, STORE_SCAN)	  /* in.select {filter, text} -> out.count */    \
	X(DEVICE_PATCH, STORE_WRITE)	  /* in.patch, items of struct attribute -> out.device; ERR_PRECONDITION */ \
	X(DEVICE_GROUPS, STORE_SCAN)	  /* in.device_id -> items of struct group_name: all that it is in, by name */ \
	X(DEVICE_REKEY, STORE_WRITE)	  /* -> out.count.n: rows from before schema 2 that got their keys; 0: all have */ \
	/* products */                                                                   \
	X(PRODUCT_LIST, STORE_READ)	  /* in.page -> items of struct product, by name */ \
	X(PRODUCT_GET, STORE_READ)	  /* in.name -> out.product */                   \
	X(PRODUCT_PUT, STORE_WRITE)	  /* in.product -> out.product */                \
	X(PRODUCT_DELETE, STORE_WRITE)	  /* in.name */                                  \
	/* groups */                                                                     \
	X(GROUP_LIST, STORE_READ)	  /* in.page -> items of struct fleet_group, by name */ \
	X(GROUP_GET, STORE_READ)	  /* in.name -> out.group */                     \
	X(GROUP_PUT, STORE_WRITE)	  /* in.group_put -> out.group; ERR_CONFLICT, ERR_PRECONDITION, ERR_USAGE: its rule */ \
	X(GROUP_DELETE, STORE_WRITE)	  /* in.name; ERR_CONFLICT: another group's rule names it */ \
	X(GROUP_MEMBERS, STORE_WRITE)	  /* in.members, items of struct device_id -> out.group; unknown devices: ERR_NOT_FOUND */ \
	/* versions over time */                                                         \
	X(VERSION_SAMPLE, STORE_WRITE)	  /* in.sample, items of struct version_count: one point; prunes old ones */ \
	X(VERSION_HISTORY, STORE_READ)	  /* in.history -> items of struct version_point, oldest first */ \
	X(RELEASE_NEWEST, STORE_SCAN)	  /* -> items of struct newest_release, by product */ \
	/* jobs */                                                                       \
	X(JOB_CREATE, STORE_WRITE)	  /* in.job -> out.job */                        \
	X(JOB_GET, STORE_READ)		  /* in.job_id -> out.job */                     \
	X(JOB_LIST, STORE_READ)		  /* in.page, newest first -> items of struct fleet_job */ \
	X(JOB_NEXT, STORE_READ)		  /* of any tenant: the oldest open one -> out.job; ERR_NOT_FOUND */ \
	X(JOB_STEP, STORE_WRITE)	  /* in.job_step, items of struct device_id: a batch and the progress at once -> out.job; ERR_PRECONDITION */ \
	X(JOB_CANCEL, STORE_WRITE)	  /* in.job_id -> out.job; ERR_CONFLICT: it has ended */
/* clang-format on */

/* ---- selecting devices ---- */

enum device_sort {
	SORT_ID,
	SORT_NAME, /* in any letter case */
	SORT_PRODUCT,
	SORT_VERSION, /* as format/version.h orders them */
	SORT_LAST_SEEN,
	SORT_CREATED,
	SORT_STATE,
	N_DEVICE_SORTS
};

/* Where a page ends: the sort's value and the id of the last device looked at. */
struct device_cursor {
	bool set;
	int64_t number;			    /* of sorts by number */
	char text[VERSION_KEY_MAX_LEN + 1]; /* of sorts by text, but id */
	char id[DEVICE_ID_MAX_LEN + 1];
};

/*
 * A page may be short, even empty, with `more` set: looking through a fleet stops after
 * budget_ms, and goes on from out.cursor.
 */
struct device_select {
	const struct filter *filter;	    /* borrowed until done(); NULL: all */
	char text[DEVICE_TEXT_MAX_LEN + 1]; /* id or name begins with it, in any case */
	enum device_sort sort;
	bool descending;
	struct device_cursor after;
	unsigned limit;	   /* 1..STORE_LIST_MAX */
	int64_t budget_ms; /* 0: SELECT_BUDGET_MS */
};
#define SELECT_BUDGET_MS 700

/* Counting stops at COUNT_MAX, and after the budget. */
#define COUNT_MAX 10000u
struct device_count {
	uint64_t n;
	bool exact; /* false: there are at least n */
};

struct device_id {
	char id[DEVICE_ID_MAX_LEN + 1];
};

struct device_patch {
	char id[DEVICE_ID_MAX_LEN + 1];
	uint64_t expect_revision; /* 0: any */
	bool set_name, set_site, set_tags, set_pin;
	char name[DEVICE_TEXT_MAX_LEN + 1];
	char site[SITE_MAX_LEN + 1];
	char tags[TAGS_TEXT_MAX_LEN + 1]; /* as in struct device */
	enum pin pin;
	char pin_release[RELEASE_ID_LEN + 1];
	char pin_reason[DEVICE_TEXT_MAX_LEN + 1];
};

/* ---- products ---- */

#define PRODUCT_MAX_HARDWARE 16

struct product {
	char name[PRODUCT_MAX_LEN + 1];
	char about[DEVICE_TEXT_MAX_LEN + 1];
	char hardware[PRODUCT_MAX_HARDWARE][HARDWARE_MAX_LEN + 1];
	size_t n_hardware;	 /* 0: not said, any */
	int64_t support_ends_at; /* 0: not said */
	int64_t created_at, updated_at;
	uint64_t revision;
};

/* ---- groups ---- */

#define GROUPS_MAX 1000

struct group_name {
	char name[GROUP_NAME_MAX_LEN + 1];
};

struct fleet_group {
	char name[GROUP_NAME_MAX_LEN + 1];
	char about[DEVICE_TEXT_MAX_LEN + 1];
	bool is_rule;			    /* else static: members are listed */
	char rule[FILTER_TEXT_MAX_LEN + 1]; /* a filter */
	int64_t created_at, updated_at;
	uint64_t revision;
};

/* 0 if text may name a group (tag); else ERR_FORMAT saying what is allowed. */
int group_name_check(const char *text, struct err *e) MUST_USE;
int tag_check(const char *text, struct err *e) MUST_USE;

/* Adds to, or takes from, a blank-separated list in order; ERR_LIMIT if it is full. */
int tags_add(char tags[TAGS_TEXT_MAX_LEN + 1], const char *tag, struct err *e) MUST_USE;
void tags_remove(char tags[TAGS_TEXT_MAX_LEN + 1], const char *tag);

/* ASCII letters to lower case: what the columns for searching in any case hold. */
void text_fold(const char *text, char *ret, size_t room);

/* ---- versions over time ---- */

/* A point an hour for two days, then one a day for some 13 months. */
#define SAMPLE_HOUR_MS (INT64_C(3600) * 1000)
#define SAMPLE_KEEP_HOURS 48
#define SAMPLE_KEEP_DAYS 400

struct version_point {
	int64_t at; /* the hour's begin */
	struct version_count count;
};

/* The highest version of a product that was released. */
struct newest_release {
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	char release[RELEASE_ID_LEN + 1];
	uint64_t n_behind; /* devices whose version is known and below */
};

const char *pin_name(enum pin p);
const char *device_sort_name(enum device_sort s);
int device_sort_parse(const char *text, enum device_sort *ret, struct err *e) MUST_USE;

#endif
