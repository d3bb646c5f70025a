/* SPDX-License-Identifier: Apache-2.0 */
/* What is the embedded back-end's own: files, schemas, crashes, full disks. */
#include "store_fixture.h"

#include "../../common/base/file.h"
#include "../../server/store/schema.h"
#include "../../server/store/sqlite_conn.h"

#include <limits.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the embedded back-end's own ---- */

static void what_was_answered_survives_a_kill_in_mid_load(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	char id[16];
	unsigned n = 0;
	pid_t pid;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct store *s = open_path(f->path);

		for (unsigned i = 0;; i++) {
			snprintf(id, sizeof(id), "dev-%u", i);
			make_device(s, id);
			if (write(fds[1], "", 1) != 1)
				_exit(1);
		}
	}
	(void)close(fds[1]);
	while (n < 20 && read(fds[0], id, 1) == 1)
		n++;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while (read(fds[0], id, 1) == 1)
		n++;
	(void)close(fds[0]);
	assert_true(n >= 20);
	f->store = open_path(f->path);
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "dev-%u", i);
		(void)get_device(f->store, id);
	}
}

static void a_disk_that_takes_no_more_acknowledges_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, tight;
	struct store_call *c = verb(STORE_SETTING_PUT);
	struct err e = ERR_INIT;
	size_t before;

	make_device(f->store, "dev-1");
	before = n_events(f->store);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = (struct rlimit){.rlim_cur = 256 * 1024, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	strcpy(c->in.setting, "big");
	OK(buf_reserve(&c->blob, 1 << 20, &e));
	memset(c->blob.data, 1, 1 << 20);
	c->blob.len = 1 << 20;
	store_call_event(c, EVENT_DEVICE, "dev-1", 0, NULL);
	assert_int_equal(store_wait(f->store, c, &e), -1);
	assert_true(e.code == ERR_IO || e.code == ERR_NO_SPACE);
	store_call_free(c);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	c = verb(STORE_SETTING_GET);
	strcpy(c->in.setting, "big");
	must_fail(f->store, c, ERR_NOT_FOUND);
	store_call_free(c);
	assert_int_equal(n_events(f->store), before);
	make_device(f->store, "dev-2");
}

static void a_database_of_a_newer_server_is_refused_and_both_are_named(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char want[64];

	store_close(f->store);
	struct conn *db = sqlite_conn_open(f->path, true, &e);

	OK(conn_script(db, "PRAGMA user_version = 99", &e));
	conn_free(db);
	f->store = store_sqlite_open(f->path, NULL, &e);
	assert_null(f->store);
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_non_null(strstr(e.text, "schema 99"));
	snprintf(want, sizeof(want), "up to %u", store_sqlite_schema());
	assert_non_null(strstr(e.text, want));
}

static void a_damaged_database_is_told_in_one_sentence(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	store_close(f->store);
	OK(file_replace(f->path,
			"this is not a database, but long enough to look like one\n",
			57, 0600, &e));
	f->store = store_sqlite_open(f->path, NULL, &e);
	assert_null(f->store);
	assert_int_equal(e.code, ERR_FORMAT);
	assert_non_null(strstr(e.text, f->path));
	assert_non_null(strstr(e.text, "not a database"));
}

static void a_torn_page_is_found_at_the_start(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct stat st;
	FILE *file;

	for (int i = 0; i < 30; i++) {
		char id[16];

		snprintf(id, sizeof(id), "dev-%d", i);
		make_device(f->store, id);
	}
	store_close(f->store);
	assert_int_equal(stat(f->path, &st), 0);
	file = fopen(f->path, "r+");
	for (long at = 4096; at < st.st_size; at += 4096) {
		(void)fseek(file, at, SEEK_SET);
		(void)fwrite("torn torn torn torn torn torn to", 1, 32, file);
	}
	assert_int_equal(fclose(file), 0);
	f->store = store_sqlite_open(f->path, NULL, &e);
	assert_null(f->store);
	assert_int_equal(e.code, ERR_FORMAT);
	assert_non_null(strstr(e.text, "put a backup in its place"));
}

/* 4xx would make the trouble the client's, and keep it out of the log. */
static void damage_while_it_runs_is_the_stores_fault_not_the_callers(void **state)
{
	struct fixture *f = *state;
	static const uint8_t junk[512] = {0xff, 0xff, 0xff};
	struct store_call *c = verb(STORE_DEVICE_GET);
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char id[16];

	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "dev-%d", i);
		make_device(f->store, id);
	}
	store_close(f->store); /* what is in the log goes into the file */
	f->store = open_path(f->path);
	fd = open(f->path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 4096; at < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	strcpy(c->in.device_id, "dev-7");
	must_fail(f->store, c, ERR_IO);
	store_call_free(c);
}

