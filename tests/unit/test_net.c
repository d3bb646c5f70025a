/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTPS client against a real TLS server: net_server.py, a child with a free port.
 */
#include "testing.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"
#include "../../common/net/head.h"
#include "../../common/net/net.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>

struct server {
	pid_t pid;
	int to;
	char dir[32];
	char ca[64], other_ca[64];
	unsigned port;
};

/* One client and what its calls told. */
struct client {
	struct loop *loop;
	struct net *net;
	struct net_call *call;
	struct loop_timer *timer;
	struct buf body;
	struct net_head head; /* of the latest end; texts copied below */
	char content_type[64], etag[64];
	struct err why;
	int n_heads, n_datas, n_ends;
	int n_open; /* calls not ended: the loop stops at 0 */
	size_t refuse_after;
	bool pause_each;
};

static int start_server(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	int to[2], from[2];
	char line[16] = "";

	assert_non_null(s);
	strcpy(s->dir, "/tmp/ota-net-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(pipe(to) | pipe(from), 0);
	s->pid = fork();
	if (s->pid == 0) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/net_server.py",
			       getenv("OTA_TEST_DATA"));
		(void)dup2(to[0], 0);
		(void)dup2(from[1], 1);
		(void)close(to[1]);
		(void)execlp("python3", "python3", path, s->dir, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	s->to = to[1];
	if (read(from[0], line, sizeof(line) - 1) <= 0)
		return -1;
	close(from[0]);
	s->port = (unsigned)atoi(line);
	(void)snprintf(s->ca, sizeof(s->ca), "%s/ca.pem", s->dir);
	(void)snprintf(s->other_ca, sizeof(s->other_ca), "%s/other.pem", s->dir);
	*state = s;
	return s->port > 0 ? 0 : -1;
}

static int stop_server(void **state)
{
	struct server *s = *state;
	char command[64];

	close(s->to);
	(void)waitpid(s->pid, NULL, 0);
	(void)snprintf(command, sizeof(command), "rm -r %s", s->dir);
	if (system(command) != 0)
		return -1;
	free(s);
	return 0;
}

#define PATIENCE_MS 120000 /* only a test of a timeout has less */

static void open_impatient(struct client *c, const char *ca, uint64_t connect_ms,
			   uint64_t stall_ms)
{
	struct err e = ERR_INIT;
	struct net_config config = {.ca_file = ca,
				    .user_agent = "test/1",
				    .connect_timeout_ms = connect_ms,
				    .stall_timeout_ms = stall_ms,
				    .min_rate_bytes = 100};

	*c = (struct client){.body = BUF_INIT(4u << 20)};
	c->loop = loop_new(&e);
	c->net = net_new(c->loop, &config, &e);
	assert_non_null(c->net);
}

static void open_client(struct client *c, const char *ca)
{
	open_impatient(c, ca, PATIENCE_MS, PATIENCE_MS);
}

static void close_client(struct client *c)
{
	loop_timer_free(c->timer);
	net_free(c->net);
	loop_free(c->loop);
	buf_fini(&c->body);
}

static int on_head(void *ctx, const struct net_head *h, struct err *e)
{
	struct client *c = ctx;

	(void)e;
	c->n_heads++;
	assert_int_equal(c->n_datas, 0);
	assert_true(h->status >= 200);
	return 0;
}

static void resume(void *ctx)
{
	net_resume(((struct client *)ctx)->call);
}

static int on_data(void *ctx, const void *data, size_t len, struct err *e)
{
	struct client *c = ctx;

	c->n_datas++;
	if (c->refuse_after > 0 && c->body.len + len > c->refuse_after)
		return err_set(e, ERR_DIGEST, "that is not what was signed");
	if (c->pause_each) {
		net_pause(c->call);
		loop_timer_set(c->timer, 1);
	}
	return buf_add(&c->body, data, len, e);
}

static void on_end(void *ctx, const struct net_head *h, const struct err *e)
{
	struct client *c = ctx;

	c->n_ends++;
	c->head = *h;
	c->why = *e;
	(void)snprintf(c->content_type, sizeof(c->content_type), "%s",
		       h->content_type != NULL ? h->content_type : "");
	(void)snprintf(c->etag, sizeof(c->etag), "%s", h->etag != NULL ? h->etag : "");
	if (--c->n_open == 0)
		loop_stop(c->loop);
}

static struct net_request request(struct client *c, const char *url)
{
	return (struct net_request){.method = "GET",
				    .url = url,
				    .range_start = -1,
				    .range_end = -1,
				    .max_bytes = 2u << 20,
				    .timeout_ms = PATIENCE_MS,
				    .on_head = on_head,
				    .on_data = on_data,
				    .on_end = on_end,
				    .ctx = c};
}

static void start(struct client *c, const struct net_request *r)
{
	struct err e = ERR_INIT;

	c->n_heads = c->n_datas = c->n_ends = 0;
	c->n_open++;
	buf_clear(&c->body);
	OK(net_start(c->net, r, &c->call, &e));
	assert_int_equal(c->n_heads + c->n_ends, 0);
}

static void run(struct client *c)
{
	struct err e = ERR_INIT;

	OK(loop_run(c->loop, &e));
}

#define URL_LEN 100
static void url_of(const struct server *s, const char *path, char ret[URL_LEN])
{
	struct err e = ERR_INIT;

	OK(text_format(ret, URL_LEN, &e, "https://127.0.0.1:%u/%s", s->port, path));
}

static void get(struct client *c, const struct server *s, const char *path)
{
	char url[URL_LEN];
	struct net_request r;

	url_of(s, path, url);
	r = request(c, url);
	start(c, &r);
	run(c);
	assert_int_equal(c->n_ends, 1);
}

static void an_answer_comes_as_head_data_and_one_end(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "hello");
	assert_int_equal(c.why.code, ERR_NONE);
	assert_int_equal(c.head.status, 200);
	assert_int_equal(c.head.content_length, 5);
	assert_string_equal(c.content_type, "text/plain");
	assert_string_equal(c.etag, "\"abc\"");
	assert_string_equal(buf_str(&c.body), "hello");
	assert_int_equal(c.n_heads, 1);
	close_client(&c);
}

