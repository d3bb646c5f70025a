/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's life.
 *
 * Start: data directory, lock, database, CA, signer, artifacts, publisher, hub, HTTP;
 * each says in one sentence why it cannot. Only when the ports are bound is it told
 * that the server is ready. Stop (SIGTERM): HTTP first, so that nobody is promised
 * anything any more, then those who carry promises out, then the store, last the lock.
 * What was acknowledged is on the disk at every moment, so a kill needs no clean-up at
 * the next start.
 */
#include "scrape.h"
#include "server.h"

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/notify.h"
#include "../common/base/text.h"
#include "../common/crypto/x509.h"
#include "api/api.h"
#include "auth/ca.h"
#include "delta/deltas.h"
#include "fleet/sampler.h"
#include "job/runner.h"
#include "metrics/process.h"
#include "release/retain.h"
#include "watch.h"
#include "audit/rounds.h"
#include "webhook/webhook.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEN_EVERY_MS 500
#define HOUSEKEEPING_EVERY_MS ((int64_t)60 * 60 * 1000)
#define TENANTS_EVERY_MS 1000 /* one made by ota-server admin is served so soon */
#define N_WORKERS 4
/* Whose calls are counted at the same time; 16 bytes each. */
#define N_CALLERS 16384
#define N_DEVICES 262144

static const char *const default_listen[] = {"0.0.0.0:8443"};

struct server;

/* Drops what is old (release/retain.h); one at a time. */
struct sweeping {
	struct job job; /* first */
	struct server *server;
	bool busy; /* the main loop's */
};

struct server {
	const struct settings *settings;
	const struct log *log;
	struct data_dir dir;
	int lock_fd;
	struct loop *loop;
	struct store *store;
	struct ca *ca;
	struct worker *worker;
	struct homes *homes;
	struct throttle *throttle;
	struct hasher *hasher;
	struct sweeping sweeping;
	struct metrics *metrics;
	struct watch *watch;
	struct limiter *callers, *devices, *strangers, *reports;
	struct turns *previews;
	struct seen_cache *seen;
	struct hub *hub;
	struct job_runner *jobs;
	struct webhooks *webhooks;
	struct zone_table *zones;
	struct engine *engine;
	struct audit_log *audit;
	struct audit_rounds *rounds;
	struct deltas *deltas; /* or NULL */
	struct http_server *http;
	struct http_server *scrape; /* or NULL */
	struct api api;
	struct loop_timer *seen_timer, *housekeeping_timer, *tenants_timer,
	    *watchdog_timer;
	struct loop_signal *term, *intr, *hup;
};

/* In the order in which nobody misses anybody. */
static void server_fini(struct server *s)
{
	if (s->http != NULL)
		http_server_stop(s->http, s->settings->stop_deadline_ms);
	if (s->scrape != NULL)
		http_server_stop(s->scrape, s->settings->stop_deadline_ms);
	http_server_free(s->scrape);
	loop_signal_free(s->term);
	loop_signal_free(s->intr);
	loop_signal_free(s->hup);
	loop_timer_free(s->seen_timer);
	loop_timer_free(s->housekeeping_timer);
	loop_timer_free(s->watchdog_timer);
	loop_timer_free(s->tenants_timer);
	hasher_free(s->hasher);
	worker_free(s->worker);
	deltas_free(s->deltas);
	audit_rounds_free(s->rounds);
	watch_free(s->watch);
	homes_free(s->homes);
	if (s->seen != NULL && s->store != NULL)
		seen_flush(s->seen, s->store);
	webhooks_free(s->webhooks);
	engine_free(s->engine);
	hub_free(s->hub);
	audit_log_free(s->audit);
	store_close(s->store);
	job_runner_free(s->jobs);  /* what it asked was read until now */
	http_server_free(s->http); /* its loops: nobody answers into them any more */
	zone_table_free(s->zones);
	seen_cache_free(s->seen);
	throttle_free(s->throttle);
	ca_free(s->ca);
	limiter_free(s->callers);
	limiter_free(s->devices);
	limiter_free(s->strangers);
	limiter_free(s->reports);
	turns_free(s->previews);
	metrics_free(s->metrics);
	loop_free(s->loop);
	if (s->lock_fd >= 0) {
		(void)unlink(s->dir.running);
		(void)close(s->lock_fd);
	}
}

