/* SPDX-License-Identifier: Apache-2.0 */
#include "scope.h"

#include "filter_sql.h"
#include "verbs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum how {
	CLOSED,	       /* to scoped callers: what has no row */
	FREELY,	       /* it shows nothing of devices */
	BY_DEVICE,     /* `in` names the device */
	BY_DEPLOYMENT, /* `in` names a deployment: its device */
	BY_ITSELF,     /* the verb puts scope_add() or scope_check_device() to use */
};

struct rule {
	enum how how;
	size_t offset; /* of the id in union store_in */
};

#define IN(member) offsetof(union store_in, member)

static const struct rule rules[N_STORE_VERBS] = {
    /* devices */
    [STORE_DEVICE_GET] = {BY_DEVICE, IN(device_id)},
    [STORE_DEVICE_ATTRIBUTES] = {BY_DEVICE, IN(device_id)},
    [STORE_DEVICE_COMPONENTS] = {BY_DEVICE, IN(device_id)},
    [STORE_DEVICE_SET_TOKEN] = {BY_DEVICE, IN(device_token.id)},
    [STORE_DEVICE_DELETE] = {BY_DEVICE, IN(device_id)},
    [STORE_DEVICE_PATCH] = {BY_DEVICE, IN(patch.id)},
    [STORE_DEVICE_GROUPS] = {BY_DEVICE, IN(device_id)},
    [STORE_AUTO_CONFIRM_GET] = {BY_DEVICE, IN(device_id)},
    [STORE_DEVICE_SELECT] = {BY_ITSELF, 0},
    [STORE_DEVICE_COUNT] = {BY_ITSELF, 0},
    [STORE_VERSION_COUNTS] = {BY_ITSELF, 0},
    [STORE_RELEASE_NEWEST] = {BY_ITSELF, 0},
    [STORE_FAILURE_LIST] = {BY_ITSELF, 0},
    [STORE_ROLLOUT_LOOK] = {BY_DEVICE, IN(rollout_look.device)},
    /* deployments */
    [STORE_DEPLOYMENT_ASSIGN] = {BY_DEVICE, IN(assign.device)},
    [STORE_DEPLOYMENT_GET] = {BY_DEPLOYMENT, IN(deployment_id)},
    [STORE_DEPLOYMENT_STATUSES] = {BY_DEPLOYMENT, IN(deployment_id)},
    [STORE_DEPLOYMENT_MOVE] = {BY_DEPLOYMENT, IN(move.id)},
    [STORE_DEPLOYMENT_MANY] = {BY_ITSELF, 0},
    [STORE_DEPLOYMENT_LIST] = {BY_ITSELF, 0},
    /* what the tenant's people share */
    [STORE_RELEASE_GET] = {FREELY, 0},
    [STORE_RELEASE_LIST] = {FREELY, 0},
    [STORE_PRODUCT_GET] = {FREELY, 0},
    [STORE_PRODUCT_LIST] = {FREELY, 0},
    [STORE_FREEZE_GET] = {FREELY, 0},
    [STORE_METADATA_GET] = {FREELY, 0},
    [STORE_ONLINE_ROLE_GET] = {FREELY, 0},
    [STORE_DELTA_LIST] = {FREELY, 0},
    [STORE_DELTA_FIND] = {FREELY, 0},
    /* Numbers and ids; what they are of is asked for by the verbs above. */
    [STORE_EVENT_LIST] = {FREELY, 0},
    [STORE_EVENT_BOUNDS] = {FREELY, 0},
    /* about the caller; whose session it may be is the handler's to see to */
    [STORE_PERSON_GET] = {FREELY, 0},
    [STORE_PERSON_SET] = {FREELY, 0},
    [STORE_SESSION_LIST] = {FREELY, 0},
    [STORE_SESSION_OPEN] = {FREELY, 0},
    [STORE_SESSION_TOUCH] = {FREELY, 0},
    [STORE_SESSION_DELETE] = {FREELY, 0},
    [STORE_ONCE_BEGIN] = {FREELY, 0},
};

/* ---- conditions ---- */

void scope_add(struct sql_make *m, struct conn *db, const struct store_call *c)
{
	const struct filter_scope scope = {
	    .db = db, .tenant = c->tenant, .now_ms = c->now_ms};

	if (c->scope[0] == '\0')
		return;
	sql_make_add(m, " AND ");
	filter_sql_add_scope(m, c->scope, &scope);
}

/* Also of a group that is not there: no index answers for what cannot be asked. */
static bool has_rule(struct conn *db, const struct store_call *c, const char *group)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row = false;

	return query_open(db, SQL_GROUP_RULE, &q, NULL,
			  ARGS(ARG_T(c->tenant), ARG_T(group))) < 0 ||
	       query_step(&q, &row, NULL) < 0 || !row || query_int(&q, 0) != 0;
}

bool scope_add_ids(struct sql_make *m, struct conn *db, const struct store_call *c)
{
	char name[GROUP_NAME_MAX_LEN + 1];

	if (c->scope[0] == '\0')
		return false;
	for (size_t i = 0; scope_group(c->scope, i, name); i++) {
		if (has_rule(db, c, name))
			return false;
	}
	sql_make_add(m, "SELECT m.device FROM group_member m WHERE m.tenant = ");
	sql_make_text(m, c->tenant);
	sql_make_add(m, " AND m.group_name IN (");
	for (size_t i = 0; scope_group(c->scope, i, name); i++) {
		sql_make_add(m, i > 0 ? ", " : "");
		sql_make_text(m, name);
	}
	sql_make_add(m, ")");
	return true;
}

/* ---- one device, one deployment ---- */

/* Rows of "SELECT .. " that hold within the scope: some, or ERR_NOT_FOUND. */
static int expect_row(struct sql_make *m, struct conn *db, const char *what,
		      const char *id, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	return sql_make_open(m, db, &q, e) < 0 ? -1 : step_one(&q, what, id, e);
}

int scope_check_device(struct conn *db, const struct store_call *c, const char *device,
		       struct err *e)
{
	AUTO(sql_make) struct sql_make m;

	sql_make_init(&m);
	if (c->scope[0] == '\0')
		return 0;
	sql_make_add(&m, "SELECT d.id FROM device d WHERE d.tenant = ");
	sql_make_text(&m, c->tenant);
	sql_make_add(&m, " AND d.id = ");
	sql_make_text(&m, device);
	scope_add(&m, db, c);
	return expect_row(&m, db, "device", device, e);
}

static int check_deployment(struct conn *db, const struct store_call *c, uint64_t id,
			    struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	sql_make_init(&m);
	sql_make_add(&m, "SELECT d.id FROM deployment p JOIN device d ON d.tenant = "
			 "p.tenant AND d.id = p.device WHERE p.tenant = ");
	sql_make_text(&m, c->tenant);
	sql_make_add(&m, " AND p.id = ");
	sql_make_int(&m, (int64_t)id);
	scope_add(&m, db, c);
	return expect_row(&m, db, "deployment", text, e);
}

int scope_check(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct rule *r = &rules[c->verb];
	const char *at = (const char *)&c->in + r->offset;
	uint64_t id;

	if (c->scope[0] == '\0')
		return 0;
	switch (r->how) {
	case FREELY:
	case BY_ITSELF:
		return 0;
	case BY_DEVICE:
		return scope_check_device(db, c, at, e);
	case BY_DEPLOYMENT:
		memcpy(&id, at, sizeof(id));
		return check_deployment(db, c, id, e);
	case CLOSED:
	default:
		return err_set(e, ERR_FORBIDDEN,
			       "your role holds for some groups, and this concerns the "
			       "whole tenant");
	}
}
