/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include "../common/base/clock.h"
#include "../common/base/text.h"

#include <inttypes.h>
#include <string.h>

#define TITLE_WIDTH 18
#define CELL_MAX_BYTES 4096

/* Short words for people; the exact time is in --json. */
static int put_ago(struct buf *out, int64_t at_ms, struct err *e)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	int64_t ago = (clock_utc_ms(&clock_system) - at_ms) / 1000;

	for (size_t i = 0; i < N_ELEMS(units); i++) {
		if (ago >= units[i].seconds)
			return buf_printf(out, e, "%" PRId64 " %s ago",
					  ago / units[i].seconds, units[i].unit);
	}
	return buf_add_str(out, "now", e);
}

static int put_list(struct buf *out, const struct json *list, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const char *text = json_text(json_at(list, i));

		if (text != NULL &&
		    buf_printf(out, e, "%s%s", i > 0 ? " " : "", text) < 0)
			return -1;
	}
	return 0;
}

static int put_value(struct buf *out, const struct json *v, const struct view_column *c,
		     struct err *e)
{
	char size[32];

	if (v == NULL || json_is_null(v))
		return 0;
	if (c->form == VIEW_TIME && json_is_int(v))
		return put_ago(out, json_int(v), e);
	if (c->form == VIEW_DAY && json_is_int(v)) {
		time_format(json_int(v), size);
		return buf_add(out, size, strlen("2026-11-23"), e);
	}
	if (c->form == VIEW_SIZE && json_is_int(v)) {
		size_format((uint64_t)json_int(v), size, sizeof(size));
		return buf_add_str(out, size, e);
	}
	if (c->form == VIEW_PERCENT && json_is_int(v))
		return buf_printf(out, e, "%" PRId64 " %%", json_int(v));
	if (json_is_array(v))
		return put_list(out, v, e);
	if (json_is_string(v))
		return buf_add_str(out, json_text(v), e);
	if (json_is_int(v))
		return buf_printf(out, e, "%" PRId64, json_int(v));
	if (json_is_bool(v))
		return buf_add_str(out, json_is_true(v) ? "yes" : "no", e);
	return 0;
}

static int add_row(struct table *t, const struct json *item,
		   const struct view_column *columns, size_t n_columns, struct err *e)
{
	struct buf cells[VIEW_MAX_COLUMNS];
	const char *texts[VIEW_MAX_COLUMNS];
	int result = 0;

	for (size_t i = 0; i < n_columns; i++) {
		cells[i] = BUF_INIT(CELL_MAX_BYTES);
		if (result == 0)
			result = put_value(&cells[i], json_get(item, columns[i].member),
					   &columns[i], e);
		texts[i] = buf_str(&cells[i]);
	}
	if (result == 0)
		result = table_add(t, texts, e);
	for (size_t i = 0; i < n_columns; i++)
		buf_fini(&cells[i]);
	return result;
}

int view_list(const struct ota *o, const struct json *items,
	      const struct view_column *columns, size_t n_columns, const char *none,
	      struct err *e)
{
	const char *titles[VIEW_MAX_COLUMNS];
	AUTO_PTR(table) struct table *t = NULL;

	if (o->json)
		return print_json(items, e);
	for (size_t i = 0; i < n_columns; i++)
		titles[i] = columns[i].title;
	t = table_new(titles, n_columns, e);
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < json_len(items); i++) {
		if (add_row(t, json_at(items, i), columns, n_columns, e) < 0)
			return -1;
	}
	table_print(t, none);
	return 0;
}

/* A member, or "one.within" of an object that may be absent. */
static const struct json *member_of(const struct json *item, const char *name)
{
	const char *dot = strchr(name, '.');
	char outer[64];

	if (dot == NULL || (size_t)(dot - name) >= sizeof(outer))
		return json_get(item, name);
	memcpy(outer, name, (size_t)(dot - name));
	outer[dot - name] = '\0';
	return json_get(json_get(item, outer), dot + 1);
}

/* The titles' column: as wide as ever, or as the longest needs. */
static int title_width(const struct view_column *rows, size_t n_rows)
{
	size_t width = TITLE_WIDTH;

	for (size_t i = 0; i < n_rows; i++) {
		if (strlen(rows[i].title) + 2 > width)
			width = strlen(rows[i].title) + 2;
	}
	return (int)width;
}

int view_one(const struct ota *o, const struct json *item,
	     const struct view_column *rows, size_t n_rows, struct err *e)
{
	int width = title_width(rows, n_rows);
	char safe[SAFE_TEXT_LEN];

	if (o->json)
		return print_json(item, e);
	for (size_t i = 0; i < n_rows; i++) {
		AUTO(buf) struct buf text = BUF_INIT(CELL_MAX_BYTES);

		if (put_value(&text, member_of(item, rows[i].member), &rows[i], e) < 0)
			return -1;
		if (text.len > 0)
			(void)printf("%-*s%s\n", width, rows[i].title,
				     safe_text(buf_str(&text), safe));
	}
	return 0;
}

int view_get_list(const struct ota *o, const char *path, const char *query,
		  const struct view_column *columns, size_t n_columns, const char *none,
		  struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *items = NULL;

	if (api_init(&a, o, true, e) < 0)
		return -1;
	items = api_list(&a, path, query, e);
	if (items == NULL)
		return -1;
	return view_list(o, items, columns, n_columns, none, e);
}

int view_get_list_of(const struct ota *o, const char *base, const char *name,
		     const char *end, const char *query,
		     const struct view_column *columns, size_t n_columns,
		     const char *none, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(1024);

	if (api_path(&path, base, name, end, e) < 0)
		return -1;
	return view_get_list(o, buf_str(&path), query, columns, n_columns, none, e);
}

int view_get_one(const struct ota *o, const char *base, const char *name,
		 const struct view_column *rows, size_t n_rows, struct err *e)
{
	AUTO_PTR(json) struct json *item = NULL;

	if (api_about(o, "GET", base, name, "", NULL, &item, e) < 0)
		return -1;
	return view_one(o, item, rows, n_rows, e);
}

#define CSV_MAX_BYTES ((size_t)512 << 20)

int view_print_csv(const struct ota *o, const char *path, const char *query,
		   struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf target = BUF_INIT(20000);
	AUTO(buf) struct buf text = BUF_INIT(CSV_MAX_BYTES);

	if (api_init(&a, o, true, e) < 0 ||
	    buf_printf(&target, e, "%s?format=csv%s", path, query) < 0 ||
	    api_fetch(&a, buf_str(&target), &text, e) < 0)
		return -1;
	if (fwrite(text.data, 1, text.len, stdout) != text.len)
		return err_sys(e, "standard output");
	return 0;
}
