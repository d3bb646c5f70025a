/* SPDX-License-Identifier: Apache-2.0 */
/* A text of the dialect: its translation stays within bounds and has each string of the
 * original, none more. */
#include "../../server/store/postgres_text.h"

#include <stdlib.h>
#include <string.h>

#define SQL_MAX 4096
#define GROWTH_MAX 4 /* a byte becomes so many at most: TEXT, TEXT COLLATE "C" */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t count(const char *text, size_t len, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == c;
	return n;
}

static void try_part(const char *sql, enum sql_part part)
{
	AUTO(buf) struct buf out = BUF_INIT(GROWTH_MAX * SQL_MAX);
	struct err e = ERR_INIT;

	if (postgres_translate(sql, part, &out, &e) < 0) {
		must(e.code == ERR_FORMAT);
		return;
	}
	must(out.len <= GROWTH_MAX * strlen(sql));
	must(count(buf_str(&out), out.len, '\'') == count(sql, strlen(sql), '\''));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char sql[SQL_MAX + 1];

	len = len > SQL_MAX ? SQL_MAX : len;
	memcpy(sql, data, len);
	sql[len] = '\0';
	try_part(sql, SQL_PART_STATEMENT);
	try_part(sql, SQL_PART_SCHEMA);
	return 0;
}
