/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that only the device API needs. */
#include "verbs.h"

#include <string.h>

/* ---- devices that a gateway speaks for ---- */

int verb_DEVICE_ENSURE(struct conn *db, struct store_call *c, struct err *e)
{
	struct err why = ERR_INIT;

	if (device_load_by_id(db, c->tenant, c->in.device_new.device.id, &c->out.device,
			      &why) == 0)
		return 0;
	if (why.code == ERR_NOT_FOUND)
		return verb_DEVICE_CREATE(db, c, e);
	*e = why;
	return -1;
}

/* ---- consent once and for all ---- */

int auto_confirm_load(struct conn *db, const char *tenant, const char *device,
		      struct auto_confirm *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_AUTO_CONFIRM_GET, &q, e,
		       ARGS(ARG_T(tenant), ARG_T(device))) < 0 ||
	    step_one(&q, "consent of device", device, e) < 0)
		return -1;
	*ret = (struct auto_confirm){.at = query_int(&q, 2)};
	(void)snprintf(ret->device, sizeof(ret->device), "%s", device);
	query_text(&q, 0, ret->initiator, sizeof(ret->initiator));
	query_text(&q, 1, ret->remark, sizeof(ret->remark));
	return 0;
}

int verb_AUTO_CONFIRM_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return auto_confirm_load(db, c->tenant, c->in.device_id, &c->out.auto_confirm,
				 e);
}

int verb_AUTO_CONFIRM_SET(struct conn *db, struct store_call *c, struct err *e)
{
	const struct auto_confirm *a = &c->in.auto_confirm;

	if (query_run(db, SQL_AUTO_CONFIRM_PUT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(a->device), ARG_T(a->initiator),
			   ARG_T(a->remark), ARG_I(c->now_ms))) < 0)
		return -1;
	return query_run(db, SQL_AUTO_CONFIRM_WAITING, e,
			 ARGS(ARG_T(c->tenant), ARG_T(a->device), ARG_I(c->now_ms)));
}

int verb_AUTO_CONFIRM_CLEAR(struct conn *db, struct store_call *c, struct err *e)
{
	return query_run(db, SQL_AUTO_CONFIRM_DELETE, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.device_id)));
}
