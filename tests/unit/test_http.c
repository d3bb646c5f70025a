/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/http/assets.h"
#include "../../server/http/head.h"
#include "../../server/http/range.h"
#include "../../server/http/router.h"
#include "../../server/http/ticket.h"
#include "../../server/http/uri.h"

#include "../../common/base/file.h"

#include "testing.h"

#include <stdio.h>

/* Judges a head as a connection does: 0 or the refusal's status. */
static int judge(const char *text, struct head *ret)
{
	struct refusal why = {0};
	size_t scanned = 0, head_len = 0, len = strlen(text);
	enum head_state found =
	    head_scan((const uint8_t *)text, len, &scanned, &head_len, &why);

	if (found == HEAD_MORE)
		return 1;
	if (found == HEAD_BAD ||
	    head_check((const uint8_t *)text, head_len, ret, &why) < 0) {
		assert_non_null(why.detail);
		return why.status;
	}
	return 0;
}

static void a_head_is_refused_unless_beyond_doubt(void **state)
{
	static const struct {
		const char *head;
		int status;
	} rows[] = {
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	    {"GET /a?b=%20 HTTP/1.1\r\nHost: [::1]:8443\r\nX:\r\n\r\n", 0},
	    {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 0},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", 0},
	    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: "
	     "1\r\n\r\n",
	     0},
	    {"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0},
	    {"GET / HTTP/1.1\r\nHost: a\r\n", 1},
	    {"GET / HTTP/1.1\n", 400},
	    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400},
	    {"GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", 400},
	    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 505},
	    {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET //a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET /\"a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
	    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
	    {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
	    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
	    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 400},
	    {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411},
	    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
	    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
	     "chunked\r\nContent-Length: 1\r\n\r\n",
	     400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: "
	     "1\r\n\r\n",
	     400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
	     "1234567890123456789\r\n\r\n",
	     400},
	    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n",
	     417},
	};
	struct head h;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		int status = judge(rows[i].head, &h);

		if (status != rows[i].status)
			fail_msg("%s-> %d, not %d", rows[i].head, status,
				 rows[i].status);
	}
}

static void a_nul_in_a_head_is_refused_at_once(void **state)
{
	static const uint8_t head[] = "GET / HTTP/1.1\r\nX: a\0b";
	struct refusal why;
	size_t scanned = 0, head_len;

	(void)state;
	assert_int_equal(head_scan(head, sizeof(head) - 1, &scanned, &head_len, &why),
			 HEAD_BAD);
	assert_int_equal(why.status, 400);
}

static void a_head_may_come_byte_by_byte(void **state)
{
	static const char text[] =
	    "PUT /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nbody";
	struct refusal why;
	struct head h;
	size_t scanned = 0, head_len = 0, len = 0;

	(void)state;
	while (head_scan((const uint8_t *)text, ++len, &scanned, &head_len, &why) ==
	       HEAD_MORE)
		;
	assert_int_equal(len, strlen(text) - 4);
	assert_int_equal(head_len, len);
	assert_int_equal(head_check((const uint8_t *)text, head_len, &h, &why), 0);
	assert_string_equal(h.method, "PUT");
	assert_int_equal(h.target_len, 4);
	assert_memory_equal(h.target, "/x?y", 4);
	assert_int_equal(h.content_length, 7);
}

static void a_head_has_its_limits(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(65536);
	struct err e = ERR_INIT;
	struct head h;

	(void)state;
	OK(buf_add_str(&b, "GET / HTTP/1.1\r\nHost: a\r\n", &e));
	for (unsigned i = 0; i < HEAD_MAX_FIELDS - 1; i++)
		OK(buf_printf(&b, &e, "X%u: y\r\n", i));
	OK(buf_add_str(&b, "\r\n", &e));
	assert_int_equal(judge(buf_str(&b), &h), 0);
	b.data[b.len - 2] = '\0';
	b.len -= 2;
	OK(buf_add_str(&b, "Y: z\r\n\r\n", &e));
	assert_int_equal(judge(buf_str(&b), &h), 431);
	buf_clear(&b);
	while (b.len <= HEAD_MAX_LEN)
		OK(buf_add_str(&b, "X: a long field, and there are many of them\r\n",
			       &e));
	assert_int_equal(judge(buf_str(&b), &h), 431);
	buf_clear(&b);
	OK(buf_printf(&b, &e, "GET /%04096d HTTP/1.1\r\nHost: a\r\n\r\n", 0));
	assert_int_equal(judge(buf_str(&b), &h), 414);
}