/* ---- starting ---- */

static int take_directory(struct server *s, struct err *e)
{
	const struct settings *c = s->settings;

	if (data_dir_open(c, true, &s->dir, e) < 0)
		return -1;
	if (file_lock(s->dir.lock, &s->lock_fd, e) < 0) {
		if (e->code == ERR_CONFLICT)
			return err_set(e, ERR_CONFLICT, "another server runs in %s",
				       s->dir.root);
		return err_wrap(e, "lock %s", s->dir.root);
	}
	return data_dir_check_demo(&s->dir, c->demo, e);
}

/* Gives what an earlier schema stored the keys that lists and filters sort by. */
static int make_keys(struct server *s, struct err *e)
{
	uint64_t n = 1;

	while (n > 0) {
		AUTO_PTR(store_call)
		struct store_call *c =
		    store_call_new(STORE_DEVICE_REKEY, NULL, NULL, NULL, e);

		if (c == NULL || store_wait(s->store, c, e) < 0)
			return err_wrap(e, "make keys of versions");
		n = c->out.count.n;
	}
	return 0;
}

static int start_keepers(struct server *s, struct err *e)
{
	const struct settings *c = s->settings;

	s->store = open_store(c, &s->dir, STORE_OWNER, s->log, e);
	if (s->store != NULL)
		store_count(s->store, s->metrics);
	if (s->store == NULL || make_keys(s, e) < 0 ||
	    store_keep_devices(s->store, (size_t)c->device_cache_mib << 20, s->metrics,
			       e) < 0)
		return -1;
	s->ca =
	    ca_open(s->dir.root, c->names.items, c->names.n_items, &clock_system, e);
	if (s->ca == NULL)
		return err_wrap(e, "certificates in %s", s->dir.root);
	s->worker = worker_new(N_WORKERS, e);
	if (s->worker == NULL)
		return -1;
	s->throttle = throttle_new(&clock_system, e);
	s->hasher = s->throttle == NULL ? NULL : hasher_new(e);
	return s->hasher == NULL ? -1 : 0;
}

static uint64_t targets_floor(void *ctx, const char *tenant)
{
	return audit_log_targets(ctx, tenant);
}

static int start_homes(struct server *s, struct err *e)
{
	char program[PATH_MAX];
	const struct homes_config c = {
	    .store = s->store,
	    .worker = s->worker,
	    .clock = &clock_system,
	    .log = s->log,
	    .loop = s->loop,
	    .root = s->dir.root,
	    .signer_program = program,
	    .timestamp_life_ms = s->settings->timestamp_life_ms,
	    .snapshot_life_ms = s->settings->snapshot_life_ms,
	    .targets_floor = targets_floor,
	    .floor_ctx = s->audit,
	    .demo = s->settings->demo,
	};

	if (find_signer(s->settings, program, e) < 0)
		return -1;
	s->homes = homes_new(&c, e);
	return s->homes == NULL ? -1 : homes_open_all(s->homes, e);
}

static struct limiter *make_limiter(uint64_t rate, uint64_t burst, size_t n,
				    const char *who, struct err *e)
{
	struct limiter *l = limiter_new(&clock_system, rate, burst, n, e);

	if (l == NULL)
		(void)err_wrap(e, "[limits] %s-rate, %s-burst", who, who);
	return l;
}