static void a_server_of_another_ca_is_not_trusted(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->other_ca);
	get(&c, *state, "hello");
	assert_int_equal(c.why.code, ERR_UNTRUSTED);
	assert_int_equal(c.n_heads, 0);
	close_client(&c);
}

static void a_ca_file_that_is_not_there_is_a_fault_of_the_configuration(void **state)
{
	struct client c;
	struct err e = ERR_INIT;
	struct net_config none = {.ca_file = NULL};

	open_client(&c, "/nonexistent/ca.pem");
	get(&c, *state, "hello");
	assert_int_equal(c.why.code, ERR_CONFIG);
	assert_null(net_new(c.loop, &none, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	close_client(&c);
}

static void a_url_without_tls_is_refused_before_a_byte_is_sent(void **state)
{
	struct err e = ERR_INIT;
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	r = request(&c, "http://127.0.0.1/");
	FAILS(net_start(c.net, &r, &c.call, &e), ERR_USAGE);
	close_client(&c);
}

static void methods_headers_and_bodies_arrive(void **state)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      "X-Token: t", NULL};
	static const struct {
		const char *method, *body, *expected;
		const char *const *headers;
	} rows[] = {
	    {"GET", NULL, "GET None None None|", NULL},
	    {"POST", "{}", "POST application/json t None|{}", headers},
	    {"PUT", "ab", "PUT None None None|ab", NULL},
	    {"PUT", NULL, "PUT None None None|", NULL},
	    {"DELETE", NULL, "DELETE None None None|", NULL},
	    {"HEAD", NULL, "", NULL},
	};
	char url[URL_LEN];
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "echo", url);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct net_request r = request(&c, url);

		r.method = rows[i].method;
		r.headers = rows[i].headers;
		r.body = rows[i].body;
		r.body_len = rows[i].body != NULL ? strlen(rows[i].body) : 0;
		start(&c, &r);
		run(&c);
		assert_int_equal(c.why.code, ERR_NONE);
		assert_string_equal(buf_str(&c.body), rows[i].expected);
	}
	close_client(&c);
}

