/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../client/agent/memory.h"
#include "../../client/agent/schedule.h"

#include "../../common/base/text.h"

#define DAY (24ll * 3600 * 1000)

static void the_wait_doubles_up_to_a_limit_less_a_random_part(void **state)
{
	static const struct {
		unsigned failures;
		uint64_t retry_after_ms;
		uint32_t random;
		uint64_t expected;
	} rows[] = {
	    {1, 0, 0, 1000},
	    {2, 0, 0, 2000},
	    {3, 0, 0, 4000},
	    {10, 0, 0, 60000},
	    {UINT32_MAX, 0, 0, 60000},
	    {1, 0, UINT32_MAX, 500},
	    {10, 0, UINT32_MAX, 30000},
	    {1, 5000, 0, 5000},
	    {1, 5000, UINT32_MAX, 5500},
	    {10, 5000, 0, 60000},
	    {1, 86400000, 0, 86400000},
	};
	const struct backoff b = {1000, 60000};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		assert_int_equal(backoff_ms(&b, rows[i].failures,
					    rows[i].retry_after_ms, rows[i].random),
				 rows[i].expected);
}

static void polls_come_as_the_server_says_give_or_take_a_tenth(void **state)
{
	static const struct {
		uint64_t server, fallback;
		uint32_t random;
		uint64_t expected;
	} rows[] = {
	    {60000, 300000, 0, 54000}, {60000, 300000, UINT32_MAX, 66000},
	    {0, 300000, 0, 270000},    {0, 0, 0, 900},
	    {1, 300000, 0, 900},       {UINT64_MAX, 0, 0, 77760000},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		assert_int_equal(
		    poll_wait_ms(rows[i].server, rows[i].fallback, rows[i].random),
		    rows[i].expected);
}

static void a_clock_counts_only_between_the_floor_and_five_years_on(void **state)
{
	const int64_t floor = CLOCK_BUILD_FLOOR_MS;
	static const struct {
		int64_t ahead;
		bool from_system;
	} rows[] = {
	    {0, true},
	    {1, true},
	    {-1, false},
	    {5 * 365 * DAY, true},
	    {6 * 365 * DAY, false},
	    {-CLOCK_BUILD_FLOOR_MS, false},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct effective_time t = effective_time(floor + rows[i].ahead, floor);

		assert_int_equal(t.from_system, rows[i].from_system);
		assert_int_equal(t.utc_ms,
				 rows[i].from_system ? floor + rows[i].ahead : floor);
	}
}

static void the_floor_rises_with_what_was_signed_but_not_beyond_the_clock(void **state)
{
	const int64_t floor = CLOCK_BUILD_FLOOR_MS;
	const struct effective_time now = {floor + 10 * DAY, true};
	const struct effective_time none = {floor, false};
	const uint64_t s = (uint64_t)floor / 1000;

	(void)state;
	assert_int_equal(raised_floor(floor, &now, s + 86400), floor + DAY);
	assert_int_equal(raised_floor(floor, &now, 17),
			 floor); /* a version that is no time */
	assert_int_equal(raised_floor(floor, &now, s + 100 * 86400), now.utc_ms);
	assert_int_equal(raised_floor(floor, &now, UINT64_MAX), floor);
	assert_int_equal(raised_floor(floor, &none, s + 86400), floor);
}

/* ---- memory ---- */

struct one_file {
	struct buf data;
	bool there;
};

static int get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	struct one_file *f = ctx;

	if (!f->there || strcmp(name, MEMORY_FILE) != 0)
		return err_set(e, ERR_NOT_FOUND, "%s", name);
	return buf_add(ret, f->data.data, f->data.len, e);
}

static int put(void *ctx, const char *name, const void *data, size_t len, struct err *e)
{
	struct one_file *f = ctx;

	assert_string_equal(name, MEMORY_FILE);
	buf_clear(&f->data);
	f->there = true;
	return buf_add(&f->data, data, len, e);
}