static int start_limits(struct server *s, struct err *e)
{
	const struct settings *c = s->settings;

	if ((s->callers = make_limiter(c->caller_rate, c->caller_burst, N_CALLERS,
				       "caller", e)) == NULL ||
	    (s->devices = make_limiter(c->device_rate, c->device_burst, N_DEVICES,
				       "device", e)) == NULL ||
	    (s->strangers = make_limiter(c->stranger_rate, c->stranger_burst, N_CALLERS,
					 "stranger", e)) == NULL ||
	    (s->reports = make_limiter(c->report_rate, c->report_burst, N_DEVICES,
				       "report", e)) == NULL ||
	    (s->previews = turns_new(N_WORKERS / 2, e)) == NULL)
		return -1;
	return 0;
}

static void fill_api(struct server *s)
{
	const struct settings *c = s->settings;

	s->api = (struct api){
	    .store = s->store,
	    .hub = s->hub,
	    .zones = s->zones,
	    .engine = s->engine,
	    .seen = s->seen,
	    .target_tokens = c->target_tokens,
	    .gateway_tokens = c->gateway_tokens,
	    .homes = s->homes,
	    .throttle = s->throttle,
	    .hasher = s->hasher,
	    .worker = s->worker,
	    .jobs = s->jobs,
	    .deltas = s->deltas,
	    .webhooks = s->webhooks,
	    .audit = s->audit,
	    .metrics = s->metrics,
	    .held_back = api_add_held_back(s->metrics),
	    .callers = s->callers,
	    .devices = s->devices,
	    .strangers = s->strangers,
	    .reports = s->reports,
	    .previews = s->previews,
	    .clock = &clock_system,
	    .log = s->log,
	    .scratch_dir = s->dir.root,
	    .name = c->name,
	    .poll_interval_ms = c->poll_interval_ms,
	    .plain_links = c->plain_links,
	    .session_life_ms = c->session_life_ms,
	    .session_idle_ms = c->session_idle_ms,
	    .step_up_ms = c->step_up_ms,
	    .demo = c->demo,
	};
	hex_encode(ca_fingerprint(s->ca), SHA256_LEN, s->api.ca_fingerprint);
}

static int start_http(struct server *s, struct err *e)
{
	const struct settings *c = s->settings;
	bool own = c->certificate != NULL;
	const struct http_config h = {
	    .listen = c->listen.n_items > 0 ? c->listen.items : default_listen,
	    .n_listen = c->listen.n_items > 0 ? c->listen.n_items : 1,
	    .cert_file = own ? c->certificate : ca_server_path(s->ca),
	    .key_file = own ? c->key : ca_server_path(s->ca),
	    .client_ca_file = c->client_ca,
	    .ticket_key_file = s->dir.tickets,
	    .head_deadline_ms = c->head_deadline_ms,
	    .idle_timeout_ms = c->idle_timeout_ms,
	    .n_threads = (unsigned)c->threads,
	    .max_connections = c->max_connections,
	    .refuse = api_refuse,
	    .metrics = s->metrics,
	};
	size_t n;
	const struct http_route *routes = api_routes(&n);

	if (own != (c->key != NULL))
		return err_set(e, ERR_CONFIG, "[http] certificate and key go together");
	metrics_add_process(s->metrics);
	s->http = http_server_new(&h, routes, n, &s->api, s->log, e);
	if (s->http == NULL || http_server_start(s->http, e) < 0)
		return -1;
	if (c->metrics_listen.n_items == 0)
		return 0;
	s->scrape = scrape_start(&h, &c->metrics_listen, s->metrics, s->log, e);
	return s->scrape == NULL ? -1 : 0;
}

/* A device is told at once that there is something for it. */
static void poke_device(void *ctx, const char *tenant, const char *device)
{
	struct server *s = ctx;

	hub_poke(s->hub, tenant, device);
}

