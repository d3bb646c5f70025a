/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface, driven by our loop.
 *
 *	net_start ──> starting ──(kick)──> running ──curl──> on_head, on_data.. ──>
 *	                 │                    │              on_end, gone
 *	                 └──── net_cancel ────┴──> gone, silently
 *
 * libcurl forbids most calls on a multi handle from inside its own callbacks, and
 * unpausing a transfer may call back at once. So three things are put off to a timer of
 * our own, the "kick": adding a new transfer, unpausing one, and dropping one that was
 * cancelled from within a callback. Everything that calls into libcurl stands between
 * enter() and leave(); leave() then collects what has ended. A call's callbacks
 * therefore always come from the loop and never nest.
 *
 * What libcurl 7.88 does that is not evident:
 * - easy handles of one multi handle share connections but not TLS sessions: hence the
 *   share object, without which every new connection is a full handshake.
 * - it comes with Debian's CA directory built in; CAPATH is cleared, or every public CA
 *   could vouch for the server.
 * - it reads proxies from the environment unless told NOPROXY "*".
 * - it keeps the parsed CA file for a day; a minute is enough here.
 * - its own rate limit only looks up after as many as 100 reads of 16 KiB (a megabyte
 *   passed at any limit when tried), so the rate is kept here, by pausing: a bucket
 *   that fills at the rate and holds a quarter of a second.
 * - CURLOPT_LOW_SPEED_TIME counts whole seconds and rests while a transfer is paused.
 */
#include "net.h"

#include "../base/clock.h"
#include "../base/text.h"
#include "head.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct net {
	struct loop *loop;
	struct loop_timer *curl_timer; /* when libcurl wants to be called */
	struct loop_timer *kick;       /* what was put off */
	CURLM *multi;
	CURLSH *share; /* TLS sessions */
	char *ca_file, *cert_file, *key_file, *user_agent;
	struct net_config config; /* its texts are the copies above */
	struct net_call *calls;
	unsigned depth; /* > 0: inside libcurl */
};

struct net_call {
	struct net *net;
	struct net_call *next;
	CURL *easy;
	struct curl_slist *headers;
	struct net_request request; /* limits and callbacks; its texts are NULL here */
	struct head head;
	bool no_body;	/* HEAD: Content-Length speaks of bytes that do not come */
	bool added;	/* to the multi handle */
	bool head_done; /* on_head was called */
	bool paused;	/* by net_pause() */
	bool held;	/* libcurl holds data back for it */
	struct loop_timer *pace; /* armed while the rate limit makes it wait; or NULL */
	bool pacing;
	int64_t credit_bytes; /* may go below zero by one write */
	int64_t credit_at_ms;
	bool cancelled;
	uint64_t n_bytes;
	struct err why; /* what a callback of ours refused with */
	char text[CURL_ERROR_SIZE];
};

static void collect(struct net *n);

static void enter(struct net *n)
{
	n->depth++;
}

static void leave(struct net *n)
{
	if (--n->depth == 0)
		collect(n);
}

/* ---- libcurl asks for descriptors and time ---- */

static void on_io(void *ctx, int what);

struct watch {
	struct net *net;
	struct loop_io *io;
	curl_socket_t fd;
};

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
			  void *socket)
{
	struct net *n = ctx;
	struct watch *w = socket;
	int want = (what & CURL_POLL_IN ? LOOP_READ : 0) |
		   (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			loop_io_free(w->io);
		free(w);
		return 0;
	}
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			return -1;
		*w = (struct watch){.net = n, .fd = fd};
		w->io = loop_io_new(n->loop, fd, on_io, w, NULL);
		if (w->io == NULL || curl_multi_assign(n->multi, fd, w) != CURLM_OK) {
			loop_io_free(w->io);
			free(w);
			return -1;
		}
	}
	return loop_io_set(w->io, want, NULL);
}

