/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, products and versions over time as docs/API.md shows them. */
#ifndef OTA_SERVER_FLEET_RENDER_FLEET_H
#define OTA_SERVER_FLEET_RENDER_FLEET_H

#include "../../common/json/json.h"
#include "../store/model_fleet.h"

/* NULL (and e) only without memory. n NULL: how many devices are in it is left out. */
struct json *render_group(const struct fleet_group *g, const struct device_count *n,
			  struct err *e) MUST_USE;
struct json *render_product(const struct product *p, struct err *e) MUST_USE;
struct json *render_version_count(const struct version_count *v,
				  struct err *e) MUST_USE;
struct json *render_version_point(const struct version_point *p,
				  struct err *e) MUST_USE;
struct json *render_newest(const struct newest_release *n, struct err *e) MUST_USE;

struct json *render_job(const struct fleet_job *j, struct err *e) MUST_USE;

/* The members "site", "tags" and "pin" of a device. */
int render_said(struct json *o, const struct device *d, struct err *e) MUST_USE;

#endif
