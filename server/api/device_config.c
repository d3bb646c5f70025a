/* SPDX-License-Identifier: Apache-2.0 */
/* What a device says of itself, and the stream that tells it to poll. */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"
#include "../fleet/render.h"

#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */

static void attributes_stored(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		device_thank(a);
}

/* New values over old ones; the result is what the slots are drawn from. */
static size_t merge(struct attribute *all, size_t n, const struct attribute *news,
		    size_t n_news)
{
	for (size_t i = 0; i < n_news; i++) {
		size_t k = 0;

		while (k < n && strcmp(all[k].key, news[i].key) != 0)
			k++;
		if (k == n)
			n++;
		all[k] = news[i];
	}
	return n;
}

/* What does not fit its field is not that: a device's word is shown or left out, not
 * refused. */
static void take_value(char *ret, size_t room, const struct attribute *a, size_t n,
		       const char *key)
{
	const char *v = attribute_value(a, n, key);

	if (v != NULL && strlen(v) < room)
		(void)snprintf(ret, room, "%s", v);
}

/* Two attributes, since one is short; with commas between. */
static void take_capabilities(char ret[CAPABILITIES_MAX_LEN + 1],
			      const struct attribute *all, size_t n)
{
	size_t len;

	take_value(ret, CAPABILITIES_MAX_LEN / 2, all, n, "agent.capabilities");
	len = strlen(ret);
	if (len > 0) {
		ret[len++] = ',';
		take_value(ret + len, CAPABILITIES_MAX_LEN + 1 - len, all, n,
			   "agent.capabilities.2");
	}
	for (char *at = ret; *at != '\0'; at++)
		*at = *at == ',' ? ' ' : *at;
}

static int read_meanings(struct store_call *c, const struct attribute *all, size_t n,
			 struct err *e)
{
	take_value(c->in.attributes.product, sizeof(c->in.attributes.product), all, n,
		   "product");
	take_value(c->in.attributes.hardware, sizeof(c->in.attributes.hardware), all, n,
		   "hardware");
	take_value(c->in.attributes.version, sizeof(c->in.attributes.version), all, n,
		   "version");
	take_value(c->in.attributes.agent_version,
		   sizeof(c->in.attributes.agent_version), all, n, "agent.version");
	take_capabilities(c->in.attributes.capabilities, all, n);
	return render_slots(all, n, c->in.attributes.slots, e);
}

static struct attribute *convert(const struct ddi_config_data *d, struct store_call *c,
				 struct err *e)
{
	struct attribute *news = store_call_items(c, d->n_attributes, sizeof(*news), e);

	for (size_t i = 0; news != NULL && i < d->n_attributes; i++) {
		memcpy(news[i].key, d->attributes[i].key, sizeof(news[i].key));
		memcpy(news[i].value, d->attributes[i].value, sizeof(news[i].value));
		news[i].remove = d->attributes[i].is_null || d->mode == DDI_REMOVE;
	}
	return news;
}

/* old: what the device has said before, sorted into one array with the news. */
static int fill_attributes(struct api_call *a, const struct ddi_config_data *d,
			   const struct store_call *old, struct store_call *c,
			   struct err *e)
{
	size_t n_old = d->mode == DDI_REPLACE ? 0 : old->n_items;
	struct attribute *news = convert(d, c, e);
	AUTO_FREE struct attribute *all =
	    calloc(n_old + d->n_attributes + 1, sizeof(struct attribute));

	if (news == NULL || all == NULL)
		return err_nomem(e);
	if (n_old > 0)
		memcpy(all, old->items, n_old * sizeof(*all));
	c->in.attributes.replace = d->mode == DDI_REPLACE;
	memcpy(c->in.attributes.id, a->device.id, sizeof(c->in.attributes.id));
	store_call_event(c, EVENT_DEVICE, a->device.id, 0, NULL);
	return read_meanings(c, all, merge(all, n_old, news, d->n_attributes), e);
}

static void attributes_known(struct store_call *old)
{
	AUTO_PTR(store_call) struct store_call *owned = old;
	struct api_call *a = old->ctx;
	struct store_call *c;
	struct err e = ERR_INIT;

	if (api_failed(a, old))
		return;
	c = api_store(a, STORE_DEVICE_SET_ATTRIBUTES, attributes_stored);
	if (c == NULL)
		return;
	if (fill_attributes(a, a->handler_state, old, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}

void handle_device_config(struct api_call *a)
{
	struct ddi_config_data *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;
	struct store_call *c;
	size_t len;
	const void *data = http_body(a->http, &len);

	a->handler_state = d;
	if (d == NULL)
		(void)err_nomem(&e);
	if (d == NULL || ddi_config_parse(data, len, d, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	if (!device_may_write(a))
		return;
	c = api_store(a, STORE_DEVICE_ATTRIBUTES, attributes_known);
	if (c == NULL)
		return;
	memcpy(c->in.device_id, a->device.id, sizeof(c->in.device_id));
	api_submit(a, c);
}

/* ---- being told to poll ---- */

void handle_device_events(struct api_call *a)
{
	struct home *home = api_home(a);
	struct err e = ERR_INIT;

	if (home == NULL)
		return;
	if (hub_stream_device(a->api->hub, a->http, a->tenant, a->device.id,
			      home_max_streams(home), &e) < 0)
		api_fail(a, &e);
}
