/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include "../../common/json/json.h"
#include "stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_BUCKETS 1024	  /* device streams of a port, by hash of the id */
#define N_REMEMBERED 4096 /* devices in a pace; a collision only tells one more */
#define VOLATILE_EVERY_MS 1000
#define SESSION_TEXT_LEN 64

struct device_stream {
	struct device_stream *next;
	struct port *port;
	struct http_stream *http;
	char device[DEVICE_ID_MAX_LEN + 1];
};

struct console_stream {
	struct console console; /* first: console_closed() frees the whole */
	struct port *port;
	struct loop_timer *end;
	char session[SESSION_TEXT_LEN + 1];
};

/* The streams of one HTTP thread; touched only there, but for `next`. */
struct port {
	struct port *next;
	struct hub *hub;
	struct loop *loop;
	struct console *consoles;
	struct device_stream *devices[N_BUCKETS];
};

/* When something volatile was told last of a device. */
struct pace {
	struct {
		uint32_t hash;
		int64_t at_ms;
	} devices[N_REMEMBERED];
};

struct hub {
	struct store *store;
	struct loop *main_loop;
	const struct clock *clock;
	const struct log *log;
	size_t max_device_streams;
	atomic_size_t n_consoles;

	pthread_mutex_t lock; /* guards what follows */
	struct port *ports;
	size_t n_device_streams;
	struct pace progress, seen;
};

static uint32_t hash_of(const char *text)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

/* ---- messages to ports: one allocation for each, freed where it arrives ---- */

enum message_kind { WAKE, POKE, PROGRESS, SEEN, LOG_OUT };

struct message {
	struct port *port;
	enum message_kind kind;
	char text[]; /* POKE: device; PROGRESS, SEEN: data; LOG_OUT: session */
};

static void poke_streams(struct port *p, const char *device)
{
	struct device_stream *next;

	for (struct device_stream *s = p->devices[hash_of(device) % N_BUCKETS];
	     s != NULL; s = next) {
		next = s->next; /* ending a stream frees it */
		if (strcmp(s->device, device) == 0 &&
		    http_stream_send(s->http, NULL, "poll", "{}") < 0)
			http_stream_end(s->http);
	}
}

static void wake_consoles(struct port *p)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		next = c->next;
		console_wake(c);
	}
}

static void show(struct port *p, const char *event, const char *data)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		next = c->next;
		if (http_stream_send(c->http, NULL, event, data) < 0)
			http_stream_end(c->http);
	}
}

static void end_consoles(struct port *p, const char *session)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		const struct console_stream *s = (const struct console_stream *)c;

		next = c->next;
		if (strcmp(s->session, session) == 0)
			http_stream_end(c->http);
	}
}

static void arrive(void *ctx)
{
	struct message *m = ctx;

	switch (m->kind) {
	case WAKE:
		wake_consoles(m->port);
		break;
	case POKE:
		poke_streams(m->port, m->text);
		break;
	case LOG_OUT:
		end_consoles(m->port, m->text);
		break;
	case SEEN:
		show(m->port, "seen", m->text);
		break;
	case PROGRESS:
	default:
		show(m->port, "progress", m->text);
		break;
	}
	free(m);
}

/* Without memory a message is lost: a poke is made up for by the next poll, a wake by
 * the next event, progress and calls by the next ones. */
static void send_to_port(struct port *p, enum message_kind kind, const char *text)
{
	size_t len = strlen(text) + 1;
	struct message *m = malloc(sizeof(*m) + len);

	if (m == NULL)
		return;
	m->port = p;
	m->kind = kind;
	memcpy(m->text, text, len);
	if (loop_wake(p->loop, arrive, m, NULL) < 0)
		free(m);
}

static void send_to_all(struct hub *h, enum message_kind kind, const char *text)
{
	pthread_mutex_lock(&h->lock);
	for (struct port *p = h->ports; p != NULL; p = p->next)
		send_to_port(p, kind, text);
	pthread_mutex_unlock(&h->lock);
}

