/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for people: columns as wide as they need to be, and a bar for what takes
 * long. */
#ifndef OTA_TOOLS_TABLE_H
#define OTA_TOOLS_TABLE_H

#include "../common/json/json.h"

struct table;

/* titles: n_columns of them. NULL: out of memory. */
struct table *table_new(const char *const *titles, size_t n_columns,
			struct err *e) MUST_USE;
void table_free(struct table *t);
AUTO_PTR_DEFINE(table)

/* n_columns texts, copied; control characters become '?'. NULL reads "-". */
int table_add(struct table *t, const char *const *cells, struct err *e) MUST_USE;

/* To standard output; the titles in bold on a terminal. Says `none` if there are no
 * rows. */
void table_print(const struct table *t, const char *none);

/* The value, indented, to standard output. */
int print_json(const struct json *j, struct err *e) MUST_USE;

/* A text that may come from elsewhere, made safe for a terminal. */
#define SAFE_TEXT_LEN 256
const char *safe_text(const char *text, char ret[SAFE_TEXT_LEN]);

/* A bar on standard error, if that is a terminal; redrawn at most ten times a
 * second. */
struct progress {
	const char *what;
	int64_t drawn_mono_ms;
	bool on;
	bool shown;
};
void progress_begin(struct progress *p, const char *what);
void progress_at(struct progress *p, uint64_t done_bytes, uint64_t all_bytes);
void progress_fini(struct progress *p); /* wipes the bar */

#endif
