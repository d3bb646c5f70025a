/* SPDX-License-Identifier: Apache-2.0 */
/* What requests say of the devices that they are about; for the manage_*.c files. */
#ifndef OTA_SERVER_API_SELECT_H
#define OTA_SERVER_API_SELECT_H

#include "api.h"

/* ?filter, ?q, ?sort, ?after and ?limit. *ret_filter holds the tree that ret points to. */
int api_select(struct api_call *a, struct device_select *ret, struct filter *ret_filter,
	       struct err *e) MUST_USE;

/* Where a list goes on, for ?after: the id where devices are sorted by id, else the
 * sort's value and the id. */
#define CURSOR_TEXT_MAX_LEN (2 * VERSION_KEY_MAX_LEN + 1 + DEVICE_ID_MAX_LEN)
int cursor_write(enum device_sort sort, const struct device_cursor *c,
		 char ret[CURSOR_TEXT_MAX_LEN + 1], struct err *e) MUST_USE;
int cursor_read(enum device_sort sort, const char *text, struct device_cursor *ret,
		struct err *e) MUST_USE;

/* Members of the body: absent or null leaves *ret alone and *ret_there false. */
int body_text(struct api_call *a, const char *key, char *ret, size_t room,
	      bool *ret_there, struct err *e) MUST_USE;
/* An array of texts, each through `check`, joined by add(). */
int body_tags(struct api_call *a, const char *key, char ret[TAGS_TEXT_MAX_LEN + 1],
	      bool *ret_there, struct err *e) MUST_USE;

#endif
