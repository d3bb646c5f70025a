/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device's report makes of a deployment: pure, a table in the head of policy.c.
 *
 *	ASSIGNED --> DOWNLOADING --> INSTALLING --> REBOOTING --> CONFIRMED (proven,
 *	    |              |              |             |         reported)
 *	    +--------------+-- FAILED ----+             +--> ROLLED_BACK
 *	    |
 *	    +--> CANCELLING --> CANCELLED, or back to ASSIGNED if the device refuses
 *
 * Success is proven only by the root hash that the device's bootloader verified, equal
 * to the digest of the assigned release's slot descriptor. A proof of anything else is
 * no success, whatever the report says. A client that sends neither proof nor
 * `ota:agent` is a foreign one: its word counts as what it is, grade `reported`.
 *
 * A download-only deployment ends as DOWNLOADED by `downloaded`, or by success of a
 * client that did download; success without a download is none, since clients that do
 * not know the kind take "skip" for "installed already".
 */
#ifndef OTA_SERVER_FLEET_POLICY_H
#define OTA_SERVER_FLEET_POLICY_H

#include "../../common/ddi/ddi.h"
#include "../store/model.h"

struct verdict {
	enum deployment_state state;
	enum grade grade; /* of a CONFIRMED one */
	unsigned progress;
	bool durable;	   /* something besides the percentage changed: store it */
	bool sets_version; /* the device now runs the release */
	bool sets_device_state;
	enum device_state device_state;
	char detail[DETAIL_MAX_LEN + 1];
};

/* A report on deployment d, whose release has this descriptor digest (NULL: no images, so
 * nothing can be proven of it). ERR_GONE if d is closed; ERR_RATE if it says nothing that
 * moves d, and as much was said of d already as is kept. */
int policy_feedback(const struct deployment *d, const uint8_t want_root[SHA256_LEN],
		    const struct ddi_feedback *f, struct verdict *ret,
		    struct err *e) MUST_USE;

/* A report on the cancelling of d. ERR_GONE if d is closed, ERR_NOT_FOUND if nobody
 * asked to cancel it. */
int policy_cancel_feedback(const struct deployment *d, const struct ddi_feedback *f,
			   struct verdict *ret, struct err *e) MUST_USE;

/* An operator asks to cancel d: at once if the device never saw it or was asked before
 * and `insist` is set; else CANCELLING. ERR_CONFLICT if it is closed. */
int policy_cancel(const struct deployment *d, bool insist, struct verdict *ret,
		  struct err *e) MUST_USE;

/* Whether a release may be assigned to a device: product and hardware, where known,
 * must be among the release's, and it must have images for a device that runs the agent
 * (`ota-client`). ERR_INCOMPATIBLE says what it is for. */
int policy_fits(const struct device *d, const struct release *r,
		struct err *e) MUST_USE;

/* ERR_ROLLBACK: the device is known to accept no security version as low as the
 * release's, and would refuse it. */
int policy_floor(const struct device *d, const struct release *r,
		 struct err *e) MUST_USE;

/* ERR_CONFLICT says to what the device is pinned, and why; 0 if it is not, or to
 * the release with this id. */
int policy_pinned(const struct device *d, const char *release, struct err *e) MUST_USE;

#endif
