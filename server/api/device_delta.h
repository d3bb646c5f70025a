/* SPDX-License-Identifier: Apache-2.0 */
/* The delta that a device is offered beside the full payload. */
#ifndef OTA_SERVER_API_DEVICE_DELTA_H
#define OTA_SERVER_API_DEVICE_DELTA_H

#include "../../common/ddi/ddi.h"
#include "api.h"

/* a->delta for a->deployment, if one is ready and the device can use it (id 0: none);
 * then goes on. */
void load_delta(struct api_call *a, void (*then)(struct api_call *a));

/* Fills what load_delta() found, if it did. */
int delta_fill(struct api_call *a, struct ddi_delta *ret, struct err *e) MUST_USE;

/* Where the device fetches content by its digest. device_offer.c. */
int device_content_url(struct api_call *a, char ret[DDI_URL_LEN],
		       const uint8_t sha256[SHA256_LEN], struct err *e) MUST_USE;

#endif
