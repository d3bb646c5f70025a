/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the health gate's evidence grew: what gate.h would have said at each moment, from
 * when each member was offered the release and when it failed. For people to look at; the
 * gate itself judges the counters as they are.
 *
 * Steps are of equal length from `from` on. A person's resume after a pause that the
 * policy made takes who failed until then out of the reckoning: the curve falls there.
 * Who was cancelled is no evidence, as if it had never been offered the release.
 *
 * Pure.
 */
#ifndef OTA_SERVER_ROLLOUT_EVIDENCE_H
#define OTA_SERVER_ROLLOUT_EVIDENCE_H

#include "../../common/json/json.h"
#include "view.h"

struct evidence_span {
	int64_t from, to, step_ms; /* step_ms > 0; at most EVIDENCE_STEPS steps */
};

/* From the rollout's start to its end, or to now. One that never started: of no length. */
struct evidence_span evidence_span_of(const struct rollout *o, int64_t now);

/* What docs/API.md has as E. rows: of ROLLOUT_EVIDENCE over the same span; decisions:
 * newest first. NULL: e. */
struct json *render_evidence(const struct rollout_view *v,
			     const struct evidence_span *span,
			     const struct evidence_row *rows, size_t n_rows,
			     const struct rollout_decision *decisions,
			     size_t n_decisions, struct err *e) MUST_USE;

#endif
