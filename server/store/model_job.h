/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: one change to all devices that match a filter.
 *
 *	RUNNING -> DONE, FAILED, CANCELLED
 *
 * A job goes through the fleet by id, a batch at a time. A batch and how far the job came
 * are one transaction, so after a crash it goes on where it was, and no device is changed
 * twice. server/job runs them.
 */
#ifndef OTA_SERVER_STORE_MODEL_JOB_H
#define OTA_SERVER_STORE_MODEL_JOB_H

#include "../fleet/filter.h"
#include "model.h"

#define JOBS_MAX_RUNNING 100

/* Kept as numbers in the database: these grow at their end. */
enum job_action {
	JOB_TAG,
	JOB_UNTAG,
	JOB_ASSIGN,
	JOB_CANCEL,
	JOB_PIN,
	JOB_UNPIN,
	JOB_DELETE,
	JOB_JOIN,
	JOB_LEAVE,
	N_JOB_ACTIONS
};

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED, N_JOB_STATES };

struct fleet_job {
	uint64_t id;
	char tenant[TENANT_MAX_LEN + 1];
	enum job_action action;
	enum job_state state;
	char filter[FILTER_TEXT_MAX_LEN + 1];
	char tag[TAG_MAX_LEN + 1];	      /* of TAG, UNTAG */
	char release[RELEASE_ID_LEN + 1];     /* of ASSIGN, PIN ("": as it is) */
	bool forced;			      /* of ASSIGN */
	char reason[DEVICE_TEXT_MAX_LEN + 1]; /* of PIN */
	char group[GROUP_NAME_MAX_LEN + 1]; /* of JOIN, LEAVE: its members are listed */
	char who[USER_MAX_LEN + 1];
	char last_id[DEVICE_ID_MAX_LEN + 1]; /* devices up to this id are done */
	uint64_t n_done, n_skipped;	 /* changed; matched, and left as they were */
	char detail[DETAIL_MAX_LEN + 1]; /* why the last one was left, or it failed */
	int64_t created_at;		 /* what the filter's relative times hang on */
	int64_t updated_at;
	uint64_t revision;
};

struct job_step {
	uint64_t id;
	uint64_t expect_revision;
	char last_id[DEVICE_ID_MAX_LEN + 1];
	uint64_t n_skipped;		 /* those that the runner left out */
	char detail[DETAIL_MAX_LEN + 1]; /* "": as it is */
	enum job_state state;		 /* after it */
};

const char *job_action_name(enum job_action a);
int job_action_parse(const char *text, enum job_action *ret, struct err *e) MUST_USE;
const char *job_state_name(enum job_state s);

#endif