static void on_io(void *ctx, int what)
{
	const struct watch *w = ctx;
	struct net *n = w->net;
	int mask = (what & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	int n_running;

	enter(n);
	(void)curl_multi_socket_action(n->multi, w->fd, mask, &n_running);
	leave(n);
}

static int on_curl_timer(CURLM *multi, long after_ms, void *ctx)
{
	struct net *n = ctx;

	(void)multi;
	loop_timer_set(n->curl_timer, after_ms);
	return 0;
}

static void on_timer(void *ctx)
{
	struct net *n = ctx;
	int n_running;

	enter(n);
	(void)curl_multi_socket_action(n->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	leave(n);
}

/* ---- a response comes in ---- */

/* What libcurl takes for "stop": any count but the one it gave us. */
static size_t refuse(size_t len)
{
	return len == 0 ? 1 : 0;
}

static int check_size(struct net_call *c, uint64_t n_bytes)
{
	if (c->request.max_bytes == 0 || n_bytes <= c->request.max_bytes)
		return 0;
	return err_set(&c->why, ERR_LIMIT, "the answer is larger than %llu bytes",
		       (unsigned long long)c->request.max_bytes);
}

static int finish_head(struct net_call *c)
{
	const struct net_head *h = &c->head.pub;

	if (c->head_done || h->status < 200)
		return 0;
	c->head_done = true;
	if (h->content_length > 0 && !c->no_body &&
	    check_size(c, (uint64_t)h->content_length) < 0)
		return -1;
	if (c->request.on_head == NULL)
		return 0;
	return c->request.on_head(c->request.ctx, h, &c->why);
}

static size_t on_curl_header(char *line, size_t size, size_t n_items, void *ctx)
{
	struct net_call *c = ctx;
	size_t len = size * n_items;

	if (c->cancelled)
		return refuse(len);
	if (c->head_done)
		return len; /* a trailer */
	if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
		return finish_head(c) < 0 ? refuse(len) : len;
	head_add_line(&c->head, line, len, clock_utc_ms(&clock_system));
	return len;
}

/* Fills the bucket by the time passed; true if nothing may be taken from it yet. */
static bool too_fast(struct net_call *c)
{
	int64_t rate = (int64_t)c->request.max_rate_bytes;
	int64_t now_ms = clock_mono_ms(&clock_system);
	int64_t passed_ms = now_ms - c->credit_at_ms;

	if (c->pace == NULL)
		return false;
	c->credit_bytes += passed_ms < 1000 ? rate * passed_ms / 1000 : rate;
	if (c->credit_bytes > rate / 4 + 1)
		c->credit_bytes = rate / 4 + 1;
	c->credit_at_ms = now_ms;
	if (c->credit_bytes > 0)
		return false;
	c->pacing = true;
	loop_timer_set(c->pace, 1 - c->credit_bytes * 1000 / rate);
	return true;
}

static size_t on_curl_data(char *data, size_t size, size_t n_items, void *ctx)
{
	struct net_call *c = ctx;
	size_t len = size * n_items;

	if (c->cancelled)
		return refuse(len);
	if (c->paused || c->pacing || too_fast(c)) {
		c->held = true;
		return CURL_WRITEFUNC_PAUSE; /* the same data comes again */
	}
	if (check_size(c, c->n_bytes + len) < 0)
		return refuse(len);
	c->n_bytes += len;
	c->credit_bytes -= (int64_t)len;
	if (c->request.on_data != NULL &&
	    c->request.on_data(c->request.ctx, data, len, &c->why) < 0)
		return refuse(len);
	return len;
}

/* ---- a socket is about to connect ---- */

/* The address may come from another look-up than any that was made before: only here is
 * it the one that counts. */
static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose,
				    struct curl_sockaddr *a)
{
	struct net_call *c = ctx;
	const struct net_config *cfg = &c->net->config;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	err_clear(&c->why);
	if (cfg->check_address(cfg->check_ctx, &a->addr, a->addrlen, &c->why) < 0)
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- a call ends ---- */

static const struct {
	CURLcode curl;
	enum err_code code;
} codes[] = {
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_UNTRUSTED},
    {CURLE_SSL_ISSUER_ERROR, ERR_UNTRUSTED},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_UNTRUSTED},
    {CURLE_SSL_CERTPROBLEM, ERR_CONFIG},
    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG},
    {CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY},
    {CURLE_URL_MALFORMAT, ERR_USAGE},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_USAGE},
    {CURLE_WRITE_ERROR, ERR_CANCELLED},
};

