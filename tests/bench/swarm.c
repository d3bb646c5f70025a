/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota-swarm: a fleet's load on one server, from one event loop.
 *
 * `connections` callers take the devices FIRST, FIRST+1, .. one after the other, each
 * through one cycle of its script (script.h), until all `cycles` are done. With --rate a
 * cycle begins when its time has come, not when the last one ended: a slow server is
 * then seen in the latencies and not hidden by fewer questions ("coordinated omission").
 *
 *	script  get | poll | update      connections  new (one a cycle) | kept
 *	resume  percent of new connections that offer the last session ticket
 *	storm   open every connection first, drop all at once, let all come back
 *	fleet   no load at all: devices from a file that live, update and fail (live.h)
 *
 * It prints what it did; a failed cycle is counted by its cause and makes the exit status
 * 1. What the server used is measured outside (tests/bench/server.py).
 */
#include "fleet.h"
#include "histogram.h"
#include "script.h"
#include "talk.h"

#include "../../common/base/option.h"
#include "../../common/base/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PORTS_A_SOURCE 20000u
#define SOURCES_MAX 200u

struct values {
	const char *server; /* ADDRESS:PORT */
	const char *ca, *cert, *key;
	const char *script, *path, *tenant, *prefix, *seed;
	const char *fleet;
	uint64_t every_ms, pace_ms;
	uint64_t connections, cycles, first, devices, reports;
	uint64_t resume_percent, rate;
	bool kept, storm, json;
};

struct swarm;

struct caller {
	struct swarm *swarm;
	struct talk *talk;
	struct loop_timer *timer; /* with --rate */
	struct script_device device;
	int64_t begun_us; /* when the cycle was due */
	bool polled;	  /* in a storm: has had its first cycle */
};

struct swarm {
	const struct values *v;
	struct script script;
	struct loop *loop;
	struct talk_world *world;
	struct caller *callers;
	struct buf request;
	uint64_t started, ended, failed, waiting;
	uint64_t new_connections;
	int64_t begun_us;
	struct histogram latency;
	char first_failure[160];
	struct err err;
};

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void give_up(struct swarm *s)
{
	loop_stop(s->loop);
}

/* ---- one caller ---- */

/* Of each hundred new connections, resume_percent offer a ticket. */
static bool wants_resumption(struct swarm *s)
{
	return s->new_connections++ % 100u < s->v->resume_percent;
}

static void ask(struct caller *c)
{
	struct swarm *s = c->swarm;

	if (talk_ask(c->talk, buf_str(&s->request), s->request.len,
		     s->script.close ? wants_resumption(s) : true, &s->err) < 0)
		give_up(s);
}

static void begin(struct caller *c);

static void note_failure(struct caller *c, const struct talk_answer *a)
{
	struct swarm *s = c->swarm;

	if (s->failed++ == 0)
		(void)snprintf(s->first_failure, sizeof(s->first_failure),
			       "device %" PRIu64 " in step %u: status %d %s",
			       c->device.number, (unsigned)c->device.step, a->status,
			       a->error != NULL ? a->error : "");
}

static void end_storm_round(struct swarm *s)
{
	s->begun_us = now_us();
	s->latency = (struct histogram){0};
	for (uint64_t i = 0; i < s->v->connections; i++)
		talk_hang_up(s->callers[i].talk);
	for (uint64_t i = 0; i < s->v->connections; i++)
		begin(&s->callers[i]);
}

static void finish(struct caller *c)
{
	struct swarm *s = c->swarm;

	histogram_add(&s->latency, (uint64_t)(now_us() - c->begun_us));
	s->ended++;
	if (s->v->storm && !c->polled) {
		c->polled = true;
		if (++s->waiting == s->v->connections)
			end_storm_round(s);
		return;
	}
	if (s->ended == s->v->cycles)
		loop_stop(s->loop);
	else if (s->started < s->v->cycles)
		begin(c);
}

