/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a maker's child, whatever it does: scripts in the place of the real
 * program, which test_server_delta.py runs. */
#include "testing.h"

#include "../../server/delta/maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_MS 60000

static char script[64];
static char needs[CAPABILITIES_MAX_LEN + 1];
static bool unwrap;

static int setup(void **state)
{
	(void)state;
	snprintf(script, sizeof(script), "/tmp/ota-test-maker-%d", (int)getpid());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(script);
}

static void write_script(const char *body)
{
	FILE *f = fopen(script, "we");

	assert_non_null(f);
	assert_true(fprintf(f, "#!/bin/sh\n%s\n", body) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(script, 0700), 0);
}

static enum err_code run(const char *body, uint64_t max_ms, bool (*goes_on)(void *ctx),
			 struct err *e)
{
	const struct maker_job job = {
	    .program = script,
	    .old_head = "a",
	    .old_body = "b",
	    .new_head = "c",
	    .new_body = "d",
	    .head = "e",
	    .body = "f",
	    .unwrap = unwrap,
	    .max_memory = 12345,
	    .max_ms = max_ms,
	    .goes_on = goes_on,
	};
	uint64_t cpu_ms = 77;

	write_script(body);
	e->code = ERR_NONE;
	if (maker_make(&job, needs, &cpu_ms, e) == 0)
		assert_int_equal(e->code, ERR_NONE);
	assert_true(cpu_ms < LONG_MS);
	return e->code;
}

static void one_that_says_made_made_it(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("printf made >&3", LONG_MS, NULL, &e), ERR_NONE);
	assert_int_equal(run("printf ma >&3; printf de >&3", LONG_MS, NULL, &e),
			 ERR_NONE);
}

static void its_files_and_its_limit_are_named(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	(void)run("printf '%s ' \"$@\" >&3", LONG_MS, NULL, &e);
	assert_string_equal(
	    e.text, "--old-head a --old-body b --new-head c --new-body d --head e "
		    "--body f --memory 12345 --fd 3 ");
	unwrap = true;
	(void)run("printf '%s ' \"$@\" >&3", LONG_MS, NULL, &e);
	unwrap = false;
	assert_non_null(strstr(e.text, " --fd 3 --unwrap "));
}

static void what_it_needs_is_said_with_it(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
	    run("printf 'made unwrap-xz-5.4.1 unwrap-memory-9' >&3", LONG_MS, NULL, &e),
	    ERR_NONE);
	assert_string_equal(needs, "unwrap-xz-5.4.1 unwrap-memory-9");
	assert_int_equal(run("printf 'made' >&3", LONG_MS, NULL, &e), ERR_NONE);
	assert_string_equal(needs, "");
	assert_int_equal(run("printf 'madeira' >&3", LONG_MS, NULL, &e),
			 ERR_UNSUPPORTED);
}

static void what_it_says_instead_is_why_there_is_none(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("printf 'images differ' >&3", LONG_MS, NULL, &e),
			 ERR_UNSUPPORTED);
	assert_string_equal(e.text, "images differ");
	/* More than there is room for is cut. */
	assert_int_equal(run("yes | head -c 100000 >&3", LONG_MS, NULL, &e),
			 ERR_UNSUPPORTED);
}

static void one_that_dies_made_nothing(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("kill -9 $$", LONG_MS, NULL, &e), ERR_INTERNAL);
	assert_int_equal(run("exit 0", LONG_MS, NULL, &e), ERR_INTERNAL);
}

static void one_that_takes_too_long_is_ended(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("exec sleep 600", 1, NULL, &e), ERR_TIMEOUT);
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static void one_that_nobody_wants_any_more_is_ended(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("exec sleep 600", LONG_MS, never, &e), ERR_CANCELLED);
}

static void a_program_that_is_not_there_is_named(void **state)
{
	const struct maker_job job = {.program = "/nowhere/ota-delta-maker",
				      .old_head = "a",
				      .old_body = "b",
				      .new_head = "c",
				      .new_body = "d",
				      .head = "e",
				      .body = "f",
				      .max_ms = LONG_MS};
	struct err e = ERR_INIT;
	uint64_t cpu_ms;

	(void)state;
	write_script("");
	assert_int_equal(maker_make(&job, needs, &cpu_ms, &e), -1);
	assert_non_null(strstr(e.text, "/nowhere/ota-delta-maker"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(one_that_says_made_made_it),
	    TEST(its_files_and_its_limit_are_named),
	    TEST(what_it_needs_is_said_with_it),
	    TEST(what_it_says_instead_is_why_there_is_none),
	    TEST(one_that_dies_made_nothing),
	    TEST(one_that_takes_too_long_is_ended),
	    TEST(one_that_nobody_wants_any_more_is_ended),
	    TEST(a_program_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