/* A command beside a running server must not pull the tables away under it. */
static void who_only_visits_neither_makes_nor_migrates_a_database(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct store *visitor;
	char other[128];

	make_device(f->store, "dev-1");
	visitor = store_sqlite_open_existing(f->path, NULL, &e);
	assert_non_null(visitor);
	(void)get_device(visitor, "dev-1");
	store_close(visitor);
	snprintf(other, sizeof(other), "%s/other.db", f->dir);
	assert_null(store_sqlite_open_existing(other, NULL, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(file_exists(other));
	OK(file_replace(other, "", 0, 0600, &e));
	assert_null(store_sqlite_open_existing(other, NULL, &e));
	assert_int_equal(e.code, ERR_PRECONDITION);
	assert_non_null(strstr(e.text, "schema 0"));
}

static void a_directory_that_is_not_there_is_told_with_its_path(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_null(store_sqlite_open("/nonexistent/ota.db", NULL, &e));
	assert_non_null(strstr(e.text, "/nonexistent/ota.db"));
}

static const char *const step_colour[] = {"ALTER TABLE device ADD COLUMN colour TEXT;",
					  NULL};
static const char *const step_broken[] = {"CREATE TABLE extra (a);", "CREATE NONSENSE;",
					  NULL};

static void an_older_schema_is_backed_up_and_migrated(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	const char *const *steps[] = {store_migrations[0], store_migrations[1],
				      step_colour};
	char backup[128];
	struct store *old;
	struct conn *db;

	make_device(f->store, "dev-1");
	store_close(f->store);
	f->store = NULL;
	db = sqlite_conn_open(f->path, true, &e);
	OK(schema_prepare(db, steps, 3, NULL, &e));
	OK(conn_script(db, "SELECT colour FROM device", &e));
	conn_free(db);
	snprintf(backup, sizeof(backup), "%s.schema-2", f->path);
	old = open_path(backup);
	(void)get_device(old, "dev-1");
	store_close(old);
}

/* tests/compat/schema-N.sql are what released servers left; none is ever edited. The
 * newest schema may not have been released yet. */
static void make_old_database(const char *path, unsigned schema)
{
	AUTO(buf) struct buf sql = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;
	char file[PATH_MAX];
	struct conn *db;

	snprintf(file, sizeof(file), "%s/../compat/schema-%u.sql",
		 getenv("OTA_TEST_DATA"), schema);
	OK(file_read(file, &sql, &e));
	db = sqlite_conn_open(path, true, &e);
	assert_non_null(db);
	OK(conn_script(db, buf_str(&sql), &e));
	conn_free(db);
}

static void what_every_released_server_left_is_opened(void **state)
{
	struct fixture *f = *state;
	char path[128];

	for (unsigned schema = 1; schema < store_sqlite_schema(); schema++) {
		struct store *s;
		struct device d;

		snprintf(path, sizeof(path), "%s/old-%u.db", f->dir, schema);
		make_old_database(path, schema);
		s = open_path(path);
		d = get_device(s, "gw-1");
		assert_string_equal(d.version, "1.0.0");
		assert_int_equal(d.grade, GRADE_PROVEN);
		assert_int_equal(get_deployment(s, d.installed_deployment).state,
				 DEPLOYMENT_CONFIRMED);
		store_close(s);
	}
}

static void a_migration_that_fails_leaves_the_old_database(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	const char *const *steps[] = {store_migrations[0], store_migrations[1],
				      step_broken};
	struct conn *db;

	make_device(f->store, "dev-1");
	store_close(f->store);
	db = sqlite_conn_open(f->path, true, &e);
	FAILS(schema_prepare(db, steps, 3, NULL, &e), ERR_INTERNAL);
	conn_free(db);
	f->store = open_path(f->path);
	(void)get_device(f->store, "dev-1");
}

static void
a_store_that_refuses_and_forgets_never_leaves_a_call_unanswered(void **state)
{
	const struct chaos_plan plan = {
	    .seed = 11, .max_delay_ms = 2, .refuse_percent = 30, .forget_percent = 30};
	struct fixture *f = *state;
	struct crowd w = {.thread = pthread_self(), .wanted = 100};
	struct err e = ERR_INIT;

	f->store = store_chaos_new(f->store, &plan, &e);
	w.loop = loop_new(&e);
	run_crowd(f->store, &w, 100);
	assert_int_equal(w.came, 100);
	assert_int_equal(w.wrong_thread, 0);
	assert_true(w.failed > 20 && w.failed < 80);
	loop_free(w.loop);
}

static void the_words_of_the_api_go_both_ways(void **state)
{
	struct err e = ERR_INIT;
	enum deployment_state d;
	enum role r;

	(void)state;
	for (int i = 0; i < N_DEPLOYMENT_STATES; i++) {
		OK(deployment_state_parse(
		    deployment_state_name((enum deployment_state)i), &d, &e));
		assert_int_equal(d, i);
	}
	for (int i = 0; i < N_ROLES; i++) {
		OK(role_parse(role_name((enum role)i), &r, &e));
		assert_int_equal(r, i);
	}
	FAILS(role_parse("root", &r, &e), ERR_FORMAT);
	OK(device_id_check("a1:b2_C-3.x", &e));
	FAILS(device_id_check("", &e), ERR_FORMAT);
	FAILS(device_id_check("../x", &e), ERR_FORMAT);
	FAILS(device_id_check("a/b", &e), ERR_FORMAT);
}

int main(void)
{
#define ON_SQLITE(t) cmocka_unit_test_setup_teardown(t, setup_sqlite, teardown),
	/* clang-format off */
	const struct CMUnitTest own[] = {
		ON_SQLITE(what_was_answered_survives_a_kill_in_mid_load)
		ON_SQLITE(a_disk_that_takes_no_more_acknowledges_nothing)
		ON_SQLITE(a_database_of_a_newer_server_is_refused_and_both_are_named)
		ON_SQLITE(a_damaged_database_is_told_in_one_sentence)
		ON_SQLITE(a_torn_page_is_found_at_the_start)
		ON_SQLITE(damage_while_it_runs_is_the_stores_fault_not_the_callers)
		ON_SQLITE(who_only_visits_neither_makes_nor_migrates_a_database)
		ON_SQLITE(what_every_released_server_left_is_opened)
		ON_SQLITE(an_older_schema_is_backed_up_and_migrated)
		ON_SQLITE(a_migration_that_fails_leaves_the_old_database)
		ON_SQLITE(a_store_that_refuses_and_forgets_never_leaves_a_call_unanswered)
		cmocka_unit_test(a_directory_that_is_not_there_is_told_with_its_path),
		cmocka_unit_test(the_words_of_the_api_go_both_ways),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("store: sqlite's own", own, NULL, NULL);
}
