/* SPDX-License-Identifier: Apache-2.0 */
/* The document of an event: what a stream and a webhook show of it (docs/API.md, Events).
 */
#ifndef OTA_SERVER_EVENT_DOCUMENT_H
#define OTA_SERVER_EVENT_DOCUMENT_H

#include "../../common/json/json.h"
#include "../store/store.h"

/* Reads what v names as it is now, with store_wait(): for threads that may wait. A device
 * that is gone is {"id","deleted":true}; *ret is NULL where there is nothing to tell. */
int event_document(struct store *s, const char *tenant, const struct event *v,
		   struct json **ret, struct err *e) MUST_USE;

#endif
