/* SPDX-License-Identifier: Apache-2.0 */
/* The text is split in place: each field is ended where it stands, quotes folded. */
#include "csv.h"

#include "../common/base/file.h"

#include <string.h>

#define FILE_MAX_BYTES (16u << 20)
#define MAX_COLUMNS 16

struct csv {
	char *text;
	size_t n_columns;
	const char *titles[MAX_COLUMNS];
	const char **fields; /* n_rows x n_columns */
	size_t *lines;
	size_t n_rows;
};

struct cursor {
	char *at;
	size_t line;
	bool row_over;
};

void csv_free(struct csv *c)
{
	if (c == NULL)
		return;
	free(c->text);
	free(c->fields);
	free(c->lines);
	free(c);
}

/* Ends the field at *at and steps over what ended it. */
static void end_field(struct cursor *c, char *end)
{
	char ended_by = *c->at;

	c->row_over = ended_by != ',';
	if (ended_by == '\r' && c->at[1] == '\n')
		c->at++;
	if (ended_by != '\0')
		c->at++;
	if (ended_by == '\r' || ended_by == '\n')
		c->line++;
	*end = '\0';
}

static int quoted_field(struct cursor *c, const char **ret, struct err *e)
{
	char *out = ++c->at;

	*ret = out;
	for (;; c->at++) {
		if (*c->at == '\0')
			return err_set(e, ERR_FORMAT, "line %zu: a quote is not closed",
				       c->line);
		if (*c->at == '"' && *++c->at != '"')
			break;
		if (*c->at == '\n')
			c->line++;
		*out++ = *c->at;
	}
	if (strchr(",\r\n", *c->at) == NULL)
		return err_set(e, ERR_FORMAT, "line %zu: text behind a closing quote",
			       c->line);
	end_field(c, out);
	return 0;
}

static int next_field(struct cursor *c, const char **ret, struct err *e)
{
	if (*c->at == '"')
		return quoted_field(c, ret, e);
	*ret = c->at;
	c->at += strcspn(c->at, ",\r\n");
	end_field(c, c->at);
	return 0;
}

/* Fields of one row; too many is an error, too few too. */
static int next_row(struct cursor *c, const char **ret, size_t n_wanted, struct err *e)
{
	size_t line = c->line;
	size_t n = 0;

	do {
		if (n == n_wanted)
			return err_set(e, ERR_FORMAT, "line %zu: more than %zu columns",
				       line, n_wanted);
		if (next_field(c, &ret[n++], e) < 0)
			return -1;
	} while (!c->row_over);
	if (n < n_wanted)
		return err_set(e, ERR_FORMAT, "line %zu: %zu columns, not %zu", line, n,
			       n_wanted);
	return 0;
}

static int check_title(const struct csv *c, size_t i, const char *const *columns,
		       struct err *e)
{
	bool known = false;

	for (size_t k = 0; columns[k] != NULL; k++)
		known = known || strcmp(columns[k], c->titles[i]) == 0;
	if (!known)
		return err_set(e, ERR_FORMAT, "line 1: unknown column \"%.40s\"",
			       c->titles[i]);
	for (size_t k = 0; k < i; k++) {
		if (strcmp(c->titles[k], c->titles[i]) == 0)
			return err_set(e, ERR_FORMAT, "line 1: column \"%s\" twice",
				       c->titles[i]);
	}
	return 0;
}

static int read_titles(struct csv *c, struct cursor *at, const char *const *columns,
		       struct err *e)
{
	do {
		if (c->n_columns == MAX_COLUMNS)
			return err_set(e, ERR_FORMAT, "line 1: too many columns");
		if (next_field(at, &c->titles[c->n_columns], e) < 0 ||
		    check_title(c, c->n_columns, columns, e) < 0)
			return -1;
		c->n_columns++;
	} while (!at->row_over);
	return 0;
}

static int make_room(struct csv *c, struct err *e)
{
	size_t n_lines = 1;

	for (const char *p = c->text; *p != '\0'; p++)
		n_lines += *p == '\n' || *p == '\r';
	c->fields = calloc(n_lines * c->n_columns, sizeof(*c->fields));
	c->lines = calloc(n_lines, sizeof(*c->lines));
	return c->fields != NULL && c->lines != NULL ? 0 : err_nomem(e);
}

static int parse(struct csv *c, const char *const *columns, struct err *e)
{
	struct cursor at = {.at = c->text, .line = 1};

	/* Room first: splitting ends the lines. */
	c->n_columns = MAX_COLUMNS;
	if (make_room(c, e) < 0)
		return -1;
	c->n_columns = 0;
	if (read_titles(c, &at, columns, e) < 0)
		return -1;
	while (*at.at != '\0') {
		if (*at.at == '\n' || *at.at == '\r') {
			at.line += *at.at++ == '\n';
			continue;
		}
		c->lines[c->n_rows] = at.line;
		if (next_row(&at, &c->fields[c->n_rows * c->n_columns], c->n_columns,
			     e) < 0)
			return -1;
		c->n_rows++;
	}
	return 0;
}

struct csv *csv_read(const char *path, const char *const *columns, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	AUTO_PTR(csv) struct csv *c = calloc(1, sizeof(*c));
	size_t len;

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (file_read(path, &text, e) < 0)
		return NULL;
	c->text = buf_take(&text, &len, e);
	if (c->text == NULL)
		return NULL;
	if (strlen(c->text) != len) {
		(void)err_set(e, ERR_FORMAT, "%s: not a text file: it holds a NUL byte",
			      path);
		return NULL;
	}
	if (parse(c, columns, e) < 0) {
		(void)err_wrap(e, "%s", path);
		return NULL;
	}
	return TAKE(c);
}

size_t csv_n_rows(const struct csv *c)
{
	return c->n_rows;
}

size_t csv_line(const struct csv *c, size_t row)
{
	return c->lines[row];
}

const char *csv_get(const struct csv *c, size_t row, const char *column)
{
	for (size_t i = 0; i < c->n_columns; i++) {
		if (strcmp(c->titles[i], column) == 0)
			return c->fields[row * c->n_columns + i];
	}
	return NULL;
}
