/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Devices that a case made, of which must() checks what is kept in memory. */
#define CHECKED_MAX 8
static char made[CHECKED_MAX][DEVICE_ID_MAX_LEN + 1];
static size_t n_made;

static void open_dir(struct fixture *f)
{
	strcpy(f->dir, "/tmp/ota-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ota.db", f->dir);
}

struct store *open_path(const char *path)
{
	struct err e = ERR_INIT;
	struct store *s = store_sqlite_open(path, NULL, &e);

	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

int setup_sqlite(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	struct err e = ERR_INIT;

	open_dir(f);
	f->store = open_path(f->path);
	OK(store_keep_devices(f->store, 1 << 20, NULL, &e));
	n_made = 0;
	*state = f;
	return 0;
}

int setup_delayed(void **state)
{
	const struct chaos_plan plan = {.seed = 7, .max_delay_ms = 4};
	struct err e = ERR_INIT;
	struct fixture *f;

	setup_sqlite(state);
	f = *state;
	f->store = store_chaos_new(f->store, &plan, &e);
	assert_non_null(f->store);
	return 0;
}

/* A database of its own in the group's server. */
int setup_postgres(void **state)
{
	struct pg_server *server = *state;
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_place place = {.url = f->url, .n_readers = 2};
	struct err e = ERR_INIT;

	open_dir(f);
	pg_server_new_database(server, f->url, sizeof(f->url));
	f->store = store_open(&place, STORE_OWNER, NULL, &e);
	if (f->store == NULL)
		fail_msg("%s", e.text);
	*state = f;
	return 0;
}

int setup_server(void **state)
{
	struct pg_server *s = calloc(1, sizeof(*s));

	pg_server_make(s);
	*state = s;
	return pg_server_start(s) ? 0 : -1;
}

int teardown_server(void **state)
{
	pg_server_fini(*state);
	free(*state);
	return 0;
}

static bool has_postgres(void)
{
	return system("ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1") == 0;
}

static void postgresql_is_not_installed(void **state)
{
	(void)state;
	print_message(
	    "PostgreSQL is not installed: the same cases on it are skipped\n");
	skip();
}

static int run_with(const char *name, const struct CMUnitTest *cases, size_t n,
		    CMFixtureFunction setup, CMFixtureFunction group_setup,
		    CMFixtureFunction group_teardown)
{
	struct CMUnitTest *own = calloc(n, sizeof(*own));
	int failed;

	memcpy(own, cases, n * sizeof(*own));
	for (size_t i = 0; i < n; i++) {
		own[i].setup_func = setup;
		own[i].teardown_func = setup == NULL ? NULL : teardown;
	}
	failed = _cmocka_run_group_tests(name, own, n, group_setup, group_teardown);
	free(own);
	return failed;
}

static int run_if_installed(const char *name, const struct CMUnitTest *cases, size_t n,
			    CMFixtureFunction setup, CMFixtureFunction group_setup)
{
	const struct CMUnitTest missing[] = {
	    cmocka_unit_test(postgresql_is_not_installed)};

	if (!has_postgres())
		return cmocka_run_group_tests_name(name, missing, NULL, NULL);
	return run_with(name, cases, n, setup, group_setup, teardown_server);
}

int store_run_on_postgres(const char *name, const struct CMUnitTest *cases, size_t n)
{
	return run_if_installed(name, cases, n, setup_postgres, setup_server);
}

int store_run_group(const char *name, const struct CMUnitTest *cases, size_t n,
		    CMFixtureFunction group_setup)
{
	return run_if_installed(name, cases, n, NULL, group_setup);
}

int store_run_everywhere(const char *subject, const struct CMUnitTest *cases, size_t n)
{
	char name[3][80];

	snprintf(name[0], sizeof(name[0]), "%s: sqlite", subject);
	snprintf(name[1], sizeof(name[1]), "%s: sqlite, answering late", subject);
	snprintf(name[2], sizeof(name[2]), "%s: postgres", subject);
	return run_with(name[0], cases, n, setup_sqlite, NULL, NULL) +
	       run_with(name[1], cases, n, setup_delayed, NULL, NULL) +
	       store_run_on_postgres(name[2], cases, n);
}

int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

struct store_call *verb(enum store_verb v)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, NULL);

	assert_non_null(c);
	c->now_ms = 1000;
	c->deadline_ms = 0; /* however slow the machine is */
	return c;
}

enum err_code poll_as(struct store *s, const char *id, struct device *ret)
{
	struct store_call *c = verb(STORE_DEVICE_BY_TOKEN);
	struct err e = ERR_INIT;
	enum err_code code;

	memcpy(c->in.hash, id, strnlen(id, SHA256_LEN));
	code = store_wait(s, c, &e) < 0 ? e.code : ERR_NONE;
	*ret = c->out.device;
	store_call_free(c);
	return code;
}

static enum err_code read_device(struct store *s, const char *id, struct device *ret)
{
	struct store_call *c = verb(STORE_DEVICE_GET);
	struct err e = ERR_INIT;
	enum err_code code;

	strcpy(c->in.device_id, id);
	code = store_wait(s, c, &e) < 0 ? e.code : ERR_NONE;
	*ret = c->out.device;
	store_call_free(c);
	return code;
}

/* A device is seen now: when it was before is of no use. */
static void forget_seen(struct device *d)
{
	d->seen_at = 0;
	memset(d->address, 0, sizeof(d->address));
}

/* Whether a poll is answered with what the database says. True of a device that is gone,
 * or has another token now, if the poll finds none. */
