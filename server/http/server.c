/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's life: listeners, workers, stop.
 *
 * Each worker thread has a loop, an evhttp and its own listening socket for every
 * address (SO_REUSEPORT: the kernel spreads connections, threads share nothing). The
 * first socket of an address is bound *without* SO_REUSEPORT, so that a port in use is
 * an error as ever and a second server does not silently take half of the first one's
 * connections.
 *
 * Stop: listeners are closed, event streams ended, idle connections closed, answers
 * carry "Connection: close" and their connections end with them, whether or not the
 * client closes; a worker ends with its last connection, or at the deadline with what is
 * left.
 */
#include "conn.h"

#include "../../common/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define N_READERS 4u
#define ROTATE_CHECK_MS (3600 * 1000)
#define ACCEPT_PAUSE_MS 100
#define BACKLOG 1024

static int set_option(int fd, int level, int name, int value, struct err *e)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0
		   ? err_sys(e, "set option")
		   : 0;
}

/* Nagle costs TLS tenfold; keep-alive probes find the half-open. Connections inherit
 * all. */
static int set_options(int fd, bool ipv6, struct err *e)
{
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, e) < 0 ||
	    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, e) < 0 ||
	    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1, e) < 0 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60, e) < 0 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15, e) < 0 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4, e) < 0)
		return -1;
	return ipv6 ? set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, e) : 0;
}

static int bind_socket(const struct sockaddr *sa, socklen_t len, bool first,
		       int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd =
	    socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "make a socket");
	if (set_options(fd, sa->sa_family == AF_INET6, e) < 0 ||
	    (!first && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, e) < 0))
		return -1;
	if (bind(fd, sa, len) < 0)
		return err_sys(e, "bind");
	if (first && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, e) < 0)
		return -1;
	if (listen(fd, BACKLOG) < 0)
		return err_sys(e, "listen");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void set_port(struct sockaddr_storage *sa, unsigned port)
{
	if (sa->ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)sa)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)sa)->sin_port = htons((uint16_t)port);
}

/* "127.0.0.1:8443" or "[::1]:0". Names are refused: which of its addresses is meant? */
static int parse_address(const char *text, struct sockaddr_storage *ret,
			 socklen_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	bool ipv6 = text[0] == '[';
	char host[64];
	uint64_t port;
	size_t len;

	if (colon == NULL || parse_u64(colon + 1, &port, NULL) < 0 || port > 65535)
		return -1;
	len = (size_t)(colon - text);
	if (len >= sizeof(host) || (ipv6 && (len < 2 || text[len - 1] != ']')))
		return -1;
	memcpy(host, text + ipv6, len);
	host[ipv6 ? len - 2 : len] = '\0';
	*ret = (struct sockaddr_storage){.ss_family = ipv6 ? AF_INET6 : AF_INET};
	*ret_len = ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	set_port(ret, (unsigned)port);
	if (ipv6)
		return inet_pton(AF_INET6, host,
				 &((struct sockaddr_in6 *)(void *)ret)->sin6_addr) == 1
			   ? 0
			   : -1;
	return inet_pton(AF_INET, host,
			 &((struct sockaddr_in *)(void *)ret)->sin_addr) == 1
		   ? 0
		   : -1;
}

static int get_port(int fd, unsigned *ret_port, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return err_sys(e, "ask for the port");
	*ret_port = ntohs(sa.ss_family == AF_INET6
			      ? ((struct sockaddr_in6 *)(void *)&sa)->sin6_port
			      : ((struct sockaddr_in *)(void *)&sa)->sin_port);
	return 0;
}

/* Out of descriptors, most likely: pause, instead of spinning on a readable listener.
 */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	struct worker *w = ctx;

	log_warn(w->server->log, "http", "cannot accept connections", "why",
		 strerror(errno), NULL);
	(void)evconnlistener_disable(listener);
	loop_timer_set(w->accept_timer, ACCEPT_PAUSE_MS);
}

static void accept_again(void *ctx)
{
	struct worker *w = ctx;

	for (size_t i = 0; i < w->n_bound && !w->stopping; i++)
		(void)evconnlistener_enable(
		    evhttp_bound_socket_get_listener(w->bound[i]));
}

static int worker_listen(struct worker *w, int fd, struct err *e)
{
	struct evhttp_bound_socket *b = evhttp_accept_socket_with_handle(w->http, fd);

	if (b == NULL) {
		(void)close(fd);
		return err_nomem(e);
	}
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(b),
				    on_accept_error);
	w->bound[w->n_bound++] = b;
	return 0;
}

