/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180) with a first line that names the columns. */
#ifndef OTA_TOOLS_CSV_H
#define OTA_TOOLS_CSV_H

#include "../common/base/err.h"

#include <stddef.h>

struct csv;

/* The whole file, at most 16 MiB; columns (ends with NULL) are those it may have, in
 * any order. ERR_FORMAT names the line. */
struct csv *csv_read(const char *path, const char *const *columns,
		     struct err *e) MUST_USE;
void csv_free(struct csv *c);
AUTO_PTR_DEFINE(csv)

size_t csv_n_rows(const struct csv *c);
size_t csv_line(const struct csv *c,
		size_t row); /* where the row begins in the file, from 1 */
/* NULL if the file has no such column. */
const char *csv_get(const struct csv *c, size_t row, const char *column);

#endif