/* ---- the hub ---- */

static void on_store_events(void *ctx)
{
	send_to_all(ctx, WAKE, "");
}

struct hub *hub_new(struct store *s, struct loop *main_loop, const struct clock *clock,
		    const struct log *log, size_t max_device_streams, struct err *e)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (h == NULL || pthread_mutex_init(&h->lock, NULL) != 0) {
		free(h);
		(void)err_nomem(e);
		return NULL;
	}
	h->store = s;
	h->main_loop = main_loop;
	h->clock = clock;
	h->log = log;
	h->max_device_streams = max_device_streams;
	store_watch(s, main_loop, on_store_events, h);
	return h;
}

void hub_free(struct hub *h)
{
	struct port *next;

	if (h == NULL)
		return;
	store_watch(h->store, NULL, NULL, NULL);
	for (struct port *p = h->ports; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct port *find_port(struct hub *h, struct loop *l)
{
	struct port *p;

	pthread_mutex_lock(&h->lock);
	for (p = h->ports; p != NULL && p->loop != l; p = p->next)
		;
	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p != NULL) {
			p->hub = h;
			p->loop = l;
			p->next = h->ports;
			h->ports = p;
		}
	}
	pthread_mutex_unlock(&h->lock);
	return p;
}

void hub_poke(struct hub *h, const char *device)
{
	send_to_all(h, POKE, device);
}

/* True at most once a second a device. */
static bool is_due(struct hub *h, struct pace *pace, const char *device)
{
	uint32_t hash = hash_of(device);
	int64_t now_ms = clock_mono_ms(h->clock);
	bool due;

	pthread_mutex_lock(&h->lock);
	due = pace->devices[hash % N_REMEMBERED].hash != hash ||
	      now_ms - pace->devices[hash % N_REMEMBERED].at_ms >= VOLATILE_EVERY_MS;
	if (due) {
		pace->devices[hash % N_REMEMBERED].hash = hash;
		pace->devices[hash % N_REMEMBERED].at_ms = now_ms;
	}
	pthread_mutex_unlock(&h->lock);
	return due;
}

void hub_progress(struct hub *h, const char *device, uint64_t deployment,
		  unsigned percent, const char *detail)
{
	AUTO_PTR(json) struct json *o = NULL;
	AUTO(buf) struct buf text = BUF_INIT(8192);
	char id[24];

	if (!is_due(h, &h->progress, device))
		return;
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)deployment);
	o = json_new_object();
	if (o == NULL || json_set(o, "device", json_new_text(device), NULL) < 0 ||
	    json_set(o, "deployment", json_new_text(id), NULL) < 0 ||
	    json_set(o, "progress", json_new_int(percent), NULL) < 0 ||
	    json_set(o, "detail",
		     detail[0] == '\0' ? json_new_null() : json_new_text(detail),
		     NULL) < 0 ||
	    json_write(o, &text, NULL) < 0)
		return;
	send_to_all(h, PROGRESS, buf_str(&text));
}

void hub_seen(struct hub *h, const char *device, int64_t at_ms)
{
	AUTO_PTR(json) struct json *o = NULL;
	AUTO(buf) struct buf text = BUF_INIT(8192);

	if (atomic_load(&h->n_consoles) == 0 || !is_due(h, &h->seen, device))
		return;
	o = json_new_object();
	if (o == NULL || json_set(o, "device", json_new_text(device), NULL) < 0 ||
	    json_set(o, "seen_at", json_new_int(at_ms), NULL) < 0 ||
	    json_write(o, &text, NULL) < 0)
		return;
	send_to_all(h, SEEN, buf_str(&text));
}

/* ---- console streams ---- */

