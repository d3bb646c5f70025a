/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases that were taken back: values and verbs.
 *
 * The row decides: from the transaction on that withdraws a release nobody is assigned
 * it and no device is shown it for the first time, whatever else of the server runs. In
 * the same transaction its rollouts pause, or stop if they had not begun. Deployments
 * that are open are cancelled batch by batch after it.
 */
#ifndef OTA_SERVER_STORE_MODEL_WITHDRAW_H
#define OTA_SERVER_STORE_MODEL_WITHDRAW_H

#include "model.h"

#define WITHDRAW_BATCH 200
#define MAX_WITHDRAWN 10000

struct release_withdrawal {
	char release[RELEASE_ID_LEN + 1];
	char by[USER_MAX_LEN + 1];
	char reason[WITHDRAW_REASON_MAX_LEN + 1];
	int rollout_reason; /* what its rollouts are told: enum rollout_reason */
};

/* After the last one of the page before; zeros from the start. */
struct release_cancel {
	char release[RELEASE_ID_LEN + 1];
	bool shown; /* also what devices have been shown: they are asked to stop */
	char after_device[DEVICE_ID_MAX_LEN + 1];
	uint64_t after_deployment;
};

struct withdrawn_release {
	char id[RELEASE_ID_LEN + 1];
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_withdraw.c. */
/* clang-format off */
#define STORE_VERBS_WITHDRAW(X)                                                          \
	X(RELEASE_WITHDRAW, STORE_WRITE)  /* in.withdrawal; again: another reason -> out.release */ \
	X(RELEASE_CANCEL, STORE_WRITE)	  /* in.release_cancel; ERR_CONFLICT unless it is withdrawn -> items of struct frozen_out that were cancelled, more */ \
	X(RELEASE_WITHDRAWN, STORE_READ)  /* -> items of struct withdrawn_release: all there are */
/* clang-format on */

#endif
