/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps for the device API alone: values and verbs. */
#ifndef OTA_SERVER_STORE_MODEL_DEVICE_API_H
#define OTA_SERVER_STORE_MODEL_DEVICE_API_H

#include "model.h"

/* Consent that somebody gave for all that will come to a device. */
struct auto_confirm {
	char device[DEVICE_ID_MAX_LEN + 1];
	char initiator[DEVICE_TEXT_MAX_LEN + 1];
	char remark[DETAIL_MAX_LEN];
	int64_t at;
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_device_api.c. */
/* clang-format off */
#define STORE_VERBS_DEVICE_API(X)                                                        \
	/* the device API */                                                             \
	X(DEVICE_ENSURE, STORE_WRITE)	  /* in.device_new -> out.device: the one of this id, made if it was not there */ \
	X(FILE_ARTIFACTS, STORE_READ)	  /* in.release_id -> items of struct artifact: of its opaque files, in their order */ \
	X(AUTO_CONFIRM_GET, STORE_READ)	  /* in.device_id -> out.auto_confirm; ERR_NOT_FOUND: it is off */ \
	X(AUTO_CONFIRM_SET, STORE_WRITE)  /* in.auto_confirm; what awaits consent has it then */ \
	X(AUTO_CONFIRM_CLEAR, STORE_WRITE) /* in.device_id; what was consented to stays so */
/* clang-format on */

#endif