static void a_range_asks_for_a_part(void **state)
{
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "part", url);
	r = request(&c, url);
	r.range_start = 10;
	r.range_end = 19;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.head.status, 206);
	assert_int_equal(c.head.range_start, 10);
	assert_int_equal(c.body.len, 10);
	assert_int_equal(c.body.data[0], 10);
	r.range_end = -1;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.body.len, 90);
	close_client(&c);
}

static void an_answer_beyond_its_cap_is_stopped(void **state)
{
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "big?1000", url);
	r = request(&c, url);
	r.max_bytes = 999;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.why.code, ERR_LIMIT);
	assert_int_equal(c.body.len, 0); /* the declared length was enough to see it */
	url_of(*state, "drip", url);
	r.max_bytes = 2;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.why.code, ERR_LIMIT);
	assert_int_equal(c.body.len, 2);
	close_client(&c);
}

static void a_head_without_end_is_stopped(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "endless-head");
	assert_int_not_equal(c.why.code, ERR_NONE);
	assert_int_equal(c.n_heads, 0);
	close_client(&c);
}

static void a_callback_that_refuses_ends_the_call_with_its_reason(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	c.refuse_after = 1;
	get(&c, *state, "big?100000");
	assert_int_equal(c.why.code, ERR_DIGEST);
	assert_string_equal(c.why.text, "that is not what was signed");
	close_client(&c);
}

static void a_body_cut_short_is_no_answer(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "cut");
	assert_int_equal(c.why.code, ERR_UNREACHABLE);
	assert_string_equal(buf_str(&c.body), "only this");
	close_client(&c);
}

static void a_redirect_is_not_followed(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "redirect");
	assert_int_equal(c.head.status, 302);
	assert_string_equal(buf_str(&c.body), "away");
	close_client(&c);
}

static void a_silent_server_and_a_dripping_one_time_out(void **state)
{
	static const char *const paths[] = {"silent", "drip"};
	struct client c;

	open_impatient(&c, ((struct server *)*state)->ca, PATIENCE_MS, 1000);
	for (size_t i = 0; i < N_ELEMS(paths); i++) {
		get(&c, *state, paths[i]);
		assert_int_equal(c.why.code, ERR_TIMEOUT);
	}
	close_client(&c);
}

static void a_whole_call_has_a_deadline_of_its_own(void **state)
{
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "drip", url);
	r = request(&c, url);
	r.stream = true;
	r.timeout_ms = 300;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.why.code, ERR_TIMEOUT);
	close_client(&c);
}

static void stop_loop(void *ctx)
{
	loop_stop(((struct client *)ctx)->loop);
}

/* Stops the loop longer after the last data than the stall timeout. */
static int wait_for_more(void *ctx, const void *data, size_t len, struct err *e)
{
	struct client *c = ctx;

	loop_timer_set(c->timer, 2500);
	return buf_add(&c->body, data, len, e);
}

static void an_event_stream_outlives_the_stall_timeout(void **state)
{
	struct err e = ERR_INIT;
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_impatient(&c, ((struct server *)*state)->ca, PATIENCE_MS, 1000);
	c.timer = loop_timer_new(c.loop, stop_loop, &c, &e);
	url_of(*state, "stream", url);
	r = request(&c, url);
	r.stream = true;
	r.max_bytes = 0;
	r.timeout_ms = 0;
	r.on_data = wait_for_more;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.n_ends, 0);
	assert_string_equal(buf_str(&c.body), "event: poll\ndata:\n\n");
	net_cancel(c.call);
	assert_int_equal(c.n_ends, 0);
	close_client(&c);
}

