/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts on the disk, and uploads in parts through the store and a worker. */
#include "testing.h"

#include "../../common/base/text.h"
#include "../../server/release/upload.h"
#include "../../server/store/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct place {
	char dir[64];
	struct store *store;
	struct artifacts *artifacts;
	struct worker *worker;
	struct loop *loop;
	struct uploads up;
	/* the last answer */
	struct upload upload;
	struct artifact artifact;
	struct err err;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e = ERR_INIT;
	char path[96];

	snprintf(p->dir, sizeof(p->dir), "/tmp/ota-test-upload-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(path, sizeof(path), "%s/db", p->dir);
	p->store = store_sqlite_open(path, NULL, &e);
	assert_non_null(p->store);
	snprintf(path, sizeof(path), "%s/artifacts", p->dir);
	p->artifacts = artifacts_new(path, &e);
	assert_non_null(p->artifacts);
	p->worker = worker_new(2, &e);
	assert_non_null(p->worker);
	p->loop = loop_new(&e);
	assert_non_null(p->loop);
	p->up = (struct uploads){p->store, p->artifacts, p->worker};
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	worker_free(p->worker);
	artifacts_free(p->artifacts);
	store_close(p->store);
	loop_free(p->loop);
	snprintf(command, sizeof(command), "rm -rf '%s'", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void on_done(void *ctx, const struct upload *u, const struct artifact *a,
		    const struct err *e)
{
	struct place *p = ctx;

	p->upload = *u;
	if (a != NULL)
		p->artifact = *a;
	p->err = *e;
	loop_stop(p->loop);
}

static void wait_answer(struct place *p, enum err_code expected)
{
	struct err e = ERR_INIT;

	OK(loop_run(p->loop, &e));
	if (p->err.code != expected)
		fail_msg("%s, not %s: %s", err_slug(p->err.code), err_slug(expected),
			 p->err.text);
}

static void begin(struct place *p, const void *data, size_t len)
{
	uint8_t hash[SHA256_LEN];
	struct err e = ERR_INIT;

	OK(sha256(data, len, hash, &e));
	upload_begin(&p->up, p->loop, len, hash, on_done, p);
	wait_answer(p, ERR_NONE);
}

static void put(struct place *p, uint64_t offset, const void *data, size_t len,
		enum err_code expected)
{
	char id[UPLOAD_ID_LEN + 1];

	memcpy(id, p->upload.id, sizeof(id));
	upload_write(&p->up, p->loop, id, offset, data, len, on_done, p);
	wait_answer(p, expected);
}

static void commit(struct place *p, enum err_code expected)
{
	char id[UPLOAD_ID_LEN + 1];

	memcpy(id, p->upload.id, sizeof(id));
	upload_commit(&p->up, p->loop, id, on_done, p);
	wait_answer(p, expected);
}

static void parts_become_an_artifact_with_the_digests_that_devices_compare(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	char sha1[2 * SHA1_LEN + 1], md5[2 * MD5_LEN + 1];
	AUTO(buf) struct buf read = BUF_INIT(16);

	begin(p, "abc", 3);
	assert_int_equal(p->upload.offset, 0);
	put(p, 0, "a", 1, ERR_NONE);
	assert_int_equal(p->upload.offset, 1);
	commit(p, ERR_CONFLICT);
	put(p, 1, "bc", 2, ERR_NONE);
	commit(p, ERR_NONE);
	hex_encode(p->artifact.sha1, SHA1_LEN, sha1);
	hex_encode(p->artifact.md5, MD5_LEN, md5);
	assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(p->artifact.size, 3);
	OK(artifacts_read(p->artifacts, p->artifact.sha256, &read, &e));
	assert_string_equal(buf_str(&read), "abc");
	commit(p, ERR_NOT_FOUND); /* its row is gone */
}

static void the_same_size_and_digest_find_the_same_upload_where_it_stands(void **state)
{
	struct place *p = *state;
	char id[UPLOAD_ID_LEN + 1];

	begin(p, "hello", 5);
	memcpy(id, p->upload.id, sizeof(id));
	put(p, 0, "hel", 3, ERR_NONE);
	begin(p, "hello", 5);
	assert_string_equal(p->upload.id, id);
	assert_int_equal(p->upload.offset, 3);
	upload_get(&p->up, p->loop, id, on_done, p);
	wait_answer(p, ERR_NONE);
	assert_int_equal(p->upload.offset, 3);
	begin(p, "world", 5);
	assert_string_not_equal(p->upload.id, id);
}

static void a_part_at_the_wrong_place_is_told_where_the_upload_stands(void **state)
{
	struct place *p = *state;

	begin(p, "hello", 5);
	put(p, 0, "he", 2, ERR_NONE);
	put(p, 0, "he", 2, ERR_CONFLICT);
	assert_int_equal(p->upload.offset, 2);
	put(p, 4, "o", 1, ERR_CONFLICT);
	put(p, 2, "lloo", 4, ERR_RANGE);
	put(p, 2, "llo", 3, ERR_NONE);
	commit(p, ERR_NONE);
}

static void other_bytes_than_announced_are_refused_and_dropped(void **state)
{
	struct place *p = *state;

	begin(p, "hello", 5);
	put(p, 0, "jello", 5, ERR_NONE);
	commit(p, ERR_DIGEST);
	commit(p, ERR_NOT_FOUND);
	begin(p, "hello", 5);
	assert_int_equal(p->upload.offset, 0);
	put(p, 0, "hello", 5, ERR_NONE);
	commit(p, ERR_NONE);
}

static void what_is_here_already_need_not_be_sent_again(void **state)
{
	struct place *p = *state;

	begin(p, "hello", 5);
	put(p, 0, "hello", 5, ERR_NONE);
	commit(p, ERR_NONE);
	begin(p, "hello", 5);
	assert_int_equal(p->upload.offset, 5);
	commit(p, ERR_NONE);
	assert_int_equal(p->artifact.size, 5);
}

static void an_upload_whose_file_was_lost_begins_anew(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	char id[UPLOAD_ID_LEN + 1];

	begin(p, "hello", 5);
	memcpy(id, p->upload.id, sizeof(id));
	put(p, 0, "hel", 3, ERR_NONE);
	OK(artifacts_drop(p->artifacts, id, &e));
	begin(p, "hello", 5);
	assert_string_not_equal(p->upload.id, id);
	assert_int_equal(p->upload.offset, 0);
}

static void one_that_is_given_up_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	char id[UPLOAD_ID_LEN + 1];
	size_t n = 0;

	begin(p, "hello", 5);
	memcpy(id, p->upload.id, sizeof(id));
	put(p, 0, "hel", 3, ERR_NONE);
	upload_drop(&p->up, p->loop, id, on_done, p);
	wait_answer(p, ERR_NONE);
	upload_get(&p->up, p->loop, id, on_done, p);
	wait_answer(p, ERR_NOT_FOUND);
	upload_drop(&p->up, p->loop, id, on_done, p);
	wait_answer(p, ERR_NOT_FOUND);
	OK(uploads_sweep(&p->up, 0, &n, &e));
	assert_int_equal(n, 0); /* no bytes were left to be swept */
	begin(p, "hello", 5);
	assert_int_equal(p->upload.offset, 0);
}

static void ids_that_are_no_ids_do_not_reach_the_disk(void **state)
{
	static const char *const ids[] = {"", "../../etc/passwd", "a/b", "x y",
					  "0123456789012345678901234567890123456789"};
	struct place *p = *state;

	for (size_t i = 0; i < N_ELEMS(ids); i++) {
		upload_get(&p->up, p->loop, ids[i], on_done, p);
		wait_answer(p, ERR_NOT_FOUND);
		upload_write(&p->up, p->loop, ids[i], 0, "x", 1, on_done, p);
		wait_answer(p, ERR_NOT_FOUND);
		upload_drop(&p->up, p->loop, ids[i], on_done, p);
		wait_answer(p, ERR_NOT_FOUND);
	}
}

static void an_upload_that_somebody_works_on_is_busy(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	AUTO_CLOSE int fd = -1;
	char id[UPLOAD_ID_LEN + 1];

	begin(p, "hello", 5);
	memcpy(id, p->upload.id, sizeof(id));
	OK(artifacts_hold(p->artifacts, id, &fd, &e));
	put(p, 0, "hello", 5, ERR_BUSY);
	(void)close(TAKE_FD(fd));
	memcpy(p->upload.id, id, sizeof(id));
	put(p, 0, "hello", 5, ERR_NONE);
}

static void parts_beyond_four_gibibytes_land_where_they_belong(void **state)
{
	const uint64_t at = (5ull << 30) + 12345, size = at + 4;
	struct place *p = *state;
	struct err e = ERR_INIT;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char got[5] = {0};

	OK(artifacts_hold(p->artifacts, "big", &fd, &e));
	OK(artifacts_write(p->artifacts, fd, size, at, "tail", 4, &e));
	assert_int_equal(fstat(fd, &st), 0);
	assert_true((uint64_t)st.st_size == size);
	assert_int_equal(pread(fd, got, 4, (off_t)at), 4);
	assert_string_equal(got, "tail");
	assert_int_equal(pread(fd, got, 4, (off_t)(at & 0xffffffff)), 4);
	assert_memory_equal(got, "\0\0\0\0", 4); /* not folded into 32 bits */
	FAILS(artifacts_write(p->artifacts, fd, size, at + 1, "tail", 4, &e),
	      ERR_RANGE);
	FAILS(artifacts_write(p->artifacts, fd, size, UINT64_MAX, "x", 1, &e),
	      ERR_RANGE);
	FAILS(artifacts_check_space(p->artifacts, UINT64_MAX, &e), ERR_LIMIT);
	FAILS(artifacts_check_space(p->artifacts, ARTIFACT_MAX_BYTES, &e),
	      ERR_NO_SPACE);
}

static bool keep_one(void *ctx, const char *id)
{
	return strcmp(id, ctx) == 0;
}

static void files_without_an_upload_are_swept(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	char keep[UPLOAD_ID_LEN + 1];
	size_t n = 0;
	int fd;

	begin(p, "hello", 5);
	memcpy(keep, p->upload.id, sizeof(keep));
	put(p, 0, "hel", 3, ERR_NONE);
	for (int i = 0; i < 3; i++) {
		OK(artifacts_hold(p->artifacts,
				  i == 0   ? "a"
				  : i == 1 ? "b"
					   : "c",
				  &fd, &e));
		(void)close(fd);
	}
	OK(artifacts_sweep(p->artifacts, keep_one, keep, &n, &e));
	assert_int_equal(n, 3);
	memcpy(p->upload.id, keep, sizeof(keep));
	put(p, 3, "lo", 2, ERR_NONE);
	commit(p, ERR_NONE);
}

static void path_of_part(const struct place *p, const char *id, char ret[256])
{
	snprintf(ret, 256, "%s/artifacts/upload/%s", p->dir, id);
}

static void make_old(const struct place *p, const char *id, int days)
{
	struct timespec at[2] = {{.tv_sec = time(NULL) - days * 86400L}};
	char path[256];

	at[1] = at[0];
	path_of_part(p, id, path);
	assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static void sweep_week(struct place *p, size_t expected)
{
	struct err e = ERR_INIT;
	size_t n = 99;

	OK(uploads_sweep(&p->up, (uint64_t)7 * 86400 * 1000, &n, &e));
	assert_int_equal(n, expected);
}

static void an_upload_that_nobody_went_on_with_is_swept_with_its_row(void **state)
{
	struct place *p = *state;
	char old[UPLOAD_ID_LEN + 1], path[256];

	begin(p, "forgotten", 9);
	memcpy(old, p->upload.id, sizeof(old));
	put(p, 0, "forg", 4, ERR_NONE);
	make_old(p, old, 8);
	begin(p, "committed", 9);
	put(p, 0, "committed", 9, ERR_NONE);
	commit(p, ERR_NONE);
	begin(p, "hello", 5);
	put(p, 0, "hel", 3, ERR_NONE);
	make_old(p, p->upload.id, 6);
	sweep_week(p, 1);
	put(p, 3, "lo", 2, ERR_NONE); /* a younger one goes on */
	commit(p, ERR_NONE);
	path_of_part(p, old, path);
	assert_int_not_equal(access(path, F_OK), 0);
	begin(p, "forgotten", 9);
	assert_string_not_equal(p->upload.id, old);
	assert_int_equal(p->upload.offset, 0);
	begin(p, "committed", 9); /* what became an artifact is not touched */
	assert_int_equal(p->upload.offset, 9);
	sweep_week(p, 0);
}

static void an_upload_under_way_is_not_swept_whatever_its_age(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	int fd;

	begin(p, "hello", 5);
	put(p, 0, "hel", 3, ERR_NONE);
	make_old(p, p->upload.id, 8);
	OK(artifacts_hold(p->artifacts, p->upload.id, &fd, &e));
	sweep_week(p, 0);
	(void)close(fd);
	put(p, 3, "lo", 2, ERR_NONE);
	sweep_week(p, 0);
	commit(p, ERR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(parts_become_an_artifact_with_the_digests_that_devices_compare),
	    TEST(the_same_size_and_digest_find_the_same_upload_where_it_stands),
	    TEST(a_part_at_the_wrong_place_is_told_where_the_upload_stands),
	    TEST(other_bytes_than_announced_are_refused_and_dropped),
	    TEST(what_is_here_already_need_not_be_sent_again),
	    TEST(an_upload_whose_file_was_lost_begins_anew),
	    TEST(one_that_is_given_up_leaves_nothing),
	    TEST(ids_that_are_no_ids_do_not_reach_the_disk),
	    TEST(an_upload_that_somebody_works_on_is_busy),
	    TEST(parts_beyond_four_gibibytes_land_where_they_belong),
	    TEST(files_without_an_upload_are_swept),
	    TEST(an_upload_that_nobody_went_on_with_is_swept_with_its_row),
	    TEST(an_upload_under_way_is_not_swept_whatever_its_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
