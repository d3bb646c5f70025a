/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, releases and deployments as docs/API.md shows them. */
#ifndef OTA_SERVER_FLEET_RENDER_H
#define OTA_SERVER_FLEET_RENDER_H

#include "../../common/json/json.h"
#include "../store/model_rollout.h"

/* NULL (and e) only without memory. `deployment` NULL: null. attributes NULL: left
 * out. */
struct json *render_device(const struct device *d, const struct deployment *deployment,
			   bool with_hashes, struct err *e) MUST_USE;
struct json *render_attributes(const struct attribute *a, size_t n,
			       struct err *e) MUST_USE;
struct json *render_components(const struct component *p, size_t n,
			       struct err *e) MUST_USE;
struct json *render_release(const struct release *r, struct err *e) MUST_USE;
struct json *render_deployment(const struct deployment *d, struct err *e) MUST_USE;
struct json *render_statuses(const struct status *s, size_t n, struct err *e) MUST_USE;

/* The "slots" array out of what a device reported (docs/API.md, Attributes) as text; ""
 * if it says nothing of slots. */
int render_slots(const struct attribute *a, size_t n, char ret[SLOTS_TEXT_MAX_LEN + 1],
		 struct err *e) MUST_USE;

/* An attribute's value, or NULL. */
const char *attribute_value(const struct attribute *a, size_t n, const char *key);

/* {"frozen":bool,"reason",..} */
struct json *render_freeze(const struct freeze *f, struct err *e) MUST_USE;

#endif
