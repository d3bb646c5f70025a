/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/auth/ca.h"
#include "../../server/auth/caller.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/x509.h"

#include "testing.h"

#include <stdio.h>
#include <sys/stat.h>

#define SESSION "ots_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define API "ota_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define DEVICE "otd_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define COOKIE "__Host-ota=" SESSION

static void secrets_are_new_each_time_and_known_by_their_digest(void **state)
{
	struct err e = ERR_INIT;
	char a[SECRET_TEXT_LEN + 1], b[SECRET_TEXT_LEN + 1];
	uint8_t stored[SHA256_LEN], shown[SHA256_LEN];

	(void)state;
	for (int kind = 0; kind < N_SECRET_KINDS; kind++) {
		OK(secret_make((enum secret_kind)kind, a, stored, &e));
		OK(secret_make((enum secret_kind)kind, b, shown, &e));
		assert_int_equal(strlen(a), SECRET_TEXT_LEN);
		assert_string_not_equal(a, b);
		OK(secret_hash((enum secret_kind)kind, a, shown, &e));
		assert_memory_equal(shown, stored, SHA256_LEN);
		OK(sha256(a, strlen(a), shown, &e));
		assert_memory_equal(shown, stored, SHA256_LEN);
	}
}

static void a_secret_opens_only_what_it_was_made_for(void **state)
{
	static const struct {
		enum secret_kind kind;
		const char *text;
		bool good;
	} rows[] = {
	    {SECRET_API, API, true},
	    {SECRET_API, SESSION, false},
	    {SECRET_API, DEVICE, false},
	    {SECRET_API, "", false},
	    {SECRET_API, API "x", false},
	    {SECRET_API, "ota_0123456789abcdefghijklmnopqrstuvwxyzABCDE'", false},
	    {SECRET_SESSION, SESSION, true},
	    {SECRET_SESSION, API, false},
	    {SECRET_LOGIN, API, false},
	    {SECRET_DEVICE, DEVICE, true},
	    {SECRET_DEVICE, "0123456789abcdef0123456789abcdef", true},
	    {SECRET_DEVICE, "fifteen-chars..", false},
	    {SECRET_DEVICE, "sixteen chars....", false},
	    {SECRET_DEVICE, "", false},
	};
	uint8_t hash[SHA256_LEN];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (rows[i].good)
			OK(secret_hash(rows[i].kind, rows[i].text, hash, &e));
		else
			FAILS(secret_hash(rows[i].kind, rows[i].text, hash, &e),
			      ERR_AUTH);
	}
}

static void callers_are_told_apart(void **state)
{
	static const struct {
		struct caller_fields f;
		enum caller_kind kind;
		enum err_code code;
	} rows[] = {
	    {{.method = "GET"}, CALLER_NOBODY, ERR_NONE},
	    {{.method = "GET", .authorization = "Bearer " API}, CALLER_API, ERR_NONE},
	    {{.method = "GET", .authorization = "bearer  " API}, CALLER_API, ERR_NONE},
	    {{.method = "PUT", .authorization = "TargetToken " DEVICE},
	     CALLER_DEVICE,
	     ERR_NONE},
	    {{.method = "GET", .cookie = COOKIE}, CALLER_SESSION, ERR_NONE},
	    {{.method = "GET", .cookie = "a=b; " COOKIE "; c=d"},
	     CALLER_SESSION,
	     ERR_NONE},
	    {{.method = "GET", .cookie = COOKIE "; " COOKIE}, CALLER_NOBODY, ERR_NONE},
	    {{.method = "GET", .cookie = "__Host-ota=old"}, CALLER_NOBODY, ERR_NONE},
	    {{.method = "GET", .cookie = "x__Host-ota=" SESSION},
	     CALLER_NOBODY,
	     ERR_NONE},
	    /* What is wrong is never passed over for something else. */
	    {{.method = "GET", .authorization = "Basic eDp5", .cookie = COOKIE},
	     CALLER_NOBODY,
	     ERR_AUTH},
	    {{.method = "GET", .authorization = "Bearer rubbish", .cookie = COOKIE},
	     CALLER_NOBODY,
	     ERR_AUTH},
	    {{.method = "GET", .authorization = "Bearer " DEVICE},
	     CALLER_NOBODY,
	     ERR_AUTH},
	    {{.method = "GET", .authorization = "TargetToken "},
	     CALLER_NOBODY,
	     ERR_AUTH},
	    {{.method = "GET", .authorization = ""}, CALLER_NOBODY, ERR_AUTH},
	};
	struct err e = ERR_INIT;
	struct caller c;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (rows[i].code != ERR_NONE) {
			FAILS(caller_read(&rows[i].f, &c, &e), rows[i].code);
			continue;
		}
		OK(caller_read(&rows[i].f, &c, &e));
		if (c.kind != rows[i].kind)
			fail_msg("row %zu: %d", i, c.kind);
	}
}