static bool is_kept_right(struct store *s, const char *id)
{
	struct device kept = {0}, read = {0};
	enum err_code code = read_device(s, id, &read),
		      kept_code = poll_as(s, id, &kept);

	forget_seen(&read);
	forget_seen(&kept);
	if (code != ERR_NONE || kept_code != ERR_NONE)
		return kept_code != ERR_NONE;
	return memcmp(&kept, &read, sizeof(kept)) == 0;
}

/* Where an engine writes, too, its write may be in the database and not yet answered: until
 * then what was before it may be kept. What is wrong stays wrong. */
static void check_kept(struct store *s, const char *id)
{
	const struct timespec a_while = {.tv_nsec = 1000000};

	for (int i = 0; i < 60000; i++) {
		if (is_kept_right(s, id))
			return;
		(void)nanosleep(&a_while, NULL);
	}
	fail_msg("what is kept of %s is not what the database says", id);
}

void must(struct store *s, struct store_call *c)
{
	struct err e = ERR_INIT;

	OK(store_wait(s, c, &e));
	if (s->devices == NULL || store_verb_kind(c->verb) != STORE_WRITE ||
	    strcmp(s->ops->name, "sqlite") != 0)
		return;
	for (size_t i = 0; i < n_made; i++)
		check_kept(s, made[i]);
}

void must_fail(struct store *s, struct store_call *c, enum err_code code)
{
	struct err e = ERR_INIT;

	FAILS(store_wait(s, c, &e), code);
}

/* Runs c, frees it. */
void done(struct store *s, struct store_call *c)
{
	must(s, c);
	store_call_free(c);
}

void make_device(struct store *s, const char *id)
{
	struct store_call *c = verb(STORE_DEVICE_CREATE);

	strcpy(c->in.device_new.device.id, id);
	memcpy(c->in.device_new.token_hash, id, strnlen(id, SHA256_LEN));
	store_call_event(c, EVENT_DEVICE, id, 0, NULL);
	if (n_made < CHECKED_MAX)
		strcpy(made[n_made++], id);
	done(s, c);
}

struct device get_device(struct store *s, const char *id)
{
	struct store_call *c = verb(STORE_DEVICE_GET);
	struct device d;

	strcpy(c->in.device_id, id);
	must(s, c);
	d = c->out.device;
	store_call_free(c);
	return d;
}

struct release a_release(const char *id, const char *version)
{
	struct release r = {.security_version = 3, .n_hardware = 2, .n_images = 1};

	strcpy(r.id, id);
	strcpy(r.product, "gateway");
	strcpy(r.version, version);
	strcpy(r.hardware[0], "revA");
	strcpy(r.hardware[1], "revB");
	strcpy(r.notes, "it's \"new\"");
	strcpy(r.images[0].name, "firmware");
	r.images[0].size = 1ull << 33;
	memset(r.images[0].root_hash, 0xab, SHA256_LEN);
	memset(r.descriptor_sha256, 0xcd, SHA256_LEN);
	r.body_size = 1ull << 32;
	return r;
}

void make_release(struct store *s, const char *id, const char *version)
{
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	c->in.release = a_release(id, version);
	done(s, c);
}

struct store_call *assign_call(const char *device, const char *release)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_ASSIGN);

	strcpy(c->in.assign.device, device);
	strcpy(c->in.assign.release, release);
	store_call_event(c, EVENT_DEPLOYMENT, device, 0, NULL);
	return c;
}

uint64_t assign(struct store *s, const char *device, const char *release)
{
	struct store_call *c = assign_call(device, release);
	uint64_t id;

	must(s, c);
	id = c->out.deployment.id;
	store_call_free(c);
	return id;
}

struct deployment get_deployment(struct store *s, uint64_t id)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_GET);
	struct deployment d;

	c->in.deployment_id = id;
	must(s, c);
	d = c->out.deployment;
	store_call_free(c);
	return d;
}

struct store_call *move_call(const struct deployment *d, enum deployment_state to)
{
	struct store_call *c = verb(STORE_DEPLOYMENT_MOVE);

	c->in.move.id = d->id;
	c->in.move.expect_revision = d->revision;
	c->in.move.state = to;
	c->in.move.offered = true;
	store_call_event(c, EVENT_DEPLOYMENT, d->device, d->id, NULL);
	return c;
}

void move(struct store *s, uint64_t id, enum deployment_state to)
{
	struct deployment d = get_deployment(s, id);

	done(s, move_call(&d, to));
}

size_t n_events(struct store *s)
{
	struct store_call *c = verb(STORE_EVENT_LIST);
	size_t n;

	must(s, c);
	n = c->n_items;
	store_call_free(c);
	return n;
}

struct store *store_of(void **state)
{
	return ((struct fixture *)*state)->store;
}

static void one_came(struct store_call *c)
{
	struct crowd *w = c->ctx;

	w->wrong_thread += pthread_equal(pthread_self(), w->thread) == 0;
	w->failed += c->err.code != ERR_NONE;
	w->came++;
	store_call_free(c);
	if (w->came == w->wanted)
		loop_stop(w->loop);
}

void run_crowd(struct store *s, struct crowd *w, unsigned n)
{
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < n; i++) {
		struct store_call *c =
		    store_call_new(STORE_DEVICE_CREATE, w->loop, one_came, w, &e);

		c->deadline_ms = 0;
		snprintf(c->in.device_new.device.id, 16, "dev-%u", i);
		memcpy(c->in.device_new.token_hash, &i, sizeof(i));
		store_call_event(c, EVENT_DEVICE, c->in.device_new.device.id, 0, NULL);
		store_submit(s, c);
	}
	OK(loop_run(w->loop, &e));
}
