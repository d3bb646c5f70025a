/* SPDX-License-Identifier: Apache-2.0 */
/* ota device set: what an operator says of one device. */
#include "view.h"

#include <string.h>

const struct option device_set_options[] = {
    {NULL, "name", OPT_TEXT, AT(name), NULL, NULL, "A name for people"},
    {NULL, "site", OPT_TEXT, AT(site), NULL, "SITE", "Where it is"},
    {NULL, "attribute", OPT_LIST, AT(attributes), NULL, "KEY=VALUE",
     "An attribute that the device does not change; KEY= takes it back"},
    OPTIONS_SERVER,
    OPTION_END,
};

static int set_attribute(struct json *attributes, const char *pair, struct err *e)
{
	const char *equals = strchr(pair, '=');
	AUTO(buf) struct buf key = BUF_INIT(1024);

	if (equals == NULL || equals == pair)
		return err_set(e, ERR_USAGE,
			       "--attribute takes KEY=VALUE, not \"%.80s\"", pair);
	if (buf_add(&key, pair, (size_t)(equals - pair), e) < 0)
		return -1;
	return json_set(attributes, buf_str(&key),
			equals[1] == '\0' ? json_new_null() : json_new_text(equals + 1),
			e);
}

static struct json *make_patch(const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *attributes = json_new_object();

	for (size_t i = 0; i < o->attributes.n_items; i++) {
		if (set_attribute(attributes, o->attributes.items[i], e) < 0)
			return NULL;
	}
	if ((o->name != NULL &&
	     json_set(body, "name", json_new_text(o->name), e) < 0) ||
	    (o->site != NULL &&
	     json_set(body, "site", json_new_text(o->site), e) < 0) ||
	    (o->attributes.n_items > 0 &&
	     json_set(body, "attributes", TAKE(attributes), e) < 0))
		return NULL;
	if (body != NULL && json_len(body) == 0) {
		(void)err_set(e, ERR_USAGE, "give --name, --site or --attribute");
		return NULL;
	}
	return TAKE(body);
}

RUN(device_set)
{
	static const struct view_column rows[] = {
	    {"id", "id", VIEW_TEXT},
	    {"name", "name", VIEW_TEXT},
	    {"site", "site", VIEW_TEXT},
	    {"tags", "tags", VIEW_LIST},
	};
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO_PTR(json) struct json *body = make_patch(values, e);
	AUTO_PTR(json) struct json *device = NULL;

	(void)n_operands;
	(void)log;
	if (body == NULL || api_init(&a, values, true, e) < 0 ||
	    buf_add_str(&path, "/api/v1/devices/", e) < 0 ||
	    api_escape(&path, operands[0], e) < 0 ||
	    api_call(&a, "PATCH", buf_str(&path), body, &device, e) < 0)
		return -1;
	return view_one(values, device, rows, N_ELEMS(rows), e);
}