static void a_paused_call_loses_nothing(void **state)
{
	static const size_t sizes[] = {1, 4096, 16384, 16385, 300000};
	struct err e = ERR_INIT;
	char path[32];
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	c.timer = loop_timer_new(c.loop, resume, &c, &e);
	c.pause_each = true;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		(void)snprintf(path, sizeof(path), "big?%zu", sizes[i]);
		get(&c, *state, path);
		loop_timer_set(c.timer, -1);
		assert_int_equal(c.why.code, ERR_NONE);
		assert_int_equal(c.body.len, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(c.body.data[at], at % 251);
	}
	close_client(&c);
}

/* False: it stalled after the pause, as a busy machine makes it. */
static bool pause_a_while(const struct server *s, uint64_t stall_ms)
{
	struct err e = ERR_INIT;
	char url[URL_LEN];
	struct client c;
	struct net_request r;
	int64_t resumed;

	open_impatient(&c, s->ca, PATIENCE_MS, stall_ms);
	url_of(s, "big?100000", url);
	r = request(&c, url);
	start(&c, &r);
	net_pause(c.call);
	c.timer = loop_timer_new(c.loop, stop_loop, &c, &e);
	loop_timer_set(c.timer, (int64_t)stall_ms + 500); /* which rests */
	run(&c);
	assert_int_equal(c.n_datas + c.n_ends, 0);
	resumed = clock_mono_ms(&clock_system);
	net_resume(c.call);
	run(&c);
	assert_true(c.body.len == 100000 || c.why.code == ERR_TIMEOUT);
	close_client(&c);
	if (c.why.code == ERR_NONE)
		return true;
	assert_true(clock_mono_ms(&clock_system) - resumed >= (int64_t)stall_ms);
	return false;
}

static void a_pause_stops_the_data_even_when_asked_from_outside(void **state)
{
	assert_true(pause_a_while(*state, 1000) || pause_a_while(*state, 10000) ||
		    pause_a_while(*state, 60000));
}

static void a_rate_limit_holds(void **state)
{
	int64_t begin = clock_mono_ms(&clock_system);
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "big?300000", url);
	r = request(&c, url);
	r.max_rate_bytes = 200000;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.body.len, 300000);
	/* The first quarter of a second's worth may come at once, the rest not. */
	assert_true(clock_mono_ms(&clock_system) - begin >= 1100);
	close_client(&c);
}

static int cancel_in_data(void *ctx, const void *data, size_t len, struct err *e)
{
	struct client *c = ctx;

	(void)data;
	(void)len;
	(void)e;
	net_cancel(c->call);
	loop_timer_set(c->timer, 0);
	return 0;
}

static void a_call_may_be_cancelled_from_its_own_callback(void **state)
{
	struct err e = ERR_INIT;
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	c.timer = loop_timer_new(c.loop, stop_loop, &c, &e);
	url_of(*state, "big?100000", url);
	r = request(&c, url);
	r.on_data = cancel_in_data;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.n_ends, 0);
	net_cancel(NULL);
	close_client(&c);
}

static char next_url[URL_LEN];

static int start_next_in_data(void *ctx, const void *data, size_t len, struct err *e)
{
	struct client *c = ctx;
	struct net_request r = request(c, next_url);

	(void)data;
	(void)len;
	c->n_open++;
	return net_start(c->net, &r, &c->call, e);
}

static void a_call_may_be_started_from_a_callback(void **state)
{
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "hello", url);
	url_of(*state, "big?10", next_url);
	r = request(&c, url);
	r.on_data = start_next_in_data;
	start(&c, &r);
	run(&c);
	assert_int_equal(c.n_ends, 2);
	assert_int_equal(c.body.len, 10);
	close_client(&c);
}

