/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/file.h"
#include "../../tools/csv.h"

#include "testing.h"

static char path[] = "/tmp/ota-csv-XXXXXX";
static const char *const columns[] = {"id", "name", "product", NULL};

static struct csv *read_text(const char *text, struct err *ret)
{
	struct err e = ERR_INIT;

	OK(file_replace(path, text, strlen(text), 0600, &e));
	return csv_read(path, columns, ret);
}

static void rows_are_read_by_the_names_of_their_columns(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(csv)
	struct csv *c =
	    read_text("name,id\nfirst,a\n\n\"sec\"\"ond, of\nall\",b\r\n,c", &e);

	(void)state;
	if (c == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(csv_n_rows(c), 3);
	assert_string_equal(csv_get(c, 0, "id"), "a");
	assert_string_equal(csv_get(c, 0, "name"), "first");
	assert_string_equal(csv_get(c, 1, "name"), "sec\"ond, of\nall");
	assert_string_equal(csv_get(c, 1, "id"), "b");
	assert_int_equal(csv_line(c, 1), 4);
	assert_string_equal(csv_get(c, 2, "name"), "");
	assert_int_equal(csv_line(c, 2), 6);
	assert_null(csv_get(c, 0, "product"));
}

static void a_file_of_one_column_has_rows_too(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(csv) struct csv *c = read_text("id\na\r\nb\n", &e);

	(void)state;
	assert_non_null(c);
	assert_int_equal(csv_n_rows(c), 2);
	assert_string_equal(csv_get(c, 1, "id"), "b");
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} rows[] = {
	    {"", "unknown column \"\""},
	    {"id,colour\n", "line 1: unknown column \"colour\""},
	    {"id,id\n", "column \"id\" twice"},
	    {"id,name\na\n", "line 2: 1 columns, not 2"},
	    {"id,name\na,b\n\nc,d,e\n", "line 4: more than 2 columns"},
	    {"id\n\"a\n", "a quote is not closed"},
	    {"id\n\"a\"b\n", "line 2: text behind a closing quote"},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct err e = ERR_INIT;
		AUTO_PTR(csv) struct csv *c = read_text(rows[i].text, &e);

		assert_null(c);
		assert_int_equal(e.code, ERR_FORMAT);
		if (strstr(e.text, rows[i].reason) == NULL)
			fail_msg("%s", e.text);
	}
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_read_by_the_names_of_their_columns),
	    cmocka_unit_test(a_file_of_one_column_has_rows_too),
	    cmocka_unit_test(what_is_wrong_is_named_with_its_line),
	};

	return cmocka_run_group_tests_name("csv", tests, make_file, drop_file);
}