/* One address: a socket for each worker, all on the port that the first one got. */
static int listen_on(struct http_server *s, const char *address, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (parse_address(address, &sa, &len) < 0)
		return err_set(e, ERR_CONFIG,
			       "not an address and port, as in 127.0.0.1:8443");
	for (unsigned i = 0; i < s->n_workers; i++) {
		int fd;

		if (bind_socket((struct sockaddr *)&sa, len, i == 0, &fd, e) < 0)
			return -1;
		if (i == 0 && get_port(fd, &s->ports[s->n_listeners], e) < 0) {
			(void)close(fd);
			return -1;
		}
		set_port(&sa, s->ports[s->n_listeners]);
		if (worker_listen(&s->workers[i], fd, e) < 0)
			return -1;
	}
	s->n_listeners++;
	return 0;
}

static struct evhttp *make_evhttp(struct worker *w)
{
	const struct timeval idle = w->server->write_timeout;
	struct evhttp *http = evhttp_new(loop_base(w->loop));

	if (http == NULL)
		return NULL;
	evhttp_set_bevcb(http, gate_open, w);
	evhttp_set_gencb(http, request_on_arrival, w);
	evhttp_set_allowed_methods(
	    http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
		      EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
	/* The gate is stricter than these; they are a second line. */
	evhttp_set_max_headers_size(http, 2 * HEAD_MAX_LEN);
	evhttp_set_max_body_size(http, HTTP_MAX_BODY);
	evhttp_set_timeout_tv(http, &idle);
	evhttp_set_default_content_type(http, NULL);
	return http;
}

static void on_stop_deadline(void *ctx)
{
	struct worker *w = ctx;

	loop_stop(w->loop);
}

static void rotate_work(struct pool_job *j)
{
	struct http_server *s =
	    (struct http_server *)(void *)((char *)j -
					   offsetof(struct http_server, rotate));
	struct err e = ERR_INIT;

	if (tls_rotate_tickets(s->tls, &e) < 0)
		log_failure(s->log, LOG_WARN, "http", "renew the ticket keys", &e);
}

static void on_rotate(void *ctx)
{
	struct worker *w = ctx;

	pool_submit(w->server->pool, &w->server->rotate);
	loop_timer_set(w->rotate_timer, ROTATE_CHECK_MS);
}

static int worker_init(struct worker *w, struct http_server *s, struct err *e)
{
	w->server = s;
	w->loop = loop_new(e);
	if (w->loop == NULL)
		return -1;
	w->http = make_evhttp(w);
	w->accept_timer = loop_timer_new(w->loop, accept_again, w, e);
	w->stop_timer = loop_timer_new(w->loop, on_stop_deadline, w, e);
	w->rotate_timer = loop_timer_new(w->loop, on_rotate, w, e);
	if (w->http == NULL || w->accept_timer == NULL || w->stop_timer == NULL ||
	    w->rotate_timer == NULL)
		return err_nomem(e);
	if (w == &s->workers[0])
		loop_timer_set(w->rotate_timer, ROTATE_CHECK_MS);
	return 0;
}

/* In the worker's thread. libevent frees a connection from the loop, a step after it
 * was told to; conn_free() stops the loop after the last one. */
static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct err e = ERR_INIT;

	if (loop_run(w->loop, &e) < 0)
		log_failure(w->server->log, LOG_ERROR, "http", "serve", &e);
	w->stopping = true;
	evhttp_free(w->http);
	w->http = NULL;
	if (w->conns != NULL && loop_run(w->loop, &e) < 0)
		log_failure(w->server->log, LOG_ERROR, "http", "close connections", &e);
	return NULL;
}

static void worker_fini(struct worker *w)
{
	if (w->http != NULL)
		evhttp_free(w->http);
	loop_timer_free(w->accept_timer);
	loop_timer_free(w->stop_timer);
	loop_timer_free(w->rotate_timer);
	loop_free(w->loop);
}

static void worker_stop(void *ctx)
{
	struct worker *w = ctx;

	if (w->stopping)
		return;
	w->stopping = true;
	for (size_t i = 0; i < w->n_bound; i++)
		evhttp_del_accept_socket(w->http, w->bound[i]);
	w->n_bound = 0;
	while (w->streams != NULL)
		http_stream_end(w->streams);
	for (struct conn *c = w->conns; c != NULL; c = c->next) {
		if (gate_is_quiet(c))
			conn_close(c);
	}
	if (w->conns == NULL)
		loop_stop(w->loop);
	else
		loop_timer_set(w->stop_timer, (int64_t)w->stop_within_ms);
}