static void on_console_close(void *ctx)
{
	struct console_stream *s = ctx;

	for (struct console **p = &s->port->consoles; *p != NULL; p = &(*p)->next) {
		if (*p == &s->console) {
			*p = s->console.next;
			break;
		}
	}
	atomic_fetch_sub(&s->port->hub->n_consoles, 1);
	loop_timer_free(TAKE(s->end));
	console_closed(&s->console);
}

static void on_console_end(void *ctx)
{
	struct console_stream *s = ctx;

	http_stream_end(s->console.http); /* frees s */
}

void hub_end_session(struct hub *h, const char *session)
{
	send_to_all(h, LOG_OUT, session);
}

static struct console_stream *console_stream_new(struct port *p, const char *session)
{
	struct console_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->port = p;
	(void)snprintf(s->session, sizeof(s->session), "%s", session);
	s->end = loop_timer_new(p->loop, on_console_end, s, NULL);
	if (s->end == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void hub_stream_console(struct hub *h, struct http_request *r, int64_t life_ms,
			const char *session)
{
	struct port *p = find_port(h, http_loop(r));
	struct console_stream *s = p == NULL ? NULL : console_stream_new(p, session);

	if (s == NULL) {
		http_refuse(r, 503, err_slug(ERR_NO_MEMORY),
			    err_meaning(ERR_NO_MEMORY));
		return;
	}
	console_init(&s->console, h->store, p->loop, http_header(r, "Last-Event-ID"));
	s->console.http = http_stream_begin(r, on_console_close, s);
	if (s->console.http == NULL) {
		loop_timer_free(s->end);
		free(s);
		return;
	}
	s->console.next = p->consoles;
	p->consoles = &s->console;
	atomic_fetch_add(&h->n_consoles, 1);
	loop_timer_set(s->end, life_ms);
	console_wake(&s->console);
}

/* ---- device streams ---- */

static void on_device_close(void *ctx)
{
	struct device_stream *s = ctx;
	struct device_stream **p = &s->port->devices[hash_of(s->device) % N_BUCKETS];

	for (; *p != NULL; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	pthread_mutex_lock(&s->port->hub->lock);
	s->port->hub->n_device_streams--;
	pthread_mutex_unlock(&s->port->hub->lock);
	free(s);
}

static bool take_place(struct hub *h)
{
	bool ok;

	pthread_mutex_lock(&h->lock);
	ok = h->n_device_streams < h->max_device_streams;
	h->n_device_streams += ok;
	pthread_mutex_unlock(&h->lock);
	return ok;
}

static void give_place_back(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	h->n_device_streams--;
	pthread_mutex_unlock(&h->lock);
}

/* Who comes back after its network changed has left a stream behind that nobody has noticed yet; and
 * one device must not take the places of all. */
static void end_old_streams(struct port *p, const char *device)
{
	struct device_stream *next;

	for (struct device_stream *s = p->devices[hash_of(device) % N_BUCKETS];
	     s != NULL; s = next) {
		next = s->next;
		if (strcmp(s->device, device) == 0)
			http_stream_end(s->http); /* frees s */
	}
}

int hub_stream_device(struct hub *h, struct http_request *r, const char *device,
		      struct err *e)
{
	struct port *p = find_port(h, http_loop(r));
	struct device_stream *s;

	if (p == NULL)
		return err_nomem(e);
	end_old_streams(p, device);
	if (!take_place(h))
		return err_set(e, ERR_BUSY, "%zu devices listen already: poll instead",
			       h->max_device_streams);
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		give_place_back(h);
		return err_nomem(e);
	}
	s->port = p;
	(void)snprintf(s->device, sizeof(s->device), "%s", device);
	s->http = http_stream_begin(r, on_device_close, s);
	if (s->http == NULL) {
		give_place_back(h);
		free(s);
		return 0;
	}
	s->next = p->devices[hash_of(device) % N_BUCKETS];
	p->devices[hash_of(device) % N_BUCKETS] = s;
	/* What was assigned between its poll and now would else wait for the next. */
	poke_streams(p, device);
	return 0;
}