static void escapes_are_decoded_or_refused(void **state)
{
	static const struct {
		const char *text, *decoded; /* NULL: refused */
	} rows[] = {
	    {"", ""},
	    {"a%20b", "a b"},
	    {"a+b", "a+b"},
	    {"%C3%a4", "\xc3\xa4"},
	    {"%41", "A"},
	    {"%", NULL},
	    {"%4", NULL},
	    {"%4g", NULL},
	    {"a%00b", NULL},
	    {"%0a", NULL},
	    {"%7f", NULL},
	    {"%c3", NULL},
	    {"%c0%af", NULL},
	    {"%ed%a0%80", NULL},
	    {"%f5%80%80%80", NULL},
	    {"%ff", NULL},
	    {"%f0%9f%9a%80", "\xf0\x9f\x9a\x80"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		bool good = uri_decode(rows[i].text, strlen(rows[i].text), false, out);

		if (good != (rows[i].decoded != NULL) ||
		    (good && strcmp(out, rows[i].decoded) != 0))
			fail_msg("%s", rows[i].text);
	}
}

static void a_segment_never_becomes_another_path(void **state)
{
	static const char *const bad[] = {"",	  ".",	   "..",  "%2e",  "%2E%2e",
					  ".%2e", "a%2fb", "%5c", "a\\b", "%00"};
	char out[64];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		if (uri_decode_segment(bad[i], strlen(bad[i]), out))
			fail_msg("%s", bad[i]);
	}
	assert_true(uri_decode_segment("...", 3, out));
	assert_true(uri_decode_segment("v1.0", 4, out));
}

static void a_query_is_read_by_name(void **state)
{
	char v[64];

	(void)state;
	assert_int_equal(uri_query_get("a=1&bb=two%20words&c", "bb", v), 1);
	assert_string_equal(v, "two words");
	assert_int_equal(uri_query_get("a=1&bb=x+y", "bb", v), 1);
	assert_string_equal(v, "x y");
	assert_int_equal(uri_query_get("a=1&bb", "bb", v), 1);
	assert_string_equal(v, "");
	assert_int_equal(uri_query_get("a=1&bb=2", "b", v), 0);
	assert_int_equal(uri_query_get("", "b", v), 0);
	assert_int_equal(uri_query_get("a=1&a=2", "a", v), -1);
	assert_int_equal(uri_query_get("a=%zz", "a", v), -1);
	assert_true(uri_query_is_good(""));
	assert_true(uri_query_is_good("a=1&b=2%20&c"));
	assert_false(uri_query_is_good("a=1&b=2&a"));
	assert_false(uri_query_is_good("a=%00"));
	assert_false(uri_query_is_good("%61=1"));
	assert_false(uri_query_is_good("=1"));
	assert_false(uri_query_is_good("a&&b"));
}

