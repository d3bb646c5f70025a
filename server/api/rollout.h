/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of rollouts share; for the files of server/api alone. */
#ifndef OTA_SERVER_API_ROLLOUT_H
#define OTA_SERVER_API_ROLLOUT_H

#include "../rollout/render.h"
#include "../rollout/why.h"
#include "api.h"

/* A decimal id out of the path: 404 if it is none. */
int rollout_id_param(struct api_call *a, uint64_t *ret, struct err *e) MUST_USE;

/* Reads the freeze, then rollout {id}, and goes on; the answered ROLLOUT_GET stays the
 * helper's, the view is of it. a was answered where it fails. */
typedef void (*rollout_then)(struct api_call *a, struct rollout_view *v,
			     const struct store_call *got);
void with_rollout(struct api_call *a, uint64_t id, rollout_then then);

/* Answers with rollout `id` as it is now. */
void answer_rollout(struct api_call *a, int status, uint64_t id);

/* The same question for people and for the poll: what keeps a->device from being offered
 * the release of its rollout (0: of the one that concerns it most). */
void with_why(struct api_call *a, uint64_t rollout,
	      void (*then)(struct api_call *a, const struct why *w));

#endif