static void what_is_remembered_comes_back_as_it_was(void **state)
{
	struct one_file f = {.data = BUF_INIT(MEMORY_MAX_BYTES)};
	const struct tuf_store files = {get, put, NULL, &f};
	struct memory m = {.n_reports = 512, .floor_utc_ms = CLOCK_BUILD_FLOOR_MS},
		      back;
	struct err e = ERR_INIT;

	(void)state;
	OK(memory_load(&files, &back, &e));
	assert_int_equal(back.n_reports, 0);
	strcpy(m.deployment.id, "100042");
	m.deployment.transaction = 7;
	m.deployment.slot = 1;
	memset(m.deployment.descriptor_sha256, 3, SHA256_LEN);
	memset(m.deployment.manifest_sha256, 4, SHA256_LEN);
	strcpy(m.deployment.detail, "health \"x\" failed");
	strcpy(m.deployment.delta, "delta/gateway/1.0.0:2.0.0");
	memory_add_failed(&m, "100041", "refused");
	m.failed[0].told = true;
	OK(memory_save(&files, &m, &e));
	OK(memory_load(&files, &back, &e));
	assert_memory_equal(&m, &back, sizeof(m));
	buf_fini(&f.data);
}

static void a_damaged_memory_is_empty_and_its_counter_skips_ahead(void **state)
{
	static const char *const rows[] = {
	    "",
	    "{",
	    "[]",
	    "{\"format\":1}",
	    "{\"format\":2,\"must_understand\":0,\"reports\":1,\"floor_utc_ms\":0,"
	    "\"failed\":[]}",
	    "{\"format\":1,\"must_understand\":1,\"reports\":1,\"floor_utc_ms\":0,"
	    "\"failed\":[]}",
	    "{\"format\":1,\"must_understand\":0,\"reports\":1,\"floor_utc_ms\":0,"
	    "\"failed\":[],"
	    "\"deployment\":{\"id\":\"1\",\"slot\":2}}",
	};
	struct one_file f = {.data = BUF_INIT(MEMORY_MAX_BYTES)};
	const struct tuf_store files = {get, put, NULL, &f};
	struct memory m;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		OK(put(&f, MEMORY_FILE, rows[i], strlen(rows[i]), &e));
		assert_int_equal(memory_load(&files, &m, &e), -1);
		assert_string_equal(m.deployment.id, "");
		assert_true(m.n_reports > 1000000);
	}
	buf_fini(&f.data);
}

static int get_fails(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	(void)ctx;
	(void)ret;
	return err_set(e, ERR_IO, "%s: input/output error", name);
}

/* A proof's counter never goes back, or the server takes the device for its own
 * clone. */
static void a_memory_that_cannot_be_read_skips_ahead_too(void **state)
{
	const struct tuf_store files = {get_fails, put, NULL, NULL};
	struct memory m;
	struct err e = ERR_INIT;

	(void)state;
	FAILS(memory_load(&files, &m, &e), ERR_IO);
	assert_true(m.n_reports > 1000000);
}

static void the_oldest_failure_makes_room(void **state)
{
	struct memory m = {.n_failed = 0};
	char id[12], reason[600];

	(void)state;
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (int i = 1; i <= MEMORY_MAX_FAILED + 1; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		memory_add_failed(&m, id, reason);
	}
	assert_null(memory_find_failed(&m, "1"));
	assert_non_null(memory_find_failed(&m, "2"));
	assert_int_equal(strlen(m.failed[0].reason), MEMORY_REASON_LEN - 1);
	memory_add_failed(&m, "2", "again");
	assert_int_equal(m.n_failed, MEMORY_MAX_FAILED);
	assert_string_equal(memory_find_failed(&m, "2")->reason, "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_wait_doubles_up_to_a_limit_less_a_random_part),
	    cmocka_unit_test(polls_come_as_the_server_says_give_or_take_a_tenth),
	    cmocka_unit_test(a_clock_counts_only_between_the_floor_and_five_years_on),
	    cmocka_unit_test(
		the_floor_rises_with_what_was_signed_but_not_beyond_the_clock),
	    cmocka_unit_test(what_is_remembered_comes_back_as_it_was),
	    cmocka_unit_test(a_damaged_memory_is_empty_and_its_counter_skips_ahead),
	    cmocka_unit_test(a_memory_that_cannot_be_read_skips_ahead_too),
	    cmocka_unit_test(the_oldest_failure_makes_room),
	};

	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