static int start_engine(struct server *s, struct err *e)
{
	const struct engine_config c = {
	    .store = s->store,
	    .clock = &clock_system,
	    .log = s->log,
	    .poke = poke_device,
	    .ctx = s,
	    .exclusive = s->settings->store_url == NULL, /* a file of our own */
	    .settle_ms = s->settings->rollout_settle_ms,
	    .join_ms = s->settings->rollout_join_ms,
	    .retry_ms = s->settings->rollout_retry_ms,
	};

	s->zones = zone_table_new(e);
	if (s->zones == NULL)
		return -1;
	s->engine = engine_new(&c, e);
	return s->engine == NULL ? -1 : 0;
}

static int start_deltas(struct server *s, struct err *e)
{
	char program[PATH_MAX];
	const struct settings *c = s->settings;
	const struct deltas_config d = {
	    .homes = s->homes,
	    .clock = &clock_system,
	    .log = s->log,
	    .loop = s->loop,
	    .program = program,
	    .max_memory = c->delta_memory,
	    .max_ms = c->delta_ms,
	    .every_ms = c->delta_every_ms,
	    .max_percent = c->delta_max_percent,
	};

	if (!c->deltas)
		return 0;
	if (c->delta_max_percent < 1 || c->delta_max_percent > 100)
		return err_set(e, ERR_CONFIG, "[delta] max-percent: 1 to 100");
	if (find_maker(c, program, e) < 0)
		return -1;
	s->deltas = deltas_new(&d, e);
	return s->deltas == NULL ? -1 : 0;
}

static int start_all(struct server *s, struct err *e)
{
	if (take_directory(s, e) < 0)
		return -1;
	s->loop = loop_new(e);
	s->metrics = metrics_new(e);
	if (s->loop == NULL || s->metrics == NULL || start_keepers(s, e) < 0)
		return -1;
	s->audit = start_audit(s->settings, &s->dir, s->store, s->log, e);
	if (s->audit == NULL)
		return err_wrap(e, "audit");
	if (start_homes(s, e) < 0)
		return -1;
	s->seen = seen_cache_new(&clock_system, e);
	if (s->seen == NULL)
		return -1;
	s->hub = hub_new(s->store, s->loop, &clock_system, s->log,
			 s->settings->max_streams, e);
	if (s->hub == NULL)
		return -1;
	if (start_limits(s, e) < 0 || start_engine(s, e) < 0)
		return -1;
	s->webhooks = start_webhooks(s->settings, &s->dir, s->store, s->hub, s->metrics,
				     s->log, e);
	if (s->webhooks == NULL)
		return err_wrap(e, "webhooks");
	s->rounds = audit_rounds_new(s->audit, s->store, s->worker, s->loop, s->log,
				     (int64_t)s->settings->audit_interval_ms, e);
	if (s->rounds == NULL)
		return err_wrap(e, "audit");
	s->jobs = job_runner_new(s->store, s->hub, s->loop, s->log, e);
	if (s->jobs == NULL)
		return -1;
	if (start_deltas(s, e) < 0)
		return -1;
	fill_api(s);
	return start_http(s, e);
}

/* ---- running ---- */

static void on_stop(void *ctx)
{
	struct server *s = ctx;

	log_info(s->log, "server", "stopping", NULL);
	loop_stop(s->loop);
}

static void reload(struct server *s)
{
	struct err e = ERR_INIT;

	if (http_server_reload(s->http, &e) < 0 ||
	    (s->scrape != NULL && http_server_reload(s->scrape, &e) < 0))
		log_failure(s->log, LOG_ERROR, "server",
			    "the certificate was not read anew, the old one stays", &e);
	else
		log_info(s->log, "server", "certificate read anew", NULL);
}

static void on_reload(void *ctx)
{
	reload(ctx);
}

static void on_seen(void *ctx)
{
	struct server *s = ctx;

	seen_flush(s->seen, s->store);
	loop_timer_set(s->seen_timer, SEEN_EVERY_MS);
}

