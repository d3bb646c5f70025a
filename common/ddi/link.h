/* SPDX-License-Identifier: Apache-2.0 */
/* What the messages have in common: links and extension objects. Private to this
 * module. */
#ifndef OTA_DDI_LINK_H
#define OTA_DDI_LINK_H

#include "../json/json.h"
#include "ddi.h"

/* Zephyr's and others' buffers: what every client gets stays below this. */
#define DDI_FOREIGN_URL_LEN 300

/* object[key] = text; nothing for "". */
int ddi_set_text(struct json *object, const char *key, const char *text,
		 struct err *e) MUST_USE;

/* links[key] = {"href": url}; nothing for "". ERR_LIMIT beyond DDI_FOREIGN_URL_LEN. */
int ddi_set_link(struct json *links, const char *key, const char *url,
		 struct err *e) MUST_USE;

/* object[key] = a new empty object, borrowed from it; NULL on failure. */
struct json *ddi_set_object(struct json *object, const char *key,
			    struct err *e) MUST_USE;

/* The same with an empty array. */
struct json *ddi_set_list(struct json *object, const char *key, struct err *e) MUST_USE;

/* links[key].href -> ret_url; "" if there is no such link. */
int ddi_get_link(const struct json *links, const char *key, char ret_url[DDI_URL_LEN],
		 struct err *e) MUST_USE;

/* object[key] into a fixed field; "" if it is absent. */
int ddi_get_text(const struct json *object, const char *key, char *ret, size_t room,
		 struct err *e) MUST_USE;

/* Cuts at the border of a UTF-8 character. */
void ddi_copy_cut(char *ret, size_t room, const char *text);

/* object's "details": SWUpdate sends a list, others one text, some leave it out. Lines
 * are cut, and what is beyond the last is left out. */
size_t ddi_get_details(const struct json *object,
		       char ret[DDI_MAX_DETAILS][DDI_TEXT_LEN]);

/* object[key] if it is an extension object whose must_understand bits are all known
 * here (there are none yet); else NULL. */
const struct json *ddi_extension(const struct json *object, const char *key);

/* The index of text in names, or ERR_FORMAT saying that it is no `what`. */
int ddi_name_index(const char *const *names, size_t n, const char *text,
		   const char *what, size_t *ret_index, struct err *e) MUST_USE;

/* Decimal digits, below 2^31, no leading zero. */
int ddi_id_check(const char *id, struct err *e) MUST_USE;

#endif
