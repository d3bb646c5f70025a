/* SPDX-License-Identifier: Apache-2.0 */
/* configData: what a device says of itself; and the cancelAction, which is hardly more
 * than an id. */
#include "link.h"

#include "../base/text.h"

#include <inttypes.h>
#include <string.h>

static const char *const mode_names[] = {"merge", "replace", "remove"};

static int write_attribute(struct json *data, const struct ddi_attribute *a,
			   struct err *e)
{
	struct json *value = a->is_null ? json_new_null() : json_new_text(a->value);

	return json_set(data, a->key, value, e);
}

int ddi_config_write(const struct ddi_config_data *c, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *data;

	if (root == NULL)
		return err_nomem(e);
	if (ddi_set_text(root, "mode", mode_names[c->mode], e) < 0)
		return -1;
	data = ddi_set_object(root, "data", e);
	if (data == NULL)
		return -1;
	for (size_t i = 0; i < c->n_attributes; i++) {
		if (write_attribute(data, &c->attributes[i], e) < 0)
			return err_wrap(e, "attribute \"%s\"", c->attributes[i].key);
	}
	return json_write(root, ret, e);
}

/* Texts; numbers and booleans as they are written, as hawkBit takes them. */
static int read_value(const struct json *value, struct ddi_attribute *ret,
		      struct err *e)
{
	const size_t room = sizeof(ret->value);

	ret->is_null = json_is_null(value);
	if (ret->is_null)
		return 0;
	if (json_is_string(value))
		return text_copy(ret->value, room, json_text(value), "its value", e);
	if (json_is_int(value))
		return text_format(ret->value, room, e, "%" PRId64, json_int(value));
	if (json_is_number(value))
		return text_format(ret->value, room, e, "%.17g", json_number(value));
	if (json_is_bool(value))
		return text_copy(ret->value, room,
				 json_is_true(value) ? "true" : "false", "", e);
	return err_set(e, ERR_FORMAT, "its value is not a text");
}

static int read_data(const struct json *data, struct ddi_config_data *ret,
		     struct err *e)
{
	if (json_len(data) > DDI_MAX_ATTRIBUTES)
		return err_set(e, ERR_LIMIT, "%zu attributes, not at most %d",
			       json_len(data), DDI_MAX_ATTRIBUTES);
	for (void *it = json_first(data); it != NULL; it = json_next(data, it)) {
		struct ddi_attribute *a = &ret->attributes[ret->n_attributes];

		if (json_key(it)[0] == '\0')
			return err_set(e, ERR_FORMAT, "an attribute without a name");
		if (text_copy(a->key, sizeof(a->key), json_key(it), "attribute name",
			      e) < 0)
			return -1;
		if (read_value(json_value(it), a, e) < 0)
			return err_wrap(e, "attribute \"%s\"", a->key);
		ret->n_attributes++;
	}
	return 0;
}

static int read_config(const struct json *root, struct ddi_config_data *ret,
		       struct err *e)
{
	const struct json *data;
	const char *mode = mode_names[DDI_MERGE];
	size_t i = 0;

	if (json_opt_text(root, "mode", &mode, e) < 0 ||
	    ddi_name_index(mode_names, N_ELEMS(mode_names), mode,
			   "merge, replace or remove", &i, e) < 0 ||
	    json_get_object(root, "data", &data, e) < 0)
		return -1;
	ret->mode = (enum ddi_mode)i;
	return read_data(data, ret, e);
}

int ddi_config_parse(const void *data, size_t len, struct ddi_config_data *ret,
		     struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse(data, len, e);

	*ret = (struct ddi_config_data){0};
	if (root == NULL || read_config(root, ret, e) < 0)
		return err_wrap(e, "configData");
	return 0;
}

int ddi_cancel_write(const char *id, const char *stop_id, struct buf *ret,
		     struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *cancel;

	if (root == NULL)
		return err_nomem(e);
	if (ddi_id_check(id, e) < 0 || ddi_id_check(stop_id, e) < 0 ||
	    ddi_set_text(root, "id", id, e) < 0)
		return -1;
	cancel = ddi_set_object(root, "cancelAction", e);
	if (cancel == NULL || ddi_set_text(cancel, "stopId", stop_id, e) < 0)
		return -1;
	return json_write(root, ret, e);
}

int ddi_cancel_parse(const void *data, size_t len, char ret_stop_id[12], struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse(data, len, e);
	const struct json *cancel;
	const char *id;

	if (root == NULL || json_get_object(root, "cancelAction", &cancel, e) < 0 ||
	    json_get_text(cancel, "stopId", &id, e) < 0 || ddi_id_check(id, e) < 0)
		return err_wrap(e, "cancelAction");
	return text_copy(ret_stop_id, 12, id, "stopId", e);
}
