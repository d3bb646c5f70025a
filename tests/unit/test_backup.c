/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of the embedded database, made while it is written. */
#include "store_fixture.h"

#include "../../common/base/file.h"
#include "../../server/store/backup.h"
#include "../../server/store/sqlite_conn.h"

#include <unistd.h>

struct taken {
	char names[256];
	char last[64];
};

static int fill_two(struct backup_sink *s, void *ctx, struct err *e)
{
	(void)ctx;
	if (s->add(s, "ca.key", "secret", 6, e) < 0)
		return -1;
	return s->add(s, "tenants/a/signer/key", "", 0, e);
}

static int fill_badly(struct backup_sink *s, void *ctx, struct err *e)
{
	return s->add(s, ctx, "x", 1, e);
}

static int fill_and_fail(struct backup_sink *s, void *ctx, struct err *e)
{
	(void)s;
	(void)ctx;
	return err_set(e, ERR_IO, "the disk is gone");
}

static int take(void *ctx, const char *name, const struct buf *data, struct err *e)
{
	struct taken *t = ctx;

	(void)e;
	strcat(t->names, name);
	strcat(t->names, " ");
	snprintf(t->last, sizeof(t->last), "%s", buf_str(data));
	return 0;
}

static void place(void **state, const char *name, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%s", ((struct fixture *)*state)->dir, name);
}

static void a_backup_holds_what_was_answered_and_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	struct taken t = {.names = ""};
	struct err e = ERR_INIT;
	char file[128], other[128];
	struct store *s;

	place(state, "backup", file, sizeof(file));
	place(state, "other.db", other, sizeof(other));
	make_device(f->store, "before");
	OK(backup_create(f->path, file, fill_two, NULL, &e));
	make_device(f->store, "after"); /* the server writes on */
	OK(backup_restore(file, other, take, &t, &e));
	assert_string_equal(t.names, "ca.key tenants/a/signer/key ");
	s = open_path(other);
	(void)get_device(s, "before");
	struct store_call *c = verb(STORE_DEVICE_GET);

	strcpy(c->in.device_id, "after");
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	make_device(s, "new");
	store_close(s);
}

static void nothing_that_exists_is_written_over(void **state)
{
	struct fixture *f = *state;
	struct taken t = {.names = ""};
	struct err e = ERR_INIT;
	char file[128];

	place(state, "backup", file, sizeof(file));
	OK(backup_create(f->path, file, NULL, NULL, &e));
	FAILS(backup_create(f->path, file, NULL, NULL, &e), ERR_CONFLICT);
	FAILS(backup_restore(file, f->path, take, &t, &e), ERR_CONFLICT);
}

static void a_backup_that_fails_leaves_no_file(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char file[128], part[160];

	place(state, "backup", file, sizeof(file));
	snprintf(part, sizeof(part), "%s.part", file);
	FAILS(backup_create(f->path, file, fill_and_fail, NULL, &e), ERR_IO);
	assert_false(file_exists(file));
	assert_false(file_exists(part));
}

static void names_that_lead_out_of_the_directory_are_refused(void **state)
{
	static char *const bad[] = {"../x", "/etc/x", "a/../../x", "a b", ""};
	struct fixture *f = *state;
	struct taken t = {.names = ""};
	char file[128], other[128];

	place(state, "other.db", other, sizeof(other));
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		struct err e = ERR_INIT;

		snprintf(file, sizeof(file), "%s/bad-%zu", f->dir, i);
		OK(backup_create(f->path, file, fill_badly, bad[i], &e));
		FAILS(backup_restore(file, other, take, &t, &e), ERR_FORMAT);
		assert_string_equal(t.names, "");
		assert_false(file_exists(other));
	}
}

static void what_is_no_backup_is_told_and_nothing_is_left(void **state)
{
	struct fixture *f = *state;
	struct taken t = {.names = ""};
	struct err e = ERR_INIT;
	char file[128], other[128];
	struct conn *c;

	place(state, "other.db", other, sizeof(other));
	place(state, "text", file, sizeof(file));
	OK(file_replace(file, "neither a database nor a backup of one, only text", 49,
			0600, &e));
	FAILS(backup_restore(file, other, take, &t, &e), ERR_FORMAT);
	FAILS(backup_restore(f->path, other, take, &t, &e), ERR_FORMAT);
	assert_false(file_exists(other));
	FAILS(backup_restore("/nonexistent", other, take, &t, &e), ERR_NOT_FOUND);
	place(state, "newer", file, sizeof(file));
	OK(backup_create(f->path, file, NULL, NULL, &e));
	c = sqlite_conn_open(file, true, &e);
	OK(conn_set_schema(c, 99, &e));
	conn_free(c);
	FAILS(backup_restore(file, other, take, &t, &e), ERR_CONFLICT);
	assert_false(file_exists(other));
}

int main(void)
{
#define ON_SQLITE(t) cmocka_unit_test_setup_teardown(t, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
	    ON_SQLITE(a_backup_holds_what_was_answered_and_comes_back_whole),
	    ON_SQLITE(nothing_that_exists_is_written_over),
	    ON_SQLITE(a_backup_that_fails_leaves_no_file),
	    ON_SQLITE(names_that_lead_out_of_the_directory_are_refused),
	    ON_SQLITE(what_is_no_backup_is_told_and_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