static void connections_are_kept_and_sessions_resumed(void **state)
{
	unsigned connections = 0, resumed = 0, connections2 = 0, resumed2 = 0;
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "stats");
	assert_int_equal(sscanf(buf_str(&c.body), "connections=%u resumed=%u",
				&connections, &resumed),
			 2);
	get(&c, *state, "hello");
	get(&c, *state, "hang-up"); /* the next one needs a new connection */
	get(&c, *state, "stats");
	assert_int_equal(sscanf(buf_str(&c.body), "connections=%u resumed=%u",
				&connections2, &resumed2),
			 2);
	assert_int_equal(connections2 - connections, 1);
	assert_int_equal(resumed2 - resumed, 1);
	close_client(&c);
}

static void a_proxy_in_the_environment_is_ignored(void **state)
{
	struct client c;

	assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "hello");
	assert_int_equal(c.why.code, ERR_NONE);
	close_client(&c);
	assert_int_equal(unsetenv("https_proxy") | unsetenv("ALL_PROXY"), 0);
}

static void a_closed_port_and_a_stalled_handshake_are_told_apart(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct server fake = *(struct server *)*state;
	struct client c;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	fake.port = ntohs(a.sin_port);
	open_client(&c, fake.ca);
	get(&c, &fake, "hello");
	assert_int_equal(c.why.code, ERR_UNREACHABLE); /* bound, not listening */
	close_client(&c);
	assert_int_equal(listen(fd, 1), 0);
	open_impatient(&c, fake.ca, 1000, PATIENCE_MS);
	get(&c, &fake, "hello");
	assert_int_equal(c.why.code, ERR_TIMEOUT); /* accepted, never speaks TLS */
	close(fd);
	close_client(&c);
}

static void when_to_try_again_is_taken_from_the_answer(void **state)
{
	struct client c;

	open_client(&c, ((struct server *)*state)->ca);
	get(&c, *state, "busy?30");
	assert_int_equal(c.head.status, 503);
	assert_int_equal(c.head.retry_after_ms, 30000);
	get(&c, *state, "busy-until"); /* 1000 s, of which some passed */
	assert_in_range(c.head.retry_after_ms, 900000, 1001000);
	close_client(&c);
}

static void retry_after_is_seconds_or_a_date_and_never_more_than_a_day(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} rows[] = {
	    {"0", 0},
	    {"5", 5000},
	    {"86400", 86400000},
	    {"86401", 86400000},
	    {"99999999999999999999", 0},
	    {"-5", 0},
	    {"soon", 0},
	    {"Mon, 23 Nov 2026 14:41:17 GMT", 10000},
	    {"Mon, 23 Nov 2026 14:41:07 GMT", 0},
	    {"Mon, 23 Nov 2020 14:41:17 GMT", 0},
	    /* Beyond what libcurl can read where time_t has 32 bits. */
	    {"Mon, 23 Nov 2099 14:41:17 GMT", sizeof(time_t) > 4 ? 86400000 : 0},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		assert_int_equal(head_retry_after_ms(rows[i].text, 1795444867000),
				 rows[i].ms);
	assert_int_equal(head_range_start("bytes 5-9/10"), 5);
	assert_int_equal(head_range_start("bytes */10"), -1);
	assert_int_equal(head_range_start("items 5-9/10"), -1);
	assert_int_equal(head_range_start("bytes 99999999999999999999-9/10"), -1);
}

static void a_header_too_long_or_broken_counts_as_absent(void **state)
{
	struct head h;
	char line[400];

	(void)state;
	head_reset(&h);
	memset(line, 'a', sizeof(line));
	memcpy(line, "ETag: ", 6);
	head_add_line(&h, line, sizeof(line), 0);
	assert_null(h.pub.etag);
	head_add_line(&h, "HTTP/1.1 abc\r\n", 14, 0);
	assert_int_equal(h.pub.status, 0);
	head_add_line(&h, "Content-Length: 12x\r\n", 21, 0);
	assert_int_equal(h.pub.content_length, -1);
	head_add_line(&h, "ETag: \"x\"\r\n", 11, 0);
	assert_string_equal(h.pub.etag, "\"x\"");
	head_add_line(&h, "HTTP/1.1 200 OK\r\n", 17, 0);
	assert_null(h.pub.etag); /* it was of the interim answer */
}

