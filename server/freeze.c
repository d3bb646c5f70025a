/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing and thawing by whoever holds the data directory, for when the API cannot be
 * reached: the row is what counts, and a running server looks at it each time it would
 * show something to a device. */
#include "server.h"

#include "../common/base/text.h"

#include <string.h>

#define ADMIN_NAME "ota-server admin"

static const struct audit_actor whoever = {.kind = AUDIT_COMMAND};

static int put_freeze(struct store *store, const struct settings *s, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_FREEZE_PUT, NULL, NULL, NULL, e);

	if (c == NULL || text_copy(c->in.freeze.reason, sizeof(c->in.freeze.reason),
				   s->reason, "--reason", e) < 0)
		return -1;
	memcpy(c->in.freeze.by, ADMIN_NAME, sizeof(ADMIN_NAME));
	c->in.freeze.cancel_running = s->cancel_running;
	store_call_event_of(c, EVENT_FREEZE, NULL);
	store_call_audit(c, &whoever, "freeze.start", "tenant", TENANT_DEFAULT,
			 s->reason);
	return store_wait(store, c, e);
}

/* Batch after batch; a device learns of it at its next poll. */
static int cancel_shown(struct store *store, uint64_t *ret_n, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_FREEZE_CANCEL, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->deadline_ms = 0;
	for (*ret_n = 0;;) {
		const struct frozen_out *o;

		if (store_wait(store, c, e) < 0)
			return -1;
		*ret_n += c->n_items;
		if (!c->more)
			return 0;
		o = c->items;
		memcpy(c->in.device_id, o[c->n_items - 1].device,
		       sizeof(c->in.device_id));
	}
}

int command_freeze(void *values, int n, char **operands, const struct log *log,
		   struct err *e)
{
	const struct settings *s = values;
	struct data_dir dir;
	struct store *store;
	uint64_t n_cancelled = 0;
	int rc;

	(void)n;
	(void)operands;
	if (s->reason == NULL || s->reason[0] == '\0')
		return err_set(e, ERR_USAGE, "--reason is missing: say why");
	store = visit_store(s, &dir, log, e);
	if (store == NULL)
		return -1;
	rc = put_freeze(store, s, e);
	if (rc == 0 && s->cancel_running)
		rc = cancel_shown(store, &n_cancelled, e);
	store_close(store);
	if (rc < 0)
		return err_wrap(e, "freeze");
	(void)printf("Frozen: no device is shown anything new.\n");
	if (s->cancel_running)
		(void)printf("%llu running deployments are being cancelled.\n",
			     (unsigned long long)n_cancelled);
	return 0;
}

static int delete_freeze(struct store *store, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_FREEZE_DELETE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	store_call_event_of(c, EVENT_FREEZE, NULL);
	store_call_audit(c, &whoever, "freeze.end", "tenant", TENANT_DEFAULT, NULL);
	return store_wait(store, c, e);
}

int command_thaw(void *values, int n, char **operands, const struct log *log,
		 struct err *e)
{
	struct data_dir dir;
	struct store *store = visit_store(values, &dir, log, e);
	int rc;

	(void)n;
	(void)operands;
	if (store == NULL)
		return -1;
	rc = delete_freeze(store, e);
	store_close(store);
	if (rc == 0)
		(void)printf("Thawed: deployments are shown to devices again.\n");
	return rc;
}