static void another_sites_page_changes_nothing(void **state)
{
	static const struct {
		const char *method, *site, *origin, *type;
		bool has_body, good;
	} rows[] = {
	    {"GET", NULL, NULL, NULL, false, true},
	    {"HEAD", "cross-site", NULL, NULL, false, true},
	    {"POST", "same-origin", NULL, "application/json", true, true},
	    {"POST", "same-origin", NULL, "application/json; charset=utf-8", true,
	     true},
	    {"POST", "same-origin", "https://evil", "application/json", true, true},
	    {"DELETE", "same-origin", NULL, NULL, false, true},
	    {"POST", NULL, "https://a:8443", "application/json", true, true},
	    {"POST", "cross-site", "https://a:8443", "application/json", true, false},
	    {"POST", "same-site", NULL, "application/json", true, false},
	    {"POST", "none", NULL, "application/json", true, false},
	    {"POST", "", NULL, "application/json", true, false},
	    {"POST", NULL, NULL, "application/json", true, false},
	    {"POST", NULL, "null", "application/json", true, false},
	    {"POST", NULL, "http://a:8443", "application/json", true, false},
	    {"POST", NULL, "https://a", "application/json", true, false},
	    {"POST", NULL, "https://a:8443.evil", "application/json", true, false},
	    {"POST", "same-origin", NULL, "text/plain", true, false},
	    {"POST", "same-origin", NULL, "application/jsonx", true, false},
	    {"PUT", "same-origin", NULL, "application/octet-stream", true, true},
	    {"PUT", "cross-site", NULL, "application/octet-stream", true, false},
	    {"POST", "same-origin", NULL, "multipart/form-data", true, false},
	    {"POST", "same-origin", NULL, NULL, true, false},
	    {"DELETE", NULL, NULL, NULL, false, false},
	};
	struct err e = ERR_INIT;
	struct caller c;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct caller_fields f = {
		    .method = rows[i].method,
		    .cookie = COOKIE,
		    .host = "a:8443",
		    .origin = rows[i].origin,
		    .sec_fetch_site = rows[i].site,
		    .content_type = rows[i].type,
		    .has_body = rows[i].has_body,
		};
		const int rc = caller_read(&f, &c, &e);

		if ((rc == 0) != rows[i].good)
			fail_msg("row %zu", i);
		if (rc < 0)
			assert_int_equal(e.code, ERR_FORBIDDEN);
	}
}

static void the_cookie_cannot_be_read_by_scripts_or_sent_by_others(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(1024);
	struct err e = ERR_INIT;

	(void)state;
	OK(cookie_write_session(SESSION, 3600 * 1000, &b, &e));
	assert_string_equal(buf_str(&b),
			    COOKIE "; Max-Age=3600; Path=/; Secure; HttpOnly; "
				   "SameSite=Strict");
	buf_clear(&b);
	OK(cookie_write_end(&b, &e));
	assert_non_null(strstr(buf_str(&b), "Max-Age=0"));
}

/* The CA */

#define DAY_MS ((int64_t)86400 * 1000)

struct fixture {
	char dir[64];
	int64_t now;
	struct clock clock;
};

static int64_t fixture_now(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	*f = (struct fixture){.dir = "/tmp/ota-test-ca-XXXXXX", .now = 20000 * DAY_MS};
	f->clock = (struct clock){fixture_now, fixture_now, f};
	*state = f;
	return mkdtemp(f->dir) != NULL ? 0 : -1;
}

static void path_in(const struct fixture *f, const char *name, char ret[128])
{
	assert_int_equal(text_format(ret, 128, NULL, "%s/%s", f->dir, name), 0);
}