static void explain(const struct net_call *c, CURLcode result, struct err *e)
{
	enum err_code code =
	    ERR_UNREACHABLE; /* DNS, connect, reset, cut short, no TLS */

	if (result == CURLE_OK)
		return;
	if (c->why.code != ERR_NONE) {
		*e = c->why;
		return;
	}
	for (size_t i = 0; i < N_ELEMS(codes); i++) {
		if (codes[i].curl == result)
			code = codes[i].code;
	}
	(void)err_set(e, code, "%s",
		      c->text[0] != '\0' ? c->text : curl_easy_strerror(result));
}

static void call_free(struct net_call *c)
{
	struct net_call **at = &c->net->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->added)
		(void)curl_multi_remove_handle(c->net->multi, c->easy);
	if (c->easy != NULL)
		curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	loop_timer_free(c->pace);
	free(c);
}

static void end(struct net_call *c, CURLcode result)
{
	struct net_request r = c->request;
	struct head head = c->head;
	bool cancelled = c->cancelled;
	struct err e = ERR_INIT;

	explain(c, result, &e);
	if (head.pub.content_type != NULL)
		head.pub.content_type = head.content_type;
	if (head.pub.etag != NULL)
		head.pub.etag = head.etag;
	call_free(c);
	if (!cancelled && r.on_end != NULL)
		r.on_end(r.ctx, &head.pub, &e);
}

static struct net_call *next_cancelled(const struct net *n)
{
	struct net_call *c = n->calls;

	while (c != NULL && !c->cancelled)
		c = c->next;
	return c;
}

/* Runs outside of libcurl, so on_end may start and cancel as it likes. */
static void collect(struct net *n)
{
	struct net_call *c;
	CURLMsg *m;
	int left;

	while ((c = next_cancelled(n)) != NULL)
		call_free(c);
	while ((m = curl_multi_info_read(n->multi, &left)) != NULL) {
		void *ctx = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &ctx);
		end(ctx, m->data.result);
	}
}

/* ---- what was put off ---- */

static void add_waiting(struct net *n)
{
	for (struct net_call *c = n->calls, *next; c != NULL; c = next) {
		next = c->next;
		if (c->added || c->cancelled)
			continue;
		c->added = curl_multi_add_handle(n->multi, c->easy) == CURLM_OK;
	}
}

/* Unpausing may call on_data, which may pause again; one pass over those that were
 * held. */
static void resume_held(struct net *n)
{
	for (struct net_call *c = n->calls; c != NULL; c = c->next) {
		if (!c->held || c->paused || c->pacing || c->cancelled)
			continue;
		c->held = false;
		(void)curl_easy_pause(c->easy, CURLPAUSE_CONT);
	}
}

