/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health gate: an anytime-valid sequential test of a rollout's failure rate.
 *
 * It may be looked at after every report and stopped at once, and still stops a healthy
 * rollout with probability at most alpha. docs/ROLLOUTS.md, "The health gate", has the
 * mathematics and the measured figures.
 *
 * Null hypothesis: each device that was offered the release fails with probability at
 * most p0 = baseline + tolerated, whatever happened to those before it. For a single
 * alternative p > p0 the likelihood ratio
 *
 *	L_p(n, k) = (p/p0)^k ((1-p)/(1-p0))^(n-k)	n offered, k of them failed
 *
 * is a nonnegative supermartingale under the null that begins at 1 (Wald, 1945), and so
 * is any mixture over alternatives (Robbins, 1970). Ours is equal weights on GATE_GRID
 * alternatives, spaced evenly in log p between p0 and 1: finite, so the value is a sum
 * that can be checked by hand, with no quadrature that could make it invalid. By
 * Ville's inequality (1939) it ever exceeds 1/alpha with probability at most alpha: an
 * e-process (Ramdas, Grunwald, Vovk, Shafer: Game-theoretic statistics and safe
 * anytime-valid inference, 2023).
 *
 * Reports do not come in the order of the offers, and failures come sooner than
 * successes. Whoever was offered the release and has not ended counts as healthy: that
 * is at most the value with all outcomes known, so the bound holds however the reports
 * are delayed.
 *
 * Waves: each has its own e-process, and what is judged is their mean over all planned
 * waves (1 for one without evidence); a mean of e-processes is one. So alpha is the
 * whole rollout's.
 *
 * Pure, in log space; the same numbers give the same answer.
 */
#ifndef OTA_SERVER_ROLLOUT_GATE_H
#define OTA_SERVER_ROLLOUT_GATE_H

#include "plan.h"

#define GATE_GRID 64

struct gate_evidence {
	uint64_t offered; /* n: were offered it and did not leave */
	uint64_t failed;  /* k <= n */
};

/* Natural logarithm of one wave's e-value. */
double gate_wave_log_e(const struct gate_plan *g, const struct gate_evidence *v);

struct gate_verdict {
	bool stop;	/* e >= 1/alpha */
	double log_e;	/* of the rollout */
	unsigned worst; /* the wave with the most evidence */
};
/* e itself; as much as a double can say of a larger one. */
double gate_e(const struct gate_verdict *v);
void gate_judge(const struct gate_plan *g, const struct gate_evidence *waves,
		size_t n_waves, struct gate_verdict *ret);

#endif
