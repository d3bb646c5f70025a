/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/buf.h"
#include "../../common/base/bytes.h"
#include "../../common/base/file.h"
#include "../../common/base/notify.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <sys/socket.h>
#include <sys/un.h>

static void an_error_reads_from_intent_to_cause(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&e, ERR_IO, "short read: %d of %d bytes", 3, 8), -1);
	assert_int_equal(err_wrap(&e, "install slot %c", 'B'), -1);
	assert_string_equal(e.text, "install slot B: short read: 3 of 8 bytes");
	assert_int_equal(e.code, ERR_IO);
}

static void an_error_too_long_says_that_it_was_cut(void **state)
{
	struct err e = ERR_INIT;
	char longish[2 * ERR_TEXT_LEN];

	(void)state;
	memset(longish, 'x', sizeof(longish));
	longish[sizeof(longish) - 1] = '\0';
	(void)err_set(&e, ERR_IO, "%s", longish);
	assert_int_equal(strlen(e.text), ERR_TEXT_LEN - 1);
	assert_string_equal(e.text + ERR_TEXT_LEN - 4, "...");
}

static void a_full_disk_has_a_code_of_its_own(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOSPC;
	(void)err_sys(&e, "write x");
	assert_int_equal(e.code, ERR_NO_SPACE);
	assert_string_equal(e.text, "write x: No space left on device");
}

static void a_buffer_never_grows_beyond_its_cap(void **state)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf b = BUF_INIT(10);

	(void)state;
	OK(buf_add(&b, "12345", 5, &e));
	FAILS(buf_add(&b, "678901", 6, &e), ERR_LIMIT);
	assert_string_equal(buf_str(&b), "12345");
	OK(buf_printf(&b, &e, "%d", 67890));
	buf_drop(&b, 2);
	assert_string_equal(buf_str(&b), "34567890");
}

static void hex_is_exact(void **state)
{
	struct err e = ERR_INIT;
	uint8_t raw[2];
	char text[5];

	(void)state;
	OK(hex_decode("Ff01", raw, 2, &e));
	hex_encode(raw, 2, text);
	assert_string_equal(text, "ff01");
	FAILS(hex_decode("ff0", raw, 2, &e), ERR_FORMAT);
	FAILS(hex_decode("ff011", raw, 2, &e), ERR_FORMAT);
	FAILS(hex_decode("ff0g", raw, 2, &e), ERR_FORMAT);
}

static void numbers_do_not_wrap(void **state)
{
	struct err e = ERR_INIT;
	uint64_t v;

	(void)state;
	OK(parse_u64("18446744073709551615", &v, &e));
	assert_true(v == UINT64_MAX);
	FAILS(parse_u64("18446744073709551616", &v, &e), ERR_FORMAT);
	FAILS(parse_u64("-1", &v, &e), ERR_FORMAT);
	FAILS(parse_u64("", &v, &e), ERR_FORMAT);
	OK(parse_size("10MiB", &v, &e));
	assert_true(v == 10u << 20);
	FAILS(parse_size("10MB", &v, &e), ERR_FORMAT);
	OK(parse_duration("90d", &v, &e));
	assert_true(v == 90ull * 86400000);
	FAILS(parse_duration("90", &v, &e), ERR_FORMAT);
}

static void times_go_both_ways(void **state)
{
	static const struct {
		const char *text;
		int64_t utc_ms;
	} rows[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2000-02-29T12:00:00Z", 951825600000},
	    {"2026-11-23T14:41:07Z", 1795444867000},
	    {"2038-01-19T03:14:08Z", 2147483648000},
	    {"2100-02-28T23:59:59Z", 4107542399000},
	    {"2100-03-01T00:00:00Z", 4107542400000},
	    {"9999-12-31T23:59:59Z", 253402300799000},
	};
	struct err e = ERR_INIT;
	char text[TIME_TEXT_LEN + 1];
	int64_t utc_ms;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		OK(time_parse(rows[i].text, &utc_ms, &e));
		assert_int_equal(utc_ms, rows[i].utc_ms);
		time_format(utc_ms, text);
		assert_string_equal(text, rows[i].text);
	}
	FAILS(time_parse("2025-02-29T00:00:00Z", &utc_ms, &e), ERR_FORMAT);
	FAILS(time_parse("2025-02-28T00:00:00+00:00", &utc_ms, &e), ERR_FORMAT);
}

static void a_crc_is_the_common_one(void **state)
{
	(void)state;
	assert_int_equal(crc32_ieee("123456789", 9), 0xcbf43926u);
}

static void a_file_is_replaced_whole(void **state)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf content = BUF_INIT(100);
	char dir[] = "/tmp/ota-test-XXXXXX";
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/a", dir);
	OK(file_create(path, "one", 3, 0600, &e));
	FAILS(file_create(path, "two", 3, 0600, &e), ERR_CONFLICT);
	OK(file_replace(path, "three", 5, 0600, &e));
	OK(file_read(path, &content, &e));
	assert_string_equal(buf_str(&content), "three");
	assert_int_equal(unlink(path), 0);
	FAILS(file_read(path, &content, &e), ERR_NOT_FOUND);
	assert_int_equal(rmdir(dir), 0);
}

static void the_service_manager_hears_that_we_are_ready(void **state)
{
	struct err e = ERR_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t); /* the kernel picks an abstract name */
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[sizeof(address.sun_path) + 1] = "@";
	char heard[32] = "";

	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	OK(notify_manager("READY=1", &e));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	len = sizeof(address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	memcpy(name + 1, address.sun_path + 1,
	       len - offsetof(struct sockaddr_un, sun_path) - 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	OK(notify_manager("READY=1", &e));
	assert_int_equal(recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(heard, "READY=1");
	assert_int_equal(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	assert_true(notify_watchdog_ms() == 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_error_reads_from_intent_to_cause),
	    cmocka_unit_test(an_error_too_long_says_that_it_was_cut),
	    cmocka_unit_test(a_full_disk_has_a_code_of_its_own),
	    cmocka_unit_test(a_buffer_never_grows_beyond_its_cap),
	    cmocka_unit_test(hex_is_exact),
	    cmocka_unit_test(numbers_do_not_wrap),
	    cmocka_unit_test(times_go_both_ways),
	    cmocka_unit_test(a_crc_is_the_common_one),
	    cmocka_unit_test(a_file_is_replaced_whole),
	    cmocka_unit_test(the_service_manager_hears_that_we_are_ready),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
