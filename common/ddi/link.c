/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include "../base/text.h"

#include <string.h>

int ddi_set_text(struct json *object, const char *key, const char *text, struct err *e)
{
	if (text[0] == '\0')
		return 0;
	return json_set(object, key, json_new_text(text), e);
}

struct json *ddi_set_object(struct json *object, const char *key, struct err *e)
{
	struct json *made = json_new_object();

	return json_set(object, key, made, e) < 0 ? NULL : made;
}

struct json *ddi_set_list(struct json *object, const char *key, struct err *e)
{
	struct json *made = json_new_array();

	return json_set(object, key, made, e) < 0 ? NULL : made;
}

int ddi_set_link(struct json *links, const char *key, const char *url, struct err *e)
{
	struct json *link;

	if (url[0] == '\0')
		return 0;
	if (strlen(url) >= DDI_FOREIGN_URL_LEN)
		return err_set(e, ERR_LIMIT, "link \"%s\" has %u bytes or more", key,
			       DDI_FOREIGN_URL_LEN);
	link = ddi_set_object(links, key, e);
	return link == NULL ? -1 : ddi_set_text(link, "href", url, e);
}

int ddi_get_text(const struct json *object, const char *key, char *ret, size_t room,
		 struct err *e)
{
	const char *text = "";

	if (json_opt_text(object, key, &text, e) < 0)
		return -1;
	return text_copy(ret, room, text, key, e);
}

int ddi_get_link(const struct json *links, const char *key, char ret_url[DDI_URL_LEN],
		 struct err *e)
{
	const struct json *link = links != NULL ? json_get(links, key) : NULL;

	ret_url[0] = '\0';
	if (link == NULL)
		return 0;
	if (!json_is_object(link))
		return err_set(e, ERR_FORMAT, "link \"%s\": not an object", key);
	if (ddi_get_text(link, "href", ret_url, DDI_URL_LEN, e) < 0)
		return err_wrap(e, "link \"%s\"", key);
	return 0;
}

void ddi_copy_cut(char *ret, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (len >= room) {
		len = room - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
}

size_t ddi_get_details(const struct json *object,
		       char ret[DDI_MAX_DETAILS][DDI_TEXT_LEN])
{
	const struct json *details = json_get(object, "details");
	size_t n = 0;

	if (details != NULL && json_is_string(details))
		ddi_copy_cut(ret[n++], DDI_TEXT_LEN, json_text(details));
	if (details == NULL || !json_is_array(details))
		return n;
	for (size_t i = 0; i < json_len(details) && n < DDI_MAX_DETAILS; i++) {
		const char *line = json_text(json_at(details, i));

		if (line != NULL)
			ddi_copy_cut(ret[n++], DDI_TEXT_LEN, line);
	}
	return n;
}

const struct json *ddi_extension(const struct json *object, const char *key)
{
	const struct json *x = object != NULL ? json_get(object, key) : NULL;
	uint64_t bits = 0;

	if (x == NULL || !json_is_object(x) ||
	    json_opt_u64(x, "must_understand", &bits, NULL) < 0 || bits != 0)
		return NULL;
	return x;
}

int ddi_name_index(const char *const *names, size_t n, const char *text,
		   const char *what, size_t *ret_index, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.40s\" is not %s", text, what);
}

int ddi_id_check(const char *id, struct err *e)
{
	uint64_t value;

	if (id[0] == '0' || strlen(id) > 10 || parse_u64(id, &value, NULL) < 0 ||
	    value > INT32_MAX)
		return err_set(e, ERR_FORMAT, "\"%.20s\" is not an action id", id);
	return 0;
}
