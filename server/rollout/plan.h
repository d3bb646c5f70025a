/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator asks for: a rollout's plan, and its JSON (docs/API.md, "Rollouts").
 *
 * A plan is a plain value that nothing changes once the rollout was submitted. Shares
 * are basis points: 10000 is all, 1 is 0.01 %; in JSON they are percentages with at
 * most two decimals. Durations are milliseconds, times UTC milliseconds, 0 means none.
 *
 * plan_read() checks everything that can be told from the plan alone, the filters' form
 * too (they are kept as text). Whether the release, the groups that the filters name and
 * the time zone exist is for the caller, who has the means.
 *
 * All functions are pure and may be called from any thread.
 */
#ifndef OTA_SERVER_ROLLOUT_PLAN_H
#define OTA_SERVER_ROLLOUT_PLAN_H

#include "../../common/json/json.h"
#include "../fleet/filter.h"
#include "../store/model.h"
#include "window.h"

#define PLAN_NAME_MAX_LEN 64
#define PLAN_FILTER_MAX_LEN 1024 /* of a wave; the selection's: FILTER_TEXT_MAX_LEN */
#define PLAN_SEED_MAX_LEN 64
#define PLAN_STRATIFY_MAX_LEN (ATTRIBUTE_MAX_LEN + sizeof("attribute.") - 1)
#define PLAN_MAX_WAVES 16
#define PLAN_MAX_APPROVALS 5
#define PLAN_MAX_DURATION_MS (366 * INT64_C(86400000))
#define PLAN_ALL_BP 10000u /* a share of everything */

/* Which of the devices that are left a wave takes. */
enum wave_by { WAVE_BY_COUNT, WAVE_BY_PERCENT, WAVE_BY_FILTER, N_WAVE_BY };

struct wave_plan {
	enum wave_by by;
	uint32_t count;			      /* BY_COUNT: so many */
	uint32_t percent_bp;		      /* BY_PERCENT: this share, rounded up */
	char filter[PLAN_FILTER_MAX_LEN + 1]; /* BY_FILTER: all that match */
	/* Passed when this share of its devices succeeded .. */
	uint32_t success_bp;
	/* .. and stopped when more than this share of those that ended failed, both
	 * judged from when so many ended, or all. */
	uint32_t error_bp;
	uint32_t min_finished;
	int64_t deadline_ms; /* silent for longer counts as failed */
	int64_t soak_ms;     /* how long it is watched after it succeeded */
	bool needs_approval; /* somebody must say so before it starts */
};

/* What becomes of devices that match the selection only after membership was frozen. */
enum late_joiners { LATE_STAY_OUT, LATE_LAST_WAVE, N_LATE_JOINERS };

struct rollout_limits {	    /* 0: no limit */
	uint32_t in_flight; /* devices that were offered it and have not ended */
	uint32_t per_site;  /* the same at one site */
	uint64_t egress_bytes_per_s;
};

/* server/rollout/gate.h */
struct gate_plan {
	bool on;
	uint32_t alpha_bp;     /* how often a healthy rollout may be stopped falsely */
	uint32_t baseline_bp;  /* failure rate that is normal */
	uint32_t tolerated_bp; /* and how much more is borne */
};

struct rollout_plan {
	char name[PLAN_NAME_MAX_LEN + 1];
	char release[RELEASE_ID_LEN + 1];
	char selection[FILTER_TEXT_MAX_LEN + 1];
	struct wave_plan waves[PLAN_MAX_WAVES];
	size_t n_waves;	    /* 1.. */
	enum grade accepts; /* GRADE_PROVEN or GRADE_REPORTED (and better) */
	enum deployment_kind type;
	int64_t force_at; /* of KIND_TIME_FORCED */
	int64_t start_at; /* 0: as soon as it was submitted and approved */
	char seed[PLAN_SEED_MAX_LEN + 1]; /* "": the caller puts the rollout's id */
	char stratify_by[PLAN_STRATIFY_MAX_LEN + 1]; /* "", "site", "attribute.KEY" */
	enum late_joiners late_joiners;
	struct rollout_limits limits;
	uint32_t priority; /* 0..100; of two rollouts for a device the higher wins */
	struct window_plan windows; /* none: any time */
	bool needs_consent;	    /* of the device's user */
	/* So long after its wave began a member waits for a delta that is being made. */
	int64_t delta_wait_ms;
	struct gate_plan gate;
	uint32_t
	    approvals; /* by so many people other than its author, before it starts */
};

/* Body of POST /api/v1/rollouts. ERR_FORMAT or ERR_LIMIT: one sentence that begins with
 * the field, as in "waves[2].percent: must be 0.01 to 100". *ret is undefined then. */
int plan_read(const struct json *body, struct rollout_plan *ret,
	      struct err *e) MUST_USE;

/* The same form with every default written out; plan_read() of it gives the same plan.
 * The caller owns the object; NULL: out of memory. */
struct json *plan_write(const struct rollout_plan *p, struct err *e) MUST_USE;

/* The words of the API. */
const char *late_joiners_name(enum late_joiners l);

/* 10000 -> "100 %", 250 -> "2.5 %"; ret_text has SHARE_TEXT_LEN + 1 bytes. */
#define SHARE_TEXT_LEN 15
void share_format(uint64_t bp, char ret_text[SHARE_TEXT_LEN + 1]);

#endif