static void on_kick(void *ctx)
{
	struct net *n = ctx;
	int n_running;

	enter(n);
	add_waiting(n);
	resume_held(n);
	(void)curl_multi_socket_action(n->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	leave(n);
}

static void on_pace(void *ctx)
{
	struct net_call *c = ctx;

	c->pacing = false;
	on_kick(c->net); /* c may be gone afterwards */
}

/* ---- life ---- */

static char *copy_text(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

static int copy_config(struct net *n, const struct net_config *c, struct err *e)
{
	n->ca_file = copy_text(c->ca_file);
	n->cert_file = copy_text(c->cert_file);
	n->key_file = copy_text(c->key_file);
	n->user_agent = copy_text(c->user_agent);
	if (n->ca_file == NULL)
		return err_set(e, ERR_CONFIG, "no CA file: nothing could be trusted");
	if ((c->cert_file != NULL && n->cert_file == NULL) ||
	    (c->key_file != NULL && n->key_file == NULL) ||
	    (c->user_agent != NULL && n->user_agent == NULL))
		return err_nomem(e);
	n->config = *c;
	return 0;
}

static int open_curl(struct net *n, struct err *e)
{
	bool ok;

	n->curl_timer = loop_timer_new(n->loop, on_timer, n, e);
	n->kick = loop_timer_new(n->loop, on_kick, n, e);
	n->multi = curl_multi_init();
	n->share = curl_share_init();
	if (n->curl_timer == NULL || n->kick == NULL || n->multi == NULL ||
	    n->share == NULL)
		return err_nomem(e);
	ok = curl_multi_setopt(n->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket) ==
		 CURLM_OK &&
	     curl_multi_setopt(n->multi, CURLMOPT_SOCKETDATA, n) == CURLM_OK &&
	     curl_multi_setopt(n->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) ==
		 CURLM_OK &&
	     curl_multi_setopt(n->multi, CURLMOPT_TIMERDATA, n) == CURLM_OK &&
	     curl_share_setopt(n->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
		 CURLSHE_OK;
	return ok ? 0 : err_set(e, ERR_INTERNAL, "libcurl lacks what is needed");
}

struct net *net_new(struct loop *l, const struct net_config *c, struct err *e)
{
	struct net *n;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		(void)err_set(e, ERR_INTERNAL, "libcurl does not start");
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL) {
		curl_global_cleanup();
		(void)err_nomem(e);
		return NULL;
	}
	n->loop = l;
	if (copy_config(n, c, e) < 0 || open_curl(n, e) < 0) {
		net_free(n);
		return NULL;
	}
	return n;
}

void net_free(struct net *n)
{
	if (n == NULL)
		return;
	while (n->calls != NULL)
		call_free(n->calls);
	if (n->multi != NULL)
		(void)curl_multi_cleanup(n->multi);
	if (n->share != NULL)
		(void)curl_share_cleanup(n->share);
	loop_timer_free(n->curl_timer);
	loop_timer_free(n->kick);
	free(n->ca_file);
	free(n->cert_file);
	free(n->key_file);
	free(n->user_agent);
	free(n);
	curl_global_cleanup();
}

/* ---- a call begins ---- */

#define SET(easy, option, value)                                                       \
	do {                                                                           \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)                 \
			return err_set(e, ERR_INTERNAL, "libcurl refuses " #option);   \
	} while (0)

static CURLcode forgive_dates(CURL *easy, void *ssl_ctx, void *ctx)
{
	(void)easy;
	(void)ctx;
	return X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl_ctx),
					   X509_V_FLAG_NO_CHECK_TIME) == 1
		   ? CURLE_OK
		   : CURLE_SSL_CERTPROBLEM;
}

