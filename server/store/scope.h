/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles that hold for some groups only: what a call with a scope may see and touch.
 *
 * A call's scope is a list of groups (model_people.h). For such a call devices that are
 * in none of them are not there, nor is anything about them: each verb has a row in
 * scope.c's table that says how it keeps to that, and a verb without one is refused. So
 * a new verb is closed to scoped callers until somebody has thought about it.
 *
 * A group of the scope that does not exist has no devices. Deleting a group takes it out
 * of all scopes (SCOPE_NO_GROUP), so that another one of its name is not in them.
 */
#ifndef OTA_SERVER_STORE_SCOPE_H
#define OTA_SERVER_STORE_SCOPE_H

#include "sql_make.h"
#include "store.h"

/* Before the verb runs: 0 if it may. ERR_NOT_FOUND: the device or deployment that it is
 * about is not in the scope; ERR_FORBIDDEN: it concerns the whole tenant. */
int scope_check(struct conn *db, const struct store_call *c, struct err *e) MUST_USE;

/* ERR_NOT_FOUND in the words of a device that does not exist. */
int scope_check_device(struct conn *db, const struct store_call *c, const char *device,
		       struct err *e) MUST_USE;

/* Adds " AND (..)" over the table device, called d; nothing without a scope. Failures
 * are m's. */
void scope_add(struct sql_make *m, struct conn *db, const struct store_call *c);

/* A sub-select of the ids of the scope's devices, if an index answers it: its groups
 * list their members. Likewise false without a scope. */
bool scope_add_ids(struct sql_make *m, struct conn *db, const struct store_call *c);

#endif
