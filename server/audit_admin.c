/* SPDX-License-Identifier: Apache-2.0 */
/* ota-server admin accept-audit: after a restore the log is shorter than what was signed.
 * Who holds the data directory may say that this is known; it is an entry itself. */
#include "server.h"

#include "audit/audit_log.h"
#include "store/store_tenant.h"

#include <stdio.h>

static int accept(const struct settings *s, const struct data_dir *d,
		  struct store *store, const struct log *log, struct err *e)
{
	AUTO_PTR(audit_log) struct audit_log *l = start_audit(s, d, store, log, e);
	const char *tenant = s->audit_tenant;

	if (l == NULL || tenant_name_check(tenant, e) < 0)
		return -1;
	return audit_log_accept(l, tenant, s->reason, e);
}

int command_accept_audit(void *values, int n, char **operands, const struct log *log,
			 struct err *e)
{
	const struct settings *s = values;
	struct data_dir d;
	struct store *store;
	int rc;

	(void)n;
	(void)operands;
	if (s->reason == NULL || s->reason[0] == '\0')
		return err_set(e, ERR_USAGE, "--reason: say why");
	if (data_dir_open(s, false, &d, e) < 0)
		return -1;
	store = open_store(s, &d, STORE_VISITOR, log, e);
	if (store == NULL)
		return -1;
	rc = accept(s, &d, store, log, e);
	store_close(store);
	if (rc == 0)
		(void)puts("Accepted: the log goes on as it is, and says so.");
	return rc;
}
