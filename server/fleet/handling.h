/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device is shown of its deployment when it asks: pure, from the deployment, the
 * kind of client and the time; handling.c has the table.
 *
 * Two kinds of clients: the agent (`ota-client`), which says of itself that it is one
 * and knows what "skip" means, and those of others. SWUpdate takes update "skip" for
 * "installed already" and reports success, so whoever is not known to be ours is shown
 * nothing until the maintenance window opens.
 */
#ifndef OTA_SERVER_FLEET_HANDLING_H
#define OTA_SERVER_FLEET_HANDLING_H

#include "../../common/ddi/ddi.h"
#include "../store/model.h"

enum showing { SHOW_NOTHING, SHOW_DEPLOYMENT, SHOW_CONFIRMATION, SHOW_CANCEL };

struct handling {
	enum showing show;
	enum ddi_handling download, update; /* of what is shown */
	enum ddi_window window;
	uint64_t content;   /* `?c=`: another one whenever any of this changes */
	int64_t changes_at; /* when the time alone will change it; 0: never */
};

/* The device runs the agent (`ota-client`). */
static inline bool device_is_ours(const struct device *d)
{
	return d->agent_version[0] != '\0';
}

/* d->id 0: there is none. */
void handling_of(const struct deployment *d, bool ours, int64_t now_ms,
		 struct handling *ret);

/* How long a device may sleep: poll_ms, or less where it would oversleep a change; a
 * second at least. */
uint64_t handling_sleep_ms(const struct handling *h, uint64_t poll_ms, int64_t now_ms);

/* Whether the device gets the release's opaque files and not its payload. */
bool handling_gives_files(const struct device *d, const struct release *r);

/* hawkBit's word for where an action stands ("RUNNING"). */
const char *handling_history_status(const struct deployment *d);

#endif
