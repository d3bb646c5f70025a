/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "../common/base/clock.h"
#include "../common/base/text.h"

#include <string.h>

#define GAP 2
#define BAR_WIDTH 30
#define REDRAW_MS 100
#define JSON_MAX_BYTES (64u << 20)

struct table {
	size_t n_columns;
	size_t n_rows; /* the titles are row 0 */
	char **cells;  /* n_rows x n_columns */
};

struct table *table_new(const char *const *titles, size_t n_columns, struct err *e)
{
	AUTO_PTR(table) struct table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	t->n_columns = n_columns;
	if (table_add(t, titles, e) < 0)
		return NULL;
	return TAKE(t);
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

static void make_safe(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

const char *safe_text(const char *text, char ret[SAFE_TEXT_LEN])
{
	(void)snprintf(ret, SAFE_TEXT_LEN, "%s", text != NULL ? text : "-");
	make_safe(ret);
	return ret;
}

int table_add(struct table *t, const char *const *cells, struct err *e)
{
	size_t n = t->n_rows * t->n_columns;
	char **grown = realloc(t->cells, (n + t->n_columns) * sizeof(*grown));

	if (grown == NULL)
		return err_nomem(e);
	t->cells = grown;
	memset(&t->cells[n], 0, t->n_columns * sizeof(*grown));
	t->n_rows++;
	for (size_t i = 0; i < t->n_columns; i++) {
		bool empty = cells[i] == NULL || cells[i][0] == '\0';

		t->cells[n + i] = strdup(empty ? "-" : cells[i]);
		if (t->cells[n + i] == NULL)
			return err_nomem(e);
		make_safe(t->cells[n + i]);
	}
	return 0;
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < t->n_rows; row++) {
		size_t width = width_of(t->cells[row * t->n_columns + column]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

static void print_row(const struct table *t, size_t row)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *cell = t->cells[row * t->n_columns + i];
		size_t pad = column_width(t, i) + GAP - width_of(cell);

		if (i + 1 == t->n_columns)
			pad = 0;
		(void)printf("%s%*s", cell, (int)pad, "");
	}
}

void table_print(const struct table *t, const char *none)
{
	bool colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;

	if (t->n_rows == 1) {
		(void)puts(none);
		return;
	}
	for (size_t row = 0; row < t->n_rows; row++) {
		if (colour && row == 0)
			(void)fputs("\033[1m", stdout);
		print_row(t, row);
		(void)puts(colour && row == 0 ? "\033[0m" : "");
	}
}

int print_json(const struct json *j, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JSON_MAX_BYTES);

	if (json_write_pretty(j, &text, e) < 0)
		return -1;
	(void)puts(buf_str(&text));
	return 0;
}

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){.what = what, .on = isatty(STDERR_FILENO)};
}

void progress_at(struct progress *p, uint64_t done_bytes, uint64_t all_bytes)
{
	int64_t now = clock_mono_ms(&clock_system);
	char done[32];
	char all[32];
	int filled;

	if (!p->on || all_bytes == 0 ||
	    (p->shown && now - p->drawn_mono_ms < REDRAW_MS))
		return;
	p->drawn_mono_ms = now;
	p->shown = true;
	if (done_bytes > all_bytes)
		done_bytes = all_bytes;
	filled = (int)((double)done_bytes / (double)all_bytes * BAR_WIDTH);
	size_format(done_bytes, done, sizeof(done));
	size_format(all_bytes, all, sizeof(all));
	(void)fprintf(stderr, "\r\033[K%-10s [%.*s%*s] %s of %s", p->what, filled,
		      "##############################", BAR_WIDTH - filled, "", done,
		      all);
}

void progress_fini(struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}