static void ranges_follow_the_rfc(void **state)
{
	static const struct {
		const char *field;
		uint64_t size;
		enum range_kind kind;
		uint64_t first, len;
	} rows[] = {
	    {"bytes=0-499", 1000, RANGE_GOOD, 0, 500},
	    {"Bytes=500-", 1000, RANGE_GOOD, 500, 500},
	    {"bytes=-1", 1000, RANGE_GOOD, 999, 1},
	    {"bytes=-2000", 1000, RANGE_GOOD, 0, 1000},
	    {"bytes=999-5000", 1000, RANGE_GOOD, 999, 1},
	    {"bytes=0-18446744073709551615", 1000, RANGE_GOOD, 0, 1000},
	    {"bytes=1000-", 1000, RANGE_OUTSIDE, 0, 0},
	    {"bytes=-0", 1000, RANGE_OUTSIDE, 0, 0},
	    {"bytes=0-", 0, RANGE_OUTSIDE, 0, 0},
	    {"bytes=-5", 0, RANGE_OUTSIDE, 0, 0},
	    {"bytes=5-4", 1000, RANGE_IGNORED, 0, 0},
	    {"bytes=0-1,5-6", 1000, RANGE_IGNORED, 0, 0},
	    {"bytes=0-18446744073709551616", 1000, RANGE_IGNORED, 0, 0},
	    {"bytes=", 1000, RANGE_IGNORED, 0, 0},
	    {"bytes=-", 1000, RANGE_IGNORED, 0, 0},
	    {"bytes=a-b", 1000, RANGE_IGNORED, 0, 0},
	    {"items=0-1", 1000, RANGE_IGNORED, 0, 0},
	    {"", 1000, RANGE_IGNORED, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct range r = {0};

		if (range_parse(rows[i].field, rows[i].size, &r) != rows[i].kind ||
		    (rows[i].kind == RANGE_GOOD &&
		     (r.first != rows[i].first || r.len != rows[i].len)))
			fail_msg("%s", rows[i].field);
	}
}

static void preconditions_come_before_ranges(void **state)
{
	static const struct {
		struct conditions c;
		int status;
	} rows[] = {
	    {{.is_get = true}, 200},
	    {{.is_get = true, .range = "bytes=0-1"}, 206},
	    {{.is_get = false, .range = "bytes=0-1"}, 200},
	    {{.is_get = true, .range = "bytes=10-"}, 416},
	    {{.is_get = true, .range = "bytes=0-1", .if_range = "\"t\""}, 206},
	    {{.is_get = true, .range = "bytes=0-1", .if_range = "\"u\""}, 200},
	    {{.is_get = true, .range = "bytes=0-1", .if_range = "W/\"t\""}, 200},
	    {{.is_get = true,
	      .range = "bytes=0-1",
	      .if_range = "Sat, 29 Oct 1994 19:43:31 GMT"},
	     200},
	    {{.is_get = true, .if_none_match = "\"t\""}, 304},
	    {{.is_get = true, .if_none_match = "\"a\", W/\"t\""}, 304},
	    {{.is_get = true, .if_none_match = "*"}, 304},
	    {{.is_get = true, .if_none_match = "\"tt\""}, 200},
	    {{.is_get = true, .if_none_match = "t"}, 200},
	    {{.is_get = true, .if_match = "\"a\",\"t\""}, 200},
	    {{.is_get = true, .if_match = "*"}, 200},
	    {{.is_get = true, .if_match = "W/\"t\""}, 412},
	    {{.is_get = true, .if_match = "\"a\"", .range = "bytes=0-1"}, 412},
	    {{.is_get = true, .if_match = "\"unfinished"}, 412},
	};
	struct range r;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (conditions_judge(&rows[i].c, "\"t\"", 10, &r) != rows[i].status)
			fail_msg("row %zu", i);
	}
}

static const struct http_route routes[] = {
    {"GET", "/{path*}", 0, NULL},
    {"GET", "/api/v1/devices", 0, NULL},
    {"POST", "/api/v1/devices", 0, NULL},
    {"GET", "/api/v1/devices/{id}", 0, NULL},
    {"DELETE", "/api/v1/devices/{id}", 0, NULL},
    {"GET", "/api/v1/devices/new", 0, NULL},
    {"GET", "/{tenant}/controller/v1/{id}", 0, NULL},
    {"GET", "/{tenant}/repository/targets/{name*}", 0, NULL},
};

