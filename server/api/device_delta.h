/* SPDX-License-Identifier: Apache-2.0 */
/* The delta that a device is offered beside the full payload. */
#ifndef OTA_SERVER_API_DEVICE_DELTA_H
#define OTA_SERVER_API_DEVICE_DELTA_H

#include "../../common/ddi/ddi.h"
#include "api.h"

/* It said that deltas alone go over its link. */
bool device_takes_no_full(const struct device *d);

/* Only of what it proved to run is it known which bytes are in its slot. */
bool device_takes_deltas(const struct device *d);

/* a->delta for a->deployment, if one is ready and the device can use it (id 0: none);
 * then goes on. */
void load_delta(struct api_call *a, void (*then)(struct api_call *a));

/* Fills what load_delta() found, if it did. */
int delta_fill(struct api_call *a, struct ddi_delta *ret, struct err *e) MUST_USE;

/* Where the device fetches content by its digest. device_offer.c. */
int device_content_url(struct api_call *a, char ret[DDI_URL_LEN],
		       const uint8_t sha256[SHA256_LEN], struct err *e) MUST_USE;

/* Of DELTA_FIND's items, the smallest that is ready and that the device can apply, or
 * NULL. Lives in c. */
const struct fleet_delta *delta_choose(const struct store_call *c,
				       const struct device *d);

#endif
