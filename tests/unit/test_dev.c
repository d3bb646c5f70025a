/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/dev/dev.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>

struct place {
	char dir[64];
	char path[96];
};

/* A file of 10,000 bytes (not whole sectors), byte i = i / 7. */
static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e = ERR_INIT;
	uint8_t data[10000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 7);
	assert_non_null(p);
	OK(text_copy(p->dir, sizeof(p->dir), "/tmp/ota-test-XXXXXX", "dir", &e));
	assert_non_null(mkdtemp(p->dir));
	OK(text_format(p->path, sizeof(p->path), &e, "%s/medium", p->dir));
	OK(file_create(p->path, data, sizeof(data), 0600, &e));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void what_is_written_is_read_and_read_back(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	AUTO_PTR(dev) struct dev *d = NULL;
	uint8_t got[64];

	OK(dev_open_file(p->path, "slot B firmware", 1, &d, &e));
	assert_int_equal(d->size, 10000);
	OK(dev_write(d, 4090, "across a sector", 15, &e));
	OK(dev_read(d, 4090, got, 15, &e));
	assert_memory_equal(got, "across a sector", 15);
	OK(dev_flush(d, &e));
	OK(dev_read_medium(d, 4090, got, 15, &e));
	assert_memory_equal(got, "across a sector", 15);
}

static void a_read_back_takes_any_offset_and_length(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} rows[] = {{0, 1},    {0, 4096},  {1, 4096}, {4095, 2},  {8191, 1809},
		    {9999, 1}, {0, 10000}, {8192, 0}, {10000, 0}, {5000, 4999}};
	struct place *p = *state;
	AUTO_PTR(dev) struct dev *d = NULL;
	struct err e = ERR_INIT;
	uint8_t got[10000];

	OK(dev_open_file(p->path, "m", 0, &d, &e));
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		OK(dev_read_medium(d, rows[i].offset, got, rows[i].len, &e));
		for (size_t k = 0; k < rows[i].len; k++)
			assert_int_equal(got[k], (uint8_t)((rows[i].offset + k) / 7));
	}
}

static void nothing_is_read_or_written_outside(void **state)
{
	struct place *p = *state;
	AUTO_PTR(dev) struct dev *d = NULL;
	struct err e = ERR_INIT;
	uint8_t byte = 0;
	struct stat st;

	OK(dev_open_file(p->path, "slot B firmware", 1, &d, &e));
	FAILS(dev_read(d, 10000, &byte, 1, &e), ERR_RANGE);
	assert_string_equal(e.text, "slot B firmware: read: 1 bytes at 10000 of 10000");
	FAILS(dev_read_medium(d, 9999, &byte, 2, &e), ERR_RANGE);
	FAILS(dev_write(d, UINT64_MAX, &byte, 1, &e), ERR_RANGE);
	FAILS(dev_write(d, 9999, "ab", 2, &e), ERR_RANGE);
	FAILS(dev_write(d, 0, &byte, DEV_MAX_IO + 1, &e), ERR_USAGE);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_size, 10000);
}

static void only_one_may_write(void **state)
{
	struct place *p = *state;
	AUTO_PTR(dev) struct dev *d = NULL;
	struct dev *second = NULL;
	struct err e = ERR_INIT;

	OK(dev_open_file(p->path, "m", 1, &d, &e));
	FAILS(dev_open_file(p->path, "m", 1, &second, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.text, "is in use by another process"));
	OK(dev_open_file(p->path, "m", 0, &second, &e));
	FAILS(dev_write(second, 0, "x", 1, &e), ERR_IO);
	dev_close(second);
	dev_close(TAKE(d));
	OK(dev_open_file(p->path, "m", 1, &d, &e));
}

static void what_is_no_medium_is_refused(void **state)
{
	struct place *p = *state;
	struct dev *d = NULL;
	struct err e = ERR_INIT;

	FAILS(dev_open_file(p->dir, "m", 0, &d, &e), ERR_CONFIG);
	FAILS(dev_open_file("/dev/null", "m", 1, &d, &e), ERR_CONFIG);
	FAILS(dev_open_file("/nonexistent/x", "slot A rootfs", 0, &d, &e),
	      ERR_NOT_FOUND);
	assert_string_equal(e.text,
			    "slot A rootfs: open /nonexistent/x: No such file or "
			    "directory");
	assert_null(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_written_is_read_and_read_back,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_read_back_takes_any_offset_and_length,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_is_read_or_written_outside, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(only_one_may_write, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_medium_is_refused, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests_name("dev", tests, NULL, NULL);
}
