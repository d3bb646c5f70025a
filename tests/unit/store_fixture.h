/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's test programs share: an opened store, and verbs said shortly. */
#ifndef OTA_TESTS_STORE_FIXTURE_H
#define OTA_TESTS_STORE_FIXTURE_H

#include "testing.h"

#include "../../server/store/open.h"
#include "../../server/store/sqlite.h"
#include "chaos.h"
#include "postgres_server.h"

#include <pthread.h>

struct fixture {
	char dir[64];
	char path[96];
	char url[160]; /* "": the file */
	struct store *store;
};

struct crowd {
	struct loop *loop;
	pthread_t thread;
	unsigned wanted, came, wrong_thread, failed;
	unsigned watched;
};

struct store *open_path(const char *path);
int setup_sqlite(void **state);
int setup_delayed(void **state);
/* *state is a struct pg_server, by the group's setup_server(). */
int setup_postgres(void **state);
int setup_server(void **state);
int teardown_server(void **state);
/* Runs the cases with each back-end under them: SQLite, SQLite answering late, PostgreSQL;
 * the last are skipped where it is not installed. Returns the number of failures. */
#define STORE_CASE(t) cmocka_unit_test(t),
int store_run_everywhere(const char *subject, const struct CMUnitTest *cases, size_t n);
int store_run_on_postgres(const char *name, const struct CMUnitTest *cases, size_t n);
/* Cases that find the group's own struct pg_server in *state. */
int store_run_group(const char *name, const struct CMUnitTest *cases, size_t n,
		    CMFixtureFunction group_setup);
int teardown(void **state);
struct store_call *verb(enum store_verb v);
void must(struct store *s, struct store_call *c);
void must_fail(struct store *s, struct store_call *c, enum err_code code);
void done(struct store *s, struct store_call *c);
void make_device(struct store *s, const char *id);
/* What a poll with the token that make_device() gave it reads. */
enum err_code poll_as(struct store *s, const char *id, struct device *ret);
struct device get_device(struct store *s, const char *id);
struct release a_release(const char *id, const char *version);
void make_release(struct store *s, const char *id, const char *version);
struct store_call *assign_call(const char *device, const char *release);
uint64_t assign(struct store *s, const char *device, const char *release);
struct deployment get_deployment(struct store *s, uint64_t id);
struct store_call *move_call(const struct deployment *d, enum deployment_state to);
void move(struct store *s, uint64_t id, enum deployment_state to);
size_t n_events(struct store *s);
struct store *store_of(void **state);
void run_crowd(struct store *s, struct crowd *w, unsigned n);

#endif
