/* SPDX-License-Identifier: Apache-2.0 */
/* A wave's counts, reckoned as policy.h says: for server/rollout, and for who watches it. */
#ifndef OTA_SERVER_ROLLOUT_TALLY_H
#define OTA_SERVER_ROLLOUT_TALLY_H

#include "gate.h"
#include "policy.h"

struct tally {
	uint64_t
	    members; /* neither cancelled nor forgiven: of these the success share */
	uint64_t succeeded; /* by the accepted grade */
	uint64_t bad;	    /* failed, rolled back, silent, absent; not forgiven */
	uint64_t unproven;  /* ended well by a grade that is not accepted */
	uint64_t ended;	    /* since the last resume: of these the error share */
	uint64_t waiting;   /* in flight or not offered yet */
	bool counts;	    /* enough ended for the thresholds */
	bool reached;	    /* the success threshold */
	bool errors;	    /* the error threshold is broken */
	bool out_of_reach;  /* success is, with those that are left */
};

void tally_wave(const struct rollout_plan *plan, const struct wave_plan *w,
		const struct wave_progress *p, struct tally *ret);

/* For the gate: who was offered it since the last resume, and who failed of them. */
void tally_evidence(const struct wave_progress *p, struct gate_evidence *ret);

/* The gate over all waves that have begun: evidence by wave, and what follows. */
void tally_gate(const struct rollout_plan *plan, const struct rollout_progress *p,
		struct gate_evidence ret_evidence[PLAN_MAX_WAVES],
		struct gate_verdict *ret);

#endif
