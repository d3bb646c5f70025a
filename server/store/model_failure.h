/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, by what it has in common, and how a rollout's evidence grew: values
 * and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_FAILURE_H
#define OTA_SERVER_STORE_MODEL_FAILURE_H

#include "model_rollout.h"

#define FAILURES_MAX 5000u
/* A wave's points are at most this many. */
#define EVIDENCE_STEPS 240u

/* Devices whose newest deployment ended badly, in the same words, of the same release,
 * on the same hardware, coming from the same version. */
struct failure {
	char product[PRODUCT_MAX_LEN + 1]; /* of the device; "": not known */
	char hardware[HARDWARE_MAX_LEN + 1];
	char from[VERSION_MAX_LEN + 1]; /* what the devices run now */
	char release[RELEASE_ID_LEN + 1];
	char version[VERSION_MAX_LEN + 1]; /* of the release */
	enum deployment_state state;	   /* FAILED or ROLLED_BACK */
	char detail[DETAIL_MAX_LEN + 1];
	char device[DEVICE_ID_MAX_LEN + 1]; /* one of them */
	uint64_t n_devices;
	int64_t first_at, last_at;
};

/* Members of a wave that were offered the release, or ended, within one step. A silent
 * one stands at its offer: when it fell silent is that and the wave's deadline. */
struct evidence_row {
	unsigned wave;
	enum member_status status; /* WAITING: all that were offered it */
	int64_t step;
	uint64_t n;
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_failure.c. */
/* clang-format off */
#define STORE_VERBS_FAILURE(X)                                                           \
	X(FAILURE_LIST, STORE_SCAN)	  /* in.failures {since, release or ""} -> items of struct failure, most devices first; more */ \
	X(ROLLOUT_EVIDENCE, STORE_SCAN)	  /* in.evidence {rollout, from, step_ms} -> items of struct evidence_row by wave, step */
/* clang-format on */

#endif
