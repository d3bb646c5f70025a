/* SPDX-License-Identifier: Apache-2.0 */
/* The server's JSON as tables: which members, under which titles. */
#ifndef OTA_TOOLS_VIEW_H
#define OTA_TOOLS_VIEW_H

#include "api.h"
#include "table.h"

struct view_column {
	const char *title;
	const char *member;
	enum {
		VIEW_TEXT,
		VIEW_TIME,
		VIEW_DAY,
		VIEW_SIZE,
		VIEW_LIST,
		VIEW_PERCENT
	} form;
};

#define VIEW_MAX_COLUMNS 10

/* items: an array of objects. With --json the array itself. */
int view_list(const struct ota *o, const struct json *items,
	      const struct view_column *columns, size_t n_columns, const char *none,
	      struct err *e) MUST_USE;

/* One object: a line a member, also "one.within" of an object in it; what it does not
 * have has no line. With --json the object itself. */
int view_one(const struct ota *o, const struct json *item,
	     const struct view_column *rows, size_t n_rows, struct err *e) MUST_USE;

/* GETs one thing by its name and shows it. */
int view_get_one(const struct ota *o, const char *base, const char *name,
		 const struct view_column *rows, size_t n_rows, struct err *e) MUST_USE;

/* GETs a list and shows it. */
int view_get_list(const struct ota *o, const char *path, const char *query,
		  const struct view_column *columns, size_t n_columns, const char *none,
		  struct err *e) MUST_USE;

/* The same of the list at base, name, end. */
int view_get_list_of(const struct ota *o, const char *base, const char *name,
		     const char *end, const char *query,
		     const struct view_column *columns, size_t n_columns,
		     const char *none, struct err *e) MUST_USE;

/* A list as CSV on standard output, whole. query: as of view_get_list(). */
int view_print_csv(const struct ota *o, const char *path, const char *query,
		   struct err *e) MUST_USE;

#endif