static void go_on(struct caller *c, const struct talk_answer *a)
{
	struct swarm *s = c->swarm;

	if (script_next(&s->script, &c->device, &s->request, &s->err) < 0) {
		give_up(s);
		return;
	}
	if (c->device.step == STEP_FAILED)
		note_failure(c, a);
	if (s->request.len > 0)
		ask(c);
	else
		finish(c);
}

static void answered(void *ctx, const struct talk_answer *a)
{
	struct caller *c = ctx;

	script_answer(&c->swarm->script, &c->device, a->status, a->body, a->len);
	go_on(c, a);
}

static void start_cycle(void *ctx)
{
	static const struct talk_answer nothing = {0};

	go_on(ctx, &nothing);
}

static void begin(struct caller *c)
{
	struct swarm *s = c->swarm;
	uint64_t n = s->started++;
	int64_t now = now_us();

	c->device = (struct script_device){
	    .number = s->v->first + n % s->v->devices,
	};
	c->begun_us = now;
	if (s->v->rate == 0) {
		start_cycle(c);
		return;
	}
	c->begun_us = s->begun_us + (int64_t)(n * 1000000u / s->v->rate);
	loop_timer_set(c->timer, c->begun_us > now ? (c->begun_us - now) / 1000 : 0);
}

/* ---- the whole ---- */

static int parse_server(const struct values *v, struct talk_config *ret, char host[64],
			struct err *e)
{
	const char *colon = strrchr(v->server, ':');
	uint64_t port;

	if (colon == NULL || (size_t)(colon - v->server) >= 64 ||
	    parse_u64(colon + 1, &port, e) < 0 || port == 0 || port > 65535)
		return err_set(e, ERR_USAGE, "--server wants ADDRESS:PORT, not \"%s\"",
			       v->server);
	memcpy(host, v->server, (size_t)(colon - v->server));
	host[colon - v->server] = '\0';
	ret->to = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &ret->to.sin_addr) != 1)
		return err_set(e, ERR_USAGE, "\"%s\" is no IPv4 address", host);
	ret->host = host;
	return 0;
}

static int read_script(const struct values *v, struct script *ret, struct err *e)
{
	static const char *const names[N_SCRIPT_KINDS] = {"get", "poll", "update"};

	*ret = (struct script){.host = v->server,
			       .path = v->path,
			       .tenant = v->tenant,
			       .prefix = v->prefix,
			       .seed = v->seed,
			       .reports = (unsigned)v->reports,
			       .close = !v->kept};
	for (unsigned i = 0; i < N_SCRIPT_KINDS; i++) {
		if (strcmp(v->script, names[i]) == 0) {
			ret->kind = (enum script_kind)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "there is no script \"%s\"", v->script);
}

static int check(const struct values *v, struct err *e)
{
	if (v->server == NULL || v->ca == NULL)
		return err_set(e, ERR_USAGE, "--server and --ca are needed");
	if ((v->cert == NULL) != (v->key == NULL))
		return err_set(e, ERR_USAGE, "--cert and --key go together");
	if (v->connections == 0 || v->cycles == 0 || v->devices == 0 ||
	    v->resume_percent > 100)
		return err_set(e, ERR_USAGE,
			       "--connections, --cycles and --devices begin at 1, "
			       "--resume ends at 100");
	return 0;
}

/* Descriptors for all connections, or a sentence. */
static int allow_files(const struct values *v, struct err *e)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return err_sys(e, "ask for the limit of open files");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		return err_sys(e, "raise the limit of open files");
	if (r.rlim_cur < v->connections + 16)
		return err_set(e, ERR_LIMIT,
			       "%" PRIu64
			       " connections, but only %ju files may be open",
			       v->connections, (uintmax_t)r.rlim_cur);
	return 0;
}

/* Short connections stay in TIME_WAIT: enough source addresses that ports never end. */
static unsigned n_sources(const struct values *v)
{
	uint64_t most = v->kept ? v->connections : v->cycles;
	uint64_t n = most / PORTS_A_SOURCE + 1;

	if (most < PORTS_A_SOURCE)
		return 0;
	return n > SOURCES_MAX ? SOURCES_MAX : (unsigned)n;
}