static int tear_down(void **state)
{
	static const char *const files[] = {"ca.key", "ca.pem", "server.pem"};
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < N_ELEMS(files); i++) {
		path_in(f, files[i], path);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void read_in(const struct fixture *f, const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;
	char path[128];

	path_in(f, name, path);
	buf_clear(ret);
	OK(file_read(path, ret, &e));
}

static void a_first_start_makes_a_ca_and_a_second_one_keeps_it(void **state)
{
	static const char *const names[] = {"ota.example.org", "192.0.2.7"};
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf first = BUF_INIT(65536);
	AUTO(buf) struct buf again = BUF_INIT(65536);
	AUTO_PTR(ca) struct ca *ca = ca_open(f->dir, names, 2, &f->clock, &e);
	AUTO_PTR(ca) struct ca *second = NULL;
	struct stat st;
	char path[128];

	if (ca == NULL)
		fail_msg("%s", e.text);
	read_in(f, "server.pem", &first);
	assert_non_null(
	    strstr(buf_str(&first),
		   "names: localhost 127.0.0.1 ::1 ota.example.org 192.0.2.7\n"));
	path_in(f, "ca.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	path_in(f, "server.pem", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	second = ca_open(f->dir, names, 2, &f->clock, &e);
	assert_non_null(second);
	assert_memory_equal(ca_fingerprint(ca), ca_fingerprint(second), SHA256_LEN);
	read_in(f, "server.pem", &again);
	assert_string_equal(buf_str(&first), buf_str(&again));
}

static void the_leaf_is_renewed_at_two_thirds_of_its_life(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf first = BUF_INIT(65536);
	AUTO(buf) struct buf again = BUF_INIT(65536);
	AUTO_PTR(ca) struct ca *ca = ca_open(f->dir, NULL, 0, &f->clock, &e);
	int64_t from, to;
	bool renewed;

	assert_non_null(ca);
	read_in(f, "server.pem", &first);
	OK(x509_validity(buf_str(&first), &from, &to, &e));
	assert_true(to - f->now >= 89 * DAY_MS && to - f->now <= 90 * DAY_MS);
	f->now += 59 * DAY_MS;
	OK(ca_renew(ca, &renewed, &e));
	assert_false(renewed);
	f->now += 2 * DAY_MS;
	OK(ca_renew(ca, &renewed, &e));
	assert_true(renewed);
	OK(ca_renew(ca, &renewed, &e));
	assert_false(renewed);
	read_in(f, "server.pem", &again);
	assert_string_not_equal(buf_str(&first), buf_str(&again));
	f->now -= 30 * DAY_MS; /* not valid yet, says a clock that went back */
	OK(ca_renew(ca, &renewed, &e));
	assert_true(renewed);
}

static void new_names_make_a_new_leaf(void **state)
{
	static const char *const names[] = {"ota.example.org"};
	static const char *const bad[] = {"two names"};
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf pem = BUF_INIT(65536);
	struct ca *ca = ca_open(f->dir, NULL, 0, &f->clock, &e);

	assert_non_null(ca);
	ca_free(ca);
	ca = ca_open(f->dir, names, 1, &f->clock, &e);
	assert_non_null(ca);
	ca_free(ca);
	read_in(f, "server.pem", &pem);
	assert_non_null(strstr(buf_str(&pem), "ota.example.org"));
	assert_null(ca_open(f->dir, bad, 1, &f->clock, &e));
	assert_string_equal(
	    e.text,
	    "the server's own CA: \"two names\" is not a name for a certificate");
}

static void a_lost_ca_key_is_not_replaced_silently(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct ca *ca = ca_open(f->dir, NULL, 0, &f->clock, &e);
	char path[128];

	assert_non_null(ca);
	ca_free(ca);
	path_in(f, "ca.key", path);
	assert_int_equal(unlink(path), 0);
	assert_null(ca_open(f->dir, NULL, 0, &f->clock, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "ca.key is missing"));
}

static void a_start_that_was_cut_is_finished_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf before = BUF_INIT(65536);
	AUTO(buf) struct buf after = BUF_INIT(65536);
	struct ca *ca = ca_open(f->dir, NULL, 0, &f->clock, &e);
	char path[128];

	assert_non_null(ca);
	ca_free(ca);
	read_in(f, "ca.key", &before);
	path_in(f, "ca.pem", path);
	assert_int_equal(unlink(path), 0);
	path_in(f, "server.pem", path);
	assert_int_equal(unlink(path), 0);
	ca = ca_open(f->dir, NULL, 0, &f->clock, &e);
	assert_non_null(ca);
	ca_free(ca);
	read_in(f, "ca.key", &after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	read_in(f, "server.pem", &after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secrets_are_new_each_time_and_known_by_their_digest),
	    cmocka_unit_test(a_secret_opens_only_what_it_was_made_for),
	    cmocka_unit_test(callers_are_told_apart),
	    cmocka_unit_test(another_sites_page_changes_nothing),
	    cmocka_unit_test(the_cookie_cannot_be_read_by_scripts_or_sent_by_others),
	    cmocka_unit_test_setup_teardown(
		a_first_start_makes_a_ca_and_a_second_one_keeps_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_leaf_is_renewed_at_two_thirds_of_its_life, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(new_names_make_a_new_leaf, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_lost_ca_key_is_not_replaced_silently,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_start_that_was_cut_is_finished_by_the_next, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