static void on_watchdog(void *ctx)
{
	struct server *s = ctx;
	struct err ignored = ERR_INIT; /* the manager then does what it is there for */

	/* Not a word unless every thread that serves has answered since the last one. */
	if (http_server_beat(s->http) && notify_manager("WATCHDOG=1", &ignored) < 0)
		log_failure(s->log, LOG_WARN, "server", "tell the service manager",
			    &ignored);
	loop_timer_set(s->watchdog_timer, (int64_t)notify_watchdog_ms());
}

static void renew_certificate(struct server *s)
{
	struct err e = ERR_INIT;
	bool renewed = false;

	if (s->settings->certificate != NULL)
		return;
	if (ca_renew(s->ca, &renewed, &e) < 0)
		log_failure(s->log, LOG_ERROR, "server", "renew the certificate", &e);
	else if (renewed)
		reload(s);
}

static void tell_dropped(const struct server *s, const struct home *home,
			 const char *what, size_t n)
{
	char number[24];

	if (n == 0)
		return;
	(void)snprintf(number, sizeof(number), "%zu", n);
	log_info(s->log, "server", what, "n", number, "tenant", home->tenant, NULL);
}

static int sweep_home(void *ctx, struct home *home)
{
	struct server *s = ctx;
	const struct settings *c = s->settings;
	const struct retention r = {
	    .max_events = c->keep_events,
	    .events_ms = c->keep_events_ms,
	    .uploads_ms = c->keep_uploads_ms,
	    .artifacts_ms = c->keep_artifacts_ms,
	};
	struct retained dropped;
	struct err e = ERR_INIT;

	if (retain(&home->uploads, &r, clock_utc_ms(&clock_system), &dropped, &e) < 0)
		log_failure(s->log, LOG_WARN, "server", "drop what is old", &e);
	tell_dropped(s, home, "abandoned uploads dropped", dropped.n_uploads);
	tell_dropped(s, home, "unused artifacts dropped", dropped.n_artifacts);
	return 0;
}

static void sweep_homes(struct job *j)
{
	struct server *s = ((struct sweeping *)j)->server;

	(void)homes_each(s->homes, sweep_home, s);
}

static void swept_homes(struct job *j)
{
	((struct sweeping *)j)->busy = false;
}

static void start_sweeping(struct server *s)
{
	if (s->sweeping.busy)
		return;
	s->sweeping = (struct sweeping){
	    .job = {.run = sweep_homes, .done = swept_homes, .loop = s->loop},
	    .server = s,
	    .busy = true,
	};
	worker_submit(s->worker, &s->sweeping.job);
}

static int keep_house(void *ctx, struct home *home)
{
	struct server *s = ctx;

	sampler_take(home->store, s->store, s->loop);
	return 0;
}

static void on_tenants(void *ctx)
{
	struct server *s = ctx;

	homes_look(s->homes);
	loop_timer_set(s->tenants_timer, TENANTS_EVERY_MS);
}

static void on_housekeeping(void *ctx)
{
	struct server *s = ctx;

	renew_certificate(s);
	start_sweeping(s);
	(void)homes_each(s->homes, keep_house, s);
	loop_timer_set(s->housekeeping_timer, HOUSEKEEPING_EVERY_MS);
}

static int start_watch(struct server *s, struct err *e)
{
	const struct watch_config c = {
	    .homes = s->homes,
	    .worker = s->worker,
	    .metrics = s->metrics,
	    .clock = &clock_system,
	    .log = s->log,
	    .loop = s->loop,
	    .certificate = s->settings->certificate != NULL ? s->settings->certificate
							    : ca_server_path(s->ca),
	    .root = s->dir.root,
	    .every_ms = s->settings->watch_every_ms,
	};

	s->watch = watch_new(&c, e);
	return s->watch == NULL ? -1 : 0;
}