static void the_command_line_may_wait_for_one_call(void **state)
{
	const struct server *s = *state;
	struct net_config config = {.ca_file = s->ca};
	AUTO(buf) struct buf body = BUF_INIT(100);
	struct err e = ERR_INIT;
	struct net_head head;
	char url[URL_LEN];
	struct net_request r = {.method = "GET", .url = url, .range_start = -1};

	url_of(s, "hello", url);
	OK(net_call_sync(&config, &r, &head, &body, &e));
	assert_int_equal(head.status, 200);
	assert_string_equal(buf_str(&body), "hello");
	url_of(s, "big?101", url);
	FAILS(net_call_sync(&config, &r, &head, &body, &e), ERR_LIMIT);
	config.ca_file = s->other_ca;
	FAILS(net_call_sync(&config, &r, &head, &body, &e), ERR_UNTRUSTED);
}

static void freeing_the_client_ends_what_is_under_way_silently(void **state)
{
	struct err e = ERR_INIT;
	char url[URL_LEN];
	struct client c;
	struct net_request r;

	open_client(&c, ((struct server *)*state)->ca);
	url_of(*state, "stream", url);
	r = request(&c, url);
	start(&c, &r);
	c.timer = loop_timer_new(c.loop, stop_loop, &c, &e);
	loop_timer_set(c.timer, 200);
	run(&c);
	start(&c, &r); /* not even added yet */
	close_client(&c);
	assert_int_equal(c.n_ends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_comes_as_head_data_and_one_end),
	    cmocka_unit_test(a_server_of_another_ca_is_not_trusted),
	    cmocka_unit_test(
		a_ca_file_that_is_not_there_is_a_fault_of_the_configuration),
	    cmocka_unit_test(a_url_without_tls_is_refused_before_a_byte_is_sent),
	    cmocka_unit_test(methods_headers_and_bodies_arrive),
	    cmocka_unit_test(a_range_asks_for_a_part),
	    cmocka_unit_test(an_answer_beyond_its_cap_is_stopped),
	    cmocka_unit_test(a_head_without_end_is_stopped),
	    cmocka_unit_test(a_callback_that_refuses_ends_the_call_with_its_reason),
	    cmocka_unit_test(a_body_cut_short_is_no_answer),
	    cmocka_unit_test(a_redirect_is_not_followed),
	    cmocka_unit_test(a_silent_server_and_a_dripping_one_time_out),
	    cmocka_unit_test(a_whole_call_has_a_deadline_of_its_own),
	    cmocka_unit_test(an_event_stream_outlives_the_stall_timeout),
	    cmocka_unit_test(a_paused_call_loses_nothing),
	    cmocka_unit_test(a_pause_stops_the_data_even_when_asked_from_outside),
	    cmocka_unit_test(a_rate_limit_holds),
	    cmocka_unit_test(a_call_may_be_cancelled_from_its_own_callback),
	    cmocka_unit_test(a_call_may_be_started_from_a_callback),
	    cmocka_unit_test(connections_are_kept_and_sessions_resumed),
	    cmocka_unit_test(a_proxy_in_the_environment_is_ignored),
	    cmocka_unit_test(a_closed_port_and_a_stalled_handshake_are_told_apart),
	    cmocka_unit_test(when_to_try_again_is_taken_from_the_answer),
	    cmocka_unit_test(
		retry_after_is_seconds_or_a_date_and_never_more_than_a_day),
	    cmocka_unit_test(a_header_too_long_or_broken_counts_as_absent),
	    cmocka_unit_test(the_command_line_may_wait_for_one_call),
	    cmocka_unit_test(freeing_the_client_ends_what_is_under_way_silently),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("net", tests, start_server, stop_server);
}
