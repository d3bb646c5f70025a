/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler.h"

#include <string.h>

static void store_point(struct store_call *counts)
{
	AUTO_PTR(store_call) struct store_call *owned = counts;
	struct store *whole = counts->ctx;
	struct store_call *c;

	if (counts->err.code != ERR_NONE)
		return;
	c = store_call_new(STORE_VERSION_SAMPLE, NULL, store_call_free, NULL, NULL);
	if (c == NULL)
		return;
	memcpy(c->tenant, counts->tenant, sizeof(c->tenant));
	c->in.sample.at = c->now_ms - c->now_ms % SAMPLE_HOUR_MS;
	c->items = TAKE(counts->items);
	c->n_items = counts->n_items;
	store_submit(whole, c);
}

void sampler_take(struct store *view, struct store *whole, struct loop *l)
{
	struct store_call *c =
	    store_call_new(STORE_VERSION_COUNTS, l, store_point, whole, NULL);

	if (c != NULL)
		store_submit(view, c);
}