static int set_trust(struct net_call *c, struct err *e)
{
	const struct net *n = c->net;

	if (c->request.any_date)
		SET(c->easy, CURLOPT_SSL_CTX_FUNCTION, forgive_dates);

	SET(c->easy, CURLOPT_PROTOCOLS_STR,
	    n->config.allow_plain_http ? "http,https" : "https");
	SET(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(c->easy, CURLOPT_CAINFO, n->ca_file);
	SET(c->easy, CURLOPT_CAPATH, NULL);
	SET(c->easy, CURLOPT_CA_CACHE_TIMEOUT, 60L);
	SET(c->easy, CURLOPT_NOPROXY, "*");
	SET(c->easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(c->easy, CURLOPT_SHARE, n->share);
	if (n->cert_file != NULL)
		SET(c->easy, CURLOPT_SSLCERT, n->cert_file);
	if (n->key_file != NULL)
		SET(c->easy, CURLOPT_SSLKEY, n->key_file);
	return 0;
}

static long seconds_up(uint64_t ms)
{
	return (long)((ms + 999) / 1000);
}

static int set_times(struct net_call *c, const struct net_request *r, struct err *e)
{
	const struct net_config *cfg = &c->net->config;

	if (cfg->connect_timeout_ms > 0)
		SET(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)cfg->connect_timeout_ms);
	if (r->timeout_ms > 0)
		SET(c->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	if (!r->stream && cfg->stall_timeout_ms > 0) {
		uint64_t rate = cfg->min_rate_bytes > 0 ? cfg->min_rate_bytes : 1;

		SET(c->easy, CURLOPT_LOW_SPEED_LIMIT, (long)rate);
		SET(c->easy, CURLOPT_LOW_SPEED_TIME, seconds_up(cfg->stall_timeout_ms));
	}
	SET(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	SET(c->easy, CURLOPT_NOSIGNAL, 1L);
	return 0;
}

static int set_callbacks(struct net_call *c, struct err *e)
{
	SET(c->easy, CURLOPT_PRIVATE, c);
	SET(c->easy, CURLOPT_ERRORBUFFER, c->text);
	SET(c->easy, CURLOPT_HEADERFUNCTION, on_curl_header);
	SET(c->easy, CURLOPT_HEADERDATA, c);
	SET(c->easy, CURLOPT_WRITEFUNCTION, on_curl_data);
	SET(c->easy, CURLOPT_WRITEDATA, c);
	if (c->net->config.check_address != NULL) {
		SET(c->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
		SET(c->easy, CURLOPT_OPENSOCKETDATA, c);
	}
	return 0;
}

static int add_header(struct net_call *c, const char *line, struct err *e)
{
	struct curl_slist *list = curl_slist_append(c->headers, line);

	if (list == NULL)
		return err_nomem(e);
	c->headers = list;
	return 0;
}

static int set_headers(struct net_call *c, const struct net_request *r, struct err *e)
{
	bool typed = false;

	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++) {
		if (strpbrk(r->headers[i], "\r\n") != NULL)
			return err_set(e, ERR_USAGE, "a header with a line break");
		typed |= strncasecmp(r->headers[i], "Content-Type:", 13) == 0;
		if (add_header(c, r->headers[i], e) < 0)
			return -1;
	}
	/* Neither a form nor worth a round trip for "100 Continue". */
	if (add_header(c, "Expect:", e) < 0 ||
	    (!typed && add_header(c, "Content-Type:", e) < 0))
		return -1;
	SET(c->easy, CURLOPT_HTTPHEADER, c->headers);
	return 0;
}

static int set_method(struct net_call *c, const struct net_request *r, struct err *e)
{
	bool has_body = r->body != NULL || strcmp(r->method, "PUT") == 0 ||
			strcmp(r->method, "POST") == 0;

	if (c->no_body)
		SET(c->easy, CURLOPT_NOBODY, 1L);
	else if (!has_body && strcmp(r->method, "GET") == 0)
		SET(c->easy, CURLOPT_HTTPGET, 1L);
	else
		SET(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
	if (has_body) {
		SET(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		SET(c->easy, CURLOPT_COPYPOSTFIELDS, r->body != NULL ? r->body : "");
	}
	return 0;
}

static int set_range(struct net_call *c, const struct net_request *r, struct err *e)
{
	char range[48];

	if (r->range_start < 0)
		return 0;
	if (r->range_end >= 0 &&
	    text_format(range, sizeof(range), e, "%lld-%lld", (long long)r->range_start,
			(long long)r->range_end) < 0)
		return -1;
	if (r->range_end < 0 && text_format(range, sizeof(range), e, "%lld-",
					    (long long)r->range_start) < 0)
		return -1;
	SET(c->easy, CURLOPT_RANGE, range);
	return 0;
}

static int set_rate(struct net_call *c, const struct net_request *r, struct err *e)
{
	if (r->max_rate_bytes == 0)
		return 0;
	c->credit_at_ms = clock_mono_ms(&clock_system);
	c->pace = loop_timer_new(c->net->loop, on_pace, c, e);
	return c->pace != NULL ? 0 : -1;
}

static int set_up(struct net_call *c, const struct net_request *r, struct err *e)
{
	if (strncmp(r->url, "https://", 8) != 0 &&
	    !(c->net->config.allow_plain_http && strncmp(r->url, "http://", 7) == 0))
		return err_set(e, ERR_USAGE, "\"%.100s\" is not an https:// URL",
			       r->url);
	c->easy = curl_easy_init();
	if (c->easy == NULL)
		return err_nomem(e);
	SET(c->easy, CURLOPT_URL, r->url);
	SET(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (c->net->user_agent != NULL)
		SET(c->easy, CURLOPT_USERAGENT, c->net->user_agent);
	if (set_trust(c, e) < 0 || set_times(c, r, e) < 0 || set_callbacks(c, e) < 0 ||
	    set_method(c, r, e) < 0 || set_range(c, r, e) < 0 || set_rate(c, r, e) < 0)
		return -1;
	return set_headers(c, r, e);
}

int net_start(struct net *n, const struct net_request *r, struct net_call **ret,
	      struct err *e)
{
	struct net_call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->net = n;
	c->next = n->calls;
	n->calls = c;
	c->request = *r;
	c->request.url = c->request.method = NULL;
	c->request.headers = NULL;
	c->request.body = NULL;
	c->no_body = strcmp(r->method, "HEAD") == 0;
	head_reset(&c->head);
	if (set_up(c, r, e) < 0) {
		call_free(c);
		return -1;
	}
	loop_timer_set(n->kick, 0);
	*ret = c;
	return 0;
}

void net_pause(struct net_call *c)
{
	c->paused = true;
}

void net_resume(struct net_call *c)
{
	c->paused = false;
	if (c->held)
		loop_timer_set(c->net->kick, 0);
}

void net_cancel(struct net_call *c)
{
	if (c == NULL)
		return;
	if (c->net->depth == 0)
		call_free(c);
	else
		c->cancelled = true;
}

/* ---- one call, waited for ---- */

struct waiter {
	struct loop *loop;
	struct buf *body;
	struct net_head *head;
	struct err *e;
	int result;
};

static int keep_data(void *ctx, const void *data, size_t len, struct err *e)
{
	return buf_add(((struct waiter *)ctx)->body, data, len, e);
}

static void keep_end(void *ctx, const struct net_head *h, const struct err *e)
{
	struct waiter *w = ctx;

	*w->head = *h;
	w->head->content_type = NULL; /* their text ends with the call */
	w->head->etag = NULL;
	w->result = e->code == ERR_NONE ? 0 : -1;
	if (w->result < 0 && w->e != NULL)
		*w->e = *e;
	loop_stop(w->loop);
}

int net_call_sync(const struct net_config *c, const struct net_request *r,
		  struct net_head *ret_head, struct buf *ret_body, struct err *e)
{
	AUTO_PTR(loop) struct loop *l = loop_new(e);
	AUTO_PTR(net) struct net *n = l != NULL ? net_new(l, c, e) : NULL;
	struct waiter w = {.loop = l, .body = ret_body, .head = ret_head, .e = e};
	struct net_request request = *r;
	struct net_call *call;

	if (n == NULL)
		return -1;
	request.on_head = NULL;
	request.on_data = keep_data;
	request.on_end = keep_end;
	request.ctx = &w;
	if (request.max_bytes == 0)
		request.max_bytes = ret_body->cap;
	if (net_start(n, &request, &call, e) < 0 || loop_run(l, e) < 0)
		return -1;
	return w.result;
}