static int make_callers(struct swarm *s, struct err *e)
{
	unsigned sources = n_sources(s->v);

	s->callers = calloc(s->v->connections, sizeof(*s->callers));
	if (s->callers == NULL)
		return err_nomem(e);
	for (uint64_t i = 0; i < s->v->connections; i++) {
		struct caller *c = &s->callers[i];
		unsigned source = sources == 0 ? 0 : 2u + (unsigned)(i % sources);

		c->swarm = s;
		c->talk = talk_new(s->world, source, answered, c, e);
		c->timer = loop_timer_new(s->loop, start_cycle, c, e);
		if (c->talk == NULL || c->timer == NULL)
			return -1;
	}
	return 0;
}

static void swarm_fini(struct swarm *s)
{
	for (uint64_t i = 0; s->callers != NULL && i < s->v->connections; i++) {
		talk_free(s->callers[i].talk);
		loop_timer_free(s->callers[i].timer);
	}
	free(s->callers);
	talk_world_free(s->world);
	loop_free(s->loop);
	buf_fini(&s->request);
}

static int run(struct swarm *s, struct err *e)
{
	const struct values *v = s->v;
	uint64_t n = v->connections < v->cycles ? v->connections : v->cycles;

	s->begun_us = now_us();
	for (uint64_t i = 0; i < n; i++)
		begin(&s->callers[i]);
	if (loop_run(s->loop, e) < 0)
		return -1;
	if (s->err.code != ERR_NONE)
		*e = s->err;
	return s->err.code == ERR_NONE ? 0 : -1;
}

/* ---- telling ---- */

static double ms(const struct swarm *s, double percent)
{
	return (double)histogram_percentile(&s->latency, percent) / 1000.0;
}

static void tell_json(const struct swarm *s, const struct talk_counts *c,
		      double seconds)
{
	printf("{\"cycles\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.3f,"
	       "\"per_second\":%.1f,\"full\":%" PRIu64 ",\"resumed\":%" PRIu64
	       ",\"bytes_in\":%" PRIu64 ",",
	       s->latency.count, s->failed, seconds, (double)s->latency.count / seconds,
	       c->full, c->resumed, c->bytes_in);
	printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
	       "\"worst_ms\":%.3f}\n",
	       ms(s, 50), ms(s, 90), ms(s, 99), ms(s, 99.9), ms(s, 100));
}

static void tell(const struct swarm *s)
{
	const struct talk_counts *c = talk_world_counts(s->world);
	double seconds = (double)(now_us() - s->begun_us) / 1e6;

	if (s->v->json) {
		tell_json(s, c, seconds);
		return;
	}
	printf("%" PRIu64 " cycles, %" PRIu64 " failed, in %.3f s: %.0f a second\n",
	       s->latency.count, s->failed, seconds,
	       (double)s->latency.count / seconds);
	printf("handshakes: %" PRIu64 " full, %" PRIu64 " resumed; %" PRIu64
	       " bytes in\n",
	       c->full, c->resumed, c->bytes_in);
	printf("latency ms: 50 %% %.2f, 90 %% %.2f, 99 %% %.2f, 99.9 %% %.2f, worst "
	       "%.2f\n",
	       ms(s, 50), ms(s, 90), ms(s, 99), ms(s, 99.9), ms(s, 100));
}

static int live(const struct values *v, const struct talk_config *config, struct err *e)
{
	struct fleet_options o = {.file = v->fleet,
				  .host = v->server,
				  .tenant = v->tenant,
				  .every_ms = v->every_ms,
				  .pace_ms = v->pace_ms,
				  .json = v->json};

	return fleet_run(&o, config, e);
}

static int command_swarm(void *values, int n, char **operands, const struct log *log,
			 struct err *e)
{
	struct values *v = values;
	struct talk_config config = {.ca = v->ca, .cert = v->cert, .key = v->key};
	struct swarm s = {.v = v, .request = BUF_INIT(8192), .err = ERR_INIT};
	char host[64];
	int result = -1;

