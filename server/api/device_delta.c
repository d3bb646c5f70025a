/* SPDX-License-Identifier: Apache-2.0 */
/* Device API: the delta from what a device runs to what it is to install, if there is
 * one and the device can use it. */
#include "device_delta.h"

#include "../../common/base/text.h"
#include "../release/roles.h"

#include <stdlib.h>
#include <string.h>

struct delta_waiting {
	void (*then)(struct api_call *a);
};

bool device_takes_no_full(const struct device *d)
{
	return capability_has(d->capabilities, "delta-only");
}

bool device_takes_deltas(const struct device *d)
{
	return d->grade == GRADE_PROVEN && capability_has(d->capabilities, "delta");
}

const struct fleet_delta *delta_choose(const struct store_call *c,
				       const struct device *d)
{
	const struct fleet_delta *all = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (all[i].state == DELTA_READY && !all[i].withdrawn &&
		    capability_covers(d->capabilities, all[i].needs))
			return &all[i];
	}
	return NULL;
}

static void found_delta(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct delta_waiting *w = a->handler_state;
	void (*then)(struct api_call *) = w->then;
	const struct fleet_delta *d;

	if (api_failed(a, c))
		return;
	d = delta_choose(c, &a->device);
	if (d != NULL)
		a->delta = *d;
	free(TAKE(a->handler_state));
	then(a);
}

void load_delta(struct api_call *a, void (*then)(struct api_call *a))
{
	struct delta_waiting *w;
	struct store_call *c;
	struct err e = ERR_INIT;

	a->delta.id = 0;
	if (!device_takes_deltas(&a->device)) {
		then(a);
		return;
	}
	w = calloc(1, sizeof(*w));
	free(a->handler_state);
	a->handler_state = w;
	if (w == NULL) {
		(void)err_nomem(&e);
		api_fail(a, &e);
		return;
	}
	w->then = then;
	c = api_store(a, STORE_DELTA_FIND, found_delta);
	if (c == NULL)
		return;
	memcpy(c->in.delta_find.product, a->device.product, sizeof(a->device.product));
	memcpy(c->in.delta_find.version, a->device.version, sizeof(a->device.version));
	memcpy(c->in.delta_find.to, a->deployment.release,
	       sizeof(a->deployment.release));
	api_submit(a, c);
}

int delta_fill(struct api_call *a, struct ddi_delta *ret, struct err *e)
{
	char name[DELTA_TARGET_MAX_LEN + 1];

	if (a->delta.id == 0)
		return 0;
	if (delta_target_name(&a->delta, name, e) < 0 ||
	    text_copy(ret->name, sizeof(ret->name), name, "name of a delta", e) < 0 ||
	    device_content_url(a, ret->head, a->delta.head_sha256, e) < 0)
		return -1;
	return device_content_url(a, ret->body, a->delta.body_sha256, e);
}
