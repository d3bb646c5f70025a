/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store seen by one tenant: whatever is submitted through it is that tenant's, so
 * that code which was handed a view (uploads, publisher) cannot reach another tenant's
 * rows, and need not know of tenants at all.
 */
#ifndef OTA_SERVER_STORE_TENANT_H
#define OTA_SERVER_STORE_TENANT_H

#include "store.h"

/* Borrows s, which outlives it. store_close() of a view frees the view alone. It has no
 * watcher of its own: watch s. */
struct store *store_tenant_view(struct store *s, const char *tenant,
				struct err *e) MUST_USE;

/* ERR_FORMAT unless text may be a tenant's name: 1 to 32 of [a-z0-9-], beginning with a
 * letter, and none of the words that stand at the start of our own paths. */
int tenant_name_check(const char *text, struct err *e) MUST_USE;

/* A tenant as URLs have it, in any letter case, in its own form. False: no tenant is
 * called so. */
bool tenant_name_read(const char *text, char ret[TENANT_MAX_LEN + 1]);

#endif