	(void)n;
	(void)operands;
	(void)log;
	if (check(v, e) < 0 || parse_server(v, &config, host, e) < 0 ||
	    read_script(v, &s.script, e) < 0 || allow_files(v, e) < 0)
		return -1;
	if (v->fleet != NULL)
		return live(v, &config, e);
	if (v->storm)
		v->cycles = 2 * v->connections;
	s.loop = loop_new(e);
	if (s.loop != NULL)
		s.world = talk_world_new(&config, s.loop, e);
	if (s.world != NULL && make_callers(&s, e) == 0 && run(&s, e) == 0) {
		tell(&s);
		result =
		    s.failed == 0
			? 0
			: err_set(e, ERR_IO, "%" PRIu64 " cycles failed, the first: %s",
				  s.failed, s.first_failure);
	}
	swarm_fini(&s);
	return result;
}

#define AT(field) offsetof(struct values, field)
static const struct option options[] = {
    {NULL, "server", OPT_TEXT, AT(server), NULL, "ADDRESS:PORT", "Whom to call"},
    {NULL, "ca", OPT_PATH, AT(ca), NULL, "FILE", "CA certificates to trust"},
    {NULL, "cert", OPT_PATH, AT(cert), NULL, "FILE", "Client certificate"},
    {NULL, "key", OPT_PATH, AT(key), NULL, "FILE", "Its key"},
    {NULL, "script", OPT_TEXT, AT(script), "poll", "NAME", "get, poll or update"},
    {NULL, "path", OPT_TEXT, AT(path), "/", "PATH", "What get asks for"},
    {NULL, "tenant", OPT_TEXT, AT(tenant), "default", "NAME", "Tenant of the devices"},
    {NULL, "prefix", OPT_TEXT, AT(prefix), "swarm-", "TEXT",
     "What a device's id begins with"},
    {NULL, "seed", OPT_TEXT, AT(seed), "", "TEXT", "Of the devices' tokens"},
    {NULL, "connections", OPT_U64, AT(connections), "100", "N", "Callers at once"},
    {NULL, "cycles", OPT_U64, AT(cycles), "1000", "N", "Cycles of the script in all"},
    {NULL, "first", OPT_U64, AT(first), "0", "N", "Number of the first device"},
    {NULL, "devices", OPT_U64, AT(devices), "1000", "N", "How many devices take turns"},
    {NULL, "reports", OPT_U64, AT(reports), "3", "N",
     "Reports of an update before the last one"},
    {NULL, "resume", OPT_U64, AT(resume_percent), "100", "PERCENT",
     "New connections that offer a session ticket"},
    {NULL, "rate", OPT_U64, AT(rate), "0", "N",
     "Cycles that begin in a second; 0: as fast as they end"},
    {NULL, "kept", OPT_FLAG, AT(kept), NULL, NULL,
     "Keep connections between cycles instead of a new one each"},
    {NULL, "storm", OPT_FLAG, AT(storm), NULL, NULL,
     "Every caller connects, all are cut at once, all come back"},
    {NULL, "fleet", OPT_PATH, AT(fleet), NULL, "FILE",
     "Be the devices of this list until told to end, instead of a script"},
    {NULL, "every", OPT_DURATION, AT(every_ms), "5s", "TIME",
     "With --fleet: between two polls of a device"},
    {NULL, "pace", OPT_DURATION, AT(pace_ms), "1s", "TIME",
     "With --fleet: between two steps of an update"},
    {NULL, "json", OPT_FLAG, AT(json), NULL, NULL, "Print JSON for scripts"},
    OPTION_END,
};

int main(int argc, char **argv)
{
	static const struct command commands[] = {
	    {"", "", 0, 0, NULL, "Run", command_swarm},
	    {.name = NULL},
	};
	struct values values = {0};
	const struct program p = {
	    .name = "ota-swarm",
	    .summary = "Put the load of a fleet on a server",
	    .description = "Speaks the device API over TLS from one event loop, as "
			   "tens of thousands of devices, and prints latencies.",
	    .options = options,
	    .commands = commands,
	    .values = &values,
	};

	return program_main(&p, argc, argv);
}
