/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a server that call others, made from its settings. */
#include "server.h"

#include "../common/base/file.h"
#include "audit/audit_log.h"
#include "event/hub.h"
#include "webhook/webhook.h"

static int read_ranges(const struct option_list *l, struct address_range *ret,
		       struct err *e)
{
	if (l->n_items > WEBHOOK_MAX_ALLOWED)
		return err_set(e, ERR_CONFIG, "[webhook] allow: more than %d",
			       WEBHOOK_MAX_ALLOWED);
	for (size_t i = 0; i < l->n_items; i++) {
		if (address_range_parse(l->items[i], &ret[i], e) < 0) {
			e->code = ERR_CONFIG;
			return err_wrap(e, "[webhook] allow");
		}
	}
	return 0;
}

struct webhooks *start_webhooks(const struct settings *s, const struct data_dir *d,
				struct store *store, struct hub *hub,
				struct metrics *metrics, const struct log *log,
				struct err *e)
{
	struct address_range allowed[WEBHOOK_MAX_ALLOWED];
	const struct webhooks_config c = {
	    .store = store,
	    .clock = &clock_system,
	    .log = log,
	    .metrics = metrics,
	    .tried = hub_delivery,
	    .tried_ctx = hub,
	    .secrets_file = d->secrets,
	    .ca_file = s->webhook_ca,
	    .allowed = allowed,
	    .n_allowed = s->webhook_allow.n_items,
	    .timeout_ms = s->webhook_timeout_ms,
	    .max_attempts = (unsigned)s->webhook_attempts,
	};

	if (read_ranges(&s->webhook_allow, allowed, e) < 0)
		return NULL;
	return webhooks_new(&c, e);
}

struct audit_log *start_audit(const struct settings *s, const struct data_dir *d,
			      struct store *store, const struct log *log, struct err *e)
{
	const struct audit_config c = {
	    .store = store,
	    .log = log,
	    .dir = d->root,
	    .push_file = s->audit_push_file,
	    .push_url = s->audit_push_url,
	    .ca_file = s->audit_ca,
	    .demo = s->demo || file_exists(d->demo),
	};

	return audit_log_new(&c, e);
}