static int attach(struct server *s, struct err *e)
{
	struct loop *l = s->loop;

	if ((s->term = loop_signal_new(l, SIGTERM, on_stop, s, e)) == NULL ||
	    (s->intr = loop_signal_new(l, SIGINT, on_stop, s, e)) == NULL ||
	    (s->hup = loop_signal_new(l, SIGHUP, on_reload, s, e)) == NULL ||
	    (s->seen_timer = loop_timer_new(l, on_seen, s, e)) == NULL ||
	    (s->housekeeping_timer = loop_timer_new(l, on_housekeeping, s, e)) ==
		NULL ||
	    (s->tenants_timer = loop_timer_new(l, on_tenants, s, e)) == NULL ||
	    start_watch(s, e) < 0 ||
	    (s->watchdog_timer = loop_timer_new(l, on_watchdog, s, e)) == NULL)
		return -1;
	loop_timer_set(s->seen_timer, SEEN_EVERY_MS);
	loop_timer_set(s->housekeeping_timer, 0);
	loop_timer_set(s->tenants_timer, TENANTS_EVERY_MS);
	if (notify_watchdog_ms() > 0)
		loop_timer_set(s->watchdog_timer, 0);
	return 0;
}

/* ---- telling that it is ready ---- */

/* "https://HOST:PORT" of listener i, with the port that was really taken. */
static int listener_url(const struct server *s, size_t i, char ret[256], struct err *e)
{
	const struct option_list *l = &s->settings->listen;
	const char *spec = l->n_items > 0 ? l->items[i] : default_listen[0];
	const char *colon = strrchr(spec, ':');
	int len = colon == NULL ? 0 : (int)(colon - spec);
	bool any = strncmp(spec, "0.0.0.0:", 8) == 0 || strncmp(spec, "[::]:", 5) == 0;

	if (any)
		return text_format(ret, 256, e, "https://localhost:%u",
				   http_server_port(s->http, i));
	return text_format(ret, 256, e, "https://%.*s:%u", len, spec,
			   http_server_port(s->http, i));
}

static int describe(const struct server *s, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *urls = json_new_array();
	size_t n = s->settings->listen.n_items > 0 ? s->settings->listen.n_items : 1;
	char url[256];

	for (size_t i = 0; i < n; i++) {
		if (listener_url(s, i, url, e) < 0 ||
		    json_append(urls, json_new_text(url), e) < 0)
			return -1;
		log_info(s->log, "server", "listening", "url", url, NULL);
	}
	if (o == NULL ||
	    json_set(o, "port", json_new_int(http_server_port(s->http, 0)), e) < 0 ||
	    (s->scrape != NULL &&
	     json_set(o, "metrics_port", json_new_int(http_server_port(s->scrape, 0)),
		      e) < 0) ||
	    json_set(o, "urls", TAKE(urls), e) < 0 || json_write(o, ret, e) < 0)
		return -1;
	return buf_add_str(ret, "\n", e);
}

static int tell_ready(struct server *s, struct err *e)
{
	AUTO(buf) struct buf line = BUF_INIT(64u * 1024);
	AUTO_CLOSE int fd = (int)s->settings->ready_fd;

	if (fd == 0)
		fd = -1;
	if (describe(s, &line, e) < 0 ||
	    file_replace(s->dir.running, buf_str(&line), line.len, 0600, e) < 0)
		return -1;
	if (fd >= 0 && fd_write_full(fd, buf_str(&line), line.len, e) < 0)
		return err_wrap(e, "--ready-fd");
	return notify_manager("READY=1", e);
}

int command_run(void *values, int n, char **operands, const struct log *log,
		struct err *e)
{
	AUTO(server) struct server s = {.settings = values, .log = log, .lock_fd = -1};

	(void)n;
	(void)operands;
	if (start_all(&s, e) < 0 || attach(&s, e) < 0 || tell_ready(&s, e) < 0)
		return -1;
	if (s.settings->demo)
		log_warn(log, "server", "demo mode: keys anybody has are accepted",
			 NULL);
	if (loop_run(s.loop, e) < 0)
		return -1;
	return notify_manager("STOPPING=1", e);
}