static void paths_find_the_most_specific_route(void **state)
{
	static const struct {
		const char *method, *path, *pattern, *allow, *first;
	} rows[] = {
	    {"GET", "/", "/{path*}", "", ""},
	    {"GET", "/x/y", "/{path*}", "", "x/y"},
	    {"POST", "/x", NULL, "", NULL},
	    {"GET", "/api/v1/devices", "/api/v1/devices", "GET, POST", NULL},
	    {"HEAD", "/api/v1/devices", "/api/v1/devices", "GET, POST", NULL},
	    {"PUT", "/api/v1/devices", NULL, "GET, POST", NULL},
	    {"GET", "/api/v1/devices/7", "/api/v1/devices/{id}", "GET, DELETE", "7"},
	    {"GET", "/api/v1/devices/new", "/api/v1/devices/new", "GET, DELETE", NULL},
	    {"DELETE", "/api/v1/devices/new", "/api/v1/devices/{id}", "GET, DELETE",
	     "new"},
	    {"GET", "/api/v1/devices/", "/{path*}", "", "api/v1/devices/"},
	    {"GET", "/default/controller/v1/a%2fb", "/{tenant}/controller/v1/{id}",
	     "GET", "default"},
	    {"GET", "/t/repository/targets/a/b.json",
	     "/{tenant}/repository/targets/{name*}", "", "t"},
	    {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", "/{path*}", "",
	     "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18"},
	    {"GET", "relative", NULL, "", NULL},
	};
	struct err e = ERR_INIT;
	AUTO_PTR(router) struct router *r = router_new(routes, N_ELEMS(routes), &e);
	struct route_match m;

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		router_find(r, rows[i].method, rows[i].path, strlen(rows[i].path), &m);
		if ((m.route != NULL) != (rows[i].pattern != NULL))
			fail_msg("%s %s", rows[i].method, rows[i].path);
		if (m.route != NULL)
			assert_string_equal(m.route->pattern, rows[i].pattern);
		assert_string_equal(m.allow, rows[i].allow);
		if (rows[i].first == NULL)
			continue;
		assert_true(m.n_params > 0);
		assert_int_equal(m.value_lens[0], strlen(rows[i].first));
		assert_memory_equal(m.values[0], rows[i].first, m.value_lens[0]);
	}
}

static void a_bad_route_table_is_refused(void **state)
{
	static const struct http_route bad[][2] = {
	    {{"GET", "a", 0, NULL}, {"GET", "/b", 0, NULL}},
	    {{"GET", "/a//b", 0, NULL}, {"GET", "/b", 0, NULL}},
	    {{"GET", "/{}", 0, NULL}, {"GET", "/b", 0, NULL}},
	    {{"GET", "/{a", 0, NULL}, {"GET", "/b", 0, NULL}},
	    {{"GET", "/{a*}/b", 0, NULL}, {"GET", "/b", 0, NULL}},
	    {{"GET", "/{a}", 0, NULL}, {"GET", "/{b}", 0, NULL}},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		assert_null(router_new(bad[i], 2, &e));
		assert_int_equal(e.code, ERR_CONFIG);
	}
}

struct fake_clock {
	int64_t now;
};

static int64_t fake_now(void *ctx)
{
	return ((struct fake_clock *)ctx)->now;
}

static void ticket_keys_outlive_a_restart_and_are_renewed_daily(void **state)
{
	struct fake_clock now = {1000};
	const struct clock clock = {fake_now, fake_now, &now};
	struct err e = ERR_INIT;
	AUTO(buf) struct buf first = BUF_INIT(4096);
	AUTO(buf) struct buf second = BUF_INIT(4096);
	char path[] = "/tmp/ota-test-tickets-XXXXXX";
	struct tickets *t;

	(void)state;
	assert_int_equal(close(mkstemp(path)), 0);
	t = tickets_open(path, &clock, &e);
	assert_non_null(t);
	tickets_free(t);
	OK(file_read(path, &first, &e));
	assert_int_equal(first.len, 8 + 88);
	now.now += TICKET_KEY_LIFE_MS - 1;
	t = tickets_open(path, &clock, &e);
	assert_non_null(t);
	OK(file_read(path, &second, &e));
	assert_int_equal(second.len, first.len);
	assert_memory_equal(second.data, first.data, first.len);
	now.now += 1;
	OK(tickets_rotate(t, &e));
	buf_clear(&second);
	OK(file_read(path, &second, &e));
	assert_int_equal(second.len, 8 + 2 * 88);
	assert_memory_equal(second.data + 8 + 88, first.data + 8, 88);
	assert_memory_not_equal(second.data + 8, first.data + 8, 88);
	now.now += 10 * TICKET_KEY_LIFE_MS;
	tickets_free(t);
	t = tickets_open(path, &clock, &e);
	assert_non_null(t);
	tickets_free(t);
	buf_clear(&second);
	OK(file_read(path, &second, &e));
	assert_int_equal(second.len, 8 + 88);
	(void)unlink(path);
}

