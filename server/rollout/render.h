/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts as the API tells of them (docs/API.md, "Rollouts"). Pure; the caller owns what
 * is returned; NULL: e. */
#ifndef OTA_SERVER_ROLLOUT_RENDER_H
#define OTA_SERVER_ROLLOUT_RENDER_H

#include "select.h"

/* Without plan and waves, for lists. */
struct json *render_rollout(const struct rollout *o, struct err *e) MUST_USE;
/* All of it. waves: as the store gave them. */
struct json *render_rollout_whole(const struct rollout_view *v,
				  const struct rollout_wave *waves,
				  struct err *e) MUST_USE;
struct json *render_rollout_member(const struct rollout_member *m,
				   struct err *e) MUST_USE;
struct json *render_rollout_decision(const struct rollout_decision *d,
				     struct err *e) MUST_USE;
/* What would happen. */
struct json *render_rollout_preview(const struct rollout_view *v,
				    const struct selection *s, struct err *e) MUST_USE;

#endif
