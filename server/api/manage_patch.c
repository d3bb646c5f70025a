/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: what an operator says of a device. */
#include "select.h"

#include "../../common/base/text.h"

#include <string.h>

static const char *const pin_names[] = {"release", "reason", NULL};

/* null: not pinned; {"reason"}: kept as it is; {"release","reason"}: to that release. */
static int read_pin(const struct json *pin, struct device_patch *p, struct err *e)
{
	const char *release = NULL, *reason;

	p->set_pin = true;
	p->pin = PIN_NONE;
	if (json_is_null(pin))
		return 0;
	if (!json_is_object(pin))
		return err_set(e, ERR_FORMAT, "field \"pin\": an object or null");
	if (api_known_names(pin, pin_names, e) < 0 ||
	    json_opt_text(pin, "release", &release, e) < 0 ||
	    json_get_text(pin, "reason", &reason, e) < 0)
		return err_wrap(e, "field \"pin\"");
	if (reason[0] == '\0')
		return err_set(e, ERR_FORMAT, "field \"pin\": say why in \"reason\"");
	p->pin = release == NULL ? PIN_AS_IT_IS : PIN_RELEASE;
	if (text_copy(p->pin_release, sizeof(p->pin_release),
		      release == NULL ? "" : release, "pin.release", e) < 0)
		return -1;
	return text_copy(p->pin_reason, sizeof(p->pin_reason), reason, "pin.reason", e);
}

/* Keys with which a device describes itself: an operator who set one would only hide what
 * the device says. */
static bool is_the_devices_own(const char *key)
{
	static const char *const own[] = {"product", "hardware", "version",
					  "agent.version"};

	for (size_t i = 0; i < N_ELEMS(own); i++) {
		if (strcmp(key, own[i]) == 0)
			return true;
	}
	return strncmp(key, "slot.", 5) == 0 || strncmp(key, "component.", 10) == 0;
}

static int read_attribute(void *it, struct attribute *ret, struct err *e)
{
	const struct json *value = json_value(it);
	const char *key = json_key(it);

	if (key[0] == '\0')
		return err_set(e, ERR_FORMAT, "an attribute has a key");
	if (is_the_devices_own(key))
		return err_set(e, ERR_FORMAT, "\"%s\" is for the device to say", key);
	if (text_copy(ret->key, sizeof(ret->key), key, "an attribute's key", e) < 0)
		return -1;
	ret->remove = json_is_null(value);
	if (ret->remove)
		return 0;
	if (json_text(value) == NULL)
		return err_set(e, ERR_FORMAT, "\"%s\" is not text", key);
	return text_copy(ret->value, sizeof(ret->value), json_text(value), key, e);
}

static int read_attributes(struct api_call *a, struct store_call *c, struct err *e)
{
	const struct json *o = json_get(a->body, "attributes");
	struct attribute *list;
	size_t n = 0;

	if (o == NULL)
		return 0;
	if (!json_is_object(o))
		return err_set(e, ERR_FORMAT, "field \"attributes\": not an object");
	if (json_len(o) > DEVICE_MAX_ATTRIBUTES)
		return err_set(e, ERR_LIMIT, "a device has at most %d attributes",
			       DEVICE_MAX_ATTRIBUTES);
	list = store_call_items(c, json_len(o), sizeof(*list), e);
	if (list == NULL)
		return -1;
	for (void *it = json_first(o); it != NULL; it = json_next(o, it)) {
		if (read_attribute(it, &list[n++], e) < 0)
			return err_wrap(e, "field \"attributes\"");
	}
	return 0;
}

static int read_patch(struct api_call *a, struct store_call *c, struct err *e)
{
	static const char *const names[] = {"name", "site",	  "tags",
					    "pin",  "attributes", NULL};
	struct device_patch *p = &c->in.patch;
	const struct json *pin;

	if (api_matched_revision(a, &p->expect_revision, e) < 0 ||
	    api_body(a, names, e) < 0 ||
	    text_copy(p->id, sizeof(p->id), http_param(a->http, "id"), "id", e) < 0 ||
	    body_text(a, "name", p->name, sizeof(p->name), &p->set_name, e) < 0 ||
	    body_text(a, "site", p->site, sizeof(p->site), &p->set_site, e) < 0 ||
	    body_tags(a, "tags", p->tags, &p->set_tags, e) < 0)
		return -1;
	pin = json_get(a->body, "pin");
	if (pin != NULL && read_pin(pin, p, e) < 0)
		return -1;
	return read_attributes(a, c, e);
}

static void patched(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	a->device = c->out.device;
	answer_device(a, 200, "");
}

void handle_devices_patch(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_DEVICE_PATCH, patched);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_patch(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	store_call_event(c, EVENT_DEVICE, c->in.patch.id, 0, NULL);
	api_submit(a, c);
}