static void only_a_browser_gets_a_page_for_an_unknown_path(void **state)
{
	static const struct asset table[] = {
	    {.path = "/assets/a-1.js"},
	    {.path = "/favicon.ico"},
	    {.path = "/index.html"},
	};
	static const char *const browser = "text/html,application/xhtml+xml,*/*;q=0.8";
	static const struct {
		const char *path;
		bool is_browser;
		const char *found;
	} rows[] = {
	    {"/", false, "/index.html"},
	    {"/index.html", false, "/index.html"},
	    {"/assets/a-1.js", false, "/assets/a-1.js"},
	    {"/favicon.ico", true, "/favicon.ico"},
	    {"/devices/x.y", true, "/index.html"},
	    {"/devices/x.y", false, NULL},
	    {"/assets/a-2.js", true, NULL},
	    {"/api/v2", true, NULL},
	    {"/assets/../index.html", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct asset *a =
		    assets_find(table, N_ELEMS(table), rows[i].path,
				rows[i].is_browser ? browser : "*/*");

		if ((a != NULL) != (rows[i].found != NULL) ||
		    (a != NULL && strcmp(a->path, rows[i].found) != 0))
			fail_msg("%s", rows[i].path);
	}
	assert_null(assets_find(table, N_ELEMS(table), "/x", NULL));
}

static void gzip_is_sent_to_those_who_take_it(void **state)
{
	(void)state;
	assert_true(assets_takes_gzip("gzip"));
	assert_true(assets_takes_gzip("deflate, GZIP;q=0.5, br"));
	assert_true(assets_takes_gzip("gzip;q=0.001"));
	assert_false(assets_takes_gzip("gzip;q=0"));
	assert_false(assets_takes_gzip("gzip; q=0.000, br"));
	assert_false(assets_takes_gzip("br, xgzip"));
	assert_false(assets_takes_gzip(""));
	assert_false(assets_takes_gzip(NULL));
}

static void the_compiled_in_table_can_be_searched(void **state)
{
	(void)state;
	assert_true(assets_n > 0);
	for (size_t i = 0; i < assets_n; i++)
		assert_ptr_equal(
		    assets_find(assets_table, assets_n, assets_table[i].path, NULL),
		    &assets_table[i]);
	assert_non_null(assets_find(assets_table, assets_n, "/", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_is_refused_unless_beyond_doubt),
	    cmocka_unit_test(a_nul_in_a_head_is_refused_at_once),
	    cmocka_unit_test(a_head_may_come_byte_by_byte),
	    cmocka_unit_test(a_head_has_its_limits),
	    cmocka_unit_test(escapes_are_decoded_or_refused),
	    cmocka_unit_test(a_segment_never_becomes_another_path),
	    cmocka_unit_test(a_query_is_read_by_name),
	    cmocka_unit_test(ranges_follow_the_rfc),
	    cmocka_unit_test(preconditions_come_before_ranges),
	    cmocka_unit_test(paths_find_the_most_specific_route),
	    cmocka_unit_test(a_bad_route_table_is_refused),
	    cmocka_unit_test(ticket_keys_outlive_a_restart_and_are_renewed_daily),
	    cmocka_unit_test(only_a_browser_gets_a_page_for_an_unknown_path),
	    cmocka_unit_test(gzip_is_sent_to_those_who_take_it),
	    cmocka_unit_test(the_compiled_in_table_can_be_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