static void write_connections(struct metrics_text *t, void *ctx)
{
	struct http_server *s = ctx;

	metrics_family(t, "ota_http_connections", METRIC_GAUGE,
		       "Connections that are open.");
	metrics_sample(t, (double)atomic_load(&s->n_conns), 0, NULL);
	metrics_family(t, "ota_http_connections_max", METRIC_GAUGE,
		       "Connections beyond which requests are refused.");
	metrics_sample(t, (double)s->config.max_connections, 0, NULL);
	metrics_family(t, "ota_http_body_bytes", METRIC_GAUGE,
		       "Room that large bodies under way have taken.");
	metrics_sample(t, (double)atomic_load(&s->n_body_bytes), 0, NULL);
}

struct http_server *http_server_new(const struct http_config *c,
				    const struct http_route *routes, size_t n_routes,
				    void *app, const struct log *log, struct err *e)
{
	const struct tls_config tls = {c->cert_file, c->key_file, c->client_ca_file,
				       c->ticket_key_file};
	AUTO_PTR(http_server) struct http_server *s = calloc(1, sizeof(*s));
	uint64_t stall_ms = c->idle_timeout_ms + 5000;

	if (s == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	s->config = *c;
	s->log = log;
	s->app = app;
	s->rotate.work = rotate_work;
	s->write_timeout =
	    (struct timeval){.tv_sec = (time_t)(stall_ms / 1000),
			     .tv_usec = (suseconds_t)(stall_ms % 1000 * 1000)};
	s->n_workers = c->n_threads == 0	    ? 1
		       : c->n_threads > MAX_WORKERS ? MAX_WORKERS
						    : c->n_threads;
	s->ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, conn_free_hook);
	s->routes = routes;
	s->router = router_new(routes, n_routes, e);
	if (s->router == NULL ||
	    counts_init(&s->counts, c->metrics, routes, n_routes, e) < 0)
		return NULL;
	s->tls = tls_new(&tls, e);
	if (s->tls == NULL)
		return NULL;
	metrics_add_collector(c->metrics, write_connections, s);
	return TAKE(s);
}

int http_server_start(struct http_server *s, struct err *e)
{
	if (s->config.n_listen == 0 || s->config.n_listen > MAX_LISTENERS)
		return err_set(e, ERR_CONFIG,
			       "there must be 1 to %u addresses to listen on",
			       MAX_LISTENERS);
	s->pool = pool_new(N_READERS, e);
	if (s->pool == NULL)
		return -1;
	for (unsigned i = 0; i < s->n_workers; i++) {
		if (worker_init(&s->workers[i], s, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < s->config.n_listen; i++) {
		if (listen_on(s, s->config.listen[i], e) < 0)
			return err_wrap(e, "listen on %s", s->config.listen[i]);
	}
	for (unsigned i = 0; i < s->n_workers; i++) {
		struct worker *w = &s->workers[i];

		if (pthread_create(&w->thread, NULL, worker_run, w) != 0)
			return err_set(e, ERR_INTERNAL, "start a worker thread");
		w->started = true;
	}
	return 0;
}

unsigned http_server_port(const struct http_server *s, size_t listener)
{
	return listener < s->n_listeners ? s->ports[listener] : 0;
}

static void on_beat(void *ctx)
{
	struct worker *w = ctx;

	atomic_store(&w->asked, false);
}

bool http_server_beat(struct http_server *s)
{
	bool all = true;

	for (unsigned i = 0; i < s->n_workers; i++) {
		struct worker *w = &s->workers[i];

		if (atomic_exchange(&w->asked, true))
			all = false;
		else if (loop_wake(w->loop, on_beat, w, NULL) < 0)
			atomic_store(&w->asked, false); /* short of memory, not stuck */
	}
	return all;
}

int http_server_reload(struct http_server *s, struct err *e)
{
	return tls_reload(s->tls, e);
}

void http_server_stop(struct http_server *s, uint64_t deadline_ms)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		struct worker *w = &s->workers[i];

		w->stop_within_ms = deadline_ms;
		if (w->started && loop_wake(w->loop, worker_stop, w, NULL) < 0)
			loop_stop(w->loop);
	}
	for (unsigned i = 0; i < s->n_workers; i++) {
		if (s->workers[i].started)
			(void)pthread_join(s->workers[i].thread, NULL);
		s->workers[i].started = false;
	}
}

void http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	http_server_stop(s, 0);
	pool_free(s->pool);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_fini(&s->workers[i]);
	tls_free(s->tls);
	counts_fini(&s->counts);
	router_free(s->router);
	free(s);
}
