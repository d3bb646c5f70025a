/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server with one route for each thing server/http can do, for test_http.py.
 *
 *	http_probe CERT KEY TICKETS FILE CLIENT_CA|- MAX_CONNECTIONS
 *
 * listens on $HTTP_PROBE_LISTEN, with the times of $HTTP_PROBE_TIMES: a head's deadline,
 * the idle timeout and how long a stop waits, in milliseconds. It prints "port N" and
 * "ready"; SIGHUP reloads the certificate and prints "reloaded" or
 * the error; SIGUSR1 asks all threads for a sign of life and prints whether they gave the
 * last one; SIGTERM stops.
 */
#include "../../server/http/assets.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct probe {
	struct http_server *server;
	struct loop *loop;
	struct loop_signal *hangup, *terminate, *usr1;
	const char *file;
};

static void say(const char *text)
{
	(void)puts(text);
	(void)fflush(stdout);
}

static void hello(struct http_request *r, void *app)
{
	(void)app;
	http_reply(r, 200, "text/plain", "hello\n", 6);
}

static void echo_param(struct http_request *r, void *app)
{
	const char *query = http_query(r, "q");
	char text[1024];
	int n;

	(void)app;
	n = snprintf(text, sizeof(text), "%s|%s|%s", http_method(r), http_param(r, "x"),
		     query != NULL ? query : "-");
	http_reply(r, 200, "text/plain", text, (size_t)n);
}

static void echo_body(struct http_request *r, void *app)
{
	size_t len;
	const void *body = http_body(r, &len);

	(void)app;
	http_reply(r, 200, "application/octet-stream", body, len);
}

static void whoami(struct http_request *r, void *app)
{
	const char *cn = http_client_cn(r);

	(void)app;
	http_reply(r, 200, "text/plain", cn != NULL ? cn : "-",
		   cn != NULL ? strlen(cn) : 1);
}

