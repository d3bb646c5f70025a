/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant says for itself. */
#include "verbs.h"

/* Within one write: of two changes at once neither undoes the other. */
static void apply(struct tenant_settings *s, const struct settings_change *c)
{
	if (c->set_poll_interval)
		s->poll_interval_ms = c->to.poll_interval_ms;
	if (c->set_target_tokens)
		s->target_tokens = c->to.target_tokens;
	if (c->set_gateway_tokens)
		s->gateway_tokens = c->to.gateway_tokens;
	if (c->set_plain_links)
		s->plain_links = c->to.plain_links;
}

int verb_TENANT_CHOOSE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct settings_change change = c->in.settings_change;
	struct tenant_settings s;

	if (tenant_load(db, c->tenant, &c->out.tenant_row, e) < 0)
		return -1;
	s = c->out.tenant_row.settings;
	apply(&s, &change);
	if (query_run(db, SQL_TENANT_CHOOSE, e,
		      ARGS(ARG_T(c->tenant), ARG_I(s.poll_interval_ms),
			   ARG_I(s.target_tokens), ARG_I(s.gateway_tokens),
			   ARG_I(s.plain_links))) < 0)
		return -1;
	return tenant_load(db, c->tenant, &c->out.tenant_row, e);
}
