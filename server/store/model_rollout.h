/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of rollouts, waves and freezes: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_ROLLOUT_H
#define OTA_SERVER_STORE_MODEL_ROLLOUT_H

#include "model.h"

#define FREEZE_REASON_MAX_LEN 256
#define FREEZE_CANCEL_BATCH 200

/* While it is on, no device of the tenant is shown a deployment that it has not been
 * shown yet, and nothing new is assigned. */
struct freeze {
	bool on;
	int64_t since;	  /* stays when it is said again */
	int64_t ended_at; /* of the last one, if none is on; 0: there was none */
	char by[USER_MAX_LEN + 1];
	char reason[FREEZE_REASON_MAX_LEN + 1];
	bool cancel_running; /* what was shown before is cancelled too */
};

/* A device whose deployment is being cancelled. */
struct frozen_out {
	char device[DEVICE_ID_MAX_LEN + 1];
	uint64_t deployment;
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_rollout.c. */
/* clang-format off */
#define STORE_VERBS_ROLLOUT(X)                                                           \
	X(FREEZE_GET, STORE_READ)	  /* -> out.freeze */                            \
	X(FREEZE_PUT, STORE_WRITE)	  /* in.freeze -> out.freeze */                  \
	X(FREEZE_DELETE, STORE_WRITE)	  /* ERR_NOT_FOUND: nothing is frozen */         \
	X(FREEZE_CANCEL, STORE_WRITE)	  /* in.device_id: after it, "" from the start; what devices were shown becomes cancelling, FREEZE_CANCEL_BATCH at a time -> items of struct frozen_out, more; ERR_CONFLICT unless frozen so */
/* clang-format on */

#endif