static void file(struct http_request *r, void *app)
{
	const struct probe *p = app;
	int fd = open(p->file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		http_refuse(r, 404, "not-found", "no file");
	else
		http_reply_file(r, fd, (uint64_t)st.st_size, "application/octet-stream",
				"tag");
}

/* Announces more than there is, as if the file had been cut while it was served. */
static void cut_file(struct http_request *r, void *app)
{
	const struct probe *p = app;
	int fd = open(p->file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		http_refuse(r, 404, "not-found", "no file");
	else
		http_reply_file(r, fd, (uint64_t)st.st_size + 100000,
				"application/octet-stream", "tag");
}

struct later {
	struct http_request *r;
	struct loop_timer *timer;
};

static void answer_later(void *ctx)
{
	struct later *l = ctx;

	say(http_gone(l->r) ? "later: gone" : "later: there");
	http_reply(l->r, 200, "text/plain", "later\n", 6);
	loop_timer_free(l->timer);
	free(l);
}

static void later(struct http_request *r, void *app)
{
	struct later *l = calloc(1, sizeof(*l));

	(void)app;
	l->r = r;
	l->timer = loop_timer_new(http_loop(r), answer_later, l, NULL);
	loop_timer_set(l->timer, 300);
	say("later: asked");
}

/* Answers when the file is gone, or the client. */
struct held {
	struct http_request *r;
	struct loop_timer *timer;
	const char *file;
};

static void answer_held(void *ctx)
{
	struct held *h = ctx;

	if (!http_gone(h->r) && access(h->file, F_OK) == 0) {
		loop_timer_set(h->timer, 5);
		return;
	}
	say(http_gone(h->r) ? "held: gone" : "held: let go");
	http_reply(h->r, 200, "text/plain", "held\n", 5);
	loop_timer_free(h->timer);
	free(h);
}

static void held(struct http_request *r, void *app)
{
	const struct probe *p = app;
	struct held *h = calloc(1, sizeof(*h));

	*h = (struct held){.r = r, .file = p->file};
	h->timer = loop_timer_new(http_loop(r), answer_held, h, NULL);
	loop_timer_set(h->timer, 0);
	say("held: asked");
}

/* An endless stream of events as fast as the client takes them. */
struct flood {
	struct http_stream *stream;
	struct loop_timer *timer;
	unsigned n;
};

static void flood_closed(void *ctx)
{
	struct flood *f = ctx;

	say("events: closed");
	loop_timer_free(f->timer);
	free(f);
}

static void flood_more(void *ctx)
{
	struct flood *f = ctx;
	char id[16], data[4096];

	(void)snprintf(id, sizeof(id), "%u", ++f->n);
	memset(data, 'x', sizeof(data) - 1);
	data[sizeof(data) - 1] = '\0';
	if (http_stream_send(f->stream, id, "flood", f->n == 1 ? "one\ntwo" : data) <
	    0) {
		say("events: too slow");
		http_stream_end(f->stream);
		return;
	}
	loop_timer_set(f->timer, f->n < 3 ? 20 : 1);
}

static void events(struct http_request *r, void *app)
{
	struct flood *f = calloc(1, sizeof(*f));

	(void)app;
	f->timer = loop_timer_new(http_loop(r), flood_more, f, NULL);
	f->stream = http_stream_begin(r, flood_closed, f);
	loop_timer_set(f->timer, 0);
}

static void quiet_closed(void *ctx)
{
	(void)ctx;
	say("quiet: closed");
}

static void quiet(struct http_request *r, void *app)
{
	struct http_stream *s = http_stream_begin(r, quiet_closed, NULL);

	(void)app;
	if (s != NULL && http_stream_send(s, NULL, "hello", "x") < 0)
		http_stream_end(s);
}

/* Holds its thread up as long as the file is there, as no handler may. */
static void stuck(struct http_request *r, void *app)
{
	const struct timespec a_moment = {.tv_nsec = 1000000};
	const struct probe *p = app;

	say("stuck: here");
	while (access(p->file, F_OK) == 0)
		(void)nanosleep(&a_moment, NULL);
	http_reply(r, 200, "text/plain", "free\n", 5);
}

static const struct http_route routes[] = {
    {"GET", "/hello", 0, hello},
    {"GET", "/echo/{x}", 0, echo_param},
    {"GET", "/rest/{x*}", 0, echo_param},
    {"POST", "/echo", 1024, echo_body},
    {"PUT", "/upload", 4 << 20, echo_body},
    {"GET", "/file", 0, file},
    {"GET", "/cut", 0, cut_file},
    {"GET", "/later", 0, later},
    {"GET", "/held", 0, held},
    {"GET", "/events", 0, events},
    {"GET", "/quiet", 0, quiet},
    {"GET", "/whoami", 0, whoami},
    {"GET", "/stuck", 0, stuck},
    {"GET", "/{path*}", 0, assets_handle},
};

static void on_hangup(void *ctx)
{
	struct probe *p = ctx;
	struct err e = ERR_INIT;

	say(http_server_reload(p->server, &e) == 0 ? "reloaded" : e.text);
}

static void on_usr1(void *ctx)
{
	struct probe *p = ctx;

	say(http_server_beat(p->server) ? "beat: all" : "beat: not all");
}

static void on_terminate(void *ctx)
{
	struct probe *p = ctx;

	loop_stop(p->loop);
}

static int run(struct probe *p, const struct http_config *c, uint64_t stop_ms,
	       struct err *e)
{
	const struct log log = {.fd = 2, .level = LOG_INFO};
	char text[32];
	int rc;

	p->loop = loop_new(e);
	if (p->loop == NULL)
		return -1;
	p->server = http_server_new(c, routes, N_ELEMS(routes), p, &log, e);
	if (p->server == NULL || http_server_start(p->server, e) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "port %u", http_server_port(p->server, 0));
	say(text);
	p->hangup = loop_signal_new(p->loop, SIGHUP, on_hangup, p, e);
	p->terminate = loop_signal_new(p->loop, SIGTERM, on_terminate, p, e);
	p->usr1 = loop_signal_new(p->loop, SIGUSR1, on_usr1, p, e);
	if (p->hangup == NULL || p->terminate == NULL || p->usr1 == NULL)
		return -1;
	say("ready");
	rc = loop_run(p->loop, e);
	http_server_stop(p->server, stop_ms);
	say("stopped");
	return rc;
}

int main(int argc, char **argv)
{
	const char *listen = getenv("HTTP_PROBE_LISTEN");
	const char *times = getenv("HTTP_PROBE_TIMES");
	unsigned long head_ms, idle_ms, stop_ms;
	struct http_config c = {.listen = &listen, .n_listen = 1, .n_threads = 2};
	struct probe p = {.file = argc > 4 ? argv[4] : NULL};
	struct err e = ERR_INIT;
	int rc;

	if (argc != 7 || times == NULL ||
	    sscanf(times, "%lu %lu %lu", &head_ms, &idle_ms, &stop_ms) != 3)
		return EXIT_USAGE;
	c.head_deadline_ms = head_ms;
	c.idle_timeout_ms = idle_ms;
	if (listen == NULL)
		listen = "127.0.0.1:0";
	(void)signal(SIGPIPE, SIG_IGN);
	c.cert_file = argv[1];
	c.key_file = argv[2];
	c.ticket_key_file = argv[3];
	c.client_ca_file = strcmp(argv[5], "-") != 0 ? argv[5] : NULL;
	c.max_connections = (size_t)atoi(argv[6]);
	rc = run(&p, &c, stop_ms, &e);
	http_server_free(p.server);
	loop_signal_free(p.hangup);
	loop_signal_free(p.usr1);
	loop_signal_free(p.terminate);
	loop_free(p.loop);
	if (rc < 0)
		(void)fprintf(stderr, "http_probe: %s\n", e.text);
	return rc < 0 ? (int)err_exit(&e) : 0;
}
